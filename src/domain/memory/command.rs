//! What is asked of the object that keeps memories. It travels within [`crate::domain::knowledge::command`].

use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::{Memory, Source, Status};
use crate::domain::ids::MemoryId;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Remembers something, unless it is there: the same text is one memory as long as it is active.
    Make(Make),
    Show(MemoryId),
    Change(Change),
    /// It goes for good, with those that it took the place of. Only over this revision, where one is named.
    Delete(MemoryId, Option<u64>),
    List(List),
    Recall(Recall),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Make {
    /// Of what a run remembers: the same again is the same memory, also where it was deleted meanwhile. `None`: a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<MemoryId>,
    pub draft: Draft,
    pub source: Source,
    /// A memory that it takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<MemoryId>,
    /// The account's plan has no room: only what is there already is made once more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_again_only: bool,
}

/// All that is written of a memory, over the revision that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub id: MemoryId,
    pub read: u64,
    pub draft: Draft,
}

/// Which memories, newest first; those that a query finds, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// A text: those that have one of its words at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Behind this place, as it was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    pub limit: u32,
}

/// Active memories that fit a text: those that it finds, best first, and the newest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recall {
    pub query: String,
    /// The most of each.
    pub limit: u32,
    /// The most bytes of each, though one at least.
    pub bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    Made {
        memory: Box<Memory>,
        is_new: bool,
    },
    Memory(Box<Memory>),
    /// So many: it, and those that it took the place of.
    Deleted(u64),
    /// So many of those that it took the place of; it is asked for again, for there are more.
    Shortened(u64),
    Listed {
        memories: Vec<Memory>,
        /// Where the next page begins; `None` at the end.
        next: Option<u64>,
    },
    Recalled {
        found: Vec<Memory>,
        newest: Vec<Memory>,
    },
    NotFound,
    /// It is not as it was read.
    Moved,
    /// As many are there as may be.
    Full(u64),
    /// It has a successor already, which is to be taken the place of.
    Superseded(MemoryId),
    /// It was deleted.
    Gone,
}
