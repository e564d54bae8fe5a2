//! What agents remember across threads: of a person (`user`), or of the work that they do for an account (`work`).
//!
//! | file | what it is |
//! |---|---|
//! | [`draft`] | what is written of a memory, and its bounds |
//! | [`keys`] | keys and passwords, which are not remembered |
//! | [`seen`] | what people see of a text |
//! | [`shelf`] | whose memories, and the object that keeps them |
//! | [`words`] | the words by which memories are found |
//! | [`notes`] | memories as a model is given them: data, and no instruction |
//! | [`recalled`] | what a run was given of them, the same in each of its steps |
//! | [`view`] | a memory as clients see it |
//! | [`command`] | what is asked of the object that keeps them |
//!
//! A text that is remembered may have been said by anybody. What keeps it from being obeyed is not what it says but how it is
//! given ([`notes`]), and that it says where it comes from ([`Source`]).

pub mod command;
pub mod draft;
pub mod keys;
pub mod notes;
pub mod recalled;
pub mod seen;
pub mod shelf;
pub mod view;
pub mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ids::{AgentId, KeyId, MemoryId};
use super::thread::id::{EntryId, RunId};
use super::thread::once::Hash;
use super::time::{self, Millis};

/// The most memories of one object: of one person, or of the account's work.
pub const MAX_MEMORIES: u64 = 10_000;

/// What a memory is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MemoryKind)]
pub enum Kind {
    /// A person.
    User,
    /// What agents learned doing tasks, whoever for.
    Work,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::User, Self::Work];

    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Work => "work",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Where a memory is in its life. Only active ones are recalled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MemoryStatus)]
pub enum Status {
    #[default]
    Active,
    /// Put aside by somebody.
    Archived,
    /// Another one says it better.
    Superseded,
}

impl Status {
    pub const ALL: [Self; 3] = [Self::Active, Self::Archived, Self::Superseded];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Archived => "archived",
            Self::Superseded => "superseded",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// Who wrote a memory down: a run of an agent, or a key of the account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MemorySource)]
pub struct Source {
    /// The run in which an agent did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub run: Option<RunId>,
    /// That agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub agent: Option<AgentId>,
    /// The key of the account with which somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub key: Option<KeyId>,
}

/// A memory as its object keeps it. Whose it is, is the object's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    pub id: MemoryId,
    pub text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    pub status: Status,
    /// The one that this took the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<MemoryId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<MemoryId>,
    #[serde(default)]
    pub source: Source,
    /// Counts its changes, from 1.
    pub revision: u64,
    #[serde(with = "time::as_integer")]
    pub created_at: Millis,
    #[serde(with = "time::as_integer")]
    pub updated_at: Millis,
}

impl Memory {
    /// Its ETag, without the quotes.
    pub fn tag(&self) -> String {
        self.revision.to_string()
    }
}

impl MemoryId {
    /// Of what a run remembers by this call: the same however often the call is made.
    pub fn of_call(call: EntryId) -> Self {
        let hash = Hash::of(&[b"memory", call.to_string().as_bytes()]);
        Self::of_bytes(hash.uuid().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::thread::id::ThreadKey;

    #[test]
    fn a_call_has_one_memory() {
        let run = RunId { thread: ThreadKey::new(Millis(1), [1; 10]), number: 1 };
        let call = |number| MemoryId::of_call(EntryId { run, number });
        assert_eq!(call(65_536), call(65_536));
        assert_ne!(call(65_536), call(65_537));
        assert_eq!(call(1).to_string().as_bytes()[14], b'8');
    }
}
