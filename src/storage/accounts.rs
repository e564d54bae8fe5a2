//! Accounts' rows.

use serde::Deserialize;

use crate::domain::account::{Account, Plan, Status};
use crate::domain::change::Change;
use crate::domain::ids::AccountId;
use crate::domain::slug::Slug;
use crate::domain::time::Millis;
use crate::ports::{AccountRef, Directory as _, Fit, Fitted};

use super::directory::{Directory, Tenant};
use super::sql::{self, Answer, Engine, Failure, Query, Statement, Value, queries};
use super::{changes, fitting};

queries! {
    /// [`find`] by id, and [`super::resolve`]. All columns, here and below: calls are served on the schema before, too.
    ACCOUNT_BY_ID = "SELECT * FROM accounts WHERE id = ?1";
    /// [`find`] by slug.
    ACCOUNT_BY_SLUG = "SELECT * FROM accounts WHERE slug = ?1";
    /// [`super::keys::find`].
    ACCOUNT_OF_KEY = "SELECT a.* FROM keys AS k JOIN accounts AS a ON a.id = k.account_id WHERE k.digest = ?1";
    /// [`insert`].
    INSERT_ACCOUNT = "INSERT INTO accounts (id, slug, name, plan, status, created_at, updated_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)";
    /// [`update`]: fails when the account is not as it was read.
    GUARD_ACCOUNT_UNCHANGED = "SELECT json_extract('{}', 'moved ' || ?1) WHERE NOT EXISTS (
            SELECT 1 FROM accounts WHERE id = ?1 AND updated_at = ?2)";
    /// [`update`].
    UPDATE_ACCOUNT = "UPDATE accounts
        SET name = ?2, plan = ?3, status = ?4, variables = ?5, settings = ?6, updated_at = ?7 WHERE id = ?1";
}

/// For the statements that other files run in their batches.
pub(super) const BY_ID: &Query = &ACCOUNT_BY_ID;
pub(super) const OF_KEY: &Query = &ACCOUNT_OF_KEY;

#[derive(Deserialize)]
struct Row {
    id: AccountId,
    slug: Slug,
    name: String,
    plan: Plan,
    status: Status,
    // The schema before had neither of these.
    variables: Option<String>,
    settings: Option<String>,
    created_at: i64,
    updated_at: i64,
}

impl Row {
    fn into_account(self) -> Result<Account, Failure> {
        Ok(Account {
            id: self.id,
            slug: self.slug,
            name: self.name,
            plan: self.plan,
            status: self.status,
            variables: sql::json("accounts.variables", self.variables.as_deref().unwrap_or("{}"))?,
            settings: sql::json("accounts.settings", self.settings.as_deref().unwrap_or("{}"))?,
            created_at: Millis(self.created_at),
            updated_at: Millis(self.updated_at),
        })
    }
}

/// The first row of a statement on accounts.
pub(super) fn first(answer: &impl Answer) -> Result<Option<Account>, Failure> {
    answer.rows::<Row>()?.into_iter().next().map(Row::into_account).transpose()
}

pub(super) async fn find<E: Engine>(
    directory: &Directory<E>,
    of: &AccountRef,
) -> Result<Option<Account>, Failure> {
    let (query, name) = match of {
        AccountRef::Id(id) => (&ACCOUNT_BY_ID, id.to_string()),
        AccountRef::Slug(slug) => (&ACCOUNT_BY_SLUG, slug.to_string()),
    };
    let answers = directory.batch(vec![Statement { query, values: vec![name.into()] }]).await?;
    first(&answers[0])
}

pub(super) async fn insert<E: Engine>(
    directory: &Directory<E>,
    account: &Account,
    change: &Change,
) -> Result<(), Failure> {
    let values: Vec<Value> = vec![
        account.id.to_string().into(),
        account.slug.as_str().into(),
        account.name.as_str().into(),
        account.plan.name().into(),
        account.status.name().into(),
        account.created_at.0.into(),
    ];
    let mut batch = vec![Statement { query: &INSERT_ACCOUNT, values }];
    batch.extend(changes::log(&directory.tenant(account.id), std::slice::from_ref(change)));
    directory.batch(batch).await?;
    Ok(())
}

/// With what its plan makes of its rows, when `fit` says so.
pub(super) async fn update<E: Engine>(
    tenant: &Tenant<E>,
    account: &Account,
    read: &Account,
    fit: Option<&Fit>,
    change: &Change,
) -> Result<Fitted, Failure> {
    let values: [Value; 6] = [
        account.name.as_str().into(),
        account.plan.name().into(),
        account.status.name().into(),
        serde_json::json!(account.variables).to_string().into(),
        serde_json::json!(account.settings).to_string().into(),
        account.updated_at.0.into(),
    ];
    let mut batch = vec![
        tenant.statement(&GUARD_ACCOUNT_UNCHANGED, [read.updated_at.0.into()]),
        tenant.statement(&UPDATE_ACCOUNT, values),
    ];
    batch.extend(changes::log(tenant, std::slice::from_ref(change)));
    let Some(fit) = fit else {
        tenant.batch(batch).await?;
        return Ok(Fitted::default());
    };
    let before = batch.len();
    batch.extend(fitting::statements(tenant, fit, change));
    fitting::read(&tenant.batch(batch).await?[before..])
}
