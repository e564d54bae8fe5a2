//! One step of a streamed answer.

use super::assistant::Citation;
use super::part::JsonText;
use super::proof::Proof;
use super::reply::{About, Finish};
use super::usage::Usage;

/// A step of a streamed answer. [`super::Gather`] puts the parts together again.
///
/// A delta continues the last part of its choice if that is of its kind; otherwise, and after [`Event::Boundary`], it
/// begins the next.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Text {
        choice: u32,
        delta: String,
    },
    Reasoning {
        choice: u32,
        delta: String,
    },
    Refusal {
        choice: u32,
        delta: String,
    },
    /// The last part is complete; the next delta begins another one even if it is of the same kind.
    Boundary {
        choice: u32,
    },
    /// Proves the last part, if that is text or reasoning without a proof, otherwise reasoning that is not shown; Gemini's
    /// signature otherwise an empty text.
    /// What proves a whole turn (`reasoning_details`) belongs to the first reasoning.
    Proof {
        choice: u32,
        proof: Proof,
    },
    /// A source of the last text.
    Citation {
        choice: u32,
        /// Boxed, because it is rare and larger than all others.
        citation: Box<Citation>,
    },
    /// A tool call begins; `index` numbers the tool calls of that choice from 0.
    ToolCall {
        choice: u32,
        index: u32,
        id: String,
        name: String,
        /// Gemini's signature of the call.
        proof: Option<Proof>,
    },
    /// More of that tool call's JSON arguments.
    ToolArguments {
        choice: u32,
        index: u32,
        delta: String,
    },
    /// OpenAI's `logprobs` object for what was said last; the lists in it are the next pieces of longer ones.
    Logprobs {
        choice: u32,
        logprobs: JsonText,
    },
    Finish {
        choice: u32,
        reason: Finish,
    },
    /// Cumulative; may come more than once (see [`Usage::max`]).
    Usage(Usage),
    /// Once, when it is known.
    About(About),
}

impl Event {
    /// Whether a client sees something of the answer in it.
    pub const fn is_content(&self) -> bool {
        !matches!(self, Self::Usage(_) | Self::About(_) | Self::Boundary { .. })
    }
}
