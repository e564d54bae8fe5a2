//! An agent made ready to be called: its instructions cut, its line parsed, its providers found, their keys opened, its models priced.
//! Built once an epoch, so that a warm call looks nothing up.

use std::sync::Arc;

use crate::domain::account::Account;
use crate::domain::agent::Agent;
use crate::domain::alias::{self, Alias};
use crate::domain::ids::AccountId;
use crate::domain::model::Model;
use crate::domain::model_line::{Entry, ModelLine, Params};
use crate::domain::outbound::{self, Loopback};
use crate::domain::plan::CallLimits;
use crate::domain::prompt::Prompt;
use crate::domain::provider::{Provider, ProviderName, Wire};
use crate::domain::secret::Secret;
use crate::domain::vault::MasterKey;
use crate::ports::{Models, Unavailable, Upstream, World};

#[derive(Debug)]
pub struct Bundle {
    pub account: Account,
    /// Of the account's plan.
    pub limits: CallLimits,
    pub agent: Agent,
    /// Its instructions.
    pub prompt: Prompt,
    /// In the line's order. `Err`: why no call of this agent can work, in words for its admin.
    pub candidates: Result<Vec<Arc<Candidate>>, String>,
}

/// One entry of the line.
#[derive(Debug)]
pub struct Candidate {
    /// `provider:code`.
    pub label: String,
    pub provider: ProviderName,
    pub code: String,
    pub params: Params,
    /// `None`: nothing is known of it, a price least of all.
    pub model: Option<Model>,
    /// Where it is; `Err`: why it cannot be reached, in words for the account's admin.
    pub server: Result<Server, String>,
}

/// How a provider is reached.
#[derive(Debug)]
pub struct Server {
    pub wire: Wire,
    /// Without a trailing slash; `None` for the binding.
    pub base_url: Option<String>,
    pub key: Option<Secret>,
}

impl Bundle {
    pub async fn build<W: World>(
        world: &W,
        tenant: &impl Models,
        account: Account,
        limits: CallLimits,
        agent: Agent,
        providers: &[Provider],
        aliases: &[Alias],
    ) -> Result<Self, Unavailable> {
        let candidates = match entries(&agent, aliases) {
            Err(error) => Err(error),
            Ok(entries) => {
                let pairs: Vec<_> =
                    entries.iter().map(|e| (e.provider.as_str().to_owned(), e.code.clone())).collect();
                let models = tenant.models_of(&pairs).await?;
                let candidate = |entry| Arc::new(candidate(world, account.id, entry, providers, &models));
                Ok(entries.into_iter().map(candidate).collect())
            }
        };
        let prompt = Prompt::new(&agent.definition, &account);
        Ok(Self { account, limits, agent, prompt, candidates })
    }
}

/// What the agent's line stands for.
///
/// # Errors
/// What is wrong with it, in words for its admin.
pub fn entries(agent: &Agent, aliases: &[Alias]) -> Result<Vec<Entry>, String> {
    let alias = |name: &str| alias::line_of(aliases, name);
    let line = ModelLine::parse(&agent.definition.model).and_then(|line| line.expand(alias));
    line.map_err(|error| format!("the agent's model line is broken {error}"))
}

/// How the provider of this name is reached: the account's own, else the platform's.
///
/// # Errors
/// Why it cannot be, in words for the account's admin.
pub fn reach<W: World>(
    world: &W,
    account: AccountId,
    name: &ProviderName,
    providers: &[Provider],
) -> Result<Server, String> {
    match providers.iter().find(|provider| provider.name == *name) {
        Some(provider) => own_server(world, account, name, provider),
        None => platform_server(world, name),
    }
}

fn candidate<W: World>(
    world: &W,
    account: AccountId,
    entry: Entry,
    providers: &[Provider],
    models: &[Model],
) -> Candidate {
    let server = reach(world, account, &entry.provider, providers);
    let model =
        models.iter().find(|m| m.provider == entry.provider.as_str() && m.code == entry.code).cloned();
    Candidate {
        label: format!("{}:{}", entry.provider, entry.code),
        provider: entry.provider,
        code: entry.code,
        params: entry.params,
        model,
        server,
    }
}

fn own_server<W: World>(
    world: &W,
    account: AccountId,
    name: &ProviderName,
    provider: &Provider,
) -> Result<Server, String> {
    let settings = world.settings();
    let key = match &provider.key {
        None => None,
        Some(sealed) => {
            let master = settings.master_key.as_ref().map_or("", Secret::expose);
            let opened =
                MasterKey::parse(master).and_then(|master| master.open(account, name, &sealed.sealed));
            Some(opened.map_err(|error| {
                world.log(&format!("provider {name} of account {account}: {error}"));
                format!("the stored key of provider `{name}` cannot be opened; an admin must PUT it again")
            })?)
        }
    };
    let base_url = provider.address().map(str::to_owned);
    if let Some(url) = &base_url {
        // Checked when it was saved, too; but what is allowed may have changed since.
        let loopback = if settings.allow_loopback { Loopback::Allowed } else { Loopback::Refused };
        outbound::check(url, loopback)
            .map_err(|refusal| format!("the URL of provider `{name}`: {refusal}"))?;
    }
    server(name, provider.wire, base_url, key)
}

/// The operator's own: its URL is not a tenant's choice and goes unchecked.
fn platform_server<W: World>(world: &W, name: &ProviderName) -> Result<Server, String> {
    let known = name.well_known();
    let platform = world.upstream().platform_provider(name);
    let is_binding =
        known.is_some_and(|known| known.wire == Wire::WorkersAi) && world.settings().has_workers_ai;
    match (platform, known) {
        (Some(platform), _) => {
            let wire = known.map_or(Wire::OpenAi, |known| known.wire);
            let documented = known.and_then(|known| known.base_url).map(str::to_owned);
            server(name, wire, platform.base_url.or(documented), platform.key)
        }
        (None, Some(known)) if is_binding => server(name, known.wire, None, None),
        _ => Err(format!("provider `{name}` is not configured; an admin must PUT /api/v1/providers/{name}")),
    }
}

fn server(
    name: &ProviderName,
    wire: Wire,
    base_url: Option<String>,
    key: Option<Secret>,
) -> Result<Server, String> {
    if base_url.is_none() && wire != Wire::WorkersAi {
        return Err(format!("provider `{name}` has no base_url; an admin must PUT /api/v1/providers/{name}"));
    }
    let base_url = base_url.map(|url| url.trim_end_matches('/').to_owned());
    Ok(Server { wire, base_url, key })
}
