//! What the directory keeps, where the domain has no word for it, and what goes there and back.

use std::collections::BTreeMap;

use crate::domain::account::{Account, Key};
use crate::domain::agent::Agent;
use crate::domain::alias::Alias;
use crate::domain::change::Subject;
use crate::domain::ids::{AgentId, KeyId, MemberId};
use crate::domain::plan::Limits;
use crate::domain::provider::Provider;
use crate::domain::slug::Slug;
use crate::domain::time::Millis;

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
