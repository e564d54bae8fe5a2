//! D1: SQL and the mapping of rows. With `object/store/`, the only home of SQL text.
//!
//! The directory's statements run on an [`sql::Engine`]: [`d1::D1`] on the platform, SQLite itself in native
//! tests, so that what the tests run is what is deployed.

mod accounts;
mod agent_list;
mod agent_versions;
mod agents;
mod aliases;
mod changes;
pub mod d1;
mod declarations;
pub mod directory;
mod fitting;
mod flags;
mod holders;
mod keys;
mod members;
mod models;
mod plans;
mod providers;
mod resolve;
mod save_agents;
pub mod sql;
mod sweep;
mod templates;

use sql::Query;

/// Every statement on the directory, for the test that prepares them against the schema.
pub fn queries() -> impl Iterator<Item = &'static Query> {
    [
        accounts::QUERIES,
        agent_list::QUERIES,
        agent_versions::QUERIES,
        agents::QUERIES,
        aliases::QUERIES,
        changes::QUERIES,
        declarations::QUERIES,
        holders::QUERIES,
        fitting::QUERIES,
        flags::QUERIES,
        keys::QUERIES,
        members::QUERIES,
        models::QUERIES,
        plans::QUERIES,
        providers::QUERIES,
        save_agents::QUERIES,
        sweep::QUERIES,
        templates::QUERIES,
    ]
    .into_iter()
    .flatten()
}
