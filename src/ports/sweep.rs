//! Whose object is looked after next, see [`crate::service::sweep`].

use std::future::Future;

use crate::domain::ids::AccountId;

use super::Unavailable;

/// A place in the list of all accounts, which outlives whoever walks along it.
pub trait Sweep: Send + Sync {
    /// The accounts by id, behind those of the last [`Sweep::visited`].
    fn next(&self, limit: u32) -> impl Future<Output = Result<Vec<AccountId>, Unavailable>> + Send;
    /// They were visited, up to this one; `None` begins again at the first.
    fn visited(&self, last: Option<AccountId>) -> impl Future<Output = Result<(), Unavailable>> + Send;
}
