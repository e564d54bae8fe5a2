//! Every kind of object there is, and how one is named in lists, paths and backups.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::ids::AccountId;
use crate::domain::knowledge::Place;
use crate::domain::thread::id::ThreadKey;

/// The kinds of objects. One that is not here is not backed up; a test compares the list with the platform's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    Dispatch,
    Thread,
    Knowledge,
    Account,
}

impl ObjectKind {
    /// In the order in which an account's objects are listed and dumped. Each one knows of what was dumped before it no less
    /// than what was known then: threads of what the index lists, the ledger of what runs have spent.
    pub const ALL: [Self; 4] = [Self::Dispatch, Self::Thread, Self::Knowledge, Self::Account];

    /// The platform's name of the class.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Dispatch => "DispatchObject",
            Self::Thread => "ThreadObject",
            Self::Knowledge => "KnowledgeObject",
            Self::Account => "AccountObject",
        }
    }
}

/// What the names of objects that keep memories have behind the account.
const MEMORY: &str = "memory";

/// An object: `{account}:account`, `{account}:dispatch`, `{account}:thread:{key}`, `{account}:memory:{user}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectName {
    Dispatch(AccountId),
    Thread(AccountId, ThreadKey),
    Knowledge(AccountId, Place),
    Account(AccountId),
}

impl ObjectName {
    /// `None` where the text names none.
    pub fn parse(text: &str) -> Option<Self> {
        let (account, rest) = text.split_once(':')?;
        let account = AccountId::parse(account)?;
        match rest.split_once(':') {
            None if rest == "account" => Some(Self::Account(account)),
            None if rest == "dispatch" => Some(Self::Dispatch(account)),
            Some((MEMORY, name)) => Some(Self::Knowledge(account, Place::of(account, MEMORY, name))),
            Some(("thread", key)) => ThreadKey::parse(key).map(|key| Self::Thread(account, key)),
            _ => None,
        }
    }

    pub const fn kind(&self) -> ObjectKind {
        match self {
            Self::Dispatch(_) => ObjectKind::Dispatch,
            Self::Thread(..) => ObjectKind::Thread,
            Self::Knowledge(..) => ObjectKind::Knowledge,
            Self::Account(_) => ObjectKind::Account,
        }
    }

    pub const fn account(&self) -> AccountId {
        match self {
            Self::Dispatch(account)
            | Self::Thread(account, _)
            | Self::Knowledge(account, _)
            | Self::Account(account) => *account,
        }
    }

    /// What the platform calls it among those of its class.
    pub fn on_platform(&self) -> String {
        match self {
            Self::Dispatch(account) | Self::Account(account) => account.to_string(),
            Self::Thread(account, key) => format!("{account}:{key}"),
            Self::Knowledge(_, place) => place.name().to_owned(),
        }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dispatch(account) => write!(f, "{account}:dispatch"),
            Self::Thread(account, key) => write!(f, "{account}:thread:{key}"),
            Self::Knowledge(_, place) => f.write_str(place.name()),
            Self::Account(account) => write!(f, "{account}:account"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Millis;

    #[test]
    fn a_name_is_read_as_it_is_written_and_nothing_else_is() {
        let account = AccountId::new(Millis(1), [1; 10]);
        let key = ThreadKey::new(Millis(2), [2; 10]);
        let memories = |user| ObjectName::Knowledge(account, Place::of(account, MEMORY, user));
        for name in [
            ObjectName::Account(account),
            ObjectName::Dispatch(account),
            ObjectName::Thread(account, key),
            memories("@work"),
            memories("a:thread:/é"),
        ] {
            assert_eq!(ObjectName::parse(&name.to_string()), Some(name));
        }
        for none in
            ["", "x:account", &account.to_string(), &format!("{account}:thread"), &format!("{account}:x")]
        {
            assert_eq!(ObjectName::parse(none), None, "{none}");
        }
    }

    #[test]
    fn every_class_of_the_configuration_is_a_kind_of_object() {
        let configuration = include_str!("../../../wrangler.toml");
        let classes = configuration.lines().filter_map(|line| line.strip_prefix("class_name = \""));
        let mut classes: Vec<&str> = classes.map(|class| class.trim_end_matches('"')).collect();
        let mut known = ObjectKind::ALL.map(ObjectKind::class);
        classes.sort_unstable();
        known.sort_unstable();
        assert_eq!(classes, known, "an object that is not in ObjectKind::ALL is in no backup");
    }
}
