//! Declarations: the things of all kinds that have no table of their own.

use std::collections::BTreeSet;
use std::future::Future;

use crate::domain::admission::command::Learned;
use crate::domain::change::Change;
use crate::domain::declared::Facts;
use crate::domain::time::Millis;

use super::failure::{Unavailable, WriteError};

/// A thing of some kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// A slug.
    pub name: String,
    /// A JSON object, as the kind's type writes it.
    pub body: String,
    pub created_at: Millis,
    pub updated_at: Millis,
}

/// An account's declarations, by kind and name.
pub trait Declarations: Send + Sync {
    /// By name; only those after `after`.
    fn declarations(
        &self,
        of: &'static Facts,
        limit: u32,
        after: &str,
    ) -> impl Future<Output = Result<Vec<Declaration>, Unavailable>> + Send;
    fn declaration(
        &self,
        of: &'static Facts,
        name: &str,
    ) -> impl Future<Output = Result<Option<Declaration>, Unavailable>> + Send;
    /// The names of a kind's things.
    fn declared_names(
        &self,
        of: &'static Facts,
    ) -> impl Future<Output = Result<BTreeSet<String>, Unavailable>> + Send;
    /// Inserts or replaces; `created_at` of an existing row stays. [`WriteError::Full`] when the account would have more
    /// than its plan or the kind allows.
    fn put_declaration(
        &self,
        of: &'static Facts,
        row: &Declaration,
        read: Option<Millis>,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
    /// The most things of a kind that the account may have, and how many there are; `None`: as many as it likes.
    fn room(
        &self,
        of: &'static Facts,
    ) -> impl Future<Output = Result<Option<(u32, u32)>, Unavailable>> + Send;
    fn delete_declaration(
        &self,
        of: &'static Facts,
        name: &str,
        read: Millis,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
    /// Changes that the account's objects have not received yet, the oldest first. A write of a kind that objects keep copies of
    /// adds it in its own batch.
    fn undelivered(&self, limit: u32) -> impl Future<Output = Result<Vec<Learned>, Unavailable>> + Send;
    /// The objects have received these; what has changed since stays.
    fn delivered(&self, things: &[Learned]) -> impl Future<Output = Result<(), Unavailable>> + Send;
}
