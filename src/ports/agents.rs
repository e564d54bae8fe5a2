//! Agents, found by name and written.

use std::fmt;
use std::future::Future;

use crate::domain::agent::{Agent, Save};
use crate::domain::change::{Actor, Change};
use crate::domain::ids::AgentId;
use crate::domain::slug::Slug;

use super::failure::{Unavailable, WriteError};

/// How a URL names an agent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AgentRef {
    Id(AgentId),
    Slug(Slug),
}

impl AgentRef {
    /// `None` when the text is neither a slug nor an id.
    pub fn parse(text: &str) -> Option<Self> {
        AgentId::parse(text).map(Self::Id).or_else(|| Slug::parse(text).ok().map(Self::Slug))
    }
}

/// Which of an agent's versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AgentVersion {
    /// The one in force when it is looked up.
    Newest,
    Number(u32),
}

/// What a call is to: an agent at a version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    pub agent: AgentRef,
    pub version: AgentVersion,
}

impl fmt::Display for AgentRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Slug(slug) => slug.fmt(f),
        }
    }
}

/// An account's agents.
pub trait Agents: Send + Sync {
    /// One in use.
    fn agent(&self, of: &AgentRef) -> impl Future<Output = Result<Option<Agent>, Unavailable>> + Send;
    /// An archived one; by slug, of those that had it the one that was archived last.
    fn archived_agent(
        &self,
        of: &AgentRef,
    ) -> impl Future<Output = Result<Option<Agent>, Unavailable>> + Send;
    /// Those of these that are in use, in the order asked for.
    fn agents_of(&self, ids: &[AgentId]) -> impl Future<Output = Result<Vec<Agent>, Unavailable>> + Send;
    /// Those of these names that agents in use have, in no order.
    fn agents_named(
        &self,
        names: &[AgentRef],
    ) -> impl Future<Output = Result<Vec<(AgentId, Slug)>, Unavailable>> + Send;
    /// Those in use that are called by one of these names, with the name, in the order of their slugs.
    fn agents_titled(
        &self,
        names: &[&str],
    ) -> impl Future<Output = Result<Vec<(AgentId, Slug, String)>, Unavailable>> + Send;
    /// The id behind a name, by id also of an archived agent, whose ledger stays.
    fn agent_ever(&self, of: &AgentRef) -> impl Future<Output = Result<Option<AgentId>, Unavailable>> + Send;
    /// The agents in use whose newest definition hands off to this one, in the order of their slugs.
    fn agents_handing_to(&self, id: AgentId) -> impl Future<Output = Result<Vec<Agent>, Unavailable>> + Send;
}

/// Writing an account's agents.
pub trait SaveAgents: Send + Sync {
    /// Writes agents, the versions they make and the lines of the change log: all or nothing.
    ///
    /// [`WriteError::Taken`] when another agent in use has a slug. [`WriteError::Moved`] when an agent is no
    /// longer as it was read (`updated_at` grows with every change), or one in use would hand off to one that
    /// is not. [`WriteError::Full`] when more would be in use than the account's plan allows,
    /// [`WriteError::Lacks`] when it has no public agents and one is becoming public, or is put to use.
    fn save_agents(
        &self,
        saves: &[Save],
        by: Actor,
        changes: &[Change],
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
}
