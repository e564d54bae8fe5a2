//! Another agent as a tool: a run of its own thread, begun on behalf of whoever started the first run.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Error;
use crate::domain::message::Message;
use crate::domain::run::child::MAX_DEPTH;
use crate::domain::run::manner::Manner;
use crate::domain::run::terms::{Parent, Terms};
use crate::domain::thread::about::About;
use crate::domain::thread::command::{Answer, Command, Create, OnBusy, Start};
use crate::domain::thread::effect::ToolCall;
use crate::domain::thread::id::RunId;
use crate::ports::{AgentRef, ThreadOf, Threads, World};
use crate::service::App;
use crate::service::call::{self, Caller, RunCredential};

#[derive(Deserialize)]
struct Arguments {
    message: String,
}

/// Begins the run of an agent that answers a call. Whoever begins it again finds it.
///
/// # Errors
/// [`Error::Failed`]: it is not begun for good. [`Error::NotMade`]: it may be there, and is the same when it is begun again.
pub async fn begin<W: World>(app: &App<W>, asked: &ToolCall, agent: &str) -> Result<(), Error> {
    let arguments = serde_json::from_str::<Arguments>(&asked.call.arguments);
    let message = arguments.map_err(|error| Error::Failed(error.to_string()))?.message;
    if message.trim().is_empty() {
        return Err(Error::Failed("The argument `message` is empty.".to_owned()));
    }
    let path = asked.terms.path_below(asked.id.run);
    if path.len() > MAX_DEPTH {
        return Err(Error::Failed(format!(
            "The agent `{agent}` was not asked: agents that ask each other stand at most {MAX_DEPTH} deep."
        )));
    }
    let (terms, pin) = terms(app, asked, agent, path).await?;
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
        watch: false,
        faults: Vec::new(),
    };
    let to = ThreadOf { account: asked.account, thread: start.thread.key };
    let why = match app.world.threads().ask(to, Command::Start(Box::new(start))).await {
        Ok(Answer::Run(_)) => return Ok(()),
        Ok(Answer::NotFound) => {
            return Err(Error::Failed("The run of this agent is not there any more.".to_owned()));
        }
        Ok(other) => format!("a thread's object answered {other:?}"),
        Err(error) => error.to_string(),
    };
    app.world.log(&format!("a child was not begun: {why}"));
    Err(Error::NotMade("the agent's thread could not be reached".to_owned()))
}

/// What the child is started with: its own agent's newest version and limits, and of the money no more than it is given. And the
/// version at which its thread stays.
async fn terms<W: World>(
    app: &App<W>,
    asked: &ToolCall,
    agent: &str,
    path: Vec<RunId>,
) -> Result<(Terms, Option<u32>), Error> {
    let refused = |why: &dyn std::fmt::Display| {
        Error::Failed(format!("The agent `{agent:.64}` cannot be asked: {why}."))
    };
    let Some(target) = AgentRef::parse(agent) else { return Err(refused(&"there is no such agent")) };
    let own = &asked.terms;
    let credential = RunCredential::of_kept_run(asked.account, own.agent, own.version, own.started_by);
    let caller = Caller::run(credential.of_child(true)).beginning(target);
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
    };
    Ok((terms, pin))
}
