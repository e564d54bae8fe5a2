//! Schemas that a provider's strict mode takes as they are: there the model cannot answer anything else.

use serde_json::{Map, Value};

/// What strict modes have in common.
const KEYWORDS: [&str; 13] = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "const",
    "anyOf",
    "$ref",
    "$defs",
    "title",
    "description",
    "$schema",
];

/// Whether a schema is in the common subset: an object at the top, every object closed and with all its members required.
pub fn is_strict(schema: &Map<String, Value>) -> bool {
    schema.get("type").is_some_and(|kind| kind == "object") && is_in_subset(schema)
}

fn is_in_subset(schema: &Map<String, Value>) -> bool {
    let is_object = schema.contains_key("properties") || schema.get("type").is_some_and(names_object);
    let all = |value: &Value| match value {
        Value::Object(members) => members.values().all(is_sub),
        _ => false,
    };
    schema.iter().all(|(keyword, value)| match keyword.as_str() {
        "properties" | "$defs" => all(value),
        "items" => is_sub(value),
        "anyOf" => value.as_array().is_some_and(|list| list.iter().all(is_sub)),
        keyword => KEYWORDS.contains(&keyword),
    }) && (!is_object || is_closed(schema))
}

fn is_sub(schema: &Value) -> bool {
    schema.as_object().is_some_and(is_in_subset)
}

fn names_object(kind: &Value) -> bool {
    match kind {
        Value::Array(kinds) => kinds.iter().any(|kind| kind == "object"),
        kind => kind == "object",
    }
}

/// Whether there is nothing that may be left out or added.
fn is_closed(schema: &Map<String, Value>) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &String| required.into_iter().flatten().any(|other| other == name.as_str());
    let mut names = schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys);
    schema.get("additionalProperties") == Some(&Value::Bool(false)) && names.all(is_required)
}
