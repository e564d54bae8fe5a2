//! What a waiting run is given.

use serde::{Deserialize, Serialize};

use crate::domain::message::Part;

/// What somebody answers to a call that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    Output(Vec<Part>),
    Error(String),
    /// Of a call whose outcome nobody knew: it is made again.
    Retry,
}

/// Why an input is not taken. The run is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum NotTaken {
    /// Nothing of this name was asked.
    #[error("the run has not asked for this")]
    NeverAsked,
    /// It has been answered already.
    #[error("this was answered before")]
    AlreadyResolved,
    /// The run ended before it was answered.
    #[error("the run is over")]
    RunEnded,
    /// Only a call of which nobody knows how it ended can be made again.
    #[error("`retry` is for a call whose outcome is not known")]
    NoRetry,
    /// What is said to it would be heard by the run before it.
    #[error("the run waits for its turn: say it when it has begun, or cancel the run and start another")]
    NotBegun,
    /// We run this call ourselves.
    #[error("the call is under way and waits for nobody")]
    NotWaiting,
}
