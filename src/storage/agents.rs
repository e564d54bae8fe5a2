//! Agents' rows and the versions they leave behind.
//!
//! A change is written only over the row it was made from: a version and `updated_at`, which grows with every
//! change, tell whether it still is that row. So two writers never mix, and a cap is not undone by one who read
//! the row before it was set.

use serde::Deserialize;

use crate::domain::agent::Agent;
use crate::domain::budget::{Action, Budget, Period};
use crate::domain::ids::{AgentId, KeyId};
use crate::domain::money::Nanos;
use crate::domain::slug::Slug;
use crate::domain::time::Millis;
use crate::ports::{AgentPosition, AgentRef};

use super::directory::Tenant;
use super::sql::{self, Answer, Engine, Failure, Statement, Value, queries};

queries! {
    /// [`find`] by id, and [`super::resolve`].
    AGENT_BY_ID = "SELECT id, slug, version, definition, budget_limit, budget_period, budget_action, created_at,
            updated_at
        FROM agents WHERE account_id = ?1 AND id = ?2 AND archived_at IS NULL";
    /// [`find`] by slug, and [`super::resolve`].
    AGENT_BY_SLUG = "SELECT id, slug, version, definition, budget_limit, budget_period, budget_action, created_at,
            updated_at
        FROM agents WHERE account_id = ?1 AND slug = ?2 AND archived_at IS NULL";
    /// [`list`], the first page.
    AGENTS_NEWEST = "SELECT id, slug, version, definition, budget_limit, budget_period, budget_action, created_at,
            updated_at
        FROM agents WHERE account_id = ?1 AND archived_at IS NULL
        ORDER BY created_at DESC, id DESC LIMIT ?2";
    /// [`list`], the pages after it.
    AGENTS_AFTER = "SELECT id, slug, version, definition, budget_limit, budget_period, budget_action, created_at,
            updated_at
        FROM agents WHERE account_id = ?1 AND archived_at IS NULL AND (created_at, id) < (?3, ?4)
        ORDER BY created_at DESC, id DESC LIMIT ?2";
    /// [`named`]: ?2 is a JSON array of ids and slugs. CROSS JOIN keeps the names outermost, so each costs two
    /// look-ups.
    AGENTS_NAMED = "SELECT a.id, a.slug FROM json_each(?2) AS name CROSS JOIN agents AS a
            ON a.account_id = ?1 AND a.id = name.value AND a.archived_at IS NULL
        UNION SELECT a.id, a.slug FROM json_each(?2) AS name CROSS JOIN agents AS a
            ON a.account_id = ?1 AND a.slug = name.value AND a.archived_at IS NULL";
    /// [`ever`] by id: archived ones too.
    AGENT_EVER = "SELECT id FROM agents WHERE account_id = ?1 AND id = ?2";
    /// [`ever`] by slug.
    AGENT_NOW = "SELECT id FROM agents WHERE account_id = ?1 AND slug = ?2 AND archived_at IS NULL";
    /// [`insert`].
    INSERT_AGENT = "INSERT INTO agents (account_id, id, slug, name, access, version, definition,
            budget_limit, budget_period, budget_action, created_at, updated_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    /// [`insert`].
    INSERT_VERSION = "INSERT INTO agent_versions (account_id, agent_id, version, definition, created_at, created_by)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    /// [`update`], before [`UPDATE_AGENT`] and under the same condition.
    INSERT_NEXT_VERSION = "INSERT INTO agent_versions
            (account_id, agent_id, version, definition, created_at, created_by)
        SELECT account_id, id, ?5, ?6, ?7, ?8 FROM agents
        WHERE account_id = ?1 AND id = ?2 AND version = ?3 AND updated_at = ?4 AND archived_at IS NULL";
    /// [`update`].
    UPDATE_AGENT = "UPDATE agents SET slug = ?5, name = ?6, access = ?7, version = ?8, definition = ?9,
            budget_limit = ?10, budget_period = ?11, budget_action = ?12, updated_at = ?13
        WHERE account_id = ?1 AND id = ?2 AND version = ?3 AND updated_at = ?4 AND archived_at IS NULL
        RETURNING id";
    /// [`archive`]. A clock that went back must not break the row's own constraint.
    ARCHIVE_AGENT = "UPDATE agents SET archived_at = max(?3, created_at)
        WHERE account_id = ?1 AND id = ?2 AND archived_at IS NULL RETURNING id";
}

#[derive(Deserialize)]
struct Row {
    id: AgentId,
    slug: Slug,
    version: u32,
    definition: String,
    budget_limit: Option<i64>,
    budget_period: Option<Period>,
    budget_action: Option<Action>,
    created_at: i64,
    updated_at: i64,
}

impl Row {
    fn into_agent(self) -> Result<Agent, Failure> {
        let budget = match (self.budget_limit, self.budget_period, self.budget_action) {
            (Some(limit), Some(period), Some(action)) => {
                Some(Budget { limit: Nanos::from_i64(limit), period, action })
            }
            _ => None,
        };
        Ok(Agent {
            id: self.id,
            slug: self.slug,
            version: self.version,
            definition: sql::json("agents.definition", &self.definition)?,
            budget,
            created_at: Millis(self.created_at),
            updated_at: Millis(self.updated_at),
        })
    }
}

#[derive(Deserialize)]
struct Name {
    id: AgentId,
    slug: Slug,
}

#[derive(Deserialize)]
struct Id {
    id: AgentId,
}

/// The statement that finds one.
pub(super) fn by<E: Engine>(tenant: &Tenant<E>, of: &AgentRef) -> Statement {
    match of {
        AgentRef::Id(id) => tenant.statement(&AGENT_BY_ID, [id.to_string().into()]),
        AgentRef::Slug(slug) => tenant.statement(&AGENT_BY_SLUG, [slug.as_str().into()]),
    }
}

/// The first row of a statement on agents.
pub(super) fn first(answer: &impl Answer) -> Result<Option<Agent>, Failure> {
    answer.rows::<Row>()?.into_iter().next().map(Row::into_agent).transpose()
}

pub(super) async fn find<E: Engine>(tenant: &Tenant<E>, of: &AgentRef) -> Result<Option<Agent>, Failure> {
    let answers = tenant.batch(vec![by(tenant, of)]).await?;
    first(&answers[0])
}

pub(super) async fn list<E: Engine>(
    tenant: &Tenant<E>,
    limit: u32,
    after: Option<AgentPosition>,
) -> Result<Vec<Agent>, Failure> {
    let rows: Vec<Row> = match after {
        None => tenant.rows(&AGENTS_NEWEST, [limit.into()]).await?,
        Some(AgentPosition { created_at, id }) => {
            let values = [limit.into(), created_at.0.into(), id.to_string().into()];
            tenant.rows(&AGENTS_AFTER, values).await?
        }
    };
    rows.into_iter().map(Row::into_agent).collect()
}

pub(super) async fn named<E: Engine>(
    tenant: &Tenant<E>,
    names: &[AgentRef],
) -> Result<Vec<(AgentId, Slug)>, Failure> {
    let names: Vec<String> = names.iter().map(AgentRef::to_string).collect();
    let rows: Vec<Name> = tenant.rows(&AGENTS_NAMED, [serde_json::json!(names).to_string().into()]).await?;
    Ok(rows.into_iter().map(|name| (name.id, name.slug)).collect())
}

pub(super) async fn ever<E: Engine>(tenant: &Tenant<E>, of: &AgentRef) -> Result<Option<AgentId>, Failure> {
    let query = match of {
        AgentRef::Id(_) => &AGENT_EVER,
        AgentRef::Slug(_) => &AGENT_NOW,
    };
    let rows: Vec<Id> = tenant.rows(query, [of.to_string().into()]).await?;
    Ok(rows.into_iter().next().map(|row| row.id))
}

pub(super) async fn insert<E: Engine>(
    tenant: &Tenant<E>,
    agent: &Agent,
    by: Option<KeyId>,
) -> Result<(), Failure> {
    let definition = definition(agent)?;
    let id = agent.id.to_string();
    let mut row = vec![id.as_str().into()];
    row.extend(columns(agent, &definition));
    row.insert(row.len() - 1, agent.created_at.0.into());
    let version = [
        id.into(),
        agent.version.into(),
        definition.into(),
        agent.created_at.0.into(),
        by.map(|key| key.to_string()).into(),
    ];
    let statements = vec![tenant.statement(&INSERT_AGENT, row), tenant.statement(&INSERT_VERSION, version)];
    tenant.batch(statements).await?;
    Ok(())
}

/// Whether the row was still as it was read.
pub(super) async fn update<E: Engine>(
    tenant: &Tenant<E>,
    agent: &Agent,
    read: &Agent,
    by: Option<KeyId>,
) -> Result<bool, Failure> {
    let definition = definition(agent)?;
    let condition: [Value; 3] = [read.id.to_string().into(), read.version.into(), read.updated_at.0.into()];
    let mut statements = Vec::new();
    if agent.version != read.version {
        let version = [
            agent.version.into(),
            definition.as_str().into(),
            agent.updated_at.0.into(),
            by.map(|key| key.to_string()).into(),
        ];
        statements.push(tenant.statement(&INSERT_NEXT_VERSION, condition.iter().cloned().chain(version)));
    }
    let row = condition.into_iter().chain(columns(agent, &definition));
    statements.push(tenant.statement(&UPDATE_AGENT, row));
    let answers = tenant.batch(statements).await?;
    let touched = answers.last().map_or_else(|| Ok(Vec::new()), Answer::rows::<Id>)?;
    Ok(!touched.is_empty())
}

fn definition(agent: &Agent) -> Result<String, Failure> {
    serde_json::to_string(&agent.definition).map_err(|error| Failure::Unavailable(error.to_string()))
}

/// What a change may change, in the order of [`UPDATE_AGENT`].
fn columns(agent: &Agent, definition: &str) -> [Value; 9] {
    [
        agent.slug.as_str().into(),
        agent.definition.name.as_str().into(),
        agent.definition.access.name().into(),
        agent.version.into(),
        definition.into(),
        agent.budget.map(|budget| budget.limit.to_i64()).into(),
        agent.budget.map(|budget| budget.period.name()).into(),
        agent.budget.map(|budget| budget.action.name()).into(),
        agent.updated_at.0.into(),
    ]
}

pub(super) async fn archive<E: Engine>(
    tenant: &Tenant<E>,
    id: AgentId,
    now: Millis,
) -> Result<bool, Failure> {
    tenant.touches(&ARCHIVE_AGENT, [id.to_string().into(), now.0.into()]).await
}
