//! A conversation as `system` and `messages`.
//!
//! The API wants alternating turns, a tool's result ahead of any other content of its turn, identifiers of letters,
//! digits, `_` and `-`, and no empty text; all of that is arranged here without changing what was said. Thinking goes
//! back where its signature came along; without one the API would refuse it.

use std::borrow::Cow;

use serde::Serialize;

use super::block::{self, Block, ResultContent};
use crate::domain::dialect::Dialect;
use crate::domain::message::{AssistantPart, Message, ProofKind};
use crate::wire::provider::fit::OPENING;
use crate::wire::provider::json::Arguments;
use crate::wire::reasoning_details;

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

/// The system blocks in order, and the turns.
///
/// The API refuses a request without turns; where there are only system messages the last becomes the user's.
pub(super) fn conversation<'a>(
    dialect: &Dialect,
    messages: &'a [Message],
) -> (Vec<Block<'a>>, Vec<Turn<'a>>) {
    let mut system = Vec::new();
    let mut turns = Vec::new();
    for message in messages {
        match message {
            Message::System { text, .. } if text.trim().is_empty() => {}
            Message::System { text, cache } => {
                system.push(Block::text(text));
                block::mark(&mut system, cache.filter(|_| dialect.cache_points));
            }
            Message::User { parts, .. } => push(&mut turns, Role::User, block::given(dialect, parts)),
            Message::Assistant { parts } => push(&mut turns, Role::Assistant, said(dialect, parts)),
            Message::Tool { call_id, parts, is_error } => {
                let content = ResultContent::of(dialect, parts);
                let tool_use_id = dialect.call_ids.fit(call_id);
                push_result(
                    &mut turns,
                    Block::ToolResult { tool_use_id, content, is_error: *is_error, cache_control: None },
                );
            }
        }
    }
    if turns.is_empty() {
        // The first are the agent's instructions, which are nobody else's words.
        let said = if system.len() > 1 { system.pop() } else { None };
        push(&mut turns, Role::User, vec![said.unwrap_or_else(|| Block::text(OPENING))]);
    }
    if dialect.user_first && turns.first().is_some_and(|turn| turn.role == Role::Assistant) {
        turns.insert(0, Turn { role: Role::User, content: vec![Block::text(OPENING)] });
    }
    (system, turns)
}

/// Whether the model is in the middle of a turn of its own, having called tools, and its thinking cannot be sent back.
pub(super) fn is_amid_unproven_tools(messages: &[Message]) -> bool {
    let mut before = messages.iter().rev();
    let last = before.find(|message| !matches!(message, Message::System { .. } | Message::Tool { .. }));
    let Some(Message::Assistant { parts }) = last else { return false };
    let has_calls = AssistantPart::calls_of(parts).next().is_some();
    has_calls
        && !parts.iter().any(|part| matches!(part, AssistantPart::Reasoning(_)) && !thinking(part).is_empty())
}

fn push<'a>(turns: &mut Vec<Turn<'a>>, role: Role, blocks: Vec<Block<'a>>) {
    if !blocks.is_empty() {
        turn(turns, role).extend(blocks);
    }
}

fn push_result<'a>(turns: &mut Vec<Turn<'a>>, result: Block<'a>) {
    let content = turn(turns, Role::User);
    let is_result = |block: &Block<'_>| matches!(block, Block::ToolResult { .. });
    if content.last().is_none_or(is_result) {
        return content.push(result);
    }
    let after = content.iter().take_while(|block| is_result(block)).count();
    content.insert(after, result);
}

/// The content of the turn that continues in this role.
fn turn<'t, 'a>(turns: &'t mut Vec<Turn<'a>>, role: Role) -> &'t mut Vec<Block<'a>> {
    if turns.last().is_none_or(|turn| turn.role != role) {
        turns.push(Turn { role, content: Vec::new() });
    }
    let last = turns.len() - 1;
    &mut turns[last].content
}

/// An assistant's turn. One that only thought is left out: the API refuses a turn that ends so.
fn said<'a>(dialect: &Dialect, parts: &'a [AssistantPart]) -> Vec<Block<'a>> {
    let mut blocks = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            AssistantPart::Text(text) => blocks.extend(spoken(&text.text)),
            AssistantPart::Refusal(text) => blocks.extend(spoken(text)),
            AssistantPart::Reasoning(_) => blocks.extend(thinking(part)),
            AssistantPart::ToolCall(call) => blocks.push(Block::ToolUse {
                id: dialect.call_ids.fit(&call.id),
                name: dialect.tool_names.fit(&call.name),
                input: Arguments::read(&call.arguments),
                cache_control: None,
            }),
            AssistantPart::CachePoint(point) => {
                block::mark(&mut blocks, Some(*point).filter(|_| dialect.cache_points))
            }
        }
    }
    let is_thought =
        |block: &Block<'_>| matches!(block, Block::Thinking { .. } | Block::RedactedThinking { .. });
    if blocks.iter().all(is_thought) {
        blocks.clear();
    }
    blocks
}

/// The API refuses text that ends in white space at the end of an assistant's turn.
fn spoken(text: &str) -> Option<Block<'_>> {
    Some(text.trim_end()).filter(|text| !text.is_empty()).map(Block::text)
}

/// Reasoning that this API has proved; none of another's.
fn thinking(part: &AssistantPart) -> Vec<Block<'_>> {
    let AssistantPart::Reasoning(reasoning) = part else { return Vec::new() };
    let Some(proof) = &reasoning.proof else { return Vec::new() };
    match proof.kind {
        ProofKind::ReasoningDetails => {
            reasoning_details::anthropic_parts(&proof.value).filter_map(owned_thinking).collect()
        }
        kind => {
            block_of(kind, Cow::Borrowed(&reasoning.text), Cow::Borrowed(&proof.value)).into_iter().collect()
        }
    }
}

fn owned_thinking(part: AssistantPart) -> Option<Block<'static>> {
    let AssistantPart::Reasoning(reasoning) = part else { return None };
    let proof = reasoning.proof?;
    block_of(proof.kind, Cow::Owned(reasoning.text), Cow::Owned(proof.value))
}

fn block_of<'a>(kind: ProofKind, thinking: Cow<'a, str>, value: Cow<'a, str>) -> Option<Block<'a>> {
    match kind {
        ProofKind::AnthropicSignature => Some(Block::Thinking { thinking, signature: value }),
        ProofKind::AnthropicRedacted => Some(Block::RedactedThinking { data: value }),
        _ => None,
    }
}
