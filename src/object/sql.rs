//! The little of SQLite that the objects' stores need, so that they run on the platform's and on any other.

/// A value in or out of a statement. Integers stay below 2⁵³: they cross JavaScript as f64.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Integer(i64),
    Text(String),
    /// A fraction or bytes, of which no store writes any: a damaged cell. It comes out and never goes in.
    Damaged,
}

/// Why an object cannot do what it was asked. The text is for the operator's log.
///
/// The two differ in what they mean for the object's memory, which [`super::host::Host`] applies.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// SQLite refused. Memory and disk may differ, or a newer instance may have replaced this one: memory is
    /// dropped.
    #[error("{0}")]
    Storage(String),
    /// A row is not what this code writes. Disk and memory are as they were: memory stays.
    #[error("{0}")]
    Decode(String),
}

pub trait Sql {
    /// Runs one statement and returns its rows. Parameters are bound in order.
    ///
    /// # Errors
    /// [`Error::Storage`] with SQLite's words.
    fn exec(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, Error>;

    /// Runs `work` as one transaction, undone when it fails.
    ///
    /// # Errors
    /// What `work` or the commit says.
    fn atomically(&self, work: &mut dyn FnMut() -> Result<(), Error>) -> Result<(), Error>;
}
