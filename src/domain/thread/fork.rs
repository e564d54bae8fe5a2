//! A thread that begins as a copy of another.
//!
//! The Worker reads the items of the one object in pages and gives each to the other, which answers how far it has come. Until the
//! last page nobody finds the new thread. Whoever asks again goes on where the copy stands.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::about::About;
use super::compaction::Horizon;
use super::id::{EntryId, ThreadKey};
use super::voice::By;
use crate::domain::ids::AgentId;
use crate::domain::time::{self, Millis};

/// The most items of a copy.
pub const MAX_ITEMS: u32 = 50_000;
/// The most bytes of a copy: 64 MB.
pub const MAX_BYTES: u64 = 64 * 1_024 * 1_024;
/// The most items of a page.
pub const PAGE_ITEMS: u32 = 1_000;
/// The most bytes of a page, unless its one item has more.
pub const PAGE_BYTES: u64 = 1_000_000;
/// How long a copy is kept that nobody goes on with, in milliseconds: ten minutes.
pub const KEEP_MS: i64 = 10 * 60 * 1_000;
/// The result of a call that had none where the copy ends.
pub const UNANSWERED: &str = "The conversation was forked here, before this call had a result.";

/// What a thread is a copy of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ForkedFrom)]
pub struct Origin {
    #[schema(value_type = String, format = "uuid")]
    pub thread: ThreadKey,
    /// The last item that was copied; null where there was none.
    #[schema(value_type = Option<String>)]
    pub after: Option<EntryId>,
}

/// Which items are read to be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cut {
    /// The first page of those up to and with this one; `None`: of all.
    UpTo(Option<EntryId>),
    /// The next page: those behind a position, up to another.
    Between { behind: u64, until: u64 },
    /// This one alone.
    One(EntryId),
}

/// A page of items to be copied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Copied {
    pub agent: AgentId,
    /// The version at which the thread stays.
    pub version: Option<u32>,
    pub about: About,
    /// The last item of the whole copy.
    pub after: Option<EntryId>,
    /// Its position.
    pub until: u64,
    pub items: Vec<Copy>,
    /// Behind which position the next page begins; `None`: this is the last.
    pub next: Option<u64>,
    /// Where the thread stands up to there; an item's position is its place among all of them, from 1.
    #[serde(default, skip_serializing_if = "Horizon::is_none")]
    pub horizon: Horizon,
    /// Whose words the title is made of, if it is anybody's whom [`Copy::by`] would name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub titled_by: Option<By>,
}

/// An item as it stands in the thread that is copied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Copy {
    pub run: u32,
    pub step: u32,
    #[serde(with = "time::as_integer")]
    pub at: Millis,
    /// As [`crate::domain::message::stored`] writes it.
    pub message: String,
    /// Of a summary: the places among all items of the first and the last that it stands for, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands_for: Option<(u64, u64)>,
    /// Who has said it, or whose run it is of, where that is not the thread's own user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
}

/// How far a copy has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What stands behind this position of the other thread is not copied yet.
    pub behind: u64,
    /// The last position to be copied.
    pub until: u64,
}
