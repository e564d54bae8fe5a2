//! The directory in D1: [`Directory`], and [`Tenant`], the only way to an account's rows.
//!
//! A tenant cannot be made without an account's id, and binds it as `?1` of every statement; no other code
//! addresses a tenant's table.

use std::collections::BTreeSet;

use crate::domain::account::{Account, Key};
use crate::domain::agent::{Agent, Save};
use crate::domain::alias::Alias;
use crate::domain::api_key::KeyDigest;
use crate::domain::change::{Actor, Change};
use crate::domain::ids::{AccountId, AgentId, ChangeId, KeyId, MemberId};
use crate::domain::member::Member;
use crate::domain::model::{Capabilities, Model};
use crate::domain::plan::Limits;
use crate::domain::provider::Provider;
use crate::domain::slug::Slug;
use crate::domain::template::{Source, Template};
use crate::domain::time::Millis;
use crate::ports::{
    self, AccountRef, AgentFilter, AgentPosition, AgentRef, ChangesOf, Counts, Fit, Fitted, FoundAgents,
    Resolution, Unavailable, Version, VersionLine, WriteError,
};

use super::sql::{Answer, Engine, Failure, Query, Statement, Value};
use super::{
    accounts, agent_list, agent_rows, agent_versions, agents, aliases, changes, keys, members, models, plans,
    providers, resolve, templates, usage,
};

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

    /// The rows of a statement whose `?2` is a JSON array of names; of no names without asking.
    pub(super) async fn rows_named<T: serde::de::DeserializeOwned>(
        &self,
        query: &'static Query,
        names: &BTreeSet<String>,
    ) -> Result<Vec<T>, Failure> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        self.rows(query, [serde_json::json!(names).to_string().into()]).await
    }

    /// Runs a statement with `RETURNING`, which touches a row unless that is no longer as it was read, and logs it.
    pub(super) async fn write_logged(
        &self,
        query: &'static Query,
        rest: impl IntoIterator<Item = Value>,
        change: &Change,
    ) -> Result<(), Failure> {
        self.write_guarded(query, rest, change, None).await
    }

    /// [`Tenant::write_logged`], unless what this guard looks at is not so after it.
    pub(super) async fn write_guarded(
        &self,
        query: &'static Query,
        rest: impl IntoIterator<Item = Value>,
        change: &Change,
        guard: Option<Statement>,
    ) -> Result<(), Failure> {
        let mut batch = vec![self.statement(query, rest), changes::log_if_written(self, change)];
        batch.extend(guard);
        let answers = self.batch(batch).await?;
        let touched: Vec<serde::de::IgnoredAny> =
            answers.first().map_or_else(|| Ok(Vec::new()), Answer::rows)?;
        if touched.is_empty() { Err(Failure::Moved) } else { Ok(()) }
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

    async fn insert_account(&self, account: &Account, change: &Change) -> Result<(), WriteError> {
        Ok(accounts::insert(self, account, change).await?)
    }

    async fn key(&self, digest: &KeyDigest) -> Result<Option<(Key, Account)>, Unavailable> {
        Ok(keys::find(self, digest).await?)
    }

    async fn platform_templates(&self, limit: u32, after: &str) -> Result<Vec<Template>, Unavailable> {
        Ok(templates::list_platform(self, limit, after).await?)
    }

    async fn platform_template(&self, slug: &Slug) -> Result<Option<Template>, Unavailable> {
        Ok(templates::find_platform(self, slug).await?)
    }

    async fn put_platform_template(&self, template: &Template) -> Result<(), Unavailable> {
        Ok(templates::put_platform(self, template).await?)
    }

    async fn delete_platform_template(&self, slug: &Slug) -> Result<bool, Unavailable> {
        Ok(templates::delete_platform(self, slug).await?)
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

    async fn insert_key(&self, key: &Key, digest: &KeyDigest, change: &Change) -> Result<(), WriteError> {
        Ok(keys::insert(self, key, digest, change).await?)
    }

    async fn revoke_key(&self, id: KeyId, change: &Change) -> Result<bool, Unavailable> {
        Ok(keys::revoke(self, id, change).await?)
    }

    async fn update_account(
        &self,
        account: &Account,
        read: &Account,
        fit: Option<&Fit>,
        change: &Change,
    ) -> Result<Fitted, WriteError> {
        Ok(accounts::update(self, account, read, fit, change).await?)
    }

    async fn usage(&self, most_keys: u32, now: Millis) -> Result<Counts, Unavailable> {
        Ok(usage::count(self, most_keys, now).await?)
    }

    async fn members(&self, limit: u32, before: Option<MemberId>) -> Result<Vec<Member>, Unavailable> {
        Ok(members::list(self, limit, before).await?)
    }

    async fn member(&self, id: MemberId) -> Result<Option<Member>, Unavailable> {
        Ok(members::find(self, id).await?)
    }

    async fn insert_member(&self, member: &Member, change: &Change) -> Result<(), WriteError> {
        Ok(members::insert(self, member, change).await?)
    }

    async fn update_member(&self, member: &Member, read: &Member, change: &Change) -> Result<(), WriteError> {
        Ok(members::update(self, member, read, change).await?)
    }

    async fn delete_member(&self, read: &Member, change: &Change) -> Result<(), WriteError> {
        Ok(members::delete(self, read, change).await?)
    }

    async fn providers(&self) -> Result<Vec<Provider>, Unavailable> {
        Ok(providers::list(self).await?)
    }

    async fn providers_named(&self, names: &BTreeSet<String>) -> Result<Vec<Provider>, Unavailable> {
        Ok(providers::named(self, names).await?)
    }

    async fn provider(&self, name: &str) -> Result<Option<Provider>, Unavailable> {
        Ok(providers::find(self, name).await?)
    }

    async fn put_provider(
        &self,
        provider: &Provider,
        read: Option<Millis>,
        most: u32,
        change: &Change,
    ) -> Result<(), WriteError> {
        Ok(providers::put(self, provider, read, most, change).await?)
    }

    async fn delete_provider(&self, name: &str, read: Millis, change: &Change) -> Result<(), WriteError> {
        Ok(providers::delete(self, name, read, change).await?)
    }

    async fn models(
        &self,
        limit: u32,
        after: Option<(&str, &str)>,
        needed: Capabilities,
    ) -> Result<Vec<(Model, bool)>, Unavailable> {
        Ok(models::list(self, limit, after, needed).await?)
    }

    async fn own_model(&self, provider: &str, code: &str) -> Result<Option<(Model, Millis)>, Unavailable> {
        Ok(models::own(self, provider, code).await?)
    }

    async fn put_model(
        &self,
        model: &Model,
        updated_at: Millis,
        read: Option<Millis>,
        change: &Change,
    ) -> Result<(), WriteError> {
        Ok(models::put(self, model, updated_at, read, change).await?)
    }

    async fn delete_model(
        &self,
        provider: &str,
        code: &str,
        read: Millis,
        change: &Change,
    ) -> Result<(), WriteError> {
        Ok(models::delete(self, provider, code, read, change).await?)
    }

    async fn aliases(&self) -> Result<Vec<Alias>, Unavailable> {
        Ok(aliases::list(self).await?)
    }

    async fn aliases_named(&self, names: &BTreeSet<String>) -> Result<Vec<Alias>, Unavailable> {
        Ok(aliases::named(self, names).await?)
    }

    async fn alias(&self, name: &str) -> Result<Option<Alias>, Unavailable> {
        Ok(aliases::find(self, name).await?)
    }

    async fn put_alias(
        &self,
        alias: &Alias,
        read: Option<Millis>,
        most: u32,
        change: &Change,
    ) -> Result<(), WriteError> {
        Ok(aliases::put(self, alias, read, most, change).await?)
    }

    async fn delete_alias(&self, name: &str, read: Millis, change: &Change) -> Result<(), WriteError> {
        Ok(aliases::delete(self, name, read, change).await?)
    }

    async fn changes(
        &self,
        limit: u32,
        before: Option<ChangeId>,
        of: &ChangesOf,
    ) -> Result<(Vec<Change>, bool), Unavailable> {
        Ok(changes::list(self, limit, before, of).await?)
    }

    async fn templates(&self, limit: u32, after: &str) -> Result<Vec<(Template, Source)>, Unavailable> {
        Ok(templates::list(self, limit, after).await?)
    }

    async fn template(&self, slug: &Slug) -> Result<Option<(Template, Source)>, Unavailable> {
        Ok(templates::find(self, slug).await?)
    }

    async fn put_template(&self, template: &Template, change: &Change) -> Result<(), Unavailable> {
        Ok(templates::put(self, template, change).await?)
    }

    async fn delete_template(&self, slug: &Slug, change: &Change) -> Result<bool, Unavailable> {
        Ok(templates::delete(self, slug, change).await?)
    }

    async fn agents(&self, limit: u32, after: Option<AgentPosition>) -> Result<Vec<Agent>, Unavailable> {
        Ok(agent_list::find(self, &AgentFilter::default(), limit, after).await?.agents)
    }

    async fn find_agents(
        &self,
        filter: &AgentFilter,
        limit: u32,
        after: Option<AgentPosition>,
    ) -> Result<FoundAgents, Unavailable> {
        Ok(agent_list::find(self, filter, limit, after).await?)
    }

    async fn archived_agent(&self, of: &AgentRef) -> Result<Option<Agent>, Unavailable> {
        Ok(agents::archived(self, of).await?)
    }

    async fn names_taken(&self, names: &[String]) -> Result<Vec<String>, Unavailable> {
        Ok(agent_list::names_taken(self, names).await?)
    }

    async fn versions(
        &self,
        agent: AgentId,
        limit: u32,
        before: Option<u32>,
    ) -> Result<Vec<VersionLine>, Unavailable> {
        Ok(agent_versions::list(self, agent, limit, before).await?)
    }

    async fn snapshots(&self, agent: AgentId, versions: [u32; 2]) -> Result<Vec<Version>, Unavailable> {
        Ok(agent_versions::snapshots(self, agent, versions).await?)
    }

    async fn agent(&self, of: &AgentRef) -> Result<Option<Agent>, Unavailable> {
        Ok(agents::find(self, of).await?)
    }

    async fn agents_of(&self, ids: &[AgentId]) -> Result<Vec<Agent>, Unavailable> {
        Ok(agents::of(self, ids).await?)
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

    async fn save_agents(&self, saves: &[Save], by: Actor, changes: &[Change]) -> Result<(), WriteError> {
        Ok(agent_rows::save(self, saves, by, changes).await?)
    }
}
