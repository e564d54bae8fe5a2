//! [`Sql`] on an SQLite in memory that outlives the store, as the platform's outlives the object, and that fails on
//! demand.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use retinue::storage::account_object::{Error, Sql, Value};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql};

/// The largest number that f64 does not round: on the platform every number is one.
const MAX_SAFE: i64 = (1 << 53) - 1;

#[derive(Clone, Debug)]
pub struct Lite(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Connection,
    /// Which statement from now fails, and on which side of its effect.
    fault: Cell<Option<(u32, Side)>>,
    statements: RefCell<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Before,
    After,
}

impl Lite {
    pub fn new() -> Self {
        Self(Rc::new(Inner {
            db: Connection::open_in_memory().unwrap(),
            fault: Cell::new(None),
            statements: RefCell::default(),
        }))
    }

    /// For what only a test asks.
    pub fn db(&self) -> &Connection {
        &self.0.db
    }

    /// Fails the `nth` statement from now, 1 for the next. `BEGIN` and `COMMIT` are not counted.
    pub fn fail(&self, nth: u32, side: Side) {
        self.0.fault.set(Some((nth, side)));
    }

    /// Whether the failure has not happened, and is called off.
    pub fn call_off(&self) -> bool {
        self.0.fault.take().is_some()
    }

    /// Every statement since the last call, in order.
    pub fn take_statements(&self) -> Vec<String> {
        self.0.statements.take()
    }

    fn meet(&self) -> Option<Side> {
        let (nth, side) = self.0.fault.get()?;
        self.0.fault.set((nth > 1).then_some((nth - 1, side)));
        (nth == 1).then_some(side)
    }

    fn run(&self, statement: &str, parameters: &[Value]) -> rusqlite::Result<Vec<Vec<Value>>> {
        let mut prepared = self.0.db.prepare_cached(statement)?;
        let columns = prepared.column_count();
        let mut rows = prepared.query(rusqlite::params_from_iter(parameters.iter().map(Bound)))?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push((0..columns).map(|n| value(row.get_ref(n).unwrap())).collect());
        }
        Ok(all)
    }
}

impl Sql for Lite {
    fn exec(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, Error> {
        self.0.statements.borrow_mut().push(statement.to_owned());
        let fault = self.meet();
        let failed = || Error("the disk failed".to_owned());
        if fault == Some(Side::Before) {
            return Err(failed());
        }
        let rows = self.run(statement, parameters).map_err(|error| Error(format!("{statement}: {error}")))?;
        if fault == Some(Side::After) { Err(failed()) } else { Ok(rows) }
    }

    fn atomically(&self, work: &mut dyn FnMut() -> Result<(), Error>) -> Result<(), Error> {
        self.0.db.execute_batch("BEGIN").unwrap();
        let done = work();
        self.0.db.execute_batch(if done.is_ok() { "COMMIT" } else { "ROLLBACK" }).unwrap();
        done
    }
}

struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    /// Numbers are f64 on their way in.
    #[expect(clippy::cast_precision_loss, reason = "that is what is tested")]
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Integer(number) => {
                assert!(number.abs() <= MAX_SAFE, "{number} would be rounded");
                ToSqlOutput::Borrowed(ValueRef::Real(*number as f64))
            }
            Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

fn value(cell: ValueRef<'_>) -> Value {
    match cell {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => {
            assert!(number.abs() <= MAX_SAFE, "{number} would be rounded");
            Value::Integer(number)
        }
        ValueRef::Text(text) => Value::Text(std::str::from_utf8(text).unwrap().to_owned()),
        other => panic!("the store holds no {other:?}"),
    }
}
