//! `POST /messages`: the request.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::messages::{self, Block, Turn};
use super::model::{self, Quiet, Sampling, Thinking, Traits};
use super::schema;
use crate::domain::message::{ChatRequest, ReasoningEffort, ResponseFormat, Tool, ToolChoice};
use crate::wire::provider::json;
use crate::wire::provider::{Outgoing, Target};
use crate::wire::to_json;

const VERSION: &str = "2023-06-01";
/// `max_tokens` is required. The service fills the limit in from the catalogue; this is for models it has none for.
const DEFAULT_MAX_TOKENS: u32 = 4096;
/// The API's bounds of a thinking budget: its least, and the most it recommends for one request.
const BUDGET: std::ops::RangeInclusive<u32> = 1024..=32_000;
/// The API refuses a longer `user_id`.
const USER_ID_CHARS: usize = 256;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block<'a>>,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<ThinkingBody>,
    #[serde(skip_serializing_if = "OutputConfig::is_empty")]
    output_config: OutputConfig,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
}

#[derive(Serialize)]
struct ToolBody<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: Schema<'a>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Schema<'a> {
    Untouched(&'a RawValue),
    Rewritten(Value),
}

#[derive(Serialize)]
struct Choice<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disable_parallel_tool_use: bool,
}

#[derive(Clone, Copy, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ThinkingBody {
    Enabled {
        budget_tokens: u32,
    },
    /// From 4.7 on thinking arrives empty unless its summary is asked for.
    Adaptive {
        display: &'static str,
    },
    Disabled,
    BetweenTools,
}

#[derive(Default, Serialize)]
struct OutputConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format {
    JsonSchema { schema: Value },
}

#[derive(Serialize)]
struct Metadata {
    user_id: String,
}

impl OutputConfig {
    fn is_empty(&self) -> bool {
        self.effort.is_none() && self.format.is_none()
    }
}

/// Writes the request for this model.
pub fn encode(target: Target<'_>, request: &ChatRequest, stream: bool) -> Outgoing {
    let traits = model::traits(target.code);
    let max_tokens = request.sampling.max_output_tokens.unwrap_or(DEFAULT_MAX_TOKENS);
    let (mut system, messages) = messages::conversation(&request.messages);
    let format = format(traits, &request.response_format);
    if format.is_none() {
        system.extend(json::instruction(&request.response_format).map(Block::text));
    }
    system.extend(said_choice(traits, request).map(Block::text));
    let (thinking, effort) = thinking(traits, request, max_tokens);
    let (temperature, top_p) = sampling(traits, request, thinking);
    let body = Body {
        model: target.code,
        max_tokens,
        stream,
        system,
        messages,
        tools: request.tools.iter().map(|spec| tool(traits, spec)).collect(),
        tool_choice: tool_choice(traits, request),
        thinking,
        output_config: OutputConfig { effort, format },
        temperature,
        top_p,
        stop_sequences: stop_sequences(&request.sampling.stop),
        metadata: request.user.as_deref().map(metadata),
    };
    Outgoing {
        path: "/messages".to_owned(),
        headers: vec![("anthropic-version", VERSION.to_owned())],
        body: to_json(&body).into(),
    }
}

fn format(traits: Traits, format: &ResponseFormat) -> Option<Format> {
    match format {
        ResponseFormat::JsonSchema { schema, .. } if traits.schemas => {
            Some(Format::JsonSchema { schema: schema::subset(schema) })
        }
        _ => None,
    }
}

fn tool(traits: Traits, tool: &Tool) -> ToolBody<'_> {
    let strict = traits.schemas && tool.strict == Some(true);
    ToolBody {
        name: &tool.name,
        description: tool.description.as_deref(),
        input_schema: match tool.parameters.as_deref() {
            Some(parameters) if strict => Schema::Rewritten(schema::subset(parameters)),
            Some(parameters) if parameters.get() != "{}" => Schema::Untouched(parameters),
            // The API insists on `type`; OpenAI's leaves the schema of a function without parameters out or empty.
            _ => Schema::Rewritten(json!({"type": "object", "properties": {}})),
        },
        strict,
    }
}

fn tool_choice<'a>(traits: Traits, request: &'a ChatRequest) -> Option<Choice<'a>> {
    if request.tools.is_empty() {
        return None;
    }
    let serial = request.parallel_tool_calls == Some(false);
    let choice = |kind, name| Some(Choice { kind, name, disable_parallel_tool_use: serial });
    match &request.tool_choice {
        ToolChoice::None => Some(Choice { kind: "none", name: None, disable_parallel_tool_use: false }),
        ToolChoice::Required if traits.forced_tools => choice("any", None),
        ToolChoice::Named(name) if traits.forced_tools => choice("tool", Some(name)),
        _ if serial => choice("auto", None),
        _ => None,
    }
}

/// A forced choice in words, for a model that refuses it as a parameter.
fn said_choice(traits: Traits, request: &ChatRequest) -> Option<Cow<'static, str>> {
    if traits.forced_tools || request.tools.is_empty() {
        return None;
    }
    match &request.tool_choice {
        ToolChoice::Required => Some("Answer this turn by calling one of the tools.".into()),
        ToolChoice::Named(name) => Some(format!("Answer this turn by calling the tool `{name}`.").into()),
        ToolChoice::Auto | ToolChoice::None => None,
    }
}

/// `thinking` and `output_config.effort`.
fn thinking(
    traits: Traits,
    request: &ChatRequest,
    max_tokens: u32,
) -> (Option<ThinkingBody>, Option<&'static str>) {
    let Some(effort) = request.sampling.reasoning_effort else { return (None, None) };
    match (traits.thinking, effort) {
        (Thinking::Absent, _) | (Thinking::Budget, ReasoningEffort::None) => (None, None),
        (Thinking::Budget, effort) => (budget(request, effort, max_tokens), None),
        (Thinking::Effort { quiet, .. }, ReasoningEffort::None) => match quiet {
            Quiet::Silence => (None, None),
            Quiet::Disabled => (Some(ThinkingBody::Disabled), None),
            Quiet::BetweenTools => (Some(ThinkingBody::BetweenTools), None),
            Quiet::LowEffort => (None, Some("low")),
        },
        (Thinking::Effort { xhigh, .. }, effort) => {
            (Some(ThinkingBody::Adaptive { display: "summarized" }), Some(level(effort, xhigh)))
        }
    }
}

/// 4.6 knows no `xhigh`; its next level up is `max`.
fn level(effort: ReasoningEffort, xhigh: bool) -> &'static str {
    match effort {
        ReasoningEffort::None | ReasoningEffort::Minimal | ReasoningEffort::Low => "low",
        ReasoningEffort::Medium => "medium",
        ReasoningEffort::High => "high",
        ReasoningEffort::Xhigh if xhigh => "xhigh",
        ReasoningEffort::Xhigh => "max",
    }
}

/// A share of the output limit, which bounds thinking and answer together.
///
/// `None` where the API would refuse a budget: it must be less than `max_tokens`, excludes a forced tool, and wants
/// the thinking of an unfinished turn sent back, which the neutral model does not keep.
fn budget(request: &ChatRequest, effort: ReasoningEffort, max_tokens: u32) -> Option<ThinkingBody> {
    let forced = matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Named(_));
    if (forced && !request.tools.is_empty()) || messages::amid_tools(&request.messages) {
        return None;
    }
    let tenths = match effort {
        ReasoningEffort::None | ReasoningEffort::Minimal | ReasoningEffort::Low => 2,
        ReasoningEffort::Medium => 5,
        ReasoningEffort::High => 8,
        ReasoningEffort::Xhigh => 9,
    };
    let budget_tokens = (max_tokens / 10 * tenths).clamp(*BUDGET.start(), *BUDGET.end());
    (budget_tokens < max_tokens).then_some(ThinkingBody::Enabled { budget_tokens })
}

/// `temperature` and `top_p`. Thinking excludes both; before it did, the API still wanted one at most.
fn sampling(
    traits: Traits,
    request: &ChatRequest,
    thinking: Option<ThinkingBody>,
) -> (Option<f64>, Option<f64>) {
    let thinks = matches!(thinking, Some(ThinkingBody::Enabled { .. } | ThinkingBody::Adaptive { .. }));
    if thinks || traits.sampling == Sampling::Neither {
        return (None, None);
    }
    let temperature = request.sampling.temperature.map(|value| value.clamp(0.0, 1.0));
    let alone = temperature.is_none() || traits.sampling == Sampling::Both;
    (temperature, request.sampling.top_p.filter(|_| alone))
}

/// The API refuses a sequence of white space only.
fn stop_sequences(stop: &[String]) -> Vec<&str> {
    stop.iter().map(String::as_str).filter(|sequence| !sequence.trim().is_empty()).collect()
}

fn metadata(user: &str) -> Metadata {
    Metadata { user_id: user.chars().take(USER_ID_CHARS).collect() }
}
