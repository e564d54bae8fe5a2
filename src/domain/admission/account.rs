//! What all agents of the account have spent and do together.
//!
//! None of it has a place of its own on the disk: money is the sum of the agents' rows and holds, and is kept
//! here so that no admission has to add up. Open calls are the holds; the calls of the last minute live in
//! memory alone.

use super::spend::Bucket;
use super::window::Window;
use crate::domain::money::Nanos;
use crate::domain::time::Millis;

#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    /// The sum of the agents' months.
    pub month: Bucket,
    /// The sum of the agents' orphans.
    pub orphans: Nanos,
    /// The sum of the slices on disk.
    pub slices: Nanos,
    pub window: Window,
    /// The plan's limit, as the last admission named it; forgotten by a restart.
    pub monthly_spend: Option<Nanos>,
}

impl Account {
    /// Begins the month and the minute that `now` lies in.
    pub fn roll(&mut self, now: Millis) {
        self.month.roll_month(now);
        self.window.roll(now);
    }

    /// What no end of a call gives back in the running month.
    pub fn spent(&self) -> Nanos {
        self.month.tally.settled + self.orphans
    }

    /// Settled, held and orphaned in the running month.
    pub fn taken(&self) -> Nanos {
        self.month.tally.settled + self.month.tally.held + self.orphans
    }
}
