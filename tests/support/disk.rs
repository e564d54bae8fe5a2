//! An object's SQLite in memory. It outlives the object, as the platform's does, and fails on demand.

use std::sync::{Arc, Mutex, MutexGuard};

use retinue::object::sql::{Error, Sql, Value};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql};

/// The largest number that f64 does not round: on the platform every number is one.
const MAX_SAFE: i64 = (1 << 53) - 1;

#[derive(Clone, Debug)]
pub struct Disk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Mutex<Connection>,
    /// Which statement from now fails, and on which side of its effect.
    fault: Mutex<Option<(u32, Side)>>,
    /// Statements with these words fail so often.
    refused: Mutex<Option<(String, u32)>>,
    statements: Mutex<Vec<String>>,
    /// Bytes of text that queries have returned.
    read: Mutex<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Before,
    After,
}

impl Disk {
    pub fn new() -> Self {
        Self::of(Connection::open_in_memory().unwrap())
    }

    pub fn of(db: Connection) -> Self {
        Self(Arc::new(Inner {
            db: Mutex::new(db),
            fault: Mutex::default(),
            refused: Mutex::default(),
            statements: Mutex::default(),
            read: Mutex::default(),
        }))
    }

    /// For what only a test asks; the disk waits meanwhile.
    pub fn db(&self) -> MutexGuard<'_, Connection> {
        self.0.db.lock().unwrap()
    }

    /// Fails the `nth` statement from now, 1 for the next. `BEGIN` and `COMMIT` are not counted.
    pub fn fail(&self, nth: u32, side: Side) {
        *self.0.fault.lock().unwrap() = Some((nth, side));
    }

    /// The next statements that contain these words fail.
    pub fn refuse(&self, words: &str, times: u32) {
        *self.0.refused.lock().unwrap() = Some((words.to_owned(), times));
    }

    fn is_refused(&self, statement: &str) -> bool {
        let mut refused = self.0.refused.lock().unwrap();
        let Some((_, times)) =
            refused.as_mut().filter(|(words, times)| *times > 0 && statement.contains(words.as_str()))
        else {
            return false;
        };
        *times -= 1;
        true
    }

    /// Whether the failure has not happened, and is called off.
    pub fn call_off(&self) -> bool {
        self.0.fault.lock().unwrap().take().is_some()
    }

    /// The failure that has not happened yet; for [`Disk::put_fault`].
    pub fn take_fault(&self) -> Option<(u32, Side)> {
        self.0.fault.lock().unwrap().take()
    }

    pub fn put_fault(&self, fault: Option<(u32, Side)>) {
        *self.0.fault.lock().unwrap() = fault;
    }

    /// Every statement since the last call, in order.
    pub fn take_statements(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.statements.lock().unwrap())
    }

    /// How many bytes of text queries have returned since the last call.
    pub fn take_read(&self) -> usize {
        std::mem::take(&mut *self.0.read.lock().unwrap())
    }

    fn meet(&self) -> Option<Side> {
        let mut fault = self.0.fault.lock().unwrap();
        let (nth, side) = (*fault)?;
        *fault = (nth > 1).then_some((nth - 1, side));
        (nth == 1).then_some(side)
    }

    fn run(&self, statement: &str, parameters: &[Value]) -> rusqlite::Result<Vec<Vec<Value>>> {
        let db = self.db();
        let mut prepared = db.prepare_cached(statement)?;
        let columns = prepared.column_count();
        let mut rows = prepared.query(rusqlite::params_from_iter(parameters.iter().map(Bound)))?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push((0..columns).map(|n| value(row.get_ref(n).unwrap())).collect());
        }
        Ok(all)
    }
}

impl Sql for Disk {
    fn exec(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, Error> {
        self.0.statements.lock().unwrap().push(statement.to_owned());
        let fault = self.meet();
        let failed = || Error::Storage("the disk failed".to_owned());
        if fault == Some(Side::Before) || self.is_refused(statement) {
            return Err(failed());
        }
        let rows = self
            .run(statement, parameters)
            .map_err(|error| Error::Storage(format!("{statement}: {error}")))?;
        let cells = rows.iter().flatten();
        let bytes = cells.map(|cell| if let Value::Text(text) = cell { text.len() } else { 0 });
        *self.0.read.lock().unwrap() += bytes.sum::<usize>();
        if fault == Some(Side::After) { Err(failed()) } else { Ok(rows) }
    }

    fn used_bytes(&self) -> Result<u64, Error> {
        let db = self.db();
        let number = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, u64>(0)).unwrap();
        Ok((number("page_count") - number("freelist_count")) * number("page_size"))
    }

    fn atomically(&self, work: &mut dyn FnMut() -> Result<(), Error>) -> Result<(), Error> {
        self.db().execute_batch("BEGIN").unwrap();
        let done = work();
        self.db().execute_batch(if done.is_ok() { "COMMIT" } else { "ROLLBACK" }).unwrap();
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
            Value::Damaged => panic!("a damaged cell is written"),
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
        ValueRef::Real(_) | ValueRef::Blob(_) => Value::Damaged,
    }
}
