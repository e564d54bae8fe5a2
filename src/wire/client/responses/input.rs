//! Reads items, and makes messages of them: what the model has said in one go are several items, and one message.

use serde_json::Value;

use super::body::{Input, ItemBody};
use super::content::{self, PartBody};
use super::{id, summary};
use crate::domain::message::{AssistantPart, Message, Part, ProofKind, Reasoning, ToolCall, pair_calls};
use crate::domain::thread::digest;
use crate::domain::thread::id::EntryId;
use crate::wire::client::content::Content;
use crate::wire::client::pairing::{self, Unpaired};
use crate::wire::client::{Invalid, call_id, proof};

/// A piece of what is said.
#[derive(Debug)]
pub enum Piece {
    Said(Message),
    Answered(AssistantPart),
    /// An item of a thread, and the place of its name in the request.
    Reference(EntryId, String),
}

const KINDS: &str = "items of type `message`, `function_call`, `function_call_output`, `reasoning`, `mcp_call`, \
                     `compaction` and `item_reference` are taken";

/// # Errors
/// [`Invalid`] with the first fault found and where it is.
pub fn pieces(input: Input) -> Result<Vec<Piece>, Invalid> {
    let items = match input {
        Input::None => return Ok(Vec::new()),
        Input::Text(text) if text.is_empty() => {
            return Err(Invalid::at("input", "`input` must not be empty"));
        }
        Input::Text(text) => return Ok(vec![Piece::Said(Message::user(text))]),
        Input::Items(items) => items,
    };
    let mut pieces = Vec::with_capacity(items.len());
    for (number, item) in items.into_iter().enumerate() {
        let read = item_pieces(number, item, &mut pieces);
        read.map_err(|(field, words)| Invalid::at(format!("input[{number}]{field}"), words))?;
    }
    Ok(pieces)
}

type Fault = (String, String);

fn fault(field: &str, words: &str) -> Fault {
    (field.to_owned(), words.to_owned())
}

fn item_pieces(number: usize, mut item: ItemBody, pieces: &mut Vec<Piece>) -> Result<(), Fault> {
    let kind = item.kind.take();
    match kind.as_deref() {
        None if item.role.is_none() && item.id.is_some() => reference(number, item, pieces),
        None | Some("message") => message(item, pieces),
        Some("function_call") => {
            let call = call(item)?;
            pieces.push(Piece::Answered(AssistantPart::ToolCall(call)));
            Ok(())
        }
        Some("function_call_output") => {
            let id = item.call_id.filter(|id| !id.is_empty());
            let id = id.ok_or_else(|| fault(".call_id", "an output needs the `call_id` it answers"))?;
            let parts = given(".output", item.output)?;
            let (call_id, _) = call_id::read(&id);
            let call_id = call_id.to_owned();
            pieces.push(Piece::Said(Message::Tool { call_id, parts, is_error: false }));
            Ok(())
        }
        Some("reasoning") => {
            pieces.extend(reasoning(item)?.map(|part| Piece::Answered(AssistantPart::Reasoning(part))));
            Ok(())
        }
        Some("mcp_call") => server_call(item, pieces),
        Some("item_reference") => reference(number, item, pieces),
        Some("compaction" | "compaction_summary") => {
            let content = item.encrypted_content.as_deref().unwrap_or_default();
            let read = summary::read(content)
                .ok_or_else(|| fault(".encrypted_content", "is no summary that was made here"))?;
            pieces.push(Piece::Said(digest::shown(read)));
            Ok(())
        }
        Some(_) => Err(fault(".type", KINDS)),
    }
}

fn reference(number: usize, item: ItemBody, pieces: &mut Vec<Piece>) -> Result<(), Fault> {
    let id = item.id.unwrap_or_default();
    let entry = id::item_of(&id).ok_or_else(|| {
        let shown: String = id.chars().take(80).collect();
        (".id".to_owned(), format!("there is no item `{shown}` here"))
    })?;
    pieces.push(Piece::Reference(entry, format!("input[{number}].id")));
    Ok(())
}

fn message(item: ItemBody, pieces: &mut Vec<Piece>) -> Result<(), Fault> {
    match item.role.as_deref() {
        Some("assistant") => pieces.extend(answer(item.content)?.into_iter().map(Piece::Answered)),
        Some("user") => {
            let parts = given(".content", item.content)?;
            pieces.push(Piece::Said(Message::User { name: None, parts }));
        }
        Some("system" | "developer") => {
            let mut texts = Vec::new();
            for part in given(".content", item.content)? {
                match part {
                    Part::Text(text) => texts.push(text),
                    _ => return Err(fault(".content", "only texts are taken in this message")),
                }
            }
            pieces.push(Piece::Said(Message::system(texts.join("\n"))));
        }
        _ => return Err(fault(".role", "a role is `user`, `assistant`, `system` or `developer`")),
    }
    Ok(())
}

/// What the model has said before.
fn answer(content: Content<PartBody>) -> Result<Vec<AssistantPart>, Fault> {
    let bodies = match content {
        Content::None => return Ok(Vec::new()),
        Content::Text(text) => return Ok(vec![AssistantPart::text(text)]),
        Content::Parts(bodies) => bodies,
    };
    let read = bodies.into_iter().enumerate().map(|(at, body)| match (body.kind.as_deref(), body.text) {
        (Some("output_text" | "input_text" | "text"), Some(text)) => Ok(AssistantPart::text(text)),
        (Some("refusal"), _) => body
            .refusal
            .map(AssistantPart::Refusal)
            .ok_or_else(|| (format!(".content[{at}].refusal"), "a refusal needs `refusal`".to_owned())),
        _ => Err((
            format!(".content[{at}].type"),
            "only `output_text` with `text` and `refusal` are taken in an assistant's message".to_owned(),
        )),
    });
    read.collect()
}

fn given(field: &str, content: Content<PartBody>) -> Result<Vec<Part>, Fault> {
    let bodies = match content {
        Content::None => {
            return Err((field.to_owned(), "is required: a string or an array of parts".to_owned()));
        }
        Content::Text(text) => return Ok(vec![Part::Text(text)]),
        Content::Parts(bodies) => bodies,
    };
    if bodies.is_empty() {
        return Err((field.to_owned(), "must not be empty".to_owned()));
    }
    let read = bodies.into_iter().enumerate().map(|(at, body)| {
        content::given(body).map_err(|(below, words)| (format!("{field}[{at}]{below}"), words))
    });
    read.collect()
}

fn call(item: ItemBody) -> Result<ToolCall, Fault> {
    let id = item.call_id.or(item.id).filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| fault(".call_id", "a call needs a `call_id`"))?;
    let name = item.name.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| fault(".name", "a call needs a `name`"))?;
    let arguments =
        item.arguments.ok_or_else(|| fault(".arguments", "a call needs `arguments`, JSON in a string"))?;
    let (id, signature) = call_id::read(&id);
    let proof = signature.map(|text| crate::domain::message::Proof::new(ProofKind::GeminiSignature, text));
    Ok(ToolCall { id: id.to_owned(), name, arguments, proof })
}

/// `None` for a thought of which nothing is known.
fn reasoning(item: ItemBody) -> Result<Option<Reasoning>, Fault> {
    let proof = item.encrypted_content.filter(|text| !text.is_empty());
    let proof = proof.map(|text| proof::read(text, ProofKind::OpenaiEncrypted));
    let texts = match item.content {
        Content::Text(text) => vec![text],
        Content::Parts(bodies) => bodies.into_iter().filter_map(|body| body.text).collect(),
        Content::None => Vec::new(),
    };
    let summaries = || item.summary.into_iter().flatten().filter_map(|body| body.text).collect();
    let texts: Vec<String> = if texts.is_empty() { summaries() } else { texts };
    let text = texts.join("\n\n");
    let is_there = !text.is_empty() || proof.is_some();
    Ok(is_there.then_some(Reasoning { text, proof }))
}

/// A call that ran here, and its result.
fn server_call(item: ItemBody, pieces: &mut Vec<Piece>) -> Result<(), Fault> {
    let parts = match (&item.error, &item.output) {
        (None | Some(Value::Null), Content::None) => vec![Part::Text(String::new())],
        (Some(error), Content::None) => {
            let words = error.get("message").unwrap_or(error);
            vec![Part::Text(words.as_str().map_or_else(|| words.to_string(), str::to_owned))]
        }
        (_, Content::Text(text)) => vec![Part::Text(text.clone())],
        (_, Content::Parts(_)) => return Err(fault(".output", "must be a text")),
    };
    let is_error = item.error.as_ref().is_some_and(|error| !error.is_null());
    let call = call(item)?;
    let call_id = call.id.clone();
    pieces.push(Piece::Answered(AssistantPart::ToolCall(call)));
    pieces.push(Piece::Said(Message::Tool { call_id, parts, is_error }));
    Ok(())
}

/// The messages that these pieces are. A reference is nothing by now.
pub fn join(pieces: Vec<Piece>) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match (piece, messages.last_mut()) {
            (Piece::Answered(part), Some(Message::Assistant { parts })) => parts.push(part),
            (Piece::Answered(part), _) => messages.push(Message::Assistant { parts: vec![part] }),
            (Piece::Said(message), _) => messages.push(message),
            (Piece::Reference(..), _) => {}
        }
    }
    messages
}

/// Checks that each call and its output belong together, and puts them into the form that providers want.
///
/// # Errors
/// [`Invalid`] at the first that does not.
pub fn pair(messages: &mut [Message]) -> Result<(), Invalid> {
    gather_outputs(messages);
    pairing::check(messages).map_err(|unpaired| {
        let words = match unpaired {
            Unpaired::NoCall { number } => {
                let id = match messages.get(number) {
                    Some(Message::Tool { call_id, .. }) => call_id.chars().take(80).collect::<String>(),
                    _ => String::new(),
                };
                format!("No tool call found for function call output with call_id {id}")
            }
            Unpaired::Unanswered { ids, .. } => format!("No tool output found for function call {ids}"),
        };
        Invalid::at("input", words)
    })?;
    pair_calls(messages);
    Ok(())
}

/// Puts outputs right behind their calls: what was said meanwhile comes after them.
fn gather_outputs(messages: &mut [Message]) {
    let mut at = 0;
    while at < messages.len() {
        let calls: Vec<String> = match messages.get(at) {
            Some(Message::Assistant { parts }) => {
                AssistantPart::calls_of(parts).map(|call| call.id.clone()).collect()
            }
            _ => Vec::new(),
        };
        at += 1;
        let next = messages.iter().skip(at).position(|message| matches!(message, Message::Assistant { .. }));
        let end = next.map_or(messages.len(), |next| at + next);
        let is_open = !calls.is_empty()
            && messages.get(at..end).is_some_and(|turn| {
                turn.iter().take(calls.len()).any(|message| !matches!(message, Message::Tool { .. }))
            });
        if let Some(turn) = messages.get_mut(at..end).filter(|_| is_open) {
            turn.sort_by_key(|message| !matches!(message, Message::Tool { .. }));
        }
        at = end.max(at);
    }
}

#[cfg(test)]
#[path = "input_tests.rs"]
mod tests;
