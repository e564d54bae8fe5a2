//! What the account's object is asked for a call.

use super::error::Error;
use super::resolve::Resolved;
use super::select::Selection;
use super::{GRACE_MS, MAX_CALL_MS};
use crate::domain::admission::command::Admit;
use crate::domain::agent::{Access, Agent};
use crate::domain::budget::{Action, Budget};
use crate::domain::ids::CallId;
use crate::domain::money::Nanos;
use crate::domain::routing::Plan;

/// The question for the entry that is tried first.
pub fn of(resolved: &Resolved, selection: &Selection, plan: &Plan, call: CallId) -> Admit {
    let (agent, candidate) = (&resolved.bundle.agent, selection.first());
    Admit {
        call,
        agent: agent.id,
        key: resolved.key.as_ref().map(|presented| presented.key.id),
        version: agent.version,
        model: candidate.label.clone(),
        epoch: resolved.epoch,
        want: plan.want,
        floor: plan.floor,
        again: false,
        charged: Nanos::ZERO,
        budget: budget(agent),
        max_concurrency: agent.definition.max_concurrency,
        limits: resolved.bundle.limits,
        ended: Vec::new(),
        ttl_ms: u32::try_from(selection.timeout_ms().min(MAX_CALL_MS) + GRACE_MS).unwrap_or(u32::MAX),
    }
}

/// What bounds the agent: one that anyone may call is stopped at its limit, also where a row from before that was asked for
/// says otherwise.
fn budget(agent: &Agent) -> Option<Budget> {
    let action = |budget: Budget| match agent.definition.access {
        Access::Public => Action::Block,
        Access::Key => budget.action,
    };
    agent.budget.map(|budget| Budget { action: action(budget), ..budget })
}

/// Asks for no more than a run has left, where it has a limit of its own; what earlier attempts of the call may have cost is
/// taken from that.
///
/// # Errors
/// [`Error::RunBudget`] when that pays for no answer.
pub fn within(question: &mut Admit, most: Option<Nanos>) -> Result<(), Error> {
    let Some(left) = most.map(|most| most.saturating_sub(question.charged)) else { return Ok(()) };
    if question.floor > left {
        return Err(Error::RunBudget { left });
    }
    question.want = question.want.min(left);
    Ok(())
}
