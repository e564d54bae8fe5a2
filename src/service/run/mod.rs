//! Runs on threads: what clients ask of them, and what their objects do outside.
//!
//! | file | what it is |
//! |---|---|
//! | [`perform`] | an effect of a thread's object, performed: the one way out of a run |
//! | [`child`] | a run of another agent, begun |
//! | [`remembered`] | what a run is given of memories |
//! | [`step`] | a step of the model: a governed call, relayed to the run's watchers |
//! | `fault` | what an error of a call means for its run |
//! | [`compact`] | the oldest runs of a thread, summed up |
//! | `version` | the version at which a thread stays |
//! | `typed` | an answer that must fit the agent's schema: asked for, checked, mended |
//! | [`tools`] | what the model may call, and how each call is carried out |

mod child;
mod compact;
mod fault;
pub mod perform;
mod remembered;
mod step;
pub mod tools;
mod typed;
mod version;

use crate::service::tool::{http, memory};
pub use version::at_version;

/// Why a tool call has no result of its own.
#[derive(Debug)]
pub enum Error {
    /// Words for the model.
    Failed(String),
    /// It could not be made, and may be later.
    NotMade(String),
    /// It must not happen twice, and whether it happened is not known.
    Unknown(String),
}

impl From<memory::Error> for Error {
    fn from(error: memory::Error) -> Self {
        match error {
            memory::Error::Failed(words) => Self::Failed(words),
            memory::Error::NotMade(why) => Self::NotMade(why),
        }
    }
}

impl From<http::Error> for Error {
    fn from(error: http::Error) -> Self {
        match error {
            http::Error::Failed(words) => Self::Failed(words),
            http::Error::Unknown(words) => Self::Unknown(words),
        }
    }
}
