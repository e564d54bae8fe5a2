//! Plans: what an account may have, and how much of it it has.

use std::future::Future;

use crate::domain::plan::Limits;
use crate::domain::time::Millis;

use super::failure::Unavailable;

/// An account's plan.
pub trait Plans: Send + Sync {
    /// [`Limits::NONE`] when the plan has no row.
    fn limits(&self) -> impl Future<Output = Result<Limits, Unavailable>> + Send;
    /// How many there are of what the plan counts; keys that expire only up to `most_keys`.
    fn usage(&self, most_keys: u32, now: Millis) -> impl Future<Output = Result<Counts, Unavailable>> + Send;
}

/// Numbers of what a plan counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub agents: u32,
    pub members: u32,
    pub keys: u32,
}
