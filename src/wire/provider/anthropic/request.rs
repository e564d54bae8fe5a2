//! `POST /messages`: the request.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::block::Block;
use super::messages::{self, Turn};
use super::schema;
use crate::domain::dialect::{Dialect, Quiet, Thinking};
use crate::domain::message::{
    ChatRequest, FileSource, Message, Part, ReasoningEffort, ResponseFormat, Tool, ToolChoice,
};
use crate::wire::cache_control::CacheControl;
use crate::wire::provider::fit::{self, ExtraFields, Renamed, Schema, Warnings, Wishes};
use crate::wire::provider::{Encoded, Outgoing, Target};
use crate::wire::to_json;

const VERSION: &str = "2023-06-01";
/// What files by their identifier need.
const FILES_BETA: &str = "files-api-2025-04-14";
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
    #[serde(flatten)]
    extras: ExtraFields<'a>,
}

#[derive(Serialize)]
struct ToolBody<'a> {
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: Schema<'a>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

#[derive(Serialize)]
struct Choice<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
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
    JsonSchema { schema: Box<RawValue> },
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
pub fn encode(target: Target<'_>, request: &ChatRequest, stream: bool) -> Encoded {
    let Target { dialect, code } = target;
    let mut warnings = Warnings::default();
    let max_tokens = request.sampling.max_output_tokens.unwrap_or(DEFAULT_MAX_TOKENS);
    let (mut system, messages) = messages::conversation(dialect, &request.messages);
    let wishes = Wishes::of(dialect, request, stream, &mut warnings);
    let format = format(wishes.format);
    if format.is_none() {
        system.extend(warnings.asked_in_words(wishes.format).map(Block::text));
    }
    let choice = wishes.choice;
    system.extend(wishes.said.into_iter().map(Block::text));
    let (thinking, effort) = thinking(dialect, request, max_tokens);
    // Without tools nothing stands between them.
    let is_between = !(matches!(thinking, Some(ThinkingBody::BetweenTools)) && request.tools.is_empty());
    let asked = request.sampling.reasoning_effort.filter(|_| is_between);
    warnings.effort(dialect, asked, thinking.is_some() || effort.is_some());
    let tools: Vec<_> = request.tools.iter().map(|spec| tool(dialect, spec)).collect();
    let is_left = |(spec, body): (&Tool, &ToolBody<'_>)| spec.strict == Some(true) && !body.strict;
    if dialect.strict_tools && request.tools.iter().zip(&tools).any(is_left) {
        warnings.left_strict("tools[].function.strict");
    }
    if request.user.as_deref().is_some_and(|user| user.chars().nth(USER_ID_CHARS).is_some()) {
        warnings.adapted("user", &format!("the first {USER_ID_CHARS} characters were sent"));
    }
    if request.sampling.stop.iter().any(|sequence| sequence.trim().is_empty()) {
        warnings.adapted("stop", "a sequence of white space only is not taken, and was left out");
    }
    let thinks = matches!(thinking, Some(ThinkingBody::Enabled { .. } | ThinkingBody::Adaptive { .. }));
    let (temperature, top_p) = fit::sampling(dialect, &request.sampling, thinks, &mut warnings);
    fit::seed(dialect, &request.sampling, &mut warnings);
    let body = Body {
        model: code,
        max_tokens,
        stream,
        system,
        messages,
        tools,
        tool_choice: tool_choice(dialect, request, choice),
        thinking,
        output_config: OutputConfig { effort, format },
        temperature,
        top_p,
        stop_sequences: stop_sequences(fit::stop(dialect, &request.sampling, &mut warnings)),
        metadata: warnings.if_taken(dialect.user, "user", request.user.as_deref()).map(metadata),
        extras: ExtraFields::of(dialect, request, thinks, &mut warnings),
    };
    let body = to_json(&body).into();
    Encoded {
        outgoing: Outgoing { path: "/messages".to_owned(), headers: headers(dialect, request), body },
        warnings: warnings.0,
        renamed: Renamed::of(dialect, &request.tools),
    }
}

fn headers(dialect: &Dialect, request: &ChatRequest) -> Vec<(&'static str, String)> {
    let mut headers = vec![("anthropic-version", VERSION.to_owned())];
    let is_uploaded =
        |part: &Part| matches!(part, Part::File(file) if matches!(file.source, FileSource::Id(_)));
    if dialect.file_id && request.messages.iter().flat_map(Message::given).any(is_uploaded) {
        headers.push(("anthropic-beta", FILES_BETA.to_owned()));
    }
    headers
}

/// There is no JSON mode without a schema, and none for a schema that has no form in the subset.
fn format(format: &ResponseFormat) -> Option<Format> {
    match format {
        ResponseFormat::JsonSchema { schema, .. } => {
            schema::subset(schema).map(|schema| Format::JsonSchema { schema })
        }
        _ => None,
    }
}

fn tool<'a>(dialect: &Dialect, tool: &'a Tool) -> ToolBody<'a> {
    let wanted = dialect.strict_tools && tool.strict == Some(true);
    let parameters = tool.parameters.as_deref().map(|raw| (raw, Schema::of_tool(dialect, raw)));
    // What is only said in words holds the model to nothing.
    let is_whole = |schema: &Schema<'_>| matches!(schema, Schema::Untouched(_));
    let strict = wanted && parameters.as_ref().is_none_or(|(_, schema)| is_whole(schema));
    let subset = parameters.as_ref().filter(|_| strict).map(|(raw, _)| schema::subset(raw));
    let strict = strict && !matches!(subset, Some(None));
    ToolBody {
        name: dialect.tool_names.fit(&tool.name),
        description: tool.description.as_deref(),
        input_schema: match (subset.flatten(), parameters) {
            (Some(subset), _) => Schema::Rewritten(subset),
            (None, Some((raw, schema))) if raw.get() != "{}" => schema,
            // The API insists on `type`; OpenAI's leaves the schema of a function without parameters out or empty.
            _ => Schema::empty(),
        },
        strict,
        cache_control: tool.cache.filter(|_| dialect.cache_points).map(CacheControl::of),
    }
}

fn tool_choice<'a>(dialect: &Dialect, request: &ChatRequest, asked: &'a ToolChoice) -> Option<Choice<'a>> {
    if request.tools.is_empty() {
        return None;
    }
    let serial = request.parallel_tool_calls == Some(false);
    let choice = |kind, name| Some(Choice { kind, name, disable_parallel_tool_use: serial });
    match asked {
        ToolChoice::None => Some(Choice { kind: "none", name: None, disable_parallel_tool_use: false }),
        ToolChoice::Required => choice("any", None),
        ToolChoice::Named(name) => choice("tool", Some(dialect.tool_names.fit(name))),
        ToolChoice::Auto if serial => choice("auto", None),
        ToolChoice::Auto => None,
    }
}

/// `thinking` and `output_config.effort`.
fn thinking(
    dialect: &Dialect,
    request: &ChatRequest,
    max_tokens: u32,
) -> (Option<ThinkingBody>, Option<&'static str>) {
    let Some(effort) = request.sampling.reasoning_effort else { return (None, None) };
    if is_thinking_refused(request) && effort != ReasoningEffort::None {
        return (None, None);
    }
    match (dialect.thinking, effort) {
        (Thinking::Absent, _) | (Thinking::Budget, ReasoningEffort::None) => (None, None),
        (Thinking::Budget, effort) => (budget(request, effort, max_tokens), None),
        (Thinking::Adaptive { quiet, .. }, ReasoningEffort::None) => match quiet {
            Quiet::Silence => (None, None),
            Quiet::Disabled => (Some(ThinkingBody::Disabled), None),
            Quiet::BetweenTools => (Some(ThinkingBody::BetweenTools), None),
            Quiet::LowEffort => (None, Some("low")),
        },
        (Thinking::Adaptive { xhigh, .. }, effort) => {
            (Some(ThinkingBody::Adaptive { display: "summarized" }), Some(level(effort, xhigh)))
        }
        // Fields of other wires.
        _ => (None, None),
    }
}

/// 4.6 knows no `xhigh`; its next level up is `max`.
fn level(effort: ReasoningEffort, xhigh: bool) -> &'static str {
    match effort {
        ReasoningEffort::None | ReasoningEffort::Minimal | ReasoningEffort::Low => "low",
        ReasoningEffort::Medium => "medium",
        ReasoningEffort::High => "high",
        ReasoningEffort::Xhigh if xhigh => "xhigh",
        ReasoningEffort::Xhigh | ReasoningEffort::Max => "max",
    }
}

/// Whether the API would refuse to think: beside a forced tool, and where the answer was begun.
fn is_thinking_refused(request: &ChatRequest) -> bool {
    let forced = matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Named(_));
    let begun = matches!(request.messages.last(), Some(Message::Assistant { .. }));
    forced && !request.tools.is_empty() || begun
}

/// A share of the output limit, which bounds thinking and answer together.
///
/// `None` where the API would refuse a budget: it must be less than `max_tokens`, and it wants the thinking of an unfinished
/// turn sent back, which not every client does.
fn budget(request: &ChatRequest, effort: ReasoningEffort, max_tokens: u32) -> Option<ThinkingBody> {
    if messages::is_amid_unproven_tools(&request.messages) {
        return None;
    }
    let tenths = match effort {
        ReasoningEffort::None | ReasoningEffort::Minimal | ReasoningEffort::Low => 2,
        ReasoningEffort::Medium => 5,
        ReasoningEffort::High => 8,
        ReasoningEffort::Xhigh | ReasoningEffort::Max => 9,
    };
    let budget_tokens = (max_tokens / 10 * tenths).clamp(*BUDGET.start(), *BUDGET.end());
    (budget_tokens < max_tokens).then_some(ThinkingBody::Enabled { budget_tokens })
}

/// The API refuses a sequence of white space only.
fn stop_sequences(stop: &[String]) -> Vec<&str> {
    stop.iter().map(String::as_str).filter(|sequence| !sequence.trim().is_empty()).collect()
}

fn metadata(user: &str) -> Metadata {
    Metadata { user_id: user.chars().take(USER_ID_CHARS).collect() }
}
