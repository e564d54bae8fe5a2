//! The whole reply, and what it shares with the stream: usage, stop reasons, errors.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::citation::{Place, citation};
use crate::domain::message::{
    About, AssistantPart, ChatReply, Choice, Finish, Proof, ProofKind, Reasoning, Text, ToolCall, Usage,
};
use crate::wire::provider::DecodeError;
use crate::wire::provider::json;
use crate::wire::provider::lenient::{Count, Lenient};
use crate::wire::provider::openai::parts::{answerless, broken_off, fault, interrupted};

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    id: Lenient<String>,
    content: Option<Vec<Block>>,
    #[serde(default)]
    stop_reason: Lenient<String>,
    #[serde(default)]
    stop_details: Lenient<StopDetails>,
    #[serde(default)]
    usage: Lenient<Tokens>,
    error: Option<Lenient<ErrorBody>>,
}

/// What an error object says was used.
#[derive(Deserialize)]
pub(super) struct ErrorBody {
    #[serde(default)]
    usage: Lenient<Tokens>,
}

/// A content block of whatever type; the fields of types we never ask for are ignored.
#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    data: Option<String>,
    citations: Option<Vec<Box<RawValue>>>,
    id: Option<String>,
    name: Option<String>,
    input: Option<Box<RawValue>>,
}

/// Why the API's safety systems ended the answer.
#[derive(Debug, Deserialize)]
pub(super) struct StopDetails {
    pub explanation: Option<String>,
}

/// An error, as part of a reply or a stream: `json` is the whole, `usage` what stands beside the error.
pub(super) fn reported(json: &[u8], error: Lenient<ErrorBody>, usage: Option<Usage>) -> DecodeError {
    let within = error.0.and_then(|error| error.usage.0).and_then(Tokens::usage);
    fault(json).counted(within).counted(usage)
}

/// Token counts as the API splits them. In a stream each is cumulative and may be missing or repeated.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tokens {
    /// Neither read from the cache nor written to it.
    input_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation_input_tokens: Count,
    cache_creation: Lenient<CacheCreation>,
    output_tokens: Count,
    output_tokens_details: Lenient<OutputDetails>,
}

/// How long the cache keeps what was written.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct CacheCreation {
    ephemeral_1h_input_tokens: Count,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    thinking_tokens: Count,
}

impl Tokens {
    /// Count by count the larger. The sum of the input's parts is taken only afterwards, because an event may carry
    /// some of the parts.
    pub fn max(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.max(other.input_tokens),
            cache_read_input_tokens: self.cache_read_input_tokens.max(other.cache_read_input_tokens),
            cache_creation_input_tokens: self
                .cache_creation_input_tokens
                .max(other.cache_creation_input_tokens),
            cache_creation: Lenient(Some(CacheCreation {
                ephemeral_1h_input_tokens: self.for_an_hour().max(other.for_an_hour()),
            })),
            output_tokens: self.output_tokens.max(other.output_tokens),
            output_tokens_details: Lenient(Some(OutputDetails {
                thinking_tokens: self.thinking().max(other.thinking()),
            })),
        }
    }

    /// `None` unless both sides were counted: half a report must not be mistaken for a cheap call.
    pub fn usage(self) -> Option<Usage> {
        let cached = self.cache_read_input_tokens.0.unwrap_or(0);
        let written = self.cache_creation_input_tokens.0.unwrap_or(0);
        Some(Usage {
            input_tokens: self.input_tokens.0?.saturating_add(cached).saturating_add(written),
            cached_input_tokens: cached,
            cache_write_tokens: written,
            hour_write_tokens: self.for_an_hour().0.unwrap_or(0),
            audio_input_tokens: 0,
            output_tokens: self.output_tokens.0?,
            reasoning_tokens: self.thinking().0.unwrap_or(0),
        })
    }

    /// Whether the output was counted.
    pub const fn has_output(self) -> bool {
        self.output_tokens.0.is_some()
    }

    fn for_an_hour(self) -> Count {
        self.cache_creation.0.map_or_else(Count::default, |creation| creation.ephemeral_1h_input_tokens)
    }

    fn thinking(self) -> Count {
        self.output_tokens_details.0.map_or_else(Count::default, |details| details.thinking_tokens)
    }
}

/// A reason that is not documented yet counts as an ordinary end.
///
/// # Errors
/// [`DecodeError::Reported`] where the server broke the answer off, as imitators of the API say it.
pub(super) fn finish(stop_reason: Option<&str>) -> Result<Finish, DecodeError> {
    Ok(match stop_reason {
        Some("max_tokens" | "model_context_window_exceeded") => Finish::Length,
        Some("tool_use") => Finish::ToolCalls,
        Some("refusal") => Finish::ContentFilter,
        Some("error") => return Err(interrupted()),
        _ => Finish::Stop,
    })
}

/// Reads a whole reply.
///
/// # Errors
/// [`DecodeError`] when it is not a message.
pub fn decode(body: &[u8]) -> Result<ChatReply, DecodeError> {
    let reply: Reply = serde_json::from_slice(body).map_err(|error| json::malformed("the reply", &error))?;
    if let Some(error) = reply.error {
        return Err(reported(body, error, reply.usage.0.and_then(Tokens::usage)));
    }
    let Some(content) = reply.content else {
        return Err(answerless(body, "the reply has no content"));
    };
    let calls = content.iter().filter(|block| block.kind == TOOL_USE).count();
    json::count_call(calls.saturating_sub(1))?;
    let mut parts = Vec::with_capacity(content.len());
    let (mut about, mut place, mut ids) = (About::default(), Place::default(), HashSet::new());
    for block in content {
        if is_left_out(&block.kind) {
            about.leave_out(&block.kind);
        }
        let mut said = part(block, &mut place)?;
        if let Some(AssistantPart::ToolCall(call)) = &mut said {
            let number = u32::try_from(ids.len()).unwrap_or(u32::MAX);
            let id = json::issued_id(Some(&call.id), reply.id.0.as_deref(), number);
            call.id = json::unused(id, &mut ids);
        }
        parts.extend(said);
    }
    let usage = reply.usage.0.and_then(Tokens::usage);
    let finish = finish(reply.stop_reason.0.as_deref());
    let finish = finish.map_err(|error| broken_off(error, usage, !parts.is_empty()))?;
    let refusal = reply.stop_details.0.and_then(|details| details.explanation);
    parts.extend(refusal.map(AssistantPart::Refusal));
    let choice = Choice { parts, finish, logprobs: None };
    Ok(ChatReply { choices: vec![choice], usage, about })
}

/// The type of a tool call's block.
const TOOL_USE: &str = "tool_use";

/// Whether a block is of a type that no answer here has a place for: what the API's own tools did, as a rule.
fn is_left_out(kind: &str) -> bool {
    !["text", "thinking", "redacted_thinking", TOOL_USE].contains(&kind)
}

/// `None` for types of blocks that we never ask for, and for those that say nothing.
fn part(block: Block, place: &mut Place) -> Result<Option<AssistantPart>, DecodeError> {
    Ok(match block.kind.as_str() {
        "text" => {
            let text = block.text.unwrap_or_default();
            place.begin();
            place.go_on(&text);
            let citations = block.citations.unwrap_or_default();
            let citations = citations.iter().map(|raw| place.of(citation(raw))).collect();
            let text = Text { text, citations, proof: None };
            Some(text).filter(|text| !text.text.is_empty()).map(AssistantPart::Text)
        }
        "thinking" => thought(block.thinking, block.signature),
        "redacted_thinking" => redacted(block.data),
        TOOL_USE => {
            let (Some(id), Some(name)) = (block.id, block.name) else {
                return Err(DecodeError::Malformed("a tool_use block has no id or no name".to_owned()));
            };
            let arguments = block.input.map_or_else(|| "{}".to_owned(), |input| input.get().to_owned());
            Some(AssistantPart::ToolCall(ToolCall::new(id, name, arguments)))
        }
        _ => None,
    })
}

/// Thinking that is not shown arrives as empty text with a signature.
fn thought(text: Option<String>, signature: Option<String>) -> Option<AssistantPart> {
    let text = text.unwrap_or_default();
    let signature = signature.filter(|signature| !signature.is_empty());
    let proof = signature.map(|signature| Proof::new(ProofKind::AnthropicSignature, signature));
    (!text.is_empty() || proof.is_some()).then_some(AssistantPart::Reasoning(Reasoning { text, proof }))
}

fn redacted(data: Option<String>) -> Option<AssistantPart> {
    let proof = Proof::new(ProofKind::AnthropicRedacted, data.filter(|data| !data.is_empty())?);
    Some(AssistantPart::Reasoning(Reasoning { text: String::new(), proof: Some(proof) }))
}
