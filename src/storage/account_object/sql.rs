//! The little of SQLite that the store needs, so that it runs on the platform's and on any other.

/// A value in or out of a statement. Integers stay below 2⁵³: they cross JavaScript as f64.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Integer(i64),
    Text(String),
}

/// SQLite refused, or a row is not what this code writes. For the operator's log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub String);

pub trait Sql {
    /// Runs one statement and returns its rows. Parameters are bound in order.
    ///
    /// # Errors
    /// [`Error`] with SQLite's words.
    fn exec(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, Error>;

    /// Runs `work` as one transaction, undone when it fails.
    ///
    /// # Errors
    /// What `work` or the commit says.
    fn atomically(&self, work: &mut dyn FnMut() -> Result<(), Error>) -> Result<(), Error>;
}
