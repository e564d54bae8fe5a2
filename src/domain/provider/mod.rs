//! Providers: upstream APIs as an account has configured them, their names, wires and base URLs.
//!
//! Not here: how a key is sealed ([`super::vault`]).

mod base_url;
pub(super) mod name;
mod wire;

pub use base_url::BaseUrl;
pub use name::{InvalidName, ProviderName, WELL_KNOWN, WellKnown};
pub use wire::Wire;

use super::dialect::Patch;
use super::outbound;
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
    /// What differs from what is known of such a server.
    pub dialect: Option<Box<Patch>>,
    pub created_at: Millis,
    pub updated_at: Millis,
}

/// Whether an address is within a well-known provider's own API, and so an identifier of what was uploaded there.
pub fn is_of_api(url: &str) -> bool {
    let host = outbound::host_of(url);
    let hosts = WELL_KNOWN.iter().filter_map(|provider| provider.base_url).map(outbound::host_of);
    hosts.into_iter().any(|known| known.eq_ignore_ascii_case(host))
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

    /// Whether the account pays who answers: a binding is the platform's, whatever row leads to it.
    pub const fn is_own_server(&self) -> bool {
        !matches!(self.wire, Wire::WorkersAi)
    }

    /// Whether both are the same server: a stored key may be sent to the other only then.
    pub fn is_at_address_of(&self, other: &Self) -> bool {
        self.wire == other.wire && self.address() == other.address()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(name: &str, wire: Wire, base_url: Option<&str>) -> Provider {
        Provider {
            name: ProviderName::parse(name).unwrap(),
            wire,
            base_url: base_url.map(str::to_owned),
            key: None,
            dialect: None,
            created_at: Millis(0),
            updated_at: Millis(0),
        }
    }

    #[test]
    fn a_providers_address_is_its_own_or_the_documented_one_and_a_binding_has_none() {
        let own = provider("openai", Wire::OpenAi, Some("https://a.example.com/v1"));
        assert_eq!(own.address(), Some("https://a.example.com/v1"));
        assert_eq!(provider("openai", Wire::OpenAi, None).address(), Some("https://api.openai.com/v1"));
        assert_eq!(provider("local", Wire::OpenAi, None).address(), None);
        assert_eq!(provider("openai", Wire::WorkersAi, None).address(), None);
        assert!(own.is_own_server() && !provider("mine", Wire::WorkersAi, None).is_own_server());
    }

    #[test]
    fn another_address_or_wire_is_another_server() {
        let documented = provider("openai", Wire::OpenAi, None);
        let named = provider("openai", Wire::OpenAi, Some("https://api.openai.com/v1"));
        assert!(documented.is_at_address_of(&named));
        assert!(!documented.is_at_address_of(&provider("openai", Wire::Anthropic, None)));
        assert!(!documented.is_at_address_of(&provider(
            "openai",
            Wire::OpenAi,
            Some("https://a.example.com")
        )));
    }
}
