//! Models: the platform's catalogue, and an account's own prices over it.

use std::future::Future;

use crate::domain::change::Change;
use crate::domain::model::{Capabilities, Model};
use crate::domain::time::Millis;

use super::failure::{Unavailable, WriteError};

/// The models as an account sees them.
pub trait Models: Send + Sync {
    /// The platform's catalogue with the account's rows over it, by provider and code, and when the account wrote
    /// those. Only those after the pair `after` that can do what is needed.
    fn models(
        &self,
        limit: u32,
        after: Option<(&str, &str)>,
        needed: Capabilities,
    ) -> impl Future<Output = Result<Vec<(Model, Option<Millis>)>, Unavailable>> + Send;
    /// The models of these `(provider, code)` pairs as calls meet them: where the account's own provider answers, its
    /// own row wins over the platform's. Where the platform's server does ([`Provider::is_own_server`]), who pays is not who
    /// would set the price, so only the platform's row counts.
    ///
    /// [`Provider::is_own_server`]: crate::domain::provider::Provider::is_own_server
    fn models_of(
        &self,
        pairs: &[(String, String)],
    ) -> impl Future<Output = Result<Vec<Model>, Unavailable>> + Send;
    /// The account's own row, and when it was written; else the platform's.
    fn model(
        &self,
        provider: &str,
        code: &str,
    ) -> impl Future<Output = Result<Option<(Model, Option<Millis>)>, Unavailable>> + Send;
    /// Whether the platform offers it, or has retired it.
    fn catalogue_has(
        &self,
        provider: &str,
        code: &str,
    ) -> impl Future<Output = Result<bool, Unavailable>> + Send;
    /// Inserts or replaces the account's own row.
    fn put_model(
        &self,
        model: &Model,
        updated_at: Millis,
        read: Option<Millis>,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
    /// Deletes the account's own row; the platform's shows again.
    fn delete_model(
        &self,
        provider: &str,
        code: &str,
        read: Millis,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
}
