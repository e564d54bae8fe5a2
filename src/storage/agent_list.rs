//! Lists of agents, newest first: every way to narrow one is driven by an index and checks the rest on the rows it finds.
//!
//! Each page begins after a place in that order, the first after the end of time; so rows that are added meanwhile move
//! nothing.

use serde::Deserialize;
use serde_json::json;

use crate::domain::agent::{Agent, Status};
use crate::ports::{AgentFilter, AgentPosition};

use super::agent_rows::drawer;
use super::agents::Row;
use super::directory::Tenant;
use super::sql::{Engine, Failure, Query, Value, queries};

queries! {
    /// [`find`] all in use.
    AGENTS_IN_USE = "SELECT * FROM agents
        WHERE account_id = ?1 AND archived_at IS NULL AND (created_at, id) < (?3, ?4)
        ORDER BY created_at DESC, id DESC LIMIT ?2";
    /// [`find`] by status.
    AGENTS_OF_STATUS = "SELECT * FROM agents
        WHERE account_id = ?1 AND archived_at IS NULL AND status = ?5 AND (created_at, id) < (?3, ?4)
        ORDER BY created_at DESC, id DESC LIMIT ?2";
    /// [`find`] by type.
    AGENTS_OF_TYPE = "SELECT * FROM agents
        WHERE account_id = ?1 AND archived_at IS NULL AND type = ?5 AND (created_at, id) < (?3, ?4)
        ORDER BY created_at DESC, id DESC LIMIT ?2";
    /// [`find`] by status and type.
    AGENTS_OF_STATUS_AND_TYPE = "SELECT * FROM agents
        WHERE account_id = ?1 AND archived_at IS NULL AND status = ?5 AND type = ?6 AND (created_at, id) < (?3, ?4)
        ORDER BY created_at DESC, id DESC LIMIT ?2";
    /// [`find`] archived ones.
    AGENTS_ARCHIVED = "SELECT * FROM agents
        WHERE account_id = ?1 AND archived_at IS NOT NULL AND (created_at, id) < (?3, ?4)
            AND (?5 IS NULL OR type = ?5)
        ORDER BY created_at DESC, id DESC LIMIT ?2";
    /// [`find`] by label, whatever else: ?8 is a JSON array of how words begin.
    AGENTS_LABELLED = "SELECT a.* FROM agent_labels AS l CROSS JOIN agents AS a
            ON a.account_id = ?1 AND a.id = l.agent_id
        WHERE l.account_id = ?1 AND l.label = ?5 AND (l.created_at, l.agent_id) < (?3, ?4)
            AND (?6 IS NULL OR a.status = ?6) AND (?7 IS NULL OR a.type = ?7)
            AND NOT EXISTS (SELECT 1 FROM json_each(?8) AS wanted WHERE NOT EXISTS (
                SELECT 1 FROM agent_words AS found WHERE found.account_id = ?1 AND found.agent_id = l.agent_id
                    AND found.word >= wanted.value AND found.word < wanted.value || char(1114111)))
        ORDER BY l.created_at DESC, l.agent_id DESC LIMIT ?2";
    /// [`find`] by how words begin, without a label: ?5 is one of the array ?8. CROSS JOIN keeps the words outermost.
    AGENTS_WORDED = "SELECT a.* FROM (
            SELECT DISTINCT agent_id FROM agent_words
            WHERE account_id = ?1 AND word >= ?5 AND word < ?5 || char(1114111)) AS w
        CROSS JOIN agents AS a ON a.account_id = ?1 AND a.id = w.agent_id
        WHERE (a.created_at, a.id) < (?3, ?4) AND (?6 IS NULL OR a.status = ?6) AND (?7 IS NULL OR a.type = ?7)
            AND NOT EXISTS (SELECT 1 FROM json_each(?8) AS wanted WHERE NOT EXISTS (
                SELECT 1 FROM agent_words AS found WHERE found.account_id = ?1 AND found.agent_id = w.agent_id
                    AND found.word >= wanted.value AND found.word < wanted.value || char(1114111)))
        ORDER BY a.created_at DESC, a.id DESC LIMIT ?2";
    /// [`copies_named`]: ?2 is a JSON array of names.
    COPIES_NAMED = "SELECT DISTINCT a.name FROM agent_words AS found
        CROSS JOIN agents AS a ON a.account_id = ?1 AND a.id = found.agent_id
        WHERE found.account_id = ?1 AND found.word = 'copy' AND a.name IN (SELECT value FROM json_each(?2))";
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

/// After the newest: no moment is later than 2⁵³ − 1 ms.
const END_OF_TIME: i64 = (1 << 53) - 1;

pub(super) async fn find<E: Engine>(
    tenant: &Tenant<E>,
    filter: &AgentFilter,
    limit: u32,
    after: Option<AgentPosition>,
) -> Result<Vec<Agent>, Failure> {
    let (created_at, id) =
        after.map_or((END_OF_TIME, String::new()), |after| (after.created_at.0, after.id.to_string()));
    let (query, narrow) = by(filter);
    let page: [Value; 3] = [limit.into(), created_at.into(), id.into()];
    let rows: Vec<Row> = tenant.rows(query, page.into_iter().chain(narrow)).await?;
    rows.into_iter().map(Row::into_agent).collect()
}

/// The statement that a filter is driven by, and its values from ?5 on.
fn by(filter: &AgentFilter) -> (&'static Query, Vec<Value>) {
    let is_archived = filter.status == Some(Status::Archived);
    let status = filter.status.filter(|_| !is_archived).map(Status::name);
    let kind = filter.kind.as_deref();
    let filed = |word: &str| format!("{}{word}", drawer(is_archived));
    let words: Vec<String> = filter.words.iter().map(|word| filed(word)).collect();
    let rest =
        |first: String| vec![first.into(), status.into(), kind.into(), json!(words).to_string().into()];
    // The longest is in the fewest names.
    let word = words.iter().max_by_key(|word| word.len());
    match (&filter.label, word, status, kind) {
        (Some(label), ..) => (&AGENTS_LABELLED, rest(filed(label))),
        (None, Some(word), ..) => (&AGENTS_WORDED, rest(word.clone())),
        (None, None, _, kind) if is_archived => (&AGENTS_ARCHIVED, vec![kind.into()]),
        (None, None, None, None) => (&AGENTS_IN_USE, Vec::new()),
        (None, None, Some(status), None) => (&AGENTS_OF_STATUS, vec![status.into()]),
        (None, None, None, Some(kind)) => (&AGENTS_OF_TYPE, vec![kind.into()]),
        (None, None, Some(status), Some(kind)) => {
            (&AGENTS_OF_STATUS_AND_TYPE, vec![status.into(), kind.into()])
        }
    }
}

pub(super) async fn copies_named<E: Engine>(
    tenant: &Tenant<E>,
    names: &[String],
) -> Result<Vec<String>, Failure> {
    let rows: Vec<Name> = tenant.rows(&COPIES_NAMED, [json!(names).to_string().into()]).await?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}
