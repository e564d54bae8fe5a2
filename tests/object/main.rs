//! The objects' own code on native SQLite, with a platform that fails and forgets: the host's rules, the
//! account's object, its store and its schema, and the commands as they pass.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../support/disk.rs"]
#[allow(dead_code, reason = "shared with other test binaries")]
mod disk;

mod account;
mod backup;
mod claims;
mod clearing;
mod commands;
mod compaction;
mod dispatch;
mod effects;
mod erasures;
mod events;
mod family;
mod fork;
mod knowledge;
mod notices;
mod platform;
mod scrub;
mod simulation;
mod steps;
mod store;
mod theatre;
mod thread;
mod voices;
