//! The accounts' dispatch objects.

use std::future::Future;

use crate::domain::dispatch::command::{Answer, Command};
use crate::domain::ids::AccountId;

use super::failure::Unavailable;

/// The accounts' dispatch objects: each keeps the index of its account's threads and runs.
pub trait Dispatch: Send + Sync {
    fn ask(
        &self,
        account: AccountId,
        command: Command,
    ) -> impl Future<Output = Result<Answer, Unavailable>> + Send;
}
