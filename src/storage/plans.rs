//! The rows of the plans: the platform's, one for each word that an account's plan can be.

use serde::Deserialize;

use crate::domain::money::Nanos;
use crate::domain::plan::{Features, Limits};

use super::directory::Tenant;
use super::sql::{self, Answer, Engine, Failure, Query, queries};

queries! {
    /// [`of`] and [`super::resolve`]: by the account, so that one batch reads both. All columns, because a database
    /// may know fewer than this code, or more.
    PLAN_OF_ACCOUNT = "SELECT plans.* FROM accounts JOIN plans ON plans.plan = accounts.plan WHERE accounts.id = ?1";
}

/// A limit of the account's plan as an SQL expression, by its column: NULL where there is none. Read by the statement that
/// needs it, it is that of the moment of the write, whatever the plan was when the request began.
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
        features: Features::of_words(words.iter().map(String::as_str)),
    })
}

/// More than anyone can have is no less.
fn count(stored: Option<u64>) -> Option<u32> {
    stored.map(|count| u32::try_from(count).unwrap_or(u32::MAX))
}

/// Those of the account's plan.
pub(super) async fn of<E: Engine>(tenant: &Tenant<E>) -> Result<Limits, Failure> {
    let answers = tenant.batch(vec![tenant.statement(OF_ACCOUNT, [])]).await?;
    answers.first().map_or(Ok(Limits::NONE), first)
}
