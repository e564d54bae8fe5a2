//! Accounts' rows.

use serde::Deserialize;

use crate::domain::account::{Account, Plan, Status};
use crate::domain::change::Change;
use crate::domain::ids::AccountId;
use crate::domain::slug::Slug;
use crate::domain::time::Millis;
use crate::ports::{
    AccountRef, AllAccounts, Directory as _, Fit, Fitted, OwnAccount, Unavailable, WriteError,
};

use super::directory::{Directory, Tenant};
use super::sql::{self, Answer, Engine, Failure, Query, Statement, Value, queries};
use super::{changes, fitting};

queries! {
    /// [`AllAccounts::account`] by id, and [`super::resolve`]. All columns, here and below: calls are served
    /// on the previous schema, too.
    ACCOUNT_BY_ID = "SELECT * FROM accounts WHERE id = ?1";
    /// [`AllAccounts::account`] by slug.
    ACCOUNT_BY_SLUG = "SELECT * FROM accounts WHERE slug = ?1";
    /// [`super::keys`].
    ACCOUNT_OF_KEY = "SELECT a.* FROM keys AS k JOIN accounts AS a ON a.id = k.account_id WHERE k.digest = ?1";
    /// [`AllAccounts::accounts_behind`].
    ACCOUNTS_BEHIND = "SELECT id FROM accounts WHERE id > ?1 ORDER BY id LIMIT ?2";
    /// [`AllAccounts::insert_account`].
    INSERT_ACCOUNT = "INSERT INTO accounts (id, slug, name, plan, status, created_at, updated_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)";
    /// [`OwnAccount::update_account`]: fails when the account is not as it was read.
    GUARD_ACCOUNT_UNCHANGED = "SELECT json_extract('{}', 'moved ' || ?1) WHERE NOT EXISTS (
            SELECT 1 FROM accounts WHERE id = ?1 AND updated_at = ?2)";
    /// [`OwnAccount::update_account`].
    UPDATE_ACCOUNT = "UPDATE accounts
        SET name = ?2, plan = ?3, status = ?4, variables = ?5, settings = ?6, updated_at = ?7 WHERE id = ?1";
}

/// For the statements that other files run in their batches.
pub(super) const BY_ID: &Query = &ACCOUNT_BY_ID;
pub(super) const OF_KEY: &Query = &ACCOUNT_OF_KEY;

#[derive(Deserialize)]
struct Id {
    id: AccountId,
}

#[derive(Deserialize)]
struct Row {
    id: AccountId,
    slug: Slug,
    name: String,
    plan: Plan,
    status: Status,
    // The previous schema has neither of these.
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

impl<E: Engine> AllAccounts for Directory<E> {
    async fn accounts_behind(
        &self,
        after: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<AccountId>, Unavailable> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let rows: Vec<Id> = self.rows(&ACCOUNTS_BEHIND, [after.into(), limit.into()]).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    async fn account(&self, of: &AccountRef) -> Result<Option<Account>, Unavailable> {
        let (query, name) = match of {
            AccountRef::Id(id) => (&ACCOUNT_BY_ID, id.to_string()),
            AccountRef::Slug(slug) => (&ACCOUNT_BY_SLUG, slug.to_string()),
        };
        let rows: Vec<Row> = self.rows(query, [name.into()]).await?;
        Ok(rows.into_iter().next().map(Row::into_account).transpose()?)
    }

    async fn insert_account(&self, account: &Account, change: &Change) -> Result<(), WriteError> {
        let values: Vec<Value> = vec![
            account.id.to_string().into(),
            account.slug.as_str().into(),
            account.name.as_str().into(),
            account.plan.name().into(),
            account.status.name().into(),
            account.created_at.0.into(),
        ];
        let mut batch = vec![Statement { query: &INSERT_ACCOUNT, values }];
        batch.extend(changes::log(&self.tenant(account.id), std::slice::from_ref(change)));
        self.batch(batch).await?;
        Ok(())
    }
}

impl<E: Engine> OwnAccount for Tenant<E> {
    async fn update_account(
        &self,
        account: &Account,
        read: &Account,
        fit: Option<&Fit>,
        change: &Change,
    ) -> Result<Fitted, WriteError> {
        let values: [Value; 6] = [
            account.name.as_str().into(),
            account.plan.name().into(),
            account.status.name().into(),
            serde_json::json!(account.variables).to_string().into(),
            serde_json::json!(account.settings).to_string().into(),
            account.updated_at.0.into(),
        ];
        let mut batch = vec![
            self.statement(&GUARD_ACCOUNT_UNCHANGED, [read.updated_at.0.into()]),
            self.statement(&UPDATE_ACCOUNT, values),
        ];
        batch.extend(changes::log(self, std::slice::from_ref(change)));
        let Some(fit) = fit else {
            self.batch(batch).await?;
            return Ok(Fitted::default());
        };
        let before = batch.len();
        batch.extend(fitting::statements(self, fit, change));
        Ok(fitting::read(&self.batch(batch).await?[before..])?)
    }
}
