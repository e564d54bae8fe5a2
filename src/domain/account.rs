//! Accounts, and the keys that act for them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use super::role::Role;

use super::ids::{AccountId, AgentId, KeyId, MemberId};
use super::scope::{Scope, Scopes};
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
    /// Whatever else the account keeps; [`DEFAULT_MODEL`] has a meaning.
    pub settings: Map<String, Value>,
    pub created_at: Millis,
    /// Grows with every change of the row.
    pub updated_at: Millis,
}

impl Account {
    /// The model line of agents that name none: the setting of this name.
    pub fn default_model(&self) -> Option<&str> {
        self.settings.get(DEFAULT_MODEL)?.as_str()
    }
}

/// The setting that has a meaning.
pub const DEFAULT_MODEL: &str = "default_model";

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
    /// What it was issued for; `None`: all that its role has.
    pub scopes: Option<Scopes>,
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

    /// What it has now: never more than its role.
    pub fn scopes(&self) -> Scopes {
        let of_role = Scopes::of_role(self.role);
        self.scopes.map_or(of_role, |own| own.and(of_role))
    }

    pub fn may(&self, scope: Scope) -> bool {
        scope.is_of(self.role) && self.scopes.is_none_or(|own| own.has(scope))
    }

    pub fn may_call(&self, agent: AgentId) -> bool {
        self.agents.as_ref().is_none_or(|agents| agents.contains(&agent))
    }
}
