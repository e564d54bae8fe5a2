//! Reads the messages of a request, and checks that tool calls and their results belong together.

use super::Invalid;
use super::body::{CallBody, Content, Detail, ImageBody, MessageBody, PartBody, PartKind, Role, ToolKind};
use super::tools::function_name;
use crate::domain::message::{Image, ImageSource, Message, Part, ToolCall};
use crate::domain::outbound::{self, Loopback};

/// What providers take in common.
const IMAGE_TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/webp", "image/gif"];

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
    answered(&read)?;
    Ok(read)
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
        Role::System | Role::Developer => Ok(Message::System { text: required_text(at, body.content)? }),
        Role::User => Ok(Message::User { parts: parts(at, body.content)? }),
        Role::Assistant => assistant(at, body),
        Role::Tool => {
            let call_id = body.tool_call_id.filter(|id| !id.is_empty());
            let call_id = call_id.ok_or_else(|| {
                at.fault(".tool_call_id", "a tool's message needs the `tool_call_id` it answers")
            })?;
            Ok(Message::Tool { call_id, text: required_text(at, body.content)? })
        }
        Role::Function => {
            Err(at.fault(".role", "the role `function` is not taken: use `tool` with `tool_call_id`"))
        }
    }
}

fn assistant(at: &At, body: MessageBody) -> Result<Message, Invalid> {
    let calls = body.tool_calls.unwrap_or_default();
    let mut tool_calls = Vec::with_capacity(calls.len());
    for (number, call) in calls.into_iter().enumerate() {
        tool_calls.push(tool_call(at, number, call)?);
    }
    let text = text(at, body.content)?.or(body.refusal);
    if text.is_none() && tool_calls.is_empty() {
        return Err(at.fault(".content", "an assistant's message needs `content` or `tool_calls`"));
    }
    Ok(Message::Assistant { text, tool_calls })
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
    Ok(ToolCall { id, name, arguments })
}

fn required_text(at: &At, content: Content) -> Result<String, Invalid> {
    text(at, content)?
        .ok_or_else(|| at.fault(".content", "`content` is required: a string or an array of text parts"))
}

/// The text of a content without images, its parts on lines of their own; `None` for none.
fn text(at: &At, content: Content) -> Result<Option<String>, Invalid> {
    let parts = match content {
        Content::None => return Ok(None),
        Content::Text(text) => return Ok(Some(text)),
        Content::Parts(parts) => parts,
    };
    let mut whole: Option<String> = None;
    for (number, body) in parts.into_iter().enumerate() {
        let fault = |field: &str, message: &str| at.fault(&format!(".content[{number}]{field}"), message);
        let text = match body.kind {
            Some(PartKind::Text) => body.text.ok_or_else(|| fault(".text", "a text part needs `text`"))?,
            Some(PartKind::Refusal) => {
                body.refusal.ok_or_else(|| fault(".refusal", "a refusal part needs `refusal`"))?
            }
            _ => return Err(fault(".type", "only text parts are taken in this message")),
        };
        match &mut whole {
            Some(whole) => {
                whole.push('\n');
                whole.push_str(&text);
            }
            None => whole = Some(text),
        }
    }
    Ok(whole)
}

fn parts(at: &At, content: Content) -> Result<Vec<Part>, Invalid> {
    let bodies = match content {
        Content::None => {
            return Err(at.fault(".content", "`content` is required: a string or an array of parts"));
        }
        Content::Text(text) => return Ok(vec![Part::Text(text)]),
        Content::Parts(bodies) => bodies,
    };
    if bodies.is_empty() {
        return Err(at.fault(".content", "`content` must not be empty"));
    }
    let mut parts = Vec::with_capacity(bodies.len());
    for (number, body) in bodies.into_iter().enumerate() {
        let part = part(body);
        parts
            .push(part.map_err(|(field, message)| at.fault(&format!(".content[{number}]{field}"), message))?);
    }
    Ok(parts)
}

/// What is wrong with a part: the field, and how to mend it.
type PartFault = (&'static str, String);

fn part(body: PartBody) -> Result<Part, PartFault> {
    match body.kind {
        Some(PartKind::Text) => {
            body.text.map(Part::Text).ok_or_else(|| (".text", "a text part needs `text`".to_owned()))
        }
        Some(PartKind::ImageUrl) => {
            let image =
                body.image_url.ok_or_else(|| (".image_url", "an image part needs `image_url`".to_owned()))?;
            image_of(image).map(Part::Image).map_err(|message| (".image_url.url", message))
        }
        Some(PartKind::InputAudio | PartKind::File | PartKind::Refusal) => {
            Err((".type", "only `text` and `image_url` parts are taken".to_owned()))
        }
        None => Err((".type", "a content part needs a `type`: `text` or `image_url`".to_owned())),
    }
}

fn image_of(body: ImageBody) -> Result<Image, String> {
    let url = body.url.ok_or("an image needs a `url`")?;
    let source = if url.starts_with("data:") {
        data_url(url)?
    } else {
        outbound::check(&url, Loopback::Refused)
            .map_err(|refusal| format!("an image is a data: URL or a public https:// URL; {refusal}"))?;
        ImageSource::Url(url)
    };
    let detail = body.detail.map(|detail| match detail {
        Detail::Auto => "auto",
        Detail::Low => "low",
        Detail::High => "high",
        Detail::Original => "original",
    });
    Ok(Image { source, detail: detail.map(str::to_owned) })
}

/// Reads `data:image/png;base64,…`; the base64 stays as it is, for the provider to decode.
fn data_url(mut url: String) -> Result<ImageSource, String> {
    let comma = url.find(',').ok_or("write a data: URL as data:image/png;base64,…")?;
    let head = &url["data:".len()..comma];
    let described = head.strip_suffix(";base64").ok_or("an image's data: URL must be in base64")?;
    let media_type = described.split(';').next().unwrap_or_default().to_ascii_lowercase();
    let media_type = if media_type == "image/jpg" { "image/jpeg".to_owned() } else { media_type };
    if !IMAGE_TYPES.contains(&media_type.as_str()) {
        return Err(format!("an image is one of {}", IMAGE_TYPES.join(", ")));
    }
    url.drain(..=comma);
    if url.is_empty() {
        return Err("the image is empty".to_owned());
    }
    Ok(ImageSource::Data { media_type, base64: url })
}

/// Every tool call must be answered before anyone else speaks, and only calls can be answered: providers refuse
/// anything else, in words that do not name the message.
fn answered(messages: &[Message]) -> Result<(), Invalid> {
    let mut open: Vec<&str> = Vec::new();
    for (number, message) in messages.iter().enumerate() {
        let at = At { number };
        match message {
            Message::Tool { call_id, .. } => {
                let known = open.iter().position(|id| id == call_id).ok_or_else(|| {
                    at.fault(".tool_call_id", "no tool call of the assistant's message before has this id")
                })?;
                open.swap_remove(known);
            }
            _ if !open.is_empty() => return Err(unanswered(&at, &open)),
            Message::Assistant { tool_calls, .. } => {
                open.extend(tool_calls.iter().map(|call| call.id.as_str()));
            }
            _ => {}
        }
    }
    if open.is_empty() { Ok(()) } else { Err(unanswered(&At { number: messages.len() - 1 }, &open)) }
}

fn unanswered(at: &At, open: &[&str]) -> Invalid {
    let ids = open.iter().take(3).map(|id| id.chars().take(64).collect::<String>()).collect::<Vec<_>>();
    at.fault("", format!("tool calls need a message of role `tool` each; unanswered: {}", ids.join(", ")))
}

#[cfg(test)]
#[path = "messages_tests.rs"]
mod tests;
