//! What the services need of the world, as traits: the platform implements them in `storage/` and `runtime/`, tests
//! with fakes that can fail before or after persisting.
//!
//! Futures are `Send` so that handlers are; the platform's single-threaded ones are wrapped where they are made.

mod agents;
mod directory;
mod objects;
mod rows;
mod sweep;
mod upstream;

use std::fmt;
use std::future::Future;

use crate::domain::ids::{AccountId, AgentId};
use crate::domain::plan::Feature;
use crate::domain::secret::Secret;
use crate::domain::slug::Slug;
use crate::domain::time::Millis;

pub use agents::{AgentFilter, FoundAgents, Version, VersionLine};
pub use directory::{Directory, Tenant};
pub use objects::Accounts;
pub use rows::{AgentPosition, ChangesOf, Counts, Fit, Fitted, Resolution};
pub use sweep::Sweep;
pub use upstream::{
    Body, Destination, PlatformProvider, ReadError, SendError, Upstream, UpstreamReply, UpstreamRequest,
};

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
