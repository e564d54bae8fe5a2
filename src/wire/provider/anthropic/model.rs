//! What the generations of Claude accept.
//!
//! Each rule is a version bound rather than a list of codes, so a model that comes out tomorrow is taken for the
//! newest known generation. A code without `claude` in it belongs to another maker's server that speaks this
//! protocol, and gets the form all of them understand.

use crate::wire::provider::version::{Version, version, words};

/// What a request to one model may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Traits {
    pub thinking: Thinking,
    pub sampling: Sampling,
    /// Whether `tool_choice` may force a tool (`any`, `tool`).
    pub forced_tools: bool,
    /// Whether `output_config.format` and `strict` tools exist.
    pub schemas: bool,
}

/// How much thinking is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thinking {
    Absent,
    /// `thinking.budget_tokens`; off unless asked for.
    Budget,
    /// `thinking.type: adaptive` with `output_config.effort`.
    Effort {
        quiet: Quiet,
        xhigh: bool,
    },
}

/// How an effort of `none` is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quiet {
    /// Thinking is off unless asked for.
    Silence,
    /// `thinking.type: disabled`.
    Disabled,
    /// `thinking.type: between_tools`.
    BetweenTools,
    /// Thinking cannot be switched off: the lowest effort.
    LowEffort,
}

/// Which of `temperature` and `top_p` are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sampling {
    Both,
    /// Either, not both.
    One,
    Neither,
}

/// The traits of a model, by its code.
pub(super) fn traits(code: &str) -> Traits {
    if !words(code).any(|word| word == "claude") {
        return Traits {
            thinking: Thinking::Budget,
            sampling: Sampling::Both,
            forced_tools: true,
            schemas: false,
        };
    }
    let version = version(code).unwrap_or((u8::MAX, 0));
    Traits {
        thinking: thinking(code, version),
        sampling: if version >= (4, 7) { Sampling::Neither } else { Sampling::One },
        forced_tools: version < (5, 1) || family(code, "haiku"),
        schemas: version >= (4, 5),
    }
}

fn thinking(code: &str, version: Version) -> Thinking {
    if version < (3, 7) {
        return Thinking::Absent;
    }
    if version < (4, 6) {
        return Thinking::Budget;
    }
    Thinking::Effort { quiet: quiet(code, version), xhigh: version >= (4, 7) }
}

fn quiet(code: &str, version: Version) -> Quiet {
    if version < (5, 0) {
        Quiet::Silence
    } else if family(code, "fable") || family(code, "mythos") {
        Quiet::LowEffort
    } else if version < (5, 1) || family(code, "haiku") {
        Quiet::Disabled
    } else if family(code, "sonnet") {
        Quiet::BetweenTools
    } else {
        Quiet::LowEffort
    }
}

fn family(code: &str, name: &str) -> bool {
    words(code).any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet_of(code: &str) -> Option<Quiet> {
        match traits(code).thinking {
            Thinking::Effort { quiet, .. } => Some(quiet),
            Thinking::Absent | Thinking::Budget => None,
        }
    }

    #[test]
    fn thinking_follows_the_generation() {
        assert_eq!(traits("claude-3-5-haiku-latest").thinking, Thinking::Absent);
        assert_eq!(traits("claude-3-7-sonnet-20250219").thinking, Thinking::Budget);
        assert_eq!(traits("claude-haiku-4-5").thinking, Thinking::Budget);
        assert_eq!(
            traits("claude-opus-4-6").thinking,
            Thinking::Effort { quiet: Quiet::Silence, xhigh: false }
        );
        assert_eq!(
            traits("claude-opus-4-8").thinking,
            Thinking::Effort { quiet: Quiet::Silence, xhigh: true }
        );
    }

    #[test]
    fn no_thinking_is_said_as_each_model_wants_it() {
        assert_eq!(quiet_of("claude-opus-5"), Some(Quiet::Disabled));
        assert_eq!(quiet_of("claude-sonnet-5"), Some(Quiet::Disabled));
        assert_eq!(quiet_of("claude-haiku-5-5"), Some(Quiet::Disabled));
        assert_eq!(quiet_of("claude-sonnet-5-5"), Some(Quiet::BetweenTools));
        for code in
            ["claude-opus-5-5", "claude-fable-5", "claude-fable-5-1", "claude-mythos-preview", "claude-next"]
        {
            assert_eq!(quiet_of(code), Some(Quiet::LowEffort), "{code}");
        }
    }

    #[test]
    fn sampling_and_forced_tools_end_with_a_generation() {
        assert_eq!(traits("claude-sonnet-4-6").sampling, Sampling::One);
        assert_eq!(traits("claude-opus-4-7").sampling, Sampling::Neither);
        assert_eq!(traits("kimi-k2").sampling, Sampling::Both);
        for (code, forced) in [
            ("claude-opus-5", true),
            ("claude-fable-5", true),
            ("claude-haiku-5-5", true),
            ("claude-fable-5-1", false),
            ("claude-opus-5-5", false),
            ("claude-sonnet-5-5", false),
        ] {
            assert_eq!(traits(code).forced_tools, forced, "{code}");
        }
    }
}
