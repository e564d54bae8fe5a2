//! A whole answer.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::assistant::{AssistantPart, Citation, ToolCall};
use super::part::JsonText;
use super::usage::Usage;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatReply {
    /// By index, at least one.
    pub choices: Vec<Choice>,
    /// `None` when the provider reported none: that is not zero.
    pub usage: Option<Usage>,
    pub about: About,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// In the order in which the model made them.
    pub parts: Vec<AssistantPart>,
    pub finish: Finish,
    /// OpenAI's `logprobs` object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<JsonText>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    #[default]
    Stop,
    /// The output limit or the context was reached.
    Length,
    ToolCalls,
    ContentFilter,
}

impl Finish {
    /// What is true of an answer with or without calls, whatever word its provider has for it: one that stops with calls
    /// stops for them, and one without has none to wait for.
    #[must_use]
    pub const fn of_answer(self, has_calls: bool) -> Self {
        match (self, has_calls) {
            (Self::Stop, true) => Self::ToolCalls,
            (Self::ToolCalls, false) => Self::Stop,
            (finish, _) => finish,
        }
    }
}

/// What a provider says of the answer as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The tier that served it, where tiers have prices.
    pub service_tier: Option<String>,
    /// The backend that made it: with the same `seed` it answers alike.
    pub system_fingerprint: Option<String>,
    /// What it has that no answer here has a place for, by the provider's names for it: `images`, for instance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

impl About {
    pub fn is_empty(&self) -> bool {
        self.service_tier.is_none() && self.system_fingerprint.is_none() && self.left_out.is_empty()
    }

    /// Notes what is left out; whether it was not noted before. Names are a provider's words, so that they are bounded.
    pub fn leave_out(&mut self, name: &str) -> bool {
        const MAX_NAMES: usize = 16;
        const MAX_CHARS: usize = 64;
        let name: String = name.chars().take(MAX_CHARS).collect();
        let is_new = self.left_out.len() < MAX_NAMES && !self.left_out.contains(&name);
        if is_new {
            self.left_out.push(name);
        }
        is_new
    }
}

impl Choice {
    pub fn text(&self) -> Option<Cow<'_, str>> {
        AssistantPart::text_of(&self.parts)
    }

    pub fn reasoning(&self) -> Option<Cow<'_, str>> {
        AssistantPart::reasoning_of(&self.parts)
    }

    pub fn refusal(&self) -> Option<Cow<'_, str>> {
        AssistantPart::refusal_of(&self.parts)
    }

    /// Adds sources to the text, if it has none of its own.
    pub fn cite(&mut self, sources: impl FnOnce() -> Vec<Citation>) {
        let mut texts = self.parts.iter_mut().filter_map(|part| match part {
            AssistantPart::Text(text) => Some(text),
            _ => None,
        });
        if let Some(text) = texts.next().filter(|text| text.citations.is_empty()) {
            text.citations = sources();
        }
    }

    pub fn calls(&self) -> impl Iterator<Item = &ToolCall> {
        AssistantPart::calls_of(&self.parts)
    }
}

impl ChatReply {
    /// Bytes of all that was generated and is shown.
    pub fn generated_bytes(&self) -> u64 {
        let of = |part: &AssistantPart| match part {
            AssistantPart::Text(text) => text.text.len(),
            AssistantPart::Reasoning(reasoning) => reasoning.text.len(),
            AssistantPart::Refusal(text) => text.len(),
            AssistantPart::ToolCall(call) => call.id.len() + call.name.len() + call.arguments.len(),
            AssistantPart::CachePoint(_) => 0,
        };
        self.choices.iter().flat_map(|choice| &choice.parts).map(of).sum::<usize>() as u64
    }
}
