//! Takes in the pages of a dump; see [`crate::domain::backup::command`]. Until the last one is in, the object answers nothing
//! else, and a restore that broke off is begun again from its first page.

use super::steps::{self, Step};
use super::tables::{self, Table};
use crate::domain::backup::command::{Answer, Part};
use crate::domain::backup::rows::Rows;
use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;

const RESTORE: &str = "CREATE TABLE _restore (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    -- The page that comes next.
    next INTEGER NOT NULL
)";
const INSERT_RESTORE: &str = "INSERT INTO _restore (id, next) VALUES (1, 0)";
const READ_NEXT: &str = "SELECT next FROM _restore";
const WRITE_NEXT: &str = "UPDATE _restore SET next = ?";
const DROP_RESTORE: &str = "DROP TABLE _restore";

/// Takes in a page, of an object that knows these steps. `right` puts right what must not be as it was, in the batch that
/// opens the object.
///
/// # Errors
/// [`Error`] when SQLite refuses: then nothing of the page is there.
pub fn take<S: Sql>(
    sql: &S,
    all: &[Step],
    part: &Part,
    right: impl Fn(&S) -> Result<(), Error>,
) -> Result<Answer, Error> {
    let steps = part.steps as usize;
    let Some(schema) = all.get(..steps).filter(|schema| !schema.is_empty()) else {
        return Ok(Answer::TooNew { known: u32::try_from(all.len()).unwrap_or(u32::MAX) });
    };
    let is_begun = steps::is_restoring(sql)?;
    if !is_begun && !steps::is_empty(sql)? {
        return Ok(Answer::NotEmpty);
    }
    if part.page == 0 {
        sql.atomically(&mut || {
            tables::wipe(sql)?;
            steps::begin_restoring(sql, schema)?;
            sql.exec(RESTORE, &[])?;
            sql.exec(INSERT_RESTORE, &[]).map(drop)
        })?;
    } else if !is_begun {
        return Ok(Answer::OutOfTurn { next: 0 });
    }
    let next = next(sql)?;
    if part.page != next && part.page.saturating_add(1) != next {
        return Ok(Answer::OutOfTurn { next });
    }
    let pairs = match pairs(&tables::tables(sql)?, &part.rows) {
        Ok(pairs) => pairs,
        Err(words) => return Ok(Answer::Unfit(words)),
    };
    sql.atomically(&mut || {
        pairs.iter().try_for_each(|(table, rows)| table.write(sql, rows))?;
        sql.exec(WRITE_NEXT, &[Value::from(part.page.saturating_add(1))]).map(drop)
    })?;
    if !part.is_last {
        return Ok(Answer::Taken);
    }
    steps::go_on(sql, all)?;
    sql.atomically(&mut || {
        right(sql)?;
        sql.exec(DROP_RESTORE, &[])?;
        steps::end_restoring(sql)
    })?;
    Ok(Answer::Restored)
}

fn next(sql: &impl Sql) -> Result<u32, Error> {
    let rows = sql.exec(READ_NEXT, &[])?;
    rows.first().map_or(Ok(0), |row| Columns::of(row).number())
}

/// Rows with their tables; or why they do not fit.
fn pairs<'r>(tables: &[Table], all: &'r [Rows]) -> Result<Vec<(Table, &'r Rows)>, String> {
    let mut pairs = Vec::with_capacity(all.len());
    for rows in all {
        let table = tables.iter().find(|table| table.name == rows.table);
        let table = table.ok_or_else(|| format!("there is no table {} in this object", rows.table))?;
        if let Some(words) = table.misfit(rows) {
            return Err(words);
        }
        pairs.push((table.clone(), rows));
    }
    Ok(pairs)
}
