//! Calls of agents through the real router: what a client sees, what the provider is asked, and what the ledger and the
//! budget say afterwards.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../schema/mod.rs"]
mod schema;
#[path = "../support/mod.rs"]
mod support;

mod ask;
mod cases;
mod crowd;
mod dialects;
mod provider;
mod restarted;
mod stage;

mod account_wide;
mod admissions;
mod bodies;
mod budgets;
mod cache;
mod child_threads;
mod children;
mod compaction;
mod deletions;
mod doors;
mod embeddings;
mod ends;
mod epochs;
mod erasures;
mod event_pages;
mod every_face;
mod exports;
mod faces;
mod fallback;
mod flags;
mod forks;
mod inputs;
mod keeps;
mod line;
mod lists;
mod lives;
mod made_up_face;
mod members;
mod memories;
mod mending;
mod messages;
mod objects;
mod once;
mod origins;
mod places;
mod plans;
mod providers;
mod response_tools;
mod responses;
mod run_settlements;
mod runs;
mod schemas;
mod secrets;
mod settlements;
mod sockets;
mod strangers;
mod streams;
mod sweep;
mod thread_changes;
mod thread_tokens;
mod threads;
mod throwaway;
mod turns;
mod typed_input;
mod typed_output;
mod unreadable;
mod unwanted;
mod upgrades;
mod variables;
mod webhooks;
mod windows;
mod workers_ai;
