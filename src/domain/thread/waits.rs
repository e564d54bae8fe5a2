//! How often a run has begun to wait for somebody or for money: each of these waits has a number, by which others tell whether
//! they have heard of it.

use serde::{Deserialize, Serialize};

use crate::domain::run::state::{Delay, Phase, Run, Status};

/// The waits of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// Of the last one, from 1.
    number: u32,
    is_waiting: bool,
    /// How many steps there were when it last waited for money: looking whether there is some now and then is one wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    without_money: Option<u32>,
}

impl Waits {
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The number of the wait that goes on.
    pub fn current(&self) -> Option<u32> {
        self.is_waiting.then_some(self.number)
    }

    /// The run is so now. One that is paused waits for what it waited for before.
    pub fn note(&mut self, run: &Run) {
        if run.paused.is_some() {
            return;
        }
        let waits = run.status() == Status::Waiting && run.needs_somebody();
        if waits {
            let without_money =
                matches!(run.phase, Phase::Later { why: Delay::Budget, .. }).then_some(run.steps);
            let is_same = self.is_waiting || without_money.is_some() && without_money == self.without_money;
            self.number = self.number.saturating_add(u32::from(!is_same));
            self.without_money = without_money;
        }
        self.is_waiting = waits;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A run that has begun so many steps and is in this phase.
    fn run(steps: u32, phase: &Value) -> Run {
        let limits = json!({"max_steps": 30, "max_minutes": 60, "max_parallel_tools": 8});
        let terms = json!({"agent": "0199f000-0000-7000-8000-000000000000", "version": 1, "started_by": "anonymous",
            "limits": limits, "on_unknown": "ask", "on_budget": "wait"});
        let run = json!({"number": 1, "terms": terms, "created_at": 0, "spent": 0, "steps": steps, "tool_calls": 0,
            "next_entry": 1, "phase": phase});
        serde_json::from_value(run).unwrap()
    }

    fn later(why: &str) -> Value {
        json!({"later": {"until": 9, "why": why}})
    }

    #[test]
    fn each_wait_for_money_has_a_number_and_looking_for_some_begins_none() {
        let mut waits = Waits::default();
        let asks = json!({"model": {"step": 1, "attempt": 1}});
        let mut note = |steps: u32, phase: &Value| {
            waits.note(&run(steps, phase));
            waits.current()
        };
        assert_eq!(note(1, &asks), None);
        assert_eq!(note(1, &later("budget")), Some(1));
        for _ in 0..3 {
            assert_eq!(note(2, &asks), None);
            assert_eq!(note(1, &later("budget")), Some(1));
        }
        assert_eq!(note(1, &later("place")), None, "nobody is waited for");
        assert_eq!(note(2, &later("budget")), Some(2), "after a step it is another");
    }

    #[test]
    fn a_pause_ends_no_wait_and_begins_none() {
        let mut waits = Waits::default();
        waits.note(&run(1, &later("budget")));
        let mut paused = run(1, &later("budget"));
        paused.paused = Some(crate::domain::run::state::Paused { reason: None });
        waits.note(&paused);
        waits.note(&run(1, &later("budget")));
        assert_eq!(waits.current(), Some(1));
    }
}
