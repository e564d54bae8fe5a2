//! What happens to a run, and what is to be done: the machine's two sides.

use serde_json::Value;

use super::awaited::Awaited;
use super::compaction::{Compacted, Slid};
use super::event::{Event, Voids};
use super::misfit::Checked;
use super::state::Failure;
use super::tool::How;
use super::word::Ended;
use crate::domain::message::{AssistantPart, Finish, Message, Part, Usage};
use crate::domain::money::Nanos;
use crate::domain::thread::compaction::Horizon;
use crate::domain::thread::id::EntryId;
use crate::domain::time::Millis;
use crate::domain::warning::Warning;

/// What happened to a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Happened {
    /// Its turn has come.
    Begun,
    /// The model answered the running step.
    Answered(Answered),
    /// The running step got no answer.
    Unanswered {
        fault: Fault,
        cost: Nanos,
    },
    /// The running step was cut by a crash: whoever asked the model is gone. Numbers of events that nobody will see.
    Cut {
        voids: Option<Voids>,
    },
    /// What the model is sent has come so near to its context that the thread is to be compacted before the next step.
    Full,
    /// The oldest runs of the thread are summed up.
    Compacted {
        compacted: Compacted,
        cost: Nanos,
        usage: Usage,
    },
    /// They are not, because of this fault where one was.
    NotCompacted {
        slid: Slid,
        fault: Option<Fault>,
        cost: Nanos,
    },
    /// A summary was asked for when a crash came.
    CompactionCut,
    /// A call that we run has ended.
    Ended {
        entry: u32,
        output: Vec<Part>,
        is_error: bool,
        cost: Nanos,
    },
    /// A child that was to be begun is there.
    ChildBegun {
        entry: u32,
    },
    /// A child says something on its way; see [`super::word::Word`].
    ChildSaid {
        entry: u32,
        seq: u64,
        waits: bool,
        message: Option<String>,
    },
    /// A child says how it has ended.
    ChildEnded {
        entry: u32,
        ended: Ended,
    },
    /// A child that was there is there no more.
    ChildLost {
        entry: u32,
    },
    /// A call could not be made, and may be later.
    NotMade {
        entry: u32,
        why: String,
    },
    /// A call was under way when a crash came.
    Interrupted {
        entry: u32,
    },
    /// Somebody said something while it was at work.
    Steered,
    Cancelled {
        reason: Option<String>,
    },
    Paused {
        reason: Option<String>,
    },
    Resumed,
    /// Time has passed.
    Time,
}

/// What the model answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// In the model's order, with the identifiers that the provider gave.
    pub parts: Vec<AssistantPart>,
    pub finish: Finish,
    /// How each call of the parts is carried out, in their order.
    pub plan: Vec<How>,
    pub usage: Usage,
    pub cost: Nanos,
    /// What the model was not asked as the client wanted it.
    pub warnings: Vec<Warning>,
    /// Whether it is what the agent answers.
    pub output: Checked,
}

/// Why a step got no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The budget is spent; until when.
    Budget { resets_at: Option<Millis> },
    /// What is left of the run's own limit pays for no answer.
    RunBudget,
    /// The model said nothing, where it should have.
    Empty,
    /// Others of the same agent or account come first: as many run as may at once, or in a minute. When at the earliest, and
    /// anything, so that those who wait do not all come back at once.
    Place { at: Option<Millis>, noise: u8 },
    /// It may work later; when at the earliest. `broke_off`: the entry of the model line that did so in the middle of its answer.
    Transient { failure: Failure, at: Option<Millis>, broke_off: Option<String> },
    /// It does not fit the model's context.
    TooLong(Failure),
    /// It will never work.
    Final(Failure),
}

/// What is to be done, in this order, all of it written before any of it is performed.
#[derive(Clone, Debug, PartialEq)]
pub enum Do {
    Say(Event),
    /// An item of the transcript.
    Write {
        entry: u32,
        step: u32,
        message: Message,
    },
    /// What somebody says to the run, and the step that the model is answering meanwhile: it stands behind that answer.
    Hear {
        entry: u32,
        during: Option<u32>,
        message: Message,
    },
    CallModel {
        step: u32,
        attempt: u32,
    },
    CallTool {
        entry: u32,
        attempt: u32,
    },
    /// The oldest runs of the thread are to be summed up.
    Compact {
        nth: u32,
    },
    /// This summary stands in their place.
    Compacted {
        entry: u32,
        compacted: Compacted,
    },
    /// Less of the thread is sent.
    Slide {
        horizon: Horizon,
    },
    CancelChild {
        entry: u32,
    },
    /// Remember that this call was asked of somebody outside who did not answer it, and that it needs no answer any more.
    GiveUp {
        entry: u32,
    },
    /// A child is asked how it is. `nth`: of its looks, from 1.
    LookAtChild {
        entry: u32,
        nth: u32,
    },
}

/// How entries are called outside, and how what is awaited is shown.
pub struct Names<'a> {
    pub entry: &'a dyn Fn(u32) -> EntryId,
    pub awaited: &'a dyn Fn(&Awaited<'_>) -> Value,
}
