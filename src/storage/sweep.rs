//! Which accounts' objects are woken next, see [`crate::service::sweep`].

use serde::Deserialize;

use crate::domain::ids::{AccountId, AgentId};
use crate::ports::{KeepDays, Sweep, Unavailable};

use super::declarations;
use super::directory::Directory;
use super::sql::{Engine, Statement, queries};

queries! {
    /// [`Sweep::next`]: after the last that was visited.
    NEXT_SWEPT = "SELECT id FROM accounts WHERE id > COALESCE((SELECT after FROM sweep WHERE id = 1), '')
        ORDER BY id LIMIT ?1";
    /// [`Sweep::keep_days`].
    KEEP_DAYS = "SELECT a.id AS account, NULL AS agent, p.keep_days AS days
        FROM json_each(?1) wanted CROSS JOIN accounts a ON a.id = wanted.value JOIN plans p ON p.plan = a.plan
        WHERE p.keep_days IS NOT NULL
        UNION ALL
        SELECT g.account_id, g.id, json_extract(g.definition, '$.keep_days')
        FROM json_each(?1) wanted CROSS JOIN agents g INDEXED BY agents_keep_days ON g.account_id = wanted.value
        WHERE json_extract(g.definition, '$.keep_days') IS NOT NULL LIMIT 20000";
    /// [`Sweep::visited`].
    SWEPT = "INSERT INTO sweep (id, after) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET after = excluded.after";
}

#[derive(Deserialize)]
struct Row {
    id: AccountId,
}

#[derive(Deserialize)]
struct Days {
    account: AccountId,
    agent: Option<AgentId>,
    days: u32,
}

impl<E: Engine> Sweep for Directory<E> {
    async fn next(&self, limit: u32) -> Result<Vec<AccountId>, Unavailable> {
        let rows: Vec<Row> = self.rows(&NEXT_SWEPT, [limit.into()]).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    async fn keep_days(&self, accounts: &[AccountId]) -> Result<Vec<KeepDays>, Unavailable> {
        let wanted: Vec<String> = accounts.iter().map(ToString::to_string).collect();
        let rows: Vec<Days> = self.rows(&KEEP_DAYS, [serde_json::json!(wanted).to_string().into()]).await?;
        let rule = |Days { account, agent, days }| KeepDays { account, agent, days };
        Ok(rows.into_iter().map(rule).collect())
    }

    async fn undelivered_accounts(&self, limit: u32) -> Result<Vec<AccountId>, Unavailable> {
        let rows: Vec<Row> = self.rows(declarations::UNDELIVERED, [limit.into()]).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    async fn visited(&self, last: Option<AccountId>) -> Result<(), Unavailable> {
        let after = last.map(|last| last.to_string()).into();
        self.batch(vec![Statement { query: &SWEPT, values: vec![after] }]).await?;
        Ok(())
    }
}
