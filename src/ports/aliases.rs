//! Aliases: an account's names for model lines.

use std::collections::BTreeSet;
use std::future::Future;

use crate::domain::alias::Alias;
use crate::domain::change::Change;
use crate::domain::time::Millis;

use super::failure::{Unavailable, WriteError};

/// An account's aliases, by name.
pub trait Aliases: Send + Sync {
    fn aliases(&self) -> impl Future<Output = Result<Vec<Alias>, Unavailable>> + Send;
    /// Those that have one of these names.
    fn aliases_named(
        &self,
        names: &BTreeSet<String>,
    ) -> impl Future<Output = Result<Vec<Alias>, Unavailable>> + Send;
    fn alias(&self, name: &str) -> impl Future<Output = Result<Option<Alias>, Unavailable>> + Send;
    /// Inserts or replaces. [`WriteError::Full`] when the account would have more than `most`.
    fn put_alias(
        &self,
        alias: &Alias,
        read: Option<Millis>,
        most: u32,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
    fn delete_alias(
        &self,
        name: &str,
        read: Millis,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
}
