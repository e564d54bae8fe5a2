//! What a run knows of its thread's length, and what becomes of that.

use serde::{Deserialize, Serialize};

use crate::domain::thread::compaction::Horizon;
use crate::domain::thread::item::Span;

/// How a run stands with its thread's length.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compacting {
    /// The thread is to be compacted before the next step.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_due: bool,
    /// How often that was begun: no two attempts have one name.
    #[serde(default)]
    pub begun: u32,
    /// Summaries that were written.
    #[serde(default)]
    pub rounds: u32,
    /// How often one has failed since.
    #[serde(default)]
    pub failed: u32,
    /// No other summary is asked for in this run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_given_up: bool,
    /// How often a provider has refused the step that comes next as too long, and its words.
    #[serde(default)]
    pub refused: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

impl Compacting {
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// What was summed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compacted {
    pub summary: String,
    /// With what earlier summaries stand for.
    pub span: Span,
    /// The last position that is summed up.
    pub summed: u64,
    /// What of the thread is not sent from now on, but for where the summary stands.
    pub horizon: Horizon,
    /// There is more to be summed up.
    pub has_more: bool,
    /// The summary has no end: it is as long as it may be.
    pub is_cut: bool,
}

/// What is done without a summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slid {
    /// `None`: nothing more can be left out.
    pub horizon: Option<Horizon>,
    /// Why there is no summary.
    pub why: String,
}
