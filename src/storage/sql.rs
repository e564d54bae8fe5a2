//! What the directory asks of a SQL database, and the shapes in which rows cross.
//!
//! Integers stay below 2⁵³, because the platform's database passes every number as f64.

use std::future::Future;

use serde::de::DeserializeOwned;

use crate::domain::plan::Feature;
use crate::ports::{Unavailable, WriteError};

pub(super) use crate::sql::queries;
pub use crate::sql::{Query, Value};

/// A query with its values, `?1` first.
#[derive(Debug)]
pub struct Statement {
    pub query: &'static Query,
    pub values: Vec<Value>,
}

/// A database that runs statements.
pub trait Engine: Clone + Send + Sync + 'static {
    type Answer: Answer;

    /// Runs the statements in order as one transaction; there is an answer to each.
    fn batch(
        &self,
        statements: Vec<Statement>,
    ) -> impl Future<Output = Result<Vec<Self::Answer>, Failure>> + Send;
}

/// What a statement answered.
pub trait Answer {
    /// # Errors
    /// [`Failure::Unavailable`] when a row does not have the shape.
    fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>, Failure>;
}

/// Why statements did not run; none of them has then changed anything, unless the answer got lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A UNIQUE constraint failed.
    Taken,
    /// The database has no such table or column: its schema is older than this code.
    Schema(String),
    /// A guard of the batch found that what it counts on is not so.
    Moved,
    /// A guard of the batch found more than there may be, which is so many.
    Full(u32),
    /// A guard of the batch found that the account's plan does not have this.
    Lacks(Feature),
    Unavailable(String),
}

/// SQLite's words for a name that the schema does not have.
const UNKNOWN_NAME: [&str; 3] = ["no such table", "no such column", "has no column named"];

impl Failure {
    /// From the database's own words. A guard fails by asking for an invalid JSON path that names what it
    /// found: the one way for a statement of a batch to end it.
    pub fn from_message(query: &str, message: &str) -> Self {
        if message.contains("UNIQUE constraint failed") {
            Self::Taken
        } else if UNKNOWN_NAME.iter().any(|words| message.contains(words)) {
            Self::Schema(format!("{query}: {message}"))
        } else if message.contains("'moved ") {
            Self::Moved
        } else if let Some((_, most)) = message.split_once("'full ") {
            let digits: String = most.chars().take_while(char::is_ascii_digit).collect();
            Self::Full(digits.parse().unwrap_or(u32::MAX))
        } else if message.contains("'lacks public_agents'") {
            Self::Lacks(Feature::PublicAgents)
        } else {
            Self::Unavailable(format!("{query}: {message}"))
        }
    }
}

impl From<Failure> for Unavailable {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Taken => Self("a UNIQUE constraint failed where none can".to_owned()),
            Failure::Moved | Failure::Full(_) | Failure::Lacks(_) => {
                Self("a guard failed where there is none".to_owned())
            }
            Failure::Schema(message) | Failure::Unavailable(message) => Self(message),
        }
    }
}

impl From<Failure> for WriteError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Taken => Self::Taken,
            Failure::Moved => Self::Moved,
            Failure::Full(most) => Self::Full(most),
            Failure::Lacks(feature) => Self::Lacks(feature),
            unavailable @ (Failure::Schema(_) | Failure::Unavailable(_)) => {
                Self::Unavailable(unavailable.into())
            }
        }
    }
}

/// The rows that the n-th statement of a batch has answered, counted from 0.
pub(super) fn rows_of<T: DeserializeOwned>(answers: &[impl Answer], n: usize) -> Result<Vec<T>, Failure> {
    answers.get(n).map_or_else(|| Ok(Vec::new()), Answer::rows)
}

/// A stored JSON text.
///
/// # Errors
/// [`Failure::Unavailable`] when the text is not one of this type.
pub(super) fn json<T: DeserializeOwned>(column: &str, text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::Unavailable(format!("{column}: {error}")))
}

/// The most bytes of JSON that one statement is given; a bound value may have 2 MB.
const MAX_CHUNK: usize = 1024 * 1024;

/// Rows as JSON arrays, each small enough to be bound; a row is never cut.
pub(super) fn chunks(rows: Vec<serde_json::Value>) -> Vec<String> {
    let mut chunks = Vec::new();
    let mut open = String::new();
    for row in rows {
        let row = row.to_string();
        if !open.is_empty() && open.len() + row.len() > MAX_CHUNK {
            chunks.push(std::mem::take(&mut open) + "]");
        }
        open.push(if open.is_empty() { '[' } else { ',' });
        open.push_str(&row);
    }
    if !open.is_empty() {
        chunks.push(open + "]");
    }
    chunks
}
