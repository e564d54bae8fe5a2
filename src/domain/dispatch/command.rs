//! What is asked of an account's dispatch object, and what it answers. They travel as JSON, see
//! [`crate::domain::thread::command`].

use serde::{Deserialize, Serialize};

use super::claim::{Claim, Kept};
use super::entry::{Entry, Kind};
use super::notice::{NoticeView, Notices, Trial};
use crate::domain::admission::command::Learned;
use crate::domain::erasure::{Hold, Receipt};
use crate::domain::ids::{AccountId, AgentId, ErasureId};
use crate::domain::knowledge::command::Tally;
use crate::domain::plan::KeepLimit;
use crate::domain::thread::id::{RunId, ThreadKey};
use crate::domain::thread::voice::Voice;
use crate::domain::time::{self, Millis};

/// The version of [`Command`] and [`Answer`]; see [`crate::domain::admission::command::VERSION`] for what that means.
pub const VERSION: u32 = 1;

/// The most runs of one delivery; there are more deliveries for more.
pub const MAX_RUNS: usize = 100;

/// How far behind the index is as a rule, in milliseconds: a delivery leaves with the answer to what caused it.
pub const USUAL_LAG_MS: u64 = 1_000;

/// Everything a dispatch object can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    Deliver(Delivery),
    List(List),
    /// Do what is due, see to the alarm, and say which threads are overdue: at most so many. They are asked for again once they have
    /// had time to answer.
    Overdue(u32),
    /// The threads behind this one that the index knows, deleted ones too, by their keys: at most so many.
    Threads(Option<ThreadKey>, u32),
    /// Claims room.
    Claim(Claim),
    /// What became of a claim: this run was begun, or was there before; `None`: nothing was made.
    Settle(String, Option<RunId>),
    /// How much there is.
    Kept,
    /// An object of the account that keeps memories is about to be written, by its name; or it is there no longer.
    Place(String, bool),
    /// Nothing is left in such an object of what was there in this version.
    Emptied(String, u64),
    /// One more memory is about to be written there: who writes it, and how many there may be at all.
    ClaimMemory(String, String, u32),
    /// So many are kept there; what was claimed for what was written is in it.
    Counted(String, Tally, Option<String>),
    /// Those behind this one that may be there, by their names: at most so many.
    Places(Option<String>, u32),
    /// Declared things of this account have changed.
    Learn(AccountId, Vec<Learned>),
    /// Which messages there are to a webhook.
    Notices(Notices),
    /// A message to this webhook is sent again from the first attempt on.
    Resend(String, String),
    /// A message is sent to see whether it arrives.
    Try(Trial),
    /// All that is kept of a person is to be erased.
    Erase(Erase),
    /// An erasure, as far as it is.
    Erasure(ErasureId),
    /// Those behind this one, newest first: at most so many.
    Erasures(Option<ErasureId>, u32),
    /// Nothing of this person is deleted from now on.
    Hold(Hold),
    /// The hold of a person goes.
    Release(String),
    /// The hold of a person.
    ShowHold(String),
    /// The holds behind this person's, by user: at most so many.
    Holds(Option<String>, u32),
    /// Whether there is a hold on this.
    MayGo(Whose),
    /// The same as [`Command::Overdue`], and threads that nothing has changed for long are deleted.
    Retain(Retain),
}

/// A person of whom all is to be erased that is there by now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erase {
    pub id: ErasureId,
    pub account: AccountId,
    pub user: String,
    /// The key that asks, or `operator`.
    pub by: String,
}

/// What is about to be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whose {
    User(String),
    Thread(ThreadKey),
}

/// For how many days threads are kept that nothing changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retain {
    pub account: AccountId,
    /// How many threads that are overdue are named.
    pub overdue: u32,
    /// Of all agents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<u32>,
    /// Of single agents, besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<(AgentId, u32)>,
}

/// What a thread is now, and runs of it that have changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub thread: ThreadKey,
    /// Grows with each change, and is never below the milliseconds of its moment. Nothing is taken from a lower version than
    /// the highest that has come.
    pub version: u64,
    /// `None`: it was deleted, and its runs with it.
    pub delivered: Option<Delivered>,
}

/// What is delivered of a thread that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// Runs are found by their thread's user and labels, as they were at the last change of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// When its object is awake next, unless its alarm is lost; `None` while nothing there runs or waits with a date.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::as_optional_integer")]
    pub due_at: Option<Millis>,
    /// Of what is said in it; `None`: its object does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// It is made for one call: no list shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<Hidden>,
    pub thread: Entry,
    /// At most [`MAX_RUNS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Entry>,
    /// Who has spoken in runs of others, or speaks no more; at most [`MAX_RUNS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub voices: Vec<Voice>,
}

/// Why the index knows of a thread that is made for one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hidden {
    /// Its runs count for as long as they are not over.
    pub is_counted: bool,
    /// It outlives its runs for a while, and is found when its user is erased.
    pub is_kept: bool,
}

/// Which entries, newest first. What is given must all be so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    pub kind: Kind,
    pub order: Order,
    pub agent: Option<AgentId>,
    pub status: Option<String>,
    pub user: Option<String>,
    /// A whole label, or the part before its colon.
    pub label: Option<String>,
    /// Not before this moment: made or changed, as the order says; `until` the same.
    #[serde(with = "time::as_integer")]
    pub since: Millis,
    /// Behind this one; else from the newest on.
    pub after: Position,
    pub limit: u32,
}

/// By which time a list is ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    #[default]
    Created,
    /// Threads only.
    Updated,
}

/// A place in a list: behind an entry, or between two moments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    #[serde(with = "time::as_integer")]
    pub at: Millis,
    /// As the index names the entry: 32 or 40 hexadecimal digits. Empty: before every entry of this moment.
    pub id: String,
}

impl Position {
    /// Before all that there is.
    pub const NEWEST: Millis = Millis((1 << 53) - 2);

    /// Behind all entries that are newer than this moment.
    pub const fn until(at: Millis) -> Self {
        Self { at: at.plus(1), id: String::new() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Or it was known.
    Delivered,
    /// The same, and so are [`Delivered::voices`], of which older code knows nothing.
    Heard,
    /// A thread of this name that was there before is still being removed: it is to be delivered again.
    NotYet,
    Listed(Listed),
    Woken,
    /// Those that are overdue the longest first.
    Overdue(Vec<ThreadKey>),
    Threads(Vec<ThreadKey>),
    Claimed,
    /// There is no room: this limit, and what it is.
    Full(KeepLimit, u32),
    Settled,
    Kept(Kept),
    Placed,
    Places(Vec<String>),
    Learned,
    /// Newest first; whether there are more.
    Notices(Vec<NoticeView>, bool),
    /// It is sent now.
    Notice(Box<NoticeView>),
    NoSuchNotice,
    /// The webhook is not enabled: nothing is sent to it.
    NotEnabled,
    Erasure(Box<Receipt>),
    NoSuchErasure,
    /// Newest first; whether there are more.
    Erasures(Vec<Receipt>, bool),
    /// It is there, or was before.
    Hold(Hold),
    /// Whether there was one.
    Released(bool),
    Holds(Vec<Hold>),
    NotHeld,
    /// A legal hold forbids it.
    Held,
    MayGo,
}

/// A page of entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// What lists show, as JSON.
    pub entries: Vec<String>,
    /// Where the next page begins; `None` at the end. A page may be short: so many entries and no more are looked at for one.
    pub next: Option<Position>,
    /// How far behind the index may be: what comes late says so, for two minutes.
    pub lag_ms: u64,
}
