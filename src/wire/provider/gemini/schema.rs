//! JSON Schemas in the form that the API takes: nothing stands beside a `$ref` but members that begin with `$`.
//!
//! Source: the reference of `responseJsonSchema`. What a sibling says is left out; the definition it refers to stays.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::dialect::{Dialect, Schema as Keywords};

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Schema<'a> {
    Untouched(&'a RawValue),
    Rewritten(Value),
}

/// The schema as this server takes it; letter by letter where it takes all.
pub(super) fn of<'a>(dialect: &Dialect, schema: &'a RawValue) -> Schema<'a> {
    if dialect.schema != Keywords::LoneRefs || !schema.get().contains("\"$ref\"") {
        return Schema::Untouched(schema);
    }
    match serde_json::from_str(schema.get()) {
        Ok(mut value) => {
            isolate(&mut value);
            Schema::Rewritten(value)
        }
        // Nested past the parser's bound: for the provider to refuse.
        Err(_) => Schema::Untouched(schema),
    }
}

/// Recurses as deep as the schema, which the parser bounds at 128.
fn isolate(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("$ref").is_some_and(Value::is_string) {
                members.retain(|name, _| name.starts_with('$'));
            }
            members.values_mut().for_each(isolate);
        }
        Value::Array(items) => items.iter_mut().for_each(isolate),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::provider::Wire;

    #[test]
    fn nothing_stands_beside_a_reference() {
        let written = |schema: Value| {
            let raw = RawValue::from_string(schema.to_string()).unwrap();
            serde_json::to_value(of(&Dialect::plain(Wire::Gemini), &raw)).unwrap()
        };
        let schema = json!({"type": "object", "properties": {
            "options": {"type": "array", "items": {"$ref": "#/$defs/Option", "type": "object"}},
            "$ref": {"type": "string"},
        }, "$defs": {"Option": {"type": "object"}}});
        let mut expected = schema.clone();
        expected["properties"]["options"]["items"] = json!({"$ref": "#/$defs/Option"});
        assert_eq!(written(schema), expected);
        let plain = json!({"type": "object", "description": "d"});
        assert_eq!(written(plain.clone()), plain);
    }
}
