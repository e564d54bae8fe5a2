//! Reads `{message}` or `{messages}`, with the variables that they bring.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::json;
use crate::domain::message::{ChatRequest, Message};
use crate::domain::thread::command::OnBusy;
use crate::wire::client::object::objects;
use crate::wire::client::threads::{Said, SaidBody, Threaded, ToolBody};

/// A request in the neutral model, with what only this protocol has.
#[derive(Debug)]
pub struct Parsed {
    pub request: ChatRequest,
    /// For the agent's instructions, by name.
    pub variables: BTreeMap<String, String>,
    /// What is said of a thread.
    pub threaded: Option<Box<Threaded>>,
}

/// Why a body is not a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not JSON, or not an object; in words.
    Malformed(String),
    /// Everything that is wrong with its fields.
    Fields(Vec<FieldError>),
}

const FIELDS: [&str; 9] =
    ["message", "messages", "variables", "thread", "background", "on_busy", "tools", "store", "user"];
const MESSAGE_FIELDS: [&str; 2] = ["role", "content"];
/// How much of a name that is none is told.
const MAX_CHARS: usize = 64;
/// How many variables that are no text are told.
const MAX_TOLD: usize = 8;
const ROLES: [&str; 3] = ["system", "user", "assistant"];

/// A question to an agent: `message`, or a whole conversation in `messages`.
#[derive(ToSchema)]
#[schema(as = ChatRequest, example = json!({"message": "Hello"}))]
pub struct Body {
    /// What the user says: a text, or an object, which is its JSON.
    #[schema(value_type = Option<SaidBody>)]
    message: Option<Said>,
    /// A conversation, oldest first; the agent's instructions come before it.
    #[schema(min_items = 1)]
    messages: Option<Vec<MessageBody>>,
    /// Values for the variables that the agent's `config.variables` declares.
    #[schema(example = json!({}))]
    variables: Option<BTreeMap<String, String>>,
    /// Your name for a thread, or its id: the call is a run on it, and goes on whether or not you stay.
    #[schema(example = "customer-42")]
    thread: Option<String>,
    /// The answer is the run, at once (202).
    background: Option<bool>,
    /// On a thread: what becomes of the call while another run is at work, `queue` when left out.
    #[schema(value_type = Option<String>, example = "queue")]
    on_busy: Option<OnBusy>,
    /// Tools that you run. The answer's `tool_calls` wait for POST …/runs/{run}/inputs.
    tools: Option<Vec<ToolBody>>,
    /// Without a thread: whether the run can be looked at for a day (the default), or is forgotten with its end.
    store: Option<bool>,
    /// Whom the call is for, in your word: the end user of a thread that it makes, and whose memories an agent with `memory`
    /// is given. At most 255 characters.
    #[schema(min_length = 1, max_length = 255)]
    user: Option<String>,
}

objects! {
    Body, "an object" strict { message, messages, variables, thread, background, on_busy, tools, store, user }
    MessageBody, "an object with `role` and `content`" strict { role, content }
}

#[derive(ToSchema)]
#[schema(as = ChatMessage)]
struct MessageBody {
    #[schema(required)]
    role: Option<Role>,
    #[schema(required)]
    content: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ChatRole)]
enum Role {
    System,
    User,
    Assistant,
}

/// Reads a request's body.
///
/// # Errors
/// [`Fault`] with all that is wrong.
pub fn parse(body: &[u8]) -> Result<Parsed, Fault> {
    let read: Body = serde_json::from_slice(body).map_err(|error| diagnose(body, &error.to_string()))?;
    let messages = match (read.message, read.messages) {
        (Some(Said(text)), None) if !text.is_empty() => vec![Message::user(text)],
        (None, Some(messages)) if !messages.is_empty() => {
            let messages: Option<Vec<Message>> = messages.into_iter().map(message).collect();
            messages.ok_or_else(|| diagnose(body, "a message is not whole"))?
        }
        (message, messages) => return Err(neither(message.is_some(), messages.is_some())),
    };
    let threaded =
        Threaded::read(read.thread, read.background, read.on_busy, read.tools, (read.store, read.user));
    let threaded = threaded.map_err(Fault::Fields)?;
    let request = ChatRequest { messages, ..ChatRequest::default() };
    Ok(Parsed { request, variables: read.variables.unwrap_or_default(), threaded })
}

/// `None` when something of it is missing.
fn message(body: MessageBody) -> Option<Message> {
    let content = body.content?;
    Some(match body.role? {
        Role::System => Message::system(content),
        Role::User => Message::user(content),
        Role::Assistant => Message::assistant(content),
    })
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
fn diagnose(body: &[u8], error: &str) -> Fault {
    let object = match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => object,
        Ok(_) => return Fault::Malformed("the body must be a JSON object".to_owned()),
        Err(error) => return Fault::Malformed(format!("the body is not JSON: {error}")),
    };
    let mut errors = FieldErrors::default();
    known(&mut errors, "", &object, &FIELDS);
    if !matches!(object.get("message"), None | Some(Value::Null | Value::String(_) | Value::Object(_))) {
        errors.add("message", "must be a text, or an object");
    }
    text(&mut errors, "user", object.get("user"));
    match object.get("messages") {
        None | Some(Value::Null) => {}
        Some(Value::Array(messages)) => {
            for (number, message) in messages.iter().enumerate() {
                check_message(&mut errors, &format!("messages[{number}]"), message);
            }
        }
        Some(_) => errors.add("messages", "must be an array of messages"),
    }
    match object.get("variables") {
        None | Some(Value::Null) => {}
        Some(Value::Object(variables)) => check_variables(&mut errors, variables),
        Some(_) => errors.add("variables", "must be an object: names, each with a text"),
    }
    // What remains is a field written twice.
    fields(errors).unwrap_or_else(|| Fault::Malformed(format!("the body is not valid: {error}")))
}

fn check_variables(errors: &mut FieldErrors, variables: &Map<String, Value>) {
    for (name, _) in variables.iter().filter(|(_, value)| !value.is_string()).take(MAX_TOLD) {
        errors.add(&format!("variables.{}", shorten(name)), "must be a string");
    }
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
    for name in object.keys().filter(|name| !names.contains(&name.as_str())) {
        let shown = shorten(name);
        let field = if at.is_empty() { shown } else { format!("{at}.{shown}") };
        errors.add(
            &field,
            match json::nearest(name, names.iter().copied()) {
                Some(meant) => format!("is not a field; did you mean `{meant}`?"),
                None => format!("is not a field; there are {}", names.join(", ")),
            },
        );
    }
}

fn shorten(name: &str) -> String {
    name.chars().take(MAX_CHARS).collect()
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
