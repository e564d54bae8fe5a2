//! The versions of agents, as they are read. They are written with their agents.

use std::future::Future;

use crate::domain::agent::Definition;
use crate::domain::ids::AgentId;
use crate::domain::time::Millis;

use super::failure::Unavailable;

/// The versions of an account's agents.
pub trait AgentVersions: Send + Sync {
    /// An agent's versions, newest first; only those before `before`.
    fn versions(
        &self,
        agent: AgentId,
        limit: u32,
        before: Option<u32>,
    ) -> impl Future<Output = Result<Vec<VersionLine>, Unavailable>> + Send;
    /// Those of these two versions that exist.
    fn snapshots(
        &self,
        agent: AgentId,
        versions: [u32; 2],
    ) -> impl Future<Output = Result<Vec<Version>, Unavailable>> + Send;
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
