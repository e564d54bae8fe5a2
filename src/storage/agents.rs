//! Agents' rows, as they are read. Not here: how they are written ([`super::save_agents`]) and listed
//! ([`super::agent_list`]).
//!
//! Columns that the previous schema does not have are read with their defaults, so that calls are served on
//! it too.

use serde::Deserialize;

use crate::domain::agent::{Agent, Definition, Status};
use crate::domain::budget::{Action, Budget, Period};
use crate::domain::ids::AgentId;
use crate::domain::money::Nanos;
use crate::domain::slug::Slug;
use crate::domain::time::Millis;
use crate::ports::{AgentRef, Agents, Called, Unavailable};

use super::directory::Tenant;
use super::sql::{self, Answer, Engine, Failure, Statement, queries};

queries! {
    /// [`Agents::agent`] by id.
    AGENT_BY_ID = "SELECT * FROM agents WHERE account_id = ?1 AND id = ?2 AND archived_at IS NULL";
    /// [`Agents::agent`] by slug.
    AGENT_BY_SLUG = "SELECT * FROM agents WHERE account_id = ?1 AND slug = ?2 AND archived_at IS NULL";
    /// [`called`] by id.
    AGENT_CALLED_BY_ID = "SELECT * FROM agents WHERE account_id = ?1 AND id = ?2";
    /// [`called`] by slug.
    AGENT_CALLED_BY_SLUG = "SELECT * FROM agents WHERE account_id = ?1 AND id = coalesce(
            (SELECT id FROM agents WHERE account_id = ?1 AND slug = ?2 AND archived_at IS NULL),
            (SELECT id FROM agents WHERE account_id = ?1 AND slug = ?2 AND archived_at IS NOT NULL
                ORDER BY archived_at DESC LIMIT 1))";
    /// [`called_at`] by id.
    VERSION_CALLED_BY_ID = "SELECT definition FROM agent_versions
        WHERE account_id = ?1 AND agent_id = ?2 AND version = ?3";
    /// [`called_at`] by slug.
    VERSION_CALLED_BY_SLUG = "SELECT definition FROM agent_versions
        WHERE account_id = ?1 AND version = ?3 AND agent_id = coalesce(
            (SELECT id FROM agents WHERE account_id = ?1 AND slug = ?2 AND archived_at IS NULL),
            (SELECT id FROM agents WHERE account_id = ?1 AND slug = ?2 AND archived_at IS NOT NULL
                ORDER BY archived_at DESC LIMIT 1))";
    /// [`Agents::agents_named`]: ?2 is a JSON array of ids and slugs. CROSS JOIN keeps the names outermost,
    /// so each costs two look-ups.
    AGENTS_NAMED = "SELECT a.id, a.slug FROM json_each(?2) AS name CROSS JOIN agents AS a
            ON a.account_id = ?1 AND a.id = name.value AND a.archived_at IS NULL
        UNION SELECT a.id, a.slug FROM json_each(?2) AS name CROSS JOIN agents AS a
            ON a.account_id = ?1 AND a.slug = name.value AND a.archived_at IS NULL";
    /// [`Agents::agents_titled`]: ?2 is a JSON array of names. CROSS JOIN begins with them.
    AGENTS_TITLED = "SELECT a.id, a.slug, a.name FROM json_each(?2) AS wanted CROSS JOIN agents AS a
            ON a.account_id = ?1 AND a.name = wanted.value AND a.archived_at IS NULL ORDER BY a.slug";
    /// [`Agents::agents_of`]: ?2 is a JSON array of ids. CROSS JOIN keeps them outermost and in their order.
    AGENTS_OF = "SELECT a.* FROM json_each(?2) AS name CROSS JOIN agents AS a
            ON a.account_id = ?1 AND a.id = name.value AND a.archived_at IS NULL ORDER BY name.key";
    /// [`Agents::agent_ever`] by id: archived ones too.
    AGENT_EVER = "SELECT id FROM agents WHERE account_id = ?1 AND id = ?2";
    /// [`Agents::agent_ever`] by slug.
    AGENT_NOW = "SELECT id FROM agents WHERE account_id = ?1 AND slug = ?2 AND archived_at IS NULL";
    /// [`Agents::archived_agent`] by id.
    AGENT_ARCHIVED = "SELECT * FROM agents WHERE account_id = ?1 AND id = ?2 AND archived_at IS NOT NULL";
    /// [`Agents::archived_agent`] by slug.
    AGENT_ARCHIVED_LAST = "SELECT * FROM agents WHERE account_id = ?1 AND slug = ?2 AND archived_at IS NOT NULL
        ORDER BY archived_at DESC LIMIT 1";
    /// [`Agents::agents_handing_to`].
    AGENTS_HANDING_TO = "SELECT a.* FROM agent_handoffs AS handoff CROSS JOIN agents AS a
            ON a.account_id = ?1 AND a.id = handoff.agent_id
        WHERE handoff.account_id = ?1 AND handoff.target_id = ?2 AND a.archived_at IS NULL ORDER BY a.slug";
}

/// A row of a statement on agents.
#[derive(Deserialize)]
pub(super) struct Row {
    id: AgentId,
    slug: Slug,
    version: u32,
    definition: String,
    #[serde(default)]
    status: Status,
    #[serde(default)]
    labels: Option<String>,
    budget_limit: Option<i64>,
    budget_period: Option<Period>,
    budget_action: Option<Action>,
    created_at: i64,
    updated_at: i64,
    archived_at: Option<i64>,
}

impl Row {
    /// Whether there was room for it on the page.
    pub(super) const fn has_definition(&self) -> bool {
        !self.definition.is_empty()
    }

    pub(super) fn into_agent(self) -> Result<Agent, Failure> {
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
            status: self.status,
            labels: self.labels.map_or(Ok(Vec::new()), |labels| sql::json("agents.labels", &labels))?,
            budget,
            created_at: Millis(self.created_at),
            updated_at: Millis(self.updated_at),
            archived_at: self.archived_at.map(Millis),
        })
    }
}

#[derive(Deserialize)]
struct Titled {
    id: AgentId,
    slug: Slug,
    name: String,
}

#[derive(Deserialize)]
struct Name {
    id: AgentId,
    slug: Slug,
}

#[derive(Deserialize)]
struct Snapshot {
    definition: String,
}

#[derive(Deserialize)]
struct Id {
    id: AgentId,
}

/// For [`super::resolve`]'s batch: the statement that finds an agent in use, or else the last archived one of
/// the name.
pub(super) fn called<E: Engine>(tenant: &Tenant<E>, of: &AgentRef) -> Statement {
    let query = match of {
        AgentRef::Id(_) => &AGENT_CALLED_BY_ID,
        AgentRef::Slug(_) => &AGENT_CALLED_BY_SLUG,
    };
    tenant.statement(query, [of.to_string().into()])
}

/// For the same batch: the statement that finds the definition of one of that agent's versions.
pub(super) fn called_at<E: Engine>(tenant: &Tenant<E>, of: &AgentRef, version: u32) -> Statement {
    let query = match of {
        AgentRef::Id(_) => &VERSION_CALLED_BY_ID,
        AgentRef::Slug(_) => &VERSION_CALLED_BY_SLUG,
    };
    tenant.statement(query, [of.to_string().into(), version.into()])
}

/// What [`called`] has found.
pub(super) fn found(answer: &impl Answer) -> Result<Called, Failure> {
    Ok(first(answer)?.map_or(Called::Nobody, |agent| Called::Agent(Box::new(agent))))
}

/// What [`called`] and [`called_at`] have found together: the agent with that version's definition and its own secrets.
pub(super) fn found_at(agent: &impl Answer, at: &impl Answer, version: u32) -> Result<Called, Failure> {
    let Some(agent) = first(agent)? else { return Ok(Called::Nobody) };
    let Some(Snapshot { definition }) = at.rows()?.into_iter().next() else { return Ok(Called::NoVersion) };
    let mut definition: Definition = sql::json("agent_versions.definition", &definition)?;
    definition.renew_secrets(&agent.definition.secrets);
    Ok(Called::Agent(Box::new(Agent { version, definition, ..agent })))
}

/// The first row of a statement on agents.
pub(super) fn first(answer: &impl Answer) -> Result<Option<Agent>, Failure> {
    answer.rows::<Row>()?.into_iter().next().map(Row::into_agent).transpose()
}

impl<E: Engine> Agents for Tenant<E> {
    async fn agent(&self, of: &AgentRef) -> Result<Option<Agent>, Unavailable> {
        let query = match of {
            AgentRef::Id(_) => &AGENT_BY_ID,
            AgentRef::Slug(_) => &AGENT_BY_SLUG,
        };
        let rows: Vec<Row> = self.rows(query, [of.to_string().into()]).await?;
        Ok(rows.into_iter().next().map(Row::into_agent).transpose()?)
    }

    async fn archived_agent(&self, of: &AgentRef) -> Result<Option<Agent>, Unavailable> {
        let query = match of {
            AgentRef::Id(_) => &AGENT_ARCHIVED,
            AgentRef::Slug(_) => &AGENT_ARCHIVED_LAST,
        };
        let rows: Vec<Row> = self.rows(query, [of.to_string().into()]).await?;
        Ok(rows.into_iter().next().map(Row::into_agent).transpose()?)
    }

    async fn agents_of(&self, ids: &[AgentId]) -> Result<Vec<Agent>, Unavailable> {
        let rows: Vec<Row> = self.rows(&AGENTS_OF, [serde_json::json!(ids).to_string().into()]).await?;
        Ok(rows.into_iter().map(Row::into_agent).collect::<Result<_, Failure>>()?)
    }

    async fn agents_named(&self, names: &[AgentRef]) -> Result<Vec<(AgentId, Slug)>, Unavailable> {
        let names: Vec<String> = names.iter().map(AgentRef::to_string).collect();
        let rows: Vec<Name> = self.rows(&AGENTS_NAMED, [serde_json::json!(names).to_string().into()]).await?;
        Ok(rows.into_iter().map(|name| (name.id, name.slug)).collect())
    }

    async fn agents_titled(&self, names: &[&str]) -> Result<Vec<(AgentId, Slug, String)>, Unavailable> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<Titled> =
            self.rows(&AGENTS_TITLED, [serde_json::json!(names).to_string().into()]).await?;
        Ok(rows.into_iter().map(|row| (row.id, row.slug, row.name)).collect())
    }

    async fn agent_ever(&self, of: &AgentRef) -> Result<Option<AgentId>, Unavailable> {
        let query = match of {
            AgentRef::Id(_) => &AGENT_EVER,
            AgentRef::Slug(_) => &AGENT_NOW,
        };
        let rows: Vec<Id> = self.rows(query, [of.to_string().into()]).await?;
        Ok(rows.into_iter().next().map(|row| row.id))
    }

    async fn agents_handing_to(&self, id: AgentId) -> Result<Vec<Agent>, Unavailable> {
        let rows: Vec<Row> = self.rows(&AGENTS_HANDING_TO, [id.to_string().into()]).await?;
        Ok(rows.into_iter().map(Row::into_agent).collect::<Result<_, Failure>>()?)
    }
}
