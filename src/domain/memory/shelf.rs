//! Whose memories.

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::domain::field_error::FieldErrors;
use crate::domain::ids::AccountId;
use crate::domain::knowledge::Place;

/// The most characters of a user, as of a thread's.
pub const MAX_USER: usize = 255;

/// Checks a user's name. Paths cannot name `.` and `..`, and so nobody could look at, export or erase what is theirs.
pub fn check_user(errors: &mut FieldErrors, user: &str) {
    errors.length("user", user, 1, MAX_USER);
    if matches!(user, "." | "..") {
        errors.add("user", "no path can have this name: choose another one");
    }
}

/// Whether a person can be called so.
pub fn is_user(user: &str) -> bool {
    let mut errors = FieldErrors::default();
    check_user(&mut errors, user);
    errors.finish().is_ok()
}

/// Memories that stand together, in one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shelf {
    /// Of a person, in the client's word for them.
    User(String),
    /// Of the account's agents.
    Work,
}

impl Shelf {
    pub const fn kind(&self) -> Kind {
        match self {
            Self::User(_) => Kind::User,
            Self::Work => Kind::Work,
        }
    }

    pub fn user(&self) -> Option<&str> {
        match self {
            Self::User(user) => Some(user),
            Self::Work => None,
        }
    }

    /// The object that keeps them. `@` at the beginning of a user is written twice, so that no user is called as the work is.
    pub fn place(&self, account: AccountId) -> Place {
        match self {
            Self::User(user) if user.starts_with('@') => Place::of(account, "memory", &format!("@{user}")),
            Self::User(user) => Place::of(account, "memory", user),
            Self::Work => Place::of(account, "memory", "@work"),
        }
    }
}

/// Whose memories a run may reach, as far as its agent does: those of its user, if it has one, and those of the account's work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

impl Reach {
    /// The memories of this kind; `None` where the run has no user.
    pub fn shelf(&self, kind: Kind) -> Option<Shelf> {
        match kind {
            Kind::User => self.user.clone().map(Shelf::User),
            Kind::Work => Some(Shelf::Work),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Millis;

    #[test]
    fn no_two_shelves_are_one_object() {
        let account = AccountId::new(Millis(1), [1; 10]);
        let users = ["work", "@work", "@@work", "@", "@@", "ada", "a:b", ""];
        let users = users.into_iter().map(|user| Shelf::User(user.to_owned()));
        let names: std::collections::BTreeSet<String> =
            users.chain([Shelf::Work]).map(|shelf| shelf.place(account).name().to_owned()).collect();
        assert_eq!(names.len(), 9);
        assert!(names.contains(&format!("{account}:memory:@work")));
        assert!(names.contains(&format!("{account}:memory:ada")));
    }
}
