//! What a call needs of the directory, in one round trip.
//!
//! One batch, so all rows are of one moment: they are cached together under one epoch.
//!
//! A release serves calls on the schema of the release before, too, so that neither its deployment nor its way back
//! stops them. Rows of tables that were there are read with `SELECT *`, and what a column would say has a default;
//! statements on tables that were not are left out when the batch fails for them.

use crate::domain::api_key::KeyDigest;
use crate::domain::plan::Limits;
use crate::ports::{AgentRef, Resolution};

use super::directory::Tenant;
use super::sql::{Answer, Engine, Failure, Statement};
use super::{accounts, agents, aliases, keys, plans, providers};

pub(super) async fn resolve<E: Engine>(
    tenant: &Tenant<E>,
    key: Option<&KeyDigest>,
    agent: &AgentRef,
) -> Result<Option<Resolution>, Failure> {
    let mut all = statements(tenant, key, agent);
    all.push(tenant.statement(plans::OF_ACCOUNT, []));
    match tenant.batch(all).await {
        Ok(mut answers) => {
            let limits = answers.pop().as_ref().map_or(Ok(Limits::NONE), plans::first)?;
            return read(&answers, limits);
        }
        Err(Failure::Schema(_)) => {}
        Err(failure) => return Err(failure),
    }
    read(&tenant.batch(statements(tenant, key, agent)).await?, Limits::NONE)
}

/// Those that the schema before knows.
fn statements<E: Engine>(tenant: &Tenant<E>, key: Option<&KeyDigest>, agent: &AgentRef) -> Vec<Statement> {
    let mut statements = vec![
        tenant.statement(accounts::BY_ID, []),
        agents::by(tenant, agent),
        tenant.statement(providers::ALL, []),
        tenant.statement(aliases::ALL, []),
    ];
    if let Some(digest) = key {
        statements.push(tenant.statement(keys::OF_ACCOUNT, [digest.to_string().into()]));
    }
    statements
}

fn read<A: Answer>(answers: &[A], limits: Limits) -> Result<Option<Resolution>, Failure> {
    let Some(account) = accounts::first(&answers[0])? else { return Ok(None) };
    Ok(Some(Resolution {
        account,
        limits,
        agent: agents::first(&answers[1])?,
        providers: providers::all(&answers[2])?,
        aliases: aliases::all(&answers[3])?,
        key: answers.get(4).map(keys::first).transpose()?.flatten(),
    }))
}
