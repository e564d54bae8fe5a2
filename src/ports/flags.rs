//! Feature flags: what is set of them.

use std::collections::BTreeMap;
use std::future::Future;

use crate::domain::change::Change;
use crate::domain::flag::{Flag, Setting, Settings};
use crate::domain::ids::AccountId;
use crate::domain::slug::Slug;
use crate::domain::time::Millis;

use super::failure::Unavailable;

/// What is set for all accounts.
pub trait AllFlags: Send + Sync {
    fn flags(&self) -> impl Future<Output = Result<BTreeMap<Flag, Setting>, Unavailable>> + Send;
    /// Sets it, and begins a rollout to all accounts.
    fn put_flag(
        &self,
        flag: Flag,
        setting: Setting,
        at: Millis,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;
    /// As the code declares it again; a rollout begins.
    fn delete_flag(&self, flag: Flag) -> impl Future<Output = Result<(), Unavailable>> + Send;
    /// The accounts for which it is set, by id; only those after `after`.
    fn flag_accounts(
        &self,
        flag: Flag,
        limit: u32,
        after: Option<AccountId>,
    ) -> impl Future<Output = Result<Vec<AccountFlag>, Unavailable>> + Send;
    /// The next accounts of a rollout; `None` when there is none.
    fn rollout(&self, limit: u32) -> impl Future<Output = Result<Option<Rollout>, Unavailable>> + Send;
    /// The rollout has come so far; `None` when it has come to all. One that has begun again meanwhile stays where it is.
    fn rolled_out(
        &self,
        rollout: &Rollout,
        last: Option<AccountId>,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// What is set for one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFlag {
    pub id: AccountId,
    pub slug: Slug,
    pub is_on: bool,
}

/// Where a rollout stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// As it was read, to be given back.
    pub after: String,
    /// By id; none at the end.
    pub accounts: Vec<AccountId>,
}

/// What is set for an account, and for all.
pub trait OwnFlags: Send + Sync {
    fn flag_settings(&self) -> impl Future<Output = Result<Settings, Unavailable>> + Send;
    fn put_own_flag(
        &self,
        flag: Flag,
        is_on: bool,
        change: &Change,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;
    fn delete_own_flag(
        &self,
        flag: Flag,
        change: &Change,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;
}
