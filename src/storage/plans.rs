//! Plans: what an account may have, and how much of it it has.
//!
//! The plans' rows are the platform's, one for each word that an account's plan can be. The database keeps
//! count as rows come and go (migration 0003); only keys that expire are counted when it is asked, because no
//! write marks their end.

use serde::Deserialize;

use crate::domain::money::Nanos;
use crate::domain::plan::{Features, KeepLimits, Limits};
use crate::domain::time::Millis;
use crate::ports::{Counts, Plans, Unavailable};

use super::directory::Tenant;
use super::sql::{self, Answer, Engine, Failure, Query, queries};

queries! {
    /// [`Plans::limits`] and [`super::resolve`]: by the account, so that one batch reads both. All columns,
    /// because a database may have fewer than this code knows, or more.
    PLAN_OF_ACCOUNT = "SELECT plans.* FROM accounts JOIN plans ON plans.plan = accounts.plan WHERE accounts.id = ?1";
    /// [`Plans::usage`].
    COUNT_USED = "SELECT agents, members, lasting_keys + (SELECT count(*) FROM (SELECT 1 FROM keys
            WHERE account_id = ?1 AND revoked_at IS NULL AND inactive_at IS NULL AND expires_at > ?3 LIMIT ?2)) AS keys
        FROM account_counts WHERE account_id = ?1";
}

/// A limit of the account's plan as an SQL expression, by its column: NULL where there is none. Read by the
/// statement that needs it, it is that of the moment of the write, whatever the plan was when the request
/// began.
macro_rules! limit_of_plan {
    ($column:literal) => {
        concat!(
            "(SELECT plans.",
            $column,
            " FROM accounts JOIN plans ON plans.plan = accounts.plan WHERE accounts.id = ?1)"
        )
    };
}
pub(super) use limit_of_plan;

/// For [`super::resolve`]'s batch.
pub(super) const OF_ACCOUNT: &Query = &PLAN_OF_ACCOUNT;

#[derive(Deserialize)]
struct Row {
    agents: Option<u64>,
    members: Option<u64>,
    keys: Option<u64>,
    calls_per_minute: Option<u64>,
    concurrent_calls: Option<u64>,
    monthly_spend: Option<i64>,
    // The previous schema has none of these.
    threads: Option<u64>,
    storage_mb: Option<u64>,
    runs_at_once: Option<u64>,
    memories: Option<u64>,
    keep_days: Option<u64>,
    features: String,
}

/// The limits that a statement on plans has found; none when it found no plan.
pub(super) fn first(answer: &impl Answer) -> Result<Limits, Failure> {
    let Some(row) = answer.rows::<Row>()?.into_iter().next() else { return Ok(Limits::NONE) };
    let words: Vec<String> = sql::json("plans.features", &row.features)?;
    Ok(Limits {
        agents: count(row.agents),
        members: count(row.members),
        keys: count(row.keys),
        calls_per_minute: count(row.calls_per_minute),
        concurrent_calls: count(row.concurrent_calls),
        monthly_spend: row.monthly_spend.map(Nanos::from_i64),
        keeps: KeepLimits {
            threads: count(row.threads),
            storage_mb: count(row.storage_mb),
            runs_at_once: count(row.runs_at_once),
            memories: count(row.memories),
        },
        keep_days: count(row.keep_days),
        features: Features::of_words(words.iter().map(String::as_str)),
    })
}

#[derive(Deserialize)]
struct Used {
    agents: u32,
    members: u32,
    keys: u32,
}

/// A number above what any account can have is read as the largest one.
fn count(stored: Option<u64>) -> Option<u32> {
    stored.map(|count| u32::try_from(count).unwrap_or(u32::MAX))
}

impl<E: Engine> Plans for Tenant<E> {
    async fn limits(&self) -> Result<Limits, Unavailable> {
        let answers = self.batch(vec![self.statement(OF_ACCOUNT, [])]).await?;
        Ok(answers.first().map_or(Ok(Limits::NONE), first)?)
    }

    async fn usage(&self, most_keys: u32, now: Millis) -> Result<Counts, Unavailable> {
        let rows: Vec<Used> = self.rows(&COUNT_USED, [most_keys.into(), now.0.into()]).await?;
        let row = rows.into_iter().next();
        let row = row.ok_or_else(|| Unavailable("COUNT_USED: no row".to_owned()))?;
        Ok(Counts { agents: row.agents, members: row.members, keys: row.keys })
    }
}
