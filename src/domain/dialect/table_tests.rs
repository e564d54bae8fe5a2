//! The rows as models see them: what each generation takes.

use super::*;
use crate::domain::dialect::{Back, Dialect, Format, Lowest, Prefill, Quiet, Schema, System, Taken, resolve};

fn claude(code: &str) -> Dialect {
    resolve(Wire::Anthropic, "anthropic", None, code, None)
}

fn gemini(code: &str) -> Dialect {
    resolve(Wire::Gemini, "gemini", None, code, None)
}

fn openai(code: &str) -> Dialect {
    resolve(Wire::OpenAi, "openai", None, code, None)
}

#[test]
fn the_thinking_of_claude_follows_the_generation() {
    let adaptive = |quiet, xhigh| Thinking::Adaptive { quiet, xhigh };
    for (code, thinking) in [
        ("claude-3-5-haiku-latest", Thinking::Absent),
        ("claude-3-7-sonnet-20250219", Thinking::Budget),
        ("claude-haiku-4-5", Thinking::Budget),
        ("claude-sonnet-4-20250514", Thinking::Budget),
        ("claude-opus-4-6", adaptive(Quiet::Silence, false)),
        ("anthropic/claude-sonnet-4.6", adaptive(Quiet::Silence, false)),
        ("claude-opus-4-8", adaptive(Quiet::Silence, true)),
        ("claude-opus-5", adaptive(Quiet::Disabled, true)),
        ("claude-sonnet-5", adaptive(Quiet::Disabled, true)),
        ("claude-haiku-5-5", adaptive(Quiet::Disabled, true)),
        ("claude-sonnet-5-5", adaptive(Quiet::BetweenTools, true)),
        ("claude-opus-5-5", adaptive(Quiet::LowEffort, true)),
        ("claude-fable-5", adaptive(Quiet::LowEffort, true)),
        ("claude-fable-5-1", adaptive(Quiet::LowEffort, true)),
        ("claude-mythos-preview", adaptive(Quiet::LowEffort, true)),
        ("claude-next", adaptive(Quiet::LowEffort, true)),
        ("kimi-k2", Thinking::Budget),
    ] {
        assert_eq!(claude(code).thinking, thinking, "{code}");
    }
}

#[test]
fn what_else_claude_takes_ends_with_a_generation() {
    for (code, sampling, together, forced, prefill, format) in [
        ("claude-sonnet-4-20250514", Taken::WithoutReasoning, false, true, Prefill::Taken, Format::Words),
        ("claude-haiku-4-5", Taken::WithoutReasoning, false, true, Prefill::Taken, Format::SchemaOnly),
        ("claude-sonnet-4-6", Taken::WithoutReasoning, false, true, Prefill::Refused, Format::SchemaOnly),
        ("claude-opus-4-7", Taken::Never, false, true, Prefill::Refused, Format::SchemaOnly),
        ("claude-opus-5", Taken::Never, false, true, Prefill::Refused, Format::SchemaOnly),
        ("claude-haiku-5-5", Taken::Never, false, true, Prefill::Refused, Format::SchemaOnly),
        ("claude-fable-5-1", Taken::Never, false, false, Prefill::Refused, Format::SchemaOnly),
        ("claude-opus-5-5", Taken::Never, false, false, Prefill::Refused, Format::SchemaOnly),
        ("kimi-k2", Taken::WithoutReasoning, true, true, Prefill::Taken, Format::Words),
    ] {
        let dialect = claude(code);
        assert_eq!((dialect.temperature, dialect.top_p), (sampling, sampling), "{code}");
        assert_eq!(dialect.temperature_with_top_p, together, "{code}");
        assert_eq!(dialect.forced_tools, forced, "{code}");
        assert_eq!(dialect.prefill, prefill, "{code}");
        assert_eq!(dialect.response_format, format, "{code}");
        assert_eq!(dialect.strict_tools, format == Format::SchemaOnly, "{code}");
    }
    let kimi = claude("kimi-k2");
    assert_eq!((kimi.schema, kimi.reasoning_back, kimi.file_id), (Schema::PlainTop, Back::Proof, false));
}

#[test]
fn what_gemini_takes_follows_the_generation() {
    let tokens = |least| Thinking::BudgetTokens { least };
    let level = |minimal| Thinking::Level { minimal };
    for (code, thinking, sampling, is_third) in [
        ("gemini-2.0-flash", Thinking::Absent, Taken::Always, false),
        ("gemma-4-31b-it", Thinking::Absent, Taken::Always, false),
        ("gemini-2.5-flash", tokens(0), Taken::Always, false),
        ("gemini-2.5-flash-lite", tokens(0), Taken::Always, false),
        ("gemini-2.5-pro", tokens(128), Taken::Always, false),
        ("gemini-3-flash-preview", level(true), Taken::Always, true),
        ("gemini-3.1-flash-lite", level(true), Taken::Always, true),
        ("gemini-3.1-pro-preview", level(false), Taken::Always, true),
        ("gemini-3.5-flash", level(true), Taken::Always, true),
        ("gemini-3.5-flash-lite", level(true), Taken::Never, true),
        ("gemini-3.6-flash", level(true), Taken::Never, true),
        ("gemini-3.8-flash", level(false), Taken::Never, true),
        ("gemini-4-argon", level(false), Taken::Never, true),
        ("gemini-flash-latest", level(false), Taken::Never, true),
    ] {
        let dialect = gemini(code);
        assert_eq!((dialect.thinking, dialect.temperature), (thinking, sampling), "{code}");
        assert_eq!((dialect.signed_calls, dialect.format_with_tools), (is_third, is_third), "{code}");
        assert!(dialect.user_first && dialect.audio && dialect.schema == Schema::LoneRefs, "{code}");
    }
}

#[test]
fn what_openais_models_take_follows_the_generation() {
    let effort = |lowest, xhigh| Thinking::Effort { lowest, xhigh, max: false };
    let all = |lowest| Thinking::Effort { lowest, xhigh: true, max: true };
    for (code, thinking, sampling) in [
        ("gpt-4.1-mini", all(Lowest::Both), Taken::Always),
        ("o3", effort(Lowest::Low, false), Taken::Never),
        ("o4-mini-2025-04-16", effort(Lowest::Low, false), Taken::Never),
        ("gpt-5", effort(Lowest::Minimal, false), Taken::Never),
        ("gpt-5-nano-2025-08-07", effort(Lowest::Minimal, false), Taken::Never),
        ("gpt-5.1", effort(Lowest::None, false), Taken::WithoutReasoning),
        ("gpt-5.2-2025-12-11", effort(Lowest::None, true), Taken::WithoutReasoning),
        ("gpt-5.2-pro", effort(Lowest::None, true), Taken::Never),
        ("gpt-5.3-codex", effort(Lowest::None, true), Taken::Never),
        ("gpt-5-chat-latest", Thinking::Absent, Taken::Always),
        ("GPT-5.4", effort(Lowest::None, true), Taken::WithoutReasoning),
        ("gpt-5.6-sol", all(Lowest::None), Taken::WithoutReasoning),
    ] {
        let dialect = openai(code);
        assert_eq!((dialect.thinking, dialect.temperature), (thinking, sampling), "{code}");
    }
    for (code, with_tools) in
        [("gpt-5.3", true), ("gpt-5.4", false), ("gpt-5.6-mini", false), ("gpt-4.1", true)]
    {
        assert_eq!(openai(code).thinking_with_tools, with_tools, "{code}");
    }
    assert!(openai("gpt-4o-audio-preview").audio && !openai("gpt-4o").audio);
    let opus = resolve(Wire::OpenAi, "openrouter", None, "anthropic/claude-opus-4.6", None);
    assert_eq!((opus.prefill, opus.cache_points), (Prefill::Refused, true));
}

#[test]
fn what_open_models_take_is_theirs_wherever_they_are_served() {
    let of = |provider: &str, code: &str| resolve(Wire::OpenAi, provider, None, code, None);
    for provider in ["llamacpp", "ollama", "sglang", "lmstudio"] {
        assert_eq!(of(provider, "Qwen/Qwen3.6-27B").system, System::One, "{provider}");
    }
    for (provider, code, is_forced) in [
        ("deepseek", "deepseek-v4-flash", false),
        ("deepseek", "deepseek-chat", true),
        ("moonshot", "kimi-k3", false),
        ("moonshot", "moonshot-v1-8k", true),
    ] {
        assert_eq!(of(provider, code).forced_tools, is_forced, "{code}");
    }
    let qwen = of("groq", "qwen/qwen3-32b");
    assert_eq!((qwen.thinking, qwen.format_with_tools), (Thinking::Absent, false));
}

#[test]
fn every_row_names_families_and_extras_there_are() {
    for row in ROWS.iter().copied().flatten() {
        for family in row.families {
            assert!(crate::domain::dialect::FAMILIES.contains(family), "{family}");
        }
        for name in row.without {
            assert!(crate::domain::extra::Extra::find(name).is_some(), "{name}");
        }
        for pattern in row.models {
            assert_eq!(*pattern, pattern.to_lowercase(), "codes are compared in lower case");
        }
        assert!(row.from < row.below, "{:?}", row.models);
    }
}
