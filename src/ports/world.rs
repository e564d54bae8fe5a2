//! The world: everything outside, in one place.

use std::future::Future;

use crate::domain::outbound::Loopback;
use crate::domain::secret::Secret;
use crate::domain::time::Millis;
use crate::domain::vault::{self, MasterKey};

use super::backups::Backups;
use super::directory::Directory;
use super::dispatch::Dispatch;
use super::knowledge::Knowledge;
use super::objects::Accounts;
use super::replies::Replies;
use super::threads::Threads;
use super::upstream::Upstream;

/// Everything outside, in one place.
pub trait World: Clone + Send + Sync + 'static {
    type Directory: Directory;
    type Accounts: Accounts;
    type Threads: Threads;
    type Dispatch: Dispatch;
    type Backups: Backups;
    type Knowledge: Knowledge;
    type Upstream: Upstream;
    type Replies: Replies;

    fn directory(&self) -> &Self::Directory;
    fn accounts(&self) -> &Self::Accounts;
    fn threads(&self) -> &Self::Threads;
    fn dispatch(&self) -> &Self::Dispatch;
    fn backups(&self) -> &Self::Backups;
    fn knowledge(&self) -> &Self::Knowledge;
    fn upstream(&self) -> &Self::Upstream;
    fn replies(&self) -> &Self::Replies;
    fn settings(&self) -> &Settings;
    fn now(&self) -> Millis;
    /// Bytes that nobody can predict.
    fn random<const N: usize>(&self) -> [u8; N];
    /// Finishes this after the reply, as long as the platform allows.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static);
    /// Waits; for backing off between two tries.
    fn sleep(&self, ms: u64) -> impl Future<Output = ()> + Send;
    /// A wait that another request may end, once. The platform resumes a request only by promises of its own,
    /// so no other kind of wake-up may pass between two requests. It does not end when the other half is
    /// dropped.
    fn signal(&self) -> (Wake, impl Future<Output = ()> + Send);
    /// Writes a line for whoever operates the platform; never shown to a client.
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
    /// The model line of agents that name none, where their account has no own.
    pub default_model: Option<String>,
    /// Objects are opened for backups alone, and do nothing by themselves.
    pub is_maintenance: bool,
    /// Whether the platform's Workers AI binding is there.
    pub has_workers_ai: bool,
}

impl Settings {
    /// The fewest characters of the operator's key: it opens every account.
    pub const MIN_OPERATOR_KEY: usize = 32;
    /// The same in development.
    const MIN_IN_DEVELOPMENT: usize = 8;

    /// What secrets are sealed with.
    ///
    /// # Errors
    /// [`vault::Error::Missing`], [`vault::Error::Invalid`].
    pub fn master(&self) -> Result<MasterKey, vault::Error> {
        MasterKey::parse(self.master_key.as_ref().map_or("", Secret::expose))
    }

    /// Whether the operator's key is long enough to open anything.
    pub fn is_guarded(&self) -> bool {
        let least = if self.allow_loopback { Self::MIN_IN_DEVELOPMENT } else { Self::MIN_OPERATOR_KEY };
        self.operator_key.as_ref().is_some_and(|key| key.expose().trim().chars().count() >= least)
    }

    /// For the outbound rule.
    pub const fn loopback(&self) -> Loopback {
        if self.allow_loopback { Loopback::Allowed } else { Loopback::Refused }
    }
}
