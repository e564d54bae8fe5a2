//! JSON as the control plane reads it: the text once, strictly ([`text`]), then a type of it with all its faults at once
//! ([`read`]).
//!
//! | what | rule |
//! |---|---|
//! | depth | [`MAX_DEPTH`] for bodies and files of either syntax; [`MAX_FREE_DEPTH`] for objects that are kept as they are |
//! | values | [`MAX_VALUES`]; bodies of calls, too |
//! | keys | each once in an object |
//! | whole numbers | 64 bits: longer ones are sent as texts |
//! | null | what the field is when it is left out |
//! | an object | is never written as a list |
//! | faults | all that can be named at once |

mod bounds;
mod fault;
mod place;
mod read;
mod reader;
mod text;

pub use bounds::{MAX_VALUES, has_few_values};
pub use fault::{distance, field_error, nearest, unknown};
pub use read::{fields_of, read, read_partly, read_query};
pub use text::{TOO_LONG, TWICE, Unsound, check_numbers, text};

use serde_json::Value;

/// The deepest nesting of a body or a file, in either syntax: serde_json's own.
pub const MAX_DEPTH: usize = 127;
/// The deepest nesting of an object that is kept as it is, such as an agent's `config`: an export adds a few levels around it,
/// and what is exported can be imported.
pub const MAX_FREE_DEPTH: usize = 64;

/// How deeply a value is nested: 0 for a text, 1 for a list of texts.
pub fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or_default(),
        Value::Object(object) => 1 + object.values().map(depth).max().unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}
