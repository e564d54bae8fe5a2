//! Named statements: what the directory's files and the objects' stores have in common.
//!
//! Every statement has a name, by which logs and tests know it, and says how many values it takes. A file declares its
//! statements with [`queries!`]; [`crate::storage::queries`] and [`crate::object::store::queries`] have all of them, and
//! `tests/sql.rs` prepares each against its schema and looks at its plan.

/// A statement's text, its name, and how many values it takes.
#[derive(Debug)]
pub struct Query {
    pub name: &'static str,
    pub sql: &'static str,
    /// The highest `?N`, or how many `?` there are.
    pub parameters: usize,
}

impl Query {
    /// For [`queries!`] alone.
    pub const fn new(name: &'static str, sql: &'static str) -> Self {
        Self { name, sql, parameters: parameters(sql) }
    }

    /// That so many values are what it takes.
    ///
    /// # Errors
    /// What is wrong, for the operator's log.
    pub fn check(&self, values: usize) -> Result<(), String> {
        if values == self.parameters {
            Ok(())
        } else {
            Err(format!("{} takes {} values and is given {values}", self.name, self.parameters))
        }
    }
}

/// Declares a file's statements, and `QUERIES` with all of them.
macro_rules! queries {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)+) => {
        $($(#[$doc])* const $name: crate::sql::Query = crate::sql::Query::new(stringify!($name), $sql);)+

        pub(super) const QUERIES: &[crate::sql::Query] = &[$($name),+];
    };
}
pub(crate) use queries;

/// A value in or out of a statement. Integers stay below 2⁵³, because they cross JavaScript as f64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Null,
    Integer(i64),
    Text(String),
    /// A fraction or bytes, of which no store writes any: a damaged cell of an object. It comes out and never goes in.
    Damaged,
}

/// How many values SQLite asks for. Text in quotes and comments have no parameters.
const fn parameters(sql: &str) -> usize {
    let bytes = sql.as_bytes();
    let (mut at, mut most) = (0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'\'' | b'"' => at = after(bytes, at + 1, bytes[at]),
            b'-' if at + 1 < bytes.len() && bytes[at + 1] == b'-' => at = after(bytes, at + 2, b'\n'),
            b'?' => {
                let mut number = 0;
                at += 1;
                while at < bytes.len() && bytes[at].is_ascii_digit() {
                    number = number * 10 + (bytes[at] - b'0') as usize;
                    at += 1;
                }
                let number = if number == 0 { most + 1 } else { number };
                if number > most {
                    most = number;
                }
            }
            _ => at += 1,
        }
    }
    most
}

/// Behind the next byte of this kind.
const fn after(bytes: &[u8], mut at: usize, end: u8) -> usize {
    while at < bytes.len() && bytes[at] != end {
        at += 1;
    }
    at + 1
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<u32> for Value {
    fn from(integer: u32) -> Self {
        Self::Integer(i64::from(integer))
    }
}

impl From<u64> for Value {
    /// Clamped, because no larger number comes back as itself.
    fn from(integer: u64) -> Self {
        Self::Integer(integer.min(1 << 53).cast_signed())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_counted_as_sqlite_counts_them() {
        for (sql, count) in [
            ("SELECT 1", 0),
            ("SELECT ?, ?, ?", 3),
            ("SELECT ?2, ?1, ?2", 2),
            ("SELECT ?12", 12),
            ("SELECT ?3, ?", 4),
            ("SELECT '?9', \"?8\", 'it''s ?7', ?1", 1),
            ("SELECT ?1 -- and ?5\n, ?2", 2),
            ("SELECT a - ?1", 1),
            ("SELECT ?", 1),
            ("SELECT 'open ?", 0),
        ] {
            assert_eq!(parameters(sql), count, "{sql}");
        }
    }

    #[test]
    fn a_query_takes_as_many_values_as_it_has_parameters() {
        let query = Query::new("PAIR", "SELECT ?1, ?2");
        assert_eq!(query.check(2), Ok(()));
        assert_eq!(query.check(1).unwrap_err(), "PAIR takes 2 values and is given 1");
    }
}
