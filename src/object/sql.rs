//! The little of SQLite that the objects' stores need, so that they run on the platform's and on any other.

use crate::sql::Query;

pub use crate::sql::Value;

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
    /// Runs one statement and returns its rows. Parameters are bound in order. For steps of the schema; everything else has
    /// a name and is run by [`Sql::query`].
    ///
    /// # Errors
    /// [`Error::Storage`] with SQLite's words.
    fn exec(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, Error>;

    /// Runs a query and returns its rows.
    ///
    /// # Errors
    /// [`Error::Storage`], with the query's name.
    fn query(&self, query: &Query, values: &[Value]) -> Result<Vec<Vec<Value>>, Error> {
        query.check(values.len()).map_err(Error::Storage)?;
        self.exec(query.sql, values).map_err(|error| match error {
            Error::Storage(words) => Error::Storage(format!("{}: {words}", query.name)),
            other => other,
        })
    }

    /// How many bytes of the disk are in use: pages that are free are not counted.
    ///
    /// # Errors
    /// [`Error::Storage`].
    fn used_bytes(&self) -> Result<u64, Error>;

    /// Runs `work` as one transaction, undone when it fails.
    ///
    /// # Errors
    /// What `work` or the commit says.
    fn atomically(&self, work: &mut dyn FnMut() -> Result<(), Error>) -> Result<(), Error>;
}
