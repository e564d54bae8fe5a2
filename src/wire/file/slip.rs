//! Fields that are probably slips of ours.

use serde_json::{Map, Value};

use crate::domain::agent::Fields;
use crate::domain::json;

/// No slip of a field's name is longer.
const MAX_FIELD: usize = 64;

/// The field of ours that a name was probably meant for, and that the agent does not have.
pub fn meant(name: &str, fields: &Map<String, Value>) -> Option<&'static str> {
    let is_short = name.len() <= MAX_FIELD;
    let absent = json::fields_of::<Fields>().iter().copied().filter(|own| !fields.contains_key(*own));
    is_short.then(|| json::nearest(name, absent)).flatten()
}
