//! What a call needs of the directory.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use crate::domain::account::{Account, Key};
use crate::domain::agent::Agent;
use crate::domain::alias::Alias;
use crate::domain::flag::Flags;
use crate::domain::plan::Limits;
use crate::domain::provider::Provider;

use super::agents::Target;
use super::failure::Unavailable;
use super::keys::KeyRef;

/// Resolving a call.
pub trait Resolve: Send + Sync {
    /// `None` when the account is gone.
    fn resolve(
        &self,
        key: Option<&KeyRef>,
        target: &Target,
    ) -> impl Future<Output = Result<Option<Resolution>, Unavailable>> + Send;
}

/// What the name of an agent, and the number of a version, stand for.
#[derive(Clone, Debug, PartialEq)]
pub enum Called {
    /// In use, or else the archived one that had the name last; its definition and version are those asked for.
    Agent(Box<Agent>),
    /// There is such an agent; it has no such version.
    NoVersion,
    /// There never was one.
    Nobody,
}

/// All that a call needs to know before its model line is parsed, read at one moment.
#[derive(Clone, Debug)]
pub struct Resolution {
    pub account: Account,
    /// Of the account's plan.
    pub limits: Limits,
    /// Those that are on for the account.
    pub flags: Flags,
    /// `None` when none was asked for or the account has no such key. Inactive when the member it acts for
    /// is.
    pub key: Option<Key>,
    /// What that member has appended to agents' instructions, by slug.
    pub prompts: BTreeMap<String, String>,
    pub agent: Called,
    pub providers: Vec<Provider>,
    pub aliases: Vec<Alias>,
    /// The names of the account's webhooks.
    pub webhooks: BTreeSet<String>,
}
