//! A run of another agent that a run has begun: what it may spend, and what is known of it.

use serde::{Deserialize, Serialize};

use crate::domain::money::{self, Nanos};
use crate::domain::time::{self, Millis};

/// The most runs above a run: agents that ask each other in a circle end there.
pub const MAX_DEPTH: usize = 5;

/// A child of which nothing was heard is asked how it is: first after this,
const FIRST_LOOK_MS: i64 = 30_000;
/// then after twice as long each time, and at least this often.
const MAX_LOOK_MS: i64 = 5 * 60_000;

/// A child that has not said how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Child {
    /// The most it may spend; `None` where its parent has no limit.
    #[serde(default, with = "money::as_optional_integer", skip_serializing_if = "Option::is_none")]
    pub given: Option<Nanos>,
    /// Whether it is known to be there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_begun: bool,
    /// Whether it waits for somebody outside.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
    /// The number of what was heard of it last.
    #[serde(default)]
    pub heard: u64,
    /// How often it was asked how it is, and when it is asked next.
    #[serde(default)]
    pub looks: u32,
    #[serde(with = "time::as_integer")]
    pub look_at: Millis,
}

/// What was taken for the cost of a child that has not said itself how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guess {
    #[serde(with = "money::as_integer")]
    pub given: Nanos,
    #[serde(with = "money::as_integer")]
    pub cost: Nanos,
    #[serde(with = "money::as_integer")]
    pub set_aside: Nanos,
}

impl Child {
    pub const fn new(given: Option<Nanos>, now: Millis) -> Self {
        let look_at = now.plus(FIRST_LOOK_MS);
        Self { given, has_begun: false, waits: false, heard: 0, looks: 0, look_at }
    }

    /// Counts a look, and plans the next one; its number.
    pub fn look(&mut self, now: Millis) -> u32 {
        self.looks = self.looks.saturating_add(1);
        self.look_at = now.plus((FIRST_LOOK_MS << self.looks.min(16)).min(MAX_LOOK_MS));
        self.looks
    }
}
