//! Feature flags, as the operator sets them and an account has them.
//!
//! What is set for one account holds from its next call, by its epoch. What is set for all is read with an account's rows;
//! isolates that have read them before hear of it by the sweep ([`super::sweep`]).

use serde_json::json;

use crate::domain::change::{Action, Subject};
use crate::domain::field_error::FieldErrors;
use crate::domain::flag::{Flag, Flags, Setting};
use crate::domain::ids::AccountId;
use crate::ports::{AccountFlag, AccountRef, AllAccounts, AllFlags, Directory, OwnFlags, World};

use super::App;
use super::authenticate::Principal;
use super::failure::{Failure, Thing};
use super::page::{Page, Request};

/// A flag and what is set of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    pub flag: Flag,
    pub setting: Setting,
    /// Whether that is set, and not only declared.
    pub is_set: bool,
}

fn named(flag: &str) -> Result<Flag, Failure> {
    Flag::parse(flag).ok_or(Failure::Missing(Thing::Flag))
}

/// # Errors
/// [`Failure`].
pub async fn list<W: World>(app: &App<W>) -> Result<Vec<Shown>, Failure> {
    let set = app.world.directory().flags().await?;
    let shown = |flag: Flag| {
        let setting = set.get(&flag).copied();
        Shown { flag, setting: setting.unwrap_or_else(|| Setting::declared(flag)), is_set: setting.is_some() }
    };
    Ok(Flag::ALL.into_iter().map(shown).collect())
}

/// # Errors
/// [`Failure`].
pub async fn get<W: World>(app: &App<W>, flag: &str) -> Result<Shown, Failure> {
    let flag = named(flag)?;
    list(app).await?.into_iter().find(|shown| shown.flag == flag).ok_or(Failure::Missing(Thing::Flag))
}

/// Sets it for all accounts.
///
/// # Errors
/// [`Failure`].
pub async fn put<W: World>(
    app: &App<W>,
    flag: &str,
    default: bool,
    percent: Option<u32>,
) -> Result<Shown, Failure> {
    let flag = named(flag)?;
    let mut errors = FieldErrors::default();
    let percent = u8::try_from(percent.unwrap_or_default()).ok().filter(|percent| *percent <= 100);
    match percent {
        None => errors.add("percent", "write a whole number from 0 to 100"),
        Some(1..) if default => errors.add("percent", "is for a flag that is off by default"),
        Some(_) => {}
    }
    errors.finish()?;
    let setting = Setting { default, percent: percent.unwrap_or_default() };
    app.world.directory().put_flag(flag, setting, app.world.now()).await?;
    Ok(Shown { flag, setting, is_set: true })
}

/// As the code declares it again, for all accounts for which nothing else is set.
///
/// # Errors
/// [`Failure`].
pub async fn delete<W: World>(app: &App<W>, flag: &str) -> Result<(), Failure> {
    Ok(app.world.directory().delete_flag(named(flag)?).await?)
}

/// The accounts for which it is set, by id.
///
/// # Errors
/// [`Failure`].
pub async fn accounts<W: World>(
    app: &App<W>,
    flag: &str,
    page: &Request,
) -> Result<Page<AccountFlag>, Failure> {
    let flag = named(flag)?;
    let cut = page.parse(AccountId::parse)?;
    let found = app.world.directory().flag_accounts(flag, cut.fetch(), cut.after).await?;
    Ok(cut.page(found, |account| account.id.to_string()))
}

/// Sets it for one account, or with `None` no longer; it holds from the account's next call.
///
/// # Errors
/// [`Failure`].
pub async fn set_own<W: World>(
    app: &App<W>,
    by: &Principal,
    flag: &str,
    account: &str,
    is_on: Option<bool>,
) -> Result<(), Failure> {
    let flag = named(flag)?;
    let missing = || Failure::Missing(Thing::Account);
    let account = AccountRef::parse(account).ok_or_else(missing)?;
    let account = app.world.directory().account(&account).await?.ok_or_else(missing)?;
    let tenant = app.world.directory().tenant(account.id);
    let before = tenant.flag_settings().await?.own.get(&flag).copied();
    if before == is_on {
        return Ok(());
    }
    let state = |on: Option<bool>| on.map(|on| json!({"on": on}));
    let action = match (before, is_on) {
        (None, _) => Action::Create,
        (Some(_), Some(_)) => Action::Update,
        (Some(_), None) => Action::Delete,
    };
    let change = app.change(by.actor(), action, Subject::FLAG, flag.name(), state(before), state(is_on));
    let write = async {
        match is_on {
            Some(is_on) => tenant.put_own_flag(flag, is_on, &change).await,
            None => tenant.delete_own_flag(flag, &change).await,
        }
    };
    Ok(app.write_through(account.id, write).await?)
}

/// What is on for an account, by rows of now; in a call, [`crate::service::call::bundle::Bundle`] has them.
///
/// # Errors
/// [`Failure`].
pub async fn of<W: World>(app: &App<W>, account: AccountId) -> Result<Flags, Failure> {
    Ok(app.world.directory().tenant(account).flag_settings().await?.decide(account))
}
