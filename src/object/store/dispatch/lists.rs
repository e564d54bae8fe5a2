//! The pages of lists.

use super::{Is, optional, text};
use crate::domain::dispatch::command::{List, Order, Position};
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;
use crate::sql::{Query, queries};

/// What every list reads of an entry.
macro_rules! listed {
    ($from:literal) => {
        concat!(
            "SELECT e.id, e.agent, e.status, e.user, e.created_at, e.updated_at, e.shown,
            ?1 IS NULL OR EXISTS (SELECT 1 FROM labels l
                WHERE l.kind = e.kind AND l.label = ?1 AND l.created_at = e.created_at AND l.id = e.id) FROM ",
            $from
        )
    };
}

queries! {
    /// `page`
    BY_TIME = listed!("entries e WHERE kind = ?2 AND created_at >= ?3 AND (created_at, id) < (?4, ?5)
        ORDER BY created_at DESC, id DESC LIMIT ?6");
    /// `page`
    BY_AGENT = listed!("entries e WHERE kind = ?2 AND created_at >= ?3 AND (created_at, id) < (?4, ?5) AND agent = ?7
        ORDER BY created_at DESC, id DESC LIMIT ?6");
    /// `page`
    BY_STATUS = listed!("entries e WHERE kind = ?2 AND created_at >= ?3 AND (created_at, id) < (?4, ?5) AND status = ?7
        ORDER BY created_at DESC, id DESC LIMIT ?6");
    /// `page`
    BY_USER = listed!("entries e WHERE kind = ?2 AND created_at >= ?3 AND (created_at, id) < (?4, ?5) AND user = ?7
        ORDER BY created_at DESC, id DESC LIMIT ?6");
    /// `page`
    BY_LABEL = listed!("labels n CROSS JOIN entries e ON e.id = n.id
        WHERE n.kind = ?2 AND n.created_at >= ?3 AND (n.created_at, n.id) < (?4, ?5) AND n.label = ?7
        ORDER BY n.created_at DESC, n.id DESC LIMIT ?6");
    /// `page`
    THREADS_BY_UPDATE = listed!("entries e WHERE kind = 0 AND kind = ?2 AND updated_at >= ?3
        AND (updated_at, id) < (?4, ?5) ORDER BY updated_at DESC, id DESC LIMIT ?6");
    /// `page`
    THREADS_BY_USER = listed!("entries e WHERE kind = 0 AND kind = ?2 AND updated_at >= ?3
        AND (updated_at, id) < (?4, ?5) AND user = ?7 ORDER BY updated_at DESC, id DESC LIMIT ?6");
}

/// An entry on its way into a page.
#[derive(Clone, Debug)]
pub struct Found {
    pub position: Position,
    /// Whether it is all that the list asks for.
    pub fits: bool,
    pub shown: String,
}

/// Which index a list goes by, and the value that it looks for there: the one that leaves the fewest to be looked at. That
/// a run is over or a thread idle says of most of them, so that comes last.
fn index(list: &List) -> (&'static Query, Option<String>) {
    let is_common = |status: &&String| matches!(status.as_str(), "completed" | "idle");
    match (list.order, &list.user, &list.label, list.status.as_ref().filter(|status| !is_common(status))) {
        (Order::Updated, Some(user), ..) => (&THREADS_BY_USER, Some(user.clone())),
        (Order::Updated, None, ..) => (&THREADS_BY_UPDATE, None),
        (_, Some(user), ..) => (&BY_USER, Some(user.clone())),
        (_, _, Some(label), _) => (&BY_LABEL, Some(label.clone())),
        (_, _, _, Some(status)) => (&BY_STATUS, Some(status.clone())),
        _ => match (&list.agent, &list.status) {
            (Some(agent), _) => (&BY_AGENT, Some(agent.to_string())),
            (None, Some(status)) => (&BY_STATUS, Some(status.clone())),
            (None, None) => (&BY_TIME, None),
        },
    }
}

/// At most so many entries behind a position, whether or not they are what is asked for.
///
/// # Errors
/// [`Error`].
pub fn page(sql: &impl Sql, list: &List, after: &Position, most: u32) -> Result<Vec<Found>, Error> {
    let (query, value) = index(list);
    let mut values = vec![
        optional(list.label.as_ref()),
        Value::Integer(Is::from(list.kind).number()),
        Value::Integer(list.since.0),
        Value::Integer(after.at.0),
        text(&after.id),
        Value::Integer(most.into()),
    ];
    values.extend(value.map(Value::Text));
    let agent = list.agent.map(|agent| agent.to_string());
    sql.query(query, &values)?.iter().map(|row| found(row, list, agent.as_deref())).collect()
}

fn found(row: &[Value], list: &List, agent: Option<&str>) -> Result<Found, Error> {
    let mut columns = Columns::of(row);
    let id = columns.text()?.to_owned();
    let (of, status, user) = (columns.text()?, columns.text()?, columns.optional_text()?);
    let (created_at, updated_at) = (Millis(columns.integer()?), Millis(columns.integer()?));
    let shown = columns.text()?;
    let fits = columns.integer()? == 1
        && agent.is_none_or(|agent| agent == of)
        && list.status.as_ref().is_none_or(|wanted| wanted == status)
        && list.user.as_ref().is_none_or(|wanted| user == Some(wanted));
    let at = if list.order == Order::Updated { updated_at } else { created_at };
    let shown = if fits { shown.to_owned() } else { String::new() };
    Ok(Found { position: Position { at, id }, fits, shown })
}
