//! What a call needs of the directory.

use std::collections::BTreeMap;
use std::future::Future;

use crate::domain::account::{Account, Key};
use crate::domain::agent::Agent;
use crate::domain::alias::Alias;
use crate::domain::api_key::KeyDigest;
use crate::domain::plan::Limits;
use crate::domain::provider::Provider;

use super::agents::AgentRef;
use super::failure::Unavailable;

/// Resolving a call.
pub trait Resolve: Send + Sync {
    /// `None` when the account is gone.
    fn resolve(
        &self,
        key: Option<&KeyDigest>,
        agent: &AgentRef,
    ) -> impl Future<Output = Result<Option<Resolution>, Unavailable>> + Send;
}

/// All that a call needs to know before its model line is parsed, read at one moment.
#[derive(Clone, Debug)]
pub struct Resolution {
    pub account: Account,
    /// Of the account's plan.
    pub limits: Limits,
    /// `None` when no digest was given or no key of this account has it. Inactive when the member it acts for
    /// is.
    pub key: Option<Key>,
    /// What that member has appended to agents' instructions, by slug.
    pub prompts: BTreeMap<String, String>,
    /// In use, or else the archived one that had the name last; `None` when there never was one.
    pub agent: Option<Agent>,
    pub providers: Vec<Provider>,
    pub aliases: Vec<Alias>,
}
