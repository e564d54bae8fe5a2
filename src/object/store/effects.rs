//! Effects that were decided and have not ended: rows, so that a crash forgets none.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::object::machine::Effect;
use crate::object::sql::{Error, Sql, Value};
use crate::sql::queries;

/// A step of every object's schema.
pub const TABLE: &str = "CREATE TABLE effects (
    -- By its machine; never used twice.
    id     TEXT PRIMARY KEY,
    -- What is to be done, as JSON.
    effect TEXT NOT NULL
) WITHOUT ROWID";

queries! {
    /// `load`: all that are open.
    READ_EFFECTS = "SELECT id, effect FROM effects ORDER BY id";
    /// `insert`: one that is decided; its id must be new.
    INSERT_EFFECT = "INSERT INTO effects (id, effect) VALUES (?, ?)";
    /// `delete`: one that has ended.
    DELETE_EFFECT = "DELETE FROM effects WHERE id = ?";
}

/// The open effects, in the order of their ids. One that this code cannot read was written by a newer
/// version, before it was taken back: it stays for that version, and `log` says so.
///
/// # Errors
/// [`Error::Storage`] when SQLite refuses.
pub fn load<E: DeserializeOwned>(sql: &impl Sql, log: &mut Vec<String>) -> Result<Vec<Effect<E>>, Error> {
    let mut open = Vec::new();
    for row in sql.query(&READ_EFFECTS, &[])? {
        match effect(&row) {
            Ok(effect) => open.push(effect),
            Err(error) => log.push(error.to_string()),
        }
    }
    Ok(open)
}

fn effect<E: DeserializeOwned>(row: &[Value]) -> Result<Effect<E>, Error> {
    match row {
        [Value::Text(id), Value::Text(json)] => {
            let what = serde_json::from_str(json)
                .map_err(|error| Error::Decode(format!("effect {id} is not readable: {error}")))?;
            Ok(Effect { id: id.clone(), what })
        }
        other => Err(Error::Decode(format!("{other:?} is no effect"))),
    }
}

/// # Errors
/// [`Error::Storage`]; also when the id is not new.
pub fn insert<E: Serialize>(sql: &impl Sql, effect: &Effect<E>) -> Result<(), Error> {
    let json = serde_json::to_string(&effect.what).map_err(|error| Error::Storage(error.to_string()))?;
    sql.query(&INSERT_EFFECT, &[Value::Text(effect.id.clone()), Value::Text(json)]).map(|_| ())
}

/// # Errors
/// [`Error::Storage`].
pub fn delete(sql: &impl Sql, id: &str) -> Result<(), Error> {
    sql.query(&DELETE_EFFECT, &[Value::Text(id.to_owned())]).map(|_| ())
}
