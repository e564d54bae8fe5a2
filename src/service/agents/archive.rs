//! Archiving an agent, and bringing it back: calls end, the slug is free, the ledger and the versions stay.

use crate::domain::agent::{Agent, Save};
use crate::domain::change::Action;
use crate::domain::ids::AgentId;
use crate::domain::slug::Slug;
use crate::domain::time::Millis;
use crate::ports::{AgentRef, Agents, Directory, World};
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::failure::{Failure, Thing};
use crate::service::retry::{retry, written_at};

use super::{IfMatch, get, save};

/// What becomes of hand-offs to an agent that is not in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handoffs {
    /// They stand in the way.
    Keep,
    /// They go, with a new version of each agent that had one.
    Remove,
}

/// # Errors
/// [`Failure::HandedTo`] when others hand off to it and may go on; and the others.
pub async fn archive<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    handoffs: Handoffs,
    if_match: &IfMatch,
) -> Result<Agent, Failure> {
    archive_if(app, session, agent, handoffs, |read| if_match.check(read)).await
}

/// Archives an agent that is as `may_go` wants it.
pub(super) async fn archive_if<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    handoffs: Handoffs,
    may_go: impl Fn(&Agent) -> Result<(), Failure> + Send + Sync,
) -> Result<Agent, Failure> {
    retry(app, || archive_once(app, session, agent, handoffs, &may_go)).await
}

async fn archive_once<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    handoffs: Handoffs,
    may_go: &(impl Fn(&Agent) -> Result<(), Failure> + Send + Sync),
) -> Result<Agent, Failure> {
    let tenant = app.world.directory().tenant(session.account.id);
    let read = get(app, session, agent).await?;
    may_go(&read)?;
    let givers = match handoffs {
        Handoffs::Keep => {
            is_handed_to_by_none(&tenant, &read).await?;
            Vec::new()
        }
        Handoffs::Remove => tenant.agents_handing_to(read.id).await?,
    };
    let now = app.world.now();
    let at = written_at(now, Some(read.updated_at));
    let gone = Agent { archived_at: Some(at), updated_at: at, ..read.clone() };
    let without = |giver: &Agent| without(giver, &[read.id], now);
    let mut saves: Vec<Save> = givers.into_iter().map(|giver| Save::update(without(&giver), giver)).collect();
    saves.push(Save::update(gone.clone(), read));
    let saved = save(app, session, Action::Update, &saves).await;
    saved.map_err(|error| Failure::of_write(error, Thing::Agent))?;
    Ok(gone)
}

/// That no agent hands off to this one.
///
/// # Errors
/// [`Failure::HandedTo`].
pub(super) async fn is_handed_to_by_none(tenant: &impl Agents, agent: &Agent) -> Result<(), Failure> {
    let givers = tenant.agents_handing_to(agent.id).await?;
    if givers.is_empty() {
        return Ok(());
    }
    Err(Failure::HandedTo(givers.into_iter().map(|giver| giver.slug.to_string()).collect()))
}

/// Restores an archived agent as it was, under `slug` if one is given. One in use stays as it is.
///
/// # Errors
/// [`Failure::HandsToGone`] when it hands off to agents that are not in use and these hand-offs may not go;
/// [`Failure::Taken`] when another agent has its slug; and the others.
pub async fn restore<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    slug: Option<&Slug>,
    handoffs: Handoffs,
    if_match: &IfMatch,
) -> Result<Agent, Failure> {
    let named = AgentRef::parse(agent).ok_or(Failure::Missing(Thing::Agent))?;
    retry(app, || restore_once(app, session, &named, slug, handoffs, if_match)).await
}

async fn restore_once<W: World>(
    app: &App<W>,
    session: &Session,
    named: &AgentRef,
    slug: Option<&Slug>,
    handoffs: Handoffs,
    if_match: &IfMatch,
) -> Result<Agent, Failure> {
    let tenant = app.world.directory().tenant(session.account.id);
    let Some(read) = tenant.archived_agent(named).await? else {
        let read = get(app, session, &named.to_string()).await?;
        return if_match.check(&read).map(|()| read);
    };
    if_match.check(&read)?;
    let gone = gone_targets(&tenant, &read).await?;
    if !gone.is_empty() && handoffs == Handoffs::Keep {
        return Err(Failure::HandsToGone(gone.iter().map(AgentId::to_string).collect()));
    }
    let now = app.world.now();
    let mut back = if gone.is_empty() { next(&read, now) } else { without(&read, &gone, now) };
    back.archived_at = None;
    back.slug = slug.cloned().unwrap_or(back.slug);
    let saved = save(app, session, Action::Restore, &[Save::update(back.clone(), read)]).await;
    saved.map_err(|error| Failure::of_write(error, Thing::Agent))?;
    Ok(back)
}

/// Those that the agent hands off to and that are not in use.
pub(super) async fn gone_targets(tenant: &impl Agents, agent: &Agent) -> Result<Vec<AgentId>, Failure> {
    let targets = &agent.definition.handoff_targets;
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<AgentRef> = targets.iter().copied().map(AgentRef::Id).collect();
    let there = tenant.agents_named(&names).await?;
    let is_gone = |target: &&AgentId| there.iter().all(|(id, _)| id != *target);
    Ok(targets.iter().filter(is_gone).copied().collect())
}

/// The agent as it is, a moment later.
fn next(agent: &Agent, now: Millis) -> Agent {
    Agent { updated_at: now.max(agent.updated_at.plus(1)), ..agent.clone() }
}

/// The agent's next version, which does not hand off to `targets`.
fn without(agent: &Agent, targets: &[AgentId], now: Millis) -> Agent {
    let mut next = next(agent, now);
    next.definition.handoff_targets.retain(|id| !targets.contains(id));
    next.version += 1;
    next
}
