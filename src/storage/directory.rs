//! The directory in D1: [`Directory`], and [`Tenant`], the only way to an account's rows. Each aggregate's
//! statements, and the port they implement, are in the file of that aggregate; this one knows none of them.
//!
//! A tenant cannot be made without an account's id, and binds it as `?1` of every statement; no other code
//! addresses a tenant's table.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use crate::domain::ids::AccountId;
use crate::ports;

use super::sql::{self, Engine, Failure, Query, Statement, Value};

/// Who there is, and what is configured.
#[derive(Clone, Debug)]
pub struct Directory<E> {
    engine: E,
}

/// The rows of one account.
#[derive(Clone, Debug)]
pub struct Tenant<E> {
    engine: E,
    account: AccountId,
}

impl<E: Engine> Directory<E> {
    pub const fn new(engine: E) -> Self {
        Self { engine }
    }

    pub(super) async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<E::Answer>, Failure> {
        run(&self.engine, statements).await
    }

    /// The rows of a single statement.
    pub(super) async fn rows<T: DeserializeOwned>(
        &self,
        query: &'static Query,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<T>, Failure> {
        let statement = Statement { query, values: values.into_iter().collect() };
        sql::rows_of(&self.batch(vec![statement]).await?, 0)
    }
}

impl<E: Engine> ports::Directory for Directory<E> {
    type Tenant = Tenant<E>;

    fn tenant(&self, account: AccountId) -> Tenant<E> {
        Tenant { engine: self.engine.clone(), account }
    }
}

impl<E: Engine> Tenant<E> {
    /// A statement whose `?1` is the account; `rest` is `?2` and on.
    pub(super) fn statement(
        &self,
        query: &'static Query,
        rest: impl IntoIterator<Item = Value>,
    ) -> Statement {
        let account = Value::Text(self.account.to_string());
        Statement { query, values: std::iter::once(account).chain(rest).collect() }
    }

    pub(super) async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<E::Answer>, Failure> {
        run(&self.engine, statements).await
    }

    /// The rows of a single statement.
    pub(super) async fn rows<T: DeserializeOwned>(
        &self,
        query: &'static Query,
        rest: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<T>, Failure> {
        sql::rows_of(&self.batch(vec![self.statement(query, rest)]).await?, 0)
    }

    /// The rows of a statement whose `?2` is a JSON array of names; for no names the database is not asked.
    pub(super) async fn rows_named<T: DeserializeOwned>(
        &self,
        query: &'static Query,
        names: &BTreeSet<String>,
    ) -> Result<Vec<T>, Failure> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        self.rows(query, [serde_json::json!(names).to_string().into()]).await
    }
}

/// Runs a batch and holds the engine to one answer a statement.
async fn run<E: Engine>(engine: &E, statements: Vec<Statement>) -> Result<Vec<E::Answer>, Failure> {
    for Statement { query, values } in &statements {
        query.check(values.len()).map_err(Failure::Unavailable)?;
    }
    let asked = statements.len();
    let answers = engine.batch(statements).await?;
    if answers.len() == asked {
        Ok(answers)
    } else {
        Err(Failure::Unavailable(format!("{asked} statements got {} answers", answers.len())))
    }
}
