//! Writes inputs.

use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::dialect::{Dialect, Thinking};
use crate::domain::message::{ChatRequest, ReasoningEffort, ResponseFormat, Sampling, Tool};
use crate::wire::provider::fit::{self, ExtraFields, Renamed, Schema, Warnings, Wishes};
use crate::wire::provider::openai::parts::{Content, MessageBody, ToolBody, ToolChoiceBody, messages};
use crate::wire::provider::{Encoded, Outgoing, Target};
use crate::wire::to_json;

/// The documented range; other seeds are not passed on.
const SEEDS: RangeInclusive<i64> = 1..=9_999_999_999;
/// The documented lower end.
const MIN_TOP_P: f64 = 0.001;

/// Writes the binding's input. Usage comes unasked, streamed or not.
pub fn encode(target: Target<'_>, request: &ChatRequest, stream: bool) -> Encoded {
    let Target { dialect, code } = target;
    let mut warnings = Warnings::default();
    let sampling = &request.sampling;
    let no_parameters = no_parameters();
    let with_tools = !request.tools.is_empty();
    let thinks = sampling.reasoning_effort.is_some_and(|effort| effort != ReasoningEffort::None);
    let (temperature, top_p) = fit::sampling(dialect, sampling, thinks, &mut warnings);
    let seed = fit::seed(dialect, sampling, &mut warnings);
    if top_p.is_some_and(|top_p| top_p < MIN_TOP_P) {
        warnings.adapted("top_p", "the least that the model takes was sent");
    }
    let wishes = Wishes::of(dialect, request, stream, &mut warnings);
    let tool_choice = ToolChoiceBody::of(dialect, wishes.choice);
    let parallel = request.parallel_tool_calls.filter(|_| with_tools);
    let input = Input {
        messages: messages(dialect, &request.messages, wishes.words()).into_iter().map(message).collect(),
        tools: request.tools.iter().map(|body| tool(dialect, body, no_parameters.as_deref())).collect(),
        tool_choice: tool_choice.filter(|_| with_tools),
        parallel_tool_calls: warnings.if_taken(dialect.parallel_tool_calls, "parallel_tool_calls", parallel),
        response_format: Format::of(dialect, wishes.format),
        temperature,
        top_p: top_p.map(|top_p| top_p.max(MIN_TOP_P)),
        max_tokens: sampling.max_output_tokens,
        stop: fit::stop(dialect, sampling, &mut warnings),
        seed: warnings.if_taken(seed.is_none_or(|seed| SEEDS.contains(&seed)), "seed", seed),
        reasoning_effort: reasoning_effort(dialect, sampling, &mut warnings),
        n: sampling.n.filter(|n| *n != 1),
        stream,
        extras: ExtraFields::of(dialect, request, thinks, &mut warnings),
    };
    warnings.if_taken(dialect.user, "user", request.user.as_deref());
    let body = to_json(&input).into();
    Encoded {
        outgoing: Outgoing { path: code.to_owned(), headers: Vec::new(), body },
        warnings: warnings.0,
        renamed: Renamed::of(dialect, &request.tools),
    }
}

#[derive(Serialize)]
struct Input<'a> {
    messages: Vec<MessageBody<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoiceBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Format<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<Option<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u32>,
    stream: bool,
    #[serde(flatten)]
    extras: ExtraFields<'a>,
}

/// The older models' schema wants a text as content, never null and no parts but for an image.
fn message(mut body: MessageBody<'_>) -> MessageBody<'_> {
    body.content = Some(body.content.map_or_else(|| Content::text(""), Content::flat));
    body
}

/// The older models' schema requires a description and parameters, and knows no `strict`.
fn tool<'a>(dialect: &Dialect, tool: &'a Tool, no_parameters: Option<&'a RawValue>) -> ToolBody<'a> {
    let mut body = ToolBody::of(dialect, tool);
    body.function.description = body.function.description.or(Some(""));
    body.function.parameters = body.function.parameters.or(no_parameters.map(Schema::Untouched));
    body
}

/// The schema of a tool without parameters.
fn no_parameters() -> Option<Box<RawValue>> {
    RawValue::from_string(r#"{"type":"object","properties":{}}"#.to_owned()).ok()
}

/// The level, where there are any; one that there is not becomes the nearest.
fn reasoning_effort(
    dialect: &Dialect,
    sampling: &Sampling,
    warnings: &mut Warnings,
) -> Option<Option<&'static str>> {
    let is_sent = dialect.thinking != Thinking::Absent;
    warnings.effort(dialect, sampling.reasoning_effort, is_sent);
    sampling.reasoning_effort.filter(|_| is_sent).map(effort)
}

/// The documented levels; null turns reasoning off.
const fn effort(effort: ReasoningEffort) -> Option<&'static str> {
    match effort {
        ReasoningEffort::None => None,
        ReasoningEffort::Minimal | ReasoningEffort::Low => Some("low"),
        ReasoningEffort::Medium => Some("medium"),
        ReasoningEffort::High | ReasoningEffort::Xhigh | ReasoningEffort::Max => Some("high"),
    }
}

/// As OpenAI's, but for the schema, which stands bare.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonObject,
    JsonSchema { json_schema: Schema<'a> },
}

impl<'a> Format<'a> {
    fn of(dialect: &Dialect, format: &'a ResponseFormat) -> Option<Self> {
        match format {
            ResponseFormat::Text => None,
            ResponseFormat::JsonObject => Some(Self::JsonObject),
            ResponseFormat::JsonSchema { schema, .. } => {
                Some(Self::JsonSchema { json_schema: Schema::of_output(dialect, schema) })
            }
        }
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
