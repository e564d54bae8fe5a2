//! How a store fails.

use crate::domain::plan::Feature;

/// A store did not answer, or its answer does not have the expected shape. The text is for the operator's
/// log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// Why a row was not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// Another row has the name.
    #[error("the name is taken")]
    Taken,
    /// What the write counted on is no longer so.
    #[error("changed meanwhile")]
    Moved,
    /// There would be more of them than may be, which is this many.
    #[error("at most {0} are allowed")]
    Full(u32),
    /// The account's plan does not have this.
    #[error("the plan lacks {}", .0.name())]
    Lacks(Feature),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
