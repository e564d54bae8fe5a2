//! Whether a key is one of the account's, where that is judged before the agent is known.

use super::error::Error;
use super::resolve::{presented, unavailable};
use crate::domain::account::{Account, Key};
use crate::ports::{AccountRef, AllKeys, World};
use crate::service::App;

/// Whether a good key of this account was presented. One that the isolate remembers is taken; whether it still holds, the
/// admission checks.
///
/// # Errors
/// [`Error::Unauthenticated`]; [`Error::NoSuchAgent`] for a good key of another account, or an account that there is not;
/// [`Error::Unavailable`].
pub async fn check_key<W: World>(
    app: &App<W>,
    account: Option<&AccountRef>,
    key: Option<&str>,
) -> Result<(), Error> {
    let digest = presented(key).0;
    let remembered = || app.cache.key(app.cache.account_of(account?)?, digest.as_ref()?);
    if remembered().is_some_and(|presented| presented.key.is_live(app.world.now())) {
        return Ok(());
    }
    current_key(app, account, key).await.map(drop)
}

/// The key, and its account, by rows that are in force now.
///
/// # Errors
/// As [`check_key`].
pub(super) async fn current_key<W: World>(
    app: &App<W>,
    account: Option<&AccountRef>,
    key: Option<&str>,
) -> Result<(Key, Account), Error> {
    let (digest, fault) = presented(key);
    let Some(digest) = digest else { return Err(Error::Unauthenticated(fault)) };
    match app.world.directory().key(&digest).await {
        Ok(Some((key, of))) if key.is_live(app.world.now()) => {
            if account.is_some_and(|account| account.names(&of)) {
                Ok((key, of))
            } else {
                Err(Error::NoSuchAgent)
            }
        }
        Ok(_) => Err(Error::Unauthenticated(fault)),
        Err(error) => Err(unavailable(app, &error)),
    }
}
