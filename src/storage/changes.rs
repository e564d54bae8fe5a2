//! The change log's rows: written by the batches that change something, in the same transaction.

use serde_json::{Value, json};

use crate::domain::change::Change;

use super::directory::Tenant;
use super::sql::Value as Bound;
use super::sql::{self, Engine, Query, Statement, queries};

queries! {
    /// [`log`]: ?2 is a JSON array of changes.
    INSERT_CHANGES = "INSERT INTO changes (account_id, id, at, actor, action, subject, subject_id, before, after)
        SELECT ?1, value ->> 'id', value ->> 'at', value ->> 'by', value ->> 'action', value ->> 'subject',
            value ->> 'subject_id', value ->> 'before', value ->> 'after' FROM json_each(?2)";
    /// [`log_if_written`]: changes() counts what the statement before has written.
    INSERT_CHANGE_IF_WRITTEN = "INSERT INTO changes
            (account_id, id, at, actor, action, subject, subject_id, before, after)
        SELECT ?1, value ->> 'id', value ->> 'at', value ->> 'by', value ->> 'action', value ->> 'subject',
            value ->> 'subject_id', value ->> 'before', value ->> 'after' FROM json_each(?2) WHERE changes() > 0";
}

/// For a batch that changes all of it or fails.
pub(super) fn log<E: Engine>(tenant: &Tenant<E>, changes: &[Change]) -> Vec<Statement> {
    let rows = changes.iter().map(row).collect();
    sql::chunks(rows).into_iter().map(|rows| tenant.statement(&INSERT_CHANGES, [rows.into()])).collect()
}

/// Right after a statement that may find nothing to write, which must then leave no trace.
pub(super) fn log_if_written<E: Engine>(tenant: &Tenant<E>, change: &Change) -> Statement {
    tenant.statement(&INSERT_CHANGE_IF_WRITTEN, [json!([row(change)]).to_string().into()])
}

/// The moment of a [`log_each`] as JSON has it.
macro_rules! moment {
    () => {
        "strftime('%Y-%m-%dT%H:%M:%fZ', ?3 / 1000.0, 'unixepoch')"
    };
}
pub(super) use moment;

/// A statement that adds a line for each row of `$rows`, by its `id`: run by [`each`], right before the statement that changes
/// them. A line's id is a UUIDv7 of the write's moment: the front of the write's own, and a tail of the database's making.
macro_rules! log_each {
    ($action:literal, $subject:literal, $before:literal, $after:expr, $($rows:expr),+) => {
        concat!(
            "INSERT INTO changes (account_id, id, at, actor, action, subject, subject_id, before, after)
            SELECT ?1, substr(?2, 1, 20) || lower(substr(hex(randomblob(2)), 1, 3) || '-' || hex(randomblob(6))), ?3, ?4, '",
            $action, "', '", $subject, "', id, ", $before, ", ", $after, " FROM ", $($rows),+
        )
    };
}
pub(super) use log_each;

/// The statement of a [`log_each`], on behalf of `change`; `rest` is `?5` and on.
pub(super) fn each<E: Engine>(
    tenant: &Tenant<E>,
    query: &'static Query,
    change: &Change,
    rest: impl IntoIterator<Item = Bound>,
) -> Statement {
    let by = [change.id.to_string().into(), change.at.0.into(), change.by.to_string().into()];
    tenant.statement(query, by.into_iter().chain(rest))
}

fn row(change: &Change) -> Value {
    json!({
        "id": change.id, "at": change.at.0, "by": change.by, "action": change.action, "subject": change.subject,
        "subject_id": change.subject_id, "before": change.before, "after": change.after,
    })
}
