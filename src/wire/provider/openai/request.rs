//! Writes requests.

use serde::Serialize;

use super::messages::{MessageBody, messages};
use super::tools::{ChoiceBody, ToolBody};
use crate::domain::dialect::{Dialect, LimitField, SeedField};
use crate::domain::message::{ChatRequest, ReasoningEffort, ResponseFormat, Tool};
use crate::wire::provider::fit::{self, ExtraFields, Renamed, Schema, Warnings, Wishes};
use crate::wire::provider::{Encoded, Outgoing, Target};
use crate::wire::to_json;

/// Writes a request. A stream is asked to end with usage.
///
/// `metadata` is not passed on: OpenAI refuses it unless it may store the answer, and no imitator reads it.
pub fn encode(target: Target<'_>, request: &ChatRequest, stream: bool) -> Encoded {
    let Target { dialect, code } = target;
    let mut warnings = Warnings::default();
    let sampling = &request.sampling;
    let with_tools = !request.tools.is_empty();
    let effort = effort(dialect, request, &mut warnings);
    let thinks = effort.is_some_and(|effort| effort != ReasoningEffort::None);
    let (temperature, top_p) = fit::sampling(dialect, sampling, thinks, &mut warnings);
    let seed = fit::seed(dialect, sampling, &mut warnings);
    let wishes = Wishes::of(dialect, request, stream, &mut warnings);
    let response_format = FormatBody::of(dialect, wishes.format);
    let wants_strict = matches!(wishes.format, ResponseFormat::JsonSchema { strict: Some(true), .. });
    if wants_strict
        && matches!(&response_format, Some(FormatBody::JsonSchema { json_schema }) if json_schema.strict.is_none())
    {
        warnings.left_strict("response_format.json_schema.strict");
    }
    let parallel = request.parallel_tool_calls.filter(|_| with_tools);
    let is_forced = dialect.limit_field == LimitField::MaxCompletionTokens;
    let tools: Vec<_> = request.tools.iter().map(|tool| ToolBody::of(dialect, tool)).collect();
    let is_left =
        |(tool, body): (&Tool, &ToolBody<'_>)| tool.strict == Some(true) && body.function.strict.is_none();
    if dialect.strict_tools && request.tools.iter().zip(&tools).any(is_left) {
        warnings.left_strict("tools[].function.strict");
    }
    let body = Body {
        model: code,
        messages: messages(dialect, &request.messages, wishes.words()),
        tools,
        tool_choice: ChoiceBody::of(dialect, wishes.choice).filter(|_| with_tools),
        parallel_tool_calls: warnings.if_taken(dialect.parallel_tool_calls, "parallel_tool_calls", parallel),
        response_format,
        temperature,
        top_p,
        max_completion_tokens: sampling.max_output_tokens.filter(|_| is_forced),
        max_tokens: sampling.max_output_tokens.filter(|_| !is_forced),
        stop: fit::stop(dialect, sampling, &mut warnings),
        seed: seed.filter(|_| dialect.seed_field == SeedField::Seed),
        random_seed: seed.filter(|_| dialect.seed_field == SeedField::RandomSeed),
        reasoning_effort: effort,
        n: sampling.n.filter(|n| *n != 1),
        user: warnings.if_taken(dialect.user, "user", request.user.as_deref()),
        stream,
        stream_options: (stream && dialect.stream_usage).then_some(StreamOptions { include_usage: true }),
        extras: ExtraFields::of(dialect, request, thinks, &mut warnings),
    };
    let body = to_json(&body).into();
    Encoded {
        outgoing: Outgoing { path: "/chat/completions".to_owned(), headers: Vec::new(), body },
        warnings: warnings.0,
        renamed: Renamed::of(dialect, &request.tools),
    }
}

/// The level that is sent, with a warning where it is not the one asked for.
pub fn effort(dialect: &Dialect, request: &ChatRequest, warnings: &mut Warnings) -> Option<ReasoningEffort> {
    let asked = request.sampling.reasoning_effort;
    if !dialect.thinking_with_tools && !request.tools.is_empty() {
        if asked.is_some_and(|asked| asked != ReasoningEffort::None) {
            warnings
                .adapted("reasoning_effort", "the model that answered does not think where there are tools");
        }
        return Some(ReasoningEffort::None);
    }
    let asked = asked?;
    let nearest = dialect.thinking.nearest(asked);
    let nearest = warnings.if_taken(nearest.is_some(), "reasoning_effort", Some(nearest))??;
    if nearest != asked {
        warnings.adapted_effort();
    }
    Some(nearest)
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<MessageBody<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ChoiceBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<FormatBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    random_seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<ReasoningEffort>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(flatten)]
    extras: ExtraFields<'a>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FormatBody<'a> {
    JsonObject,
    JsonSchema { json_schema: SchemaBody<'a> },
}

#[derive(Serialize)]
struct SchemaBody<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    schema: Schema<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

impl<'a> FormatBody<'a> {
    /// `None` for text.
    fn of(dialect: &Dialect, format: &'a ResponseFormat) -> Option<Self> {
        match format {
            ResponseFormat::Text => None,
            ResponseFormat::JsonObject => Some(Self::JsonObject),
            ResponseFormat::JsonSchema { name, description, schema, strict } => {
                let strict = fit::strict(dialect, *strict, Some(schema));
                let description = description.as_deref();
                let json_schema =
                    SchemaBody { name, description, schema: Schema::of_output(dialect, schema), strict };
                Some(Self::JsonSchema { json_schema })
            }
        }
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
