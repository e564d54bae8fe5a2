//! What there is to know of agents before they are called: what they can do, and whether calls of them can
//! work.
//!
//! Nothing is asked of a provider: an agent is healthy when its configuration leads to a model that can be
//! called. However many agents, the directory is read three times, and once more where tools ask other agents.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::agent::{Agent, Tool};
use crate::domain::ids::{AccountId, AgentId};
use crate::domain::model::Capabilities;
use crate::domain::model_line::{Entry, ModelLine, ParseError};
use crate::domain::provider::{BaseUrl, Provider, ProviderName, Wire};
use crate::domain::slug::Slug;
use crate::ports::{AgentRef, Agents, Aliases, Directory, Providers, World};
use crate::service::App;
use crate::service::call::bundle::entries;
use crate::service::call::reach::{Unreachable, is_of_platform, reach};
use crate::service::declared::{self, pair};
use crate::service::failure::Failure;

/// What a client learns of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// Of the first model of its line that can be called; when none can, of the first.
    pub capabilities: Capabilities,
    /// Whether at least one model of its line can be called.
    pub healthy: bool,
    /// What is wrong with the line or with models of it, each once.
    pub faults: Vec<Fault>,
}

/// Why calls of an agent, or of a model of its line, cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the agent's model line is broken {0}")]
    BrokenLine(ParseError),
    #[error(transparent)]
    Unreachable(Unreachable),
    #[error("provider `{0}` is not there: the platform has no Workers AI binding")]
    NoBinding(ProviderName),
    #[error("provider `{0}` has no key")]
    NoKey(ProviderName),
    #[error("model `{provider}:{code}` has no price, which a budget needs")]
    Unpriced { provider: ProviderName, code: String },
    #[error(
        "model `{provider}:{code}` is not in the platform's catalogue, by which the platform's key is billed"
    )]
    Unlisted { provider: ProviderName, code: String },
    #[error("model `{provider}:{code}` is retired: it may end at its provider; choose another")]
    Retired { provider: ProviderName, code: String },
    #[error("tool `{tool:.64}` asks the agent `{agent:.64}`, which is not there: its calls will fail")]
    NoAgent { tool: String, agent: String },
    #[error("tool `{tool:.64}` has no value for its header `{header:.64}`: its calls will fail")]
    NoSecret { tool: String, header: String },
}

impl Fault {
    /// What of the agent it is about.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::NoAgent { .. } | Self::NoSecret { .. } => "tools",
            _ => "model",
        }
    }

    fn retired(entry: &Entry) -> Self {
        Self::Retired { provider: entry.provider.clone(), code: entry.code.clone() }
    }
}

/// Of each agent, in their order.
///
/// # Errors
/// [`Failure`].
pub async fn discover<W: World>(
    app: &App<W>,
    account: AccountId,
    agents: &[Agent],
) -> Result<Vec<Discovery>, Failure> {
    if agents.is_empty() {
        return Ok(Vec::new());
    }
    let tenant = app.world.directory().tenant(account);
    let written = agents.iter().map(|agent| agent.definition.model.as_str());
    let aliases = tenant.aliases_named(&ModelLine::aliases_in(written)).await?;
    let lines: Vec<_> = agents.iter().map(|agent| entries(agent, &aliases)).collect();
    let known_entries = || lines.iter().flatten().flat_map(|(entries, _)| entries);
    let models = declared::known(&tenant, known_entries()).await?;
    let names: BTreeSet<&ProviderName> = known_entries().map(|e| &e.provider).collect();
    let texts = names.iter().map(|name| name.as_str().to_owned()).collect();
    let providers = tenant.providers_named(&texts).await?;
    let faults = names.into_iter().filter_map(|name| {
        let fault = provider_fault(&app.world, account, name, &providers)?;
        Some((name.clone(), fault))
    });
    let of_platform = |name: &&ProviderName| is_of_platform(name, &providers);
    let of_platform = known_entries().map(|entry| &entry.provider).filter(of_platform).cloned().collect();
    let known = Known { models, faults: faults.collect(), of_platform };
    let mut found: Vec<Discovery> =
        agents.iter().zip(&lines).map(|(agent, line)| known.of(agent, line)).collect();
    for (agent, discovery) in agents.iter().zip(&mut found) {
        let awaited = agent.definition.secrets.each().filter(|(_, _, kept)| kept.is_awaited());
        let fault = |(tool, header, _): (&str, &str, _)| Fault::NoSecret {
            tool: tool.to_owned(),
            header: header.to_owned(),
        };
        discovery.faults.extend(awaited.map(fault));
    }
    let tools = agents.iter().flat_map(|agent| &agent.definition.tools);
    let asked: Vec<AgentRef> = tools.filter_map(Tool::agent).filter_map(AgentRef::parse).collect();
    if !asked.is_empty() {
        let there = tenant.agents_named(&asked).await?;
        for (agent, discovery) in agents.iter().zip(&mut found) {
            discovery.faults.extend(absent(agent, &there));
        }
    }
    Ok(found)
}

/// The agents that an agent's tools ask and that are not there.
fn absent(agent: &Agent, there: &[(AgentId, Slug)]) -> impl Iterator<Item = Fault> {
    let is_there = |name: &str| match AgentRef::parse(name) {
        Some(AgentRef::Slug(asked)) => asked == agent.slug || there.iter().any(|(_, slug)| *slug == asked),
        Some(AgentRef::Id(asked)) => there.iter().any(|(id, _)| *id == asked),
        None => false,
    };
    agent.definition.tools.iter().filter_map(move |tool| {
        let asked = tool.agent().filter(|asked| !is_there(asked))?;
        Some(Fault::NoAgent { tool: tool.name().to_owned(), agent: asked.to_owned() })
    })
}

/// What the lines of a page lead to.
struct Known {
    models: declared::Known,
    /// Of the providers that cannot be called.
    faults: BTreeMap<ProviderName, Fault>,
    /// Providers that the platform pays.
    of_platform: BTreeSet<ProviderName>,
}

impl Known {
    fn of(&self, agent: &Agent, line: &Result<(Vec<Entry>, Vec<ParseError>), ParseError>) -> Discovery {
        let (entries, gone) = match line {
            Ok(known) => known,
            Err(error) => {
                let faults = vec![Fault::BrokenLine(error.clone())];
                return Discovery { capabilities: Capabilities::default(), healthy: false, faults };
            }
        };
        let each: Vec<Option<Fault>> = entries.iter().map(|entry| self.fault(agent, entry)).collect();
        let usable = entries.iter().zip(&each).find(|(_, fault)| fault.is_none()).map(|(entry, _)| entry);
        let model = usable.or(entries.first()).map(pair).and_then(|pair| self.models.get(&pair));
        let is_retired = |entry: &&Entry| self.models.get(&pair(entry)).is_some_and(|model| model.is_retired);
        let retired = entries.iter().filter(is_retired).map(Fault::retired);
        let gone = gone.iter().cloned().map(Fault::BrokenLine);
        let mut faults: Vec<Fault> = Vec::new();
        for fault in each.into_iter().flatten().chain(retired).chain(gone) {
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
        Discovery {
            capabilities: model.map_or(Capabilities::UNKNOWN, |model| model.capabilities),
            healthy: usable.is_some(),
            faults,
        }
    }

    fn fault(&self, agent: &Agent, entry: &Entry) -> Option<Fault> {
        let unpriced = || {
            if self.models.contains_key(&pair(entry)) {
                return None;
            }
            let (provider, code) = (entry.provider.clone(), entry.code.clone());
            if self.of_platform.contains(&entry.provider) {
                return Some(Fault::Unlisted { provider, code });
            }
            agent.budget.is_some().then_some(Fault::Unpriced { provider, code })
        };
        self.faults.get(&entry.provider).cloned().or_else(unpriced)
    }
}

/// Why calls to a provider cannot work. A server of the account's own may do without a key; where the
/// documentation says how a provider is reached, it wants one.
fn provider_fault<W: World>(
    world: &W,
    account: AccountId,
    name: &ProviderName,
    providers: &[Provider],
) -> Option<Fault> {
    let server = match reach(world, account, name, providers) {
        Ok(server) => server,
        Err(why) => return Some(Fault::Unreachable(why)),
    };
    if server.wire == Wire::WorkersAi {
        let is_there = world.settings().has_workers_ai;
        return (!is_there).then(|| Fault::NoBinding(name.clone()));
    }
    let documented = name.documented_url().map(|url| url.trim_end_matches('/'));
    let wants_key = documented.is_some() && documented == server.base_url.as_ref().map(BaseUrl::as_str);
    (wants_key && server.key.is_none()).then(|| Fault::NoKey(name.clone()))
}
