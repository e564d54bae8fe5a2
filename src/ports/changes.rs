//! The change log, as it is read. A line is written in the batch that makes the change.

use std::future::Future;

use crate::domain::change::{Change, Subject};
use crate::domain::ids::{ChangeId, KeyId, MemberId};

use super::failure::Unavailable;

/// An account's change log.
pub trait Changes: Send + Sync {
    /// Newest first, and whether there are more: only those older than `before`, at most `limit`, fewer when
    /// they are large.
    fn changes(
        &self,
        limit: u32,
        before: Option<ChangeId>,
        of: &ChangesOf,
        sight: &Sight,
    ) -> impl Future<Output = Result<(Vec<Change>, bool), Unavailable>> + Send;
}

/// Whose eyes read the change log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Of these subjects it shows only what is the reader's own.
    pub hidden: Vec<Subject>,
    pub member: Option<MemberId>,
    pub key: KeyId,
}

/// Which lines of the change log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangesOf {
    Everything,
    /// Of all things of this kind.
    Every(Subject),
    /// Of one thing: by its id, or its name where that is its key.
    One(Subject, String),
}
