//! The live tests: the Worker under workerd, against a provider emulator that writes its own invoice.
//!
//! Here stands what only the real runtime can show: money under concurrency and crashes, caches and epochs across
//! isolates, streams and disconnects. What the router and the rules can show natively is tested natively.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod admissions;
mod backup;
mod budget;
mod calls;
mod crash;
mod emulator;
mod epoch;
mod erasures;
mod exchange;
mod fallback;
mod faults;
mod harness;
mod input;
mod ledger;
mod lives;
mod local_model;
mod long_threads;
mod platform;
mod public;
mod runs;
mod shell;
mod sweep;
mod tenancy;
mod versions;
mod webhooks;
mod words;
