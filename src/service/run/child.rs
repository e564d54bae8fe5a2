//! Another agent as a tool: a run of its own thread, begun on behalf of whoever started the first run.

use std::collections::BTreeMap;

use serde::Deserialize;

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
use crate::service::call::{self, Caller, Error, RunCredential};

/// The pauses between attempts to reach what is away for a moment.
const PAUSES_MS: [u64; 3] = [500, 1_000, 2_000];

/// Why a child was not begun.
#[derive(Debug)]
pub enum NotBegun {
    /// For good: words for the model.
    Refused(String),
    /// It may be there: it is begun once more, and is the same.
    Unknown(String),
}

#[derive(Deserialize)]
struct Arguments {
    message: String,
}

/// Begins the run of an agent that answers a call. Whoever begins it again finds it.
///
/// # Errors
/// [`NotBegun`].
pub async fn begin<W: World>(app: &App<W>, asked: &ToolCall, agent: &str) -> Result<(), NotBegun> {
    let arguments = serde_json::from_str::<Arguments>(&asked.call.arguments);
    let message = arguments.map_err(|error| NotBegun::Refused(error.to_string()))?.message;
    if message.trim().is_empty() {
        return Err(NotBegun::Refused("The argument `message` is empty.".to_owned()));
    }
    let path = asked.terms.path_below(asked.id.run);
    if path.len() > MAX_DEPTH {
        return Err(NotBegun::Refused(format!(
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
        about: About { user: asked.user.clone(), ..About::default() },
        throw_away: asked.throw_away,
        items: Vec::new(),
    };
    let input = vec![Message::user(message)];
    let start =
        Start { thread, terms, max_usd: None, input, on_busy: OnBusy::Queue, may_make: true, watch: false };
    let to = ThreadOf { account: asked.account, thread: start.thread.key };
    let mut last = String::new();
    for pause in PAUSES_MS {
        match app.world.threads().ask(to, Command::Start(Box::new(start.clone()))).await {
            Ok(Answer::Run(_)) => return Ok(()),
            Ok(Answer::NotFound) => {
                return Err(NotBegun::Refused("The run of this agent is not there any more.".to_owned()));
            }
            Ok(other) => last = format!("a thread's object answered {other:?}"),
            Err(error) => last = error.to_string(),
        }
        app.world.sleep(pause).await;
    }
    app.world.log(&format!("a child was not begun: {last}"));
    Err(NotBegun::Unknown("the agent's thread could not be reached".to_owned()))
}

/// What the child is started with: its own agent's newest version and limits, and of the money no more than it is given. And the
/// version at which its thread stays.
async fn terms<W: World>(
    app: &App<W>,
    asked: &ToolCall,
    agent: &str,
    path: Vec<RunId>,
) -> Result<(Terms, Option<u32>), NotBegun> {
    let refused = |why: &dyn std::fmt::Display| {
        NotBegun::Refused(format!("The agent `{agent:.64}` cannot be asked: {why}."))
    };
    let Some(target) = AgentRef::parse(agent) else { return Err(refused(&"there is no such agent")) };
    let own = &asked.terms;
    let credential = RunCredential::of_kept_run(asked.account, own.agent, own.version, own.started_by);
    let caller = Caller::run(credential.of_child(true)).beginning(target);
    let bundle = match call::resolve_current(app, &caller).await {
        Ok(resolved) => resolved.bundle,
        Err(Error::Unavailable) => {
            return Err(NotBegun::Unknown("the directory could not be reached".to_owned()));
        }
        Err(Error::NoSuchAgent) => return Err(refused(&"there is no such agent")),
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
