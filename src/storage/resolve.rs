//! What a call needs of the directory, in one round trip.
//!
//! One batch, so all rows are of one moment: they are cached together under one epoch.
//!
//! A release serves calls on the schema of the release before, too, so that neither its deployment nor its
//! way back stops them. Rows of tables that were there are read with `SELECT *`, and what a column would say
//! has a default; statements that name more than there was are left out, or asked as they were before, when
//! the batch fails for them.

use std::collections::BTreeSet;

use crate::domain::declared::webhooks;
use crate::domain::flag::Settings;
use crate::domain::plan::Limits;
use crate::ports::{AgentVersion, KeyRef, Resolution, Resolve, Target, Unavailable};

use super::directory::Tenant;
use super::sql::{Answer, Engine, Failure, Query, Statement};
use super::{accounts, agents, aliases, declarations, flags, holders, keys, plans, providers};

/// The statement that finds a key, of which each schema has its own.
type KeyQuery = fn(&KeyRef) -> &'static Query;

/// Those that the schema before knows, too, with the statement that finds the key: the version and the key, as far as they
/// are asked for, come last.
fn statements<E: Engine>(
    tenant: &Tenant<E>,
    key: Option<&KeyRef>,
    target: &Target,
    key_query: KeyQuery,
) -> Vec<Statement> {
    let mut statements = vec![
        tenant.statement(accounts::BY_ID, []),
        agents::called(tenant, &target.agent),
        tenant.statement(providers::ALL, []),
        tenant.statement(aliases::ALL, []),
    ];
    if let AgentVersion::Number(version) = target.version {
        statements.push(agents::called_at(tenant, &target.agent, version));
    }
    if let Some(key) = key {
        let name = match key {
            KeyRef::Digest(digest) => digest.to_string(),
            KeyRef::Id(id) => id.to_string(),
        };
        statements.push(tenant.statement(key_query(key), [name.into()]));
    }
    statements
}

fn read<A: Answer>(
    answers: &[A],
    target: &Target,
    limits: Limits,
    flags: &Settings,
) -> Result<Option<Resolution>, Failure> {
    let [account, agent, providers, aliases, rest @ ..] = answers else {
        return Err(Failure::Unavailable("fewer answers than statements".to_owned()));
    };
    let Some(account) = accounts::first(account)? else { return Ok(None) };
    let (agent, key) = match (target.version, rest) {
        (AgentVersion::Number(version), [at, key @ ..]) => {
            (agents::found_at(agent, at, version)?, key.first())
        }
        (_, key) => (agents::found(agent)?, key.first()),
    };
    let holder = key.map(holders::first).transpose()?.unwrap_or_default();
    let key = key.map(keys::first).transpose()?.flatten();
    Ok(Some(Resolution {
        flags: flags.decide(account.id),
        account,
        limits,
        agent,
        providers: providers::all(providers)?,
        aliases: aliases::all(aliases)?,
        webhooks: BTreeSet::new(),
        key: key.map(|key| holder.key(key)),
        prompts: holder.prompts,
    }))
}

impl<E: Engine> Resolve for Tenant<E> {
    async fn resolve(
        &self,
        key: Option<&KeyRef>,
        target: &Target,
    ) -> Result<Option<Resolution>, Unavailable> {
        let with_key_by = |key_query| statements(self, key, target, key_query);
        let mut all = with_key_by(holders::of_account);
        all.extend([plans::OF_ACCOUNT, flags::OF_ACCOUNT].map(|query| self.statement(query, [])));
        all.push(declarations::names_of(self, &webhooks::FACTS));
        match self.batch(all).await {
            Err(Failure::Schema(_)) => {}
            answers => {
                let mut answers = answers?;
                let webhooks = answers.pop().as_ref().map_or(Ok(BTreeSet::new()), declarations::names)?;
                let flags = answers.pop().as_ref().map_or(Ok(Settings::default()), flags::read)?;
                let limits = answers.pop().as_ref().map_or(Ok(Limits::NONE), plans::first)?;
                let found = read(&answers, target, limits, &flags)?;
                return Ok(found.map(|found| Resolution { webhooks, ..found }));
            }
        }
        let mut without_flags = with_key_by(holders::of_account);
        without_flags.push(self.statement(plans::OF_ACCOUNT, []));
        match self.batch(without_flags).await {
            Err(Failure::Schema(_)) => {}
            answers => {
                let mut answers = answers?;
                let limits = answers.pop().as_ref().map_or(Ok(Limits::NONE), plans::first)?;
                return Ok(read(&answers, target, limits, &Settings::default())?);
            }
        }
        let answers = self.batch(with_key_by(keys::of_account)).await?;
        Ok(read(&answers, target, Limits::NONE, &Settings::default())?)
    }
}
