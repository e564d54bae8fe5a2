//! What the objects keep in their SQLite. With `storage/`, the only home of SQL text.

pub mod account;
pub mod effects;
pub mod steps;
