//! What is wrong with a JSON body, said to the one who wrote it: serde's words, turned into ours.

use serde_json::error::Category;

use crate::domain::field_error::FieldError;
use crate::domain::json_fault;

use super::problem::{Kind, Problem};

/// The problem of a body that did not parse; `path` is the place that serde was at.
pub fn problem(path: &str, error: &serde_json::Error) -> Problem {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = error.to_string();
    let message = text.strip_suffix(&place).unwrap_or(&text);
    match error.classify() {
        Category::Data => Problem::invalid(vec![json_fault::fault(path, error)]),
        Category::Io | Category::Syntax | Category::Eof => {
            Problem::new(Kind::InvalidRequest, format!("The body is not JSON: {message}{place}."))
        }
    }
}

/// The problem of a list or a plain value in place of an object.
pub fn not_an_object() -> Problem {
    Problem::invalid(vec![FieldError { field: "(body)".to_owned(), message: "must be an object".to_owned() }])
}

#[cfg(test)]
#[path = "fault_tests.rs"]
mod tests;
