//! [`Sql`] on the platform: the SQLite of a Durable Object.

use js_sys::{Function, Reflect};
use wasm_bindgen::prelude::ScopedClosure;
use wasm_bindgen::{JsCast, JsValue};
use worker::{SqlStorageValue, Storage};

use crate::object::sql::{Error, Sql, Value};

/// An object's SQLite.
#[derive(Debug)]
pub struct ObjectSql {
    storage: Storage,
    sql: worker::SqlStorage,
}

impl ObjectSql {
    pub fn new(storage: Storage) -> Self {
        Self { sql: storage.sql(), storage }
    }
}

impl Sql for ObjectSql {
    fn exec(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, Error> {
        let parameters: Vec<SqlStorageValue> = parameters.iter().map(to_platform).collect();
        let cursor = self.sql.exec(statement, parameters).map_err(|e| Error::Storage(e.to_string()))?;
        cursor
            .raw()
            .map(|row| {
                let row = row.map_err(|e| Error::Storage(e.to_string()))?;
                Ok(row.into_iter().map(from_platform).collect())
            })
            .collect()
    }

    fn used_bytes(&self) -> Result<u64, Error> {
        Ok(self.sql.database_size() as u64)
    }

    /// The crate does not wrap `transactionSync`, so it is called by name. The platform rolls back when the
    /// callback throws, which a failed `work` is made to do.
    fn atomically(&self, work: &mut dyn FnMut() -> Result<(), Error>) -> Result<(), Error> {
        let storage: &JsValue = self.storage.as_raw().as_ref();
        let transaction: Function = Reflect::get(storage, &JsValue::from_str("transactionSync"))
            .and_then(JsCast::dyn_into)
            .map_err(|_| Error::Storage("the platform has no transactionSync".to_owned()))?;
        let mut outcome = Ok(());
        let called = {
            let mut run = || {
                outcome = work();
                outcome.clone().map(|()| JsValue::UNDEFINED).map_err(|e| JsValue::from_str(&e.to_string()))
            };
            let callback =
                ScopedClosure::<dyn FnMut() -> Result<JsValue, JsValue>>::borrow_mut_assert_unwind_safe(
                    &mut run,
                );
            transaction.call1(storage, callback.as_ref())
        };
        outcome?;
        called.map(|_| ()).map_err(|thrown| Error::Storage(format!("the transaction failed: {thrown:?}")))
    }
}

fn to_platform(value: &Value) -> SqlStorageValue {
    match value {
        Value::Null | Value::Damaged => SqlStorageValue::Null,
        Value::Integer(number) => SqlStorageValue::Integer(*number),
        Value::Text(text) => SqlStorageValue::String(text.clone()),
    }
}

fn from_platform(value: SqlStorageValue) -> Value {
    match value {
        SqlStorageValue::Null => Value::Null,
        SqlStorageValue::Integer(number) => Value::Integer(number),
        SqlStorageValue::String(text) => Value::Text(text),
        _ => Value::Damaged,
    }
}
