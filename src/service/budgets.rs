//! An agent's budget, and what is left of it.

use crate::domain::admission::command::{Inspect, Spend};
use crate::domain::agent::{Agent, MUST_BLOCK};
use crate::domain::budget::Budget;
use crate::ports::{Accounts, World};

use super::App;
use super::agents::{self, IfMatch};
use super::authenticate::Session;
use super::failure::{Failure, Thing};
use super::precondition::Precondition;

/// A budget and what was spent of it in the running period.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The entity tag of the agent, whose row has the budget.
    pub tag: String,
    pub budget: Budget,
    pub spend: Spend,
}

/// # Errors
/// [`Failure::NoBudget`] when the agent has none, and the others.
pub async fn get<W: World>(app: &App<W>, session: &Session, agent: &str) -> Result<Standing, Failure> {
    let agent = agents::get(app, session, agent).await?;
    let budget = agent.budget.ok_or(Failure::NoBudget)?;
    standing(app, session, &agent, budget).await
}

/// Sets the budget; it holds from the next call. What was spent in the running period counts against it.
///
/// # Errors
/// [`Failure`].
pub async fn put<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &str,
    budget: Budget,
    precondition: &Precondition,
) -> Result<Standing, Failure> {
    let edit = |read: &Agent| {
        // Tags are the agent's, also of one that has no budget yet.
        let is_there = read.budget.is_some() || matches!(precondition, Precondition::Tags(_));
        precondition.check_tag(Thing::Agent, is_there.then_some(|| read.tag()))?;
        match read.definition.is_bound_by(&budget) {
            true => Ok(Agent { budget: Some(budget), ..read.clone() }),
            false => Err(Failure::invalid("action", MUST_BLOCK)),
        }
    };
    let agent = agents::adjust(app, session, agent, &IfMatch::Any, edit).await?;
    standing(app, session, &agent, budget).await
}

async fn standing<W: World>(
    app: &App<W>,
    session: &Session,
    agent: &Agent,
    budget: Budget,
) -> Result<Standing, Failure> {
    let spend = app.world.accounts().ask(session.account.id, Inspect { agent: agent.id, budget }).await?;
    Ok(Standing { tag: agent.tag(), budget, spend })
}
