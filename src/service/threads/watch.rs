//! What has happened in a thread or a run, and what happens from now on.

use super::Visitor;
use super::refusal::{Error, of, refusal};
use crate::domain::memory::notes;
use crate::domain::run::event::{Event, Numbered};
use crate::domain::thread::command::{Answer, Command, Events, Watch};
use crate::domain::thread::id::{RunId, ThreadKey};
use crate::domain::thread::view::{Content, ItemView, RunView};
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
            Answer::Events(events) => Ok(self.shown(*events)),
            other => Err(refusal(of(run), other, Some(thread))),
        }
    }

    /// An event as it is shown: of what a run is given of memories, whoever holds a thread's token sees nothing. Those of the work, or
    /// of another user of the thread, are not theirs.
    #[must_use]
    pub fn shown_event(&self, mut event: Numbered) -> Numbered {
        if let (Some(_), Event::ToolResult { output, .. }) = (&self.token, &mut event.event) {
            notes::hide(output);
        }
        event
    }

    pub(super) fn shown(&self, events: Events) -> Events {
        let shown = events.events.into_iter().map(|event| self.shown_event(event)).collect();
        let snapshot = events.snapshot.map(|run| self.shown_run(run));
        Events { events: shown, snapshot, ..events }
    }

    /// A run as it is shown: of what another protocol's request said, such as instructions, whoever holds a thread's token sees nothing.
    pub(super) fn shown_run(&self, run: RunView) -> RunView {
        match self.token {
            Some(_) => RunView { request: None, ..run },
            None => run,
        }
    }

    /// Items as they are shown, by the rule for events.
    pub(super) fn shown_items(&self, mut items: Vec<ItemView>) -> Vec<ItemView> {
        for item in items.iter_mut().filter(|_| self.token.is_some()) {
            if let Content::Result { output, .. } = &mut item.content {
                notes::hide(output);
            }
        }
        items
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
        let (events, watch) = events_of(what, thread, self.open(app, thread, command).await?)?;
        Ok((self.shown(events), watch))
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
