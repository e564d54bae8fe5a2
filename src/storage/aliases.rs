//! Aliases' rows: names that stand for a model line in the account's agents.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::domain::alias::Alias;
use crate::domain::change::Change;
use crate::domain::time::Millis;
use crate::ports::{Aliases, Unavailable, WriteError};

use super::changes;
use super::directory::Tenant;
use super::sql::{Answer, Engine, Failure, Query, queries};

queries! {
    /// [`Aliases::aliases`], and [`super::resolve`].
    ALIASES = "SELECT name, line, updated_at FROM aliases WHERE account_id = ?1 ORDER BY name";
    /// [`Aliases::aliases_named`]: ?2 is a JSON array of names. CROSS JOIN keeps them outermost, so each
    /// costs one look-up.
    ALIASES_NAMED = "SELECT a.name, a.line, a.updated_at FROM json_each(?2) AS wanted
        CROSS JOIN aliases AS a ON a.account_id = ?1 AND a.name = wanted.value";
    /// [`Aliases::alias`].
    ALIAS = "SELECT name, line, updated_at FROM aliases WHERE account_id = ?1 AND name = ?2";
    /// [`Aliases::put_alias`].
    PUT_ALIAS = "INSERT INTO aliases (account_id, name, line, updated_at) SELECT ?1, ?2, ?3, ?4
        WHERE (SELECT updated_at FROM aliases WHERE account_id = ?1 AND name = ?2) IS ?5
        ON CONFLICT (account_id, name) DO UPDATE SET line = excluded.line, updated_at = excluded.updated_at
        RETURNING name";
    /// [`Aliases::put_alias`]: fails when there are more than ?2.
    GUARD_ALIASES_LIMIT = "SELECT json_extract('{}', 'full ' || ?2)
        WHERE ?2 < (SELECT aliases FROM account_counts WHERE account_id = ?1)";
    /// [`Aliases::delete_alias`].
    DELETE_ALIAS = "DELETE FROM aliases WHERE account_id = ?1 AND name = ?2 AND updated_at = ?3 RETURNING name";
}

/// For [`super::resolve`]'s batch.
pub(super) const ALL: &Query = &ALIASES;

#[derive(Deserialize)]
struct Row {
    name: String,
    line: String,
    updated_at: i64,
}

impl From<Row> for Alias {
    fn from(row: Row) -> Self {
        Self { name: row.name, line: row.line, updated_at: Millis(row.updated_at) }
    }
}

/// The rows of a statement on aliases.
pub(super) fn all(answer: &impl Answer) -> Result<Vec<Alias>, Failure> {
    Ok(answer.rows::<Row>()?.into_iter().map(Alias::from).collect())
}

impl<E: Engine> Aliases for Tenant<E> {
    async fn aliases(&self) -> Result<Vec<Alias>, Unavailable> {
        let rows: Vec<Row> = self.rows(&ALIASES, []).await?;
        Ok(rows.into_iter().map(Alias::from).collect())
    }

    async fn aliases_named(&self, names: &BTreeSet<String>) -> Result<Vec<Alias>, Unavailable> {
        let rows: Vec<Row> = self.rows_named(&ALIASES_NAMED, names).await?;
        Ok(rows.into_iter().map(Alias::from).collect())
    }

    async fn alias(&self, name: &str) -> Result<Option<Alias>, Unavailable> {
        let rows: Vec<Row> = self.rows(&ALIAS, [name.into()]).await?;
        Ok(rows.into_iter().next().map(Alias::from))
    }

    async fn put_alias(
        &self,
        alias: &Alias,
        read: Option<Millis>,
        most: u32,
        change: &Change,
    ) -> Result<(), WriteError> {
        let values = [
            alias.name.as_str().into(),
            alias.line.as_str().into(),
            alias.updated_at.0.into(),
            read.map(|read| read.0).into(),
        ];
        let guard = read.is_none().then(|| self.statement(&GUARD_ALIASES_LIMIT, [most.into()]));
        Ok(changes::write_guarded(self, &PUT_ALIAS, values, change, guard).await?)
    }

    async fn delete_alias(&self, name: &str, read: Millis, change: &Change) -> Result<(), WriteError> {
        Ok(changes::write_logged(self, &DELETE_ALIAS, [name.into(), read.0.into()], change).await?)
    }
}
