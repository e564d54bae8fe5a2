//! The platform's database: the one place that knows how values cross to it and back.
//!
//! Numbers cross as f64: `worker`'s own argument type takes integers of 32 bits only, so times and amounts
//! are bound as reals, which SQLite stores as integers in a column of that type, and loses nothing below 2⁵³.
//! `BigInt` is not taken by D1. Several statements go as one `batch`, which D1 runs as a transaction in one
//! round trip.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;
use worker::send::SendFuture;
use worker::{D1Database, D1PreparedStatement, D1Result};

use super::sql::{Answer, Engine, Failure, Statement, Value};

/// A D1 database.
#[derive(Clone, Debug)]
pub struct D1(Arc<D1Database>);

impl D1 {
    pub fn new(database: D1Database) -> Self {
        Self(Arc::new(database))
    }

    fn bind(&self, statement: &Statement) -> Result<D1PreparedStatement, Failure> {
        let values: Vec<JsValue> = statement.values.iter().map(to_js).collect();
        let prepared = self.0.prepare(statement.query.sql).bind(&values);
        prepared.map_err(|error| failure(statement.query.name, &error))
    }

    async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Rows>, Failure> {
        // A batch's error does not say which statement it was; the last is the one that a batch is named by.
        let name = statements.last().map_or("", |statement| statement.query.name);
        let bound = statements.iter().map(|statement| self.bind(statement)).collect::<Result<_, _>>()?;
        let results = self.0.batch(bound).await.map_err(|error| failure(name, &error))?;
        Ok(results.into_iter().map(|result| Rows { name, result }).collect())
    }
}

impl Engine for D1 {
    type Answer = Rows;

    fn batch(&self, statements: Vec<Statement>) -> impl Future<Output = Result<Vec<Rows>, Failure>> + Send {
        let database = self.clone();
        SendFuture::new(async move { database.run(statements).await })
    }
}

/// What D1 answered to one statement.
#[derive(Debug)]
pub struct Rows {
    name: &'static str,
    result: D1Result,
}

impl Answer for Rows {
    fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>, Failure> {
        self.result.results().map_err(|error| failure(self.name, &error))
    }
}

#[expect(clippy::cast_precision_loss, reason = "every stored integer is below 2⁵³")]
fn to_js(value: &Value) -> JsValue {
    match value {
        Value::Null | Value::Damaged => JsValue::NULL,
        Value::Integer(integer) => JsValue::from_f64(*integer as f64),
        Value::Text(text) => JsValue::from_str(text),
    }
}

/// `D1Error`'s own `Display` panics when its cause is not a string, so its message is read field by field.
fn failure(name: &str, error: &worker::Error) -> Failure {
    match error {
        worker::Error::D1(error) => {
            let thrown: &js_sys::Error = error.as_ref();
            Failure::from_message(name, &format!("{} ({})", String::from(thrown.message()), error.cause()))
        }
        other => Failure::from_message(name, &other.to_string()),
    }
}
