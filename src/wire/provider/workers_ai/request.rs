//! Writes inputs.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::message::{ChatRequest, Message, Part, ReasoningEffort, ResponseFormat, Tool};
use crate::wire::provider::openai::parts::{Content, MessageBody, ToolBody, ToolChoiceBody};
use crate::wire::provider::{Outgoing, Target};
use crate::wire::to_json;

/// The documented range; other seeds are not passed on.
const SEEDS: RangeInclusive<i64> = 1..=9_999_999_999;
/// The documented lower end.
const MIN_TOP_P: f64 = 0.001;

/// Writes the binding's input. Usage comes unasked, streamed or not.
pub fn encode(target: Target<'_>, request: &ChatRequest, stream: bool) -> Outgoing {
    let sampling = &request.sampling;
    let no_parameters = no_parameters();
    let with_tools = !request.tools.is_empty();
    let input = Input {
        messages: request.messages.iter().map(message).collect(),
        tools: request.tools.iter().map(|body| tool(body, no_parameters.as_deref())).collect(),
        tool_choice: ToolChoiceBody::of(&request.tool_choice).filter(|_| with_tools),
        parallel_tool_calls: request.parallel_tool_calls.filter(|_| with_tools),
        response_format: Format::of(&request.response_format),
        temperature: sampling.temperature,
        top_p: sampling.top_p.map(|top_p| top_p.max(MIN_TOP_P)),
        max_tokens: sampling.max_output_tokens,
        stop: &sampling.stop,
        seed: sampling.seed.filter(|seed| SEEDS.contains(seed)),
        reasoning_effort: sampling.reasoning_effort.map(effort),
        n: sampling.n.filter(|n| *n != 1),
        stream,
    };
    Outgoing { path: target.code.to_owned(), headers: Vec::new(), body: to_json(&input).into() }
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
}

/// The older models' schema wants a text as content, never null and no parts but for an image.
fn message(message: &Message) -> MessageBody<'_> {
    let mut body = MessageBody::of(message);
    match message {
        Message::User { parts } => {
            if let Some(text) = joined(parts) {
                body.content = Some(Content::Text(text));
            }
        }
        Message::Assistant { text: None, .. } => body.content = Some(Content::text("")),
        _ => {}
    }
    body
}

/// The lines of a message without images.
fn joined(parts: &[Part]) -> Option<Cow<'_, str>> {
    let texts: Option<Vec<&str>> = parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Image(_) => None,
        })
        .collect();
    texts.map(|texts| match texts.as_slice() {
        [text] => Cow::Borrowed(*text),
        texts => Cow::Owned(texts.join("\n")),
    })
}

/// The older models' schema requires a description and parameters, and knows no `strict`.
fn tool<'a>(tool: &'a Tool, no_parameters: Option<&'a RawValue>) -> ToolBody<'a> {
    let mut body = ToolBody::of(tool);
    body.function.description = body.function.description.or(Some(""));
    body.function.parameters = body.function.parameters.or(no_parameters);
    body.function.strict = None;
    body
}

/// The schema of a tool without parameters.
fn no_parameters() -> Option<Box<RawValue>> {
    RawValue::from_string(r#"{"type":"object","properties":{}}"#.to_owned()).ok()
}

/// The documented levels; null turns reasoning off.
const fn effort(effort: ReasoningEffort) -> Option<&'static str> {
    match effort {
        ReasoningEffort::None => None,
        ReasoningEffort::Minimal | ReasoningEffort::Low => Some("low"),
        ReasoningEffort::Medium => Some("medium"),
        ReasoningEffort::High | ReasoningEffort::Xhigh => Some("high"),
    }
}

/// As OpenAI's, but for the schema, which stands bare.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonObject,
    JsonSchema { json_schema: &'a RawValue },
}

impl<'a> Format<'a> {
    fn of(format: &'a ResponseFormat) -> Option<Self> {
        match format {
            ResponseFormat::Text => None,
            ResponseFormat::JsonObject => Some(Self::JsonObject),
            ResponseFormat::JsonSchema { schema, .. } => Some(Self::JsonSchema { json_schema: schema }),
        }
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
