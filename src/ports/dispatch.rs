//! The accounts' dispatch objects.

use std::future::Future;

use crate::domain::dispatch::command::{Answer, Command};
use crate::domain::dispatch::effect::{Outcome, Progress};
use crate::domain::dispatch::notice::Posting;
use crate::domain::ids::AccountId;

use super::failure::Unavailable;
use super::threads::Wanted;

/// The accounts' dispatch objects: each keeps the index of its account's threads and runs.
pub trait Dispatch: Send + Sync {
    fn ask(
        &self,
        account: AccountId,
        command: Command,
    ) -> impl Future<Output = Result<Answer, Unavailable>> + Send;
}

/// A dispatch object of which an effect is performed, seen from who performs it.
pub trait Dispatched: Clone + Send + Sync + 'static {
    /// What it takes to send a notice.
    fn posting(&self, notice: &str) -> Wanted<Posting>;
    /// Something became known of the effect of this id.
    ///
    /// # Errors
    /// What became known, which could not be taken.
    fn progress(&self, id: &str, progress: Progress) -> Result<(), Progress>;
    /// The effect of this id has ended; whether it was open. One that is not known any more changes nothing.
    ///
    /// # Errors
    /// [`Unavailable`]: that is not written, and is to be said again.
    fn ended(&self, id: &str, outcome: Outcome) -> Result<bool, Unavailable>;
    /// The effect of this id is not performed any more, and nothing of its end can be written.
    fn let_go(&self, id: &str);
}
