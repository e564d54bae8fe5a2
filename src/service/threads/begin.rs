//! Starting a run: what it is started with, and on which thread.

use std::collections::{BTreeMap, BTreeSet};

use super::asked::{Asked, Begin, Course, On, Place};
use super::claims::full;
use super::refusal::{Error, refusal};
use super::{Calls, Visitor, events_of};
use crate::domain::agent::{Definition, Said};
use crate::domain::dispatch::command::Whose;
use crate::domain::field_error::FieldError;
use crate::domain::ids::AgentId;
use crate::domain::message::{Message, news};
use crate::domain::prompt::Passed;
use crate::domain::run::terms::{MAX_BYTES, Starter, Terms, Upgrade};
use crate::domain::thread::about::About;
use crate::domain::thread::command::{Answer, Command, Create, Events, OnBusy, Start, ThrowAway};
use crate::domain::thread::id::{ThreadKey, ThreadRef};
use crate::domain::thread::transcript::claimed_ids;
use crate::domain::thread::view::RunView;
use crate::ports::{Threads, World};
use crate::service::call::bundle::Bundle;
use crate::service::claims::Room;
use crate::service::run::tools;
use crate::service::{App, run, users};

impl Visitor {
    /// The key of a thread without a name: the same for the same request. What somebody without a key has asked is answered
    /// to nobody with one, and the other way around.
    pub(super) fn unnamed<W: World>(&self, app: &App<W>, agent: AgentId, path: &str) -> ThreadKey {
        let anonymous = if self.is_anonymous() { "anonymous " } else { "" };
        match self.once {
            Some(once) => ThreadKey::of_request(self.account, agent, &format!("{anonymous}{path}"), once.key),
            None => ThreadKey::new(app.world.now(), app.world.random()),
        }
    }

    pub(super) fn create_of<W: World>(
        &self,
        app: &App<W>,
        calls: &Calls,
        thread: Option<ThreadRef>,
        about: About,
    ) -> Create {
        let (key, name) = match thread {
            Some(ThreadRef::Name(name)) => (ThreadKey::of_name(self.account, &name), Some(name)),
            Some(ThreadRef::Key(key)) => (key, None),
            None => (self.unnamed(app, calls.agent, "threads"), None),
        };
        let version = calls.conduct.upgrade.pin(calls.version);
        let (account, agent) = (self.account, calls.agent);
        let about = About { anonymous: self.is_anonymous(), ..about };
        Create { account, key, name, agent, version, about, throw_away: None, items: Vec::new() }
    }

    fn start_of<W: World>(
        &self,
        app: &App<W>,
        begin: Begin,
        asked: &mut Asked,
        watch: bool,
    ) -> Result<Start, Error> {
        let calls = self.calls()?;
        let mut faults = match begin.on {
            On::Thread(_) | On::New => self.unfit_variables(app, &begin.variables),
            // Its instructions have been filled.
            On::ThrowAway { .. } => Vec::new(),
        };
        faults.extend(self.unfit_webhooks(&begin.webhooks));
        let Begin {
            on,
            about,
            input,
            variables,
            tools,
            on_busy,
            priority,
            max_usd,
            manner,
            webhooks,
            course,
            ..
        } = begin;
        let Course { hands_over, behind, answers, max_tool_calls, request } = course;
        let conduct = calls.conduct;
        let on_unknown = match on {
            On::Thread(_) | On::New => conduct.on_unknown,
            // It is in no list, and its caller waits for the answer.
            On::ThrowAway { .. } => conduct.on_unknown.unasked(),
        };
        let terms = Terms {
            agent: calls.agent,
            version: calls.version,
            started_by: calls.started_by,
            user: self.token.as_ref().and_then(|token| token.user.clone()),
            limits: conduct.limits.with_usd(max_usd).with_calls(max_tool_calls),
            on_unknown,
            on_budget: conduct.on_budget,
            priority,
            variables,
            tools,
            manner,
            parent: None,
            typed: conduct.typed,
            // What begins here needs no word of it.
            via: self.via.as_ref().map(|via| via.as_str().to_owned()).filter(|via| via.contains(',')),
            webhooks: self.bundle.as_ref().map_or_else(Vec::new, |bundle| heard(bundle, &webhooks)),
            hands_over,
            request,
        };
        let taken = self.bundle.as_ref().filter(|_| !terms.manner.is_bare);
        let taken = taken.map(|bundle| tools::taken_names(bundle, &terms.tools)).unwrap_or_default();
        faults.extend(taken.iter().map(|(at, name)| FieldError {
            field: format!("tools[{at}]"),
            message: format!("`{name}` is a tool of the agent: choose another name"),
        }));
        let unfit = match &self.bundle {
            Some(bundle) => unfit(&bundle.agent.definition, asked, (&on, &input), &terms),
            None => Vec::new(),
        };
        // A thread that stays at an earlier version asks for what that says.
        let may_stay = !matches!(on, On::ThrowAway { .. }) && calls.conduct.upgrade == Upgrade::NewThreads;
        let is_unfit = !faults.is_empty() || (!unfit.is_empty() && !may_stay);
        asked.other_faults = faults.len();
        faults.extend(unfit);
        if is_unfit && !self.is_once() {
            return Err(Error::Invalid(faults));
        }
        if terms.is_too_large() {
            return Err(Error::Invalid(vec![FieldError {
                field: "tools".to_owned(),
                message: format!("and the other settings of a run have at most {MAX_BYTES} bytes together"),
            }]));
        }
        let may_make = self.token.is_none() && !matches!(on, On::Thread(ThreadRef::Key(_)));
        let on_busy = on_busy.unwrap_or(conduct.on_busy).for_one(hands_over);
        let thread = match on {
            On::Thread(thread) => self.create_of(app, &calls, Some(thread), about),
            On::New => self.create_of(app, &calls, None, about),
            On::ThrowAway { path, is_kept } => Create {
                key: self.unnamed(app, calls.agent, path),
                throw_away: Some(ThrowAway {
                    is_kept,
                    is_anonymous: self.is_anonymous(),
                    is_counted: self.counts_runs(),
                }),
                ..self.create_of(app, &calls, None, about)
            },
        };
        check_ids(thread.key, "input", &input)?;
        Ok(Start { thread, terms, max_usd, input, on_busy, may_make, behind, answers, watch, faults })
    }

    /// Why the agent's instructions cannot be filled with these, before anything is written.
    fn unfit_variables<W: World>(&self, app: &App<W>, values: &BTreeMap<String, String>) -> Vec<FieldError> {
        // A thread may stay at an earlier version, which needs others.
        let moves_on = self.calls.is_some_and(|calls| calls.conduct.upgrade == Upgrade::NextRun);
        let Some(bundle) = self.bundle.as_ref().filter(|_| moves_on) else { return Vec::new() };
        let passed = Passed { field: "variables", values, is_only_variables: true };
        bundle.prompt.fill(&passed, app.world.now(), None).err().unwrap_or_default()
    }

    /// Why a request cannot name these webhooks: the account has none of that name, or who asks holds no key.
    fn unfit_webhooks(&self, names: &[String]) -> Vec<FieldError> {
        let known = self.bundle.as_ref().map(|bundle| &bundle.webhooks);
        let is_key = self.calls.is_some_and(|calls| matches!(calls.started_by, Starter::Key(_)));
        let fault = |(at, name): (usize, &String)| {
            let message = match known.is_some_and(|known| known.contains(name)) {
                _ if !is_key => "needs a key of the account".to_owned(),
                false => format!("`{name:.64}` is no webhook of this account"),
                true => return None,
            };
            Some(FieldError { field: format!("webhooks[{at}]"), message })
        };
        names.iter().enumerate().filter_map(fault).collect()
    }

    /// A run that rolls another one back takes its words off the thread.
    async fn may_roll_back<W: World>(&self, app: &App<W>, start: &Start) -> Result<(), Error> {
        if start.on_busy != OnBusy::Rollback || start.thread.throw_away.is_some() {
            return Ok(());
        }
        match users::may_go(app, self.account, Whose::Thread(start.thread.key)).await? {
            true => Ok(()),
            false => Err(Error::Held),
        }
    }

    /// Starts a run, or lets it wait for its turn.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn start<W: World>(&self, app: &App<W>, begin: Begin) -> Result<RunView, Error> {
        let mut asked = Asked::of(&begin);
        let mut start = self.start_of(app, begin, &mut asked, false)?;
        self.may_roll_back(app, &start).await?;
        let room = self.claim_run(app, &mut start).await?;
        asked.other_faults += usize::from(matches!(room, Room::Full(..)));
        let run = self.begun(app, &asked, &mut start).await.map_err(|error| full(error, &room));
        self.settle(app, &room, start.on_busy, run.as_ref().map(|run| run.id)).await;
        run
    }

    async fn begun<W: World>(
        &self,
        app: &App<W>,
        asked: &Asked,
        start: &mut Start,
    ) -> Result<RunView, Error> {
        let key = start.thread.key;
        let mut answer = self.ask(app, key, Command::Start(Box::new(start.clone()))).await?;
        for _ in 0..MAX_MOVES {
            let Answer::AtVersion(version) = answer else { break };
            self.turn_to(app, version, asked, start).await?;
            answer = self.ask(app, key, Command::Start(Box::new(start.clone()))).await?;
        }
        match answer {
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
        let mut asked = Asked::of(&begin);
        let mut start = self.start_of(app, begin, &mut asked, true)?;
        self.may_roll_back(app, &start).await?;
        let room = self.claim_run(app, &mut start).await?;
        asked.other_faults += usize::from(matches!(room, Room::Full(..)));
        let watched = self.begun_and_watched(app, &asked, &mut start).await;
        let watched = watched.map_err(|error| full(error, &room));
        let run = match &watched {
            Ok((events, _)) => events.snapshot.as_ref().map(|run| Ok(run.id)),
            Err(error) => Some(Err(error)),
        };
        if let Some(run) = run {
            self.settle(app, &room, start.on_busy, run).await;
        }
        watched
    }

    async fn begun_and_watched<W: World>(
        &self,
        app: &App<W>,
        asked: &Asked,
        start: &mut Start,
    ) -> Result<(Events, <W::Threads as Threads>::Watch), Error> {
        let key = start.thread.key;
        let mut answer = self.open(app, key, Command::Start(Box::new(start.clone()))).await?;
        for _ in 0..MAX_MOVES {
            let (Answer::AtVersion(version), _) = answer else { break };
            self.turn_to(app, version, asked, start).await?;
            answer = self.open(app, key, Command::Start(Box::new(start.clone()))).await?;
        }
        let (events, watch) = events_of("thread", key, answer)?;
        Ok((self.shown(events), watch))
    }

    /// Whether the account's plan limits how many runs are not over.
    fn counts_runs(&self) -> bool {
        self.bundle.as_ref().is_some_and(|bundle| bundle.keeps.runs_at_once.is_some())
    }

    /// Makes a run one of the version at which its thread stays.
    async fn turn_to<W: World>(
        &self,
        app: &App<W>,
        version: u32,
        asked: &Asked,
        start: &mut Start,
    ) -> Result<(), Error> {
        let Calls { agent, started_by, .. } = self.calls()?;
        let bundle = run::at_version(app, self.account, (agent, version), started_by).await;
        let bundle = bundle.map_err(Error::Call)?;
        let definition = &bundle.agent.definition;
        let conduct = definition.conduct();
        let Asked { on_busy, max_usd, max_tool_calls, other_faults, webhooks, .. } = asked;
        start.faults.truncate(*other_faults);
        // Only a thread that stays has a version of its own.
        let on = On::Thread(ThreadRef::Key(start.thread.key));
        start.faults.extend(unfit(definition, asked, (&on, &start.input), &start.terms));
        start.terms.typed = conduct.typed;
        start.terms.version = version;
        start.terms.limits = conduct.limits.with_usd(*max_usd).with_calls(*max_tool_calls);
        start.terms.webhooks = heard(&bundle, webhooks);
        start.terms.on_unknown = match start.thread.throw_away {
            Some(_) => conduct.on_unknown.unasked(),
            None => conduct.on_unknown,
        };
        start.terms.on_budget = conduct.on_budget;
        start.on_busy = on_busy.unwrap_or(conduct.on_busy).for_one(start.terms.hands_over);
        Ok(())
    }
}

/// # Errors
/// [`Error::Invalid`]: a call in what the client says has an id of the thread's own runs.
pub(super) fn check_ids(thread: ThreadKey, field: &str, messages: &[Message]) -> Result<(), Error> {
    match claimed_ids(thread, field, messages) {
        faults if faults.is_empty() => Ok(()),
        faults => Err(Error::Invalid(faults)),
    }
}

/// How often a thread may be moved to another version while a run is started.
const MAX_MOVES: u32 = 3;

/// The webhooks that hear of a run: those of the agent, and those of the request.
fn heard(bundle: &Bundle, asked: &[String]) -> Vec<String> {
    let named: BTreeSet<&String> = bundle.agent.definition.webhooks.iter().chain(asked).collect();
    named.into_iter().cloned().collect()
}

/// What does not fit of what an agent is asked, and of how it is to answer.
fn unfit(
    definition: &Definition,
    asked: &Asked,
    (on, input): (&On, &[Message]),
    terms: &Terms,
) -> Vec<FieldError> {
    let Place { field, first } = asked.place;
    let (first, messages) = match on {
        On::Thread(_) => (first, input),
        // All that was said.
        On::ThrowAway { .. } | On::New => news(input),
    };
    let said = Said { messages, field, first };
    let mut faults = definition.input.as_ref().map(|input| input.faults(said)).unwrap_or_default();
    if definition.output.as_ref().is_some_and(|output| terms.manner.asks_for_other(&output.schema)) {
        faults.push(FieldError {
            field: "response_format".to_owned(),
            message: "is another schema than the agent's `output`: leave it out".to_owned(),
        });
    }
    faults
}
