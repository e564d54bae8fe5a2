//! Declarations' rows: one table for all kinds that have none of their own.
//!
//! The database keeps count by kind (migration 0005), so that a new one does not read the others.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::domain::admission::command::Learned;
use crate::domain::change::Change;
use crate::domain::declared::{Audience, Facts, Limit};
use crate::domain::time::Millis;
use crate::ports::{Declaration, Declarations, Unavailable, WriteError};

use super::changes;
use super::directory::Tenant;
use super::sql::{Answer, Engine, Failure, Query, Statement, queries};

queries! {
    /// [`Declarations::declarations`].
    DECLARATIONS = "SELECT name, body, created_at, updated_at FROM declarations
        WHERE account_id = ?1 AND kind = ?2 AND name > ?4 ORDER BY name LIMIT ?3";
    /// [`Declarations::declaration`].
    DECLARATION = "SELECT name, body, created_at, updated_at FROM declarations
        WHERE account_id = ?1 AND kind = ?2 AND name = ?3";
    /// [`Declarations::declared_names`]
    DECLARED_NAMES = "SELECT name FROM declarations WHERE account_id = ?1 AND kind = ?2 ORDER BY name LIMIT ?3";
    /// [`Declarations::put_declaration`]: all but `created_at`. A clock that went back must not break the row's own
    /// constraint.
    PUT_DECLARATION = "INSERT INTO declarations (account_id, kind, name, body, created_at, updated_at)
        SELECT ?1, ?2, ?3, ?4, ?5, max(?5, ?6)
        WHERE (SELECT updated_at FROM declarations WHERE account_id = ?1 AND kind = ?2 AND name = ?3) IS ?7
        ON CONFLICT (account_id, kind, name) DO UPDATE SET
            body = excluded.body, updated_at = max(excluded.updated_at, created_at)
        RETURNING name";
    /// [`Declarations::put_declaration`]: fails when there are more than the plan allows, or where it says nothing of the
    /// kind, more than ?3.
    GUARD_DECLARATIONS_LIMIT = "SELECT json_extract('{}', 'full ' || most) FROM (SELECT coalesce(
            (SELECT plans.declarations ->> ?2 FROM accounts JOIN plans ON plans.plan = accounts.plan WHERE accounts.id = ?1),
            ?3) AS most)
        WHERE most < (SELECT number FROM declaration_counts WHERE account_id = ?1 AND kind = ?2)";
    /// [`Declarations::room`].
    DECLARATIONS_ROOM = "SELECT CAST(coalesce(
            (SELECT plans.declarations ->> ?2 FROM accounts JOIN plans ON plans.plan = accounts.plan WHERE accounts.id = ?1),
            ?3) AS INTEGER) AS most,
        coalesce((SELECT number FROM declaration_counts WHERE account_id = ?1 AND kind = ?2), 0) AS number";
    /// [`Declarations::delete_declaration`].
    DELETE_DECLARATION = "DELETE FROM declarations WHERE account_id = ?1 AND kind = ?2 AND name = ?3 AND updated_at = ?4
        RETURNING name";
    /// Behind the line of the change log, whose being written `changes()` tells: the number of the change. Not below the
    /// moment ?2, so that it is higher than those of before, too, when the database was put back to an older state.
    COUNT_REVISION = "UPDATE account_counts SET revision = max(revision + 1, ?2) WHERE account_id = ?1 AND changes() > 0";
    /// Behind [`COUNT_REVISION`].
    QUEUE_DECLARATION = "INSERT OR REPLACE INTO declaration_outbox (account_id, kind, name, revision)
        SELECT ?1, ?2, ?3, revision FROM account_counts WHERE account_id = ?1 AND changes() > 0";
    /// [`Declarations::undelivered`].
    UNDELIVERED_DECLARATIONS = "SELECT o.kind, o.name, o.revision, d.body FROM declaration_outbox AS o
        LEFT JOIN declarations AS d ON d.account_id = ?1 AND d.kind = o.kind AND d.name = o.name
        WHERE o.account_id = ?1 AND o.revision > 0 ORDER BY o.revision LIMIT ?2";
    /// [`Declarations::delivered`]: ?2 is a JSON array of revisions.
    DELIVERED_DECLARATIONS = "DELETE FROM declaration_outbox
        WHERE account_id = ?1 AND revision IN (SELECT value FROM json_each(?2))";
    /// [`crate::ports::Sweep::undelivered_accounts`]: the outbox has only what could not be sent after an answer.
    UNDELIVERED_ACCOUNTS = "SELECT account_id AS id FROM declaration_outbox WHERE account_id > '' GROUP BY account_id LIMIT ?1";
}

/// For [`super::sweep`].
pub(super) const UNDELIVERED: &Query = &UNDELIVERED_ACCOUNTS;

#[derive(Deserialize)]
struct Row {
    name: String,
    body: String,
    created_at: i64,
    updated_at: i64,
}

impl From<Row> for Declaration {
    fn from(row: Row) -> Self {
        Self {
            name: row.name,
            body: row.body,
            created_at: Millis(row.created_at),
            updated_at: Millis(row.updated_at),
        }
    }
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

/// The most names of a kind that are read at once; plans allow fewer.
const MAX_NAMES: u32 = 1_000;

/// For [`super::resolve`]'s batch.
pub(super) fn names_of<E: Engine>(tenant: &Tenant<E>, of: &'static Facts) -> Statement {
    tenant.statement(&DECLARED_NAMES, [of.singular.into(), MAX_NAMES.into()])
}

/// The rows of [`names_of`].
pub(super) fn names(answer: &impl Answer) -> Result<BTreeSet<String>, Failure> {
    Ok(answer.rows::<Name>()?.into_iter().map(|row| row.name).collect())
}

#[derive(Deserialize)]
struct Undelivered {
    kind: String,
    name: String,
    revision: u64,
    body: Option<String>,
}

/// What follows a write of a kind that objects keep copies of.
fn queue<E: Engine>(tenant: &Tenant<E>, of: &'static Facts, name: &str, at: Millis) -> Vec<Statement> {
    match of.audience {
        Audience::None => Vec::new(),
        Audience::Account | Audience::Dispatch => vec![
            tenant.statement(&COUNT_REVISION, [at.0.into()]),
            tenant.statement(&QUEUE_DECLARATION, [of.singular.into(), name.into()]),
        ],
    }
}

#[derive(Deserialize)]
struct Room {
    most: Option<u32>,
    number: u32,
}

/// The most things of the kind where a plan says nothing of it.
const fn most(of: &Facts) -> Option<u32> {
    match of.limit {
        Limit::Fixed(most) => Some(most),
        Limit::Plan(most) => most,
    }
}

impl<E: Engine> Declarations for Tenant<E> {
    async fn declarations(
        &self,
        of: &'static Facts,
        limit: u32,
        after: &str,
    ) -> Result<Vec<Declaration>, Unavailable> {
        let rows: Vec<Row> =
            self.rows(&DECLARATIONS, [of.singular.into(), limit.into(), after.into()]).await?;
        Ok(rows.into_iter().map(Declaration::from).collect())
    }

    async fn declaration(&self, of: &'static Facts, name: &str) -> Result<Option<Declaration>, Unavailable> {
        let rows: Vec<Row> = self.rows(&DECLARATION, [of.singular.into(), name.into()]).await?;
        Ok(rows.into_iter().next().map(Declaration::from))
    }

    async fn declared_names(&self, of: &'static Facts) -> Result<BTreeSet<String>, Unavailable> {
        let rows: Vec<Name> = self.rows(&DECLARED_NAMES, [of.singular.into(), MAX_NAMES.into()]).await?;
        Ok(rows.into_iter().map(|row| row.name).collect())
    }

    async fn put_declaration(
        &self,
        of: &'static Facts,
        row: &Declaration,
        read: Option<Millis>,
        change: &Change,
    ) -> Result<(), WriteError> {
        let values = [
            of.singular.into(),
            row.name.as_str().into(),
            row.body.as_str().into(),
            row.created_at.0.into(),
            row.updated_at.0.into(),
            read.map(|read| read.0).into(),
        ];
        let most = most(of);
        let guard = || self.statement(&GUARD_DECLARATIONS_LIMIT, [of.singular.into(), most.into()]);
        let mut others = queue(self, of, &row.name, change.at);
        others.extend(read.is_none().then(guard));
        Ok(changes::write_guarded(self, &PUT_DECLARATION, values, change, others).await?)
    }

    async fn room(&self, of: &'static Facts) -> Result<Option<(u32, u32)>, Unavailable> {
        let rows: Vec<Room> = self.rows(&DECLARATIONS_ROOM, [of.singular.into(), most(of).into()]).await?;
        Ok(rows.into_iter().next().and_then(|room| Some((room.most?, room.number))))
    }

    async fn delete_declaration(
        &self,
        of: &'static Facts,
        name: &str,
        read: Millis,
        change: &Change,
    ) -> Result<(), WriteError> {
        let values = [of.singular.into(), name.into(), read.0.into()];
        let others = queue(self, of, name, change.at);
        Ok(changes::write_guarded(self, &DELETE_DECLARATION, values, change, others).await?)
    }

    async fn undelivered(&self, limit: u32) -> Result<Vec<Learned>, Unavailable> {
        let rows: Vec<Undelivered> = self.rows(&UNDELIVERED_DECLARATIONS, [limit.into()]).await?;
        let learned =
            |Undelivered { kind, name, revision, body }: Undelivered| Learned { kind, name, revision, body };
        Ok(rows.into_iter().map(learned).collect())
    }

    async fn delivered(&self, things: &[Learned]) -> Result<(), Unavailable> {
        let rows: Vec<u64> = things.iter().map(|thing| thing.revision).collect();
        let statement = self.statement(&DELIVERED_DECLARATIONS, [serde_json::json!(rows).to_string().into()]);
        self.batch(vec![statement]).await?;
        Ok(())
    }
}
