//! Rows of any table, as they travel: each cell as JSON has it, and what JSON has not as an object that says what it is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A cell of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    Null,
    Integer(i64),
    Text(String),
    /// Bytes, in hexadecimal digits.
    Bytes {
        hex: String,
    },
    /// A fraction, with all its digits.
    Real {
        real: String,
    },
}

/// Rows of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ObjectRows)]
pub struct Rows {
    pub table: String,
    pub columns: Vec<String>,
    /// In place of those with the same key. A cell is null, a number, a text, `{"hex": …}` or `{"real": …}`.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    pub rows: Vec<Vec<Cell>>,
    /// The columns of `gone`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<String>,
    /// Keys of rows that are not there any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    pub gone: Vec<Vec<Cell>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_as_they_are_written() {
        let cells = [
            Cell::Null,
            Cell::Integer(-7),
            Cell::Text("{\"hex\": \"00\"}".to_owned()),
            Cell::Bytes { hex: "00FF".to_owned() },
            Cell::Real { real: "0.1".to_owned() },
        ];
        let json = serde_json::to_string(&cells).unwrap();
        assert_eq!(json, r#"[null,-7,"{\"hex\": \"00\"}",{"hex":"00FF"},{"real":"0.1"}]"#);
        assert_eq!(serde_json::from_str::<Vec<Cell>>(&json).unwrap(), cells);
    }
}
