//! Objects of any members in a JSON Schema: strict modes that close every object would make them empty ones.

use serde_json::Value;
use serde_json::value::RawValue;

pub(super) const UNIONS: [&str; 3] = ["anyOf", "oneOf", "allOf"];

/// Whether the schema has such an object. One nested past the parser's bound is for the provider to refuse.
pub(super) fn has_open_object(schema: &RawValue) -> bool {
    serde_json::from_str(schema.get()).is_ok_and(|schema| is_open(&schema))
}

/// Whether an object somewhere in the schema may have members that are not named.
pub(super) fn is_open(schema: &Value) -> bool {
    let Value::Object(members) = schema else {
        return schema.as_array().is_some_and(|items| items.iter().any(is_open));
    };
    let names_none =
        !members.keys().any(|key| key == "properties" || key == "$ref" || UNIONS.contains(&key.as_str()));
    let allows_more = match members.get("additionalProperties") {
        None => names_none && members.get("type").is_some_and(is_object),
        Some(Value::Bool(allows)) => *allows,
        Some(_) => true,
    };
    if allows_more || members.contains_key("patternProperties") {
        return true;
    }
    members.iter().any(|(key, value)| match key.as_str() {
        "properties" | "$defs" | "definitions" => {
            value.as_object().is_some_and(|schemas| schemas.values().any(is_open))
        }
        "items" | "anyOf" | "oneOf" | "allOf" => is_open(value),
        _ => false,
    })
}

pub(super) fn is_object(kind: &Value) -> bool {
    match kind {
        Value::String(name) => name == "object",
        Value::Array(names) => names.iter().any(|name| name == "object"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_of_any_members_is_found_at_every_depth() {
        let is_open = |schema: Value| has_open_object(&RawValue::from_string(schema.to_string()).unwrap());
        for open in [
            json!({"type": "object", "additionalProperties": {"type": "string"}}),
            json!({"type": "object", "properties": {"a": {"type": ["object", "null"]}}}),
            json!({"type": "object", "properties": {}, "additionalProperties": true}),
            json!({"anyOf": [{"type": "array", "items": {"type": "object", "patternProperties": {"^x": {}}}}]}),
        ] {
            assert!(is_open(open.clone()), "{open}");
        }
        for closed in [
            json!({"type": "object", "properties": {"additionalProperties": {"type": "string"}}}),
            json!({"type": "object", "additionalProperties": false}),
            json!({"type": "object", "$ref": "#/$defs/A", "$defs": {"A": {"type": "object", "properties": {"a": {}}}}}),
            json!({"type": "string"}),
        ] {
            assert!(!is_open(closed.clone()), "{closed}");
        }
    }
}
