//! Every thread that the index knows, for backups.

use super::THREAD_DIGITS;
use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;
use crate::sql::queries;

queries! {
    /// `threads_behind`
    NEXT_ENTRY = "SELECT id FROM entries WHERE id > ? ORDER BY id LIMIT 1";
}

/// The threads behind one, at most so many. Each is sought behind the runs of the one before.
///
/// # Errors
/// [`Error`].
pub fn threads_behind(sql: &impl Sql, mut after: String, most: u32) -> Result<Vec<String>, Error> {
    let mut threads = Vec::new();
    while threads.len() < most as usize {
        if !after.is_empty() {
            after.push('g');
        }
        let rows = sql.query(&NEXT_ENTRY, &[Value::Text(after)])?;
        let Some(row) = rows.first() else { break };
        let id = Columns::of(row).text()?;
        // A run may be left of a thread that goes.
        after = id.get(..THREAD_DIGITS).unwrap_or(id).to_owned();
        threads.push(after.clone());
    }
    Ok(threads)
}
