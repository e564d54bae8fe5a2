//! What is asked of a thread's object, and what it answers.
//!
//! They travel as JSON between the Worker and the object. What clients see of threads, runs and items is written by the
//! object, so that every way to read them says the same ([`super::view`]).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::about::About;
use super::compaction::Horizon;
use super::export::{Exported, Place};
use super::fork::{self, Copied, Cut, Origin, Progress};
pub use super::given::{Outcome, Resolved, Taken};
use super::id::{EntryId, ThreadKey, ThreadName};
pub use super::on_busy::OnBusy;
use super::once::Once;
use super::view::{ItemView, RunView, ThreadView};
use super::voice::By;
use crate::domain::field_error::FieldError;
use crate::domain::ids::{AccountId, AgentId};
use crate::domain::message::Message;
use crate::domain::money::{self, Nanos};
use crate::domain::patch::Operations;
use crate::domain::run::event::Numbered;
use crate::domain::run::input::{Input, NotTaken};
use crate::domain::run::terms::{Priority, Terms};
use crate::domain::run::word::Word;
use crate::domain::time::{self, Millis};

/// The version of [`Command`] and [`Answer`]; see [`crate::domain::admission::command::VERSION`] for what that means.
pub const VERSION: u32 = 1;

/// Everything a thread's object can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Makes the thread, unless it is there.
    Create(Create),
    Show(Who),
    /// Lays a JSON Merge Patch over what the client says of its thread. In it, `version` is the number of the agent's version at
    /// which the thread stays, or null for none.
    Change(Who, Map<String, Value>),
    /// Operations on what the thread shows and on `version`, which is as in [`Command::Change`].
    Edit(Who, Operations),
    Delete(Who),
    /// Deletes it if this is its only run.
    DeleteWith(Who, u32),
    /// Items without a run.
    Append(Who, Vec<Message>),
    /// Takes one item out.
    DeleteItem(Who, EntryId),
    Items(Who, Page),
    /// A page of items, to be copied into another thread.
    Copy(Who, Cut),
    /// A page of the items of which the thread is to be a copy.
    Fork(Box<Fork>),
    /// Begins a run, or lets it wait for its turn; makes the thread where it is not there.
    Start(Box<Start>),
    Run(Who, u32),
    /// A page of the run's journal, behind an entry; 0: from the first.
    Journal(Who, u32, u32),
    /// A page of all that there is of the thread.
    Export(Who, Place),
    /// What has happened, of a run or of all; more comes as it happens where this is asked by a stream.
    Events(Who, Watch),
    Cancel(Who, u32, Option<String>),
    Pause(Who, u32, Option<String>),
    Resume(Who, u32),
    Prioritize(Who, u32, Priority),
    /// All of them, or none.
    Give(Who, u32, Vec<Input>),
    /// The same of this person, for whom the token was issued that gives it.
    GiveBy(Who, u32, Vec<Input>, String),
    /// The floor of the thread's tokens.
    Floor(Who),
    /// Raises it: tokens that were made until now open nothing more.
    RaiseFloor(Who),
    /// A command of who holds a token that was made under this floor.
    ByToken(u32, Box<Command>),
    /// A command that counts once: under the same key it is answered as it was, and done only the first time.
    Once(Once, Box<Command>),
    /// A child of a call of ours says something.
    Hear(EntryId, Word),
    /// The run above wants this thread's run no more: it is cancelled, or never begins.
    Abandon(String),
    /// Forget something of it, or all.
    Clear(Clear),
    /// Do what is due, and see to the alarm.
    Wake,
}

impl Command {
    /// Whether it adds a run or what somebody says.
    pub fn adds(&self) -> bool {
        match self {
            Self::Start(_) | Self::Append(..) => true,
            Self::Give(_, _, inputs) | Self::GiveBy(_, _, inputs, _) => {
                inputs.iter().any(|input| matches!(input, Input::Message(_)))
            }
            Self::Once(_, command) | Self::ByToken(_, command) => command.adds(),
            _ => false,
        }
    }

    /// Whether the one who asks stays for what comes.
    pub fn stays(&self) -> bool {
        match self {
            Self::Events(_, watch) => watch.stay,
            Self::Start(start) => start.watch,
            Self::Once(_, command) | Self::ByToken(_, command) => command.stays(),
            _ => false,
        }
    }
}

/// Who asks: a thread of another agent is not there for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Who {
    /// Somebody who may see the account's threads.
    Account,
    /// A caller of this agent.
    Caller(AgentId),
    /// A caller of this agent without a key: only threads that were made for calls without a key are there.
    Anonymous(AgentId),
}

/// A thread to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Create {
    pub account: AccountId,
    pub key: ThreadKey,
    pub name: Option<ThreadName>,
    pub agent: AgentId,
    /// The version at which its runs stay; `None`: each has the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    #[serde(default)]
    pub about: About,
    /// It is made for one call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throw_away: Option<ThrowAway>,
    /// What was said before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Message>,
}

/// A thread that is made for one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThrowAway {
    /// It is kept for [`super::once::KEEP_MS`] after the last that happened; otherwise it goes with the end of its run.
    pub is_kept: bool,
    /// The call came without a key.
    pub is_anonymous: bool,
    /// The account's plan limits how many runs are not over: the index learns of its runs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_counted: bool,
}

/// A page for the thread that is to be the copy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fork {
    /// Without items.
    pub create: Create,
    pub origin: Origin,
    /// The client named no item: any copy of that thread is what it wants.
    pub is_whole: bool,
    /// See [`Copied::until`].
    pub until: u64,
    /// Behind which position of the other thread the page begins.
    pub behind: u64,
    pub items: Vec<fork::Copy>,
    /// See [`Copied::next`].
    pub next: Option<u64>,
    /// See [`Copied::horizon`].
    #[serde(default, skip_serializing_if = "Horizon::is_none")]
    pub horizon: Horizon,
    /// Calls without a result stay so: the next run has it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keeps_open: bool,
    /// See [`Copied::titled_by`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub titled_by: Option<By>,
}

impl Fork {
    /// Whether a copy of this is what the client wants.
    pub fn is_of(&self, origin: Origin) -> bool {
        self.origin.thread == origin.thread && (self.is_whole || self.origin.after == origin.after)
    }
}

/// What a thread is to forget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clear {
    /// What is of this person and was there by then: the thread, if it is theirs, else the runs that a token of theirs began and
    /// what they have said in those of others.
    OfUser {
        user: String,
        #[serde(with = "time::as_integer")]
        until: Millis,
    },
    /// All of it, if nothing has changed since then and nothing is at work or waits.
    Unchanged {
        #[serde(with = "time::as_integer")]
        since: Millis,
    },
}

/// A page of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Only those behind this one, in the page's order.
    pub after: Option<EntryId>,
    pub newest_first: bool,
    pub limit: u32,
    /// Only those of this run, oldest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u32>,
}

/// A run to be started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    pub thread: Create,
    pub terms: Terms,
    /// What the request itself says of it; the terms have the lower one of this and the agent's.
    #[serde(default, with = "money::as_optional_integer", skip_serializing_if = "Option::is_none")]
    pub max_usd: Option<Nanos>,
    /// What the run is about; empty: what the thread says already.
    pub input: Vec<Message>,
    pub on_busy: OnBusy,
    /// Whether the thread is made where it is not there: an id of ours that is not known is nobody's.
    pub may_make: bool,
    /// The run that must be the thread's last one, or none begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<u32>,
    /// The input answers all calls with which the run before it ended, and no others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answers: bool,
    /// Whether the caller stays for the events.
    pub watch: bool,
    /// What the agent of today refuses in it: no run begins, though one that began under the same key answers. An object of
    /// older code does not look at it, and begins one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FieldError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// `None`: of all runs.
    pub run: Option<u32>,
    /// The last number that is known: of the run, or of the thread.
    pub after: Option<u64>,
    /// Whether the caller stays for more.
    pub stay: bool,
    /// Only what comes from now on is wanted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_new_only: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    Thread {
        thread: Box<ThreadView>,
        is_new: bool,
    },
    Deleted,
    /// Nothing is left of so many runs; the thread stays.
    Cleared(u32),
    /// Nothing is left of so many items that a person has said in runs of others; there may be more.
    Hushed(u32),
    Items {
        items: Vec<ItemView>,
        has_more: bool,
    },
    Copied(Box<Copied>),
    /// The copy is not whole.
    Copying(Progress),
    /// As it was taken in, or as it is.
    Run(Box<RunView>),
    Journal {
        steps: Vec<Value>,
        /// Behind which entry the next page begins; `None`: these are all.
        next: Option<u32>,
    },
    Events(Box<Events>),
    Exported(Box<Exported>),
    Given(Vec<Outcome>),
    Floor(u32),
    /// The token was made under a floor that was raised since.
    BelowFloor,
    /// There is no such thread, run or item for who asks.
    NotFound,
    /// Another run is at work, and the call wants no other to be.
    Busy(u32),
    /// The thread stays at this version of its agent, which is not the one that the run was to have.
    AtVersion(u32),
    /// Another run is the thread's last one than the run was to come behind.
    NotLast,
    /// A run has no input, and the thread says nothing.
    NothingSaid,
    /// What does not fit.
    Invalid(Vec<FieldError>),
    /// The run does not allow that where it stands.
    Conflict(String),
    /// The inputs are as they were.
    NotTaken {
        at: u32,
        why: NotTaken,
        /// All of them that were answered before.
        #[serde(default)]
        resolved: Vec<Resolved>,
    },
    /// The same key came with another body.
    KeyReused,
    /// More runs wait than a thread may have.
    TooMany(u32),
    /// Holders of the thread's tokens have asked for so much in this minute.
    TooFast {
        limit: u32,
        retry_after_s: u32,
    },
    BadCursor(BadCursor),
    /// What was said has been taken in.
    Heard,
    Woken,
}

/// A page of the events after a cursor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Events {
    /// The run they are of.
    pub snapshot: Option<RunView>,
    pub events: Vec<Numbered>,
    /// Nothing more can come.
    pub is_over: bool,
    /// The cursor of the next page; `None`: these are all until now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

impl Events {
    /// Whether what happens next comes right behind these.
    pub const fn is_live(&self) -> bool {
        !self.is_over && self.next.is_none()
    }
}

/// Why there are no events after a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BadCursor {
    /// No event has had this number yet.
    Future,
    /// They are not kept any more.
    Expired,
}
