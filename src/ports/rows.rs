//! What the directory keeps, where the domain has no word for it, and what goes there and back.

use std::collections::BTreeMap;

use crate::domain::account::{Account, Key};
use crate::domain::agent::{Access, Agent};
use crate::domain::change::Subject;
use crate::domain::ids::{AgentId, KeyId, MemberId};
use crate::domain::plan::Limits;
use crate::domain::provider::{ProviderName, Wire};
use crate::domain::slug::Slug;
use crate::domain::time::Millis;
use crate::domain::vault::Sealed;

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
