//! Providers: the upstream APIs that an account has configured.

use std::collections::BTreeSet;
use std::future::Future;

use crate::domain::change::Change;
use crate::domain::provider::Provider;
use crate::domain::time::Millis;

use super::failure::{Unavailable, WriteError};

/// An account's providers, by name.
pub trait Providers: Send + Sync {
    fn providers(&self) -> impl Future<Output = Result<Vec<Provider>, Unavailable>> + Send;
    /// Those that have one of these names.
    fn providers_named(
        &self,
        names: &BTreeSet<String>,
    ) -> impl Future<Output = Result<Vec<Provider>, Unavailable>> + Send;
    fn provider(&self, name: &str) -> impl Future<Output = Result<Option<Provider>, Unavailable>> + Send;
    /// Inserts or replaces; `created_at` of an existing row stays. [`WriteError::Full`] when the account
    /// would have more than `most`.
    fn put_provider(
        &self,
        provider: &Provider,
        read: Option<Millis>,
        most: u32,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
    fn delete_provider(
        &self,
        name: &str,
        read: Millis,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
}
