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
