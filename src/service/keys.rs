//! An account's keys: issuing, listing, revoking.

use crate::domain::account::{Account, Key, Role};
use crate::domain::api_key::ApiKey;
use crate::domain::field_error::FieldErrors;
use crate::domain::ids::{AgentId, KeyId};
use crate::domain::time::Millis;
use crate::ports::{AgentRef, Directory, Tenant, Unavailable, World};

use super::App;
use super::failure::{Failure, Thing, check_name};
use super::page::{Page, Request};

/// The most agents one key can be confined to.
const MAX_AGENTS: usize = 100;

/// A key as it is asked for.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub name: String,
    pub role: Role,
    /// Slugs or ids; `None` for every agent of the account.
    pub agents: Option<Vec<String>>,
    pub expires_at: Option<Millis>,
}

/// A key that was just made. The secret is nowhere else.
#[derive(Debug)]
pub struct Issued {
    pub key: Key,
    pub secret: ApiKey,
}

/// # Errors
/// [`Failure`]; no key is given out then.
pub async fn issue<W: World>(app: &App<W>, account: &Account, new: NewKey) -> Result<Issued, Failure> {
    let now = app.world.now();
    let mut errors = FieldErrors::default();
    check_name(&mut errors, "name", &new.name);
    if new.expires_at.is_some_and(|end| end <= now) {
        errors.add("expires_at", "must lie in the future");
    }
    let agents = match &new.agents {
        None => None,
        Some(_) if new.role != Role::Caller => {
            errors.add("agents", "only a key of role caller can be confined to agents");
            None
        }
        Some(names) => Some(confine(app, account, names, &mut errors).await?),
    };
    errors.finish()?;
    let secret = ApiKey::generate(&app.world.random());
    let key = Key {
        id: KeyId::new(now, app.world.random()),
        account: account.id,
        name: new.name,
        role: new.role,
        agents,
        hint: secret.hint(),
        expires_at: new.expires_at,
        revoked_at: None,
        inactive_at: None,
        created_at: now,
    };
    let digest = secret.digest();
    let tenant = app.world.directory().tenant(account.id);
    let inserted = app.write_through(account.id, tenant.insert_key(&key, &digest)).await;
    inserted.map_err(|error| Failure::of_write(error, Thing::Key))?;
    Ok(Issued { key, secret })
}

/// The ids behind the names, in their order; each name that is none is noted.
async fn confine<W: World>(
    app: &App<W>,
    account: &Account,
    names: &[String],
    errors: &mut FieldErrors,
) -> Result<Vec<AgentId>, Unavailable> {
    if names.is_empty() || names.len() > MAX_AGENTS {
        errors.add("agents", format!("name 1 to {MAX_AGENTS} agents, or leave it out to allow every agent"));
        return Ok(Vec::new());
    }
    let refs: Vec<Option<AgentRef>> = names.iter().map(|name| AgentRef::parse(name)).collect();
    let known: Vec<AgentRef> = refs.iter().flatten().cloned().collect();
    let found = app.world.directory().tenant(account.id).agents_named(&known).await?;
    let mut ids = Vec::with_capacity(names.len());
    for (i, named) in refs.iter().enumerate() {
        let id = found.iter().find(|(id, slug)| match named {
            Some(AgentRef::Id(wanted)) => wanted == id,
            Some(AgentRef::Slug(wanted)) => wanted == slug,
            None => false,
        });
        match id {
            Some((id, _)) if ids.contains(id) => {}
            Some((id, _)) => ids.push(*id),
            None => errors.add(&format!("agents[{i}]"), "is no agent of this account: give a slug or an id"),
        }
    }
    Ok(ids)
}

/// Newest first, revoked ones included.
///
/// # Errors
/// [`Failure`].
pub async fn list<W: World>(app: &App<W>, account: &Account, page: &Request) -> Result<Page<Key>, Failure> {
    let cut = page.parse(KeyId::parse)?;
    let keys = app.world.directory().tenant(account.id).keys(cut.fetch(), cut.after).await?;
    Ok(cut.page(keys, |key| key.id.to_string()))
}

/// From the next call on the key fails. Revoking twice changes nothing.
///
/// # Errors
/// [`Failure`].
pub async fn revoke<W: World>(app: &App<W>, account: &Account, id: &str) -> Result<(), Failure> {
    let missing = Failure::Missing(Thing::Key);
    let Some(id) = KeyId::parse(id) else { return Err(missing) };
    let tenant = app.world.directory().tenant(account.id);
    let revoked = app.write_through(account.id, tenant.revoke_key(id, app.world.now())).await?;
    if revoked { Ok(()) } else { Err(missing) }
}
