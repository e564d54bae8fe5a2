//! What a child says to the run above it.

use serde::{Deserialize, Serialize};

use super::state::Status;
use crate::domain::money::{self, Nanos};

/// What a child says to the run above it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word {
    /// On its way. Of several the one with the highest number holds.
    Work {
        seq: u64,
        /// Whether it waits for somebody outside.
        waits: bool,
        message: Option<String>,
    },
    Ended(Ended),
}

/// How a child has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    pub status: Status,
    /// The result of the call.
    pub output: String,
    pub is_error: bool,
    #[serde(with = "money::as_integer")]
    pub cost: Nanos,
    /// What may still come to its cost: something of it was under way when it ended.
    #[serde(with = "money::as_integer")]
    pub open: Nanos,
}

impl Ended {
    /// What may still come to its cost is not known until it says so itself.
    pub const UNKNOWN: Nanos = Nanos::MAX;
}
