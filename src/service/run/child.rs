//! Another agent as a tool: a run of its own thread, begun on behalf of whoever started the first run.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Error;
use crate::domain::agent::Input;
use crate::domain::dispatch::claim::Begins;
use crate::domain::ids::AccountId;
use crate::domain::message::Message;
use crate::domain::plan::KeepLimits;
use crate::domain::run::child::MAX_DEPTH;
use crate::domain::run::manner::Manner;
use crate::domain::run::terms::{Parent, Terms};
use crate::domain::schema::{self, Document};
use crate::domain::thread::about::About;
use crate::domain::thread::command::{Answer, Command, Create, OnBusy, Start, Who};
use crate::domain::thread::effect::ToolCall;
use crate::domain::thread::id::RunId;
use crate::ports::{AgentRef, ThreadOf, Threads, Unavailable, World};
use crate::service::App;
use crate::service::call::{self, Caller, RunCredential};
use crate::service::claims::{self, Room, Wanted};
use crate::service::unexpected::name_of;

#[derive(Deserialize)]
struct Arguments {
    message: String,
}

/// Begins the run of an agent that answers a call. Whoever begins it again finds it.
///
/// # Errors
/// [`Error::Failed`]: it is not begun for good. [`Error::NotMade`]: it may be there, and is the same when it is begun again.
pub async fn begin<W: World>(app: &App<W>, asked: &ToolCall, agent: &str) -> Result<(), Error> {
    let path = asked.terms.path_below(asked.id.run);
    if path.len() > MAX_DEPTH {
        return Err(Error::Failed(format!(
            "The agent `{agent}` was not asked: agents that ask each other stand at most {MAX_DEPTH} deep."
        )));
    }
    let Child { terms, pin, input, keeps } = child(app, asked, agent, path).await?;
    let message = match &input {
        None => message(&asked.call.arguments)?,
        Some(input) => document(&asked.call.arguments, input)?,
    };
    let thread = Create {
        account: asked.account,
        key: asked.id.child().thread,
        name: None,
        agent: terms.agent,
        version: pin,
        about: About { user: asked.user.clone(), anonymous: asked.reach.is_none(), ..About::default() },
        throw_away: asked.throw_away,
        items: Vec::new(),
    };
    let input = vec![Message::user(message)];
    let start = Start {
        thread,
        terms,
        max_usd: None,
        input,
        on_busy: OnBusy::Queue,
        may_make: true,
        behind: None,
        answers: false,
        watch: false,
        faults: Vec::new(),
    };
    let to = ThreadOf { account: asked.account, thread: start.thread.key };
    let room = claim(app, asked, keeps, to).await?;
    let why = match app.world.threads().ask(to, Command::Start(Box::new(start))).await {
        Ok(Answer::Run(_)) => return Ok(()),
        Ok(Answer::NotFound) => {
            claims::settle(app, asked.account, &room, None).await;
            return Err(Error::Failed("The run of this agent is not there any more.".to_owned()));
        }
        Ok(other) => format!("a thread's object answered {}", name_of(&other)),
        Err(error) => error.to_string(),
    };
    app.world.log(&format!("a child was not begun: {why}"));
    Err(Error::NotMade("the agent's thread could not be reached".to_owned()))
}

/// Room for the child in the account's plan; one that has begun before has its own.
async fn claim<W: World>(
    app: &App<W>,
    asked: &ToolCall,
    keeps: KeepLimits,
    to: ThreadOf,
) -> Result<Room, Error> {
    let unknown = |error: Unavailable| {
        app.world.log(&format!("a child was not begun: {error}"));
        Error::NotMade("the account's index could not be reached".to_owned())
    };
    let child = asked.id.child();
    let wanted = Wanted {
        account: asked.account,
        thread: to.thread,
        makes_thread: asked.throw_away.is_none(),
        begins: Begins::This(child),
    };
    match claims::claim(app, wanted, keeps).await.map_err(unknown)? {
        Room::Full(which, most) => {
            let there = app.world.threads().ask(to, Command::Run(Who::Account, child.number)).await;
            if matches!(there, Ok(Answer::Run(_))) {
                return Ok(Room::Free);
            }
            let limit = which.name();
            Err(Error::Failed(format!("The agent was not asked: the plan's limit of `{limit}` is {most}.")))
        }
        room => Ok(room),
    }
}

/// What an agent is asked that takes any message.
fn message(arguments: &str) -> Result<String, Error> {
    let arguments = serde_json::from_str::<Arguments>(arguments);
    let message = arguments.map_err(|error| Error::Failed(error.to_string()))?.message;
    if message.trim().is_empty() {
        return Err(Error::Failed("The argument `message` is empty.".to_owned()));
    }
    Ok(message)
}

/// What an agent is asked that takes JSON of a schema: the arguments themselves.
fn document(arguments: &str, input: &Input) -> Result<String, Error> {
    let document = Document::read(arguments);
    let document = document.map_err(|unread| Error::Failed(format!("What the agent is asked {unread}.")))?;
    let faults = schema::faults(&input.schema, &document.value);
    if faults.is_empty() {
        return Ok(document.text.to_owned());
    }
    let each: Vec<String> = faults.iter().map(|fault| format!("{}: {}", fault.at, fault.words)).collect();
    Err(Error::Failed(format!("The arguments do not fit what the agent is asked. {}", each.join("; "))))
}

/// The schema of what another agent is asked, where it has one and can be learned of.
pub async fn input<W: World>(
    app: &App<W>,
    account: AccountId,
    own: &Terms,
    agent: &str,
) -> Option<Map<String, Value>> {
    let caller = beginner(account, own).beginning(AgentRef::parse(agent)?);
    let resolved = call::resolve(app, &caller).await.ok()?;
    resolved.bundle.agent.definition.input.clone().map(|input| input.schema)
}

/// Who begins the runs below a run.
fn beginner(account: AccountId, own: &Terms) -> Caller {
    let credential = RunCredential::of_kept_run(account, own.agent, own.version, own.started_by);
    Caller::run(credential.of_child(true))
}

/// A child to be begun.
struct Child {
    terms: Terms,
    /// The version at which its thread stays.
    pin: Option<u32>,
    /// What its agent takes, where that is not any message.
    input: Option<Input>,
    /// Of the account's plan.
    keeps: KeepLimits,
}

/// What the child is started with: its own agent's newest version and limits, and of the money no more than it is given.
async fn child<W: World>(
    app: &App<W>,
    asked: &ToolCall,
    agent: &str,
    path: Vec<RunId>,
) -> Result<Child, Error> {
    let refused = |why: &dyn std::fmt::Display| {
        Error::Failed(format!("The agent `{agent:.64}` cannot be asked: {why}."))
    };
    let Some(target) = AgentRef::parse(agent) else { return Err(refused(&"there is no such agent")) };
    let own = &asked.terms;
    let caller = beginner(asked.account, own).beginning(target);
    let bundle = match call::resolve_current(app, &caller).await {
        Ok(resolved) => resolved.bundle,
        Err(call::Error::Unavailable) => {
            return Err(Error::NotMade("the directory could not be reached".to_owned()));
        }
        Err(call::Error::NoSuchAgent) => return Err(refused(&"there is no such agent")),
        Err(error) => return Err(refused(&error)),
    };
    let conduct = bundle.agent.definition.conduct();
    let pin = conduct.upgrade.pin(bundle.agent.version);
    let terms = Terms {
        agent: bundle.agent.id,
        version: bundle.agent.version,
        started_by: own.started_by,
        limits: conduct.limits.with_usd(asked.given),
        on_unknown: conduct.on_unknown,
        on_budget: conduct.on_budget,
        priority: own.priority,
        variables: BTreeMap::new(),
        tools: Vec::new(),
        user: own.user.clone(),
        manner: Manner::default(),
        parent: Some(Parent { call: asked.id, path }),
        via: own.via.clone(),
        typed: conduct.typed,
        webhooks: bundle.agent.definition.webhooks.clone(),
        hands_over: false,
        request: None,
    };
    let input = bundle.agent.definition.input.clone();
    Ok(Child { terms, pin, input, keeps: bundle.keeps })
}
