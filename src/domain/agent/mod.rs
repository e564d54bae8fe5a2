//! An agent: a row, the definition that its versions are snapshots of, and where it is in its life.

mod check;
mod conduct;
mod copy;
mod definition;
mod difference;
mod fields;
pub mod headers;
mod memory;
mod save;
mod secrets;
mod slug;
pub mod spelling;
mod status;
mod tool;
mod typed;
mod words;

pub use check::{
    Known, MAX_CACHE_S, MAX_CONCURRENCY, MAX_HANDOFFS, MAX_INSTRUCTIONS, MAX_LABELS, MAX_NAME, MAX_VARIABLE,
    MUST_BLOCK, check_labels, check_name, is_tool,
};
pub use conduct::Conduct;
pub use copy::{copied_name, numbered_slug};
pub use definition::{Access, Caching, Definition, Modality, Panel, RunLimits, SECRETS};
pub use difference::{FieldChange, difference};
pub use fields::{Draft, Fields, merge};
pub use memory::{Kinds, Memory};
pub use save::Save;
pub use secrets::{Kept, Sealer, Secrets, Unknown};
pub use slug::{can_be_slug, made_slug, parse_slug};
pub use status::Status;
pub use tool::{Inline, Kind as ToolKind, Method, Tool};
pub use typed::{Input, MESSAGE, Output, Said};
pub use words::words;

use super::budget::Budget;
use super::ids::AgentId;
use super::slug::Slug;
use super::time::Millis;

/// An agent as the directory holds it, with its newest definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Agent {
    pub id: AgentId,
    pub slug: Slug,
    /// Numbered 1, 2, 3 …; every change of the definition makes the next.
    pub version: u32,
    pub definition: Definition,
    /// Of an archived agent, the one that it is restored to.
    pub status: Status,
    pub labels: Vec<String>,
    /// Apart from the definition: going back to an old version must not bring back an old cap.
    pub budget: Option<Budget>,
    pub created_at: Millis,
    /// Grows with every change of the row.
    pub updated_at: Millis,
    pub archived_at: Option<Millis>,
}

impl Agent {
    /// As clients see it.
    pub const fn status(&self) -> Status {
        match self.archived_at {
            Some(_) => Status::Archived,
            None => self.status,
        }
    }

    /// Since when it is deprecated, or a moment after that: that of the row's last change.
    pub fn deprecated_at(&self) -> Option<Millis> {
        (self.status() == Status::Deprecated).then_some(self.updated_at)
    }

    /// What distinguishes this state of the row from every other: the value of its entity tag.
    pub fn tag(&self) -> String {
        format!("{}.{}", self.version, self.updated_at.0)
    }
}
