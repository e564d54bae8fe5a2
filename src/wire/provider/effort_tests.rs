//! Every effort on every generation: what is asked for is the effort itself, or a warning says that it is another.

use serde_json::{Value, json};

use super::{Encoded, Target, encode};
use crate::domain::dialect;
use crate::domain::message::{ChatRequest, Message, ReasoningEffort, Sampling, Tool};
use crate::domain::provider::Wire;
use crate::domain::warning::Code;

const ALL: [ReasoningEffort; 7] = [
    ReasoningEffort::None,
    ReasoningEffort::Minimal,
    ReasoningEffort::Low,
    ReasoningEffort::Medium,
    ReasoningEffort::High,
    ReasoningEffort::Xhigh,
    ReasoningEffort::Max,
];

/// What the body says of the effort, in one word, and how the warning of it is called.
fn asked(wire: Wire, provider: &str, code: &str, effort: ReasoningEffort, tools: bool) -> String {
    let tool = || Tool { name: "f".into(), description: None, parameters: None, strict: None, cache: None };
    let request = ChatRequest {
        messages: vec![Message::user("Hi")],
        tools: if tools { vec![tool()] } else { Vec::new() },
        sampling: Sampling {
            reasoning_effort: Some(effort),
            max_output_tokens: Some(20_000),
            ..Sampling::default()
        },
        ..ChatRequest::default()
    };
    let dialect = dialect::resolve(wire, provider, None, code, None);
    let Encoded { outgoing, warnings, .. } = encode(Target { dialect: &dialect, code }, &request, false);
    let body: Value = serde_json::from_slice(&outgoing.body).unwrap();
    let config = &body["generationConfig"]["thinkingConfig"];
    let sent = [
        &body["reasoning_effort"],
        &body["output_config"]["effort"],
        &body["thinking"]["budget_tokens"],
        &body["thinking"]["type"],
        &config["thinkingBudget"],
        &config["thinkingLevel"],
    ];
    let sent = sent.into_iter().find(|value| !value.is_null()).cloned().unwrap_or(json!("-"));
    let sent = sent.as_str().map_or_else(|| sent.to_string(), str::to_lowercase);
    let warned = warnings.iter().filter(|warning| warning.field == "reasoning_effort");
    let warned: Vec<&str> = warned
        .map(|warning| match warning.code {
            Code::Adapted => "~",
            Code::NotTaken => "!",
            _ => "?",
        })
        .collect();
    format!("{sent}{}", warned.concat())
}

/// From `none` to `max`; `~` is another than the one asked for, `!` is left out.
#[test]
fn what_is_asked_for_is_the_effort_itself_or_a_warning_says_that_it_is_another() {
    let openai = |provider, code, expected| (Wire::OpenAi, provider, code, false, expected);
    let claude = |code, tools, expected| (Wire::Anthropic, "anthropic", code, tools, expected);
    let gemini = |code, expected| (Wire::Gemini, "gemini", code, false, expected);
    for (wire, provider, code, tools, expected) in [
        openai("mine", "m", "none minimal low medium high xhigh max"),
        openai("openai", "o3", "low~ low~ low medium high high~ high~"),
        openai("openai", "gpt-5", "minimal~ minimal low medium high high~ high~"),
        openai("openai", "gpt-5.1", "none low~ low medium high high~ high~"),
        openai("openai", "gpt-5.2", "none low~ low medium high xhigh xhigh~"),
        openai("openai", "gpt-5.6-sol", "none low~ low medium high xhigh max"),
        openai("groq", "openai/gpt-oss-120b", "low~ low~ low medium high high~ high~"),
        openai("deepseek", "deepseek-v4-pro", "low~ low~ low medium high xhigh max"),
        openai("xai", "grok-4", "-! -! -! -! -! -! -!"),
        claude("claude-3-5-haiku-latest", false, "- -! -! -! -! -! -!"),
        claude("claude-haiku-4-5", false, "- 4000~ 4000 10000 16000 18000 18000~"),
        claude("claude-opus-4-6", false, "- low~ low medium high max~ max"),
        claude("claude-opus-4-8", false, "- low~ low medium high xhigh max"),
        claude("claude-opus-5", false, "disabled low~ low medium high xhigh max"),
        claude("claude-sonnet-5-5", false, "between_tools low~ low medium high xhigh max"),
        claude("claude-sonnet-5-5", true, "between_tools~ low~ low medium high xhigh max"),
        claude("claude-opus-5-5", false, "low~ low~ low medium high xhigh max"),
        gemini("gemini-2.0-flash", "- -! -! -! -! -! -!"),
        gemini("gemini-2.5-flash", "0 1024~ 1024 8192 24576 24576~ 24576~"),
        gemini("gemini-2.5-pro", "128~ 1024~ 1024 8192 24576 24576~ 24576~"),
        gemini("gemini-3-pro", "low~ low~ low medium high high~ high~"),
        gemini("gemini-3.6-flash", "minimal~ minimal low medium high high~ high~"),
        (
            Wire::WorkersAi,
            "workers-ai",
            "@cf/openai/gpt-oss-120b",
            false,
            "- low~ low medium high high~ high~",
        ),
        (Wire::WorkersAi, "workers-ai", "@cf/meta/llama-3", false, "- -! -! -! -! -! -!"),
    ] {
        let found: Vec<String> =
            ALL.into_iter().map(|effort| asked(wire, provider, code, effort, tools)).collect();
        assert_eq!(found.join(" "), expected, "{code}");
    }
}
