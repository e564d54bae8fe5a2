//! Writes whole replies and the list of models.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::annotation::AnnotationBody;

use crate::domain::message::{
    AssistantPart, ChatReply, Choice, Finish, JsonText, ProofKind, Text, ToolCall, Usage,
};
use crate::domain::money::Nanos;
use crate::domain::warning::Warning;
use crate::wire::client::call_id;
use crate::wire::{reasoning_details, to_json};

/// What stands on every reply and every chunk.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// Such as `chatcmpl-…`.
    pub id: &'a str,
    /// Seconds since the epoch.
    pub created_s: i64,
    pub model: &'a str,
    /// What was not done as asked: on a whole reply, and at the end of a stream.
    pub warnings: &'a [Warning],
    /// Whether the answer was given before.
    pub cached: bool,
}

/// Writes a reply.
pub fn reply(envelope: &Envelope<'_>, reply: &ChatReply, usage: &Usage, cost: Nanos) -> Vec<u8> {
    to_json(&Body {
        id: envelope.id,
        object: "chat.completion",
        created: envelope.created_s,
        model: envelope.model,
        choices: (0..).zip(&reply.choices).map(ChoiceBody::of).collect(),
        usage: UsageBody::of(usage, cost),
        service_tier: reply.about.service_tier.as_deref(),
        system_fingerprint: reply.about.system_fingerprint.as_deref(),
        warnings: envelope.warnings,
        cached: envelope.cached,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_fingerprint: Option<&'a str>,
    /// What was not done as asked; absent when there is nothing.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    warnings: &'a [Warning],
    /// True where the agent was asked the same before, and this is that answer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    cached: bool,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ChatCompletionChoice)]
struct ChoiceBody<'a> {
    index: u32,
    message: MessageBody<'a>,
    #[schema(value_type = Option<Object>)]
    logprobs: Option<&'a RawValue>,
    finish_reason: &'static str,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ChatCompletionMessage)]
struct MessageBody<'a> {
    role: &'static str,
    content: Option<Cow<'a, str>>,
    refusal: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<Cow<'a, str>>,
    /// What proves the reasoning, to be sent back as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    reasoning_details: Option<Box<RawValue>>,
    /// Where the answer comes from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>, required = false)]
    annotations: Vec<AnnotationBody<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    tool_calls: Vec<CallBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<ExtraContent<'a>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ChatCompletionToolCall)]
struct CallBody<'a> {
    id: Cow<'a, str>,
    #[serde(rename = "type")]
    kind: &'static str,
    function: FunctionBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<ExtraContent<'a>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ChatCompletionFunction)]
struct FunctionBody<'a> {
    name: &'a str,
    arguments: &'a str,
}

/// Where Gemini's signature stands, as Google's own OpenAI endpoint writes it.
#[derive(Serialize, ToSchema)]
#[schema(as = ChatCompletionExtraContent)]
pub(super) struct ExtraContent<'a> {
    google: Google<'a>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ChatCompletionGoogle)]
struct Google<'a> {
    thought_signature: &'a str,
    /// The signature stands behind the message's tool calls, not at its text: ours, as no place of the protocol says it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    after_tool_calls: bool,
}

impl<'a> ExtraContent<'a> {
    pub const fn of(thought_signature: &'a str) -> Self {
        Self { google: Google { thought_signature, after_tool_calls: false } }
    }

    /// Of a message that may have tool calls before it.
    pub const fn behind(after_tool_calls: bool, thought_signature: &'a str) -> Self {
        Self { google: Google { thought_signature, after_tool_calls } }
    }
}

impl<'a> ChoiceBody<'a> {
    fn of((index, choice): (u32, &'a Choice)) -> Self {
        let parts = choice.parts.as_slice();
        let refusal = choice.refusal();
        let tool_calls: Vec<_> = choice.calls().map(CallBody::of).collect();
        // Clients read an answer of nothing as an empty text.
        let nothing = (refusal.is_none() && tool_calls.is_empty()).then_some(Cow::Borrowed(""));
        let message = MessageBody {
            role: "assistant",
            content: choice.text().or(nothing),
            refusal,
            reasoning_content: choice.reasoning(),
            reasoning_details: reasoning_details::write(parts),
            annotations: AssistantPart::citations_of(parts).filter_map(AnnotationBody::of).collect(),
            tool_calls,
            extra_content: signature(parts),
        };
        let logprobs = choice.logprobs.as_ref().and_then(JsonText::raw);
        Self { index, message, logprobs, finish_reason: finish_reason(choice.finish) }
    }
}

/// Gemini's last signature of a text, which may be an empty one behind the calls.
fn signature(parts: &[AssistantPart]) -> Option<ExtraContent<'_>> {
    let mut is_called = false;
    let mut signed = None;
    for part in parts {
        match part {
            AssistantPart::ToolCall(_) => is_called = true,
            AssistantPart::Text(Text { proof: Some(proof), .. }) => {
                let signature = proof.of_kind(ProofKind::GeminiSignature);
                signed = signature.map(|signature| ExtraContent::behind(is_called, signature)).or(signed);
            }
            _ => {}
        }
    }
    signed
}

impl<'a> CallBody<'a> {
    fn of(call: &'a ToolCall) -> Self {
        let function = FunctionBody { name: &call.name, arguments: &call.arguments };
        let signature = call.signature();
        Self {
            id: call_id::signed(&call.id, signature),
            kind: "function",
            function,
            extra_content: signature.map(ExtraContent::of),
        }
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
    /// What the call cost, in US dollars.
    #[schema(value_type = String, example = "0.000150")]
    cost_usd: Nanos,
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
    pub const fn of(usage: &Usage, cost_usd: Nanos) -> Self {
        Self {
            prompt_tokens: usage.input_tokens,
            completion_tokens: usage.output_tokens,
            total_tokens: usage.input_tokens.saturating_add(usage.output_tokens),
            prompt_tokens_details: PromptDetails {
                cached_tokens: usage.cached_input_tokens,
                cache_write_tokens: usage.cache_write_tokens,
            },
            completion_tokens_details: CompletionDetails { reasoning_tokens: usage.reasoning_tokens },
            cost_usd,
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
    let data = models.iter().map(ModelBody::of).collect();
    to_json(&ListBody { object: "list", data, has_more })
}

/// Writes one model.
pub fn model(model: &Model<'_>) -> Vec<u8> {
    to_json(&ModelBody::of(model))
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
pub struct ModelBody<'a> {
    id: &'a str,
    #[schema(example = "model")]
    object: &'static str,
    created: i64,
    owned_by: &'a str,
}

impl<'a> ModelBody<'a> {
    fn of(model: &Model<'a>) -> Self {
        Self { id: model.id, object: "model", created: model.created_s, owned_by: model.owned_by }
    }
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
