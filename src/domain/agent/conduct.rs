//! How the runs of an agent go: what they may use, and what they do when in doubt.

use super::Definition;
use super::memory::Memory;
use crate::domain::field_error::FieldErrors;
use crate::domain::money::Nanos;
use crate::domain::run::terms::{Limits, OnBudget, OnUnknown, Upgrade};
use crate::domain::share::Share;
use crate::domain::thread::command::OnBusy;

/// The most steps of the model that a run may be allowed.
pub const MAX_STEPS: u32 = 1_000;
/// The longest that a run may be allowed to take: a day.
pub const MAX_MINUTES: u32 = 1_440;
/// The longest that threads may be said to be kept: ten years.
pub const MAX_KEEP_DAYS: u32 = 3_650;
/// The most tool calls that a run may be allowed.
pub const MAX_TOOL_CALLS: u32 = 10_000;
/// The most tools of a run at once.
pub const MAX_PARALLEL_TOOLS: u32 = 32;
/// The lowest and the highest share of a context at which threads are compacted.
const COMPACT_AT: (Share, Share) = (Share::of_thousandths(100), Share::of_thousandths(950));

/// How a run of an agent goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conduct {
    pub limits: Limits,
    pub on_busy: OnBusy,
    pub on_unknown: OnUnknown,
    pub on_budget: OnBudget,
    pub upgrade: Upgrade,
    /// Its final answer is JSON that fits the agent's `output`.
    pub typed: bool,
}

impl Definition {
    /// How its runs go, with the defaults filled in.
    pub fn conduct(&self) -> Conduct {
        let run = self.run.unwrap_or_default();
        let default = Limits::default();
        Conduct {
            limits: Limits {
                max_steps: run.max_steps.unwrap_or(default.max_steps),
                max_usd: run.max_usd,
                max_minutes: run.max_minutes.unwrap_or(default.max_minutes),
                max_tool_calls: run.max_tool_calls,
                max_parallel_tools: self.max_parallel_tools.unwrap_or(default.max_parallel_tools),
                compact_at: self.compact_at.unwrap_or(default.compact_at),
            },
            on_busy: self.on_busy.unwrap_or_default(),
            on_unknown: self.on_unknown.unwrap_or_default(),
            on_budget: self.on_budget.unwrap_or_default(),
            upgrade: self.upgrade.unwrap_or_default(),
            typed: self.output.is_some(),
        }
    }

    /// What of memories its runs have.
    pub fn memory(&self) -> Memory {
        self.memory.unwrap_or_default()
    }

    pub(super) fn check_conduct(&self, errors: &mut FieldErrors) {
        let run = self.run.unwrap_or_default();
        for (field, value, most) in [
            ("run.max_steps", run.max_steps, MAX_STEPS),
            ("run.max_minutes", run.max_minutes, MAX_MINUTES),
            ("run.max_tool_calls", run.max_tool_calls, MAX_TOOL_CALLS),
            ("max_parallel_tools", self.max_parallel_tools, MAX_PARALLEL_TOOLS),
            ("keep_days", self.keep_days, MAX_KEEP_DAYS),
        ] {
            if value.is_some_and(|value| value == 0 || value > most) {
                errors.add(field, format!("must be from 1 to {most}"));
            }
        }
        let (lowest, highest) = COMPACT_AT;
        if self.compact_at.is_some_and(|share| share < lowest || share > highest) {
            errors.add("compact_at", "must be from 0.1 to 0.95");
        }
        if run.max_usd == Some(Nanos::ZERO) {
            errors.add("run.max_usd", "must be more than 0: no run could ask the model");
        }
    }
}

impl Limits {
    /// With what a request allows: of two amounts the lower one holds.
    pub fn with_usd(self, asked: Option<Nanos>) -> Self {
        let max_usd = [self.max_usd, asked].into_iter().flatten().min();
        Self { max_usd, ..self }
    }

    /// The same of calls of tools.
    pub fn with_calls(self, asked: Option<u32>) -> Self {
        let max_tool_calls = [self.max_tool_calls, asked].into_iter().flatten().min();
        Self { max_tool_calls, ..self }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn definition(more: &Value) -> Definition {
        let mut all = json!({"name": "a", "instructions": "b", "model": "c:d"});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn what_is_left_out_has_its_default_and_is_not_written() {
        let plain = definition(&json!({}));
        assert_eq!(plain.conduct(), Conduct::default());
        let written = json!(plain);
        for field in [
            "run",
            "max_parallel_tools",
            "on_busy",
            "on_unknown",
            "on_budget",
            "upgrade",
            "compact_at",
            "keep_days",
        ] {
            assert_eq!(written.get(field), None, "{field}");
        }
        let own = json!({
            "run": {"max_steps": 3, "max_usd": "0.500000"}, "max_parallel_tools": 2, "on_busy": "reject",
            "on_unknown": "fail", "on_budget": "wait", "upgrade": "new_threads", "compact_at": 0.5,
        });
        let own = definition(&own);
        assert_eq!(serde_json::from_value::<Definition>(json!(own)).unwrap(), own);
        let Conduct { limits, on_busy, on_unknown, on_budget, upgrade, typed: _ } = own.conduct();
        assert_eq!((limits.max_steps, limits.max_minutes, limits.max_parallel_tools), (3, 60, 2));
        assert_eq!((on_busy, on_unknown, on_budget), (OnBusy::Reject, OnUnknown::Fail, OnBudget::Wait));
        assert_eq!(limits.compact_at, Share::of_thousandths(500));
        assert_eq!([Upgrade::NextRun.pin(2), upgrade.pin(2)], [None, Some(2)]);
    }

    #[test]
    fn of_two_amounts_the_lower_one_holds() {
        let limits = |cents: Option<u64>| Limits { max_usd: cents.map(Nanos::new), ..Limits::default() };
        for (own, asked, holds) in [(None, None, None), (Some(3), None, Some(3)), (None, Some(4), Some(4))] {
            assert_eq!(limits(own).with_usd(asked.map(Nanos::new)), limits(holds));
        }
        assert_eq!(limits(Some(3)).with_usd(Some(Nanos::new(4))), limits(Some(3)));
        assert_eq!(limits(Some(4)).with_usd(Some(Nanos::new(3))), limits(Some(3)));
    }
}
