//! The platform's own data, migrations/seed: the files are sane, every fault in them is told with its place, and their
//! SQL makes D1 say what they say.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod faults;
mod models;
mod plans;
#[path = "../schema/mod.rs"]
mod schema;
mod script;
mod templates;
