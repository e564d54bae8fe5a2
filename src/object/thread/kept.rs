//! What a thread's object keeps, in memory and on the disk.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::copying::Copying;
use super::unsettled::Unsettled;
use crate::domain::admission::command::CallRecord;
use crate::domain::ids::{AccountId, AgentId};
use crate::domain::memory::recalled::Recalled;
use crate::domain::message::{Message, stored};
use crate::domain::run::state::Run;
use crate::domain::thread::about::About;
use crate::domain::thread::command::{ThrowAway, Who};
use crate::domain::thread::compaction::{Horizon, Used};
use crate::domain::thread::fork::Origin;
use crate::domain::thread::id::{RunId, ThreadKey, ThreadName};
use crate::domain::thread::log::Seqs;
use crate::domain::thread::once::KEEP_MS;
use crate::domain::thread::outbox::Outbox;
use crate::domain::thread::voice::Spoken;
use crate::domain::thread::waits::Waits;
use crate::domain::thread::window::Task;
use crate::domain::time::{self, Millis};

/// The thread's own row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Row {
    There(Box<Meta>),
    /// There is none yet, or it was deleted. A thread of the same name counts its runs on.
    Deleted {
        last_run: u32,
        /// Its tokens lie below.
        #[serde(default)]
        floor: u32,
        /// `None` of one from before there was an index.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gone: Option<Gone>,
        /// What it is becoming.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        copying: Option<Box<Copying>>,
    },
}

/// What is left of a deleted thread, for the account's index and its ledger to learn of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gone {
    pub account: AccountId,
    pub key: ThreadKey,
    pub outbox: Outbox,
    #[serde(default, skip_serializing_if = "Unsettled::is_empty")]
    pub unsettled: Unsettled,
    /// It was made for one call.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_hidden: bool,
    /// Nothing of it is to be left on the disk, once all is told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scrub: bool,
}

/// A thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    pub account: AccountId,
    pub key: ThreadKey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<ThreadName>,
    pub agent: AgentId,
    /// The version at which its runs stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    #[serde(flatten)]
    pub about: About,
    /// The run whose words are its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub titled_by: Option<u32>,
    /// The person whose words are its title, where that is somebody else than whose run it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub titled_in: Option<Spoken>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throw_away: Option<ThrowAway>,
    #[serde(with = "time::as_integer")]
    pub created_at: Millis,
    #[serde(with = "time::as_integer")]
    pub updated_at: Millis,
    /// The number of the newest run.
    pub last_run: u32,
    /// The runs before are of a thread of this name that was deleted.
    #[serde(default)]
    pub first_run: u32,
    /// Runs that are not over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<u32>,
    /// Tokens that were made under a lower one open nothing.
    #[serde(default)]
    pub floor: u32,
    #[serde(default)]
    pub outbox: Outbox,
    #[serde(default, skip_serializing_if = "Unsettled::is_empty")]
    pub unsettled: Unsettled,
    /// Events up to this position are forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forgotten_until: Option<u64>,
    /// What it began as a copy of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<Origin>,
    /// What of it is not sent as it stands.
    #[serde(default, skip_serializing_if = "Horizon::is_none")]
    pub horizon: Horizon,
    /// What the last call of the last run has used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Used>,
    /// Of what is said in it; `None`: it is counted with the next item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Runs that were at work when what they said was erased: what ends of them later says nothing either.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blank: Vec<u32>,
}

impl Meta {
    pub const fn run(&self, number: u32) -> RunId {
        RunId { thread: self.key, number }
    }

    pub fn is_seen_by(&self, who: Who) -> bool {
        match who {
            Who::Account => true,
            Who::Caller(agent) => self.agent == agent,
            Who::Anonymous(agent) => {
                self.agent == agent && self.throw_away.is_some_and(|throw_away| throw_away.is_anonymous)
            }
        }
    }

    /// From when on it is not there any more.
    pub fn expires_at(&self) -> Option<Millis> {
        let throw_away = self.throw_away?;
        let is_done = !throw_away.is_kept && self.open.is_empty() && self.last_run > 0;
        Some(self.updated_at.plus(if is_done { 0 } else { KEEP_MS }))
    }
}

/// A run's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    pub run: Run,
    pub seqs: Seqs,
    /// What it is about, until its turn comes; as [`stored`] writes messages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input: Vec<String>,
    /// Who has said which of it, if that is somebody else than whose run it is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub input_by: BTreeMap<u32, Spoken>,
    /// What was said to it while the model answers: it stands behind the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<Said>,
    /// The position of its first item; 0 before it has begun.
    #[serde(default)]
    pub first_item: u64,
    /// How many items its input was, and their bytes.
    #[serde(default)]
    pub input_size: (u64, u64),
    /// The position of the last text that it wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<u64>,
    /// Entries of its journal.
    #[serde(default)]
    pub journal: u32,
    /// How often the run above was told something.
    #[serde(default)]
    pub told: u64,
    /// Whether the run above was told last that this one waits for somebody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_told_wait: bool,
    /// Settlements of its model calls that the account's object may not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsettled: Vec<CallRecord>,
    /// What it says of its work, for the run above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub news: Option<String>,
    /// Its waits for somebody or for money.
    #[serde(default, skip_serializing_if = "Waits::is_none")]
    pub waits: Waits,
    /// What the thread's last call has used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Used>,
    /// The thread's horizon before the run has changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon_before: Option<Horizon>,
    /// What it was given of memories; `None`: nothing was looked for yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recalled: Option<Recalled>,
    /// The last number of which there is a row; read at the start, where a step was under way.
    #[serde(skip)]
    pub last_seq: Option<u64>,
}

/// Something that was said while the model answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The step that the model answers.
    pub step: u32,
    pub entry: u32,
    /// As [`stored`] writes it.
    pub message: String,
    /// Who has said it, if that is somebody else than whose run it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Spoken>,
}

/// The bytes of messages in a run's row, where they are JSON in JSON.
pub fn size_in_row(messages: &[Message]) -> usize {
    messages.iter().map(|message| text_in_row(&stored::write(message))).sum()
}

/// The bytes of a text in a row that is JSON.
pub fn text_in_row(text: &str) -> usize {
    serde_json::to_string(text).map_or(usize::MAX, |json| json.len())
}

impl Kept {
    pub fn new(run: Run, input: &[Message]) -> Self {
        let input = input.iter().map(stored::write).collect();
        Self {
            run,
            seqs: Seqs::default(),
            input,
            input_by: BTreeMap::new(),
            said: Vec::new(),
            first_item: 0,
            input_size: (0, 0),
            answer: None,
            journal: 0,
            told: 0,
            has_told_wait: false,
            unsettled: Vec::new(),
            news: None,
            waits: Waits::default(),
            used: None,
            horizon_before: None,
            recalled: None,
            last_seq: None,
        }
    }
}

impl Kept {
    /// Where its input stands, once it has begun.
    pub const fn task(&self) -> Task {
        let (items, bytes) = self.input_size;
        Task { first: self.first_item, items, bytes }
    }
}
