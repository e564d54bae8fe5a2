//! An agent made ready to be called: its instructions cut, its line parsed, its providers found, their keys
//! opened, its models priced. Built once an epoch, so that a warm call looks nothing up.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::error::Error;
use super::reach::{Server, Unreachable, is_of_platform, reach};
use crate::domain::account::Account;
use crate::domain::agent::Agent;
use crate::domain::alias::{self, Alias};
use crate::domain::dialect::{self, Dialect};
use crate::domain::flag::Flags;
use crate::domain::ids::AccountId;
use crate::domain::model::{Capability, Model};
use crate::domain::model_line::{Entry, ModelLine, Params, ParseError};
use crate::domain::plan::{CallLimits, KeepLimits};
use crate::domain::prompt::Prompt;
use crate::domain::provider::{BaseUrl, Provider, ProviderName};
use crate::ports::{Models, Unavailable, World};

/// The most characters of a name that are quoted.
const MAX_QUOTED: usize = 64;

#[derive(Debug)]
pub struct Bundle {
    pub account: Account,
    /// Of the account's plan.
    pub limits: CallLimits,
    pub keeps: KeepLimits,
    /// Those that are on for the account.
    pub flags: Flags,
    pub agent: Agent,
    /// The names of the account's webhooks.
    pub webhooks: BTreeSet<String>,
    /// Its instructions.
    pub prompt: Prompt,
    /// In the line's order. `Err`: what is wrong with the line, so that no call of this agent can work.
    pub candidates: Result<Vec<Arc<Candidate>>, ParseError>,
    /// The same of the line for embeddings; `None` where there is none.
    pub embeddings: Option<Result<Vec<Arc<Candidate>>, ParseError>>,
}

/// One entry of the line.
#[derive(Debug)]
pub struct Candidate {
    /// `provider:code`.
    pub label: String,
    pub provider: ProviderName,
    pub code: String,
    pub params: Params,
    /// `None`: the model is unknown, and so is its price.
    pub model: Option<Model>,
    /// Whether the platform pays who answers.
    pub is_of_platform: bool,
    pub server: Result<Server, Unreachable>,
    /// What the server takes for this model.
    pub dialect: Dialect,
}

impl Bundle {
    pub async fn build<W: World>(
        world: &W,
        tenant: &impl Models,
        account: Account,
        (limits, keeps, flags): (CallLimits, KeepLimits, Flags),
        (agent, webhooks): (Agent, BTreeSet<String>),
        providers: &[Provider],
        aliases: &[Alias],
    ) -> Result<Self, Unavailable> {
        let line = entries(&agent, aliases).map(|(entries, _)| entries);
        let embeddings = agent.definition.embeddings.as_deref();
        let embeddings = embeddings.map(|line| known_entries(line, aliases).map(|(entries, _)| entries));
        let all = line.iter().chain(embeddings.iter().flatten()).flatten();
        let pairs: Vec<_> = all.map(|e| (e.provider.as_str().to_owned(), e.code.clone())).collect();
        let models = if pairs.is_empty() { Vec::new() } else { tenant.models_of(&pairs).await? };
        let candidates = |entries: Vec<Entry>| -> Vec<Arc<Candidate>> {
            let candidate = |entry| Arc::new(candidate(world, account.id, entry, providers, &models));
            entries.into_iter().map(candidate).collect()
        };
        let (embeddings, candidates) = (embeddings.map(|line| line.map(candidates)), line.map(candidates));
        let prompt = Prompt::new(&agent.definition, &account);
        Ok(Self { account, limits, keeps, flags, agent, webhooks, prompt, candidates, embeddings })
    }
}

impl Bundle {
    /// Whether `label`, as `provider:code`, means this code of the line.
    pub fn labels(&self, code: &str, label: &str) -> bool {
        self.candidates.iter().flatten().any(|candidate| candidate.code == code && candidate.label == label)
    }

    /// Whether this names the agent or a model of its line.
    pub fn has_model(&self, name: &str) -> bool {
        let agent = &self.agent;
        name == agent.slug.as_str()
            || name == agent.id.to_string()
            || self.candidates.iter().flatten().any(|candidate| names_model(candidate, name))
    }

    /// That this names neither the agent nor a model of its line, and what would do.
    pub fn no_such_model(&self, name: &str) -> Error {
        self.no_such_among(self.candidates.as_deref().unwrap_or_default(), name)
    }

    /// The same of a line of it.
    pub fn no_such_among(&self, line: &[Arc<Candidate>], name: &str) -> Error {
        let mut known = vec![self.agent.slug.to_string()];
        for candidate in line {
            if !known.contains(&candidate.code) {
                known.push(candidate.code.clone());
            }
        }
        Error::NoSuchModel { name: name.chars().take(MAX_QUOTED).collect(), known }
    }
}

/// Whether the client's name for a model means this entry.
pub fn names_model(candidate: &Candidate, name: &str) -> bool {
    candidate.code == name || candidate.label == name
}

/// What the agent's line stands for.
///
/// What is wrong with it: the entries that are left without what the account has no longer, such as an alias that was deleted.
///
/// # Errors
/// What is wrong with it, where nothing is left.
pub fn entries(agent: &Agent, aliases: &[Alias]) -> Result<(Vec<Entry>, Vec<ParseError>), ParseError> {
    known_entries(&agent.definition.model, aliases)
}

fn known_entries(line: &str, aliases: &[Alias]) -> Result<(Vec<Entry>, Vec<ParseError>), ParseError> {
    let line = ModelLine::parse(line)?;
    let (entries, faults) = line.expand_known(|name| alias::line_of(aliases, name));
    match faults.into_iter().next() {
        Some(fault) if entries.is_empty() => Err(fault),
        fault => Ok((entries, fault.into_iter().collect())),
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
    let own = providers.iter().find(|provider| provider.name == entry.provider && provider.is_own_server());
    let mut dialect = dialect_of(&entry, server.as_ref().ok(), own);
    // An identifier opens whatever was uploaded with the same key, and the platform's is everybody's.
    dialect.file_id &= own.is_some();
    // What the catalogue says of the model counts more than what its server takes of others.
    if model.as_ref().is_some_and(|model| !model.capabilities.has(Capability::JsonSchema)) {
        dialect.response_format = dialect.response_format.without_schema();
    }
    Candidate {
        is_of_platform: is_of_platform(&entry.provider, providers),
        label: format!("{}:{}", entry.provider, entry.code),
        provider: entry.provider,
        code: entry.code,
        params: entry.params,
        model,
        server,
        dialect,
    }
}

/// Without a server only what the names say: the entry is passed over or fails before anything is written for it.
fn dialect_of(entry: &Entry, server: Option<&Server>, own: Option<&Provider>) -> Dialect {
    let wire = server.map_or_else(|| entry.provider.implied_wire(), |server| server.wire);
    let host = server.and_then(|server| server.base_url.as_ref()).map(BaseUrl::host);
    let said = own.and_then(|own| own.dialect.as_deref());
    dialect::resolve(wire, entry.provider.as_str(), host, &entry.code, said)
}
