//! What is asked of such an object, and what it answers. They travel as JSON, see [`crate::domain::thread::command`].

use serde::{Deserialize, Serialize};

use crate::domain::memory::command as memory;
use crate::domain::time::Millis;

/// The version of [`Command`] and [`Answer`]; see [`crate::domain::admission::command::VERSION`] for what that means.
pub const VERSION: u32 = 1;

/// Everything such an object can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    Memory(memory::Command),
    /// How much is kept.
    Count,
    /// What was there by then goes, for good, and if nothing stays the object with it; what came later stays.
    EraseUntil(Millis),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    Memory(memory::Answer),
    /// The same of what was written, and how much is kept now.
    Written(memory::Answer, Tally),
    Counted(Counted),
    /// With what was there.
    Erased(Counted),
}

/// How much is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    pub memories: u64,
    /// Of their texts, and of what else is said of them.
    pub bytes: u64,
    /// Grows with each write, and is never below the milliseconds of its moment.
    #[serde(default)]
    pub version: u64,
}

impl Counted {
    pub const fn tally(&self) -> Tally {
        Tally { memories: self.memories, version: self.version }
    }
}

/// How many memories are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub memories: u64,
    /// See [`Counted::version`].
    pub version: u64,
}
