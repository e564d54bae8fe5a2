//! What the services need of the world, as traits: the platform implements them in `storage/` and `runtime/`, tests
//! with fakes that can fail before or after persisting.
//!
//! Futures are `Send` so that handlers are; the platform's single-threaded ones are wrapped where they are made.

mod agents;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;

use bytes::Bytes;

use crate::domain::account::{Account, Key};
use crate::domain::admission::command::{
    AccountSpend, Admission, Admit, CallRecord, Inspect, Page, Settle, Spend,
};
use crate::domain::agent::{Access, Agent};
use crate::domain::api_key::KeyDigest;
use crate::domain::change::{Actor, Change, Subject};
use crate::domain::ids::{AccountId, AgentId, ChangeId, KeyId, MemberId};
use crate::domain::member::Member;
use crate::domain::model::{Capabilities, Model};
use crate::domain::plan::{Feature, Limits};
use crate::domain::provider::{ProviderName, Wire};
use crate::domain::secret::Secret;
use crate::domain::slug::Slug;
use crate::domain::template::{Source, Template};
use crate::domain::time::Millis;
use crate::domain::vault::Sealed;

pub use agents::{AgentFilter, Version, VersionLine};

/// Everything outside, in one place.
pub trait World: Clone + Send + Sync + 'static {
    type Directory: Directory;
    type Accounts: Accounts;
    type Upstream: Upstream;

    fn directory(&self) -> &Self::Directory;
    fn accounts(&self) -> &Self::Accounts;
    fn upstream(&self) -> &Self::Upstream;
    fn settings(&self) -> &Settings;
    fn now(&self) -> Millis;
    /// Bytes that nobody can predict.
    fn random<const N: usize>(&self) -> [u8; N];
    /// Finishes this after the reply, as long as the platform allows.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static);
    /// Waits; for backing off between two tries.
    fn sleep(&self, ms: u64) -> impl Future<Output = ()> + Send;
    /// A wait that another request may end, once. The platform lets a request go on only by promises of its own, so no
    /// other kind of wake-up may pass between two requests. It does not end when the other half is dropped.
    fn signal(&self) -> (Wake, impl Future<Output = ()> + Send);
    /// Says something to whoever operates the platform; never shown to a client.
    fn log(&self, line: &str);
}

/// Ends the wait of another request.
pub type Wake = Box<dyn FnOnce() + Send>;

/// What the operator has set.
#[derive(Debug, Default)]
pub struct Settings {
    pub operator_key: Option<Secret>,
    /// Base64 of 32 bytes; checked where it is used, so that its absence fails only what needs it.
    pub master_key: Option<Secret>,
    /// Tenants may name base URLs on loopback; for development only.
    pub allow_loopback: bool,
    /// The account that `/agents/…` stands for.
    pub default_account: Option<String>,
    /// Whether the platform's Workers AI binding is there.
    pub has_workers_ai: bool,
}

/// A store did not answer, or answered what it cannot have been told. The text is for the operator's log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// Why a row was not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// Another row has the name.
    #[error("the name is taken")]
    Taken,
    /// What the write counted on is no longer so.
    #[error("changed meanwhile")]
    Moved,
    /// There would be more of them than the account's plan allows, which is so many.
    #[error("the plan allows {0}")]
    Full(u32),
    /// The account's plan does not have this.
    #[error("the plan lacks {}", .0.name())]
    Lacks(Feature),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// How a URL names an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AccountRef {
    Id(AccountId),
    Slug(Slug),
}

/// How a URL names an agent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AgentRef {
    Id(AgentId),
    Slug(Slug),
}

impl AccountRef {
    /// `None` when the text is neither a slug nor an id.
    pub fn parse(text: &str) -> Option<Self> {
        AccountId::parse(text).map(Self::Id).or_else(|| Slug::parse(text).ok().map(Self::Slug))
    }
}

impl AgentRef {
    /// `None` when the text is neither a slug nor an id.
    pub fn parse(text: &str) -> Option<Self> {
        AgentId::parse(text).map(Self::Id).or_else(|| Slug::parse(text).ok().map(Self::Slug))
    }
}

impl fmt::Display for AgentRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Slug(slug) => slug.fmt(f),
        }
    }
}

/// The directory: who there is, and what is configured. D1 on the platform.
pub trait Directory: Send + Sync {
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

/// An upstream API as an account has configured it.
#[derive(Clone, Debug, PartialEq)]
pub struct Provider {
    pub name: ProviderName,
    pub wire: Wire,
    /// `None`: the documented URL of a well-known provider, or a binding.
    pub base_url: Option<String>,
    pub key: Option<SealedKey>,
    pub created_at: Millis,
    pub updated_at: Millis,
}

impl Provider {
    /// The account's own address, or the documented one; `None` for a binding.
    pub fn address(&self) -> Option<&str> {
        let documented = || self.name.well_known().and_then(|known| known.base_url);
        match self.wire {
            Wire::WorkersAi => None,
            _ => self.base_url.as_deref().or_else(documented),
        }
    }
}

/// A provider's key at rest.
#[derive(Clone, Debug, PartialEq)]
pub struct SealedKey {
    pub sealed: Sealed,
    pub last4: String,
}

/// A name of the account's that stands for a model line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    pub name: String,
    pub line: String,
    pub updated_at: Millis,
}

/// Where a list of agents, newest first, goes on: after this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentPosition {
    pub created_at: Millis,
    pub id: AgentId,
}

/// Which lines of the change log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangesOf {
    Everything,
    /// Of all things of this kind.
    Every(Subject),
    /// Of one thing: by its id, or its name where that is its key.
    One(Subject, String),
}

/// An agent to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Save {
    pub agent: Agent,
    /// As it was read; `None`: it is new.
    pub read: Option<Agent>,
}

impl Save {
    pub const fn insert(agent: Agent) -> Self {
        Self { agent, read: None }
    }

    pub const fn update(agent: Agent, read: Agent) -> Self {
        Self { agent, read: Some(read) }
    }

    /// Whether there is one more in use than before.
    pub fn adds(&self) -> bool {
        self.agent.status().is_in_use() && !self.read.as_ref().is_some_and(|read| read.status().is_in_use())
    }

    /// Whether an agent that anyone may call comes into being, or to use.
    pub fn opens(&self) -> bool {
        let is_public = |agent: &Agent| agent.definition.access == Access::Public;
        let was_public = self.read.as_ref().is_some_and(is_public);
        is_public(&self.agent) && self.agent.archived_at.is_none() && (!was_public || self.adds())
    }
}

/// Who is never switched off for want of room: the one who acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fit {
    pub key: Option<KeyId>,
    pub member: Option<MemberId>,
}

/// What a plan has switched off and on, each newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fitted {
    pub agents_off: Vec<Slug>,
    pub members_off: Vec<MemberId>,
    pub keys_off: Vec<KeyId>,
    pub members_on: Vec<MemberId>,
    pub keys_on: Vec<KeyId>,
}

/// Numbers of what a plan counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub agents: u32,
    pub members: u32,
    pub keys: u32,
}

/// All that a call needs to know before its model line is parsed, read in one go.
#[derive(Clone, Debug)]
pub struct Resolution {
    pub account: Account,
    /// Of the account's plan.
    pub limits: Limits,
    /// `None` when no digest was given or no key of this account has it. Inactive when the member it acts for is.
    pub key: Option<Key>,
    /// What that member has appended to agents' instructions, by slug.
    pub prompts: BTreeMap<String, String>,
    /// In use, or else the archived one that the name was for last; `None` when there never was one.
    pub agent: Option<Agent>,
    pub providers: Vec<Provider>,
    pub aliases: Vec<Alias>,
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
    /// How many there are of what the plan counts; of each no more than `most` are looked at.
    fn usage(&self, most: Counts, now: Millis) -> impl Future<Output = Result<Counts, Unavailable>> + Send;

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
    fn provider(&self, name: &str) -> impl Future<Output = Result<Option<Provider>, Unavailable>> + Send;
    /// Inserts or replaces; `created_at` of an existing row stays.
    fn put_provider(
        &self,
        provider: &Provider,
        read: Option<Millis>,
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
    /// Inserts or replaces.
    fn put_alias(
        &self,
        alias: &Alias,
        read: Option<Millis>,
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
    /// Those that fit, newest first.
    fn find_agents(
        &self,
        filter: &AgentFilter,
        limit: u32,
        after: Option<AgentPosition>,
    ) -> impl Future<Output = Result<Vec<Agent>, Unavailable>> + Send;
    fn agent(&self, of: &AgentRef) -> impl Future<Output = Result<Option<Agent>, Unavailable>> + Send;
    /// An archived one; by slug, of those that had it the one that was archived last.
    fn archived_agent(
        &self,
        of: &AgentRef,
    ) -> impl Future<Output = Result<Option<Agent>, Unavailable>> + Send;
    /// Which of these names agents in use have, that have the word `copy` in theirs: what a copy may not be called.
    fn copies_named(&self, names: &[String])
    -> impl Future<Output = Result<Vec<String>, Unavailable>> + Send;
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

/// The accounts' objects: each one decides alone for its account.
pub trait Accounts: Send + Sync {
    /// Decided one after the other with nothing in between; answers in the order of the questions.
    fn admit(
        &self,
        account: AccountId,
        questions: Vec<Admit>,
    ) -> impl Future<Output = Result<Vec<Admission>, Unavailable>> + Send;
    /// Returns once the settlement is on disk.
    fn settle(
        &self,
        account: AccountId,
        settle: Settle,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;
    /// The number of the directory's rows as they are now; ask before reading them.
    fn epoch(&self, account: AccountId) -> impl Future<Output = Result<u64, Unavailable>> + Send;
    /// Before the directory is written. Returns once it is on disk.
    fn begin_write(&self, account: AccountId) -> impl Future<Output = Result<(), Unavailable>> + Send;
    /// After. If the writer dies in between, the object does this by itself.
    fn end_write(&self, account: AccountId) -> impl Future<Output = Result<(), Unavailable>> + Send;
    fn spend(
        &self,
        account: AccountId,
        inspect: Inspect,
    ) -> impl Future<Output = Result<Spend, Unavailable>> + Send;
    /// What all agents together have spent this month.
    fn account_spend(
        &self,
        account: AccountId,
    ) -> impl Future<Output = Result<AccountSpend, Unavailable>> + Send;
    fn calls(
        &self,
        account: AccountId,
        page: Page,
    ) -> impl Future<Output = Result<Vec<CallRecord>, Unavailable>> + Send;
}

/// Where a request to a provider goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    Url(String),
    /// The platform's Workers AI binding, by model code.
    WorkersAi(String),
}

/// One request to a provider; redirects are never followed.
#[derive(Debug)]
pub struct UpstreamRequest {
    pub destination: Destination,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Ends the attempt, its body included.
    pub timeout_ms: u64,
}

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Nothing was sent. The text is for the operator's log.
    #[error("not connected: {0}")]
    NotConnected(String),
    /// The connection broke before the reply's head: the provider may have run.
    #[error("the connection was lost: {0}")]
    Lost(String),
    #[error("timed out")]
    Timeout,
}

/// A reply's head, and its body to be read.
pub struct UpstreamReply<B> {
    pub status: u16,
    pub retry_after_ms: Option<u64>,
    pub body: B,
}

/// The body broke off, or took too long.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("the reply broke off: {0}")]
    Broken(String),
    #[error("the reply took too long")]
    Timeout,
    #[error("the reply is larger than {0} bytes")]
    TooLarge(usize),
}

/// The providers, by `fetch` or by binding.
pub trait Upstream: Send + Sync {
    type Body: Body;

    fn send(
        &self,
        request: UpstreamRequest,
    ) -> impl Future<Output = Result<UpstreamReply<Self::Body>, SendError>> + Send;

    /// Gets a file that a tenant named; redirects are never followed, and `timeout_ms` ends it, its body included. The
    /// caller has judged the URL ([`crate::domain::outbound`]).
    fn get(
        &self,
        url: &str,
        timeout_ms: u64,
    ) -> impl Future<Output = Result<UpstreamReply<Self::Body>, SendError>> + Send;

    /// The platform's own provider of this name, from the operator's variables: base URL and key.
    fn platform_provider(&self, name: &ProviderName) -> Option<PlatformProvider>;
}

/// A provider that the operator offers to every account.
#[derive(Debug)]
pub struct PlatformProvider {
    pub base_url: Option<String>,
    pub key: Option<Secret>,
}

/// A reply's body.
pub trait Body: Send + 'static {
    /// The next piece; `None` at the end.
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, ReadError>> + Send;
    /// All that is left, at most `limit` bytes.
    fn all(self, limit: usize) -> impl Future<Output = Result<Bytes, ReadError>> + Send;
}
