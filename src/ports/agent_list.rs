//! Lists of agents, and what narrows them.

use std::collections::BTreeSet;
use std::future::Future;

use crate::domain::agent::{Agent, Status};
use crate::domain::ids::AgentId;
use crate::domain::time::Millis;

use super::failure::Unavailable;

/// An account's agents, searched.
pub trait AgentList: Send + Sync {
    /// Those that fit, newest first; at most a bounded number of others is read on the way, and a bounded number of bytes in all.
    fn find_agents(
        &self,
        filter: &AgentFilter,
        limit: u32,
        after: Option<AgentPosition>,
    ) -> impl Future<Output = Result<FoundAgents, Unavailable>> + Send;
    /// The same, of those whose calls are answered, as `callable` narrows them; labels are not looked at. Their definitions have
    /// only what a client is shown, and the line.
    fn find_callable(
        &self,
        filter: &AgentFilter,
        callable: &Callable,
        limit: u32,
        after: Option<AgentPosition>,
    ) -> impl Future<Output = Result<FoundAgents, Unavailable>> + Send;
    /// Agents in use and own templates in whose line this text stands, as `agent slug` with the line.
    fn named_in_lines(
        &self,
        text: &str,
    ) -> impl Future<Output = Result<Vec<(String, String)>, Unavailable>> + Send;
    /// Agents in use and own templates that name this webhook, as `agent slug`.
    fn naming_webhook(&self, name: &str) -> impl Future<Output = Result<Vec<String>, Unavailable>> + Send;
    /// Which of these names agents in use have.
    fn names_taken(&self, names: &[String]) -> impl Future<Output = Result<Vec<String>, Unavailable>> + Send;
}

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

/// Whose agents a client may know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Callable {
    Public,
    All,
    These(Vec<AgentId>),
}

/// Where a list of agents, newest first, goes on: after this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentPosition {
    pub created_at: Millis,
    pub id: AgentId,
}

impl AgentPosition {
    pub const fn of(agent: &Agent) -> Self {
        Self { created_at: agent.created_at, id: agent.id }
    }
}

/// What a search for agents has found.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundAgents {
    /// Newest first.
    pub agents: Vec<Agent>,
    /// Where the search stopped at a bound with fewer than were asked for: there may be more after it.
    /// `None`: there are no more, or as many as were asked for are found.
    pub stopped_at: Option<AgentPosition>,
}
