//! Reads the turns of a conversation.
//!
//! A user's turn may have results of tools and words of the user: the results are messages of their own here, before the words.

use super::block::{self, BlockBody};
use super::body::TurnBody;
use crate::domain::message::{AssistantPart, CachePoint, Message, Part};
use crate::wire::cache_control::CacheControl;
use crate::wire::client::content::Content;
use crate::wire::client::{Invalid, call_id};

/// All that is said: `system` first.
pub fn messages(
    system: Content<BlockBody>,
    turns: Option<Vec<TurnBody>>,
    cache: Option<CacheControl>,
) -> Result<Vec<Message>, Invalid> {
    let turns = turns.ok_or_else(|| Invalid::at("messages", "`messages` is required"))?;
    if turns.is_empty() {
        return Err(Invalid::at("messages", "`messages` must not be empty"));
    }
    let mut messages = system_messages("system", system)?;
    for (number, turn) in turns.into_iter().enumerate() {
        let fault = |field: &str, words: String| Invalid::at(format!("messages[{number}]{field}"), words);
        match turn.role.as_deref() {
            Some("user") => user(number, turn.content, &mut messages)?,
            Some("assistant") => messages.push(assistant(number, turn.content)?),
            // What the system says in the middle, as Claude Code has it.
            Some("system") => {
                messages.extend(system_messages(&format!("messages[{number}].content"), turn.content)?);
            }
            _ => return Err(fault(".role", "a role is `user`, `assistant` or `system`".to_owned())),
        }
    }
    if let Some(point) = cache.map(CachePoint::from) {
        mark_last(&mut messages, point);
    }
    Ok(messages)
}

/// `cache_control` beside the messages: up to the last of them.
fn mark_last(messages: &mut [Message], point: CachePoint) {
    match messages.last_mut() {
        Some(Message::User { parts, .. } | Message::Tool { parts, .. }) => {
            parts.push(Part::CachePoint(point))
        }
        Some(Message::Assistant { parts }) => parts.push(AssistantPart::CachePoint(point)),
        Some(Message::System { cache, .. }) => *cache = Some(point),
        None => {}
    }
}

fn system_messages(place: &str, system: Content<BlockBody>) -> Result<Vec<Message>, Invalid> {
    match system {
        Content::None => Ok(Vec::new()),
        Content::Text(text) => Ok(vec![Message::system(text)]),
        Content::Parts(blocks) => {
            let read = blocks.into_iter().enumerate().map(|(number, block)| {
                let at = |field: &str, words: &str| Invalid::at(format!("{place}[{number}]{field}"), words);
                match (block.kind.as_deref(), block.text) {
                    (Some("text"), Some(text)) => {
                        Ok(Message::System { text, cache: block.cache_control.map(CachePoint::from) })
                    }
                    (Some("text"), None) => Err(at(".text", "a text block needs `text`")),
                    _ => Err(at(".type", "the system says only text blocks")),
                }
            });
            read.collect()
        }
    }
}

fn user(number: usize, content: Content<BlockBody>, messages: &mut Vec<Message>) -> Result<(), Invalid> {
    let blocks = match content {
        Content::None => {
            return Err(Invalid::at(format!("messages[{number}].content"), "`content` is required"));
        }
        Content::Text(text) => {
            messages.push(Message::user(text));
            return Ok(());
        }
        Content::Parts(blocks) => blocks,
    };
    let mut parts = Vec::with_capacity(blocks.len());
    let has_blocks = !blocks.is_empty();
    for (at, body) in blocks.into_iter().enumerate() {
        let place = format!("messages[{number}].content[{at}]");
        if body.kind.as_deref() == Some("tool_result") {
            if !parts.is_empty() {
                let words = "tool results come first in a turn, before all else";
                return Err(Invalid::at(format!("{place}.type"), words));
            }
            messages.push(tool_result(&place, body)?);
            continue;
        }
        parts.extend(block::given(body).map_err(|(field, words)| Invalid::at(place + &field, words))?);
    }
    if !parts.is_empty() || !has_blocks {
        if !has_blocks {
            return Err(Invalid::at(format!("messages[{number}].content"), "`content` must not be empty"));
        }
        messages.push(Message::User { name: None, parts });
    }
    Ok(())
}

fn tool_result(place: &str, body: BlockBody) -> Result<Message, Invalid> {
    let id = body.tool_use_id.filter(|id| !id.is_empty()).ok_or_else(|| {
        Invalid::at(format!("{place}.tool_use_id"), "a tool_result block needs the `tool_use_id` it answers")
    })?;
    let mut parts = Vec::new();
    match body.content {
        Content::None => {}
        Content::Text(text) => parts.push(Part::Text(text)),
        Content::Parts(blocks) => {
            for (at, block) in blocks.into_iter().enumerate() {
                let read = block::given(block)
                    .map_err(|(field, words)| Invalid::at(format!("{place}.content[{at}]{field}"), words));
                parts.extend(read?);
            }
        }
    }
    parts.extend(body.cache_control.map(|control| Part::CachePoint(control.into())));
    let (call_id, _) = call_id::read(&id);
    Ok(Message::Tool { call_id: call_id.to_owned(), parts, is_error: body.is_error.unwrap_or(false) })
}

fn assistant(number: usize, content: Content<BlockBody>) -> Result<Message, Invalid> {
    let blocks = match content {
        Content::None => {
            return Err(Invalid::at(format!("messages[{number}].content"), "`content` is required"));
        }
        Content::Text(text) => return Ok(Message::assistant(text)),
        Content::Parts(blocks) => blocks,
    };
    let mut parts = Vec::with_capacity(blocks.len());
    for (at, body) in blocks.into_iter().enumerate() {
        let read = block::said(body)
            .map_err(|(field, words)| Invalid::at(format!("messages[{number}].content[{at}]{field}"), words));
        parts.extend(read?);
    }
    Ok(Message::Assistant { parts })
}
