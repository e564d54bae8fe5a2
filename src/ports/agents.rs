//! What is asked of an account's agents, and what is answered, beside the agents themselves.

use std::collections::BTreeSet;

use crate::domain::agent::{Agent, Definition, Status};
use crate::domain::time::Millis;

use super::rows::AgentPosition;

/// Which agents of an account are listed: those that fit everything that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentFilter {
    /// `None`: every agent in use. [`Status::Archived`]: the others.
    pub status: Option<Status>,
    pub kind: Option<String>,
    pub label: Option<String>,
    /// Each begins a word of the name or the slug ([`crate::domain::agent::words`]).
    pub words: BTreeSet<String>,
}

/// What a search for agents has found.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundAgents {
    /// Newest first.
    pub agents: Vec<Agent>,
    /// Where the search ended before it had found as many as it should, because it had gone through enough: there may be
    /// more after it. `None`: there are no more, or as many as were asked for are found.
    pub stopped_at: Option<AgentPosition>,
}

/// A version of an agent as it was saved.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    pub version: u32,
    pub definition: Definition,
    pub created_at: Millis,
    /// The id of the key that wrote it, or `operator`; `None` is the platform itself.
    pub created_by: Option<String>,
}

/// A version in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionLine {
    pub version: u32,
    pub created_at: Millis,
    /// As [`Version::created_by`].
    pub created_by: Option<String>,
    /// The fields that are not as in the version before, by name; none of the first.
    pub changed: Vec<String>,
}
