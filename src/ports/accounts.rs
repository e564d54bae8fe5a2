//! Accounts: all of them, for who acts for none yet, and an account's own row.

use std::future::Future;

use crate::domain::account::Account;
use crate::domain::change::Change;
use crate::domain::ids::{AccountId, KeyId, MemberId};
use crate::domain::slug::Slug;

use super::failure::{Unavailable, WriteError};

/// How a URL names an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AccountRef {
    Id(AccountId),
    Slug(Slug),
}

impl AccountRef {
    /// `None` when the text is neither a slug nor an id.
    pub fn parse(text: &str) -> Option<Self> {
        AccountId::parse(text).map(Self::Id).or_else(|| Slug::parse(text).ok().map(Self::Slug))
    }

    /// Whether this account is meant.
    pub fn names(&self, account: &Account) -> bool {
        match self {
            Self::Id(id) => account.id == *id,
            Self::Slug(slug) => account.slug == *slug,
        }
    }
}

/// The accounts, whoever asks.
pub trait AllAccounts: Send + Sync {
    /// The accounts by id, behind one; `None`: from the first on.
    fn accounts_behind(
        &self,
        after: Option<AccountId>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<AccountId>, Unavailable>> + Send;
    fn account(&self, of: &AccountRef) -> impl Future<Output = Result<Option<Account>, Unavailable>> + Send;
    /// [`WriteError::Taken`] when another account has the slug.
    fn insert_account(
        &self,
        account: &Account,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
}

/// An account's own row.
pub trait OwnAccount: Send + Sync {
    /// Changes the row, unless it is no longer as it was read ([`WriteError::Moved`]). With `fit`, what its
    /// plan has no room for is switched off, newest first, and what it has room for again is switched on,
    /// oldest first: all in one step, with a line in the change log for each.
    fn update_account(
        &self,
        account: &Account,
        read: &Account,
        fit: Option<&Fit>,
        change: &Change,
    ) -> impl Future<Output = Result<Fitted, WriteError>> + Send;
}

/// The caller's key and member, which a change of the plan never switches off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fit {
    pub key: Option<KeyId>,
    pub member: Option<MemberId>,
}

/// What a plan has switched off and on, each newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fitted {
    pub agents_off: Vec<Slug>,
    pub members_off: Vec<MemberId>,
    pub keys_off: Vec<KeyId>,
    pub members_on: Vec<MemberId>,
    pub keys_on: Vec<KeyId>,
}
