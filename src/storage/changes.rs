//! The change log's rows: written by the batches that change something, in the same transaction, and read in
//! pages.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::domain::change::{Action, Actor, Change, Subject};
use crate::domain::ids::ChangeId;
use crate::domain::time::Millis;
use crate::ports::{Changes, ChangesOf, Sight, Unavailable};

use super::directory::Tenant;
use super::sql::Value as Bound;
use super::sql::{self, Engine, Failure, Query, Statement, queries};

/// A page of the rows that `$found` narrows to. Of the subjects in the JSON array ?4 only the member ?5, its keys and the
/// key ?6 are shown. Two definitions of an agent may have a megabyte together and
/// a page 200 rows, so a page also ends, after one row at least, where 4 million characters are reached.
/// Every UUID sorts below `g`.
macro_rules! page {
    ($found:literal) => {
        concat!(
            "SELECT c.id, c.at, c.actor, c.action, c.subject, c.subject_id, c.before, c.after, found FROM (
                SELECT listed, count(*) OVER () AS found, sum(size) OVER (ORDER BY listed DESC) - size AS sent FROM (
                    SELECT id AS listed, coalesce(length(before), 0) + coalesce(length(after), 0) AS size
                    FROM changes WHERE account_id = ?1 AND id < coalesce(?3, 'g')
                    AND (subject NOT IN (SELECT value FROM json_each(?4)) OR subject_id = ?5 OR subject_id = ?6
                        OR subject = 'key' AND subject_id IN (SELECT id FROM keys WHERE account_id = ?1 AND member_id = ?5))",
            $found,
            " ORDER BY id DESC LIMIT ?2))
             CROSS JOIN changes AS c ON c.account_id = ?1 AND c.id = listed
             WHERE sent < 4000000 ORDER BY c.id DESC"
        )
    };
}

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
    /// [`Changes::changes`].
    CHANGES = page!("");
    /// [`Changes::changes`].
    CHANGES_OF_KIND = page!(" AND subject = ?7");
    /// [`Changes::changes`].
    CHANGES_OF_ONE = page!(" AND subject = ?7 AND subject_id = ?8");
}

#[derive(Deserialize)]
struct Row {
    id: ChangeId,
    at: i64,
    actor: String,
    action: Action,
    subject: Subject,
    subject_id: String,
    before: Option<String>,
    after: Option<String>,
    /// How many rows there were before the page was cut by size.
    found: usize,
}

impl Row {
    fn into_change(self) -> Result<Change, Failure> {
        let by = Actor::parse(&self.actor)
            .ok_or_else(|| Failure::Unavailable(format!("changes.actor: {}", self.actor)))?;
        // Releases before wrote what members have in their profiles.
        let is_member = self.subject.as_str() == "member";
        let state = |column, text: Option<String>| {
            let mut state: Option<Value> = text.map(|text| sql::json(column, &text)).transpose()?;
            if let Some(Value::Object(fields)) = state.as_mut().filter(|_| is_member) {
                fields.remove("profile");
            }
            Ok::<_, Failure>(state)
        };
        Ok(Change {
            id: self.id,
            at: Millis(self.at),
            by,
            action: self.action,
            subject: self.subject,
            subject_id: self.subject_id,
            before: state("changes.before", self.before)?,
            after: state("changes.after", self.after)?,
        })
    }
}

/// The statements that log these changes, for a batch that makes all of them or fails.
pub(super) fn log<E: Engine>(tenant: &Tenant<E>, changes: &[Change]) -> Vec<Statement> {
    let rows = changes.iter().map(row).collect();
    sql::chunks(rows).into_iter().map(|rows| tenant.statement(&INSERT_CHANGES, [rows.into()])).collect()
}

/// The statement that logs a change only if the statement right before it has written something.
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

/// A statement that adds a line for each row of `$rows`, by its `id`: run by [`each`], right before the
/// statement that changes them. A line's id is a UUIDv7 of the write's moment: the front is that of the
/// write's own id, the rest is random.
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

/// Runs a statement with `RETURNING` that touches a row unless that is no longer as it was read, and logs it.
pub(super) async fn write_logged<E: Engine>(
    tenant: &Tenant<E>,
    query: &'static Query,
    rest: impl IntoIterator<Item = Bound>,
    change: &Change,
) -> Result<(), Failure> {
    write_guarded(tenant, query, rest, change, None).await
}

/// [`write_logged`], followed by other statements, such as a guard that may end the batch.
pub(super) async fn write_guarded<E: Engine>(
    tenant: &Tenant<E>,
    query: &'static Query,
    rest: impl IntoIterator<Item = Bound>,
    change: &Change,
    others: impl IntoIterator<Item = Statement>,
) -> Result<(), Failure> {
    let mut batch = vec![tenant.statement(query, rest), log_if_written(tenant, change)];
    batch.extend(others);
    let touched: Vec<IgnoredAny> = sql::rows_of(&tenant.batch(batch).await?, 0)?;
    if touched.is_empty() { Err(Failure::Moved) } else { Ok(()) }
}

impl<E: Engine> Changes for Tenant<E> {
    async fn changes(
        &self,
        limit: u32,
        before: Option<ChangeId>,
        of: &ChangesOf,
        sight: &Sight,
    ) -> Result<(Vec<Change>, bool), Unavailable> {
        // One row more than the page has shows whether there is a next page.
        let mut values: Vec<sql::Value> = vec![
            (limit + 1).into(),
            before.map(|before| before.to_string()).into(),
            json!(sight.hidden).to_string().into(),
            sight.member.map(|member| member.to_string()).into(),
            sight.key.to_string().into(),
        ];
        let query = match of {
            ChangesOf::Everything => &CHANGES,
            ChangesOf::Every(subject) => {
                values.push(subject.as_str().into());
                &CHANGES_OF_KIND
            }
            ChangesOf::One(subject, id) => {
                values.extend([subject.as_str().into(), id.as_str().into()]);
                &CHANGES_OF_ONE
            }
        };
        let mut rows: Vec<Row> = self.rows(query, values).await?;
        rows.truncate(limit as usize);
        let more = rows.first().is_some_and(|row| row.found > rows.len());
        let changes = rows.into_iter().map(Row::into_change).collect::<Result<_, Failure>>()?;
        Ok((changes, more))
    }
}
