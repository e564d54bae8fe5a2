//! The account object's store on native SQLite: the statements that the platform runs, and the state machine of
//! admission over them with a crash between any two.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod mirror;
mod simulation;
mod sqlite;
mod store;
