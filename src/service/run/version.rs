//! How the runs of a thread go that stays at a version of its agent.

use crate::domain::agent::Conduct;
use crate::domain::ids::{AccountId, AgentId};
use crate::domain::run::terms::Starter;
use crate::ports::World;
use crate::service::App;
use crate::service::call::{self, Caller, Error, RunCredential};

/// How runs of this version go, for somebody who may call the agent.
///
/// # Errors
/// As [`call::resolve`].
pub async fn conduct<W: World>(
    app: &App<W>,
    account: AccountId,
    (agent, version): (AgentId, u32),
    started_by: Starter,
) -> Result<Conduct, Error> {
    let caller = Caller::run(RunCredential::of_kept_run(account, agent, version, started_by));
    let resolved = call::resolve(app, &caller).await?;
    Ok(resolved.bundle.agent.definition.conduct())
}
