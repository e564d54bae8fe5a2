//! What becomes of a run that comes while another is at work.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What becomes of a run that comes while another is at work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnBusy {
    /// It waits for its turn.
    #[default]
    Queue,
    /// It is refused.
    Reject,
    /// The other is cancelled.
    Interrupt,
    /// It waits, and those that wait already are cancelled.
    Latest,
    /// It joins the one that waits already, which takes over its tools, the higher priority and the lower `max_usd`.
    Merge,
    /// It is said to the one that is at work, which takes over its tools.
    Steer,
    /// The other is cancelled, and what it wrote is taken back.
    Rollback,
}

impl OnBusy {
    /// The same for a run that must be one of its own: what would join another waits for its turn.
    #[must_use]
    pub const fn for_one(self, is_one: bool) -> Self {
        match self {
            Self::Merge | Self::Steer if is_one => Self::Queue,
            on_busy => on_busy,
        }
    }
}
