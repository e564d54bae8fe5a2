//! Which accounts' objects are woken next, see [`crate::service::sweep`].

use std::future::Future;

use crate::domain::ids::{AccountId, AgentId};

use super::failure::Unavailable;

/// A place in the list of all accounts that survives the process that walks it.
pub trait Sweep: Send + Sync {
    /// The accounts by id, after those of the last [`Sweep::visited`].
    fn next(&self, limit: u32) -> impl Future<Output = Result<Vec<AccountId>, Unavailable>> + Send;
    /// For how many days these accounts keep threads that nothing changes: of those that say so.
    fn keep_days(
        &self,
        accounts: &[AccountId],
    ) -> impl Future<Output = Result<Vec<KeepDays>, Unavailable>> + Send;
    /// They were visited, up to this one; `None` begins again at the first.
    fn visited(&self, last: Option<AccountId>) -> impl Future<Output = Result<(), Unavailable>> + Send;
    /// Accounts with changes of declared things that their objects have not received.
    fn undelivered_accounts(
        &self,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<AccountId>, Unavailable>> + Send;
}

/// How many days an account keeps threads that nothing changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepDays {
    pub account: AccountId,
    /// `None`: all of them, by the account's plan.
    pub agent: Option<AgentId>,
    pub days: u32,
}
