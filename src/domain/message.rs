//! The neutral model of a chat: what every client's protocol is read into and every provider's is written from.
//!
//! With it n client codecs and m provider codecs meet, instead of n × m translators. It holds what at least two
//! providers can say; what only one can say stays in that codec.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One request for a model, free of any provider's format.
#[derive(Clone, Debug, Default)]
pub struct ChatRequest {
    /// In order. The agent's instructions are the first system message; a client's system message follows them.
    pub messages: Vec<Message>,
    pub tools: Vec<Tool>,
    pub tool_choice: ToolChoice,
    /// `None`: the provider's default.
    pub parallel_tool_calls: Option<bool>,
    pub response_format: ResponseFormat,
    pub sampling: Sampling,
    /// The client's name for its end user, passed on where the provider takes one.
    pub user: Option<String>,
    pub metadata: BTreeMap<String, String>,
}

/// How the answer is drawn. `None` everywhere means the provider's default.
#[derive(Clone, Debug, Default, PartialEq)]
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReasoningEffort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    /// The highest; OpenAI's newest models tell a `max` from it.
    #[serde(alias = "max")]
    Xhigh,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    System { text: String },
    User { parts: Vec<Part> },
    Assistant { text: Option<String>, tool_calls: Vec<ToolCall> },
    Tool { call_id: String, text: String },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Text(String),
    Image(Image),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    pub source: ImageSource,
    /// OpenAI's `low`, `high` or `auto`; dropped by providers without it.
    pub detail: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ImageSource {
    /// `https://…`, fetched by the provider, never by us.
    Url(String),
    /// From a `data:` URL: media type such as `image/png`, and the bytes still in base64.
    Data { media_type: String, base64: String },
}

/// A tool's invocation by the model. `arguments` is the JSON text as the model wrote it, which may be malformed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    pub arguments: String,
}

/// A function the model may call; `parameters` is a JSON Schema, passed on untouched.
#[derive(Clone, Debug)]
pub struct Tool {
    pub name: String,
    pub description: Option<String>,
    pub parameters: Option<Box<RawValue>>,
    pub strict: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice {
    #[default]
    Auto,
    None,
    /// Some tool must be called.
    Required,
    Named(String),
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

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatReply {
    /// By index, at least one.
    pub choices: Vec<Choice>,
    /// `None` when the provider reported none: that is not zero.
    pub usage: Option<Usage>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    pub text: Option<String>,
    /// Thinking that the provider shows apart from the answer.
    pub reasoning: Option<String>,
    pub refusal: Option<String>,
    pub tool_calls: Vec<ToolCall>,
    pub finish: Finish,
}

impl ChatReply {
    /// Bytes of all that was generated and is shown.
    pub fn generated_bytes(&self) -> u64 {
        let of = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let choice = |choice: &Choice| {
            let calls =
                choice.tool_calls.iter().map(|call| call.id.len() + call.name.len() + call.arguments.len());
            of(&choice.text) + of(&choice.reasoning) + of(&choice.refusal) + calls.sum::<usize>()
        };
        self.choices.iter().map(choice).sum::<usize>() as u64
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Finish {
    #[default]
    Stop,
    /// The output limit or the context was reached.
    Length,
    ToolCalls,
    ContentFilter,
}

/// Tokens as the provider counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The whole prompt, cached tokens included.
    pub input_tokens: u64,
    /// The part of `input_tokens` that was read from the provider's cache.
    pub cached_input_tokens: u64,
    /// The part of `input_tokens` that was written to the provider's cache.
    pub cache_write_tokens: u64,
    /// All that was generated, reasoning included.
    pub output_tokens: u64,
    /// The part of `output_tokens` that was reasoning.
    pub reasoning_tokens: u64,
}

impl Usage {
    /// The largest count that is kept. Numbers cross JavaScript as f64, and a provider can write any.
    pub const MAX_TOKENS: u64 = (1 << 53) - 1;

    /// With no count above [`Usage::MAX_TOKENS`].
    #[must_use]
    pub fn bounded(self) -> Self {
        Self {
            input_tokens: self.input_tokens.min(Self::MAX_TOKENS),
            cached_input_tokens: self.cached_input_tokens.min(Self::MAX_TOKENS),
            cache_write_tokens: self.cache_write_tokens.min(Self::MAX_TOKENS),
            output_tokens: self.output_tokens.min(Self::MAX_TOKENS),
            reasoning_tokens: self.reasoning_tokens.min(Self::MAX_TOKENS),
        }
    }

    /// Field by field the larger: providers repeat or refine usage along a stream, always cumulatively, so adding
    /// would count twice.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.max(other.input_tokens),
            cached_input_tokens: self.cached_input_tokens.max(other.cached_input_tokens),
            cache_write_tokens: self.cache_write_tokens.max(other.cache_write_tokens),
            output_tokens: self.output_tokens.max(other.output_tokens),
            reasoning_tokens: self.reasoning_tokens.max(other.reasoning_tokens),
        }
    }
}

/// One step of a streamed answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Text {
        choice: u32,
        delta: String,
    },
    Reasoning {
        choice: u32,
        delta: String,
    },
    Refusal {
        choice: u32,
        delta: String,
    },
    /// A tool call begins; `index` numbers the tool calls of that choice from 0.
    ToolCall {
        choice: u32,
        index: u32,
        id: String,
        name: String,
    },
    /// More of that tool call's JSON arguments.
    ToolArguments {
        choice: u32,
        index: u32,
        delta: String,
    },
    Finish {
        choice: u32,
        reason: Finish,
    },
    /// Cumulative; may come more than once (see [`Usage::max`]).
    Usage(Usage),
}
