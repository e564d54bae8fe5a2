//! A request that joins a run: of what it asks the run takes over what can hold, and the rest is refused.

use super::terms::{MAX_BYTES, Terms};
use crate::domain::field_error::FieldError;
use crate::domain::money::Nanos;

/// The most tools of the client that a run offers.
pub const MAX_TOOLS: usize = 128;

impl Terms {
    /// These terms with what a request asks that joins their run: its tools, the higher priority, and the lower one of the
    /// two `max_usd`. Who started the run, its version and the agent's limits stay.
    ///
    /// `max_usd` is what the request itself says. A run that has begun cannot be held to less than it was begun with: its
    /// calls are admitted for that.
    ///
    /// # Errors
    /// What cannot hold in this run: other values of variables, other tools under the same names, another way to ask the
    /// model.
    pub fn joined_by(
        &self,
        asked: Self,
        max_usd: Option<Nanos>,
        has_begun: bool,
    ) -> Result<Self, Vec<FieldError>> {
        let mut joined = self.clone();
        let mut faults = Vec::new();
        let mut fault = |field: String, message: &str| {
            faults.push(FieldError { field, message: message.to_owned() });
        };
        for (name, value) in &asked.variables {
            if self.variables.get(name) != Some(value) {
                fault(format!("variables.{name}"), "is another in the run that this would join");
            }
        }
        for (nth, tool) in asked.tools.into_iter().enumerate() {
            match self.tools.iter().find(|there| there.name == tool.name) {
                Some(there) if *there == tool => {}
                Some(_) => {
                    fault(format!("tools[{nth}].name"), "is another tool in the run that this would join");
                }
                None => joined.tools.push(tool),
            }
        }
        joined.webhooks.extend(asked.webhooks);
        joined.webhooks.sort_unstable();
        joined.webhooks.dedup();
        joined.priority = self.priority.min(asked.priority);
        if let Some(most) = max_usd.filter(|most| self.limits.max_usd.is_none_or(|limit| *most < limit)) {
            if has_begun {
                fault(
                    "max_usd".to_owned(),
                    "is less than the run may cost that this would join, which has begun",
                );
            }
            joined.limits.max_usd = Some(most);
        }
        if !asked.manner.is_default() && !asked.manner.is_like(&self.manner) {
            fault(
                "on_busy".to_owned(),
                "the run that this would join asks the model in another way: leave out `temperature` and the like, or queue",
            );
        }
        if joined.tools.len() > MAX_TOOLS || joined.is_too_large() {
            let message = format!(
                "of this request and the run that it would join are too many: a run has at most {MAX_TOOLS}, and \
                 {MAX_BYTES} bytes of settings"
            );
            fault("tools".to_owned(), &message);
        }
        if faults.is_empty() { Ok(joined) } else { Err(faults) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::ids::AgentId;
    use crate::domain::run::manner::Manner;
    use crate::domain::run::terms::{Limits, OnBudget, OnUnknown, Priority, Starter};
    use crate::domain::run::tool::ClientTool;
    use crate::domain::time::Millis;

    fn terms() -> Terms {
        Terms {
            agent: AgentId::new(Millis(1), [2; 10]),
            version: 1,
            started_by: Starter::Anonymous,
            user: None,
            limits: Limits::default(),
            on_unknown: OnUnknown::Ask,
            on_budget: OnBudget::End,
            priority: Priority::Normal,
            variables: BTreeMap::new(),
            tools: Vec::new(),
            manner: Manner::default(),
            parent: None,
            via: None,
            typed: false,
            webhooks: Vec::new(),
            hands_over: false,
            request: None,
        }
    }

    fn tool(name: &str, description: Option<&str>) -> ClientTool {
        let description = description.map(str::to_owned);
        ClientTool { name: name.to_owned(), description, parameters: None, strict: None, cache: None }
    }

    fn fields(joined: Result<Terms, Vec<FieldError>>) -> Vec<String> {
        joined.unwrap_err().into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn what_can_hold_is_taken_over() {
        let mut there = terms();
        there.limits.max_usd = Some(Nanos::new(10));
        there.priority = Priority::Low;
        there.tools = vec![tool("look", None)];
        there.variables.insert("customer".to_owned(), "Ada".to_owned());
        let mut asked = there.clone();
        asked.priority = Priority::High;
        asked.tools.push(tool("special", None));
        asked.version += 1;
        let joined = there.joined_by(asked.clone(), Some(Nanos::new(4)), false).unwrap();
        assert_eq!((joined.priority, joined.limits.max_usd), (Priority::High, Some(Nanos::new(4))));
        assert_eq!(joined.tools, asked.tools);
        assert_eq!(joined.version, there.version);
        // More than it may cost is less than what it is held to already.
        let joined = there.joined_by(asked, Some(Nanos::new(11)), true).unwrap();
        assert_eq!(joined.limits.max_usd, Some(Nanos::new(10)));
    }

    #[test]
    fn what_cannot_hold_is_named() {
        let mut there = terms();
        there.tools = vec![tool("look", None)];
        let mut asked = there.clone();
        asked.tools = vec![tool("special", None), tool("look", Some("elsewhere"))];
        asked.variables.insert("customer".to_owned(), "Ada".to_owned());
        asked.manner.model = Some("other".to_owned());
        let named = fields(there.joined_by(asked, Some(Nanos::new(4)), true));
        assert_eq!(named, ["variables.customer", "tools[1].name", "max_usd", "on_busy"]);
        let mut asked = there.clone();
        asked.tools = (0..MAX_TOOLS).map(|n| tool(&format!("t{n}"), None)).collect();
        assert_eq!(fields(there.joined_by(asked.clone(), None, true)), ["tools"]);
        asked.tools = vec![tool("long", Some(&"x".repeat(MAX_BYTES)))];
        assert_eq!(fields(there.joined_by(asked, None, false)), ["tools"]);
    }
}
