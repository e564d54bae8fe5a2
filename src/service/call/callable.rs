//! Which agents of an account a key may call.

use super::error::Error;
use super::key::current_key;
use super::resolve::unavailable;
use crate::domain::account::Status;
use crate::domain::flag::Flag;
use crate::domain::scope::Scope;
use crate::domain::slug::Slug;
use crate::domain::time::Millis;
use crate::ports::{
    self, AccountRef, AgentFilter, AgentList, AgentPosition, Directory, OwnFlags, Unavailable, World,
};
use crate::service::App;

/// The most agents that are listed.
const MAX_LISTED: usize = 1_000;
/// How many are read at once.
const PAGE: u32 = 200;
/// The most reads: of an account many agents may answer no calls.
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

/// Lists the agents whose calls are answered and that the key, which has this scope, may call, by rows that are in force now.
///
/// # Errors
/// As [`super::check_key`]; and [`Error::AccountSuspended`], [`Error::SwitchedOff`].
pub async fn callable<W: World>(
    app: &App<W>,
    account: Option<&AccountRef>,
    key: Option<&str>,
    scope: Scope,
) -> Result<Callable, Error> {
    let (key, account) = current_key(app, account, key, scope).await?;
    if account.status == Status::Suspended {
        return Err(Error::AccountSuspended);
    }
    let tenant = app.world.directory().tenant(account.id);
    let settings = tenant.flag_settings().await.map_err(|error| unavailable(app, &error))?;
    if !settings.decide(account.id).has(Flag::AccountWide) {
        return Err(Error::SwitchedOff(Flag::AccountWide));
    }
    let which = key.agents.map_or(ports::Callable::All, ports::Callable::These);
    let (agents, has_more) = all(&tenant, &which).await.map_err(|error| unavailable(app, &error))?;
    Ok(Callable { account: account.slug, agents, has_more })
}

async fn all(
    tenant: &impl AgentList,
    which: &ports::Callable,
) -> Result<(Vec<(Slug, Millis)>, bool), Unavailable> {
    let mut callable = Vec::new();
    let mut after = None;
    for _ in 0..MAX_PAGES {
        let found = tenant.find_callable(&AgentFilter::default(), which, PAGE, after).await?;
        let is_full = found.agents.len() >= PAGE as usize;
        after = found.stopped_at.or(found.agents.last().filter(|_| is_full).map(AgentPosition::of));
        callable.extend(found.agents.into_iter().map(|agent| (agent.slug, agent.created_at)));
        if callable.len() >= MAX_LISTED || after.is_none() {
            break;
        }
    }
    let has_more = after.is_some() || callable.len() > MAX_LISTED;
    callable.truncate(MAX_LISTED);
    Ok((callable, has_more))
}
