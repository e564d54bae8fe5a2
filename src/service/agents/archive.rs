//! Archiving an agent: calls end, the slug is free, the ledger and the versions stay.

use crate::domain::agent::Agent;
use crate::domain::change::Action;
use crate::domain::ids::AgentId;
use crate::domain::time::Millis;
use crate::ports::{Directory, Save, Tenant, World, WriteError};
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::failure::{Failure, Thing};

use super::{TRIES, get, pause, save};

/// What becomes of the hand-offs of others to an agent that goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handoffs {
    /// They keep it from going.
    Keep,
    /// They go with it, each with a new version of the agent that had it.
    Remove,
}

/// # Errors
/// [`Failure::HandedTo`] when others hand off to it and may go on; and the others.
pub async fn archive<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    handoffs: Handoffs,
) -> Result<(), Failure> {
    let tenant = app.world.directory().tenant(session.account.id);
    for attempt in 0..TRIES {
        let read = get(app, session, agent).await?;
        let givers = tenant.agents_handing_to(read.id).await?;
        if !givers.is_empty() && handoffs == Handoffs::Keep {
            return Err(Failure::HandedTo(givers.into_iter().map(|giver| giver.slug.to_string()).collect()));
        }
        let now = app.world.now();
        let at = now.max(read.updated_at.plus(1));
        let gone = Agent { archived_at: Some(at), updated_at: at, ..read.clone() };
        let mut saves: Vec<Save> =
            givers.into_iter().map(|giver| Save::update(without(&giver, read.id, now), giver)).collect();
        saves.push(Save::update(gone, read));
        match save(app, session, Action::Update, &saves).await {
            Ok(()) => return Ok(()),
            Err(WriteError::Moved) => pause(app, attempt).await,
            Err(error) => return Err(Failure::of_write(error, Thing::Agent)),
        }
    }
    Err(Failure::Contended(Thing::Agent))
}

/// The agent's next version, which does not hand off to `target`.
fn without(agent: &Agent, target: AgentId, now: Millis) -> Agent {
    let mut next = agent.clone();
    next.definition.handoff_targets.retain(|id| *id != target);
    next.version += 1;
    next.updated_at = now.max(agent.updated_at.plus(1));
    next
}
