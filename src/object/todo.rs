//! What a host leaves to be done outside.

use super::machine::{Effect, Machine};
use crate::domain::time::Millis;

/// How long settlements and holds gather before they are written together.
const GATHER_MS: u64 = 200;

/// When the host wants to be called again, see [`super::host::Host::rang`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// What has gathered is to be written.
    Gather,
    /// Nothing may have come since the last write.
    Quiet,
}

impl Timer {
    /// How long it runs, in milliseconds.
    pub const fn ms<M: Machine>(self) -> u64 {
        match self {
            Self::Gather => GATHER_MS,
            Self::Quiet => M::QUIET_MS,
        }
    }
}

/// What is to be done outside, now.
#[derive(Debug)]
pub struct Todo<E, V> {
    /// To be started; the host is called back when one rings.
    pub timers: Vec<Timer>,
    /// When the alarm is to ring instead of before.
    pub alarm: Option<Millis>,
    /// To be performed. They are on the disk.
    pub effects: Vec<Effect<E>>,
    /// To be shown to watchers.
    pub events: Vec<V>,
    /// For the operator's log.
    pub log: Vec<String>,
    /// Nothing on the disk is worth its place: once [`super::host::Host::let_go`] says so too, the disk is to be emptied.
    pub is_void: bool,
}

/// What a machine leaves to be done.
pub type TodoOf<M> = Todo<<M as Machine>::Effect, <M as Machine>::Event>;

impl<E, V> Default for Todo<E, V> {
    fn default() -> Self {
        Self {
            timers: Vec::new(),
            alarm: None,
            effects: Vec::new(),
            events: Vec::new(),
            log: Vec::new(),
            is_void: false,
        }
    }
}
