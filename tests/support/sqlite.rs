//! The directory's database: SQLite in memory with every migration applied, and D1's ways of handing values
//! over.

use std::sync::{Arc, Mutex};

use retinue::storage::sql::{Answer, Engine, Failure, Statement, Value};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql};
use serde::de::DeserializeOwned;

use super::faults::{Faults, SECRET, When};

/// The largest number that f64 does not round.
const MAX_SAFE: i64 = (1 << 53) - 1;

#[derive(Clone)]
pub struct Sqlite {
    db: Arc<Mutex<Connection>>,
    faults: Faults,
}

/// The rows of one statement.
#[derive(Debug)]
pub struct Rows(Vec<serde_json::Value>);

impl Sqlite {
    pub fn new(db: Connection, faults: Faults) -> Self {
        Self { db: Arc::new(Mutex::new(db)), faults }
    }

    /// For what only a test asks.
    pub fn with<T>(&self, ask: impl FnOnce(&Connection) -> T) -> T {
        ask(&self.db.lock().unwrap())
    }
}

impl Engine for Sqlite {
    type Answer = Rows;

    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Rows>, Failure> {
        // Others get their turn meanwhile, as they do while D1 answers.
        tokio::task::yield_now().await;
        let names: Vec<&str> = statements.iter().map(|statement| statement.query.name).collect();
        let failure = self.faults.meet(&names);
        if failure == Some(When::Before) {
            return Err(Failure::Unavailable(format!("{SECRET}: lost before")));
        }
        let answers = {
            let mut db = self.db.lock().unwrap();
            let transaction = db.transaction().unwrap();
            let answers: Result<Vec<Rows>, Failure> =
                statements.iter().map(|statement| run(&transaction, statement)).collect();
            if answers.is_ok() {
                transaction.commit().unwrap();
            }
            answers
        };
        if failure == Some(When::After) {
            return Err(Failure::Unavailable(format!("{SECRET}: lost after")));
        }
        answers
    }
}

fn run(db: &Connection, statement: &Statement) -> Result<Rows, Failure> {
    let fail = |error: rusqlite::Error| {
        Failure::from_message(statement.query.name, &format!("D1_ERROR: {error}: SQLITE_CONSTRAINT"))
    };
    let mut prepared = db.prepare_cached(statement.query.sql).map_err(fail)?;
    let names: Vec<String> = prepared.column_names().into_iter().map(str::to_owned).collect();
    let mut rows =
        prepared.query(rusqlite::params_from_iter(statement.values.iter().map(Bound))).map_err(fail)?;
    let mut answer = Vec::new();
    while let Some(row) = rows.next().map_err(fail)? {
        let cells = names.iter().enumerate().map(|(i, name)| (name.clone(), json(row.get_ref(i).unwrap())));
        answer.push(serde_json::Value::Object(cells.collect()));
    }
    Ok(Rows(answer))
}

struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    /// Numbers are f64 on their way in.
    #[expect(clippy::cast_precision_loss, reason = "that is what is tested")]
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Damaged => panic!("a damaged cell is written"),
            Value::Integer(integer) => {
                assert!(integer.abs() <= MAX_SAFE, "{integer} would be rounded");
                ToSqlOutput::Borrowed(ValueRef::Real(*integer as f64))
            }
            Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

fn json(value: ValueRef<'_>) -> serde_json::Value {
    match value {
        ValueRef::Null => serde_json::Value::Null,
        ValueRef::Integer(integer) => {
            assert!(integer.abs() <= MAX_SAFE, "{integer} would be rounded");
            integer.into()
        }
        ValueRef::Real(real) => panic!("a real came back: {real}"),
        ValueRef::Text(text) => std::str::from_utf8(text).unwrap().into(),
        ValueRef::Blob(_) => panic!("a blob came back"),
    }
}

impl Answer for Rows {
    fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>, Failure> {
        let read = |row: &serde_json::Value| {
            serde_json::from_value(row.clone())
                .map_err(|error| Failure::Unavailable(format!("{row}: {error}")))
        };
        self.0.iter().map(read).collect()
    }
}
