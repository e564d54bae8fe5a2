//! How agents are written: any number in one batch, all or nothing, with the versions, the rows they are
//! found by and the change log.
//!
//! Agents cross as JSON arrays, so that a statement writes many. Guards end the batch when what it counts on
//! is not so: two writers never mix, a cap is not undone by one who read the row before it was set, and no
//! agent in use hands off to one that is not.

use serde_json::{Value as Json, json};

use crate::domain::agent::{Agent, Save, words};
use crate::domain::change::{Actor, Change};

use crate::ports::{SaveAgents, WriteError};

use super::changes;
use super::directory::Tenant;
use super::plans::limit_of_plan;
use super::sql::{self, Engine, Query, Value, queries};

queries! {
    /// [`SaveAgents`]: fails when an agent is not as it was read.
    GUARD_AGENTS_UNCHANGED = "SELECT json_extract('{}', 'moved ' || (new.value ->> 'id')) FROM json_each(?2) AS new
        WHERE new.value ->> 'read_version' IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM agents WHERE account_id = ?1 AND id = new.value ->> 'id'
                AND version = new.value ->> 'read_version' AND updated_at = new.value ->> 'read_updated_at')";
    /// [`SaveAgents`].
    INSERT_AGENTS = "INSERT INTO agents (account_id, id, slug, name, type, status, labels, access, version, definition,
            budget_limit, budget_period, budget_action, created_at, updated_at, archived_at)
        SELECT ?1, value ->> 'id', value ->> 'slug', value ->> 'name', value ->> 'type', value ->> 'status',
            value -> 'labels', value ->> 'access', value ->> 'version', value -> 'definition',
            value ->> 'budget_limit', value ->> 'budget_period', value ->> 'budget_action', value ->> 'created_at',
            value ->> 'updated_at', value ->> 'archived_at'
        FROM json_each(?2) WHERE value ->> 'read_version' IS NULL";
    /// [`SaveAgents`]: as an insert that meets the row, because that looks each one up by its key; UPDATE …
    /// FROM would go through all agents of the account for each.
    UPDATE_AGENTS = "INSERT INTO agents (account_id, id, slug, name, type, status, labels, access, version, definition,
            budget_limit, budget_period, budget_action, created_at, updated_at, archived_at)
        SELECT ?1, value ->> 'id', value ->> 'slug', value ->> 'name', value ->> 'type', value ->> 'status',
            value -> 'labels', value ->> 'access', value ->> 'version', value -> 'definition',
            value ->> 'budget_limit', value ->> 'budget_period', value ->> 'budget_action', value ->> 'created_at',
            value ->> 'updated_at', value ->> 'archived_at'
        FROM json_each(?2) WHERE value ->> 'read_version' IS NOT NULL
        ON CONFLICT (account_id, id) DO UPDATE SET slug = excluded.slug, name = excluded.name, type = excluded.type,
            status = excluded.status, labels = excluded.labels, access = excluded.access, version = excluded.version,
            definition = excluded.definition, budget_limit = excluded.budget_limit,
            budget_period = excluded.budget_period, budget_action = excluded.budget_action,
            updated_at = excluded.updated_at, archived_at = excluded.archived_at";
    /// [`SaveAgents`].
    INSERT_VERSIONS = "INSERT INTO agent_versions (account_id, agent_id, version, definition, created_at, created_by)
        SELECT ?1, value ->> 'id', value ->> 'version', value -> 'definition', value ->> 'updated_at', ?3
        FROM json_each(?2) WHERE value ->> 'version' > coalesce(value ->> 'read_version', 0)";
    /// [`SaveAgents`].
    DELETE_HANDOFFS = "DELETE FROM agent_handoffs
        WHERE account_id = ?1 AND agent_id IN (SELECT value ->> 'id' FROM json_each(?2))";
    /// [`SaveAgents`].
    INSERT_HANDOFFS = "INSERT INTO agent_handoffs (account_id, agent_id, target_id)
        SELECT ?1, new.value ->> 'id', target.value
        FROM json_each(?2) AS new, json_each(new.value, '$.handoffs') AS target";
    /// [`SaveAgents`].
    DELETE_LABELS = "DELETE FROM agent_labels
        WHERE account_id = ?1 AND agent_id IN (SELECT value ->> 'id' FROM json_each(?2))";
    /// [`SaveAgents`].
    INSERT_LABELS = "INSERT INTO agent_labels (account_id, label, created_at, agent_id)
        SELECT ?1, label.value, new.value ->> 'created_at', new.value ->> 'id'
        FROM json_each(?2) AS new, json_each(new.value, '$.labels') AS label";
    /// [`SaveAgents`].
    DELETE_WORDS = "DELETE FROM agent_words
        WHERE account_id = ?1 AND agent_id IN (SELECT value ->> 'id' FROM json_each(?2))";
    /// [`SaveAgents`].
    INSERT_WORDS = "INSERT INTO agent_words (account_id, word, agent_id)
        SELECT ?1, word.value, new.value ->> 'id'
        FROM json_each(?2) AS new, json_each(new.value, '$.words') AS word";
    /// [`SaveAgents`]: fails when an agent in use hands off to one that is not.
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
    /// [`SaveAgents`]: fails when more agents are in use than the plan allows.
    GUARD_AGENTS_LIMIT = concat!("SELECT json_extract('{}', 'full ' || most) FROM (SELECT ", limit_of_plan!("agents"),
        " AS most) WHERE most < (SELECT agents FROM account_counts WHERE account_id = ?1)");
    /// [`SaveAgents`]: fails when an agent that is becoming public, or is put to use, may not be public on
    /// the account's plan.
    GUARD_PUBLIC_AGENTS = "SELECT json_extract('{}', 'lacks public_agents')
        FROM json_each(?2) AS new CROSS JOIN accounts JOIN plans ON plans.plan = accounts.plan
        WHERE new.value ->> 'opens' AND accounts.id = ?1
            AND NOT EXISTS (SELECT 1 FROM json_each(plans.features) AS name WHERE name.value = 'public_agents')";
}

fn row(save: &Save) -> Json {
    let agent = &save.agent;
    json!({
        "id": agent.id, "slug": agent.slug, "name": agent.definition.name, "type": agent.definition.kind,
        "status": agent.status, "labels": agent.labels, "access": agent.definition.access,
        "version": agent.version, "definition": agent.definition.stored(),
        "budget_limit": agent.budget.map(|budget| budget.limit.to_i64()),
        "budget_period": agent.budget.map(|budget| budget.period),
        "budget_action": agent.budget.map(|budget| budget.action),
        "created_at": agent.created_at.0, "updated_at": agent.updated_at.0,
        "archived_at": agent.archived_at.map(|at| at.0),
        "read_version": save.read.as_ref().map(|read| read.version),
        "read_updated_at": save.read.as_ref().map(|read| read.updated_at.0),
        "opens": save.opens(),
    })
}

/// The rows that lead to an agent. An archived one is filed apart ([`drawer`]).
fn found_by(agent: &Agent) -> Json {
    let drawer = drawer(agent.archived_at.is_some());
    let filed = |word: &str| format!("{drawer}{word}");
    let found_words = words(&[agent.slug.as_str(), &agent.definition.name]);
    json!({
        "id": agent.id, "created_at": agent.created_at.0, "archived_at": agent.archived_at.map(|at| at.0),
        "handoffs": agent.definition.handoff_targets,
        "labels": agent.labels.iter().map(|label| filed(label)).collect::<Vec<_>>(),
        "words": found_words.iter().map(|word| filed(word)).collect::<Vec<_>>(),
    })
}

/// What stands before the labels and the words of archived agents, so that neither kind is read when the
/// other is looked for. No label and no word begins with it.
pub(super) const fn drawer(is_archived: bool) -> &'static str {
    if is_archived { "\u{1}" } else { "" }
}

impl<E: Engine> SaveAgents for Tenant<E> {
    async fn save_agents(&self, saves: &[Save], by: Actor, log: &[Change]) -> Result<(), WriteError> {
        let (new, read): (Vec<&Save>, Vec<&Save>) = saves.iter().partition(|save| save.read.is_none());
        let [new, read] = [new, read].map(|saves| sql::chunks(saves.into_iter().map(row).collect()));
        let found_by = sql::chunks(saves.iter().map(|save| found_by(&save.agent)).collect());
        let mut batch = Vec::new();
        let mut each = |query: &'static Query, chunks: &[String]| {
            for rows in chunks {
                batch.push(self.statement(query, [rows.as_str().into()]));
            }
        };
        each(&GUARD_AGENTS_UNCHANGED, &read);
        each(&GUARD_PUBLIC_AGENTS, &read);
        each(&GUARD_PUBLIC_AGENTS, &new);
        each(&UPDATE_AGENTS, &read);
        each(&INSERT_AGENTS, &new);
        for query in
            [&DELETE_HANDOFFS, &INSERT_HANDOFFS, &DELETE_LABELS, &INSERT_LABELS, &DELETE_WORDS, &INSERT_WORDS]
        {
            each(query, &found_by);
        }
        each(&GUARD_HANDOFFS, &found_by);
        for rows in new.into_iter().chain(read) {
            let values: [Value; 2] = [rows.into(), by.to_string().into()];
            batch.push(self.statement(&INSERT_VERSIONS, values));
        }
        batch.extend(changes::log(self, log));
        if saves.iter().any(Save::adds) {
            batch.push(self.statement(&GUARD_AGENTS_LIMIT, []));
        }
        self.batch(batch).await?;
        Ok(())
    }
}
