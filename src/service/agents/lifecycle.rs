//! Moving an agent through its life, from draft to the archive.

use super::archive::archive_if;
use super::{Handoffs, adjust, find_ever};
use crate::domain::agent::{Agent, Status};
use crate::ports::World;
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::failure::Failure;

/// Gives the agent this status; one that it has already stays. Moving to the archive is archiving.
///
/// # Errors
/// [`Failure::NoMove`] when it cannot go there from where it is; those of [`super::archive`]; and the others.
pub async fn set_status<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    to: Status,
    handoffs: Handoffs,
) -> Result<Agent, Failure> {
    let found = find_ever(app, session, agent).await?;
    if found.status() == to {
        return Ok(found);
    }
    may_move(&found, to)?;
    let id = found.id.to_string();
    if to == Status::Archived {
        return archive_if(app, session, &id, handoffs, |read| may_move(read, to)).await;
    }
    let edit = |read: &Agent| {
        if read.status == to {
            return Ok(read.clone());
        }
        may_move(read, to)?;
        Ok(Agent { status: to, ..read.clone() })
    };
    adjust(app, session, &id, edit).await
}

fn may_move(agent: &Agent, to: Status) -> Result<(), Failure> {
    let from = agent.status();
    if from.moves().contains(&to) { Ok(()) } else { Err(Failure::NoMove(from)) }
}
