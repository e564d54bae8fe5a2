//! What a run waits for.

use super::state::{Delay, Phase, Run, Status};
use super::tool::{OpenCall, Stage};
use crate::domain::time::Millis;

/// What a waiting run waits for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Awaited<'a> {
    /// The client's output of its tool.
    ToolOutput(&'a OpenCall),
    /// How a call ended of which nobody knows.
    Outcome(&'a OpenCall),
    /// The end of a child, and whether that waits for somebody outside.
    Child(&'a OpenCall, bool),
    /// Money, at this moment at the latest.
    Budget(Millis),
    Time(Millis),
}

impl Run {
    /// What it waits for, also while something else is still under way.
    pub fn awaited(&self) -> Vec<Awaited<'_>> {
        match &self.phase {
            Phase::Tools { calls, .. } => calls
                .iter()
                .filter_map(|call| match call.stage {
                    Stage::Output => Some(Awaited::ToolOutput(call)),
                    Stage::Outcome => Some(Awaited::Outcome(call)),
                    Stage::Child => Some(Awaited::Child(call, self.waits_below(call.entry))),
                    Stage::Ready | Stage::Running | Stage::Done => None,
                })
                .chain(self.next_call_at().map(Awaited::Time))
                .collect(),
            Phase::Later { until, why: Delay::Budget } => vec![Awaited::Budget(*until)],
            Phase::Later { until, why: Delay::Place | Delay::Trouble } => vec![Awaited::Time(*until)],
            _ => Vec::new(),
        }
    }

    /// When the first of the calls is begun that were put off.
    pub(super) fn next_call_at(&self) -> Option<Millis> {
        self.calls().iter().filter_map(|call| call.not_before).min()
    }

    /// Whether the child of this call waits for somebody outside.
    fn waits_below(&self, entry: u32) -> bool {
        self.children.get(&entry).is_some_and(|child| child.waits)
    }

    /// Whether it goes on only when somebody outside does something.
    pub fn needs_somebody(&self) -> bool {
        let needs = |awaited: &Awaited<'_>| !matches!(awaited, Awaited::Child(_, false) | Awaited::Time(_));
        match self.status() {
            Status::Paused => true,
            Status::Waiting => self.awaited().iter().any(needs),
            _ => false,
        }
    }
}
