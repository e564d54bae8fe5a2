//! The knowledge object's tables.

mod memories;
mod schema;

pub use memories::{
    Kept, Order, Totals, delete, erase, forget_gone, found, frequencies, index_all, insert, is_gone, memory,
    newest, note_gone, of_text, outlines, predecessors, totals, update, write_totals,
};
pub use schema::STEPS;

use crate::sql::Query;

/// Every statement on a knowledge object's tables.
pub(super) fn all() -> impl Iterator<Item = &'static Query> {
    memories::QUERIES.iter()
}
