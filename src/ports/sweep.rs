//! Which accounts' objects are woken next, see [`crate::service::sweep`].

use std::future::Future;

use crate::domain::ids::AccountId;

use super::failure::Unavailable;

/// A place in the list of all accounts that survives the process that walks it.
pub trait Sweep: Send + Sync {
    /// The accounts by id, after those of the last [`Sweep::visited`].
    fn next(&self, limit: u32) -> impl Future<Output = Result<Vec<AccountId>, Unavailable>> + Send;
    /// They were visited, up to this one; `None` begins again at the first.
    fn visited(&self, last: Option<AccountId>) -> impl Future<Output = Result<(), Unavailable>> + Send;
    /// Accounts with changes of declared things that their objects have not received.
    fn undelivered_accounts(
        &self,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<AccountId>, Unavailable>> + Send;
}
