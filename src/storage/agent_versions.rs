//! The versions of agents, as they are read.

use serde::Deserialize;
use serde_json::json;

use crate::domain::agent::{Definition, SECRETS};
use crate::domain::ids::AgentId;
use crate::domain::time::Millis;
use crate::ports::{AgentVersions, Unavailable, Version, VersionLine};

use super::directory::Tenant;
use super::sql::{self, Engine, Failure, queries};

queries! {
    /// [`AgentVersions::versions`]: ?5 is a definition of defaults, with every field there is: what a
    /// snapshot from before a field was added means by leaving it out.
    AGENT_VERSIONS = "SELECT v.version, v.created_at, v.created_by, CASE WHEN p.version IS NULL THEN '[]' ELSE (
            SELECT json_group_array(name.key) FROM json_each(?5) AS name
            WHERE coalesce(v.definition -> name.key, ?5 -> name.key)
                <> coalesce(p.definition -> name.key, ?5 -> name.key)) END AS changed
        FROM agent_versions AS v LEFT JOIN agent_versions AS p
            ON p.account_id = ?1 AND p.agent_id = ?2 AND p.version = v.version - 1
        WHERE v.account_id = ?1 AND v.agent_id = ?2 AND v.version < ?4 ORDER BY v.version DESC LIMIT ?3";
    /// [`AgentVersions::snapshots`].
    AGENT_SNAPSHOTS = "SELECT version, definition, created_at, created_by FROM agent_versions
        WHERE account_id = ?1 AND agent_id = ?2 AND version IN (?3, ?4) ORDER BY version";
}

#[derive(Deserialize)]
struct Line {
    version: u32,
    created_at: i64,
    created_by: Option<String>,
    changed: String,
}

#[derive(Deserialize)]
struct Row {
    version: u32,
    definition: String,
    created_at: i64,
    created_by: Option<String>,
}

impl<E: Engine> AgentVersions for Tenant<E> {
    async fn versions(
        &self,
        agent: AgentId,
        limit: u32,
        before: Option<u32>,
    ) -> Result<Vec<VersionLine>, Unavailable> {
        let defaults: Definition = sql::json("defaults", r#"{"name": "", "instructions": "", "model": ""}"#)?;
        let mut defaults = json!(defaults);
        defaults[SECRETS] = json!({});
        let values = [
            agent.to_string().into(),
            limit.into(),
            before.unwrap_or(u32::MAX).into(),
            defaults.to_string().into(),
        ];
        let rows: Vec<Line> = self.rows(&AGENT_VERSIONS, values).await?;
        let line = |row: Line| {
            Ok(VersionLine {
                version: row.version,
                created_at: Millis(row.created_at),
                created_by: row.created_by,
                changed: sql::json("changed", &row.changed)?,
            })
        };
        Ok(rows.into_iter().map(line).collect::<Result<_, Failure>>()?)
    }

    async fn snapshots(&self, agent: AgentId, [a, b]: [u32; 2]) -> Result<Vec<Version>, Unavailable> {
        let values = [agent.to_string().into(), a.into(), b.into()];
        let rows: Vec<Row> = self.rows(&AGENT_SNAPSHOTS, values).await?;
        let version = |row: Row| {
            Ok(Version {
                version: row.version,
                definition: sql::json("agent_versions.definition", &row.definition)?,
                created_at: Millis(row.created_at),
                created_by: row.created_by,
            })
        };
        Ok(rows.into_iter().map(version).collect::<Result<_, Failure>>()?)
    }
}
