//! An agent to be written, and what the write means for the account's plan.

use super::{Access, Agent};

/// An agent to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Save {
    pub agent: Agent,
    /// As it was read; `None`: it is new.
    pub read: Option<Agent>,
}

impl Save {
    pub const fn insert(agent: Agent) -> Self {
        Self { agent, read: None }
    }

    pub const fn update(agent: Agent, read: Agent) -> Self {
        Self { agent, read: Some(read) }
    }

    /// Whether there is one more in use than before.
    pub fn adds(&self) -> bool {
        self.agent.status().is_in_use() && !self.read.as_ref().is_some_and(|read| read.status().is_in_use())
    }

    /// Whether an agent that anyone may call is created, becomes public or is put to use.
    pub fn opens(&self) -> bool {
        let is_public = |agent: &Agent| agent.definition.access == Access::Public;
        let was_public = self.read.as_ref().is_some_and(is_public);
        is_public(&self.agent) && self.agent.archived_at.is_none() && (!was_public || self.adds())
    }
}
