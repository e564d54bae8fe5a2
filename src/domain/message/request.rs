//! One request for a model, free of any provider's format.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::assistant::AssistantPart;
use super::part::{CachePoint, CacheTtl, Part};
use super::transcript::Message;
use crate::domain::extra::Extras;

/// One request for a model.
#[derive(Clone, Debug, Default)]
pub struct ChatRequest {
    /// In order. The agent's instructions are the first system message; a client's system message follows them.
    pub messages: Vec<Message>,
    pub tools: Vec<Tool>,
    pub tool_choice: ToolChoice,
    /// `None`: the provider's default.
    pub parallel_tool_calls: Option<bool>,
    pub response_format: ResponseFormat,
    /// Whether the answer is checked here: a model that has no such format is asked in words then, and not passed over.
    pub is_checked: bool,
    pub sampling: Sampling,
    /// The client's name for its end user, passed on where the provider takes one.
    pub user: Option<String>,
    pub metadata: BTreeMap<String, String>,
    /// What only some providers take.
    pub extras: Extras,
}

impl ChatRequest {
    /// Whether something of it is to be kept in the provider's cache for an hour.
    pub fn caches_for_an_hour(&self) -> bool {
        let is_long = |point: &CachePoint| point.ttl == Some(CacheTtl::OneHour);
        let of_message = |message: &Message| match message {
            Message::System { cache, .. } => cache.as_ref().is_some_and(is_long),
            Message::Assistant { parts } => {
                parts.iter().any(|part| matches!(part, AssistantPart::CachePoint(point) if is_long(point)))
            }
            Message::User { parts, .. } | Message::Tool { parts, .. } => {
                parts.iter().any(|part| matches!(part, Part::CachePoint(point) if is_long(point)))
            }
        };
        self.messages.iter().any(of_message)
            || self.tools.iter().filter_map(|tool| tool.cache.as_ref()).any(is_long)
    }
}

/// How the answer is drawn. `None` everywhere means the provider's default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampling {
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    /// Bounds each choice, reasoning included.
    pub max_output_tokens: Option<u32>,
    pub stop: Vec<String>,
    pub seed: Option<i64>,
    pub reasoning_effort: Option<ReasoningEffort>,
    /// How many choices; `None` is one.
    pub n: Option<u32>,
}

impl Sampling {
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReasoningEffort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    Xhigh,
    /// As much as there is; most models have no level above `xhigh`.
    Max,
}

/// A function the model may call; `parameters` is a JSON Schema, passed on untouched.
#[derive(Clone, Debug)]
pub struct Tool {
    pub name: String,
    pub description: Option<String>,
    pub parameters: Option<Box<RawValue>>,
    pub strict: Option<bool>,
    /// The prompt up to this tool is worth keeping in the provider's cache.
    pub cache: Option<CachePoint>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToolChoice {
    #[default]
    Auto,
    None,
    /// Some tool must be called.
    Required,
    Named(String),
}

impl ToolChoice {
    pub const fn is_auto(&self) -> bool {
        matches!(self, Self::Auto)
    }
}

#[derive(Clone, Debug, Default)]
pub enum ResponseFormat {
    #[default]
    Text,
    JsonObject,
    JsonSchema {
        name: String,
        description: Option<String>,
        schema: Box<RawValue>,
        strict: Option<bool>,
    },
}
