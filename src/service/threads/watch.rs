//! What has happened in a thread or a run, and what happens from now on.

use super::Visitor;
use super::refusal::{Error, of, refusal};
use crate::domain::thread::command::{Answer, Command, Events, Watch};
use crate::domain::thread::id::{RunId, ThreadKey};
use crate::ports::{Threads, World};
use crate::service::App;

impl Visitor {
    /// A page of what has happened behind a cursor.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn events<W: World>(
        &self,
        app: &App<W>,
        thread: ThreadKey,
        run: Option<u32>,
        after: Option<u64>,
    ) -> Result<Events, Error> {
        let command = Command::Events(self.who(), Watch { run, after, stay: false, is_new_only: false });
        match self.ask(app, thread, command).await? {
            Answer::Events(events) => Ok(*events),
            other => Err(refusal(of(run), other, Some(thread))),
        }
    }

    /// The same, and what happens from then on, if it is the last page.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn watch<W: World>(
        &self,
        app: &App<W>,
        thread: ThreadKey,
        run: Option<u32>,
        after: Option<u64>,
    ) -> Result<(Events, <W::Threads as Threads>::Watch), Error> {
        let command = Command::Events(self.who(), Watch { run, after, stay: true, is_new_only: false });
        self.watched(app, thread, command, of(run)).await
    }

    /// A run as it is, and what happens from now on.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn watch_from_now<W: World>(
        &self,
        app: &App<W>,
        run: RunId,
    ) -> Result<(Events, <W::Threads as Threads>::Watch), Error> {
        let watch = Watch { run: Some(run.number), after: None, stay: true, is_new_only: true };
        self.watched(app, run.thread, Command::Events(self.who(), watch), "run").await
    }

    async fn watched<W: World>(
        &self,
        app: &App<W>,
        thread: ThreadKey,
        command: Command,
        what: &'static str,
    ) -> Result<(Events, <W::Threads as Threads>::Watch), Error> {
        events_of(what, thread, self.open(app, thread, command).await?)
    }
}

/// What is watched, or why nothing is.
pub(super) fn events_of<T>(
    what: &'static str,
    thread: ThreadKey,
    (answer, watch): (Answer, T),
) -> Result<(Events, T), Error> {
    match answer {
        Answer::Events(events) => Ok((*events, watch)),
        other => Err(refusal(what, other, Some(thread))),
    }
}
