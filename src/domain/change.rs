//! The account's change log: who wrote what of its configuration, when, and how it was before.
//!
//! A change is written in one batch with what it tells of: there is no write without its row and no row without its
//! write. No secret is ever in it.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::declared::Facts;
use super::ids::{ChangeId, KeyId};
use super::time::Millis;

/// One write of one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub id: ChangeId,
    pub at: Millis,
    pub by: Actor,
    pub action: Action,
    pub subject: Subject,
    /// The thing's id, or its name where that is its key.
    pub subject_id: String,
    /// `None`: it was not there, or nothing of it was written.
    pub before: Option<Value>,
    /// `None`: it is gone.
    pub after: Option<Value>,
}

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    Operator,
    Key(KeyId),
}

impl Actor {
    /// As it is written; `None` when the text names neither.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "operator" { Some(Self::Operator) } else { KeyId::parse(text).map(Self::Key) }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::Key(id) => id.fmt(f),
        }
    }
}

impl Serialize for Actor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ChangeAction)]
pub enum Action {
    Create,
    Update,
    Delete,
    Archive,
    Restore,
    Rollback,
    Revoke,
}

/// What it was done to: `account`, `agent`, `flag`, `key`, or the singular of a declared kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(as = ChangeSubject)]
pub struct Subject(Cow<'static, str>);

impl Subject {
    pub const ACCOUNT: Self = Self(Cow::Borrowed("account"));
    pub const AGENT: Self = Self(Cow::Borrowed("agent"));
    pub const FLAG: Self = Self(Cow::Borrowed("flag"));
    pub const KEY: Self = Self(Cow::Borrowed("key"));
    /// What is no declared kind.
    pub const OTHERS: [Self; 4] = [Self::ACCOUNT, Self::AGENT, Self::FLAG, Self::KEY];

    pub const fn of(kind: &'static Facts) -> Self {
        Self(Cow::Borrowed(kind.singular))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What differs between two states of a thing: of two objects only the fields that do, as they were and as they are.
pub fn difference(before: Option<Value>, after: Option<Value>) -> (Option<Value>, Option<Value>) {
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let only = |of: &Map<String, Value>, other: &Map<String, Value>| {
                let differs = |(name, value): &(&String, &Value)| other.get(*name) != Some(*value);
                Value::Object(of.iter().filter(differs).map(|(n, v)| (n.clone(), v.clone())).collect())
            };
            (Some(only(&before, &after)), Some(only(&after, &before)))
        }
        whole => whole,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_an_update_only_the_fields_that_differ_are_kept() {
        let before = json!({"name": "a", "model": "m", "voice": "v"});
        let after = json!({"name": "b", "model": "m", "panels": []});
        assert_eq!(
            difference(Some(before.clone()), Some(after)),
            (Some(json!({"name": "a", "voice": "v"})), Some(json!({"name": "b", "panels": []})))
        );
        assert_eq!(difference(None, Some(before.clone())), (None, Some(before)));
    }
}
