//! Accounts, and the keys that act for them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::ids::{AccountId, AgentId, KeyId, MemberId};
use super::slug::Slug;
use super::time::Millis;

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: AccountId,
    pub slug: Slug,
    pub name: String,
    pub plan: Plan,
    pub status: Status,
    /// What the instructions of its agents may name.
    pub variables: BTreeMap<String, String>,
    /// Whatever else the account keeps.
    pub settings: Map<String, Value>,
    pub created_at: Millis,
    /// Grows with every change of the row.
    pub updated_at: Millis,
}

/// Ordered: each plan is above those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Plan {
    Budget,
    #[default]
    Standard,
    Professional,
    Enterprise,
}

impl Plan {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Standard => "standard",
            Self::Professional => "professional",
            Self::Enterprise => "enterprise",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    #[default]
    Active,
    /// Keeps its rows; its calls are refused.
    Suspended,
}

impl Status {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

/// What a key may do. Ordered: each role may do what those below it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Call agents, optionally only some.
    Caller,
    /// Read the account's configuration and ledger.
    Member,
    /// Write the account's configuration.
    Admin,
}

impl Role {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }
}

/// A key's row: everything but the secret, of which only the digest was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub id: KeyId,
    pub account: AccountId,
    pub name: String,
    pub role: Role,
    /// Whom it acts for; `None`: the account itself.
    pub member: Option<MemberId>,
    /// `None`: every agent of the account.
    pub agents: Option<Vec<AgentId>>,
    /// What a list shows in place of the key.
    pub hint: String,
    pub expires_at: Option<Millis>,
    pub revoked_at: Option<Millis>,
    /// Since when the account has more keys than its plan allows, this one among them.
    pub inactive_at: Option<Millis>,
    pub created_at: Millis,
}

impl Key {
    /// Whether the key still opens anything.
    pub fn is_live(&self, now: Millis) -> bool {
        self.revoked_at.is_none() && self.inactive_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    pub fn may_call(&self, agent: AgentId) -> bool {
        self.agents.as_ref().is_none_or(|agents| agents.contains(&agent))
    }
}
