//! Accounts' rows.

use serde::Deserialize;

use crate::domain::account::{Account, Plan, Status};
use crate::domain::ids::AccountId;
use crate::domain::slug::Slug;
use crate::domain::time::Millis;
use crate::ports::AccountRef;

use super::directory::Directory;
use super::sql::{self, Answer, Engine, Failure, Query, Statement, Value, queries};

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

pub(super) async fn insert<E: Engine>(directory: &Directory<E>, account: &Account) -> Result<(), Failure> {
    let values: Vec<Value> = vec![
        account.id.to_string().into(),
        account.slug.as_str().into(),
        account.name.as_str().into(),
        account.plan.name().into(),
        account.status.name().into(),
        account.created_at.0.into(),
    ];
    directory.batch(vec![Statement { query: &INSERT_ACCOUNT, values }]).await?;
    Ok(())
}
