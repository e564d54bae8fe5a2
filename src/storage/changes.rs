//! The change log's rows: written by the batches that change something, in the same transaction.

use serde_json::{Value, json};

use crate::domain::change::Change;

use super::directory::Tenant;
use super::sql::{self, Engine, Statement, queries};

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

fn row(change: &Change) -> Value {
    json!({
        "id": change.id, "at": change.at.0, "by": change.by, "action": change.action, "subject": change.subject,
        "subject_id": change.subject_id, "before": change.before, "after": change.after,
    })
}
