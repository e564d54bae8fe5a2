//! The objects that keep texts which are searched: the memories of a person, and those of an account's work.
//!
//! What is kept there, and how it is asked for, is its own module's affair ([`super::memory`]); here is what all of them have.

pub mod command;

use super::ids::AccountId;

/// Names one object of an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(String);

impl Place {
    /// `kind` has no colon; what follows it may have any characters.
    pub fn of(account: AccountId, kind: &str, name: &str) -> Self {
        Self(format!("{account}:{kind}:{name}"))
    }

    /// By its name, if that is one of the account's.
    pub fn parse(account: AccountId, name: &str) -> Option<Self> {
        let is_of = name.strip_prefix(&account.to_string()).is_some_and(|rest| rest.starts_with(':'));
        is_of.then(|| Self(name.to_owned()))
    }

    /// The object's name.
    pub fn name(&self) -> &str {
        &self.0
    }
}
