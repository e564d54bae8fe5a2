//! The roles of keys.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
