//! What a run is started with, and on which thread.

use std::collections::BTreeMap;

use super::{Error, Visitor};
use crate::domain::field_error::FieldError;
use crate::domain::message::Message;
use crate::domain::money::Nanos;
use crate::domain::run::manner::Manner;
use crate::domain::run::terms::{Priority, Terms};
use crate::domain::run::tool::ClientTool;
use crate::domain::thread::about::About;
use crate::domain::thread::command::{Create, OnBusy, Start, ThrowAway};
use crate::domain::thread::id::{ThreadKey, ThreadRef};
use crate::ports::World;
use crate::service::App;

/// A run to be started.
#[derive(Debug)]
pub struct Begin {
    pub on: On,
    pub about: About,
    pub input: Vec<Message>,
    pub variables: BTreeMap<String, String>,
    pub tools: Vec<ClientTool>,
    /// `None`: as the agent says.
    pub on_busy: Option<OnBusy>,
    pub priority: Priority,
    pub max_usd: Option<Nanos>,
    pub manner: Manner,
}

/// Where a run is started.
#[derive(Clone, Debug)]
pub enum On {
    Thread(ThreadRef),
    /// A thread of its own, for a call by this path.
    ThrowAway {
        path: &'static str,
        is_kept: bool,
    },
}

/// The most bytes of what a run is started with, beside what it is about: it is written with every change of the run.
const MAX_TERMS: usize = 512 * 1_024;

impl Visitor {
    /// The key of a thread without a name: the same for the same request. What somebody without a key has asked is answered
    /// to nobody with one, and the other way around.
    fn unnamed<W: World>(&self, app: &App<W>, path: &str) -> ThreadKey {
        let anonymous = if self.is_anonymous() { "anonymous " } else { "" };
        match self.once {
            Some(once) => {
                ThreadKey::of_request(self.account, self.agent, &format!("{anonymous}{path}"), once.key)
            }
            None => ThreadKey::new(app.world.now(), app.world.random()),
        }
    }

    pub(super) fn create_of<W: World>(
        &self,
        app: &App<W>,
        thread: Option<ThreadRef>,
        about: About,
    ) -> Create {
        let (key, name) = match thread {
            Some(ThreadRef::Name(name)) => (ThreadKey::of_name(self.account, &name), Some(name)),
            Some(ThreadRef::Key(key)) => (key, None),
            None => (self.unnamed(app, "threads"), None),
        };
        let (account, agent) = (self.account, self.agent);
        Create { account, key, name, agent, about, throw_away: None, items: Vec::new() }
    }

    pub(super) fn start_of<W: World>(&self, app: &App<W>, begin: Begin, watch: bool) -> Result<Start, Error> {
        let Begin { on, about, input, variables, tools, on_busy, priority, max_usd, manner } = begin;
        let terms = Terms {
            agent: self.agent,
            version: self.version,
            started_by: self.started_by,
            limits: self.conduct.limits.with_usd(max_usd),
            on_unknown: self.conduct.on_unknown,
            on_budget: self.conduct.on_budget,
            priority,
            variables,
            tools,
            manner,
            parent: None,
        };
        if serde_json::to_string(&terms).map_or(true, |json| json.len() > MAX_TERMS) {
            return Err(Error::Invalid(vec![FieldError {
                field: "tools".to_owned(),
                message: format!("and the other settings of a run have at most {MAX_TERMS} bytes together"),
            }]));
        }
        let may_make = !matches!(on, On::Thread(ThreadRef::Key(_)));
        let on_busy = on_busy.unwrap_or(self.conduct.on_busy);
        let thread = match on {
            On::Thread(thread) => self.create_of(app, Some(thread), about),
            On::ThrowAway { path, is_kept } => Create {
                key: self.unnamed(app, path),
                throw_away: Some(ThrowAway { is_kept, is_anonymous: self.is_anonymous() }),
                ..self.create_of(app, None, about)
            },
        };
        Ok(Start { thread, terms, input, on_busy, may_make, watch })
    }
}
