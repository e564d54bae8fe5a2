//! An account as its own people see it: its words, its settings, its plan and what is used of it.
//!
//! A plan's change and all that follows from it are one batch ([`OwnAccount::update_account`]): a crash leaves the old plan with
//! everything on, or the new one with what it has no room for switched off, and nothing between.

use serde_json::{Value, json};

use crate::domain::account::{Account, DEFAULT_MODEL};
use crate::domain::account_edit::Edit;
use crate::domain::admission::ask::InspectAccount;
use crate::domain::admission::command::AccountSpend;
use crate::domain::change::{Action, Actor, Subject};
use crate::domain::dispatch::claim::Kept;
use crate::domain::dispatch::command::{Answer as Said, Command as OfIndex};
use crate::domain::field_error::FieldErrors;
use crate::domain::flag::Flags;
use crate::domain::plan::{Feature, Limits};
use crate::ports::{
    AccountRef, Accounts, AllAccounts, Counts, Directory, Dispatch, Fit, Fitted, OwnAccount, Plans,
    Unavailable, World,
};
use crate::service::unexpected::name_of;

use super::App;
use super::agents;
use super::authenticate::{Principal, Session};
use super::failure::{Failure, Thing};
use super::flags;
use super::precondition::Precondition;
use super::retry::{retry, written_at};

/// Where the default model may be written too.
const SETTING: &str = "settings.default_model";
/// The most keys that expire which are counted where a plan has no limit.
const MOST_COUNTED: u32 = 10_000;

/// An account with what its plan allows and what is used of that.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub account: Account,
    pub limits: Limits,
    /// Keys that expire are counted to the limit, and where there is none to 10,000.
    pub used: Counts,
    pub spend: AccountSpend,
    pub kept: Kept,
    pub flags: Flags,
}

/// An account that was changed, and what a new plan has switched off and on.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    pub standing: Standing,
    pub fitted: Fitted,
}

/// # Errors
/// [`Failure`].
pub async fn get<W: World>(app: &App<W>, session: &Session) -> Result<Standing, Failure> {
    standing(app, session.account.clone()).await
}

/// # Errors
/// [`Failure`].
pub async fn standing<W: World>(app: &App<W>, account: Account) -> Result<Standing, Failure> {
    let tenant = app.world.directory().tenant(account.id);
    let limits = tenant.limits().await?;
    let used = tenant.usage(limits.keys.unwrap_or(MOST_COUNTED), app.world.now()).await?;
    let spend = app.world.accounts().ask(account.id, InspectAccount).await?;
    let kept = match app.world.dispatch().ask(account.id, OfIndex::Kept).await? {
        Said::Kept(kept) => kept,
        other => return Err(Unavailable(format!("the index answered {}", name_of(&other))).into()),
    };
    let flags = flags::of(app, account.id).await?;
    Ok(Standing { account, limits, used, spend, kept, flags })
}

/// That the account's plan has a feature.
///
/// # Errors
/// [`Failure::PlanLacks`] when it does not.
pub(super) async fn require<W: World>(
    app: &App<W>,
    session: &Session,
    feature: Feature,
) -> Result<(), Failure> {
    let limits = app.world.directory().tenant(session.account.id).limits().await?;
    if limits.features.has(feature) { Ok(()) } else { Err(Failure::PlanLacks(feature)) }
}

/// An admin's change: to a lower plan at most, and never of the status.
///
/// # Errors
/// [`Failure`].
pub async fn patch<W: World>(
    app: &App<W>,
    session: &Session,
    edit: &Edit,
    precondition: &Precondition,
) -> Result<Changed, Failure> {
    let fit = Fit { key: Some(session.key.id), member: session.key.member };
    change(app, session.actor(), AccountRef::Id(session.account.id), edit, fit, precondition).await
}

/// Any account, for the operator to change.
///
/// # Errors
/// [`Failure`].
pub async fn any<W: World>(app: &App<W>, principal: &Principal, account: &str) -> Result<Account, Failure> {
    principal.operator()?;
    let named = AccountRef::parse(account).ok_or(Failure::Missing(Thing::Account))?;
    app.world.directory().account(&named).await?.ok_or(Failure::Missing(Thing::Account))
}

/// The entity tag of an account's row: what it is called, says, and may.
pub fn tag(account: &Account) -> String {
    format!("{:x}", account.updated_at.0)
}

/// The operator's change, to any plan and status.
///
/// # Errors
/// [`Failure`].
pub async fn patch_any<W: World>(
    app: &App<W>,
    principal: &Principal,
    account: &str,
    edit: &Edit,
    precondition: &Precondition,
) -> Result<Changed, Failure> {
    principal.operator()?;
    let named = AccountRef::parse(account).ok_or(Failure::Missing(Thing::Account))?;
    change(app, principal.actor(), named, edit, Fit::default(), precondition).await
}

/// Changes the account as it is; retried when another writer was faster.
async fn change<W: World>(
    app: &App<W>,
    by: Actor,
    named: AccountRef,
    edit: &Edit,
    fit: Fit,
    precondition: &Precondition,
) -> Result<Changed, Failure> {
    let edit = &with_model_found(app, &named, edit).await?;
    let (account, fitted) = retry(app, || change_once(app, by, &named, edit, &fit, precondition)).await?;
    Ok(Changed { standing: standing(app, account).await?, fitted })
}

/// The same change, with the line of the default model as it is kept.
async fn with_model_found<W: World>(app: &App<W>, named: &AccountRef, edit: &Edit) -> Result<Edit, Failure> {
    let mut edit = edit.clone();
    let setting = match edit.settings.as_mut().and_then(|settings| settings.remove(DEFAULT_MODEL)) {
        None => None,
        Some(Value::Null) => Some(None),
        Some(Value::String(line)) => Some(Some(line)),
        Some(_) => return Err(Failure::invalid(SETTING, "must be a model line, as a string")),
    };
    if setting.is_none() && edit.default_model.is_none() {
        return Ok(edit);
    }
    let account = app.world.directory().account(named).await?.ok_or(Failure::Missing(Thing::Account))?;
    let is_stored = |line: &Option<String>| line.as_deref() == account.default_model();
    let (field, line) = match (edit.default_model.take(), setting) {
        (Some(line), Some(setting)) if line == setting || is_stored(&setting) => (DEFAULT_MODEL, line),
        (Some(line), Some(setting)) if is_stored(&line) => (SETTING, setting),
        (Some(_), Some(_)) => {
            let message = "is another place of `default_model`, which stands here with another value";
            return Err(Failure::invalid(SETTING, message));
        }
        (Some(line), None) => (DEFAULT_MODEL, line),
        (None, setting) => (SETTING, setting.flatten()),
    };
    edit.default_model = Some(match line {
        None => None,
        Some(line) => Some(agents::line_of(app, account.id, field, &line, &[]).await?),
    });
    Ok(edit)
}

async fn change_once<W: World>(
    app: &App<W>,
    by: Actor,
    named: &AccountRef,
    edit: &Edit,
    fit: &Fit,
    precondition: &Precondition,
) -> Result<(Account, Fitted), Failure> {
    let directory = app.world.directory();
    let read = directory.account(named).await?.ok_or(Failure::Missing(Thing::Account))?;
    precondition.check_tag(Thing::Account, Some(|| tag(&read)))?;
    let mut next = check(by, edit, &read)?;
    let is_fitted = edit.plan.is_some();
    if next == read && !is_fitted {
        return Ok((read, Fitted::default()));
    }
    next.updated_at = written_at(app.world.now(), Some(read.updated_at));
    let (before, after) = (Some(logged(&read)), Some(logged(&next)));
    let change = app.change(by, Action::Update, Subject::ACCOUNT, next.id, before, after);
    let tenant = directory.tenant(read.id);
    let write = tenant.update_account(&next, &read, is_fitted.then_some(fit), &change);
    let written = app.write_through(read.id, write).await;
    Ok((next, written.map_err(|error| Failure::of_write(error, Thing::Account))?))
}

fn check(by: Actor, edit: &Edit, read: &Account) -> Result<Account, Failure> {
    let mut errors = FieldErrors::default();
    if let Some(name) = &edit.name {
        errors.name("name", name);
    }
    if by != Actor::Operator && edit.plan.is_some_and(|plan| plan > read.plan) {
        errors.add(
            "plan",
            format!("an admin moves to a lower plan than {} only; ask the operator", read.plan.name()),
        );
    }
    let next = edit.apply(read).map_err(|faults| errors.join(Err(faults))).ok();
    Ok(errors.finish_with(next)?)
}

/// A state of an account for the change log.
pub(super) fn logged(account: &Account) -> Value {
    json!({
        "slug": account.slug, "name": account.name, "plan": account.plan, "status": account.status,
        "variables": account.variables, "settings": account.settings,
    })
}
