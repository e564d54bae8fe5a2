//! An account's providers: where its models are asked, and with which key.
//!
//! A stored key is only ever sent to the address it was given for: whoever changes the address gives the key again.

use serde_json::{Value, json};

use crate::domain::change::{Action, Change, Subject};
use crate::domain::field_error::FieldErrors;
use crate::domain::ids::AccountId;
use crate::domain::provider::{BaseUrl, Provider, ProviderName, SealedKey, Wire};
use crate::domain::secret::Secret;
use crate::domain::vault::{self, MasterKey};
use crate::ports::{Directory, Providers, World};

use super::App;
use super::authenticate::Session;
use super::change;
use super::failure::{Failure, Thing};
use super::retry::{retry, written_at};

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

/// Inserts or replaces the account's provider of this name; what changes nothing is not written.
///
/// # Errors
/// [`Failure`]; [`Failure::Vault`] only when a key is to be sealed.
pub async fn put<W: World>(
    app: &App<W>,
    session: &Session,
    name: &str,
    draft: ProviderDraft,
) -> Result<Provider, Failure> {
    let mut errors = FieldErrors::default();
    let name = errors.take("name", ProviderName::parse(name));
    let name = errors.finish_with(name)?;
    retry(app, || put_once(app, session, &name, &draft)).await
}

async fn put_once<W: World>(
    app: &App<W>,
    session: &Session,
    name: &ProviderName,
    draft: &ProviderDraft,
) -> Result<Provider, Failure> {
    let account = session.account.id;
    let tenant = app.world.directory().tenant(account);
    let read = tenant.provider(name.as_str()).await?;
    let read = read.as_ref();
    let provider = make(app, account, name, draft, read)?;
    let same = |read: &&Provider| logged(read) == logged(&provider) && read.key == provider.key;
    if let Some(same) = read.filter(same) {
        return Ok(same.clone());
    }
    let change = change_of_put(app, session, read, &provider);
    let write = tenant.put_provider(&provider, read.map(|read| read.updated_at), Provider::MOST, &change);
    let written = app.write_through(account, write).await;
    written.map_err(|error| Failure::of_write(error, Thing::Provider))?;
    Ok(provider)
}

/// The line of the change log; of two keys that end alike it says that they are not the same.
fn change_of_put<W: World>(
    app: &App<W>,
    session: &Session,
    read: Option<&Provider>,
    provider: &Provider,
) -> Change {
    let (before, mut after) = (read.map(logged), logged(provider));
    if let (Some(read), Value::Object(fields)) = (read, &mut after)
        && read.key != provider.key
    {
        fields.insert("key_changed".to_owned(), true.into());
    }
    let action = change::put(read);
    app.change(session.actor(), action, Subject::Provider, &provider.name, before, Some(after))
}

/// A state of a provider for the change log: of its key no more than may be shown.
fn logged(provider: &Provider) -> Value {
    let key = provider.key.as_ref().map(|key| format!("…{}", key.last4));
    json!({"wire": provider.wire, "base_url": provider.address(), "key": key})
}

/// The provider that is asked for, over the one there is.
fn make<W: World>(
    app: &App<W>,
    account: AccountId,
    name: &ProviderName,
    draft: &ProviderDraft,
    read: Option<&Provider>,
) -> Result<Provider, Failure> {
    let mut errors = FieldErrors::default();
    let wire = draft.wire.unwrap_or_else(|| name.implied_wire());
    let base_url = address(app, name, wire, draft.base_url.as_deref(), &mut errors);
    let now = app.world.now();
    let updated_at = written_at(now, read.map(|old| old.updated_at));
    let created_at = read.map_or(now, |old| old.created_at);
    let mut provider = Provider { name: name.clone(), wire, base_url, key: None, created_at, updated_at };
    let kept = read.filter(|old| old.is_at_address_of(&provider));
    check_key(&draft.key, wire, read.is_some_and(|old| old.key.is_some() && kept.is_none()), &mut errors);
    errors.finish()?;
    provider.key = match &draft.key {
        KeyChange::Keep => kept.and_then(|old| old.key.clone()),
        KeyChange::Remove => None,
        KeyChange::Set(secret) => {
            let old = read.and_then(|old| old.key.as_ref());
            Some(seal(app, account, name, secret, old)?)
        }
    };
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
    match (wire, given) {
        (Wire::WorkersAi, None) => None,
        (Wire::WorkersAi, Some(_)) => {
            errors.add("base_url", "the wire workers-ai goes by the platform's binding: leave base_url out");
            None
        }
        (_, Some(text)) => {
            let url = errors.take("base_url", BaseUrl::parse(text, app.world.settings().loopback()));
            url.map(|url| url.as_str().to_owned())
        }
        (_, None) => {
            if name.documented_url().is_none() || name.implied_wire() != wire {
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

/// Seals a key; the one that is stored already stays as it is.
fn seal<W: World>(
    app: &App<W>,
    account: AccountId,
    name: &ProviderName,
    secret: &Secret,
    stored: Option<&SealedKey>,
) -> Result<SealedKey, Failure> {
    let master = app.world.settings().master_key.as_ref().map_or("", Secret::expose);
    let master = MasterKey::parse(master).map_err(Failure::Vault)?;
    let opens_to_it = |stored: &&SealedKey| {
        let opened = master.open(account, name, &stored.sealed);
        opened.is_ok_and(|opened| opened.matches(secret.expose()))
    };
    if let Some(stored) = stored.filter(opens_to_it) {
        return Ok(stored.clone());
    }
    let sealed = master.seal(account, name, app.world.random(), secret).map_err(Failure::Vault)?;
    Ok(SealedKey { sealed, last4: secret.last4() })
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
    retry(app, || delete_once(app, session, &name)).await
}

async fn delete_once<W: World>(app: &App<W>, session: &Session, name: &ProviderName) -> Result<(), Failure> {
    let account = session.account.id;
    let tenant = app.world.directory().tenant(account);
    let read = tenant.provider(name.as_str()).await?.ok_or(Failure::Missing(Thing::Provider))?;
    let before = Some(logged(&read));
    let change = app.change(session.actor(), Action::Delete, Subject::Provider, name, before, None);
    let write = tenant.delete_provider(name.as_str(), read.updated_at, &change);
    app.write_through(account, write).await.map_err(|error| Failure::of_write(error, Thing::Provider))
}
