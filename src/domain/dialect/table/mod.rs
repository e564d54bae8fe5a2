//! What is known of servers and models.
//!
//! Rows are laid over one another in their order, so that a later one wins: what holds for a wire, then for models on
//! it, then for families of servers, then for a family's models. A bound of versions is better than a list of codes: a
//! model that comes out tomorrow is then taken for the newest known generation. A code without a version counts as
//! the newest.
//!
//! Sources: each provider's API reference and migration guides, read 2026-11; `wire/provider/dialect_tests.rs` has a test
//! of the rows.

mod anthropic;
mod gemini;
mod openai;

use super::knobs::{Alphabet, Naming, Thinking};
use super::patch::Traits;
use super::version::Version;
use crate::domain::provider::Wire;

/// Some of what is known, and of whom.
pub struct Row {
    pub wire: Wire,
    /// Empty: all.
    pub families: &'static [&'static str],
    /// Patterns of model codes in lower case; empty: all.
    pub models: &'static [&'static str],
    /// Versions in the code, from this one …
    pub from: Version,
    /// … up to, and without, this one.
    pub below: Version,
    pub traits: Traits,
    /// Extras that are not taken though the family takes them.
    pub without: &'static [&'static str],
}

const OLDEST: Version = (0, 0);
const NEWEST: Version = (u8::MAX, u8::MAX);
const SAME: Traits = Traits::SAME;

const WORDS_64: Naming = Naming::new(Alphabet::Words, 1, 64);
const fn row(wire: Wire, traits: Traits) -> Row {
    Row { wire, families: &[], models: &[], from: OLDEST, below: NEWEST, traits, without: &[] }
}

pub static ROWS: [&[Row]; 4] = [&openai::ROWS, &anthropic::ROWS, &gemini::ROWS, &WORKERS_AI];

/// Workers AI: models of the older form (`{"response": …}`), whose schema knows no more than this, and newer ones, which are
/// served as OpenAI's are.
static WORKERS_AI: [Row; 2] = [
    row(
        Wire::WorkersAi,
        Traits {
            several_choices: Some(false),
            user: Some(false),
            thinking: Some(Thinking::Nullable),
            strict_tools: Some(false),
            image_url: Some(false),
            // "JSON Mode currently doesn't support streaming."
            format_with_stream: Some(false),
            ..SAME
        },
    ),
    Row {
        models: &[
            "*llama*",
            "*mistral*",
            "*hermes*",
            "*gemma-2*",
            "*gemma-3*",
            "*gemma-7b*",
            "*qwen1.5*",
            "*qwen2.5*",
            "*phi-2*",
            "*granite*",
            "*deepseek-math*",
            "*deepseek-coder*",
            "*neural-chat*",
            "*zephyr*",
            "*openchat*",
            "*falcon*",
        ],
        ..row(
            Wire::WorkersAi,
            Traits {
                stop: Some(false),
                forced_tools: Some(false),
                parallel_tool_calls: Some(false),
                thinking: Some(Thinking::Absent),
                ..SAME
            },
        )
    },
];

#[cfg(test)]
#[path = "../table_tests.rs"]
mod tests;
