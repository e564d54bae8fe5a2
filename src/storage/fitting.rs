//! What becomes of an account's rows when its plan changes: what the plan has no room for is switched off,
//! newest first; what it has room for again is switched on, oldest first. Nothing is deleted.
//!
//! The statements follow the one that has changed the plan, in its batch, and read the limits from its row:
//! so there is no moment at which more is in force than the plan allows, whatever fails, and the batch has
//! the same length however many rows there are. Each change is logged by the statement before it, which finds
//! the same rows.

use serde::Deserialize;

use crate::domain::change::Change;
use crate::domain::ids::{AgentId, KeyId, MemberId};
use crate::domain::slug::Slug;
use crate::ports::{Fit, Fitted};

use super::changes::{self, log_each, moment};
use super::directory::Tenant;
use super::plans::limit_of_plan;
use super::sql::{Answer, Engine, Failure, Query, Statement, Value, queries};

/// Public agents in use, where the plan has none.
macro_rules! public_agents {
    () => {
        "agents WHERE account_id = ?1 AND archived_at IS NULL AND access = 'public'
            AND status IN ('draft', 'published', 'active', 'deprecated')
            AND EXISTS (SELECT 1 FROM accounts JOIN plans ON plans.plan = accounts.plan WHERE accounts.id = ?1
                AND NOT EXISTS (SELECT 1 FROM json_each(plans.features) AS name WHERE name.value = 'public_agents'))"
    };
}

/// The newest agents in use beyond the plan's number.
macro_rules! agents_over {
    () => {
        concat!(
            "agents WHERE account_id = ?1 AND id IN (
                SELECT id FROM agents WHERE account_id = ?1 AND archived_at IS NULL
                    AND status IN ('draft', 'published', 'active', 'deprecated') AND ",
            limit_of_plan!("agents"),
            " IS NOT NULL ORDER BY created_at, id LIMIT -1 OFFSET coalesce(",
            limit_of_plan!("agents"),
            ", 0))"
        )
    };
}

/// The newest members beyond the plan's number; ?5 is the one who acts.
macro_rules! members_over {
    () => {
        concat!(
            "members WHERE account_id = ?1 AND id IS NOT ?5 AND id IN (
                SELECT id FROM members WHERE account_id = ?1 AND inactive_at IS NULL AND ",
            limit_of_plan!("members"),
            " IS NOT NULL ORDER BY id IS NOT ?5, id LIMIT -1 OFFSET coalesce(",
            limit_of_plan!("members"),
            ", 0))"
        )
    };
}

/// Keys of members that are switched off; ?5 is the key that acts.
macro_rules! keys_of_inactive {
    () => {
        "keys WHERE account_id = ?1 AND id IS NOT ?5 AND revoked_at IS NULL AND inactive_at IS NULL AND member_id IN (
            SELECT id FROM members WHERE account_id = ?1 AND inactive_at IS NOT NULL)"
    };
}

/// The newest keys beyond the plan's number; ?5 is the one that acts.
macro_rules! keys_over {
    () => {
        concat!(
            "keys WHERE account_id = ?1 AND id IS NOT ?5 AND id IN (
                SELECT id FROM keys WHERE account_id = ?1 AND revoked_at IS NULL AND inactive_at IS NULL
                    AND (expires_at IS NULL OR expires_at > ?3) AND ",
            limit_of_plan!("keys"),
            " IS NOT NULL ORDER BY id IS NOT ?5, id LIMIT -1 OFFSET coalesce(",
            limit_of_plan!("keys"),
            ", 0))"
        )
    };
}

/// The oldest members that were switched off, as many as there is room for.
macro_rules! members_fitting {
    () => {
        concat!(
            "members WHERE account_id = ?1 AND id IN (
                SELECT id FROM members WHERE account_id = ?1 AND inactive_at IS NOT NULL
                ORDER BY id LIMIT coalesce(max(0, ",
            limit_of_plan!("members"),
            " - (SELECT count(*) FROM (SELECT 1 FROM members WHERE account_id = ?1 AND inactive_at IS NULL
                    LIMIT coalesce(",
            limit_of_plan!("members"),
            ", 0)))), -1))"
        )
    };
}

/// The oldest keys that were switched off and would open something, as many as there is room for.
macro_rules! keys_fitting {
    () => {
        concat!(
            "keys WHERE account_id = ?1 AND id IN (
                SELECT id FROM keys WHERE account_id = ?1 AND revoked_at IS NULL AND inactive_at IS NOT NULL
                    AND (expires_at IS NULL OR expires_at > ?3)
                    AND (member_id IS NULL OR member_id IN (
                        SELECT id FROM members WHERE account_id = ?1 AND inactive_at IS NULL))
                ORDER BY id LIMIT coalesce(max(0, ",
            limit_of_plan!("keys"),
            " - (SELECT count(*) FROM (SELECT 1 FROM keys WHERE account_id = ?1 AND revoked_at IS NULL
                    AND inactive_at IS NULL AND (expires_at IS NULL OR expires_at > ?3) LIMIT coalesce(",
            limit_of_plan!("keys"),
            ", 0)))), -1))"
        )
    };
}

/// The line of an agent that is switched off.
macro_rules! log_agents {
    ($rows:expr) => {
        log_each!("update", "agent", "json_object('status', status)", r#"'{"status":"inactive"}'"#, $rows)
    };
}

/// The line of a member or a key that is switched off.
macro_rules! log_off {
    ($subject:literal, $rows:expr) => {
        log_each!(
            "update",
            $subject,
            r#"'{"inactive_at":null}'"#,
            concat!("json_object('inactive_at', ", moment!(), ")"),
            $rows
        )
    };
}

/// The line of a member or a key that is switched on.
macro_rules! log_on {
    ($subject:literal, $rows:expr) => {
        log_each!(
            "update",
            $subject,
            "json_object('inactive_at', strftime('%Y-%m-%dT%H:%M:%fZ', inactive_at / 1000.0, 'unixepoch'))",
            r#"'{"inactive_at":null}'"#,
            $rows
        )
    };
}

macro_rules! agents_off {
    ($rows:expr) => {
        concat!(
            "UPDATE agents SET status = 'inactive', updated_at = max(updated_at + 1, ?3)
            WHERE account_id = ?1 AND id IN (SELECT id FROM ",
            $rows,
            ") RETURNING id, slug, created_at"
        )
    };
}

queries! {
    /// [`statements`].
    LOG_PUBLIC_AGENTS_OFF = log_agents!(public_agents!());
    /// [`statements`].
    PUBLIC_AGENTS_OFF = agents_off!(public_agents!());
    /// [`statements`].
    LOG_AGENTS_OFF = log_agents!(agents_over!());
    /// [`statements`].
    AGENTS_OFF = agents_off!(agents_over!());
    /// [`statements`].
    LOG_MEMBERS_OFF = log_off!("member", members_over!());
    /// [`statements`].
    MEMBERS_OFF = concat!("UPDATE members SET inactive_at = ?3 WHERE account_id = ?1 AND id IN (SELECT id FROM ",
        members_over!(), ") RETURNING id");
    /// [`statements`].
    LOG_MEMBERS_KEYS_OFF = log_off!("key", keys_of_inactive!());
    /// [`statements`].
    MEMBERS_KEYS_OFF = concat!("UPDATE keys SET inactive_at = ?3 WHERE account_id = ?1 AND id IN (SELECT id FROM ",
        keys_of_inactive!(), ") RETURNING id");
    /// [`statements`].
    LOG_KEYS_OFF = log_off!("key", keys_over!());
    /// [`statements`].
    KEYS_OFF = concat!("UPDATE keys SET inactive_at = ?3 WHERE account_id = ?1 AND id IN (SELECT id FROM ",
        keys_over!(), ") RETURNING id");
    /// [`statements`].
    LOG_MEMBERS_ON = log_on!("member", members_fitting!());
    /// [`statements`].
    MEMBERS_ON = concat!("UPDATE members SET inactive_at = NULL WHERE account_id = ?1 AND id IN (SELECT id FROM ",
        members_fitting!(), ") RETURNING id");
    /// [`statements`].
    LOG_KEYS_ON = log_on!("key", keys_fitting!());
    /// [`statements`].
    KEYS_ON = concat!("UPDATE keys SET inactive_at = NULL WHERE account_id = ?1 AND id IN (SELECT id FROM ",
        keys_fitting!(), ") RETURNING id");
}

/// To follow the statement that changes the plan. Members come before keys, because a key's state depends on
/// its member's.
pub(super) fn statements<E: Engine>(tenant: &Tenant<E>, fit: &Fit, change: &Change) -> Vec<Statement> {
    let key = || Value::from(fit.key.map(|id| id.to_string()));
    let member = || Value::from(fit.member.map(|id| id.to_string()));
    let pair = |log: &'static Query, write: &'static Query, rest: Option<Value>| {
        let mut write = changes::each(tenant, write, change, rest.clone());
        // It needs less than the line of the change log.
        write.values.truncate(write.query.parameters);
        [changes::each(tenant, log, change, rest), write]
    };
    [
        pair(&LOG_PUBLIC_AGENTS_OFF, &PUBLIC_AGENTS_OFF, None),
        pair(&LOG_AGENTS_OFF, &AGENTS_OFF, None),
        pair(&LOG_MEMBERS_OFF, &MEMBERS_OFF, Some(member())),
        pair(&LOG_MEMBERS_KEYS_OFF, &MEMBERS_KEYS_OFF, Some(key())),
        pair(&LOG_KEYS_OFF, &KEYS_OFF, Some(key())),
        pair(&LOG_MEMBERS_ON, &MEMBERS_ON, None),
        pair(&LOG_KEYS_ON, &KEYS_ON, None),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[derive(Deserialize)]
struct AgentRow {
    id: AgentId,
    slug: Slug,
    created_at: i64,
}

#[derive(Deserialize)]
struct IdRow<T> {
    id: T,
}

/// What the answers to [`statements`] say.
pub(super) fn read<A: Answer>(answers: &[A]) -> Result<Fitted, Failure> {
    let mut written = answers.iter().skip(1).step_by(2);
    let mut next =
        || written.next().ok_or_else(|| Failure::Unavailable("fewer answers than statements".to_owned()));
    let mut agents: Vec<AgentRow> = next()?.rows()?;
    agents.extend(next()?.rows::<AgentRow>()?);
    agents.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));
    let members_off = ids::<MemberId>(&[next()?])?;
    let keys_off = ids::<KeyId>(&[next()?, next()?])?;
    Ok(Fitted {
        agents_off: agents.into_iter().map(|row| row.slug).collect(),
        members_off,
        keys_off,
        members_on: ids(&[next()?])?,
        keys_on: ids(&[next()?])?,
    })
}

/// Newest first.
fn ids<T: Ord + serde::de::DeserializeOwned>(answers: &[&impl Answer]) -> Result<Vec<T>, Failure> {
    let mut all = Vec::new();
    for answer in answers {
        all.extend(answer.rows::<IdRow<T>>()?.into_iter().map(|row| row.id));
    }
    all.sort_by(|a, b| b.cmp(a));
    Ok(all)
}
