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

    /// Whether there is one less in use than before.
    pub fn removes(&self) -> bool {
        !self.agent.status().is_in_use() && self.read.as_ref().is_some_and(|read| read.status().is_in_use())
    }

    /// Whether an agent that anyone may call is created, becomes public or is put to use.
    pub fn opens(&self) -> bool {
        let is_public = |agent: &Agent| agent.definition.access == Access::Public;
        let was_public = self.read.as_ref().is_some_and(is_public);
        is_public(&self.agent) && self.agent.archived_at.is_none() && (!was_public || self.adds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::agent::{Definition, Status};
    use crate::domain::ids::AgentId;
    use crate::domain::slug::Slug;
    use crate::domain::time::Millis;

    fn agent(access: Access, status: Status) -> Agent {
        let definition: Definition =
            serde_json::from_str(r#"{"name": "a", "instructions": "i", "model": "m:n"}"#).unwrap();
        Agent {
            id: AgentId::new(Millis(0), [1; 10]),
            slug: Slug::parse("a").unwrap(),
            version: 1,
            definition: Definition { access, ..definition },
            status,
            labels: Vec::new(),
            budget: None,
            created_at: Millis(0),
            updated_at: Millis(0),
            archived_at: None,
        }
    }

    fn archived(agent: Agent) -> Agent {
        Agent { archived_at: Some(Millis(1)), ..agent }
    }

    #[test]
    fn an_agent_adds_when_it_comes_into_use() {
        let [active, inactive] = [Status::Active, Status::Inactive].map(|is| agent(Access::Key, is));
        assert!(Save::insert(active.clone()).adds());
        assert!(!Save::insert(inactive.clone()).adds());
        assert!(Save::update(active.clone(), inactive.clone()).adds());
        assert!(Save::update(active.clone(), archived(active.clone())).adds());
        assert!(!Save::update(active.clone(), agent(Access::Key, Status::Deprecated)).adds());
        assert!(!Save::update(inactive, active).adds());
    }

    #[test]
    fn an_agent_opens_when_it_becomes_public_or_comes_into_use_as_one() {
        let [key, public] = [Access::Key, Access::Public].map(|access| agent(access, Status::Active));
        let inactive = agent(Access::Public, Status::Inactive);
        assert!(Save::insert(public.clone()).opens());
        assert!(Save::update(public.clone(), key.clone()).opens());
        assert!(Save::update(public.clone(), inactive.clone()).opens());
        assert!(Save::update(public.clone(), archived(public.clone())).opens());
        assert!(!Save::update(public.clone(), public.clone()).opens());
        assert!(!Save::update(key, public.clone()).opens());
        assert!(!Save::update(inactive, public.clone()).opens());
        assert!(!Save::update(archived(public.clone()), public).opens());
    }
}
