//! Reads `{message}` or `{messages}`.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::message::{ChatRequest, Message, Part};

/// Why a body is not a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not JSON, or not an object; in words.
    Malformed(String),
    /// Everything that is wrong with its fields.
    Fields(Vec<FieldError>),
}

const FIELDS: [&str; 2] = ["message", "messages"];
const MESSAGE_FIELDS: [&str; 2] = ["role", "content"];
const ROLES: [&str; 3] = ["system", "user", "assistant"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    message: Option<String>,
    messages: Option<Vec<MessageBody>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageBody {
    role: Role,
    content: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    System,
    User,
    Assistant,
}

/// Reads a request's body.
///
/// # Errors
/// [`Fault`] with all that is wrong.
pub fn parse(body: &[u8]) -> Result<ChatRequest, Fault> {
    let read: Body = serde_json::from_slice(body).map_err(|error| diagnose(body, &error))?;
    let messages = match (read.message, read.messages) {
        (Some(text), None) if !text.is_empty() => vec![user(text)],
        (None, Some(messages)) if !messages.is_empty() => messages.into_iter().map(message).collect(),
        (message, messages) => return Err(neither(message.is_some(), messages.is_some())),
    };
    Ok(ChatRequest { messages, ..ChatRequest::default() })
}

fn user(text: String) -> Message {
    Message::User { parts: vec![Part::Text(text)] }
}

fn message(body: MessageBody) -> Message {
    match body.role {
        Role::System => Message::System { text: body.content },
        Role::User => user(body.content),
        Role::Assistant => Message::Assistant { text: Some(body.content), tool_calls: Vec::new() },
    }
}

fn neither(has_message: bool, has_messages: bool) -> Fault {
    let mut errors = FieldErrors::default();
    match (has_message, has_messages) {
        (true, true) => errors.add("messages", "write `message` or `messages`, not both"),
        (true, false) => errors.add("message", "must not be empty"),
        (false, true) => errors.add("messages", "must not be empty"),
        (false, false) => {
            errors.add("message", "is required: the user's text (or `messages`, a conversation)")
        }
    }
    fields(errors).unwrap_or_else(|| Fault::Malformed("the body is not a request".to_owned()))
}

fn fields(errors: FieldErrors) -> Option<Fault> {
    errors.finish().err().map(Fault::Fields)
}

/// Says all that is wrong with a body that was not read.
fn diagnose(body: &[u8], error: &serde_json::Error) -> Fault {
    let object = match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => object,
        Ok(_) => return Fault::Malformed("the body must be a JSON object".to_owned()),
        Err(error) => return Fault::Malformed(format!("the body is not JSON: {error}")),
    };
    let mut errors = FieldErrors::default();
    known(&mut errors, "", &object, &FIELDS);
    text(&mut errors, "message", object.get("message"));
    match object.get("messages") {
        None | Some(Value::Null) => {}
        Some(Value::Array(messages)) => {
            for (number, message) in messages.iter().enumerate() {
                check_message(&mut errors, &format!("messages[{number}]"), message);
            }
        }
        Some(_) => errors.add("messages", "must be an array of messages"),
    }
    // What remains is a field written twice.
    fields(errors).unwrap_or_else(|| Fault::Malformed(format!("the body is not valid: {error}")))
}

fn check_message(errors: &mut FieldErrors, at: &str, message: &Value) {
    let Value::Object(message) = message else {
        return errors.add(at, "must be an object with `role` and `content`");
    };
    known(errors, at, message, &MESSAGE_FIELDS);
    match message.get("role") {
        Some(Value::String(role)) if ROLES.contains(&role.as_str()) => {}
        _ => errors.add(&format!("{at}.role"), format!("must be one of {}", ROLES.join(", "))),
    }
    match message.get("content") {
        None | Some(Value::Null) => errors.add(&format!("{at}.content"), "is required"),
        content => text(errors, &format!("{at}.content"), content),
    }
}

fn text(errors: &mut FieldErrors, at: &str, value: Option<&Value>) {
    if !matches!(value, None | Some(Value::Null | Value::String(_))) {
        errors.add(at, "must be a string");
    }
}

/// Notes every field that there is not, with the name that was probably meant.
fn known(errors: &mut FieldErrors, at: &str, object: &Map<String, Value>, names: &[&str]) {
    const MAX_CHARS: usize = 64;
    for name in object.keys().filter(|name| !names.contains(&name.as_str())) {
        let shown: String = name.chars().take(MAX_CHARS).collect();
        let field = if at.is_empty() { shown } else { format!("{at}.{shown}") };
        let meant = names.iter().min_by_key(|known| distance(name, known));
        let hint = meant.filter(|known| distance(name, known) <= known.len() / 2);
        errors.add(
            &field,
            match hint {
                Some(meant) => format!("is not a field; did you mean `{meant}`?"),
                None => format!("is not a field; there are {}", names.join(", ")),
            },
        );
    }
}

/// How many letters must be added, dropped or changed to make one name of the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    // Far longer than any field: no need to measure.
    const MAX_LEN: usize = 64;
    if a.len() > MAX_LEN {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
