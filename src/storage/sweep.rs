//! Whose object is looked after next, see [`crate::service::sweep`].

use serde::Deserialize;

use crate::domain::ids::AccountId;
use crate::ports::{Sweep, Unavailable};

use super::directory::Directory;
use super::sql::{Answer, Engine, Statement, Value, queries};

queries! {
    /// [`Sweep::next`]: behind the last that was visited.
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
        let values = vec![Value::from(i64::from(limit))];
        let answers = self.batch(vec![Statement { query: &NEXT_SWEPT, values }]).await?;
        let rows: Vec<Row> = answers.first().map_or_else(|| Ok(Vec::new()), Answer::rows)?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    async fn visited(&self, last: Option<AccountId>) -> Result<(), Unavailable> {
        let after = last.map_or(Value::Null, |last| Value::Text(last.to_string()));
        self.batch(vec![Statement { query: &SWEPT, values: vec![after] }]).await?;
        Ok(())
    }
}
