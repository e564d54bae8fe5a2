//! What a model says: text, reasoning, refusals, tool calls, in its own order.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::part::CachePoint;
use super::proof::{Proof, ProofKind};

/// A piece of an assistant's turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssistantPart {
    Text(Text),
    Reasoning(Reasoning),
    /// The model's words of refusal, where the provider tells them from an answer.
    Refusal(String),
    ToolCall(ToolCall),
    /// The prompt up to here is worth keeping in the provider's cache.
    CachePoint(CachePoint),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    pub text: String,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub citations: Vec<Citation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// Thinking that the provider shows apart from the answer, or proves without showing it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reasoning {
    /// Empty where only the proof is shown.
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// A tool's invocation by the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    /// JSON as the model wrote it, which may be malformed.
    pub arguments: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// A source of what was said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Citation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The words of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// The first character of the answer that it supports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u64>,
    /// The character after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
    /// The provider's own record of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Proof>,
}

impl AssistantPart {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(Text { text: text.into(), ..Text::default() })
    }

    pub fn reasoning(text: impl Into<String>) -> Self {
        Self::Reasoning(Reasoning { text: text.into(), proof: None })
    }

    /// The answer's text, its parts joined; `None` without any.
    pub fn text_of(parts: &[Self]) -> Option<Cow<'_, str>> {
        joined(parts.iter().filter_map(|part| match part {
            // An empty one that is signed stands there for its signature.
            Self::Text(text) if text.text.is_empty() && text.proof.is_some() => None,
            Self::Text(text) => Some(text.text.as_str()),
            _ => None,
        }))
    }

    /// What was thought aloud; `None` without any.
    pub fn reasoning_of(parts: &[Self]) -> Option<Cow<'_, str>> {
        joined(parts.iter().filter_map(|part| match part {
            Self::Reasoning(reasoning) if !reasoning.text.is_empty() => Some(reasoning.text.as_str()),
            _ => None,
        }))
    }

    /// The words of refusal; `None` without any.
    pub fn refusal_of(parts: &[Self]) -> Option<Cow<'_, str>> {
        joined(parts.iter().filter_map(|part| match part {
            Self::Refusal(text) => Some(text.as_str()),
            _ => None,
        }))
    }

    pub fn calls_of(parts: &[Self]) -> impl Iterator<Item = &ToolCall> {
        parts.iter().filter_map(|part| match part {
            Self::ToolCall(call) => Some(call),
            _ => None,
        })
    }

    pub fn citations_of(parts: &[Self]) -> impl Iterator<Item = &Citation> {
        parts.iter().flat_map(|part| match part {
            Self::Text(text) => text.citations.as_slice(),
            _ => &[],
        })
    }
}

impl ToolCall {
    pub fn new(id: impl Into<String>, name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), arguments: arguments.into(), proof: None }
    }

    /// Gemini's signature of this call.
    pub fn signature(&self) -> Option<&str> {
        self.proof.as_ref().and_then(|proof| proof.of_kind(ProofKind::GeminiSignature))
    }
}

fn joined<'a>(mut texts: impl Iterator<Item = &'a str>) -> Option<Cow<'a, str>> {
    let first = Cow::Borrowed(texts.next()?);
    Some(texts.fold(first, |whole, text| whole + text))
}
