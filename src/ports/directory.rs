//! The directory, D1 on the platform: who there is, and what is configured.

use std::collections::BTreeSet;
use std::future::Future;

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

use super::agents::{AgentFilter, FoundAgents, Version, VersionLine};
use super::rows::{AgentPosition, ChangesOf, Counts, Fit, Fitted, Resolution};
use super::sweep::Sweep;
use super::{AccountRef, AgentRef, Unavailable, WriteError};

/// The directory: who there is, and what is configured. D1 on the platform.
pub trait Directory: Sweep + Send + Sync {
    type Tenant: Tenant;

    /// The rows of one account: the only way to them.
    fn tenant(&self, account: AccountId) -> Self::Tenant;

    fn account(&self, of: &AccountRef) -> impl Future<Output = Result<Option<Account>, Unavailable>> + Send;
    /// [`WriteError::Taken`] when the slug is.
    fn insert_account(
        &self,
        account: &Account,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
    /// The key and its account, revoked and expired ones included.
    fn key(
        &self,
        digest: &KeyDigest,
    ) -> impl Future<Output = Result<Option<(Key, Account)>, Unavailable>> + Send;

    /// The platform's templates by slug, only those after `after`.
    fn platform_templates(
        &self,
        limit: u32,
        after: &str,
    ) -> impl Future<Output = Result<Vec<Template>, Unavailable>> + Send;
    fn platform_template(
        &self,
        slug: &Slug,
    ) -> impl Future<Output = Result<Option<Template>, Unavailable>> + Send;
    /// Inserts or replaces.
    fn put_platform_template(
        &self,
        template: &Template,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;
    /// Whether there was one.
    fn delete_platform_template(&self, slug: &Slug)
    -> impl Future<Output = Result<bool, Unavailable>> + Send;
}

/// One account's part of the directory. Every list is in a stable order.
///
/// Every write takes the line of the change log that tells of it: both are persisted, or neither. `read` is the
/// `updated_at` of the row that a write is made over, `None` where there was none: [`WriteError::Moved`] when that is no
/// longer so.
pub trait Tenant: Send + Sync {
    /// For a call. `None` when the account is gone.
    fn resolve(
        &self,
        key: Option<&KeyDigest>,
        agent: &AgentRef,
    ) -> impl Future<Output = Result<Option<Resolution>, Unavailable>> + Send;
    /// Of the account's plan; [`Limits::NONE`] when no row tells of it.
    fn limits(&self) -> impl Future<Output = Result<Limits, Unavailable>> + Send;
    /// The models of these `(provider, code)` pairs that are known; the account's own row wins over the platform's.
    fn models_of(
        &self,
        pairs: &[(String, String)],
    ) -> impl Future<Output = Result<Vec<Model>, Unavailable>> + Send;

    /// Newest first, revoked ones included; only those older than `before`.
    fn keys(
        &self,
        limit: u32,
        before: Option<KeyId>,
    ) -> impl Future<Output = Result<Vec<Key>, Unavailable>> + Send;
    /// [`WriteError::Full`] when the plan allows no more keys. [`WriteError::Moved`] when the key acts for a member that is
    /// not there, is inactive, or may not have a key of that role.
    fn insert_key(
        &self,
        key: &Key,
        digest: &KeyDigest,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
    /// Whether there was such a key; revoking twice changes nothing. The moment is the change's.
    fn revoke_key(
        &self,
        id: KeyId,
        change: &Change,
    ) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// Changes the account's own row, unless it is no longer as it was read ([`WriteError::Moved`]). With `fit`, what its
    /// plan has no room for is switched off, newest first, and what it has room for again is switched on, oldest first: all
    /// in one step, with a line in the change log for each.
    fn update_account(
        &self,
        account: &Account,
        read: &Account,
        fit: Option<&Fit>,
        change: &Change,
    ) -> impl Future<Output = Result<Fitted, WriteError>> + Send;
    /// How many there are of what the plan counts; keys that expire only up to `most_keys`.
    fn usage(&self, most_keys: u32, now: Millis) -> impl Future<Output = Result<Counts, Unavailable>> + Send;

    /// Newest first; only those older than `before`.
    fn members(
        &self,
        limit: u32,
        before: Option<MemberId>,
    ) -> impl Future<Output = Result<Vec<Member>, Unavailable>> + Send;
    fn member(&self, id: MemberId) -> impl Future<Output = Result<Option<Member>, Unavailable>> + Send;
    /// [`WriteError::Taken`] when another has the address, [`WriteError::Full`] when the plan allows no more members.
    fn insert_member(
        &self,
        member: &Member,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
    /// Also lowers the keys that may do more than the member; [`WriteError::Moved`] when the member is no longer as it was
    /// read, [`WriteError::Taken`] when another has the address.
    fn update_member(
        &self,
        member: &Member,
        read: &Member,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
    /// Also revokes the member's keys; [`WriteError::Moved`] when it is no longer as it was read.
    fn delete_member(
        &self,
        read: &Member,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;

    fn providers(&self) -> impl Future<Output = Result<Vec<Provider>, Unavailable>> + Send;
    /// Those of these names that there are.
    fn providers_named(
        &self,
        names: &BTreeSet<String>,
    ) -> impl Future<Output = Result<Vec<Provider>, Unavailable>> + Send;
    fn provider(&self, name: &str) -> impl Future<Output = Result<Option<Provider>, Unavailable>> + Send;
    /// Inserts or replaces; `created_at` of an existing row stays. [`WriteError::Full`] when the account would have more than
    /// `most`.
    fn put_provider(
        &self,
        provider: &Provider,
        read: Option<Millis>,
        most: u32,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
    fn delete_provider(
        &self,
        name: &str,
        read: Millis,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;

    /// The platform's catalogue with the account's rows over it, by provider and code; `true` marks the account's
    /// own. Only those after the pair `after` that can do what is needed.
    fn models(
        &self,
        limit: u32,
        after: Option<(&str, &str)>,
        needed: Capabilities,
    ) -> impl Future<Output = Result<Vec<(Model, bool)>, Unavailable>> + Send;
    /// The account's own row, and when it was written.
    fn own_model(
        &self,
        provider: &str,
        code: &str,
    ) -> impl Future<Output = Result<Option<(Model, Millis)>, Unavailable>> + Send;
    /// Inserts or replaces the account's own row.
    fn put_model(
        &self,
        model: &Model,
        updated_at: Millis,
        read: Option<Millis>,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
    /// Deletes the account's own row; the platform's shows again.
    fn delete_model(
        &self,
        provider: &str,
        code: &str,
        read: Millis,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;

    fn aliases(&self) -> impl Future<Output = Result<Vec<Alias>, Unavailable>> + Send;
    /// Those of these names that there are.
    fn aliases_named(
        &self,
        names: &BTreeSet<String>,
    ) -> impl Future<Output = Result<Vec<Alias>, Unavailable>> + Send;
    fn alias(&self, name: &str) -> impl Future<Output = Result<Option<Alias>, Unavailable>> + Send;
    /// Inserts or replaces. [`WriteError::Full`] when the account would have more than `most`.
    fn put_alias(
        &self,
        alias: &Alias,
        read: Option<Millis>,
        most: u32,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
    fn delete_alias(
        &self,
        name: &str,
        read: Millis,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;

    /// Lines of the change log, newest first, and whether there are more: only those older than `before`, at most `limit`,
    /// fewer when they are large.
    fn changes(
        &self,
        limit: u32,
        before: Option<ChangeId>,
        of: &ChangesOf,
    ) -> impl Future<Output = Result<(Vec<Change>, bool), Unavailable>> + Send;

    /// The platform's templates with the account's own over them, by slug; only those after `after`.
    fn templates(
        &self,
        limit: u32,
        after: &str,
    ) -> impl Future<Output = Result<Vec<(Template, Source)>, Unavailable>> + Send;
    /// The account's own, else the platform's.
    fn template(
        &self,
        slug: &Slug,
    ) -> impl Future<Output = Result<Option<(Template, Source)>, Unavailable>> + Send;
    /// Inserts or replaces the account's own.
    fn put_template(
        &self,
        template: &Template,
        change: &Change,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;
    /// Whether the account had one of its own; the change is logged only then.
    fn delete_template(
        &self,
        slug: &Slug,
        change: &Change,
    ) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// Newest first.
    fn agents(
        &self,
        limit: u32,
        after: Option<AgentPosition>,
    ) -> impl Future<Output = Result<Vec<Agent>, Unavailable>> + Send;
    /// Those that fit, newest first; it goes through a bounded number of those that do not.
    fn find_agents(
        &self,
        filter: &AgentFilter,
        limit: u32,
        after: Option<AgentPosition>,
    ) -> impl Future<Output = Result<FoundAgents, Unavailable>> + Send;
    fn agent(&self, of: &AgentRef) -> impl Future<Output = Result<Option<Agent>, Unavailable>> + Send;
    /// An archived one; by slug, of those that had it the one that was archived last.
    fn archived_agent(
        &self,
        of: &AgentRef,
    ) -> impl Future<Output = Result<Option<Agent>, Unavailable>> + Send;
    /// Which of these names agents in use have.
    fn names_taken(&self, names: &[String]) -> impl Future<Output = Result<Vec<String>, Unavailable>> + Send;
    /// An agent's versions, newest first; only those before `before`.
    fn versions(
        &self,
        agent: AgentId,
        limit: u32,
        before: Option<u32>,
    ) -> impl Future<Output = Result<Vec<VersionLine>, Unavailable>> + Send;
    /// Those of these two versions that there are.
    fn snapshots(
        &self,
        agent: AgentId,
        versions: [u32; 2],
    ) -> impl Future<Output = Result<Vec<Version>, Unavailable>> + Send;
    /// Those of these that are in use, in the order asked for.
    fn agents_of(&self, ids: &[AgentId]) -> impl Future<Output = Result<Vec<Agent>, Unavailable>> + Send;
    /// Which of these there are, in no order.
    fn agents_named(
        &self,
        names: &[AgentRef],
    ) -> impl Future<Output = Result<Vec<(AgentId, Slug)>, Unavailable>> + Send;
    /// The id behind a name, by id also of an archived agent, whose ledger stays.
    fn agent_ever(&self, of: &AgentRef) -> impl Future<Output = Result<Option<AgentId>, Unavailable>> + Send;
    /// The agents in use whose newest definition hands off to this one, in the order of their slugs.
    fn agents_handing_to(&self, id: AgentId) -> impl Future<Output = Result<Vec<Agent>, Unavailable>> + Send;
    /// Writes agents, the versions they make and the lines of the change log: all or nothing.
    ///
    /// [`WriteError::Taken`] when another agent in use has a slug. [`WriteError::Moved`] when an agent is no longer as it was
    /// read (`updated_at` grows with every change), or one in use would hand off to one that is not.
    /// [`WriteError::Full`] when more would be in use than the account's plan allows, [`WriteError::Lacks`] when it has no
    /// public agents and one is becoming public, or is put to use.
    fn save_agents(
        &self,
        saves: &[Save],
        by: Actor,
        changes: &[Change],
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
}
