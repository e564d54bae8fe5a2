//! The control plane through its router, on the real storage: what a client sees.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../schema/mod.rs"]
mod schema;
#[path = "../support/mod.rs"]
mod support;

mod account;
mod accounts;
mod agents;
mod agents_duplicate;
mod agents_lifecycle;
mod agents_list;
mod agents_versions;
mod aliases;
mod all_faults;
mod backup;
mod budgets;
mod calls;
mod changes;
mod declared;
mod definitions;
mod document;
mod exchange;
mod failures;
mod flags;
mod gadgets;
mod import_script;
mod keys;
mod matrix;
mod members;
mod memories;
mod models;
mod moving;
mod moving_identity;
mod moving_kinds;
mod moving_namesakes;
mod moving_public;
mod moving_secrets;
mod moving_shapes;
mod moving_words;
mod narrowed;
mod plans;
mod profile;
mod providers;
mod requests;
mod sample;
mod scopes;
mod shell;
mod shown_paths;
mod templates;
mod token_matrix;
mod unread;
mod walls;
mod webhooks;
mod words;
mod written_back;
