//! Providers: upstream APIs as an account has configured them, their names, wires and base URLs.
//!
//! Not here: how a key is sealed ([`super::vault`]).

mod base_url;
mod name;
mod wire;

pub use base_url::{BaseUrl, InvalidBaseUrl};
pub use name::{InvalidName, ProviderName, WELL_KNOWN, WellKnown};
pub use wire::Wire;

use super::time::Millis;
use super::vault::Sealed;

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

/// A provider's key at rest.
#[derive(Clone, Debug, PartialEq)]
pub struct SealedKey {
    pub sealed: Sealed,
    pub last4: String,
}

impl Provider {
    /// The most of an account: the resolution of each call reads them all.
    pub const MOST: u32 = 100;

    /// The account's own address, or the documented one; `None` for a binding.
    pub fn address(&self) -> Option<&str> {
        match self.wire {
            Wire::WorkersAi => None,
            _ => self.base_url.as_deref().or_else(|| self.name.documented_url()),
        }
    }

    /// Whether both are the same server: a stored key may be sent to the other only then.
    pub fn is_at_address_of(&self, other: &Self) -> bool {
        self.wire == other.wire && self.address() == other.address()
    }
}
