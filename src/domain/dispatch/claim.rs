//! Room that is claimed before something is made, where the account's plan limits how much there may be.
//!
//! The index counts what it knows: threads, what they hold, runs that are not over. What is about to be made it does not know
//! yet, so whoever makes it claims its place first, and the place is taken at once. The claim goes when the index learns of
//! what was made, or when its time is up.

use serde::{Deserialize, Serialize};

use crate::domain::plan::{KeepLimits, MEGABYTE};
use crate::domain::thread::id::{RunId, ThreadKey};

/// A claim of room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Of whoever claims; the same claim once more takes no more room.
    pub id: String,
    pub thread: ThreadKey,
    /// The thread is made where it is not there, and is one that is kept.
    #[serde(default)]
    pub makes_thread: bool,
    #[serde(default)]
    pub begins: Begins,
    pub limits: KeepLimits,
}

/// Whether a run begins, and which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Begins {
    #[default]
    Nothing,
    /// Its number is the thread's to give.
    Run,
    /// This one, unless it has begun before.
    This(RunId),
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub threads: u32,
    /// Of what is said in threads.
    pub bytes: u64,
    /// That are not over.
    pub runs: u32,
    #[serde(default)]
    pub memories: u32,
}

impl Kept {
    /// Rounded up.
    pub fn megabytes(&self) -> u32 {
        u32::try_from(self.bytes.div_ceil(MEGABYTE)).unwrap_or(u32::MAX)
    }
}
