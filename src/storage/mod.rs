//! Where rows are kept: D1 and the object's SQLite. The only home of SQL.

pub mod account;
