//! JSON Schemas in the subset that Anthropic's structured outputs take.
//!
//! Objects must be closed, and constraints such as `minimum` are refused. What the subset lacks moves into the
//! description, where the model still reads it, as Anthropic's own SDKs do. Source: "JSON Schema limitations" under
//! "Structured outputs". Schemas of tools that are not strict need none of this and stay untouched.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::wire::provider::open_object::{is_object, is_open};
use crate::wire::provider::plain_top::describe;

/// Kept on every schema.
const KEPT: [&str; 9] =
    ["$ref", "type", "enum", "const", "default", "title", "description", "required", "$schema"];
const FORMATS: [&str; 10] =
    ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// The schema in the subset. `None` where that would change what it means: an object of any members has no form in it, and
/// closed it would be an empty one. Nor has one nested past the parser's bound.
pub(super) fn subset(schema: &RawValue) -> Option<Value> {
    let schema = serde_json::from_str(schema.get()).ok()?;
    (!is_open(&schema)).then(|| narrow(schema))
}

/// Recurses as deep as the schema, which the parser bounds at 128.
fn narrow(schema: Value) -> Value {
    let Value::Object(schema) = schema else { return schema };
    let closed = schema.contains_key("properties") || schema.get("type").is_some_and(is_object);
    let mut kept = Map::new();
    let mut hints = Vec::new();
    for (key, value) in schema {
        match keyword(key, value) {
            // One union stands in the place of another.
            Keyword::Kept(key, value) if kept.contains_key(&key) => hints.push(format!("{key}: {value}")),
            Keyword::Kept(key, value) => drop(kept.insert(key, value)),
            Keyword::Hint(hint) => hints.push(hint),
            Keyword::Dropped => {}
        }
    }
    if closed {
        kept.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    describe(&mut kept, &hints);
    Value::Object(kept)
}

enum Keyword {
    Kept(String, Value),
    Hint(String),
    Dropped,
}

fn keyword(key: String, value: Value) -> Keyword {
    match key.as_str() {
        "properties" | "$defs" | "definitions" => Keyword::Kept(key, each(value)),
        "items" => Keyword::Kept(key, narrow(value)),
        "anyOf" | "allOf" => Keyword::Kept(key, all(value)),
        "oneOf" => Keyword::Kept("anyOf".to_owned(), all(value)),
        // Decided by the type alone.
        "additionalProperties" => Keyword::Dropped,
        name if KEPT.contains(&name) || supported(name, &value) => Keyword::Kept(key, value),
        _ => Keyword::Hint(format!("{key}: {value}")),
    }
}

fn supported(key: &str, value: &Value) -> bool {
    match key {
        "format" => value.as_str().is_some_and(|format| FORMATS.contains(&format)),
        "minItems" => value.as_u64().is_some_and(|least| least <= 1),
        _ => false,
    }
}

fn each(schemas: Value) -> Value {
    match schemas {
        Value::Object(map) => map.into_iter().map(|(name, schema)| (name, narrow(schema))).collect(),
        other => other,
    }
}

fn all(schemas: Value) -> Value {
    match schemas {
        Value::Array(list) => list.into_iter().map(narrow).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_closed_at_every_depth() {
        let schema = json!({"type": "object", "properties": {
            "list": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
            "either": {"oneOf": [{"type": "object", "additionalProperties": true}, {"type": "null"}]},
        }, "required": ["list"], "$defs": {"D": {"type": ["object", "null"], "properties": {}}}});
        assert_eq!(
            narrow(schema),
            json!({"type": "object", "additionalProperties": false, "properties": {
                "list": {"type": "array", "items":
                    {"type": "object", "additionalProperties": false, "properties": {"n": {"type": "integer"}}}},
                "either": {"anyOf": [{"type": "object", "additionalProperties": false}, {"type": "null"}]},
            }, "required": ["list"], "$defs": {"D":
                {"type": ["object", "null"], "additionalProperties": false, "properties": {}}}})
        );
    }

    #[test]
    fn unsupported_constraints_become_words() {
        let schema = json!({"type": "string", "description": "A code", "minLength": 3, "format": "regex"});
        let expected =
            json!({"type": "string", "description": "A code\n\n{minLength: 3, format: \"regex\"}"});
        assert_eq!(narrow(schema), expected);
    }

    #[test]
    fn supported_constraints_stay() {
        let schema = json!({"type": "array", "minItems": 1, "items": {"type": "string", "format": "uuid"}});
        assert_eq!(narrow(schema.clone()), schema);
    }

    #[test]
    fn a_property_may_be_called_like_a_keyword() {
        let schema = json!({"type": "object", "properties": {"minimum": {"type": "number"}}});
        assert_eq!(narrow(schema)["properties"], json!({"minimum": {"type": "number"}}));
    }

    #[test]
    fn what_is_no_schema_is_left_for_the_provider_to_refuse() {
        assert_eq!(narrow(json!({"properties": 7, "anyOf": "x", "items": true}))["properties"], json!(7));
        assert_eq!(narrow(json!(true)), json!(true));
    }
}
