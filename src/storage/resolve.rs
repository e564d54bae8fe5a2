//! What a call needs of the directory, in one round trip.
//!
//! One batch, so all rows are of one moment: they are cached together under one epoch.
//!
//! A release serves calls on the schema of the release before, too, so that neither its deployment nor its
//! way back stops them. Rows of tables that were there are read with `SELECT *`, and what a column would say
//! has a default; statements that name more than there was are left out, or asked as they were before, when
//! the batch fails for them.

use crate::domain::api_key::KeyDigest;
use crate::domain::plan::Limits;
use crate::ports::{AgentRef, Resolution, Resolve, Unavailable};

use super::directory::Tenant;
use super::sql::{Answer, Engine, Failure, Query, Statement};
use super::{accounts, agents, aliases, holders, keys, plans, providers};

/// Those that the schema before knows, too, with the statement that finds the key.
fn statements<E: Engine>(
    tenant: &Tenant<E>,
    key: Option<&KeyDigest>,
    agent: &AgentRef,
    key_of_account: &'static Query,
) -> Vec<Statement> {
    let mut statements = vec![
        tenant.statement(accounts::BY_ID, []),
        agents::called(tenant, agent),
        tenant.statement(providers::ALL, []),
        tenant.statement(aliases::ALL, []),
    ];
    if let Some(digest) = key {
        statements.push(tenant.statement(key_of_account, [digest.to_string().into()]));
    }
    statements
}

fn read<A: Answer>(answers: &[A], limits: Limits) -> Result<Option<Resolution>, Failure> {
    let Some(account) = accounts::first(&answers[0])? else { return Ok(None) };
    let holder = answers.get(4).map(holders::first).transpose()?.unwrap_or_default();
    let key = answers.get(4).map(keys::first).transpose()?.flatten();
    Ok(Some(Resolution {
        account,
        limits,
        agent: agents::first(&answers[1])?,
        providers: providers::all(&answers[2])?,
        aliases: aliases::all(&answers[3])?,
        key: key.map(|key| holder.key(key)),
        prompts: holder.prompts,
    }))
}

impl<E: Engine> Resolve for Tenant<E> {
    async fn resolve(
        &self,
        key: Option<&KeyDigest>,
        agent: &AgentRef,
    ) -> Result<Option<Resolution>, Unavailable> {
        let mut all = statements(self, key, agent, holders::OF_ACCOUNT);
        all.push(self.statement(plans::OF_ACCOUNT, []));
        match self.batch(all).await {
            Ok(mut answers) => {
                let limits = answers.pop().as_ref().map_or(Ok(Limits::NONE), plans::first)?;
                return Ok(read(&answers, limits)?);
            }
            Err(Failure::Schema(_)) => {}
            Err(failure) => return Err(failure.into()),
        }
        Ok(read(&self.batch(statements(self, key, agent, keys::OF_ACCOUNT)).await?, Limits::NONE)?)
    }
}
