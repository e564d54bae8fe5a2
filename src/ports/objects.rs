//! The accounts' objects.

use std::future::Future;

use crate::domain::admission::command::{
    AccountSpend, Admission, Admit, CallRecord, Inspect, Page, Settle, Spend,
};
use crate::domain::ids::AccountId;

use super::Unavailable;

/// The accounts' objects: each one decides alone for its account.
pub trait Accounts: Send + Sync {
    /// Decided one after the other with nothing in between; answers in the order of the questions.
    fn admit(
        &self,
        account: AccountId,
        questions: Vec<Admit>,
    ) -> impl Future<Output = Result<Vec<Admission>, Unavailable>> + Send;
    /// Returns once the settlement is on disk.
    fn settle(
        &self,
        account: AccountId,
        settle: Settle,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;
    /// The number of the directory's rows as they are now; ask before reading them.
    fn epoch(&self, account: AccountId) -> impl Future<Output = Result<u64, Unavailable>> + Send;
    /// Before the directory is written. Returns once it is on disk.
    fn begin_write(&self, account: AccountId) -> impl Future<Output = Result<(), Unavailable>> + Send;
    /// After. If the writer dies in between, the object does this by itself.
    fn end_write(&self, account: AccountId) -> impl Future<Output = Result<(), Unavailable>> + Send;
    fn spend(
        &self,
        account: AccountId,
        inspect: Inspect,
    ) -> impl Future<Output = Result<Spend, Unavailable>> + Send;
    /// What all agents together have spent this month.
    fn account_spend(
        &self,
        account: AccountId,
    ) -> impl Future<Output = Result<AccountSpend, Unavailable>> + Send;
    fn calls(
        &self,
        account: AccountId,
        page: Page,
    ) -> impl Future<Output = Result<Vec<CallRecord>, Unavailable>> + Send;
    /// Does what is due by now; see [`crate::service::sweep`].
    fn wake(&self, account: AccountId) -> impl Future<Output = Result<(), Unavailable>> + Send;
}
