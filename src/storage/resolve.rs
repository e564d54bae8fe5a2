//! What a call needs of the directory, in one round trip.
//!
//! One batch, so all rows are of one moment: they are cached together under one epoch.

use crate::domain::api_key::KeyDigest;
use crate::ports::{AgentRef, Resolution};

use super::directory::Tenant;
use super::sql::{Engine, Failure};
use super::{accounts, agents, aliases, keys, providers};

pub(super) async fn resolve<E: Engine>(
    tenant: &Tenant<E>,
    key: Option<&KeyDigest>,
    agent: &AgentRef,
) -> Result<Option<Resolution>, Failure> {
    let mut statements = vec![
        tenant.statement(accounts::BY_ID, []),
        agents::by(tenant, agent),
        tenant.statement(providers::ALL, []),
        tenant.statement(aliases::ALL, []),
    ];
    if let Some(digest) = key {
        statements.push(tenant.statement(keys::OF_ACCOUNT, [digest.to_string().into()]));
    }
    let answers = tenant.batch(statements).await?;
    let Some(account) = accounts::first(&answers[0])? else { return Ok(None) };
    Ok(Some(Resolution {
        account,
        agent: agents::first(&answers[1])?,
        providers: providers::all(&answers[2])?,
        aliases: aliases::all(&answers[3])?,
        key: answers.get(4).map(keys::first).transpose()?.flatten(),
    }))
}
