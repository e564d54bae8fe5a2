//! What the services need of the world, as traits: the platform implements them in `storage/` and `runtime/`, tests
//! with fakes that can fail before or after persisting.
//!
//! Futures are `Send` so that handlers are; the platform's single-threaded ones are wrapped where they are made.

use std::fmt;
use std::future::Future;

use bytes::Bytes;

use crate::domain::account::{Account, Key};
use crate::domain::admission::command::{
    AccountSpend, Admission, Admit, CallRecord, Inspect, Page, Settle, Spend,
};
use crate::domain::agent::Agent;
use crate::domain::api_key::KeyDigest;
use crate::domain::change::{Actor, Change};
use crate::domain::ids::{AccountId, AgentId, KeyId};
use crate::domain::model::Model;
use crate::domain::plan::Limits;
use crate::domain::provider::{ProviderName, Wire};
use crate::domain::secret::Secret;
use crate::domain::slug::Slug;
use crate::domain::time::Millis;
use crate::domain::vault::Sealed;

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
    /// There would be more of them than the account's plan allows.
    #[error("the plan allows no more")]
    Full,
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
    fn insert_account(&self, account: &Account) -> impl Future<Output = Result<(), WriteError>> + Send;
    /// The key and its account, revoked and expired ones included.
    fn key(
        &self,
        digest: &KeyDigest,
    ) -> impl Future<Output = Result<Option<(Key, Account)>, Unavailable>> + Send;
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
}

/// All that a call needs to know before its model line is parsed, read in one go.
#[derive(Clone, Debug)]
pub struct Resolution {
    pub account: Account,
    /// Of the account's plan.
    pub limits: Limits,
    /// `None` when no digest was given or no key of this account has it.
    pub key: Option<Key>,
    /// `None` when there is no such agent, or it is archived.
    pub agent: Option<Agent>,
    pub providers: Vec<Provider>,
    pub aliases: Vec<Alias>,
}

/// One account's part of the directory. Every list is in a stable order.
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
    fn insert_key(
        &self,
        key: &Key,
        digest: &KeyDigest,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
    /// Whether there was such a key; revoking twice changes nothing.
    fn revoke_key(&self, id: KeyId, now: Millis) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    fn providers(&self) -> impl Future<Output = Result<Vec<Provider>, Unavailable>> + Send;
    fn provider(&self, name: &str) -> impl Future<Output = Result<Option<Provider>, Unavailable>> + Send;
    /// Inserts or replaces; `created_at` of an existing row stays.
    fn put_provider(&self, provider: &Provider) -> impl Future<Output = Result<(), Unavailable>> + Send;
    fn delete_provider(&self, name: &str) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// The platform's catalogue with the account's rows over it, by provider and code; `true` marks the account's
    /// own. Only those after the pair `after`.
    fn models(
        &self,
        limit: u32,
        after: Option<(&str, &str)>,
    ) -> impl Future<Output = Result<Vec<(Model, bool)>, Unavailable>> + Send;
    fn put_model(&self, model: &Model, now: Millis) -> impl Future<Output = Result<(), Unavailable>> + Send;
    /// Whether the account had such a row of its own; the platform's shows again.
    fn delete_model(
        &self,
        provider: &str,
        code: &str,
    ) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    fn aliases(&self) -> impl Future<Output = Result<Vec<Alias>, Unavailable>> + Send;
    fn put_alias(&self, alias: &Alias) -> impl Future<Output = Result<(), Unavailable>> + Send;
    fn delete_alias(&self, name: &str) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// Newest first.
    fn agents(
        &self,
        limit: u32,
        after: Option<AgentPosition>,
    ) -> impl Future<Output = Result<Vec<Agent>, Unavailable>> + Send;
    fn agent(&self, of: &AgentRef) -> impl Future<Output = Result<Option<Agent>, Unavailable>> + Send;
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
    /// [`WriteError::Full`] when more than `most_in_use` would be.
    fn save_agents(
        &self,
        saves: &[Save],
        by: Actor,
        most_in_use: Option<u32>,
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
