//! Lists of agents, newest first. A filter is looked up in an index that has this order; what no index covers
//! is checked on the rows that are found, of which at most [`MAX_WALK`] are read.
//!
//! Each page begins after a position in that order, the first after the end of time; so rows that are added
//! between two pages move nothing.

#[macro_use]
mod pieces;

use serde::Deserialize;
use serde_json::json;

use crate::domain::agent::{Agent, Status};
use crate::domain::ids::AgentId;
use crate::domain::time::Millis;
use crate::ports::{AgentFilter, AgentList, AgentPosition, Callable, FoundAgents, Unavailable};

use super::agents::Row;
use super::directory::Tenant;
use super::save_agents::drawer;
use super::sql::{self, Engine, Failure, Query, Value, queries};

/// The most rows that are read for a page.
const MAX_WALK: u32 = 1_000;
/// A word that begins more entries than this is common: the agents are read for it, not its entries.
const MAX_RARE: u32 = 200;

queries! {
    /// [`Index`]: all in use.
    AGENTS_IN_USE = agents!("id", "agents WHERE account_id = ?1 AND archived_at IS NULL");
    PLACE_IN_USE = place!("id", "agents WHERE account_id = ?1 AND archived_at IS NULL");
    /// [`Index`]: by status.
    AGENTS_OF_STATUS = agents!("id", "agents WHERE account_id = ?1 AND archived_at IS NULL AND status = ?5");
    PLACE_OF_STATUS = place!("id", "agents WHERE account_id = ?1 AND archived_at IS NULL AND status = ?5");
    /// [`Index`]: by type.
    AGENTS_OF_TYPE = agents!("id", "agents WHERE account_id = ?1 AND archived_at IS NULL AND type = ?5");
    PLACE_OF_TYPE = place!("id", "agents WHERE account_id = ?1 AND archived_at IS NULL AND type = ?5");
    /// [`Index`]: by status and type.
    AGENTS_OF_STATUS_AND_TYPE =
        agents!("id", "agents WHERE account_id = ?1 AND archived_at IS NULL AND status = ?5 AND type = ?6");
    PLACE_OF_STATUS_AND_TYPE =
        place!("id", "agents WHERE account_id = ?1 AND archived_at IS NULL AND status = ?5 AND type = ?6");
    /// [`Index`]: archived ones.
    AGENTS_ARCHIVED = agents!("id", "agents WHERE account_id = ?1 AND archived_at IS NOT NULL");
    PLACE_ARCHIVED = place!("id", "agents WHERE account_id = ?1 AND archived_at IS NOT NULL");
    /// [`Index`]: by label.
    AGENTS_LABELLED = agents!("agent_id", "agent_labels WHERE account_id = ?1 AND label = ?5");
    PLACE_LABELLED = place!("agent_id", "agent_labels WHERE account_id = ?1 AND label = ?5");
    /// [`Wanted::rarest`]: how many entries each of a JSON array of words begins, counted to ?3.
    COUNT_WORDS = "SELECT (SELECT count(*) FROM (SELECT 1 FROM agent_words WHERE account_id = ?1
            AND word >= wanted.value AND word < wanted.value || char(1114111) LIMIT ?3)) AS entries
        FROM json_each(?2) AS wanted ORDER BY wanted.key";
    /// [`AgentList::find_agents`] by a rare word ?5, whatever else. CROSS JOIN keeps the words outermost.
    AGENTS_WORDED = whole!(concat!("SELECT a.id, length(a.definition) AS size FROM (
            SELECT DISTINCT agent_id FROM agent_words
            WHERE account_id = ?1 AND word >= ?5 AND word < ?5 || char(1114111)) AS w
        CROSS JOIN agents AS a ON a.account_id = ?1 AND a.id = w.agent_id
        WHERE (a.created_at, a.id) < (?3, ?4) AND (?7 IS NULL OR a.status = ?7) AND (?8 IS NULL OR a.type = ?8)
            AND (?9 IS NULL OR EXISTS (SELECT 1 FROM agent_labels WHERE account_id = ?1 AND label = ?9
                AND created_at = a.created_at AND agent_id = a.id))
            AND ", has_words!("?6"), "
        ORDER BY a.created_at DESC, a.id DESC LIMIT ?2"));
    /// [`Index`]: all whose calls are answered.
    AGENTS_CALLABLE = walk!(card!(), answers!(), "id",
        "agents WHERE account_id = ?1 AND archived_at IS NULL");
    /// [`Index`]: the public ones of them.
    AGENTS_PUBLIC = walk!(card!(), answers!(), "id",
        "agents WHERE account_id = ?1 AND archived_at IS NULL AND access = 'public'");
    PLACE_PUBLIC = place!("id", "agents WHERE account_id = ?1 AND archived_at IS NULL AND access = 'public'");
    /// [`AgentList::find_callable`], those of the JSON array ?8, which a key names. CROSS JOIN keeps them outermost.
    AGENTS_ALLOWED = concat!("SELECT ", card!(), " FROM json_each(?8) AS name
        CROSS JOIN agents AS a ON a.account_id = ?1 AND a.id = name.value
        WHERE a.archived_at IS NULL AND (a.created_at, a.id) < (?3, ?4)", answers!(), "
            AND (?5 IS NULL OR a.status = ?5) AND (?6 IS NULL OR a.type = ?6) AND ", has_words!("?7"), "
        ORDER BY a.created_at DESC, a.id DESC LIMIT ?2");
    /// [`AgentList::named_in_lines`]: it goes through all of the account's, as seldom as something that lines may name is
    /// deleted.
    NAMED_IN_LINES = "SELECT * FROM (SELECT 'agent ' || slug AS name, json_each.value AS line FROM agents
            JOIN json_each(json_array(definition ->> 'model', definition ->> 'embeddings'))
            WHERE account_id = ?1 AND archived_at IS NULL AND instr(json_each.value, ?2) > 0
            ORDER BY slug)
        UNION ALL SELECT * FROM (SELECT 'template ' || slug AS name, json_each.value AS line FROM templates
            JOIN json_each(json_array(definition ->> 'model', definition ->> 'embeddings'))
            WHERE account_id = ?1 AND instr(json_each.value, ?2) > 0 ORDER BY slug)";
    /// [`AgentList::naming_webhook`]: it goes through all of the account's, as seldom as a webhook is deleted.
    NAMING_WEBHOOK = "SELECT * FROM (SELECT 'agent ' || slug AS name FROM agents
            WHERE account_id = ?1 AND archived_at IS NULL
            AND EXISTS (SELECT 1 FROM json_each(definition, '$.webhooks') WHERE value = ?2) ORDER BY slug)
        UNION ALL SELECT * FROM (SELECT 'template ' || slug AS name FROM templates WHERE account_id = ?1
            AND EXISTS (SELECT 1 FROM json_each(definition, '$.webhooks') WHERE value = ?2) ORDER BY slug)";
    /// [`AgentList::names_taken`]: ?2 is a JSON array of names.
    NAMES_TAKEN = "SELECT DISTINCT a.name FROM json_each(?2) AS wanted
        CROSS JOIN agents AS a ON a.account_id = ?1 AND a.name = wanted.value AND a.archived_at IS NULL";
}

#[derive(Deserialize)]
struct Named {
    name: String,
    line: String,
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

#[derive(Deserialize)]
struct Count {
    entries: u32,
}

#[derive(Deserialize)]
struct Place {
    created_at: i64,
    id: AgentId,
}

/// An index in the order of lists, and what it is asked for.
struct Index {
    walk: &'static Query,
    place: &'static Query,
    asked: Vec<Value>,
    /// Rows of it may not be wanted, whatever else is asked for.
    is_wider: bool,
}

/// After the newest: no moment is later than 2⁵³ − 1 ms.
const END_OF_TIME: i64 = (1 << 53) - 1;

fn place_of(after: Option<AgentPosition>) -> [Value; 2] {
    let (created_at, id) =
        after.map_or((END_OF_TIME, String::new()), |after| (after.created_at.0, after.id.to_string()));
    [created_at.into(), id.into()]
}

/// A filter in the words of the tables.
struct Wanted<'a> {
    is_archived: bool,
    status: Option<&'static str>,
    kind: Option<&'a str>,
    label: Option<String>,
    words: Vec<String>,
}

impl<'a> Wanted<'a> {
    fn of(filter: &'a AgentFilter) -> Self {
        let is_archived = filter.status == Some(Status::Archived);
        let filed = |word: &String| format!("{}{word}", drawer(is_archived));
        Self {
            is_archived,
            status: filter.status.filter(|_| !is_archived).map(Status::name),
            kind: filter.kind.as_deref(),
            label: filter.label.as_ref().map(filed),
            words: filter.words.iter().map(filed).collect(),
        }
    }

    /// The word that begins the fewest entries, unless all are common.
    async fn rarest<E: Engine>(&self, tenant: &Tenant<E>) -> Result<Option<String>, Failure> {
        if self.words.is_empty() {
            return Ok(None);
        }
        let values = [json!(self.words).to_string().into(), (MAX_RARE + 1).into()];
        let counts: Vec<Count> = tenant.rows(&COUNT_WORDS, values).await?;
        let rarest = counts.into_iter().zip(&self.words).min_by_key(|(count, _)| count.entries);
        Ok(rarest.filter(|(count, _)| count.entries <= MAX_RARE).map(|(_, word)| word.clone()))
    }

    async fn by_word<E: Engine>(
        &self,
        tenant: &Tenant<E>,
        word: &str,
        limit: u32,
        [created_at, id]: [Value; 2],
    ) -> Result<FoundAgents, Failure> {
        let others: Vec<&String> = self.words.iter().filter(|other| *other != word).collect();
        let values = [
            limit.into(),
            created_at,
            id,
            word.into(),
            json!(others).to_string().into(),
            self.status.into(),
            self.kind.into(),
            self.label.as_deref().into(),
        ];
        Self::found(tenant.rows(&AGENTS_WORDED, values).await?)
    }

    /// At most so many, whatever words and index; the rest of a page that became too large is for the next one.
    fn found(rows: Vec<Row>) -> Result<FoundAgents, Failure> {
        let count = rows.len();
        let agents = agents(rows.into_iter().take_while(Row::has_definition).collect())?;
        let last = agents.last().filter(|_| agents.len() < count);
        Ok(FoundAgents { stopped_at: last.map(AgentPosition::of), agents })
    }

    /// A short page is read again together with where the search ends: in one step, because both count rows,
    /// and agents that are added or removed between the two would be listed twice or never.
    async fn walk<E: Engine>(
        &self,
        tenant: &Tenant<E>,
        limit: u32,
        place: [Value; 2],
        (index, status, kind): (Index, Option<&'static str>, Option<&str>),
    ) -> Result<FoundAgents, Failure> {
        let is_exact = !index.is_wider && status.is_none() && kind.is_none() && self.words.is_empty();
        let most = if is_exact { limit } else { MAX_WALK.max(limit) };
        let walk = || {
            let [first, second] = [0, 1].map(|n| index.asked.get(n).cloned().unwrap_or(Value::Null));
            let [created_at, id] = place.clone();
            let words = json!(self.words).to_string().into();
            let rest = [first, second, most.into(), words, status.into(), kind.into()];
            tenant.statement(index.walk, [limit.into(), created_at, id].into_iter().chain(rest))
        };
        let rows: Vec<Row> = sql::rows_of(&tenant.batch(vec![walk()]).await?, 0)?;
        if is_exact || rows.len() == limit as usize {
            return Self::found(rows);
        }
        let end = [(most - 1).into()].into_iter().chain(place.clone()).chain(index.asked.iter().cloned());
        let answers = tenant.batch(vec![walk(), tenant.statement(index.place, end)]).await?;
        let rows: Vec<Row> = sql::rows_of(&answers, 0)?;
        let last: Vec<Place> = sql::rows_of(&answers, 1)?;
        let is_short = rows.len() < limit as usize;
        let found = Self::found(rows)?;
        let end = || last.first().filter(|_| is_short).map(Place::position);
        Ok(FoundAgents { stopped_at: found.stopped_at.or_else(end), ..found })
    }

    /// The index that covers the most of the filter, and the status and type that it does not cover.
    fn index(&self) -> (Index, Option<&'static str>, Option<&str>) {
        let index = |walk, place, asked| Index { walk, place, asked, is_wider: false };
        match (&self.label, self.status, self.kind) {
            (Some(label), status, kind) => {
                (index(&AGENTS_LABELLED, &PLACE_LABELLED, vec![label.as_str().into()]), status, kind)
            }
            (None, _, kind) if self.is_archived => {
                (index(&AGENTS_ARCHIVED, &PLACE_ARCHIVED, Vec::new()), None, kind)
            }
            (None, None, None) => (index(&AGENTS_IN_USE, &PLACE_IN_USE, Vec::new()), None, None),
            (None, Some(status), None) => {
                (index(&AGENTS_OF_STATUS, &PLACE_OF_STATUS, vec![status.into()]), None, None)
            }
            (None, None, Some(kind)) => {
                (index(&AGENTS_OF_TYPE, &PLACE_OF_TYPE, vec![kind.into()]), None, None)
            }
            (None, Some(status), Some(kind)) => {
                let asked = vec![status.into(), kind.into()];
                (index(&AGENTS_OF_STATUS_AND_TYPE, &PLACE_OF_STATUS_AND_TYPE, asked), None, None)
            }
        }
    }
}

impl Place {
    const fn position(&self) -> AgentPosition {
        AgentPosition { created_at: Millis(self.created_at), id: self.id }
    }
}

fn agents(rows: Vec<Row>) -> Result<Vec<Agent>, Failure> {
    rows.into_iter().map(Row::into_agent).collect()
}

impl<E: Engine> AgentList for Tenant<E> {
    async fn find_agents(
        &self,
        filter: &AgentFilter,
        limit: u32,
        after: Option<AgentPosition>,
    ) -> Result<FoundAgents, Unavailable> {
        let wanted = Wanted::of(filter);
        let place = place_of(after);
        if let Some(rare) = wanted.rarest(self).await? {
            return Ok(wanted.by_word(self, &rare, limit, place).await?);
        }
        Ok(wanted.walk(self, limit, place, wanted.index()).await?)
    }

    async fn find_callable(
        &self,
        filter: &AgentFilter,
        callable: &Callable,
        limit: u32,
        after: Option<AgentPosition>,
    ) -> Result<FoundAgents, Unavailable> {
        let wanted = Wanted::of(filter);
        if wanted.is_archived {
            return Ok(FoundAgents { agents: Vec::new(), stopped_at: None });
        }
        let (walk, place) = match callable {
            Callable::All => (&AGENTS_CALLABLE, &PLACE_IN_USE),
            Callable::Public => (&AGENTS_PUBLIC, &PLACE_PUBLIC),
            Callable::These(ids) => {
                let [created_at, id] = place_of(after);
                let words = json!(wanted.words).to_string().into();
                let these = json!(ids).to_string().into();
                let narrowed = [wanted.status.into(), wanted.kind.into(), words, these];
                let values = [limit.into(), created_at, id].into_iter().chain(narrowed);
                return Ok(Wanted::found(self.rows(&AGENTS_ALLOWED, values).await?)?);
            }
        };
        let index = Index { walk, place, asked: Vec::new(), is_wider: true };
        Ok(wanted.walk(self, limit, place_of(after), (index, wanted.status, wanted.kind)).await?)
    }

    async fn named_in_lines(&self, text: &str) -> Result<Vec<(String, String)>, Unavailable> {
        let rows: Vec<Named> = self.rows(&NAMED_IN_LINES, [text.into()]).await?;
        Ok(rows.into_iter().map(|Named { name, line }| (name, line)).collect())
    }

    async fn naming_webhook(&self, name: &str) -> Result<Vec<String>, Unavailable> {
        let rows: Vec<Name> = self.rows(&NAMING_WEBHOOK, [name.into()]).await?;
        Ok(rows.into_iter().map(|row| row.name).collect())
    }

    async fn names_taken(&self, names: &[String]) -> Result<Vec<String>, Unavailable> {
        let rows: Vec<Name> = self.rows(&NAMES_TAKEN, [json!(names).to_string().into()]).await?;
        Ok(rows.into_iter().map(|row| row.name).collect())
    }
}
