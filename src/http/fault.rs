//! What is wrong with a JSON body, said to the one who wrote it: serde's words, turned into ours.

use serde_json::Value;

use crate::domain::field_error::FieldError;
use crate::domain::json_fault::{Fault, field_error};

use super::problem::{Kind, Problem};

/// The problem of a text that did not become what it must be. It is read again for that, which costs nobody who sends
/// sound ones.
pub fn problem(text: &str, fault: &Fault) -> Problem {
    if let Err(error) = serde_json::from_str::<Value>(text) {
        return not_json(&error);
    }
    let message =
        fault.message.rsplit_once(" at line ").map_or(fault.message.as_str(), |(message, _)| message);
    // Where a word belongs, serde calls any other value a mistake of syntax.
    if message.starts_with("expected ") {
        wrong_type(&fault.path)
    } else {
        Problem::invalid(vec![field_error(&fault.path, message)])
    }
}

/// The problem of a text that is not JSON.
pub fn not_json(error: &serde_json::Error) -> Problem {
    Problem::new(Kind::InvalidRequest, format!("The body is not JSON: {error}."))
}

/// The problem of a list or a plain value in place of an object.
pub fn not_an_object() -> Problem {
    Problem::invalid(vec![FieldError { field: "(body)".to_owned(), message: "must be an object".to_owned() }])
}

/// The problem of a value that is none of the words that belong there.
fn wrong_type(path: &str) -> Problem {
    Problem::invalid(vec![FieldError {
        field: path.to_owned(),
        message: "must be one of its words, as a string".to_owned(),
    }])
}

#[cfg(test)]
#[path = "fault_tests.rs"]
mod tests;
