//! What an agent is asked and what it answers, where both are JSON of a schema.

use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::message::{Message, Part, ResponseFormat};
use crate::domain::schema::{self, Document, Fault};

/// The fields that have a schema.
pub const TYPED: [&str; 2] = ["output", "input"];
/// What providers call the answer where the agent does not say.
const NAME: &str = "answer";
const MAX_NAME: usize = 64;

/// What an agent answers: JSON that fits a schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AgentOutput)]
pub struct Output {
    /// A JSON Schema (2020-12), at most 32 KiB. A change replaces it as a whole.
    #[schema(value_type = Object, example = json!({"type": "object", "properties": {"city": {"type": "string"}},
        "required": ["city"], "additionalProperties": false}))]
    pub schema: Map<String, Value>,
    /// What the answer is called, for the model: 1 to 64 of A-Z, a-z, 0-9, `_` and `-`; `answer` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 64)]
    pub name: Option<String>,
}

/// What an agent is asked: JSON that fits a schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AgentInput)]
pub struct Input {
    /// A JSON Schema (2020-12) of an object, at most 32 KiB. A change replaces it as a whole.
    #[schema(value_type = Object, example = json!({"type": "object", "properties": {"city": {"type": "string"}},
        "required": ["city"]}))]
    pub schema: Map<String, Value>,
}

impl Output {
    /// How a model is asked for it. Strictly where every provider's strict mode takes the schema as it is.
    pub fn format(&self) -> ResponseFormat {
        match to_raw_value(&self.schema) {
            Ok(schema) => ResponseFormat::JsonSchema {
                name: self.name.clone().unwrap_or_else(|| NAME.to_owned()),
                description: None,
                schema,
                strict: schema::is_strict(&self.schema).then_some(true),
            },
            Err(_) => ResponseFormat::JsonObject,
        }
    }
}

/// What an agent is asked, and where that stands in the request.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    pub messages: &'a [Message],
    /// `message`, or the field of a list.
    pub field: &'static str,
    /// How many messages of that list stand before these.
    pub first: usize,
}

impl Said<'_> {
    /// The field of the text of the nth message, as a URI's fragment leads on into its JSON (RFC 6901).
    fn field(&self, nth: usize, at: &str) -> String {
        let text = match self.field {
            MESSAGE => MESSAGE.to_owned(),
            list => format!("{list}[{}].content", self.first + nth),
        };
        if at.is_empty() { text } else { format!("{text}#{at}") }
    }
}

/// The field of one message alone.
pub const MESSAGE: &str = "message";

impl Input {
    /// What does not fit of what is said: it must be one message of the user's, whose text is JSON that fits the schema. The
    /// client's instructions may stand beside it. Outputs of tools are answers to what the agent has asked itself.
    pub fn faults(&self, said: Said<'_>) -> Vec<FieldError> {
        if said.messages.iter().any(|message| matches!(message, Message::Tool { .. })) {
            return Vec::new();
        }
        let whole =
            |message: &str| vec![FieldError { field: said.field.to_owned(), message: message.to_owned() }];
        let spoken = |message: &&Message| !matches!(message, Message::System { .. });
        let mut messages = said.messages.iter().enumerate().filter(|(_, message)| spoken(message));
        let (nth, message) = match (messages.next(), messages.next()) {
            (Some(one), None) => one,
            (None, _) => return whole("is required: JSON that fits the agent's `input`"),
            (Some(_), Some(_)) => {
                return whole(
                    "must be one message of the user's alone: the agent is asked with JSON that fits its `input`",
                );
            }
        };
        let text = match message {
            Message::User { parts, .. } => text_of(parts),
            _ => None,
        };
        let fault = |at: &str, message: String| FieldError { field: said.field(nth, at), message };
        let Some(text) = text else { return vec![fault("", "must be text alone, of the user".to_owned())] };
        match Document::read(&text) {
            Err(unread) => {
                vec![fault("", format!("{unread}; the agent is asked with JSON that fits its `input`"))]
            }
            Ok(document) => {
                let faults = schema::faults(&self.schema, &document.value);
                faults.into_iter().map(|Fault { at, words }| fault(&at, words)).collect()
            }
        }
    }
}

/// The text that these parts are; `None` where something else is among them.
fn text_of(parts: &[Part]) -> Option<String> {
    let text = |part: &Part| match part {
        Part::Text(text) => Some(text.clone()),
        Part::CachePoint(_) => Some(String::new()),
        _ => None,
    };
    parts.iter().map(text).collect()
}

/// Notes what is wrong with what an agent is asked and answers.
pub(super) fn check(output: Option<&Output>, input: Option<&Input>, errors: &mut FieldErrors) {
    if let Some(Output { schema, name }) = output {
        schema::check("output.schema", schema, errors);
        let is_name = |name: &String| {
            (1..=MAX_NAME).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        };
        if name.as_ref().is_some_and(|name| !is_name(name)) {
            errors.add("output.name", format!("has 1 to {MAX_NAME} of A-Z, a-z, 0-9, `_` and `-`"));
        }
    }
    if let Some(Input { schema }) = input {
        schema::check("input.schema", schema, errors);
        if schema.get("type").is_none_or(|kind| kind != "object") {
            errors.add(
                "input.schema.type",
                "must be `object`: what an agent is asked is named, as arguments are",
            );
        }
    }
}
