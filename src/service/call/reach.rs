//! How a provider is reached: the account's own, else the platform's. Nothing is sent here.

use crate::domain::ids::AccountId;
use crate::domain::outbound::{Loopback, Refusal};
use crate::domain::provider::{BaseUrl, Provider, ProviderName, Wire};
use crate::domain::secret::Secret;
use crate::domain::vault::Place;
use crate::ports::{Upstream, World};

/// How a provider is reached.
#[derive(Debug)]
pub struct Server {
    pub wire: Wire,
    /// `None` for the binding.
    pub base_url: Option<BaseUrl>,
    pub key: Option<Secret>,
}

/// Why a provider cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    #[error("provider `{0}` is not configured")]
    NotConfigured(ProviderName),
    #[error("provider `{0}` has no base_url")]
    NoBaseUrl(ProviderName),
    /// What is allowed has changed since the URL was saved, or the operator's variable holds no base URL.
    #[error("the URL of provider `{name}`: {why}")]
    Refused { name: ProviderName, why: Refusal },
    #[error("the stored key of provider `{0}` cannot be opened")]
    Sealed(ProviderName),
}

/// How the provider of this name is reached: the account's own, else the platform's.
///
/// # Errors
/// Why it cannot be.
pub fn reach<W: World>(
    world: &W,
    account: AccountId,
    name: &ProviderName,
    providers: &[Provider],
) -> Result<Server, Unreachable> {
    match providers.iter().find(|provider| provider.name == *name) {
        Some(provider) => own_server(world, account, name, provider),
        None => platform_server(world, name),
    }
}

/// Whether the platform pays who answers, for its key or its binding. A server of the operator's that no documentation
/// knows is the operator's own.
pub fn is_of_platform(name: &ProviderName, providers: &[Provider]) -> bool {
    match providers.iter().find(|provider| provider.name == *name) {
        Some(provider) => !provider.is_own_server(),
        None => name.well_known().is_some(),
    }
}

fn own_server<W: World>(
    world: &W,
    account: AccountId,
    name: &ProviderName,
    provider: &Provider,
) -> Result<Server, Unreachable> {
    let settings = world.settings();
    let key = match &provider.key {
        None => None,
        Some(sealed) => {
            let place = Place::ProviderKey(name);
            let opened = settings.master().and_then(|master| master.open(account, place, &sealed.sealed));
            Some(opened.map_err(|error| {
                world.log(&format!("provider {name} of account {account}: {error}"));
                Unreachable::Sealed(name.clone())
            })?)
        }
    };
    // Checked when it was saved, too; but what is allowed may have changed since.
    let base_url = provider.address().map(|url| BaseUrl::parse(url, settings.loopback()));
    server(name, provider.wire, base_url, key)
}

/// The operator's own: its URL is not a tenant's choice and may lead anywhere.
fn platform_server<W: World>(world: &W, name: &ProviderName) -> Result<Server, Unreachable> {
    let wire = name.implied_wire();
    if let Some(platform) = world.upstream().platform_provider(name) {
        let documented = || name.documented_url().map(|url| BaseUrl::parse(url, Loopback::Refused));
        let base_url = platform.base_url.as_deref().map(BaseUrl::of_operator).or_else(documented);
        return server(name, wire, base_url, platform.key);
    }
    if wire == Wire::WorkersAi && world.settings().has_workers_ai {
        return server(name, wire, None, None);
    }
    Err(Unreachable::NotConfigured(name.clone()))
}

fn server(
    name: &ProviderName,
    wire: Wire,
    base_url: Option<Result<BaseUrl, Refusal>>,
    key: Option<Secret>,
) -> Result<Server, Unreachable> {
    if base_url.is_none() && wire != Wire::WorkersAi {
        return Err(Unreachable::NoBaseUrl(name.clone()));
    }
    let base_url = base_url.transpose().map_err(|why| Unreachable::Refused { name: name.clone(), why })?;
    Ok(Server { wire, base_url, key })
}
