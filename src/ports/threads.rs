//! The threads' objects.

use std::future::Future;

use crate::domain::dispatch::command::Delivery;
use crate::domain::ids::AccountId;
use crate::domain::run::event::Numbered;
use crate::domain::thread::command::{Answer, Command};
use crate::domain::thread::effect::{
    CompactionCall, ForLedger, ModelCall, Outcome, Progress, Report, ToolCall,
};
use crate::domain::thread::id::ThreadKey;

use super::failure::Unavailable;

/// A thread of an account: what its object is called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadOf {
    pub account: AccountId,
    pub thread: ThreadKey,
}

impl ThreadOf {
    /// The object's name.
    pub fn name(&self) -> String {
        format!("{}:{}", self.account, self.thread)
    }
}

/// The threads' objects: each one decides alone for its thread.
pub trait Threads: Send + Sync {
    type Watch: Watch;

    fn ask(
        &self,
        thread: ThreadOf,
        command: Command,
    ) -> impl Future<Output = Result<Answer, Unavailable>> + Send;

    /// The same of a command whose answer is [`Answer::Events`], and whatever happens after it.
    fn watch(
        &self,
        thread: ThreadOf,
        command: Command,
    ) -> impl Future<Output = Result<(Answer, Self::Watch), Unavailable>> + Send;
}

/// What happens in a thread, as it happens.
pub trait Watch: Send + 'static {
    /// The next event; `None` when nothing more comes: the run is over, or the object went away, and who wants more asks
    /// again behind the last number.
    fn next(&mut self) -> impl Future<Output = Option<Numbered>> + Send;
}

/// What an effect needs to be performed: `None` where it is not wanted any more, an error where that cannot be read.
pub type Wanted<T> = Result<Option<T>, Unavailable>;

/// The object of which an effect is performed, seen from who performs it.
pub trait Performed: Clone + Send + Sync + 'static {
    /// What the model is to be asked for a step of a run.
    fn model_call(&self, run: u32, step: u32, attempt: u32) -> Wanted<ModelCall>;
    /// What of the thread is to be summed up for a run.
    fn compaction(&self, run: u32, nth: u32) -> Wanted<CompactionCall>;
    /// A tool call to be made.
    fn tool_call(&self, run: u32, entry: u32, attempt: u32) -> Wanted<ToolCall>;
    /// What the run above learns of one that is over.
    fn report(&self, run: u32) -> Wanted<Report>;
    /// What the account's index is to learn, and of which account.
    fn delivery(&self) -> Wanted<(AccountId, Delivery)>;
    /// What the account's ledger is to learn.
    fn for_ledger(&self) -> Wanted<ForLedger>;
    /// Something became known of the effect of this id.
    ///
    /// # Errors
    /// What became known, which could not be taken: it is to be said again, with what follows.
    fn progress(&self, id: &str, progress: Progress) -> Result<(), Progress>;
    /// The effect of this id has ended; whether it was open. One that is not known any more changes nothing.
    ///
    /// # Errors
    /// [`Unavailable`]: that is not written, and is to be said again.
    fn ended(&self, id: &str, outcome: Outcome) -> Result<bool, Unavailable>;
    /// Ends when the object does not wait for the end of the effect of this id any more, which is to be said all the same.
    fn unwanted(&self, id: &str) -> impl Future<Output = ()> + Send + 'static;
    /// The effect of this id is not performed any more, and nothing of its end can be written.
    fn let_go(&self, id: &str);
}
