//! Admission: what an account's object decides, as a pure state machine.
//!
//! [`State`] takes a command and the time and returns a decision; [`State::flush`] says what has to be written. The
//! object applies it: decide, write, answer. Three rules make the budget exact:
//!
//! 1. At every instant `settled + held ≤ limit` for a budget that blocks, and for all agents together under the plan's
//!    monthly spend: a hold is a ceiling, and it is set aside in the step that checks the limit.
//! 2. Nothing that was admitted is forgotten. An admission need not wait for the disk as long as what is on the disk
//!    already covers it: each write reserves a *slice* beyond the holds it records, and admissions draw from it. What
//!    a crash leaves of a slice is an *orphan*: held, and charged when nobody settles it.
//! 3. A settlement is answered only after it is written, carries all of its row, and counts once by its call's id.

mod account;
pub mod ask;
pub mod command;
mod expire;
mod flush;
mod of_plan;
mod rows;
mod settle;
mod spend;
mod state;
mod window;

pub use ask::Ask;
pub use flush::IDLE_MS;
pub use rows::{AgentRow, Batch, Hold, Meta, Snapshot};
pub use settle::Known;
pub use spend::Orphan;
pub use state::{Durability, State};

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod simulation_tests;
#[cfg(test)]
mod tests;
