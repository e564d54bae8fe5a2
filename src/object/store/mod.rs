//! What the objects keep in their SQLite. With `storage/`, the only home of SQL text.

pub mod account;
mod columns;
mod declared;
pub mod dispatch;
pub mod dump;
pub mod effects;
pub mod knowledge;
pub mod restore;
pub mod scrub;
pub mod steps;
mod tables;
pub mod thread;

use crate::sql::Query;

/// Every statement on objects' tables, for the test that prepares them against the schema.
pub fn queries() -> impl Iterator<Item = &'static Query> {
    effects::QUERIES
        .iter()
        .chain(steps::QUERIES)
        .chain(tables::QUERIES)
        .chain(dump::QUERIES)
        .chain(scrub::QUERIES)
        .chain(account::all())
        .chain(thread::all())
        .chain(dispatch::all())
        .chain(knowledge::all())
}
