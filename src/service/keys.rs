//! An account's keys: issuing, listing, revoking.

use serde_json::{Value, json};

use crate::domain::account::{Account, Key, Role};
use crate::domain::api_key::ApiKey;
use crate::domain::change::{Action, Actor, Subject};
use crate::domain::declared::members;
use crate::domain::field_error::{FieldError, FieldErrors, beside};
use crate::domain::ids::{AgentId, KeyId, MemberId};
use crate::domain::scope::{Scope, Scopes};
use crate::domain::time::Millis;
use crate::ports::{AgentRef, Agents, Directory, Keys, Members, Unavailable, World, WriteError};

use super::App;
use super::failure::{Failure, Thing};
use super::page::{Page, Request};

/// The most agents one key can be confined to.
const MAX_AGENTS: usize = 100;
/// The most scopes one key can name: more than there are.
const MAX_SCOPES: usize = 100;

/// A key as it is asked for.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub name: String,
    pub role: Role,
    /// The id of the member that it acts for; `None`: the account itself.
    pub member: Option<String>,
    /// Slugs or ids; `None` for every agent of the account.
    pub agents: Option<Vec<String>>,
    /// Names; `None` for all that the role has.
    pub scopes: Option<Vec<String>>,
    pub expires_at: Option<Millis>,
}

/// A key that was just made. The secret is nowhere else.
#[derive(Debug)]
pub struct Issued {
    pub key: Key,
    pub secret: ApiKey,
}

/// Issues a key with no more than `most`, which is what whoever asks has, unless faults were noted while it was read.
///
/// # Errors
/// [`Failure`]; no key is given out then.
pub async fn issue<W: World>(
    app: &App<W>,
    by: Actor,
    account: &Account,
    most: Scopes,
    new: NewKey,
    noted: Vec<FieldError>,
) -> Result<Issued, Failure> {
    let now = app.world.now();
    let mut errors = FieldErrors::default();
    errors.name("name", &new.name);
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
    let member = match &new.member {
        None => None,
        Some(id) => member_of(app, account, id, new.role, &mut errors).await?,
    };
    let scopes = scopes(new.role, new.scopes.as_deref(), most, &mut errors);
    beside(noted, errors.finish())?;
    let secret = ApiKey::generate(&app.world.random());
    let key = Key {
        id: KeyId::new(now, app.world.random()),
        account: account.id,
        name: new.name,
        role: new.role,
        member,
        agents,
        scopes,
        hint: secret.hint(),
        expires_at: new.expires_at,
        revoked_at: None,
        inactive_at: None,
        created_at: now,
    };
    let digest = secret.digest();
    let tenant = app.world.directory().tenant(account.id);
    let change = app.change(by, Action::Create, Subject::KEY, key.id, None, Some(logged(&key)));
    let inserted = app.write_through(account.id, tenant.insert_key(&key, &digest, &change)).await;
    inserted.map_err(|error| match error {
        WriteError::Moved => Failure::Contended(Thing::Declared(&members::FACTS)),
        other => Failure::of_write(other, Thing::Key),
    })?;
    Ok(Issued { key, secret })
}

/// The member that a key of this role is to act for, or an error why it cannot. The write checks again.
async fn member_of<W: World>(
    app: &App<W>,
    account: &Account,
    id: &str,
    role: Role,
    errors: &mut FieldErrors,
) -> Result<Option<MemberId>, Unavailable> {
    let found = match MemberId::parse(id) {
        None => None,
        Some(id) => app.world.directory().tenant(account.id).member(id).await?,
    };
    match &found {
        None => errors.add("member", "is no member of this account: give a member's id"),
        Some(member) if member.inactive_at.is_some() => {
            errors.add("member", "is switched off: the account's plan has no room for it");
        }
        Some(member) if role > member.role.of_keys() => {
            let (own, asked) = (member.role.name(), role.name());
            errors.add("role", format!("a member of role {own} cannot have a key of role {asked}"));
        }
        Some(_) => {}
    }
    Ok(found.map(|member| member.id))
}

/// The scopes that a key of this role is confined to, none of them beyond `most`; an error for each that does not fit.
fn scopes(role: Role, names: Option<&[String]>, most: Scopes, errors: &mut FieldErrors) -> Option<Scopes> {
    let of_role = Scopes::of_role(role);
    let Some(names) = names else {
        let missing = of_role.without(most);
        if !missing.is_empty() {
            let missing = join(missing);
            errors.add("scopes", format!("the key that asks lacks {missing}: name those that it is to give"));
        }
        return None;
    };
    if names.is_empty() || names.len() > MAX_SCOPES {
        errors.add("scopes", format!("name 1 to {MAX_SCOPES} scopes, or leave it out for all of the role"));
        return None;
    }
    for (i, name) in names.iter().enumerate() {
        let problem = match Scope::parse(name) {
            None => Some(format!("`{name:.64}` is no scope: there are {}", join(Scopes::ALL))),
            Some(scope) if !of_role.has(scope) => {
                Some(format!("a key of role {} cannot have {name}", role.name()))
            }
            Some(scope) if !most.has(scope) => Some(format!("the key that asks does not have {name}")),
            Some(_) => None,
        };
        if let Some(problem) = problem {
            errors.add(&format!("scopes[{i}]"), problem);
        }
    }
    Some(Scopes::of_words(names.iter().map(String::as_str)))
}

fn join(scopes: Scopes) -> String {
    scopes.names().collect::<Vec<_>>().join(", ")
}

/// A key for the change log: nothing of its secret.
fn logged(key: &Key) -> Value {
    json!({
        "name": key.name, "role": key.role, "member": key.member, "agents": key.agents,
        "scopes": key.scopes.map(|scopes| scopes.names().collect::<Vec<_>>()),
        "expires_at": key.expires_at, "revoked_at": null, "inactive_at": null,
    })
}

/// The ids of the agents with these names, in their order; an error for each unknown name.
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
pub async fn revoke<W: World>(app: &App<W>, by: Actor, account: &Account, id: &str) -> Result<(), Failure> {
    let missing = Failure::Missing(Thing::Key);
    let Some(id) = KeyId::parse(id) else { return Err(missing) };
    let tenant = app.world.directory().tenant(account.id);
    let (before, after) = (json!({"revoked_at": null}), json!({"revoked_at": app.world.now()}));
    let change = app.change(by, Action::Revoke, Subject::KEY, id, Some(before), Some(after));
    let revoked = app.write_through(account.id, tenant.revoke_key(id, &change)).await?;
    if revoked { Ok(()) } else { Err(missing) }
}
