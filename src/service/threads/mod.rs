//! Threads and runs, as callers of an agent and members of an account use them: each question goes to the thread's own
//! object, but lists, which go to the account's index.

mod asked;
mod begin;
mod claims;
mod create;
mod export;
mod fork;
mod items;
mod list;
mod memories;
mod refusal;
mod tokens;
mod version;
mod watch;

pub use asked::{Begin, Course, On, Place};
pub use create::Created;
pub use export::Export;
pub use items::MAX_OF_RUN;
pub use list::{Listing, Narrow};
pub use refusal::Error;
pub use tokens::{Issued, opened};

use std::sync::Arc;

use serde_json::Value;

use crate::domain::agent::Conduct;
use crate::domain::dispatch::command::Whose;
use crate::domain::field_error::FieldError;
use crate::domain::ids::{AccountId, AgentId};
use crate::domain::patch::Patch;
use crate::domain::plan::CallLimits;
use crate::domain::right::Right;
use crate::domain::run::input::Input;
use crate::domain::run::terms::{Priority, Starter};
use crate::domain::thread::command::{Answer, Command, Outcome, Who};
use crate::domain::thread::id::{EntryId, RunId, ThreadKey, ThreadRef};
use crate::domain::thread::once::Once;
use crate::domain::thread::token::ThreadToken;
use crate::domain::thread::view::{RunView, ThreadView};
use crate::ports::{ThreadOf, Threads, World};
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::call::bundle::Bundle;
use crate::service::call::via::Via;
use crate::service::call::{Caller, Resolved};
use crate::service::users;
use refusal::refusal;
use watch::events_of;

/// Whoever is at an account's threads: a caller of an agent, at those of the agent, or a member, at all of them.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub account: AccountId,
    /// `None`: a member, who starts nothing.
    calls: Option<Calls>,
    /// The agent that is called, as it is now.
    bundle: Option<Arc<Bundle>>,
    once: Option<Once>,
    /// What opens its thread alone.
    token: Option<Arc<ThreadToken>>,
    /// Of the account's plan.
    limits: CallLimits,
    /// What the request has passed.
    via: Option<Via>,
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
    /// Of a caller that may call, for an operation that asks for this right; whether a key has its scope was asked before.
    ///
    /// # Errors
    /// [`Error::Anonymous`], [`Error::NotByToken`], [`Error::OnlyByToken`].
    pub fn of(resolved: &Resolved, right: Right) -> Result<Self, Error> {
        let started_by = match (&resolved.token, &resolved.key) {
            (Some(token), _) if right.token => Starter::Token(token.key),
            (Some(_), _) => return Err(Error::NotByToken),
            (None, Some(key)) if right.key => Starter::Key(key.key.id),
            (None, Some(_)) => return Err(Error::OnlyByToken),
            (None, None) if right.anonymous => Starter::Anonymous,
            (None, None) => return Err(Error::Anonymous),
        };
        let agent = &resolved.bundle.agent;
        let calls = Calls {
            agent: agent.id,
            version: agent.version,
            started_by,
            conduct: agent.definition.conduct(),
        };
        let (account, limits) = (resolved.account, resolved.bundle.limits);
        let bundle = Some(resolved.bundle.clone());
        let token = resolved.token.clone();
        Ok(Self { account, calls: Some(calls), bundle, once: None, token, limits, via: None })
    }

    /// Somebody who may see all threads of their account.
    pub fn member(session: &Session) -> Self {
        let account = session.account.id;
        let limits = CallLimits::default();
        Self { account, calls: None, bundle: None, once: None, token: None, limits, via: None }
    }

    pub fn is_anonymous(&self) -> bool {
        self.calls.is_some_and(|calls| matches!(calls.started_by, Starter::Anonymous))
    }

    /// The same, whose request has come the caller's way.
    #[must_use]
    pub fn after(self, caller: &Caller) -> Self {
        Self { via: caller.via().cloned(), ..self }
    }

    /// What is asked counts once; see [`Once`].
    #[must_use]
    pub fn under(self, once: Option<Once>) -> Self {
        Self { once, ..self }
    }

    /// Whether what is asked counts once.
    pub const fn is_once(&self) -> bool {
        self.once.is_some()
    }

    fn who(&self) -> Who {
        match self.calls {
            None => Who::Account,
            Some(Calls { agent, started_by: Starter::Anonymous, .. }) => Who::Anonymous(agent),
            Some(Calls { agent, .. }) => Who::Caller(agent),
        }
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
        patch: Patch,
    ) -> Result<ThreadView, Error> {
        let command = match patch {
            Patch::Merge(mut patch) => {
                if patch.contains_key("user") {
                    self.may_go(app, thread).await?;
                }
                if let Some(version) = patch.get_mut("version") {
                    self.find_version(app, thread, version).await?;
                }
                Command::Change(self.who(), patch)
            }
            Patch::Operations(mut edits) => {
                if edits.put_at("").next().is_some() {
                    return Err(Error::Invalid(vec![whole()]));
                }
                if edits.touches("/user") {
                    self.may_go(app, thread).await?;
                }
                for version in edits.put_at("/version") {
                    self.find_version(app, thread, version).await?;
                }
                Command::Edit(self.who(), edits)
            }
        };
        self.thread(app, thread, command).await
    }

    /// Whether it may be deleted or become another person's, as far as the account's index knows whose it is.
    async fn may_go<W: World>(&self, app: &App<W>, thread: &ThreadRef) -> Result<(), Error> {
        let whose = Whose::Thread(thread.key(self.account));
        if users::may_go(app, self.account, whose).await? {
            return Ok(());
        }
        // Who may not see it learns nothing of it.
        self.show(app, thread).await?;
        Err(Error::Held)
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
        self.delete_by(app, thread, Command::Delete(self.who())).await
    }

    /// Deletes the thread of a run that is the only one on it.
    ///
    /// # Errors
    /// [`Error::NotLast`]: there are others; [`Error`].
    pub async fn delete_with<W: World>(&self, app: &App<W>, run: RunId) -> Result<(), Error> {
        let thread = ThreadRef::Key(run.thread);
        self.delete_by(app, &thread, Command::DeleteWith(self.who(), run.number)).await
    }

    async fn delete_by<W: World>(
        &self,
        app: &App<W>,
        thread: &ThreadRef,
        command: Command,
    ) -> Result<(), Error> {
        self.may_go(app, thread).await?;
        match self.ask(app, thread.key(self.account), command).await? {
            Answer::Deleted => Ok(()),
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
            Answer::Run(run) => Ok(self.shown_run(*run)),
            other => Err(refusal("run", other, Some(run.thread))),
        }
    }

    /// A page of the run's journal behind an entry, 0 for the first page; and what the next one is behind.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn steps<W: World>(
        &self,
        app: &App<W>,
        run: RunId,
        after: u32,
    ) -> Result<(Vec<Value>, Option<u32>), Error> {
        match self.ask(app, run.thread, Command::Journal(self.who(), run.number, after)).await? {
            Answer::Journal { steps, next } => Ok((steps, next)),
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
        let calls: Vec<Option<u32>> = inputs.iter().map(Input::call).collect();
        let user = self.token.as_ref().and_then(|token| token.user.clone());
        let command = match user {
            Some(user) => Command::GiveBy(self.who(), run.number, inputs, user),
            None => Command::Give(self.who(), run.number, inputs),
        };
        match self.ask(app, run.thread, command).await? {
            Answer::Given(outcomes) => Ok(outcomes),
            Answer::NotTaken { at, why, resolved } => {
                let call = calls.get(at as usize).copied().flatten();
                let call = call.map(|number| EntryId { run, number });
                Err(Error::NotTaken { at, call, why, resolved })
            }
            other => Err(refusal("run", other, Some(run.thread))),
        }
    }

    async fn open<W: World>(
        &self,
        app: &App<W>,
        thread: ThreadKey,
        command: Command,
    ) -> Result<(Answer, <W::Threads as Threads>::Watch), Error> {
        let command = self.said(thread, command)?;
        Ok(app.world.threads().watch(self.of_key(thread), command).await?)
    }

    async fn ask<W: World>(
        &self,
        app: &App<W>,
        thread: ThreadKey,
        command: Command,
    ) -> Result<Answer, Error> {
        let command = self.said(thread, command)?;
        Ok(app.world.threads().ask(self.of_key(thread), command).await?)
    }

    /// The command as it is sent to this thread; none goes to another than a token's own.
    fn said(&self, thread: ThreadKey, command: Command) -> Result<Command, Error> {
        let command = match self.once {
            Some(once) => Command::Once(once, Box::new(command)),
            None => command,
        };
        match &self.token {
            None => Ok(command),
            Some(token) if token.thread == thread => Ok(Command::ByToken(token.floor, Box::new(command))),
            Some(_) => Err(Error::NotFound("thread")),
        }
    }
}

/// The agent whose thread this is.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Unavailable`].
pub async fn agent_of<W: World>(
    app: &App<W>,
    account: AccountId,
    thread: ThreadKey,
) -> Result<AgentId, Error> {
    let to = ThreadOf { account, thread };
    match app.world.threads().ask(to, Command::Show(Who::Account)).await? {
        Answer::Thread { thread, .. } => Ok(thread.agent_id),
        other => Err(refusal("thread", other, None)),
    }
}

fn whole() -> FieldError {
    let message = "must be operations on the fields of the thread, not on the whole of it".to_owned();
    FieldError { field: "(body)".to_owned(), message }
}
