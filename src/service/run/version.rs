//! The version of an agent at which a thread stays.

use std::sync::Arc;

use crate::domain::ids::{AccountId, AgentId};
use crate::domain::run::terms::Starter;
use crate::ports::World;
use crate::service::App;
use crate::service::call::bundle::Bundle;
use crate::service::call::{self, Caller, Error, RunCredential};

/// The agent at this version, for somebody who may call it.
///
/// # Errors
/// As [`call::resolve`].
pub async fn at_version<W: World>(
    app: &App<W>,
    account: AccountId,
    (agent, version): (AgentId, u32),
    started_by: Starter,
) -> Result<Arc<Bundle>, Error> {
    let caller = Caller::run(RunCredential::of_kept_run(account, agent, version, started_by));
    Ok(call::resolve(app, &caller).await?.bundle)
}
