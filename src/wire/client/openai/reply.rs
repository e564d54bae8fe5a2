//! Writes whole replies and the list of models.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::message::{ChatReply, Choice, Finish, ToolCall, Usage};
use crate::wire::to_json;

/// What stands on every reply and every chunk.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// Such as `chatcmpl-…`.
    pub id: &'a str,
    /// Seconds since the epoch.
    pub created_s: i64,
    pub model: &'a str,
}

/// Writes a reply.
pub fn reply(envelope: &Envelope<'_>, reply: &ChatReply, usage: &Usage) -> Vec<u8> {
    to_json(&Body {
        id: envelope.id,
        object: "chat.completion",
        created: envelope.created_s,
        model: envelope.model,
        choices: (0..).zip(&reply.choices).map(ChoiceBody::of).collect(),
        usage: UsageBody::of(usage),
    })
}

/// OpenAI's chat completion.
#[derive(Serialize, ToSchema)]
#[schema(as = ChatCompletion)]
pub struct Body<'a> {
    id: &'a str,
    #[schema(example = "chat.completion")]
    object: &'static str,
    /// Seconds since the epoch.
    created: i64,
    model: &'a str,
    choices: Vec<ChoiceBody<'a>>,
    usage: UsageBody,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ChatCompletionChoice)]
struct ChoiceBody<'a> {
    index: u32,
    message: MessageBody<'a>,
    #[schema(value_type = Option<Object>)]
    logprobs: Option<()>,
    finish_reason: &'static str,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ChatCompletionMessage)]
struct MessageBody<'a> {
    role: &'static str,
    content: Option<&'a str>,
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    tool_calls: Vec<CallBody<'a>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ChatCompletionToolCall)]
struct CallBody<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: FunctionBody<'a>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ChatCompletionFunction)]
struct FunctionBody<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl<'a> ChoiceBody<'a> {
    fn of((index, choice): (u32, &'a Choice)) -> Self {
        let message = MessageBody {
            role: "assistant",
            content: choice.text.as_deref(),
            refusal: choice.refusal.as_deref(),
            reasoning_content: choice.reasoning.as_deref(),
            tool_calls: choice.tool_calls.iter().map(CallBody::of).collect(),
        };
        Self { index, message, logprobs: None, finish_reason: finish_reason(choice.finish) }
    }
}

impl<'a> CallBody<'a> {
    fn of(call: &'a ToolCall) -> Self {
        let function = FunctionBody { name: &call.name, arguments: &call.arguments };
        Self { id: &call.id, kind: "function", function }
    }
}

pub(super) const fn finish_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::ToolCalls => "tool_calls",
        Finish::ContentFilter => "content_filter",
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = ChatCompletionUsage)]
pub(super) struct UsageBody {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ChatCompletionPromptDetails)]
struct PromptDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ChatCompletionDetails)]
struct CompletionDetails {
    reasoning_tokens: u64,
}

impl UsageBody {
    pub const fn of(usage: &Usage) -> Self {
        Self {
            prompt_tokens: usage.input_tokens,
            completion_tokens: usage.output_tokens,
            total_tokens: usage.input_tokens.saturating_add(usage.output_tokens),
            prompt_tokens_details: PromptDetails {
                cached_tokens: usage.cached_input_tokens,
                cache_write_tokens: usage.cache_write_tokens,
            },
            completion_tokens_details: CompletionDetails { reasoning_tokens: usage.reasoning_tokens },
        }
    }
}

/// An entry of the list of models.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    pub id: &'a str,
    /// Seconds since the epoch.
    pub created_s: i64,
    pub owned_by: &'a str,
}

/// Writes the list of models; with a word where there are more than these.
pub fn models_list(models: &[Model<'_>], has_more: bool) -> Vec<u8> {
    let data = models
        .iter()
        .map(|model| ModelBody {
            id: model.id,
            object: "model",
            created: model.created_s,
            owned_by: model.owned_by,
        })
        .collect();
    to_json(&ListBody { object: "list", data, has_more })
}

/// OpenAI's list of models: the agent itself, then the models of its line; or the agents of an account.
#[derive(Serialize, ToSchema)]
#[schema(as = ModelList)]
pub struct ListBody<'a> {
    #[schema(example = "list")]
    object: &'static str,
    data: Vec<ModelBody<'a>>,
    /// True where there are more than are listed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    has_more: bool,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ListedModel)]
struct ModelBody<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    owned_by: &'a str,
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
