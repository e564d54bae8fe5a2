//! Whether a key is one of the account's and may call, where that is judged before the agent is known.

use super::caller::Claim;
use super::error::Error;
use super::resolve::{name_operators_key, unavailable};
use crate::domain::account::{Account, Key};
use crate::domain::ids::AccountId;
use crate::domain::scope::Scope;
use crate::ports::{AccountRef, AllKeys, KeyRef, World};
use crate::service::App;

/// Whether a live key of this account that may call was presented. One that the isolate remembers is taken; whether it
/// still holds, the admission checks.
///
/// # Errors
/// [`Error::Unauthenticated`]; [`Error::NoSuchAgent`] for a key of another account, or an account that does not exist;
/// [`Error::KeyLacksScope`], [`Error::Unavailable`].
pub async fn check_key<W: World>(
    app: &App<W>,
    account: Option<&AccountRef>,
    key: Option<&str>,
) -> Result<(), Error> {
    let claim = Claim::of_client(key);
    let remembered = || app.cache.key(app.cache.account_of(account?)?, claim.key.as_ref()?);
    let may = |key: &Key| key.is_live(app.world.now()) && key.may(Scope::Calls);
    if remembered().is_some_and(|presented| may(&presented.key)) {
        return Ok(());
    }
    current_key(app, account, key, Scope::Calls).await.map(drop)
}

/// The account of a key that has this scope, by rows that are in force now.
///
/// # Errors
/// As [`check_key`].
pub async fn account_of<W: World>(
    app: &App<W>,
    account: Option<&AccountRef>,
    key: Option<&str>,
    scope: Scope,
) -> Result<AccountId, Error> {
    current_key(app, account, key, scope).await.map(|(_, account)| account.id)
}

/// The key, and its account, by rows that are in force now.
///
/// # Errors
/// As [`check_key`].
pub(super) async fn current_key<W: World>(
    app: &App<W>,
    account: Option<&AccountRef>,
    key: Option<&str>,
    scope: Scope,
) -> Result<(Key, Account), Error> {
    let claim = Claim::of_client(key);
    let Some(KeyRef::Digest(digest)) = claim.key else {
        return Err(name_operators_key(app, key, Error::Unauthenticated(claim.fault)));
    };
    let found = app.world.directory().key(&digest).await.map_err(|error| unavailable(app, &error))?;
    match found {
        Some((key, of)) if key.is_live(app.world.now()) => {
            if !account.is_some_and(|account| account.names(&of)) {
                return Err(Error::NoSuchAgent);
            }
            if key.may(scope) { Ok((key, of)) } else { Err(Error::KeyLacksScope(scope)) }
        }
        _ => Err(Error::Unauthenticated(claim.fault)),
    }
}
