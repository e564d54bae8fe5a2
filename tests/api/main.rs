//! The control plane through its router, on the real storage: what a client sees.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../schema/mod.rs"]
mod schema;
#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod agents;
mod aliases;
mod budgets;
mod calls;
mod definitions;
mod document;
mod failures;
mod keys;
mod models;
mod providers;
mod requests;
mod walls;
