//! The request as JSON, field by field. Everything is optional here, so that what is missing is said in words.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::domain::message::ReasoningEffort;

/// OpenAI's chat completion request. What stands here is read; other fields of OpenAI's are passed over or refused by name.
#[derive(Deserialize, ToSchema)]
#[serde(expecting = "an object")]
#[schema(
    as = ChatCompletionRequest,
    example = json!({"model": "triage", "messages": [{"role": "user", "content": "Hello"}]}),
)]
pub struct Body {
    /// The agent's slug or id; where the path names the agent, also a model of its line.
    #[schema(value_type = String)]
    pub model: Option<String>,
    /// Text, images, tool calls and their results, as OpenAI writes them.
    #[schema(value_type = Vec<Object>, min_items = 1)]
    pub messages: Option<Vec<MessageBody>>,
    #[schema(value_type = Option<Vec<Object>>)]
    pub tools: Option<Vec<ToolBody>>,
    /// `none`, `auto`, `required`, or an object that names a function.
    #[schema(value_type = Option<Value>)]
    pub tool_choice: Option<ChoiceBody>,
    pub parallel_tool_calls: Option<bool>,
    #[schema(value_type = Option<Object>)]
    pub response_format: Option<FormatBody>,
    #[schema(minimum = 0, maximum = 2)]
    pub temperature: Option<f64>,
    #[schema(minimum = 0, maximum = 1)]
    pub top_p: Option<f64>,
    /// The older name of `max_completion_tokens`.
    #[schema(minimum = 1)]
    pub max_tokens: Option<i64>,
    #[schema(minimum = 1)]
    pub max_completion_tokens: Option<i64>,
    /// A text, or up to four.
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    pub stop: Stop,
    pub seed: Option<i64>,
    #[schema(value_type = Option<String>, example = "low")]
    pub reasoning_effort: Option<ReasoningEffort>,
    /// How many answers.
    #[schema(minimum = 1, maximum = 8)]
    pub n: Option<i64>,
    pub stream: Option<bool>,
    pub stream_options: Option<StreamOptions>,
    /// The client's own word for whom it asks.
    pub user: Option<String>,
    /// Its words fill the variables that the agent's `config.variables` declares.
    pub metadata: Option<BTreeMap<String, String>>,
    #[schema(ignore)]
    pub functions: Option<IgnoredAny>,
    #[schema(ignore)]
    pub function_call: Option<IgnoredAny>,
    #[schema(ignore)]
    pub audio: Option<IgnoredAny>,
}

#[derive(Deserialize, ToSchema)]
#[serde(expecting = "an object")]
#[schema(as = ChatStreamOptions)]
pub struct StreamOptions {
    /// Whether a chunk with the usage comes at the stream's end.
    pub include_usage: Option<bool>,
}

#[derive(Deserialize)]
#[serde(expecting = "a message object")]
pub struct MessageBody {
    pub role: Option<Role>,
    #[serde(default)]
    pub content: Content,
    pub refusal: Option<String>,
    pub tool_calls: Option<Vec<CallBody>>,
    pub tool_call_id: Option<String>,
    pub function_call: Option<IgnoredAny>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    Developer,
    User,
    Assistant,
    Tool,
    Function,
}

/// A text, or parts.
#[derive(Default)]
pub enum Content {
    #[default]
    None,
    Text(String),
    Parts(Vec<PartBody>),
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ContentVisitor;
        impl<'de> Visitor<'de> for ContentVisitor {
            type Value = Content;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of content parts")
            }

            fn visit_unit<E>(self) -> Result<Content, E> {
                Ok(Content::None)
            }

            fn visit_str<E>(self, text: &str) -> Result<Content, E> {
                Ok(Content::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Content, E> {
                Ok(Content::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Content, A::Error> {
                let mut read = Vec::new();
                while let Some(part) = parts.next_element()? {
                    read.push(part);
                }
                Ok(Content::Parts(read))
            }
        }
        deserializer.deserialize_any(ContentVisitor)
    }
}

#[derive(Deserialize)]
#[serde(expecting = "a content part object")]
pub struct PartBody {
    #[serde(rename = "type")]
    pub kind: Option<PartKind>,
    pub text: Option<String>,
    pub image_url: Option<ImageBody>,
    pub refusal: Option<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    Text,
    ImageUrl,
    Refusal,
    InputAudio,
    File,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with a `url`")]
pub struct ImageBody {
    pub url: Option<String>,
    pub detail: Option<Detail>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Detail {
    Auto,
    Low,
    High,
    Original,
}

#[derive(Deserialize)]
#[serde(expecting = "a tool call object")]
pub struct CallBody {
    pub id: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<ToolKind>,
    pub function: Option<CallFunction>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `name` and `arguments`")]
pub struct CallFunction {
    pub name: Option<String>,
    pub arguments: Option<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ToolKind {
    Function,
    Custom,
    AllowedTools,
}

#[derive(Deserialize)]
#[serde(expecting = "a tool object")]
pub struct ToolBody {
    #[serde(rename = "type")]
    pub kind: Option<ToolKind>,
    pub function: Option<FunctionBody>,
}

#[derive(Deserialize)]
#[serde(expecting = "a function object")]
pub struct FunctionBody {
    pub name: Option<String>,
    pub description: Option<String>,
    pub parameters: Option<Box<RawValue>>,
    pub strict: Option<bool>,
}

/// `tool_choice`: a word, or an object.
pub enum ChoiceBody {
    Mode(String),
    Named(NamedChoice),
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
pub struct NamedChoice {
    #[serde(rename = "type")]
    pub kind: Option<ToolKind>,
    pub function: Option<FunctionName>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with a `name`")]
pub struct FunctionName {
    pub name: Option<String>,
}

impl<'de> Deserialize<'de> for ChoiceBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ChoiceVisitor;
        impl<'de> Visitor<'de> for ChoiceVisitor {
            type Value = ChoiceBody;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`none`, `auto`, `required` or an object that names a function")
            }

            fn visit_str<E>(self, mode: &str) -> Result<ChoiceBody, E> {
                Ok(ChoiceBody::Mode(mode.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ChoiceBody, A::Error> {
                NamedChoice::deserialize(MapAccessDeserializer::new(map)).map(ChoiceBody::Named)
            }
        }
        deserializer.deserialize_any(ChoiceVisitor)
    }
}

/// `stop`: nothing, one text or several.
#[derive(Default)]
pub struct Stop(pub Vec<String>);

impl<'de> Deserialize<'de> for Stop {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StopVisitor;
        impl<'de> Visitor<'de> for StopVisitor {
            type Value = Stop;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of strings")
            }

            fn visit_unit<E>(self) -> Result<Stop, E> {
                Ok(Stop::default())
            }

            fn visit_str<E>(self, text: &str) -> Result<Stop, E> {
                Ok(Stop(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<Stop, A::Error> {
                let mut stop = Stop::default();
                while let Some(text) = texts.next_element()? {
                    stop.0.push(text);
                }
                Ok(stop)
            }
        }
        deserializer.deserialize_any(StopVisitor)
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object with a `type`")]
pub struct FormatBody {
    #[serde(rename = "type")]
    pub kind: Option<FormatKind>,
    pub json_schema: Option<SchemaBody>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FormatKind {
    Text,
    JsonObject,
    JsonSchema,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `name` and `schema`")]
pub struct SchemaBody {
    pub name: Option<String>,
    pub description: Option<String>,
    pub schema: Option<Box<RawValue>>,
    pub strict: Option<bool>,
}
