//! What watchers of a run see.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::state::{Failure, Reason, Status};
use crate::domain::message::{Part, Usage};
use crate::domain::money::Nanos;
use crate::domain::schema::Fault;
use crate::domain::thread::id::{EntryId, RunId};
use crate::domain::warning::Warning;

/// An event of a run, without its numbers.
///
/// What a watcher holds of an answer: for each item it takes the text so far up to `offset` (in characters) and appends the
/// delta. [`Event::Restarted`] takes back all items of the step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Event {
    #[serde(rename = "run.created")]
    Created,
    #[serde(rename = "run.started")]
    Started,
    #[serde(rename = "step.started")]
    StepStarted { step: u32 },
    #[serde(rename = "text.delta")]
    Text { step: u32, item: EntryId, offset: u64, delta: String },
    #[serde(rename = "reasoning.delta")]
    Reasoning { step: u32, item: EntryId, offset: u64, delta: String },
    #[serde(rename = "tool.call")]
    ToolCall { step: u32, call_id: EntryId, name: String, arguments: String },
    #[serde(rename = "tool.progress")]
    ToolProgress { call_id: EntryId, message: String },
    #[serde(rename = "tool.result")]
    ToolResult { call_id: EntryId, output: Vec<Part>, is_error: bool },
    #[serde(rename = "step.completed")]
    StepCompleted {
        step: u32,
        cost_usd: Nanos,
        usage: Usage,
        /// What the model was not asked as the client wanted it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        warnings: Vec<Warning>,
    },
    /// The step begins again: what was said in it is void. `voids`: numbers that nobody will see any more.
    #[serde(rename = "step.restarted")]
    Restarted {
        step: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        voids: Option<Voids>,
    },
    /// What the agent says of its work.
    #[serde(rename = "progress")]
    Progress { message: String },
    /// The oldest runs of the thread are summed up; `from` and `to` are the first item and the last of what `item` stands for.
    #[serde(rename = "compaction.completed")]
    Compacted { item: EntryId, from: EntryId, to: EntryId, cost_usd: Nanos, usage: Usage },
    /// Less of the thread is sent, and no summary stands for it; why.
    #[serde(rename = "window.slid")]
    Slid { reason: String },
    #[serde(rename = "run.waiting")]
    Waiting { waiting_on: Vec<Value> },
    #[serde(rename = "run.paused")]
    Paused {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    #[serde(rename = "run.resumed")]
    Resumed,
    #[serde(rename = "child.started")]
    ChildStarted { call_id: EntryId, child: RunId, path: Vec<RunId> },
    #[serde(rename = "child.progress")]
    ChildProgress { call_id: EntryId, child: RunId, path: Vec<RunId>, message: String },
    #[serde(rename = "child.ended")]
    ChildEnded { call_id: EntryId, child: RunId, path: Vec<RunId>, status: Status, cost_usd: Nanos },
    #[serde(rename = "run.completed")]
    Completed { cost_usd: Nanos },
    #[serde(rename = "run.incomplete")]
    Incomplete {
        reason: Reason,
        cost_usd: Nanos,
        /// Of `output_invalid`: what of the answer does not fit.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        errors: Vec<Fault>,
    },
    #[serde(rename = "run.failed")]
    Failed { error: Failure, cost_usd: Nanos },
    #[serde(rename = "run.cancelled")]
    Cancelled {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        cost_usd: Nanos,
    },
}

/// Numbers that were reserved and never written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voids {
    pub from: u64,
    pub to: u64,
}

impl Event {
    /// Whether nothing of the run follows.
    pub const fn is_last(&self) -> bool {
        matches!(
            self,
            Self::Completed { .. } | Self::Incomplete { .. } | Self::Failed { .. } | Self::Cancelled { .. }
        )
    }

    /// Whether the run goes on only when something outside happens, or never.
    pub fn is_rest(&self) -> bool {
        match self {
            Self::Waiting { waiting_on } => asks(waiting_on),
            event => event.is_last() || matches!(event, Self::Paused { .. }),
        }
    }

    /// Its `type`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created => "run.created",
            Self::Started => "run.started",
            Self::StepStarted { .. } => "step.started",
            Self::Text { .. } => "text.delta",
            Self::Reasoning { .. } => "reasoning.delta",
            Self::ToolCall { .. } => "tool.call",
            Self::ToolProgress { .. } => "tool.progress",
            Self::ToolResult { .. } => "tool.result",
            Self::StepCompleted { .. } => "step.completed",
            Self::Restarted { .. } => "step.restarted",
            Self::Progress { .. } => "progress",
            Self::Compacted { .. } => "compaction.completed",
            Self::Slid { .. } => "window.slid",
            Self::Waiting { .. } => "run.waiting",
            Self::Paused { .. } => "run.paused",
            Self::Resumed => "run.resumed",
            Self::ChildStarted { .. } => "child.started",
            Self::ChildProgress { .. } => "child.progress",
            Self::ChildEnded { .. } => "child.ended",
            Self::Completed { .. } => "run.completed",
            Self::Incomplete { .. } => "run.incomplete",
            Self::Failed { .. } => "run.failed",
            Self::Cancelled { .. } => "run.cancelled",
        }
    }

    /// Whether it is a piece of what the model says, which watchers see before it is written.
    pub const fn is_delta(&self) -> bool {
        self.said_in().is_some()
    }

    /// Of a piece of what the model says, the step in which it says it.
    pub const fn said_in(&self) -> Option<u32> {
        match self {
            Self::Text { step, .. } | Self::Reasoning { step, .. } => Some(*step),
            _ => None,
        }
    }
}

/// Whether somebody outside must do something, of what a run waits for.
pub fn asks(waiting_on: &[Value]) -> bool {
    waiting_on.iter().any(needs_somebody)
}

/// Whether what a run waits for comes by somebody alone: a child that is at work needs nobody, and time passes.
pub fn needs_somebody(awaited: &Value) -> bool {
    match awaited["kind"].as_str() {
        Some("child") => awaited["status"] == "waiting",
        kind => kind != Some("time"),
    }
}

/// An event with its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Numbered {
    /// Of its run, growing.
    pub seq: u64,
    /// Of its thread, growing.
    pub position: u64,
    pub run: RunId,
    #[serde(flatten)]
    pub event: Event,
}
