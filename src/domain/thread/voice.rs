//! Who has said what in a thread, where that is somebody else than whose run it is said in.
//!
//! A person speaks with a token that was issued for them. What they say in a run of their own is found by the run. Of what they say in
//! somebody else's the thread keeps who it was, so that an erasure of the person finds it; and so it does of what is copied from
//! elsewhere.

use serde::{Deserialize, Serialize};

use crate::domain::time::{self, Millis};

/// Who has said an item, in the thread that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoken {
    /// The number of their voice in the thread.
    pub voice: u32,
    /// When they said it; of a run of theirs, when that began.
    #[serde(with = "time::as_integer")]
    pub at: Millis,
    /// It was copied with all of a run of theirs: what the agent has said there is theirs, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_run: bool,
}

/// The same on the way to another thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    pub user: String,
    #[serde(with = "time::as_integer")]
    pub at: Millis,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_run: bool,
}

/// Somebody who has spoken in a thread, as the account's index learns of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voice {
    /// In the thread.
    pub number: u32,
    /// `None`: nothing is left of what they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// When they said the first that is left.
    #[serde(with = "time::as_integer")]
    pub since: Millis,
}
