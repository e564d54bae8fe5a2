//! Reads the messages of a request; of a whole history checks that tool calls and their results belong together.

use super::body::{CallBody, ExtraContent, MessageBody, Role, ToolKind};
use super::content::{self, PartBody, PartKind};
use super::tools::function_name;
use crate::domain::message::{
    AssistantPart, CachePoint, Message, Part, Proof, ProofKind, Text, ToolCall, pair_calls,
};
use crate::wire::cache_control::CacheControl;
use crate::wire::client::content::Content;
use crate::wire::client::pairing::{self, Unpaired};
use crate::wire::client::{Invalid, call_id};
use crate::wire::reasoning_details;

/// OpenAI's limit.
const MAX_NAME_CHARS: usize = 64;

/// Reads all messages; there must be one.
pub fn messages(bodies: Option<Vec<MessageBody>>) -> Result<Vec<Message>, Invalid> {
    let bodies = bodies.ok_or_else(|| Invalid::at("messages", "`messages` is required"))?;
    if bodies.is_empty() {
        return Err(Invalid::at("messages", "`messages` must not be empty"));
    }
    let mut read = Vec::with_capacity(bodies.len() + 1);
    for (number, body) in bodies.into_iter().enumerate() {
        read.push(message(&At { number }, body)?);
    }
    Ok(read)
}

/// Checks that each tool call and its result belong together, and puts them into the form that providers want; see
/// [`pair_calls`].
///
/// # Errors
/// [`Invalid`] at the first that does not.
pub fn pair(messages: &mut [Message]) -> Result<(), Invalid> {
    pairing::check(messages).map_err(|fault| match fault {
        Unpaired::NoCall { number } => {
            let words = "no tool call of the assistant's message before has this id";
            At { number }.fault(".tool_call_id", words)
        }
        Unpaired::Unanswered { number, ids } => {
            let words = format!("tool calls need a message of role `tool` each; unanswered: {ids}");
            At { number }.fault("", words)
        }
    })?;
    pair_calls(messages);
    Ok(())
}

/// A message's place; its path is only written for a fault.
struct At {
    number: usize,
}

impl At {
    fn fault(&self, field: &str, message: impl Into<String>) -> Invalid {
        Invalid::at(format!("messages[{}]{field}", self.number), message)
    }
}

fn message(at: &At, body: MessageBody) -> Result<Message, Invalid> {
    let role = body.role.ok_or_else(|| at.fault(".role", "a message needs a `role`"))?;
    if body.function_call.is_some() {
        return Err(at.fault(".function_call", "`function_call` is not taken: use `tool_calls`"));
    }
    if body.tool_calls.is_some() && role != Role::Assistant {
        return Err(at.fault(".tool_calls", "only an assistant's message has `tool_calls`"));
    }
    match role {
        Role::System | Role::Developer => system(at, body),
        Role::User => Ok(Message::User {
            name: name(at, body.name)?,
            parts: parts(at, body.content, body.cache_control)?,
        }),
        Role::Assistant => assistant(at, body),
        Role::Tool => tool(at, body),
        Role::Other => Err(at.fault(
            ".role",
            "a role is `system`, `developer`, `user`, `assistant` or `tool`; what a function returned is a `tool`'s, with \
             `tool_call_id`",
        )),
    }
}

/// Which of several people speaks.
fn name(at: &At, name: Option<String>) -> Result<Option<String>, Invalid> {
    match name.filter(|name| !name.is_empty()) {
        Some(name) if name.chars().nth(MAX_NAME_CHARS).is_some() => {
            Err(at.fault(".name", format!("`name` has at most {MAX_NAME_CHARS} characters")))
        }
        name => Ok(name),
    }
}

fn system(at: &At, body: MessageBody) -> Result<Message, Invalid> {
    let texts = texts(at, body.content)?;
    let text = texts
        .text
        .ok_or_else(|| at.fault(".content", "`content` is required: a string or an array of text parts"))?;
    let cache = body.cache_control.or(texts.cache).map(CachePoint::from);
    Ok(Message::System { text, cache })
}

fn tool(at: &At, body: MessageBody) -> Result<Message, Invalid> {
    let call_id = body.tool_call_id.filter(|id| !id.is_empty());
    let call_id = call_id
        .ok_or_else(|| at.fault(".tool_call_id", "a tool's message needs the `tool_call_id` it answers"))?;
    let (call_id, _) = call_id::read(&call_id);
    let parts = parts(at, body.content, body.cache_control)?;
    if let Some(number) = parts.iter().position(|part| matches!(part, Part::Audio(_))) {
        return Err(at.fault(&format!(".content[{number}].type"), "a tool's result has no audio"));
    }
    Ok(Message::Tool { call_id: call_id.to_owned(), parts, is_error: false })
}

fn assistant(at: &At, body: MessageBody) -> Result<Message, Invalid> {
    let thought = body.reasoning_content.0.or(body.reasoning.0);
    let details = body.reasoning_details.as_deref();
    let proven = details.map(|raw| reasoning_details::read(raw, thought.as_deref().unwrap_or_default()));
    let mut parts = proven
        .filter(|parts| !parts.is_empty())
        .unwrap_or_else(|| thought.map(AssistantPart::reasoning).into_iter().collect());
    let calls = body.tool_calls.unwrap_or_default();
    let texts = texts(at, body.content)?;
    let refusal = texts.refusal.or(body.refusal.filter(|_| texts.text.is_none()));
    let is_last = body.extra_content.as_ref().is_some_and(ExtraContent::is_behind_calls) && !calls.is_empty();
    let mut proof = body.extra_content.and_then(ExtraContent::signature).map(signed);
    let last = proof.take_if(|_| is_last);
    parts.extend(texts.text.map(|text| AssistantPart::Text(Text { text, citations: Vec::new(), proof })));
    parts.extend(refusal.map(AssistantPart::Refusal));
    for (number, call) in calls.into_iter().enumerate() {
        parts.push(AssistantPart::ToolCall(tool_call(at, number, call)?));
    }
    parts.extend(last.map(|proof| AssistantPart::Text(Text { proof: Some(proof), ..Text::default() })));
    let cache = body.cache_control.or(texts.cache).map(CachePoint::from);
    parts.extend(cache.map(AssistantPart::CachePoint));
    Ok(Message::Assistant { parts })
}

fn signed(signature: String) -> Proof {
    Proof::new(ProofKind::GeminiSignature, signature)
}

fn tool_call(at: &At, number: usize, body: CallBody) -> Result<ToolCall, Invalid> {
    let fault = |field: &str, message: &str| at.fault(&format!(".tool_calls[{number}]{field}"), message);
    if body.kind.unwrap_or(ToolKind::Function) != ToolKind::Function {
        return Err(fault(".type", "only calls of type `function` are taken"));
    }
    let id = body.id.filter(|id| !id.is_empty()).ok_or_else(|| fault(".id", "a tool call needs an `id`"))?;
    let function = body.function.ok_or_else(|| fault(".function", "a tool call needs a `function`"))?;
    let name = function_name(function.name).map_err(|message| fault(".function.name", message))?;
    let arguments = function
        .arguments
        .ok_or_else(|| fault(".function.arguments", "a tool call needs `arguments`, JSON in a string"))?;
    let (id, carried) = call_id::read(&id);
    let signature = body.extra_content.and_then(ExtraContent::signature).or(carried);
    Ok(ToolCall { id: id.to_owned(), name, arguments, proof: signature.map(signed) })
}

/// A content of nothing but text: its parts on lines of their own, those of refusal apart.
#[derive(Default)]
struct Texts {
    text: Option<String>,
    refusal: Option<String>,
    cache: Option<CacheControl>,
}

fn texts(at: &At, content: Content<PartBody>) -> Result<Texts, Invalid> {
    let mut texts = Texts::default();
    let parts = match content {
        Content::None => return Ok(texts),
        Content::Text(text) => return Ok(Texts { text: Some(text), ..texts }),
        Content::Parts(parts) => parts,
    };
    for (number, body) in parts.into_iter().enumerate() {
        let fault = |field: &str, message: &str| at.fault(&format!(".content[{number}]{field}"), message);
        let (whole, text) = match body.kind {
            Some(PartKind::Text) => {
                (&mut texts.text, body.text.ok_or_else(|| fault(".text", "a text part needs `text`"))?)
            }
            Some(PartKind::Refusal) => (
                &mut texts.refusal,
                body.refusal.ok_or_else(|| fault(".refusal", "a refusal part needs `refusal`"))?,
            ),
            _ => return Err(fault(".type", "only text parts are taken in this message")),
        };
        match whole {
            Some(whole) => {
                whole.push('\n');
                whole.push_str(&text);
            }
            None => *whole = Some(text),
        }
        texts.cache = body.cache_control.or(texts.cache);
    }
    Ok(texts)
}

fn parts(at: &At, content: Content<PartBody>, cache: Option<CacheControl>) -> Result<Vec<Part>, Invalid> {
    let point = |control: CacheControl| Part::CachePoint(control.into());
    let bodies = match content {
        Content::None => {
            return Err(at.fault(".content", "`content` is required: a string or an array of parts"));
        }
        Content::Text(text) => {
            let mut parts = vec![Part::Text(text)];
            parts.extend(cache.map(point));
            return Ok(parts);
        }
        Content::Parts(bodies) => bodies,
    };
    if bodies.is_empty() {
        return Err(at.fault(".content", "`content` must not be empty"));
    }
    let mut parts = Vec::with_capacity(bodies.len());
    for (number, body) in bodies.into_iter().enumerate() {
        let marked = body.cache_control.map(point);
        let part = content::part(body);
        parts
            .push(part.map_err(|(field, message)| at.fault(&format!(".content[{number}]{field}"), message))?);
        parts.extend(marked);
    }
    parts.extend(cache.map(point));
    Ok(parts)
}

#[cfg(test)]
#[path = "messages_tests.rs"]
mod tests;
