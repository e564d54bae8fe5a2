//! What a thread's object does outside, and how it comes back.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::admission::command::{CallRecord, Forget};
use crate::domain::ids::AccountId;
use crate::domain::memory::recalled::Recalled;
use crate::domain::memory::shelf::Reach;
use crate::domain::message::{Part, Usage};
use crate::domain::money::Nanos;
use crate::domain::run::compaction::{Compacted, Slid};
use crate::domain::run::delta::Delta;
use crate::domain::run::happening::{Answered, Fault};
use crate::domain::run::misfit::Misfit;
use crate::domain::run::state::Reason;
use crate::domain::run::terms::Terms;
use crate::domain::run::tool::OpenCall;
use crate::domain::run::word::{Ended, Word};
use crate::domain::thread::command::ThrowAway;
use crate::domain::thread::compaction::{Horizon, Used};
use crate::domain::thread::id::{EntryId, RunId, ThreadKey};
use crate::domain::thread::item::Span;
use crate::domain::thread::window::Sent;

/// Something to be done outside, for a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// The model is asked.
    Model { run: u32, step: u32, attempt: u32 },
    /// The oldest runs of the thread are summed up, before the next step.
    Compact { run: u32, nth: u32 },
    /// A tool is called, or a child begun.
    Tool { run: u32, entry: u32, attempt: u32 },
    /// The child of this call ends, or never begins.
    CancelChild { account: AccountId, call: EntryId },
    /// The child of this call is asked how it is.
    LookAtChild { account: AccountId, call: EntryId, nth: u32 },
    /// The run above, which made this call, is told something. `nth` is the number of it.
    Tell { account: AccountId, run: u32, call: EntryId, nth: u64, word: Word },
    /// The run above learns how a run has ended.
    Report { run: u32 },
    /// The account's index learns what the thread is now. No row: the thread's says what is to be delivered.
    Deliver { nth: u32 },
    /// The account's ledger learns of calls that have ended, and of deleted ones. No row, as above.
    Settle { nth: u32 },
}

impl Effect {
    /// Whether it goes to another thread's object: it is tried until that has answered.
    pub const fn is_errand(&self) -> bool {
        match self {
            Self::Model { .. }
            | Self::Compact { .. }
            | Self::Tool { .. }
            | Self::Deliver { .. }
            | Self::Settle { .. } => false,
            Self::CancelChild { .. } | Self::LookAtChild { .. } | Self::Tell { .. } | Self::Report { .. } => {
                true
            }
        }
    }

    pub fn id(&self) -> String {
        match self {
            Self::Model { run, step, attempt } => format!("{run}.model.{step}.{attempt}"),
            Self::Compact { run, nth } => format!("{run}.compact.{nth}"),
            Self::Tool { run, entry, attempt } => format!("{run}.tool.{entry}.{attempt}"),
            Self::CancelChild { call, .. } => format!("{}.cancel.{}", call.run.number, call.number),
            Self::LookAtChild { call, nth, .. } => format!("{}.look.{}.{nth}", call.run.number, call.number),
            Self::Tell { run, nth, .. } => format!("{run}.tell.{nth}"),
            Self::Report { run } => format!("{run}.report"),
            Self::Deliver { nth } => format!("deliver.{nth}"),
            Self::Settle { nth } => format!("settle.{nth}"),
        }
    }
}

/// How an effect ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    Answered {
        answered: Answered,
        /// What the model has said and could not be shown until now.
        unsaid: Vec<Delta>,
        /// For the journal.
        journal: Value,
        /// For the account's ledger.
        settlement: Option<Box<CallRecord>>,
        /// How much of the model's context it took; `None`: nobody knows.
        used: Option<Used>,
    },
    Unanswered {
        fault: Fault,
        cost: Nanos,
        journal: Value,
        /// `None` where there was no call.
        settlement: Option<Box<CallRecord>>,
        /// Of a prompt that is too long.
        used: Option<Used>,
    },
    /// The oldest runs of the thread are summed up.
    Compacted {
        compacted: Compacted,
        cost: Nanos,
        usage: Usage,
        journal: Value,
        settlement: Option<Box<CallRecord>>,
    },
    /// They are not, because of this fault where one was.
    NotCompacted {
        slid: Slid,
        fault: Option<Fault>,
        cost: Nanos,
        /// `None` where no model was asked.
        journal: Option<Value>,
        settlement: Option<Box<CallRecord>>,
    },
    Tool {
        output: Vec<Part>,
        is_error: bool,
        cost: Nanos,
        journal: Value,
    },
    /// A tool call could not be made, or nobody knows whether its child is there; it may be made later.
    NotMade {
        why: String,
        journal: Value,
    },
    /// A tool call that must not happen twice may have happened.
    Unknown {
        journal: Value,
    },
    /// A child is there.
    ChildBegun,
    /// A child that was looked at has ended.
    ChildEnded(Ended),
    /// There is no such child.
    ChildLost,
    /// The account's index, its ledger, or another thread did not take it.
    Undelivered,
    /// There is nothing to be said of it.
    Done,
}

impl Outcome {
    /// The same, of a model call with its settlement.
    pub fn settled(mut self, record: Option<CallRecord>) -> Self {
        if let Some(settlement) = self.place() {
            *settlement = record.map(Box::new);
        }
        self
    }

    /// Where the settlement of a model call is.
    const fn place(&mut self) -> Option<&mut Option<Box<CallRecord>>> {
        match self {
            Self::Answered { settlement, .. }
            | Self::Unanswered { settlement, .. }
            | Self::Compacted { settlement, .. }
            | Self::NotCompacted { settlement, .. } => Some(settlement),
            _ => None,
        }
    }

    /// The settlement of a model call.
    pub fn settlement(&self) -> Option<&CallRecord> {
        match self {
            Self::Answered { settlement, .. }
            | Self::Unanswered { settlement, .. }
            | Self::Compacted { settlement, .. }
            | Self::NotCompacted { settlement, .. } => settlement.as_deref(),
            _ => None,
        }
    }

    /// The same, taken out.
    pub const fn take_settlement(&mut self) -> Option<Box<CallRecord>> {
        match self.place() {
            Some(settlement) => settlement.take(),
            None => None,
        }
    }
}

/// What the account's ledger is to learn of a thread.
#[derive(Clone, Debug)]
pub struct ForLedger {
    pub account: AccountId,
    /// Calls that have ended.
    pub ended: Vec<CallRecord>,
    /// Calls of runs that were deleted.
    pub deleted: Option<Forget>,
    /// The threads of those runs' children.
    pub children: Vec<ThreadKey>,
}

/// What becomes known of an effect on its way.
#[derive(Debug)]
pub enum Progress {
    /// More of what the model says.
    Said(Vec<Delta>),
    /// What the agent says of its work.
    Report(String),
}

/// What the model is to be asked for a run.
#[derive(Clone, Debug)]
pub struct ModelCall {
    pub account: AccountId,
    pub run: RunId,
    pub terms: Terms,
    /// The step that it is, from 1.
    pub step: u32,
    /// How often it is asked for this step, from 1.
    pub attempt: u32,
    /// See [`crate::domain::run::setbacks::Trouble::broke_off`].
    pub broke_off: Vec<String>,
    /// The transcript, from as far back as can be sent.
    pub sent: Sent,
    /// What of it that is; `None`: nothing.
    pub items: Option<Items>,
    /// Why it is asked for its last word.
    pub closing: Option<Reason>,
    /// The answer to this step that it is asked to mend.
    pub misfit: Option<Misfit>,
    /// What the run may still spend.
    pub left: Option<Nanos>,
    /// Whose memories the run may reach; `None`: nobody's.
    pub reach: Option<Reach>,
    /// What the run was given of them; `None`: nothing was looked for yet.
    pub recalled: Option<Recalled>,
}

/// A part of a transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Items {
    /// The first one and the last.
    pub from: EntryId,
    pub to: EntryId,
    pub count: usize,
    /// The summary that stands before them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compaction: Option<EntryId>,
}

/// What of a thread is to be summed up, or left out.
#[derive(Clone, Debug)]
pub struct CompactionCall {
    pub account: AccountId,
    pub run: RunId,
    pub terms: Terms,
    /// See [`crate::domain::run::setbacks::Trouble::broke_off`].
    pub broke_off: Vec<String>,
    /// What the run may still spend.
    pub left: Option<Nanos>,
    /// What is left out where there is no summary.
    pub slid: Slid,
    /// `None`: no model is asked.
    pub digest: Option<Digest>,
}

/// What a model is to sum up.
#[derive(Clone, Debug)]
pub struct Digest {
    pub question: String,
    /// The longest answer.
    pub max_tokens: u32,
    /// What it will stand for.
    pub span: Span,
    /// The last position that is summed up then.
    pub summed: u64,
    /// Where the thread stands then.
    pub horizon: Horizon,
    /// There is more to be summed up.
    pub has_more: bool,
}

/// A tool call to be made.
#[derive(Clone, Debug)]
pub struct ToolCall {
    pub account: AccountId,
    pub id: EntryId,
    pub terms: Terms,
    pub call: OpenCall,
    /// The most that a child may spend which answers it.
    pub given: Option<Nanos>,
    /// The end user of the thread.
    pub user: Option<String>,
    /// How long the thread is kept, if it was made for one call: its children's are kept as long.
    pub throw_away: Option<ThrowAway>,
    /// Whose memories the run may reach; `None`: nobody's.
    pub reach: Option<Reach>,
}

/// What the run above learns of one that is over.
#[derive(Clone, Debug)]
pub struct Report {
    pub account: AccountId,
    /// The call that it answers.
    pub call: EntryId,
    pub ended: Ended,
}
