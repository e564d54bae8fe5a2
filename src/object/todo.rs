//! What a host leaves to be done outside, and how it answers.

use futures_channel::oneshot;

use super::machine::{Effect, EffectId, Machine};
use super::sql::Error;
use crate::domain::time::Millis;

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
            Self::Gather => M::GATHER_MS,
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
    /// Effects under way that are wanted no more, until they have ended.
    pub unwanted: Vec<EffectId>,
    /// To be shown to watchers.
    pub events: Vec<V>,
    /// For the operator's log.
    pub log: Vec<String>,
    /// Nothing on the disk is worth its place: once [`super::host::Host::vacate`] says so too, the disk is to be emptied.
    pub is_void: bool,
    /// The object is to leave memory, once nobody is with it; see [`super::host::Host::may_leave`].
    pub leaves: bool,
}

/// What a machine leaves to be done.
pub type TodoOf<M> = Todo<<M as Machine>::Effect, <M as Machine>::Event>;

impl<E, V> Default for Todo<E, V> {
    fn default() -> Self {
        Self {
            timers: Vec::new(),
            alarm: None,
            effects: Vec::new(),
            unwanted: Vec::new(),
            events: Vec::new(),
            log: Vec::new(),
            is_void: false,
            leaves: false,
        }
    }
}

/// `Now`, or an answer that is still to come.
#[derive(Debug)]
pub enum Reply<N, A> {
    Now(N),
    /// With the next write; an error when that fails, or when the host is gone.
    Later(Later<A>),
}

/// What a command is answered.
pub type CommandReply<A> = Reply<Result<A, Error>, A>;

/// An answer that waits for a write.
#[derive(Debug)]
pub struct Later<A> {
    pub(super) written: oneshot::Receiver<()>,
    pub(super) answer: A,
}

impl<A> Later<A> {
    /// # Errors
    /// [`Error::Storage`] when the write failed.
    pub async fn wait(self) -> Result<A, Error> {
        match self.written.await {
            Ok(()) => Ok(self.answer),
            Err(_) => Err(Error::Storage("what was to be answered was not written".to_owned())),
        }
    }
}
