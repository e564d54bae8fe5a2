//! What the generations of Gemini accept.
//!
//! Rules are version bounds, so that a model that comes out tomorrow is taken for the newest known generation. A
//! code without `gemini` in it (Gemma) takes neither thinking nor signatures.

use crate::wire::provider::version::{version, words};

/// What a request to one model may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Traits {
    pub thinking: Thinking,
    /// Whether `temperature` and `topP` mean anything.
    pub sampling: bool,
    /// Gemini 3 and later: function calls have identifiers and signatures, and JSON goes together with tools.
    pub third_generation: bool,
}

/// How much thinking is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thinking {
    Absent,
    /// `thinkingBudget`, in tokens; the least it can be is 0 or, where thinking cannot be switched off, more.
    Budget {
        least: u32,
    },
    /// `thinkingLevel`; `LOW` is every model's, `MINIMAL` is not.
    Level {
        minimal: bool,
    },
}

/// The traits of a model, by its code.
pub(super) fn traits(code: &str) -> Traits {
    let has = |name: &str| words(code).any(|word| word == name);
    if !has("gemini") {
        return Traits { thinking: Thinking::Absent, sampling: true, third_generation: false };
    }
    let version = version(code).unwrap_or((u8::MAX, 0));
    let thinking = if version < (2, 5) {
        Thinking::Absent
    } else if version < (3, 0) {
        Thinking::Budget { least: if has("pro") { 128 } else { 0 } }
    } else {
        Thinking::Level { minimal: version < (3, 7) && !has("pro") }
    };
    Traits {
        thinking,
        sampling: version < (3, 6) && !(version == (3, 5) && has("lite")),
        third_generation: version >= (3, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinking_follows_the_generation() {
        for (code, thinking) in [
            ("gemini-2.0-flash", Thinking::Absent),
            ("gemma-4-31b-it", Thinking::Absent),
            ("gemini-2.5-flash", Thinking::Budget { least: 0 }),
            ("gemini-2.5-flash-lite", Thinking::Budget { least: 0 }),
            ("gemini-2.5-pro", Thinking::Budget { least: 128 }),
            ("gemini-3-flash-preview", Thinking::Level { minimal: true }),
            ("gemini-3.1-flash-lite", Thinking::Level { minimal: true }),
            ("gemini-3.1-pro-preview", Thinking::Level { minimal: false }),
            ("gemini-3.6-flash", Thinking::Level { minimal: true }),
            ("gemini-3.8-flash", Thinking::Level { minimal: false }),
            ("gemini-4-argon", Thinking::Level { minimal: false }),
            ("gemini-flash-latest", Thinking::Level { minimal: false }),
        ] {
            assert_eq!(traits(code).thinking, thinking, "{code}");
        }
    }

    #[test]
    fn sampling_ends_with_a_generation() {
        for (code, sampling) in [
            ("gemini-2.5-pro", true),
            ("gemini-3.5-flash", true),
            ("gemini-3.5-flash-lite", false),
            ("gemini-3.6-flash", false),
            ("gemini-4-argon", false),
            ("gemma-4-31b-it", true),
        ] {
            assert_eq!(traits(code).sampling, sampling, "{code}");
        }
    }
}
