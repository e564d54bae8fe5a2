//! The accounts' objects.

use std::future::Future;

use crate::domain::admission::Ask;
use crate::domain::ids::AccountId;

use super::failure::Unavailable;

/// The accounts' objects: each one decides alone for its account.
pub trait Accounts: Send + Sync {
    /// Asks a question of [`crate::domain::admission::ask`], where its meaning and its answer are described.
    fn ask<A: Ask>(
        &self,
        account: AccountId,
        question: A,
    ) -> impl Future<Output = Result<A::Answer, Unavailable>> + Send;
}
