//! An account's providers: where its models are asked, and with which key.
//!
//! A stored key is only ever sent to the address it was given for: whoever changes the address gives the key again.

use crate::domain::field_error::FieldErrors;
use crate::domain::ids::AccountId;
use crate::domain::outbound::Loopback;
use crate::domain::provider::{BaseUrl, ProviderName, WellKnown, Wire};
use crate::domain::secret::Secret;
use crate::domain::vault::{self, MasterKey};
use crate::ports::{Directory, Provider, SealedKey, Tenant, World};

use super::App;
use super::authenticate::Session;
use super::failure::{Failure, Thing};

/// The most providers of an account: each call's resolution reads them all.
pub const MAX_PROVIDERS: usize = 100;

/// A provider as it is asked for.
#[derive(Debug)]
pub struct ProviderDraft {
    /// `None`: what the name implies.
    pub wire: Option<Wire>,
    /// `None`: the documented address of a well-known provider.
    pub base_url: Option<String>,
    pub key: KeyChange,
}

/// What becomes of a provider's key.
#[derive(Debug)]
pub enum KeyChange {
    /// As long as the address stays.
    Keep,
    Remove,
    Set(Secret),
}

/// Inserts or replaces the account's provider of this name.
///
/// # Errors
/// [`Failure`]; [`Failure::Vault`] only when a key is to be sealed.
pub async fn put<W: World>(
    app: &App<W>,
    session: &Session,
    name: &str,
    draft: ProviderDraft,
) -> Result<Provider, Failure> {
    let account = session.account.id;
    let tenant = app.world.directory().tenant(account);
    let all = tenant.providers().await?;
    let mut errors = FieldErrors::default();
    let name = errors.take("name", ProviderName::parse(name));
    let name = errors.finish_with(name)?;
    let existing = all.iter().find(|provider| provider.name == name);
    if existing.is_none() && all.len() >= MAX_PROVIDERS {
        return Err(Failure::Full(Thing::Provider, MAX_PROVIDERS));
    }
    let mut errors = FieldErrors::default();
    let wire = draft.wire.or(name.well_known().map(|known| known.wire)).unwrap_or(Wire::OpenAi);
    let base_url = address(app, &name, wire, draft.base_url.as_deref(), &mut errors);
    let now = app.world.now();
    let created_at = existing.map_or(now, |old| old.created_at);
    let mut provider =
        Provider { name, wire, base_url, key: None, created_at, updated_at: now.max(created_at) };
    let kept = existing.filter(|old| old.wire == wire && old.address() == provider.address());
    check_key(&draft.key, wire, existing.is_some_and(|old| old.key.is_some() && kept.is_none()), &mut errors);
    errors.finish()?;
    provider.key = match &draft.key {
        KeyChange::Keep => kept.and_then(|old| old.key.clone()),
        KeyChange::Remove => None,
        KeyChange::Set(secret) => Some(seal(app, account, &provider.name, secret)?),
    };
    app.write_through(account, tenant.put_provider(&provider)).await?;
    Ok(provider)
}

/// The address to store: `None` when the name or the wire implies it.
fn address<W: World>(
    app: &App<W>,
    name: &ProviderName,
    wire: Wire,
    given: Option<&str>,
    errors: &mut FieldErrors,
) -> Option<String> {
    let loopback = if app.world.settings().allow_loopback { Loopback::Allowed } else { Loopback::Refused };
    match (wire, given) {
        (Wire::WorkersAi, None) => None,
        (Wire::WorkersAi, Some(_)) => {
            errors.add("base_url", "the wire workers-ai goes by the platform's binding: leave base_url out");
            None
        }
        (_, Some(text)) => {
            let url = errors.take("base_url", BaseUrl::parse(text, loopback));
            url.map(|url| url.as_str().to_owned())
        }
        (_, None) => {
            let documented = |known: &&WellKnown| known.wire == wire && known.base_url.is_some();
            if name.well_known().filter(documented).is_none() {
                errors.add(
                    "base_url",
                    format!("is required: no address is documented for {name} with wire {wire}"),
                );
            }
            None
        }
    }
}

fn check_key(key: &KeyChange, wire: Wire, moves: bool, errors: &mut FieldErrors) {
    match key {
        KeyChange::Set(_) if wire == Wire::WorkersAi => {
            errors.add("api_key", "the wire workers-ai goes by the platform's binding: leave api_key out");
        }
        KeyChange::Set(secret) if secret.expose().len() > vault::MAX_LEN => {
            errors.add("api_key", vault::Error::TooLong);
        }
        KeyChange::Set(secret)
            if secret.is_blank() || !secret.expose().bytes().all(|b| b.is_ascii_graphic()) =>
        {
            errors.add("api_key", "write the key without blanks or line breaks; null removes a stored one");
        }
        KeyChange::Keep if moves && wire != Wire::WorkersAi => errors.add(
            "api_key",
            "give the key again, or null for none: a stored key is not sent to another base_url or wire",
        ),
        KeyChange::Set(_) | KeyChange::Keep | KeyChange::Remove => {}
    }
}

fn seal<W: World>(
    app: &App<W>,
    account: AccountId,
    name: &ProviderName,
    secret: &Secret,
) -> Result<SealedKey, Failure> {
    let master = app.world.settings().master_key.as_ref().map_or("", Secret::expose);
    let sealed = MasterKey::parse(master).and_then(|key| key.seal(account, name, app.world.random(), secret));
    Ok(SealedKey { sealed: sealed.map_err(Failure::Vault)?, last4: secret.last4() })
}

/// # Errors
/// [`Failure`].
pub async fn list<W: World>(app: &App<W>, session: &Session) -> Result<Vec<Provider>, Failure> {
    Ok(app.world.directory().tenant(session.account.id).providers().await?)
}

/// # Errors
/// [`Failure`].
pub async fn get<W: World>(app: &App<W>, session: &Session, name: &str) -> Result<Provider, Failure> {
    let missing = Failure::Missing(Thing::Provider);
    let Ok(name) = ProviderName::parse(name) else { return Err(missing) };
    let tenant = app.world.directory().tenant(session.account.id);
    tenant.provider(name.as_str()).await?.ok_or(missing)
}

/// # Errors
/// [`Failure`].
pub async fn delete<W: World>(app: &App<W>, session: &Session, name: &str) -> Result<(), Failure> {
    let missing = Failure::Missing(Thing::Provider);
    let Ok(name) = ProviderName::parse(name) else { return Err(missing) };
    let account = session.account.id;
    let tenant = app.world.directory().tenant(account);
    let deleted = app.write_through(account, tenant.delete_provider(name.as_str())).await?;
    if deleted { Ok(()) } else { Err(missing) }
}
