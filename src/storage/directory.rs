//! The directory in D1: [`Directory`], and [`Tenant`], the only way to an account's rows.
//!
//! A tenant cannot be made without an account's id, and binds it as `?1` of every statement; no other code
//! addresses a tenant's table.

use crate::domain::account::{Account, Key};
use crate::domain::agent::Agent;
use crate::domain::api_key::KeyDigest;
use crate::domain::change::{Actor, Change};
use crate::domain::ids::{AccountId, AgentId, KeyId};
use crate::domain::model::Model;
use crate::domain::plan::Limits;
use crate::domain::slug::Slug;
use crate::domain::time::Millis;
use crate::ports::{
    self, AccountRef, AgentPosition, AgentRef, Alias, Provider, Resolution, Save, Unavailable, WriteError,
};

use super::sql::{Answer, Engine, Failure, Query, Statement, Value};
use super::{accounts, agent_rows, agents, aliases, keys, models, plans, providers, resolve};

/// Who there is, and what is configured.
#[derive(Clone, Debug)]
pub struct Directory<E> {
    engine: E,
}

impl<E: Engine> Directory<E> {
    pub const fn new(engine: E) -> Self {
        Self { engine }
    }

    pub(super) async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<E::Answer>, Failure> {
        run(&self.engine, statements).await
    }
}

/// The rows of one account.
#[derive(Clone, Debug)]
pub struct Tenant<E> {
    engine: E,
    account: AccountId,
}

impl<E: Engine> Tenant<E> {
    /// A statement whose `?1` is the account; `rest` is `?2` and on.
    pub(super) fn statement(
        &self,
        query: &'static Query,
        rest: impl IntoIterator<Item = Value>,
    ) -> Statement {
        let account = Value::Text(self.account.to_string());
        Statement { query, values: std::iter::once(account).chain(rest).collect() }
    }

    pub(super) async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<E::Answer>, Failure> {
        run(&self.engine, statements).await
    }

    /// The rows of a single statement.
    pub(super) async fn rows<T: serde::de::DeserializeOwned>(
        &self,
        query: &'static Query,
        rest: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<T>, Failure> {
        let answers = self.batch(vec![self.statement(query, rest)]).await?;
        answers.first().map_or_else(|| Ok(Vec::new()), Answer::rows)
    }

    /// Whether a single statement with `RETURNING` touched a row.
    pub(super) async fn touches(
        &self,
        query: &'static Query,
        rest: impl IntoIterator<Item = Value>,
    ) -> Result<bool, Failure> {
        Ok(!self.rows::<serde::de::IgnoredAny>(query, rest).await?.is_empty())
    }
}

/// Runs a batch and holds the engine to one answer a statement.
async fn run<E: Engine>(engine: &E, statements: Vec<Statement>) -> Result<Vec<E::Answer>, Failure> {
    let asked = statements.len();
    let answers = engine.batch(statements).await?;
    if answers.len() == asked {
        Ok(answers)
    } else {
        Err(Failure::Unavailable(format!("{asked} statements got {} answers", answers.len())))
    }
}

impl<E: Engine> ports::Directory for Directory<E> {
    type Tenant = Tenant<E>;

    fn tenant(&self, account: AccountId) -> Tenant<E> {
        Tenant { engine: self.engine.clone(), account }
    }

    async fn account(&self, of: &AccountRef) -> Result<Option<Account>, Unavailable> {
        Ok(accounts::find(self, of).await?)
    }

    async fn insert_account(&self, account: &Account) -> Result<(), WriteError> {
        Ok(accounts::insert(self, account).await?)
    }

    async fn key(&self, digest: &KeyDigest) -> Result<Option<(Key, Account)>, Unavailable> {
        Ok(keys::find(self, digest).await?)
    }
}

impl<E: Engine> ports::Tenant for Tenant<E> {
    async fn resolve(
        &self,
        key: Option<&KeyDigest>,
        agent: &AgentRef,
    ) -> Result<Option<Resolution>, Unavailable> {
        Ok(resolve::resolve(self, key, agent).await?)
    }

    async fn limits(&self) -> Result<Limits, Unavailable> {
        Ok(plans::of(self).await?)
    }

    async fn models_of(&self, pairs: &[(String, String)]) -> Result<Vec<Model>, Unavailable> {
        Ok(models::of(self, pairs).await?)
    }

    async fn keys(&self, limit: u32, before: Option<KeyId>) -> Result<Vec<Key>, Unavailable> {
        Ok(keys::list(self, limit, before).await?)
    }

    async fn insert_key(&self, key: &Key, digest: &KeyDigest) -> Result<(), WriteError> {
        Ok(keys::insert(self, key, digest).await?)
    }

    async fn revoke_key(&self, id: KeyId, now: Millis) -> Result<bool, Unavailable> {
        Ok(keys::revoke(self, id, now).await?)
    }

    async fn providers(&self) -> Result<Vec<Provider>, Unavailable> {
        Ok(providers::list(self).await?)
    }

    async fn provider(&self, name: &str) -> Result<Option<Provider>, Unavailable> {
        Ok(providers::find(self, name).await?)
    }

    async fn put_provider(&self, provider: &Provider) -> Result<(), Unavailable> {
        Ok(providers::put(self, provider).await?)
    }

    async fn delete_provider(&self, name: &str) -> Result<bool, Unavailable> {
        Ok(providers::delete(self, name).await?)
    }

    async fn models(
        &self,
        limit: u32,
        after: Option<(&str, &str)>,
    ) -> Result<Vec<(Model, bool)>, Unavailable> {
        Ok(models::list(self, limit, after).await?)
    }

    async fn put_model(&self, model: &Model, now: Millis) -> Result<(), Unavailable> {
        Ok(models::put(self, model, now).await?)
    }

    async fn delete_model(&self, provider: &str, code: &str) -> Result<bool, Unavailable> {
        Ok(models::delete(self, provider, code).await?)
    }

    async fn aliases(&self) -> Result<Vec<Alias>, Unavailable> {
        Ok(aliases::list(self).await?)
    }

    async fn put_alias(&self, alias: &Alias) -> Result<(), Unavailable> {
        Ok(aliases::put(self, alias).await?)
    }

    async fn delete_alias(&self, name: &str) -> Result<bool, Unavailable> {
        Ok(aliases::delete(self, name).await?)
    }

    async fn agents(&self, limit: u32, after: Option<AgentPosition>) -> Result<Vec<Agent>, Unavailable> {
        Ok(agents::list(self, limit, after).await?)
    }

    async fn agent(&self, of: &AgentRef) -> Result<Option<Agent>, Unavailable> {
        Ok(agents::find(self, of).await?)
    }

    async fn agents_named(&self, names: &[AgentRef]) -> Result<Vec<(AgentId, Slug)>, Unavailable> {
        Ok(agents::named(self, names).await?)
    }

    async fn agent_ever(&self, of: &AgentRef) -> Result<Option<AgentId>, Unavailable> {
        Ok(agents::ever(self, of).await?)
    }

    async fn agents_handing_to(&self, id: AgentId) -> Result<Vec<Agent>, Unavailable> {
        Ok(agents::handing_to(self, id).await?)
    }

    async fn save_agents(
        &self,
        saves: &[Save],
        by: Actor,
        most_in_use: Option<u32>,
        changes: &[Change],
    ) -> Result<(), WriteError> {
        Ok(agent_rows::save(self, saves, by, most_in_use, changes).await?)
    }
}
