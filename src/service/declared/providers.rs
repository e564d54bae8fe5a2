//! Providers: where an account's models are asked, and with which key.
//!
//! A stored key is only ever sent to the address it was given for: whoever changes the address gives the key again.

use serde_json::{Value, json};

use crate::domain::change::Change;
use crate::domain::declared::{Facts, providers};
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::provider::{BaseUrl, Provider, ProviderName, SealedKey, Wire};
use crate::domain::secret::Secret;
use crate::domain::time::Millis;
use crate::domain::vault::{self, Place};
use crate::ports::{self, World, WriteError};
use crate::service::failure::Failure;
use crate::service::page::Page;

use super::kind::{Context, Kind, Query, Write};

/// The kind.
#[derive(Debug)]
pub struct Providers;

/// What is to become of a stored key: `None`, it stays as long as the address does; `Some(None)`, it is removed.
type KeyChange = Option<Option<Secret>>;

impl Kind for Providers {
    type Name = ProviderName;
    type Row = Provider;
    type Body = providers::Body;
    type Draft = providers::Body;
    type View = providers::View;

    fn facts() -> &'static Facts {
        &providers::FACTS
    }

    fn name(text: &str) -> Option<ProviderName> {
        ProviderName::parse(text).ok()
    }

    fn check(name: &str, body: providers::Body) -> Result<(ProviderName, providers::Body), Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        let name = errors.take("name", ProviderName::parse(name));
        Ok((errors.finish_with(name)?, body))
    }

    fn view(row: &Provider) -> providers::View {
        row.into()
    }

    fn body(row: &Provider) -> Value {
        json!({"wire": row.wire, "base_url": row.base_url, "dialect": row.dialect})
    }

    /// Of the key no more than may be shown.
    fn logged(row: &Provider) -> Value {
        let key = row.key.as_ref().map(|key| format!("…{}", key.last4));
        let mut logged = json!({"wire": row.wire, "base_url": row.address(), "key": key});
        if let Some(dialect) = &row.dialect {
            logged["dialect"] = json!(dialect);
        }
        logged
    }

    /// Of two keys that end alike it says that they are not the same.
    fn annotate(read: &Provider, row: &Provider) -> Option<(&'static str, Value)> {
        (read.key != row.key).then_some(("key_changed", Value::Bool(true)))
    }

    fn is_same(read: &Provider, row: &Provider) -> bool {
        Self::logged(read) == Self::logged(row) && read.key == row.key
    }

    fn name_of(row: &Provider) -> String {
        row.name.to_string()
    }

    fn updated_at(row: &Provider) -> Millis {
        row.updated_at
    }

    async fn find<W: World>(cx: &Context<'_, W>, name: &ProviderName) -> Result<Option<Provider>, Failure> {
        Ok(ports::Providers::provider(&cx.tenant()?, name.as_str()).await?)
    }

    async fn list<W: World>(cx: &Context<'_, W>, query: &Query) -> Result<Page<Provider>, Failure> {
        query.page.of_whole(ports::Providers::providers(&cx.tenant()?).await?, Self::name_of)
    }

    async fn make<W: World>(
        cx: &Context<'_, W>,
        name: &ProviderName,
        draft: &providers::Body,
        read: Option<&Provider>,
        at: Millis,
    ) -> Result<Provider, Failure> {
        let mut errors = FieldErrors::default();
        let wire = draft.wire.unwrap_or_else(|| name.implied_wire());
        let dialect = draft.dialect.clone().filter(|dialect| !dialect.is_empty());
        if let Some(dialect) = &dialect {
            dialect.check("dialect", &mut errors);
        }
        let base_url = address(cx, name, wire, draft.base_url.as_deref(), &mut errors);
        let created_at = read.map_or(at, |old| old.created_at);
        let mut provider =
            Provider { name: name.clone(), wire, base_url, key: None, dialect, created_at, updated_at: at };
        let kept = read.filter(|old| old.is_at_address_of(&provider));
        let moves = read.is_some_and(|old| old.key.is_some() && kept.is_none());
        check_key(&draft.api_key, wire, moves, &mut errors);
        errors.finish()?;
        provider.key = match &draft.api_key {
            None => kept.and_then(|old| old.key.clone()),
            Some(None) => None,
            Some(Some(secret)) => Some(seal(cx, name, secret, read.and_then(|old| old.key.as_ref()))?),
        };
        Ok(provider)
    }

    async fn room<W: World>(cx: &Context<'_, W>) -> Result<Option<(u32, u32)>, Failure> {
        let all = ports::Providers::providers(&cx.tenant()?).await?;
        Ok(Some((Provider::MOST, u32::try_from(all.len()).unwrap_or(u32::MAX))))
    }

    async fn write<W: World>(
        cx: &Context<'_, W>,
        write: Write<'_, Provider>,
        change: &Change,
    ) -> Result<(), WriteError> {
        let tenant = cx.tenant_to_write()?;
        match write {
            Write::Put { row, read } => {
                let read = read.map(|read| read.updated_at);
                ports::Providers::put_provider(&tenant, row, read, Provider::MOST, change).await
            }
            Write::Delete { read } => {
                ports::Providers::delete_provider(&tenant, read.name.as_str(), read.updated_at, change).await
            }
        }
    }
}

/// The address to store: `None` when the name or the wire implies it.
fn address<W: World>(
    cx: &Context<'_, W>,
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
            let url = errors.take("base_url", BaseUrl::parse(text, cx.app.world.settings().loopback()));
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
        Some(Some(_)) if wire == Wire::WorkersAi => {
            errors.add("api_key", "the wire workers-ai goes by the platform's binding: leave api_key out");
        }
        Some(Some(secret)) if secret.expose().len() > vault::MAX_LEN => {
            errors.add("api_key", vault::Error::TooLong);
        }
        Some(Some(secret)) if secret.is_blank() || !secret.expose().bytes().all(|b| b.is_ascii_graphic()) => {
            errors.add("api_key", "write the key without blanks or line breaks; null removes a stored one");
        }
        None if moves && wire != Wire::WorkersAi => errors.add(
            "api_key",
            "give the key again, or null for none: a stored key is not sent to another base_url or wire",
        ),
        Some(_) | None => {}
    }
}

/// Seals a key; the one that is stored already stays as it is.
fn seal<W: World>(
    cx: &Context<'_, W>,
    name: &ProviderName,
    secret: &Secret,
    stored: Option<&SealedKey>,
) -> Result<SealedKey, Failure> {
    let world = &cx.app.world;
    let account = cx.session()?.account.id;
    let master = world.settings().master().map_err(Failure::Vault)?;
    let place = Place::ProviderKey(name);
    let opens_to_it = |stored: &&SealedKey| {
        let opened = master.open(account, place, &stored.sealed);
        opened.is_ok_and(|opened| opened.matches(secret.expose()))
    };
    if let Some(stored) = stored.filter(opens_to_it) {
        return Ok(stored.clone());
    }
    let sealed = master.seal(account, place, world.random(), secret).map_err(Failure::Vault)?;
    Ok(SealedKey { sealed, last4: secret.last4() })
}
