//! A thread's content read in pages, to be written into one document.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The parts of an export, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The transcript.
    #[default]
    Items,
    Runs,
    /// The runs' journals.
    Steps,
    /// What is kept of the runs' events.
    Events,
}

impl Part {
    /// Its name in the document.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Items => "items",
            Self::Runs => "runs",
            Self::Steps => "steps",
            Self::Events => "events",
        }
    }

    pub const fn next(self) -> Option<Self> {
        match self {
            Self::Items => Some(Self::Runs),
            Self::Runs => Some(Self::Steps),
            Self::Steps => Some(Self::Events),
            Self::Events => None,
        }
    }
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub part: Part,
    /// Behind this position, or this run's number.
    pub after: u64,
    /// Of journals: behind this entry of the next run.
    #[serde(default)]
    pub within: u32,
}

impl Place {
    /// The beginning of a part.
    pub const fn of(part: Part) -> Self {
        Self { part, after: 0, within: 0 }
    }
}

/// A page, about a megabyte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exported {
    pub entries: Vec<Value>,
    /// Where the next page begins; `None` at the end of the last part.
    pub next: Option<Place>,
}
