//! A conversation as `system` and `messages`.
//!
//! The API wants alternating turns, a tool's result ahead of any other content of its turn, identifiers of letters,
//! digits, `_` and `-`, and no empty text; all of that is arranged here without changing what was said.

use std::borrow::Cow;

use serde::Serialize;

use crate::domain::message::{Image, ImageSource, Message, Part, ToolCall};
use crate::wire::provider::call_id;
use crate::wire::provider::json::Arguments;

/// One turn of the conversation.
#[derive(Debug, Serialize)]
pub(super) struct Turn<'a> {
    role: Role,
    content: Vec<Block<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    User,
    Assistant,
}

/// A content block of a request.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Text { text: Cow<'a, str> },
    Image { source: Source<'a> },
    ToolUse { id: Cow<'a, str>, name: &'a str, input: Arguments<'a> },
    ToolResult { tool_use_id: Cow<'a, str>, content: &'a str },
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Source<'a> {
    Url { url: &'a str },
    Base64 { media_type: &'a str, data: &'a str },
}

impl<'a> Block<'a> {
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text { text: text.into() }
    }
}

/// The system blocks in order, and the turns.
///
/// The API refuses a request without turns; where there are only system messages the last becomes the user's.
pub(super) fn conversation(messages: &[Message]) -> (Vec<Block<'_>>, Vec<Turn<'_>>) {
    let mut system = Vec::new();
    let mut turns = Vec::new();
    for message in messages {
        match message {
            Message::System { text } if text.trim().is_empty() => {}
            Message::System { text } => system.push(Block::text(text)),
            Message::User { parts } => push(&mut turns, Role::User, parts.iter().filter_map(part)),
            Message::Assistant { text, tool_calls } => {
                push(
                    &mut turns,
                    Role::Assistant,
                    spoken(text.as_deref()).chain(tool_calls.iter().map(tool_use)),
                );
            }
            Message::Tool { call_id, text } => push_result(&mut turns, call_id, text),
        }
    }
    if turns.is_empty() {
        push(&mut turns, Role::User, system.pop().into_iter());
    }
    (system, turns)
}

/// Whether the model is in the middle of a turn of its own: it called tools and only their results came since.
pub(super) fn amid_tools(messages: &[Message]) -> bool {
    let last = messages
        .iter()
        .rev()
        .find(|message| !matches!(message, Message::System { .. } | Message::Tool { .. }));
    matches!(last, Some(Message::Assistant { tool_calls, .. }) if !tool_calls.is_empty())
}

fn push<'a>(turns: &mut Vec<Turn<'a>>, role: Role, blocks: impl Iterator<Item = Block<'a>>) {
    let mut blocks = blocks.peekable();
    if blocks.peek().is_some() {
        turn(turns, role).extend(blocks);
    }
}

fn push_result<'a>(turns: &mut Vec<Turn<'a>>, call_id: &'a str, text: &'a str) {
    let content = turn(turns, Role::User);
    let after = content.iter().take_while(|block| matches!(block, Block::ToolResult { .. })).count();
    content.insert(after, Block::ToolResult { tool_use_id: identifier(call_id), content: text });
}

/// The content of the turn that continues in this role.
fn turn<'t, 'a>(turns: &'t mut Vec<Turn<'a>>, role: Role) -> &'t mut Vec<Block<'a>> {
    if turns.last().is_none_or(|turn| turn.role != role) {
        turns.push(Turn { role, content: Vec::new() });
    }
    let last = turns.len() - 1;
    &mut turns[last].content
}

/// The API refuses text that ends in white space at the end of an assistant's turn.
fn spoken(text: Option<&str>) -> impl Iterator<Item = Block<'_>> {
    text.map(str::trim_end).filter(|text| !text.is_empty()).map(Block::text).into_iter()
}

fn part(part: &Part) -> Option<Block<'_>> {
    match part {
        Part::Text(text) if text.trim().is_empty() => None,
        Part::Text(text) => Some(Block::text(text)),
        Part::Image(image) => Some(Block::Image { source: source(image) }),
    }
}

fn source(image: &Image) -> Source<'_> {
    match &image.source {
        ImageSource::Url(url) => Source::Url { url },
        ImageSource::Data { media_type, base64 } => Source::Base64 { media_type, data: base64 },
    }
}

fn tool_use(call: &ToolCall) -> Block<'_> {
    Block::ToolUse { id: identifier(&call.id), name: &call.name, input: Arguments::read(&call.arguments) }
}

fn identifier(id: &str) -> Cow<'_, str> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    let id = call_id::bare(id);
    if id.chars().all(allowed) {
        return id.into();
    }
    id.chars().map(|character| if allowed(character) { character } else { '_' }).collect::<String>().into()
}
