//! What is asked of such an object, and what it answers. They travel as JSON, see [`crate::domain::thread::command`].

use serde::{Deserialize, Serialize};

use crate::domain::memory::command as memory;

/// The version of [`Command`] and [`Answer`]; see [`crate::domain::admission::command::VERSION`] for what that means.
pub const VERSION: u32 = 1;

/// Everything such an object can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    Memory(memory::Command),
    /// How much is kept.
    Count,
    /// All of it goes, for good, and the object with it.
    Erase,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    Memory(memory::Answer),
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
}
