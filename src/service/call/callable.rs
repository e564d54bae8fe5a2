//! Which agents of an account a key may call.

use std::cmp::Reverse;

use super::error::Error;
use super::key::current_key;
use super::resolve::{answers, unavailable};
use crate::domain::account::Status;
use crate::domain::agent::Agent;
use crate::domain::flag::Flag;
use crate::domain::slug::Slug;
use crate::domain::time::Millis;
use crate::ports::{
    AccountRef, AgentFilter, AgentList, AgentPosition, Agents, Directory, FoundAgents, OwnFlags, Unavailable,
    World,
};
use crate::service::App;

/// The most agents that are listed.
const MAX_LISTED: usize = 1_000;
/// How many are read at once: with instructions of 100,000 characters each they take 20 MB.
const PAGE: u32 = 200;
/// The most reads: as many agents as are listed may answer no calls.
const MAX_PAGES: usize = 10;

/// The agents that a key may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callable {
    /// The account's slug.
    pub account: Slug,
    /// Slugs, and when each was created; newest first.
    pub agents: Vec<(Slug, Millis)>,
    /// There may be more than are listed.
    pub has_more: bool,
}

/// Lists the agents whose calls are answered and that the key may call, by rows that are in force now.
///
/// # Errors
/// As [`super::check_key`]; and [`Error::AccountSuspended`], [`Error::SwitchedOff`].
pub async fn callable<W: World>(
    app: &App<W>,
    account: Option<&AccountRef>,
    key: Option<&str>,
) -> Result<Callable, Error> {
    let (key, account) = current_key(app, account, key).await?;
    if account.status == Status::Suspended {
        return Err(Error::AccountSuspended);
    }
    let tenant = app.world.directory().tenant(account.id);
    let settings = tenant.flag_settings().await.map_err(|error| unavailable(app, &error))?;
    if !settings.decide(account.id).has(Flag::AccountWide) {
        return Err(Error::SwitchedOff(Flag::AccountWide));
    }
    let found = match &key.agents {
        Some(ids) => tenant.agents_of(ids).await.map(|agents| listed(&agents)).map(|agents| (agents, false)),
        None => all(&tenant).await,
    };
    let (mut agents, has_more) = found.map_err(|error| unavailable(app, &error))?;
    agents.sort_by_key(|(_, created_at)| Reverse(*created_at));
    Ok(Callable { account: account.slug, agents, has_more })
}

async fn all(tenant: &impl AgentList) -> Result<(Vec<(Slug, Millis)>, bool), Unavailable> {
    let mut callable = Vec::new();
    let mut after = None;
    for _ in 0..MAX_PAGES {
        let FoundAgents { agents, stopped_at } =
            tenant.find_agents(&AgentFilter::default(), PAGE, after).await?;
        let last = agents.last().map(|agent| AgentPosition { created_at: agent.created_at, id: agent.id });
        let is_full = agents.len() >= PAGE as usize;
        callable.extend(listed(&agents));
        after = stopped_at.or(last.filter(|_| is_full));
        if callable.len() >= MAX_LISTED || after.is_none() {
            break;
        }
    }
    let has_more = after.is_some() || callable.len() > MAX_LISTED;
    callable.truncate(MAX_LISTED);
    Ok((callable, has_more))
}

fn listed(agents: &[Agent]) -> Vec<(Slug, Millis)> {
    let callable = agents.iter().filter(|agent| answers(agent).is_ok());
    callable.map(|agent| (agent.slug.clone(), agent.created_at)).collect()
}
