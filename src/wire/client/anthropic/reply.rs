//! Writes whole replies and counts.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::domain::message::{
    AssistantPart, ChatReply, Citation, Finish, ProofKind, Reasoning, Text, ToolCall, Usage,
};
use crate::domain::money::Nanos;
use crate::domain::warning::Warning;
use crate::wire::client::{call_id, proof};
use crate::wire::provider::json::Arguments;
use crate::wire::to_json;

/// What stands on every reply and at the head of every stream.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// Such as `msg_…`.
    pub id: &'a str,
    pub model: &'a str,
    /// What was not done as asked.
    pub warnings: &'a [Warning],
    /// Whether the answer was given before.
    pub cached: bool,
}

/// Writes a reply: its first choice, as this protocol has one.
pub fn reply(envelope: &Envelope<'_>, reply: &ChatReply, usage: &Usage, cost: Nanos) -> Vec<u8> {
    let choice = reply.choices.first();
    let parts = choice.map_or(&[][..], |choice| choice.parts.as_slice());
    to_json(&Body {
        id: envelope.id,
        kind: "message",
        role: "assistant",
        model: envelope.model,
        content: parts.iter().filter_map(BlockBody::of).collect(),
        stop_reason: Some(stop_reason(choice.map_or(Finish::Stop, |choice| choice.finish))),
        stop_sequence: None,
        usage: UsageBody::of(usage, Some(cost)),
        warnings: envelope.warnings,
        cached: envelope.cached,
    })
}

/// The head of a stream: the reply before anything of it is said.
pub(super) const fn begun<'a>(envelope: &Envelope<'a>) -> Body<'a> {
    Body {
        id: envelope.id,
        kind: "message",
        role: "assistant",
        model: envelope.model,
        content: Vec::new(),
        stop_reason: None,
        stop_sequence: None,
        usage: UsageBody::nothing(),
        warnings: &[],
        cached: envelope.cached,
    }
}

/// Anthropic's message.
#[derive(Serialize, ToSchema)]
#[schema(as = AnthropicMessage)]
pub struct Body<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    #[schema(example = "message")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    #[schema(value_type = Vec<Object>)]
    content: Vec<BlockBody<'a>>,
    /// `end_turn`, `max_tokens`, `tool_use` or `refusal`.
    stop_reason: Option<&'static str>,
    stop_sequence: Option<&'static str>,
    usage: UsageBody,
    /// What was not done as asked; absent when there is nothing.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    warnings: &'a [Warning],
    /// True where the agent was asked the same before, and this is that answer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    cached: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum BlockBody<'a> {
    Text {
        text: &'a str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        citations: Vec<CitationBody<'a>>,
    },
    Thinking {
        thinking: &'a str,
        signature: Cow<'a, str>,
    },
    RedactedThinking {
        data: &'a str,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: &'a str,
        input: Arguments<'a>,
    },
}

impl<'a> BlockBody<'a> {
    fn of(part: &'a AssistantPart) -> Option<Self> {
        match part {
            AssistantPart::Text(Text { text, citations, .. }) if !text.is_empty() => {
                Some(Self::Text { text, citations: citations.iter().filter_map(CitationBody::of).collect() })
            }
            AssistantPart::Refusal(text) if !text.is_empty() => {
                Some(Self::Text { text, citations: Vec::new() })
            }
            AssistantPart::Reasoning(reasoning) => Self::thought(reasoning),
            AssistantPart::ToolCall(call) => Some(Self::call(call)),
            AssistantPart::Text(_) | AssistantPart::Refusal(_) | AssistantPart::CachePoint(_) => None,
        }
    }

    fn thought(Reasoning { text, proof }: &'a Reasoning) -> Option<Self> {
        match proof {
            Some(proof) if proof.kind == ProofKind::AnthropicRedacted => {
                Some(Self::RedactedThinking { data: &proof.value })
            }
            proof => {
                let signature = proof
                    .as_ref()
                    .and_then(|proof| proof::write(proof, ProofKind::AnthropicSignature))
                    .unwrap_or_default();
                let is_there = !text.is_empty() || !signature.is_empty();
                is_there.then_some(Self::Thinking { thinking: text, signature: Cow::Owned(signature) })
            }
        }
    }

    pub(super) fn call(call: &'a ToolCall) -> Self {
        Self::ToolUse {
            id: call_id::signed(&call.id, call.signature()),
            name: &call.name,
            input: Arguments::read(&call.arguments),
        }
    }
}

/// A source: Anthropic's as it came, any other as one of the web.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum CitationBody<'a> {
    Original(&'a RawValue),
    Web {
        #[serde(rename = "type")]
        kind: &'static str,
        url: &'a str,
        title: Option<&'a str>,
        cited_text: &'a str,
        encrypted_index: &'static str,
    },
}

impl<'a> CitationBody<'a> {
    pub(super) fn of(citation: &'a Citation) -> Option<Self> {
        let original =
            citation.original.as_ref().and_then(|proof| proof.of_kind(ProofKind::AnthropicCitation));
        if let Some(raw) = original.and_then(|original| serde_json::from_str(original).ok()) {
            return Some(Self::Original(raw));
        }
        Some(Self::Web {
            kind: "web_search_result_location",
            url: citation.url.as_deref()?,
            title: citation.title.as_deref(),
            cited_text: citation.quote.as_deref().unwrap_or_default(),
            encrypted_index: "",
        })
    }
}

pub(super) const fn stop_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::ToolCalls => "tool_use",
        Finish::ContentFilter => "refusal",
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = AnthropicUsage)]
pub(super) struct UsageBody {
    /// Of the prompt, what was neither read from a cache nor written to one.
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    output_tokens: u64,
    /// What the call cost, in US dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, example = "0.000150")]
    cost_usd: Option<Nanos>,
}

impl UsageBody {
    pub const fn of(usage: &Usage, cost_usd: Option<Nanos>) -> Self {
        let cached = usage.cached_input_tokens.saturating_add(usage.cache_write_tokens);
        Self {
            input_tokens: usage.input_tokens.saturating_sub(cached),
            cache_creation_input_tokens: usage.cache_write_tokens,
            cache_read_input_tokens: usage.cached_input_tokens,
            output_tokens: usage.output_tokens,
            cost_usd,
        }
    }

    const fn nothing() -> Self {
        Self {
            input_tokens: 0,
            cache_creation_input_tokens: 0,
            cache_read_input_tokens: 0,
            output_tokens: 0,
            cost_usd: None,
        }
    }
}

/// How many tokens a request has.
#[derive(Serialize, ToSchema)]
#[schema(as = AnthropicTokenCount)]
pub struct Count {
    pub input_tokens: u64,
    /// Whether nobody has counted: it is what the characters let expect.
    pub estimated: bool,
}

pub fn count(count: &Count) -> Vec<u8> {
    to_json(count)
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
