//! Threads and runs, as callers of an agent and members of an account use them: each question goes to the thread's own
//! object, but lists, which go to the account's index.

mod begin;
mod list;
mod refusal;

pub use begin::Begin;
pub use list::{Listing, Narrow};
pub use refusal::Error;

use serde_json::{Map, Value};

use crate::domain::agent::Conduct;
use crate::domain::ids::{AccountId, AgentId};
use crate::domain::message::Message;
use crate::domain::run::terms::{Priority, Starter};
use crate::domain::thread::about::About;
use crate::domain::thread::command::{Answer, Command, Create, Events, Input, Outcome, Page, Watch, Who};
use crate::domain::thread::id::{RunId, ThreadKey, ThreadName, ThreadRef};
use crate::domain::thread::once::Once;
use crate::domain::thread::view::{ItemView, RunView, ThreadView};
use crate::ports::{ThreadOf, Threads, World};
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::call::Resolved;
use refusal::{of, refusal};

/// Whoever is at an account's threads: a caller of an agent, at those of the agent, or a member, at all of them.
#[derive(Clone, Copy, Debug)]
pub struct Visitor {
    pub account: AccountId,
    /// `None`: a member, who starts nothing.
    calls: Option<Calls>,
    once: Option<Once>,
}

/// What a caller calls, and as whom.
#[derive(Clone, Copy, Debug)]
struct Calls {
    agent: AgentId,
    version: u32,
    started_by: Starter,
    conduct: Conduct,
}

impl Visitor {
    /// Of a caller that may call.
    ///
    /// # Errors
    /// [`Error::Anonymous`].
    pub fn of(resolved: &Resolved) -> Result<Self, Error> {
        let key = resolved.key.as_ref().ok_or(Error::Anonymous)?;
        let agent = &resolved.bundle.agent;
        let calls = Calls {
            agent: agent.id,
            version: agent.version,
            started_by: Starter::Key(key.key.id),
            conduct: agent.definition.conduct(),
        };
        Ok(Self { account: resolved.account, calls: Some(calls), once: None })
    }

    /// Somebody who may see all threads of their account.
    pub const fn member(session: &Session) -> Self {
        Self { account: session.account.id, calls: None, once: None }
    }

    /// What is asked counts once; see [`Once`].
    #[must_use]
    pub const fn under(self, once: Option<Once>) -> Self {
        Self { once, ..self }
    }

    fn who(&self) -> Who {
        self.agent().map_or(Who::Account, Who::Caller)
    }

    /// The agent whose threads are all that there is for them; `None` for a member.
    pub fn agent(&self) -> Option<AgentId> {
        self.calls.map(|calls| calls.agent)
    }

    fn calls(&self) -> Result<Calls, Error> {
        self.calls.ok_or(Error::NotFound("agent"))
    }

    fn of_key(&self, thread: ThreadKey) -> ThreadOf {
        ThreadOf { account: self.account, thread }
    }

    /// The key of a thread without a name: the same for the same request.
    fn unnamed<W: World>(&self, app: &App<W>, agent: AgentId) -> ThreadKey {
        match self.once {
            Some(once) => ThreadKey::of_request(self.account, agent, once.key),
            None => ThreadKey::new(app.world.now(), app.world.random()),
        }
    }

    fn create_of<W: World>(
        &self,
        app: &App<W>,
        agent: AgentId,
        thread: Option<ThreadRef>,
        about: About,
    ) -> Create {
        let (key, name) = match thread {
            Some(ThreadRef::Name(name)) => (ThreadKey::of_name(self.account, &name), Some(name)),
            Some(ThreadRef::Key(key)) => (key, None),
            None => (self.unnamed(app, agent), None),
        };
        Create { account: self.account, key, name, agent, about, items: Vec::new() }
    }

    /// Makes a thread, or finds it by the client's name; whether it is new.
    ///
    /// # Errors
    /// [`Error::NotFound`] where the name is another agent's thread.
    pub async fn create<W: World>(
        &self,
        app: &App<W>,
        name: Option<ThreadName>,
        about: About,
        items: Vec<Message>,
    ) -> Result<(ThreadView, bool), Error> {
        let agent = self.calls()?.agent;
        let create = Create { items, ..self.create_of(app, agent, name.map(ThreadRef::Name), about) };
        match self.ask(app, create.key, Command::Create(create)).await? {
            Answer::Thread { thread, is_new } => Ok((*thread, is_new)),
            other => Err(refusal("thread", other, None)),
        }
    }

    /// # Errors
    /// [`Error`].
    pub async fn show<W: World>(&self, app: &App<W>, thread: &ThreadRef) -> Result<ThreadView, Error> {
        self.thread(app, thread, Command::Show(self.who())).await
    }

    /// # Errors
    /// [`Error`].
    pub async fn change<W: World>(
        &self,
        app: &App<W>,
        thread: &ThreadRef,
        patch: Map<String, Value>,
    ) -> Result<ThreadView, Error> {
        self.thread(app, thread, Command::Change(self.who(), patch)).await
    }

    async fn thread<W: World>(
        &self,
        app: &App<W>,
        thread: &ThreadRef,
        command: Command,
    ) -> Result<ThreadView, Error> {
        match self.ask(app, thread.key(self.account), command).await? {
            Answer::Thread { thread, .. } => Ok(*thread),
            other => Err(refusal("thread", other, None)),
        }
    }

    /// # Errors
    /// [`Error`].
    pub async fn delete<W: World>(&self, app: &App<W>, thread: &ThreadRef) -> Result<(), Error> {
        match self.ask(app, thread.key(self.account), Command::Delete(self.who())).await? {
            Answer::Deleted => Ok(()),
            other => Err(refusal("thread", other, None)),
        }
    }

    /// A page of the transcript; whether there is more.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn items<W: World>(
        &self,
        app: &App<W>,
        thread: &ThreadRef,
        page: Page,
    ) -> Result<(Vec<ItemView>, bool), Error> {
        match self.ask(app, thread.key(self.account), Command::Items(self.who(), page)).await? {
            Answer::Items { items, has_more } => Ok((items, has_more)),
            other => Err(refusal("thread or item", other, None)),
        }
    }

    /// Appends to the transcript.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn append<W: World>(
        &self,
        app: &App<W>,
        thread: &ThreadRef,
        messages: Vec<Message>,
    ) -> Result<Vec<ItemView>, Error> {
        match self.ask(app, thread.key(self.account), Command::Append(self.who(), messages)).await? {
            Answer::Items { items, .. } => Ok(items),
            other => Err(refusal("thread", other, None)),
        }
    }

    /// # Errors
    /// [`Error`].
    pub async fn run<W: World>(&self, app: &App<W>, run: RunId) -> Result<RunView, Error> {
        self.of_run(app, run, Command::Run(self.who(), run.number)).await
    }

    /// # Errors
    /// [`Error`].
    pub async fn cancel<W: World>(
        &self,
        app: &App<W>,
        run: RunId,
        reason: Option<String>,
    ) -> Result<RunView, Error> {
        self.of_run(app, run, Command::Cancel(self.who(), run.number, reason)).await
    }

    /// # Errors
    /// [`Error`].
    pub async fn pause<W: World>(
        &self,
        app: &App<W>,
        run: RunId,
        reason: Option<String>,
    ) -> Result<RunView, Error> {
        self.of_run(app, run, Command::Pause(self.who(), run.number, reason)).await
    }

    /// # Errors
    /// [`Error`].
    pub async fn resume<W: World>(&self, app: &App<W>, run: RunId) -> Result<RunView, Error> {
        self.of_run(app, run, Command::Resume(self.who(), run.number)).await
    }

    /// # Errors
    /// [`Error`].
    pub async fn prioritize<W: World>(
        &self,
        app: &App<W>,
        run: RunId,
        priority: Priority,
    ) -> Result<RunView, Error> {
        self.of_run(app, run, Command::Prioritize(self.who(), run.number, priority)).await
    }

    async fn of_run<W: World>(&self, app: &App<W>, run: RunId, command: Command) -> Result<RunView, Error> {
        match self.ask(app, run.thread, command).await? {
            Answer::Run(run) => Ok(*run),
            other => Err(refusal("run", other, Some(run.thread))),
        }
    }

    /// The run's journal.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn steps<W: World>(&self, app: &App<W>, run: RunId) -> Result<Vec<Value>, Error> {
        match self.ask(app, run.thread, Command::Steps(self.who(), run.number)).await? {
            Answer::Steps(steps) => Ok(steps),
            other => Err(refusal("run", other, Some(run.thread))),
        }
    }

    /// Gives a run what it waits for: all of the inputs or none.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn give<W: World>(
        &self,
        app: &App<W>,
        run: RunId,
        inputs: Vec<Input>,
    ) -> Result<Vec<Outcome>, Error> {
        match self.ask(app, run.thread, Command::Give(self.who(), run.number, inputs)).await? {
            Answer::Given(outcomes) => Ok(outcomes),
            other => Err(refusal("run", other, Some(run.thread))),
        }
    }

    /// What has happened behind a cursor.
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
        let command = Command::Events(self.who(), Watch { run, after, stay: false });
        match self.ask(app, thread, command).await? {
            Answer::Events(events) => Ok(*events),
            other => Err(refusal(of(run), other, Some(thread))),
        }
    }

    /// The same, and what happens from then on.
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
        let command = Command::Events(self.who(), Watch { run, after, stay: true });
        self.watched(app, thread, command, of(run)).await
    }

    async fn watched<W: World>(
        &self,
        app: &App<W>,
        thread: ThreadKey,
        command: Command,
        what: &'static str,
    ) -> Result<(Events, <W::Threads as Threads>::Watch), Error> {
        match app.world.threads().watch(self.of_key(thread), self.counted(command)).await? {
            (Answer::Events(events), watch) => Ok((*events, watch)),
            (other, _) => Err(refusal(what, other, Some(thread))),
        }
    }

    async fn ask<W: World>(
        &self,
        app: &App<W>,
        thread: ThreadKey,
        command: Command,
    ) -> Result<Answer, Error> {
        Ok(app.world.threads().ask(self.of_key(thread), self.counted(command)).await?)
    }

    fn counted(&self, command: Command) -> Command {
        match self.once {
            Some(once) => Command::Once(once, Box::new(command)),
            None => command,
        }
    }
}
