//! Who asks, on the control plane, and what they may do there.
//!
//! Each request reads the directory: nothing here is cached, so a revoked key fails at once. Unknown, expired and
//! revoked keys are one answer. Not here: callers of agents.

use crate::domain::account::{Account, Key, Role, Status};
use crate::domain::api_key::{ApiKey, Invalid};
use crate::domain::change::Actor;
use crate::ports::{AccountRef, AllAccounts, AllKeys, Unavailable, World};

use super::App;
use super::denied::Denied;
use super::failure::{Failure, Thing};

/// Whoever presented a valid key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Runs the platform: makes accounts and their keys, and is no account itself.
    Operator,
    Key(Box<Session>),
}

/// A live key and its account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub account: Account,
    pub key: Key,
}

/// Why nobody was recognized.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no key was presented")]
    Missing,
    #[error(transparent)]
    Malformed(#[from] Invalid),
    /// Unknown, expired or revoked.
    #[error("the key is not valid")]
    Rejected,
    /// It is the operator's, and too short to open anything.
    #[error("the operator's key is too short")]
    WeakOperatorKey,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Recognizes the operator or a live key.
///
/// # Errors
/// [`Error`] when nobody is recognized.
pub async fn authenticate<W: World>(app: &App<W>, presented: Option<&str>) -> Result<Principal, Error> {
    let presented = presented.ok_or(Error::Missing)?;
    let settings = app.world.settings();
    if settings.operator_key.as_ref().is_some_and(|key| key.matches(presented)) {
        return if settings.is_guarded() { Ok(Principal::Operator) } else { Err(Error::WeakOperatorKey) };
    }
    let digest = ApiKey::parse(presented)?.digest();
    let (key, account) = app.world.directory().key(&digest).await?.ok_or(Error::Rejected)?;
    if key.is_live(app.world.now()) {
        Ok(Principal::Key(Box::new(Session { account, key })))
    } else {
        Err(Error::Rejected)
    }
}

impl Principal {
    /// # Errors
    /// [`Denied::OperatorOnly`] for every other.
    pub const fn operator(&self) -> Result<(), Denied> {
        match self {
            Self::Operator => Ok(()),
            Self::Key(_) => Err(Denied::OperatorOnly),
        }
    }

    /// To read the account's configuration: a member or an admin, of a suspended account too.
    ///
    /// # Errors
    /// [`Denied`] when this is neither.
    pub fn reader(self) -> Result<Session, Denied> {
        match self {
            Self::Operator => Err(Denied::OperatorIsNoAccount),
            Self::Key(session) => session.with_role(Role::Member),
        }
    }

    /// To act on the account's threads: a member or an admin of an active account.
    ///
    /// # Errors
    /// [`Denied`] when this is neither.
    pub fn worker(self) -> Result<Session, Denied> {
        self.reader()?.active()
    }

    /// To read what is the key's own, whatever its role.
    ///
    /// # Errors
    /// [`Denied`] for the operator.
    pub fn holder(self) -> Result<Session, Denied> {
        match self {
            Self::Operator => Err(Denied::OperatorIsNoAccount),
            Self::Key(session) => Ok(*session),
        }
    }

    /// To write what is the key's own, whatever its role, in an active account.
    ///
    /// # Errors
    /// [`Denied`] for the operator.
    pub fn active_holder(self) -> Result<Session, Denied> {
        self.holder()?.active()
    }

    /// To read what only admins do, of a suspended account too.
    ///
    /// # Errors
    /// [`Denied`] when this is none.
    pub fn admin(self) -> Result<Session, Denied> {
        match self {
            Self::Operator => Err(Denied::OperatorIsNoAccount),
            Self::Key(session) => session.with_role(Role::Admin),
        }
    }

    /// As the change log names whoever writes.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Operator => Actor::Operator,
            Self::Key(session) => session.actor(),
        }
    }

    /// To write the account's configuration: an admin of an active account.
    ///
    /// # Errors
    /// [`Denied`] when this is none.
    pub fn writer(self) -> Result<Session, Denied> {
        match self {
            Self::Operator => Err(Denied::OperatorIsNoAccount),
            Self::Key(session) => session.with_role(Role::Admin)?.active(),
        }
    }
}

impl Session {
    /// As the change log names whoever writes.
    pub const fn actor(&self) -> Actor {
        Actor::Key(self.key.id)
    }

    fn with_role(self, role: Role) -> Result<Self, Denied> {
        if self.key.role >= role { Ok(self) } else { Err(Denied::Role(role)) }
    }

    fn active(self) -> Result<Self, Denied> {
        match self.account.status {
            Status::Active => Ok(self),
            Status::Suspended => Err(Denied::Suspended),
        }
    }
}

/// What is to be done with an account's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAccess {
    Read,
    Write,
}

/// The account whose keys the operator, or an admin of that account, may see or change.
///
/// # Errors
/// [`Failure::Missing`] for an account that does not exist or is not the caller's own, [`Failure::Denied`] for a
/// role that is too low.
pub async fn account_of_keys<W: World>(
    app: &App<W>,
    principal: Principal,
    account: &str,
    access: KeyAccess,
) -> Result<Account, Failure> {
    let missing = Failure::Missing(Thing::Account);
    let Some(named) = AccountRef::parse(account) else { return Err(missing) };
    match principal {
        Principal::Operator => app.world.directory().account(&named).await?.ok_or(missing),
        Principal::Key(session) if named.names(&session.account) => {
            let session = session.with_role(Role::Admin)?;
            Ok(if access == KeyAccess::Write { session.active()? } else { session }.account)
        }
        Principal::Key(_) => Err(missing),
    }
}
