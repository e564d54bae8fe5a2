//! Which accounts' objects are woken next, see [`crate::service::sweep`].

use serde::Deserialize;

use crate::domain::ids::AccountId;
use crate::ports::{Sweep, Unavailable};

use super::declarations;
use super::directory::Directory;
use super::sql::{Engine, Statement, queries};

queries! {
    /// [`Sweep::next`]: after the last that was visited.
    NEXT_SWEPT = "SELECT id FROM accounts WHERE id > COALESCE((SELECT after FROM sweep WHERE id = 1), '')
        ORDER BY id LIMIT ?1";
    /// [`Sweep::visited`].
    SWEPT = "INSERT INTO sweep (id, after) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET after = excluded.after";
}

#[derive(Deserialize)]
struct Row {
    id: AccountId,
}

impl<E: Engine> Sweep for Directory<E> {
    async fn next(&self, limit: u32) -> Result<Vec<AccountId>, Unavailable> {
        let rows: Vec<Row> = self.rows(&NEXT_SWEPT, [limit.into()]).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
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
