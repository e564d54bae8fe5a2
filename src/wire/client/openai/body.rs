//! The request as JSON, field by field. Everything is optional here, so that what is missing is said in words.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::content::PartBody;
use crate::domain::extra::{self, Extra, Extras};
use crate::domain::message::ReasoningEffort;
use crate::wire::cache_control::CacheControl;
use crate::wire::client::content::Content;
use crate::wire::client::object::objects;

macro_rules! body {
    ($($(#[$meta:meta])* $name:ident: $kind:ty,)*) => {
        /// OpenAI's chat completion request. Other fields of OpenAI's and of other providers' protocols (`logprobs`, `top_k` …)
        /// are passed on to the providers that take them; what is left out is named in `warnings`, or refused.
        #[derive(Default, ToSchema)]
        #[schema(
            as = ChatCompletionRequest,
            example = json!({"model": "triage", "messages": [{"role": "user", "content": "Hello"}]}),
        )]
        pub struct Body {
            $($(#[$meta])* pub $name: $kind,)*
            /// All that is not read here by itself.
            #[schema(ignore)]
            pub extras: Extras,
            /// The first extra whose value has another shape, and the shape in words.
            #[schema(ignore)]
            pub misshapen: Option<(&'static str, String)>,
        }

        /// A field's name; only of one that is not read here by itself it is kept.
        #[expect(non_camel_case_types, reason = "they are the fields' names")]
        enum Key {
            $($name,)*
            Other(String),
        }

        impl Visitor<'_> for KeyVisitor {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Key, E> {
                Ok(match name {
                    $(stringify!($name) => Key::$name,)*
                    other => Key::Other(other.to_owned()),
                })
            }
        }

        impl<'de> Visitor<'de> for BodyVisitor {
            type Value = Body;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body, A::Error> {
                let mut body = Body::default();
                $(let mut $name: Option<$kind> = None;)*
                while let Some(key) = map.next_key::<Key>()? {
                    match key {
                        $(Key::$name if $name.is_some() => {
                            return Err(A::Error::duplicate_field(stringify!($name)));
                        })*
                        $(Key::$name => $name = Some(map.next_value()?),)*
                        Key::Other(other) => body.other(&other, &mut map)?,
                    }
                }
                $(body.$name = $name.unwrap_or_default();)*
                Ok(body)
            }
        }
    };
}

body! {
    /// The agent's slug or id; where the path names the agent, also a model of its line.
    #[schema(value_type = String)]
    model: Option<String>,
    /// Text, images, files, audio, tool calls and their results, as OpenAI writes them.
    #[schema(value_type = Vec<Object>, min_items = 1)]
    messages: Option<Vec<MessageBody>>,
    #[schema(value_type = Option<Vec<Object>>)]
    tools: Option<Vec<ToolBody>>,
    /// `none`, `auto`, `required`, or an object that names a function.
    #[schema(value_type = Option<Value>)]
    tool_choice: Option<ChoiceBody>,
    parallel_tool_calls: Option<bool>,
    #[schema(value_type = Option<Object>)]
    response_format: Option<FormatBody>,
    #[schema(minimum = 0, maximum = 2)]
    temperature: Option<f64>,
    #[schema(minimum = 0, maximum = 1)]
    top_p: Option<f64>,
    /// The older name of `max_completion_tokens`.
    #[schema(minimum = 1)]
    max_tokens: Option<i64>,
    #[schema(minimum = 1)]
    max_completion_tokens: Option<i64>,
    /// A text, or up to four.
    #[schema(value_type = Option<Value>)]
    stop: Stop,
    seed: Option<i64>,
    #[schema(value_type = Option<String>, example = "low")]
    reasoning_effort: Option<ReasoningEffort>,
    /// How many answers.
    #[schema(minimum = 1, maximum = 8)]
    n: Option<i64>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    /// The client's own word for whom it asks.
    user: Option<String>,
    /// Its words fill the variables that the agent's `config.variables` declares.
    metadata: Option<BTreeMap<String, String>>,
    #[schema(ignore)]
    functions: Option<IgnoredAny>,
    #[schema(ignore)]
    function_call: Option<IgnoredAny>,
    #[schema(ignore)]
    audio: Option<IgnoredAny>,
}

struct BodyVisitor;

struct KeyVisitor;

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(BodyVisitor)
    }
}

impl Body {
    /// Takes a field that is passed on as it is, or notes one that nobody knows.
    fn other<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        let Some(place) = Extra::find(name) else {
            // Noted by whoever reads the request, as are unknown fields further in.
            map.next_value::<IgnoredAny>()?;
            return Ok(());
        };
        let name = extra::TABLE[place].name;
        if self.extras.has(place) {
            return Err(A::Error::duplicate_field(name));
        }
        if let Err(shape) = self.extras.put(place, map.next_value()?) {
            self.misshapen.get_or_insert((name, shape));
        }
        Ok(())
    }
}

#[derive(ToSchema)]
#[schema(as = ChatStreamOptions)]
pub struct StreamOptions {
    /// Whether a chunk with the usage comes at the stream's end.
    pub include_usage: Option<bool>,
}

pub struct MessageBody {
    pub role: Option<Role>,
    pub content: Content<PartBody>,
    /// Of a user's message.
    pub name: Option<String>,
    pub refusal: Option<String>,
    pub tool_calls: Option<Vec<CallBody>>,
    pub tool_call_id: Option<String>,
    pub function_call: Option<IgnoredAny>,
    /// What the model thought, as DeepSeek's clients and many others' send it back.
    pub reasoning_content: Thought,
    /// The same, as vLLM's and Groq's name it.
    pub reasoning: Thought,
    pub reasoning_details: Option<Box<RawValue>>,
    pub extra_content: Option<ExtraContent>,
    pub cache_control: Option<CacheControl>,
    /// Sources of what the model has said, as a reply had them; no provider wants them back.
    pub annotations: Option<Box<RawValue>>,
}

objects! {
    StreamOptions, "an object" { include_usage }
    MessageBody, "a message object" { role, content, name, refusal, tool_calls, tool_call_id, function_call, reasoning_content, reasoning, reasoning_details, extra_content, cache_control, annotations }
    ExtraContent, "an object" { google }
    Google, "an object" { thought_signature, after_tool_calls }
    CallBody, "a tool call object" { id, kind as "type", function, extra_content }
    CallFunction, "an object with `name` and `arguments`" { name, arguments }
    ToolBody, "a tool object" { kind as "type", function, cache_control }
    FunctionBody, "a function object" { name, description, parameters, strict }
    NamedChoice, "an object" { kind as "type", function }
    FunctionName, "an object with a `name`" { name }
    FormatBody, "an object with a `type`" { kind as "type", json_schema }
    SchemaBody, "an object with `name` and `schema`" { name, description, schema, strict }
}

/// A text; whatever else is no thought.
#[derive(Default)]
pub struct Thought(pub Option<String>);

impl<'de> Deserialize<'de> for Thought {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(raw.get()).ok().filter(|text: &String| !text.is_empty())))
    }
}

/// Where Gemini's signature stands.
pub struct ExtraContent {
    google: Option<Google>,
}

struct Google {
    thought_signature: Option<String>,
    /// Ours: the signature stands behind the tool calls, in a text of its own.
    after_tool_calls: Option<bool>,
}

impl ExtraContent {
    /// Whether the signature stands behind the message's tool calls.
    pub fn is_behind_calls(&self) -> bool {
        self.google.as_ref().is_some_and(|google| google.after_tool_calls == Some(true))
    }

    pub fn signature(self) -> Option<String> {
        self.google?.thought_signature.filter(|signature| !signature.is_empty())
    }
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    Developer,
    User,
    Assistant,
    Tool,
    #[serde(other)]
    Other,
}

pub struct CallBody {
    pub id: Option<String>,
    pub kind: Option<ToolKind>,
    pub function: Option<CallFunction>,
    pub extra_content: Option<ExtraContent>,
}

pub struct CallFunction {
    pub name: Option<String>,
    pub arguments: Option<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ToolKind {
    Function,
    /// Whatever else: only what is taken is recommended.
    #[serde(other)]
    Other,
}

pub struct ToolBody {
    pub kind: Option<ToolKind>,
    pub function: Option<FunctionBody>,
    pub cache_control: Option<CacheControl>,
}

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

pub struct NamedChoice {
    pub kind: Option<ToolKind>,
    pub function: Option<FunctionName>,
}

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

pub struct FormatBody {
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

pub struct SchemaBody {
    pub name: Option<String>,
    pub description: Option<String>,
    pub schema: Option<Box<RawValue>>,
    pub strict: Option<bool>,
}
