//! The request as JSON. Everything is optional here, so that what is missing is said in words.

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::content::PartBody;
use crate::wire::client::content::Content;
use crate::wire::client::object::objects;

/// A request to OpenAI's Responses. Other fields of theirs are left out, which `warnings` say.
#[derive(Default, ToSchema)]
#[schema(as = ResponsesRequest, example = json!({"model": "triage", "input": "Hello"}))]
pub struct Body {
    /// The agent's slug or id; where the path names the agent, also a model of its line, and it may be left out.
    pub model: Option<String>,
    /// A text, or items.
    #[schema(value_type = Option<Value>)]
    pub input: Input,
    /// What the model is told besides, for this response alone.
    pub instructions: Option<String>,
    #[schema(value_type = Option<Vec<Object>>)]
    pub tools: Option<Vec<Value>>,
    #[schema(value_type = Option<Value>)]
    pub tool_choice: Option<Value>,
    pub parallel_tool_calls: Option<bool>,
    #[schema(minimum = 0, maximum = 2)]
    pub temperature: Option<f64>,
    #[schema(minimum = 0, maximum = 1)]
    pub top_p: Option<f64>,
    #[schema(minimum = 1)]
    pub max_output_tokens: Option<i64>,
    /// Of the agent's own tools.
    #[schema(minimum = 1)]
    pub max_tool_calls: Option<i64>,
    #[schema(value_type = Option<Object>)]
    pub reasoning: Option<Map<String, Value>>,
    #[schema(value_type = Option<Object>)]
    pub text: Option<Map<String, Value>>,
    /// Whether it is kept, as a run on a thread: so when left out, unless the caller has no key.
    pub store: Option<bool>,
    pub stream: Option<bool>,
    #[schema(value_type = Option<Object>)]
    pub stream_options: Option<Value>,
    /// Whether the answer comes at once, while the run goes on.
    pub background: Option<bool>,
    /// The response from which this goes on. Two that go on from the same are two branches.
    pub previous_response_id: Option<String>,
    /// The id of a conversation, or an object with it: a thread of the agent.
    #[schema(value_type = Option<Value>)]
    pub conversation: Option<Value>,
    pub include: Option<Vec<String>>,
    /// `auto` or `disabled`: a thread that becomes too long for its model is summed up either way.
    pub truncation: Option<String>,
    /// Its words fill the variables that the agent's `config.variables` declares.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Map<String, Value>>,
    /// The client's own word for whom it asks.
    pub user: Option<String>,
    #[schema(value_type = Option<String>)]
    pub safety_identifier: Option<Box<RawValue>>,
    #[schema(value_type = Option<String>)]
    pub prompt_cache_key: Option<Box<RawValue>>,
    #[schema(value_type = Option<String>)]
    pub prompt_cache_retention: Option<Box<RawValue>>,
    #[schema(value_type = Option<String>)]
    pub service_tier: Option<Box<RawValue>>,
    #[schema(value_type = Option<f64>)]
    pub presence_penalty: Option<Box<RawValue>>,
    #[schema(value_type = Option<f64>)]
    pub frequency_penalty: Option<Box<RawValue>>,
    #[schema(ignore)]
    pub top_logprobs: Option<i64>,
    #[schema(ignore)]
    pub prompt: Option<Value>,
}

/// What is said: a text, or items.
#[derive(Default)]
pub enum Input {
    #[default]
    None,
    Text(String),
    Items(Vec<ItemBody>),
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InputVisitor;

        impl<'de> Visitor<'de> for InputVisitor {
            type Value = Input;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string or an array of items")
            }

            fn visit_unit<E>(self) -> Result<Input, E> {
                Ok(Input::None)
            }

            fn visit_str<E>(self, text: &str) -> Result<Input, E> {
                Ok(Input::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Input, E> {
                Ok(Input::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Input, A::Error> {
                let mut read = Vec::new();
                while let Some(item) = items.next_element()? {
                    read.push(item);
                }
                Ok(Input::Items(read))
            }
        }
        deserializer.deserialize_any(InputVisitor)
    }
}

/// An item of what is said.
pub struct ItemBody {
    pub kind: Option<String>,
    pub role: Option<String>,
    pub content: Content<PartBody>,
    pub id: Option<String>,
    pub call_id: Option<String>,
    pub name: Option<String>,
    pub arguments: Option<String>,
    pub output: Content<PartBody>,
    pub error: Option<Value>,
    pub summary: Option<Vec<PartBody>>,
    pub encrypted_content: Option<String>,
}

objects! {
    Body, "an object" {
        model, input, instructions, tools, tool_choice, parallel_tool_calls, temperature, top_p, max_output_tokens,
        max_tool_calls, reasoning, text, store, stream, stream_options, background, previous_response_id, conversation,
        include, truncation, metadata, user, safety_identifier, prompt_cache_key, prompt_cache_retention, service_tier,
        presence_penalty, frequency_penalty, top_logprobs, prompt,
    }
    ItemBody, "an item object" {
        kind as "type", role, content, id, call_id, name, arguments, output, error, summary, encrypted_content
    }
}
