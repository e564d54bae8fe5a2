//! API keys.

use std::future::Future;

use crate::domain::account::{Account, Key};
use crate::domain::api_key::KeyDigest;
use crate::domain::change::Change;
use crate::domain::ids::KeyId;

use super::failure::{Unavailable, WriteError};

/// How a key of an account is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyRef {
    /// By what a client sends.
    Digest(KeyDigest),
    /// By its row, for whoever has remembered that.
    Id(KeyId),
}

/// The keys of all accounts, by what a client sends.
pub trait AllKeys: Send + Sync {
    /// The key and its account, revoked and expired ones included.
    fn key(
        &self,
        digest: &KeyDigest,
    ) -> impl Future<Output = Result<Option<(Key, Account)>, Unavailable>> + Send;
}

/// An account's keys.
pub trait Keys: Send + Sync {
    /// Newest first, revoked ones included; only those older than `before`.
    fn keys(
        &self,
        limit: u32,
        before: Option<KeyId>,
    ) -> impl Future<Output = Result<Vec<Key>, Unavailable>> + Send;
    /// [`WriteError::Full`] when the plan allows no more keys. [`WriteError::Moved`] when the key acts for a
    /// member that is not there, is inactive, or may not have a key of that role.
    fn insert_key(
        &self,
        key: &Key,
        digest: &KeyDigest,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
    /// Whether there was such a key; revoking twice changes nothing. The moment is the change's.
    fn revoke_key(
        &self,
        id: KeyId,
        change: &Change,
    ) -> impl Future<Output = Result<bool, Unavailable>> + Send;
}
