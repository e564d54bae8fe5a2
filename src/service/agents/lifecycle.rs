//! Moving an agent through its life, from draft to the archive.

use super::archive::archive_if;
use super::{Handoffs, IfMatch, adjust, find_ever};
use crate::domain::agent::{Agent, Status};
use crate::ports::World;
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::failure::Failure;

/// Gives the agent this status; one that it has already stays. Moving to the archive is archiving.
///
/// # Errors
/// [`Failure::Precondition`]; [`Failure::NoMove`] when it cannot go there from where it is; those of [`super::archive`]; and the others.
pub async fn set_status<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    to: Status,
    handoffs: Handoffs,
    if_match: &IfMatch,
) -> Result<Agent, Failure> {
    let found = find_ever(app, session, agent).await?;
    if_match.check(&found)?;
    if found.status() == to {
        return Ok(found);
    }
    may_move(&found, to)?;
    let id = found.id.to_string();
    if to == Status::Archived {
        let may_go = |read: &Agent| if_match.check(read).and_then(|()| may_move(read, to));
        return archive_if(app, session, &id, handoffs, may_go).await;
    }
    let edit = |read: &Agent| {
        if read.status == to {
            return Ok(read.clone());
        }
        may_move(read, to)?;
        Ok(Agent { status: to, ..read.clone() })
    };
    adjust(app, session, &id, if_match, edit).await
}

fn may_move(agent: &Agent, to: Status) -> Result<(), Failure> {
    let from = agent.status();
    if from.moves().contains(&to) { Ok(()) } else { Err(Failure::NoMove(from, to)) }
}
