//! What the model of a run may call, and how each call is carried out.

use futures_util::future::join_all;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use super::{Error, child};
use crate::domain::agent::{self, Inline, ToolKind};
use crate::domain::ids::{AccountId, MemoryId};
use crate::domain::memory::shelf::Reach;
use crate::domain::message::ToolCall as Called;
use crate::domain::message::{Part, Tool};
use crate::domain::money::Nanos;
use crate::domain::run::arguments::misfit;
use crate::domain::run::state::Run;
use crate::domain::run::terms::Terms;
use crate::domain::run::tool::{ClientTool, How};
use crate::domain::thread::effect::{Outcome, ToolCall};
use crate::ports::{Performed, World};
use crate::service::App;
use crate::service::call::bundle::Bundle;
use crate::service::call::via::Via;
use crate::service::call::{self as calls, Caller, RunCredential};
use crate::service::tool::memory::{self, MemoryTool};
use crate::service::tool::{self, Builtin, http};

/// A tool that the model may call.
#[derive(Clone, Debug)]
pub enum Offer {
    /// Of the run alone.
    Client(ClientTool),
    Builtin(&'static Builtin),
    /// On what is remembered.
    Memory(MemoryTool),
    /// Of the agent.
    Inline(Box<Inline>),
    /// Another agent of the account.
    Agent {
        name: String,
        /// Its slug or id.
        agent: String,
        description: Option<String>,
        /// The schema of what it is asked, where that is more than a message.
        input: Option<Box<RawValue>>,
    },
}

/// The arguments of a call of another agent.
const MESSAGE: &str = r#"{"type":"object","properties":{"message":{"type":"string","description":
"What the agent is to do, with all that it must know: it sees nothing of this conversation."}},"required":["message"],
"additionalProperties":false}"#;

impl Offer {
    fn name(&self) -> &str {
        match self {
            Self::Client(tool) => &tool.name,
            Self::Builtin(builtin) => builtin.name,
            Self::Memory(tool) => tool.name(),
            Self::Inline(tool) => tool.name(),
            Self::Agent { name, .. } => name,
        }
    }

    /// Whether we carry it out.
    fn is_ours(&self) -> bool {
        match self {
            Self::Client(_) => false,
            Self::Inline(tool) => tool.kind != ToolKind::Client,
            Self::Builtin(_) | Self::Memory(_) | Self::Agent { .. } => true,
        }
    }

    fn description(&self) -> Option<String> {
        match self {
            Self::Client(tool) => tool.description.clone(),
            Self::Builtin(builtin) => Some(builtin.description.to_owned()),
            Self::Memory(tool) => Some(tool.description().to_owned()),
            Self::Inline(tool) => tool.description.clone(),
            Self::Agent { description: Some(said), .. } => Some(said.clone()),
            Self::Agent { agent, .. } => Some(format!("Asks the agent `{agent}`, and returns its answer.")),
        }
    }

    /// The JSON Schema of its arguments.
    fn parameters(&self) -> Option<Box<RawValue>> {
        match self {
            Self::Client(tool) => tool.parameters.as_ref()?.raw().map(ToOwned::to_owned),
            Self::Builtin(builtin) => serde_json::from_str(builtin.parameters).ok(),
            Self::Agent { input: Some(input), .. } => Some(input.clone()),
            Self::Memory(tool) => RawValue::from_string(tool.parameters()).ok(),
            Self::Agent { .. } => serde_json::from_str(MESSAGE).ok(),
            Self::Inline(tool) => to_raw_value(tool.parameters.as_ref()?).ok(),
        }
    }

    const fn client(&self) -> Option<&ClientTool> {
        match self {
            Self::Client(tool) => Some(tool),
            Self::Builtin(_) | Self::Memory(_) | Self::Inline(_) | Self::Agent { .. } => None,
        }
    }

    /// As the model is offered it.
    pub fn tool(&self) -> Tool {
        Tool {
            name: self.name().to_owned(),
            description: self.description(),
            parameters: self.parameters(),
            strict: self.client().and_then(|tool| tool.strict),
            cache: self.client().and_then(|tool| tool.cache),
        }
    }
}

fn asking(name: &str, agent: &str, description: Option<String>) -> Offer {
    Offer::Agent { name: name.to_owned(), agent: agent.to_owned(), description, input: None }
}

/// Learns what the agents among the tools are asked. One that cannot be learned of now is asked with a message, and says itself
/// what it wants.
pub async fn learn_inputs<W: World>(app: &App<W>, account: AccountId, terms: &Terms, offered: &mut [Offer]) {
    let inputs = offered.iter_mut().filter_map(|offer| match offer {
        Offer::Agent { agent, input, .. } => Some(async move {
            let schema = child::input(app, account, terms, agent).await;
            *input = schema.and_then(|schema| to_raw_value(&schema).ok());
        }),
        _ => None,
    });
    join_all(inputs).await;
}

/// The agent's own tools that we know.
fn own(bundle: &Bundle) -> impl Iterator<Item = Offer> {
    bundle.agent.definition.tools.iter().filter_map(|tool| match tool {
        agent::Tool::Named(name) => match tool.agent() {
            Some(agent) => Some(asking(name, agent, None)),
            None => tool::builtin(name).map(Offer::Builtin),
        },
        agent::Tool::Inline(inline) => Some(match tool.agent() {
            Some(agent) => asking(inline.name(), agent, inline.description.clone()),
            None => Offer::Inline(inline.clone()),
        }),
    })
}

/// What the model may call: the client's tools of this run, those of the agent that we know, and those on memories that it has in
/// a run of this reach. A tool of the agent's own stands in the place of one on memories that has its name.
pub fn offered(bundle: &Bundle, terms: &Terms, reach: Option<&Reach>) -> Vec<Offer> {
    let memory = memory::offered(bundle.agent.definition.memory(), reach).map(Offer::Memory);
    let own: Vec<Offer> = own(bundle).chain(memory).filter(|_| !terms.manner.is_bare).collect();
    // What we carry out nobody else answers in our place; what the client carries out it may say in its own words.
    let is_ours = |name: &str| own.iter().any(|own| own.name() == name && own.is_ours());
    let clients = terms.tools.iter().filter(|tool| !is_ours(&tool.name)).cloned().map(Offer::Client);
    let mut offered: Vec<Offer> = clients.collect();
    for offer in own {
        if !offered.iter().any(|other| other.name() == offer.name()) {
            offered.push(offer);
        }
    }
    offered
}

/// Which of a client's tools have the name of one that we carry out for the agent.
pub fn taken_names<'a>(bundle: &Bundle, tools: &'a [ClientTool]) -> Vec<(usize, &'a str)> {
    let own: Vec<Offer> = own(bundle).filter(Offer::is_ours).collect();
    let on_memories: Vec<&str> = memory::names(bundle.agent.definition.memory()).collect();
    let is_taken = |name: &str| own.iter().any(|own| own.name() == name) || on_memories.contains(&name);
    let named = tools.iter().enumerate().map(|(at, tool)| (at, tool.name.as_str()));
    named.filter(|(_, name)| is_taken(name)).collect()
}

/// Which tools there are, by the names that each wire takes: the model has been offered the others under names of the wire's.
fn known(offered: &[Offer]) -> String {
    let is_plain = |name: &&str| name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    let plain: Vec<&str> = offered.iter().map(Offer::name).filter(is_plain).collect();
    match (plain.as_slice(), offered.len() - plain.len()) {
        ([], _) => "Call tools by the names under which they are offered.".to_owned(),
        (names, 0) => format!("There are: {}.", names.join(", ")),
        (names, _) => {
            format!("There are: {}, and others by the names under which they are offered.", names.join(", "))
        }
    }
}

/// How a call is carried out, or why it is not.
pub fn how(offered: &[Offer], call: &Called) -> How {
    let Some(offer) = offered.iter().find(|offer| offer.name() == call.name) else {
        return How::Invalid(format!("There is no tool `{:.64}`. {}", call.name, known(offered)));
    };
    let arguments = Some(call.arguments.as_str()).filter(|text| !text.trim().is_empty()).unwrap_or("{}");
    let Ok(arguments) = serde_json::from_str::<Map<String, Value>>(arguments) else {
        return How::Invalid("The arguments are no JSON object.".to_owned());
    };
    let schema = offer.parameters().and_then(|schema| serde_json::from_str::<Map<_, _>>(schema.get()).ok());
    if let Some(words) = schema.and_then(|schema| misfit(&schema, &arguments)) {
        return How::Invalid(words);
    }
    match offer {
        Offer::Client(_) => How::Client,
        Offer::Builtin(builtin) => How::Ours(builtin.effect),
        Offer::Memory(tool) => How::Ours(tool.effect()),
        Offer::Inline(tool) => match tool.kind {
            ToolKind::Client => How::Client,
            ToolKind::Http | ToolKind::Agent => How::Ours(tool.effect()),
        },
        Offer::Agent { agent, .. } => How::Child(agent.clone()),
    }
}

/// Makes a call.
pub async fn call<W: World>(app: &App<W>, object: &impl Performed, id: &str, asked: ToolCall) -> Outcome {
    let started = app.world.now();
    let result = match asked.call.child() {
        None => made(app, object, id, &asked).await,
        Some(agent) => match child::begin(app, &asked, agent).await {
            Ok(()) => return Outcome::ChildBegun,
            Err(error) => Err(error),
        },
    };
    let mut journal = json!({
        "name": asked.call.name, "arguments": asked.call.arguments, "attempt": asked.call.attempt,
        "is_error": result.is_err(), "started_at": started,
    });
    let (text, is_error) = match result {
        Ok(Made { text, memory }) => {
            if let Some(memory) = memory {
                journal["memory"] = json!(memory);
            }
            (text, false)
        }
        Err(Error::Failed(words)) => (words, true),
        Err(Error::NotMade(why)) => {
            journal["error"] = why.as_str().into();
            return Outcome::NotMade { why, journal };
        }
        Err(Error::Unknown(words)) => {
            journal["error"] = words.into();
            return Outcome::Unknown { journal };
        }
    };
    journal["bytes"] = text.len().into();
    Outcome::Tool { output: vec![Part::Text(text)], is_error, cost: Nanos::ZERO, journal }
}

/// What a call that was made has for the model, and what of memories it has written or deleted.
struct Made {
    text: String,
    memory: Option<MemoryId>,
}

impl From<String> for Made {
    fn from(text: String) -> Self {
        Self { text, memory: None }
    }
}

async fn made<W: World>(
    app: &App<W>,
    object: &impl Performed,
    id: &str,
    asked: &ToolCall,
) -> Result<Made, Error> {
    let ToolCall { account, id: entry, terms, call, reach, .. } = asked;
    let credential = RunCredential::of_kept_run(*account, terms.agent, terms.version, terms.started_by);
    let caller = Caller::run(credential.of_child(terms.parent.is_some())).in_run(entry.run);
    // What acts outside asks whether it still may; no admission follows that would.
    let resolved = match tool::builtin(&call.name) {
        Some(_) => calls::resolve(app, &caller).await,
        None => calls::resolve_current(app, &caller).await,
    };
    let resolved = resolved.map_err(|error| match error {
        calls::Error::Unavailable => Error::NotMade(error.to_string()),
        error => Error::Failed(format!("The call was not made: {error}.")),
    });
    let bundle = resolved?.bundle;
    let offer = offered(&bundle, terms, reach.as_ref()).into_iter().find(|offer| offer.name() == call.name);
    match offer {
        Some(Offer::Builtin(builtin)) => {
            builtin.call(app, object, id, &call.arguments).await.map(Made::from).map_err(Error::Failed)
        }
        Some(Offer::Memory(tool)) => {
            let Some(reach) = reach else {
                return Err(Error::Failed("Nothing is remembered here.".to_owned()));
            };
            let by = memory::By { account: *account, agent: terms.agent, call: *entry, reach };
            let memory::Done { text, memory } = tool.call(app, by, &call.arguments).await?;
            Ok(Made { text, memory })
        }
        Some(Offer::Inline(tool)) if tool.kind == ToolKind::Http => {
            let (step, piece) = Run::place(call.entry);
            let key = format!("{}/{step}/{piece}", entry.run);
            let via = Via::of_run(app, terms.via.as_deref());
            let secrets = &bundle.agent.definition.secrets;
            let of = http::Of { account: *account, tool: &tool, secrets, via: &via };
            Ok(http::call(app, of, key, &call.arguments).await?.into())
        }
        _ => Err(Error::Failed(format!("There is no tool `{:.64}` any more.", call.name))),
    }
}
