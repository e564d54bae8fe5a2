//! Starting a run.

use std::collections::BTreeMap;

use super::refusal::{Error, refusal};
use super::{Calls, Visitor};
use crate::domain::message::Message;
use crate::domain::money::Nanos;
use crate::domain::run::terms::{Priority, Terms};
use crate::domain::run::tool::ClientTool;
use crate::domain::thread::about::About;
use crate::domain::thread::command::{Answer, Command, Events, OnBusy, Start};
use crate::domain::thread::id::ThreadRef;
use crate::domain::thread::view::RunView;
use crate::ports::{Threads, World};
use crate::service::App;

/// A run to be started.
#[derive(Debug)]
pub struct Begin {
    /// `None`: on a thread of its own.
    pub thread: Option<ThreadRef>,
    pub about: About,
    pub input: Vec<Message>,
    pub variables: BTreeMap<String, String>,
    pub tools: Vec<ClientTool>,
    /// `None`: as the agent says.
    pub on_busy: Option<OnBusy>,
    pub priority: Priority,
    pub max_usd: Option<Nanos>,
}

impl Visitor {
    fn start_of<W: World>(&self, app: &App<W>, begin: Begin, watch: bool) -> Result<Start, Error> {
        let Calls { agent, version, started_by, conduct } = self.calls()?;
        let Begin { thread, about, input, variables, tools, on_busy, priority, max_usd } = begin;
        let terms = Terms {
            agent,
            version,
            started_by,
            limits: conduct.limits.with_usd(max_usd),
            on_unknown: conduct.on_unknown,
            on_budget: conduct.on_budget,
            priority,
            variables,
            tools,
            parent: None,
        };
        let may_make = !matches!(thread, Some(ThreadRef::Key(_)));
        let on_busy = on_busy.unwrap_or(conduct.on_busy);
        let thread = self.create_of(app, agent, thread, about);
        Ok(Start { thread, terms, input, on_busy, may_make, watch })
    }

    /// Starts a run, or lets it wait for its turn.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn start<W: World>(&self, app: &App<W>, begin: Begin) -> Result<RunView, Error> {
        let start = self.start_of(app, begin, false)?;
        let key = start.thread.key;
        match self.ask(app, key, Command::Start(Box::new(start))).await? {
            Answer::Run(run) => Ok(*run),
            other => Err(refusal("thread", other, Some(key))),
        }
    }

    /// Starts a run, and stays for what happens.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn start_and_watch<W: World>(
        &self,
        app: &App<W>,
        begin: Begin,
    ) -> Result<(Events, <W::Threads as Threads>::Watch), Error> {
        let start = self.start_of(app, begin, true)?;
        let key = start.thread.key;
        self.watched(app, key, Command::Start(Box::new(start)), "thread").await
    }
}
