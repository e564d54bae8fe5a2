//! A world for native tests: the real storage on SQLite, the real state machine of accounts, providers that follow a
//! script, and a clock, randomness and failures that the test decides.

#![allow(dead_code, reason = "several test binaries share it, and none uses all of it")]
#![allow(unused_imports, reason = "see above")]

mod accounts;
mod api;
pub mod disk;
mod faults;
mod sqlite;
mod upstream;
mod world;

pub use accounts::FakeAccounts;
pub use api::{Api, Call, Reply, Tenant};
pub use faults::{Faults, When};
pub use sqlite::Sqlite;
pub use upstream::{FakeUpstream, Script, Turn};
pub use world::{FakeWorld, MASTER_KEY, NOON, OPERATOR, settings};
