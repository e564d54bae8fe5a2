//! Creating an account.

use std::collections::BTreeMap;

use serde_json::Map;

use crate::domain::account::{Account, Plan, Status};
use crate::domain::change::{Action, Subject};
use crate::domain::field_error::{FieldError, FieldErrors, beside};
use crate::domain::ids::AccountId;
use crate::domain::slug::Slug;
use crate::ports::{AllAccounts, World};

use super::App;
use super::account::logged;
use super::authenticate::Principal;
use super::failure::{Failure, Thing};

/// An account as the operator asks for it.
#[derive(Clone, Debug)]
pub struct NewAccount {
    pub slug: String,
    pub name: String,
    pub plan: Plan,
}

/// Creates it, unless faults were noted while it was read.
///
/// # Errors
/// [`Failure`]; without the account having been made, unless the directory lost its answer.
pub async fn create_account<W: World>(
    app: &App<W>,
    principal: &Principal,
    new: NewAccount,
    noted: Vec<FieldError>,
) -> Result<Account, Failure> {
    principal.operator()?;
    let mut errors = FieldErrors::default();
    let slug = errors.take("slug", Slug::parse(&new.slug));
    errors.name("name", &new.name);
    let slug = beside(noted, errors.finish_with(slug))?;
    let now = app.world.now();
    let account = Account {
        id: AccountId::new(now, app.world.random()),
        slug,
        name: new.name,
        plan: new.plan,
        status: Status::Active,
        variables: BTreeMap::new(),
        settings: Map::new(),
        created_at: now,
        updated_at: now,
    };
    let after = Some(logged(&account));
    let change = app.change(principal.actor(), Action::Create, Subject::ACCOUNT, account.id, None, after);
    let inserted = app.world.directory().insert_account(&account, &change).await;
    inserted.map_err(|error| Failure::of_write(error, Thing::Account))?;
    Ok(account)
}
