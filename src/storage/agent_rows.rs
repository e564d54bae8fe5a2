//! How agents are written: any number in one batch, all or nothing, with the versions, the rows they are found by and the
//! change log.
//!
//! Agents cross as JSON arrays, so that a statement writes many. Guards end the batch when what it counts on is not so:
//! two writers never mix, a cap is not undone by one who read the row before it was set, and no agent in use hands off to
//! one that is not.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use crate::domain::agent::Agent;
use crate::domain::change::{Actor, Change};
use crate::ports::Save;

use super::changes;
use super::directory::Tenant;
use super::sql::{self, Engine, Failure, Query, Value, queries};

queries! {
    /// [`save`]: fails when an agent is not as it was read.
    GUARD_AGENTS_UNCHANGED = "SELECT json_extract('{}', 'moved ' || (new.value ->> 'id')) FROM json_each(?2) AS new
        WHERE new.value ->> 'read_version' IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM agents WHERE account_id = ?1 AND id = new.value ->> 'id'
                AND version = new.value ->> 'read_version' AND updated_at = new.value ->> 'read_updated_at')";
    /// [`save`].
    INSERT_AGENTS = "INSERT INTO agents (account_id, id, slug, name, type, status, labels, access, version, definition,
            budget_limit, budget_period, budget_action, created_at, updated_at, archived_at)
        SELECT ?1, value ->> 'id', value ->> 'slug', value ->> 'name', value ->> 'type', value ->> 'status',
            value -> 'labels', value ->> 'access', value ->> 'version', value -> 'definition',
            value ->> 'budget_limit', value ->> 'budget_period', value ->> 'budget_action', value ->> 'created_at',
            value ->> 'updated_at', value ->> 'archived_at'
        FROM json_each(?2) WHERE value ->> 'read_version' IS NULL";
    /// [`save`].
    UPDATE_AGENTS = "UPDATE agents SET slug = new.value ->> 'slug', name = new.value ->> 'name',
            type = new.value ->> 'type', status = new.value ->> 'status', labels = new.value -> 'labels',
            access = new.value ->> 'access', version = new.value ->> 'version',
            definition = new.value -> 'definition', budget_limit = new.value ->> 'budget_limit',
            budget_period = new.value ->> 'budget_period', budget_action = new.value ->> 'budget_action',
            updated_at = new.value ->> 'updated_at', archived_at = new.value ->> 'archived_at'
        FROM json_each(?2) AS new
        WHERE account_id = ?1 AND agents.id = new.value ->> 'id' AND new.value ->> 'read_version' IS NOT NULL";
    /// [`save`].
    INSERT_VERSIONS = "INSERT INTO agent_versions (account_id, agent_id, version, definition, created_at, created_by)
        SELECT ?1, value ->> 'id', value ->> 'version', value -> 'definition', value ->> 'updated_at', ?3
        FROM json_each(?2) WHERE value ->> 'version' > coalesce(value ->> 'read_version', 0)";
    /// [`save`].
    DELETE_HANDOFFS = "DELETE FROM agent_handoffs
        WHERE account_id = ?1 AND agent_id IN (SELECT value ->> 'id' FROM json_each(?2))";
    /// [`save`].
    INSERT_HANDOFFS = "INSERT INTO agent_handoffs (account_id, agent_id, target_id)
        SELECT ?1, new.value ->> 'id', target.value
        FROM json_each(?2) AS new, json_each(new.value, '$.handoffs') AS target";
    /// [`save`].
    DELETE_LABELS = "DELETE FROM agent_labels
        WHERE account_id = ?1 AND agent_id IN (SELECT value ->> 'id' FROM json_each(?2))";
    /// [`save`].
    INSERT_LABELS = "INSERT INTO agent_labels (account_id, label, created_at, agent_id)
        SELECT ?1, label.value, new.value ->> 'created_at', new.value ->> 'id'
        FROM json_each(?2) AS new, json_each(new.value, '$.labels') AS label";
    /// [`save`].
    DELETE_WORDS = "DELETE FROM agent_words
        WHERE account_id = ?1 AND agent_id IN (SELECT value ->> 'id' FROM json_each(?2))";
    /// [`save`].
    INSERT_WORDS = "INSERT INTO agent_words (account_id, word, agent_id)
        SELECT ?1, word.value, new.value ->> 'id'
        FROM json_each(?2) AS new, json_each(new.value, '$.words') AS word";
    /// [`save`]: fails when an agent in use hands off to one that is not.
    GUARD_HANDOFFS = "SELECT json_extract('{}', 'moved ' || handoff.agent_id)
        FROM json_each(?2) AS new
        CROSS JOIN agent_handoffs AS handoff ON handoff.account_id = ?1 AND handoff.agent_id = new.value ->> 'id'
        CROSS JOIN agents AS giver ON giver.account_id = ?1 AND giver.id = handoff.agent_id
        CROSS JOIN agents AS target ON target.account_id = ?1 AND target.id = handoff.target_id
        WHERE giver.archived_at IS NULL AND target.archived_at IS NOT NULL
        UNION ALL SELECT json_extract('{}', 'moved ' || handoff.agent_id)
        FROM json_each(?2) AS new
        CROSS JOIN agent_handoffs AS handoff ON handoff.account_id = ?1 AND handoff.target_id = new.value ->> 'id'
        CROSS JOIN agents AS giver ON giver.account_id = ?1 AND giver.id = handoff.agent_id
        WHERE new.value ->> 'archived_at' IS NOT NULL AND giver.archived_at IS NULL";
    /// [`save`]: fails when more than ?2 agents are in use; looks at no more than that and one.
    GUARD_AGENTS_LIMIT = "SELECT json_extract('{}', 'full ' || in_use) FROM (
            SELECT count(*) AS in_use FROM (
                SELECT 1 FROM agents WHERE account_id = ?1 AND archived_at IS NULL
                    AND status IN ('draft', 'published', 'active', 'deprecated') LIMIT ?2 + 1))
        WHERE in_use > ?2";
}

/// Writes agents with all that goes with them, or fails as a whole.
pub(super) async fn save<E: Engine>(
    tenant: &Tenant<E>,
    saves: &[Save],
    by: Actor,
    most_in_use: Option<u32>,
    log: &[Change],
) -> Result<(), Failure> {
    let whole = sql::chunks(saves.iter().map(row).collect());
    let found_by = sql::chunks(saves.iter().map(|save| found_by(&save.agent)).collect());
    let mut batch = Vec::new();
    let mut each = |query: &'static Query, chunks: &[String]| {
        for rows in chunks {
            batch.push(tenant.statement(query, [rows.as_str().into()]));
        }
    };
    each(&GUARD_AGENTS_UNCHANGED, &whole);
    each(&UPDATE_AGENTS, &whole);
    each(&INSERT_AGENTS, &whole);
    for query in
        [&DELETE_HANDOFFS, &INSERT_HANDOFFS, &DELETE_LABELS, &INSERT_LABELS, &DELETE_WORDS, &INSERT_WORDS]
    {
        each(query, &found_by);
    }
    each(&GUARD_HANDOFFS, &found_by);
    for rows in whole {
        let values: [Value; 2] = [rows.into(), by.to_string().into()];
        batch.push(tenant.statement(&INSERT_VERSIONS, values));
    }
    batch.extend(changes::log(tenant, log));
    if let Some(most) = most_in_use {
        batch.push(tenant.statement(&GUARD_AGENTS_LIMIT, [most.into()]));
    }
    tenant.batch(batch).await?;
    Ok(())
}

fn row(save: &Save) -> Json {
    let agent = &save.agent;
    json!({
        "id": agent.id, "slug": agent.slug, "name": agent.definition.name, "type": agent.definition.kind,
        "status": agent.status, "labels": agent.labels, "access": agent.definition.access,
        "version": agent.version, "definition": agent.definition,
        "budget_limit": agent.budget.map(|budget| budget.limit.to_i64()),
        "budget_period": agent.budget.map(|budget| budget.period),
        "budget_action": agent.budget.map(|budget| budget.action),
        "created_at": agent.created_at.0, "updated_at": agent.updated_at.0,
        "archived_at": agent.archived_at.map(|at| at.0),
        "read_version": save.read.as_ref().map(|read| read.version),
        "read_updated_at": save.read.as_ref().map(|read| read.updated_at.0),
    })
}

/// The rows that lead to an agent. An archived one is found by its id alone.
fn found_by(agent: &Agent) -> Json {
    let is_found = agent.archived_at.is_none();
    json!({
        "id": agent.id, "created_at": agent.created_at.0, "archived_at": agent.archived_at.map(|at| at.0),
        "handoffs": agent.definition.handoff_targets,
        "labels": if is_found { agent.labels.as_slice() } else { &[] },
        "words": if is_found { words(&[agent.slug.as_str(), &agent.definition.name]) } else { BTreeSet::new() },
    })
}

/// The words of texts in lower case: runs of letters and digits.
pub(super) fn words(texts: &[&str]) -> BTreeSet<String> {
    let split = |text: &&str| {
        let lower = text.to_lowercase();
        let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    texts.iter().flat_map(split).collect()
}
