//! JSON Schemas in the form that the API takes: nothing stands beside a `$ref` but members that begin with `$`.
//!
//! Source: the reference of `responseJsonSchema`. A reference with siblings becomes the definition it refers to, with the
//! siblings laid over it. Within such a copy, and where copies grow too large, siblings are left out.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

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
    match serde_json::from_str::<Value>(schema.get()) {
        Ok(mut value) => {
            let root = value.clone();
            isolate(&mut value, &root, &mut Some(MAX_COPIED));
            Schema::Rewritten(value)
        }
        // Nested past the parser's bound: for the provider to refuse.
        Err(_) => Schema::Untouched(schema),
    }
}

/// The most that copies of definitions may add to a schema, in bytes.
const MAX_COPIED: usize = 128 * 1024;

/// Recurses as deep as the schema, which the parser bounds at 128, and into copies once. `left` is what copies may still add;
/// `None` within one.
fn isolate(schema: &mut Value, root: &Value, left: &mut Option<usize>) {
    match schema {
        Value::Object(members) => {
            let has_siblings = members.keys().any(|name| !name.starts_with('$'));
            let reference = members.get("$ref").and_then(Value::as_str).filter(|_| has_siblings);
            let whole = reference.map(|reference| copied(reference, root, left));
            if let Some(None) = whole {
                members.retain(|name, _| name.starts_with('$'));
            }
            members.values_mut().for_each(|value| isolate(value, root, left));
            if let Some(Some(mut whole)) = whole {
                whole.values_mut().for_each(|value| isolate(value, root, &mut None));
                members.shift_remove("$ref");
                lay(&mut whole, std::mem::take(members));
                *members = whole;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| isolate(item, root, left)),
        _ => {}
    }
}

/// Both hold: members and requirements are joined, of anything else the sibling counts.
fn lay(whole: &mut Map<String, Value>, siblings: Map<String, Value>) {
    for (name, value) in siblings {
        match (name.as_str(), whole.get_mut(&name), value) {
            ("properties", Some(Value::Object(all)), Value::Object(more)) => all.extend(more),
            ("required", Some(Value::Array(all)), Value::Array(more)) => all.extend(more),
            (_, _, value) => drop(whole.insert(name, value)),
        }
    }
}

/// A copy of the definition, if it is one of this schema and there is room for it.
fn copied(reference: &str, root: &Value, left: &mut Option<usize>) -> Option<Map<String, Value>> {
    let definition = root.pointer(reference.strip_prefix('#')?)?.as_object()?;
    let room = left.as_mut()?;
    *room = room.checked_sub(serde_json::to_string(definition).ok()?.len())?;
    Some(definition.clone())
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
        expected["properties"]["options"]["items"] = json!({"type": "object"});
        assert_eq!(written(schema), expected);
        let tree = json!({"$ref": "#/$defs/Node", "description": "A tree", "$defs": {"Node": {"type": "object", "properties":
            {"next": {"$ref": "#/$defs/Node", "description": "The next"}, "tag": {"$ref": "#/$defs/Gone", "title": "t"}}}}});
        let lone = json!({"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "tag": {"$ref": "#/$defs/Gone"}}});
        let mut whole = written(tree);
        let node = whole["$defs"]["Node"].clone();
        assert_eq!((&whole["description"], &whole["properties"]), (&json!("A tree"), &lone["properties"]));
        assert_eq!(whole.as_object_mut().unwrap().shift_remove("$ref"), None);
        assert_eq!(node["properties"]["next"]["type"], "object", "{node}");
        let plain = json!({"type": "object", "description": "d"});
        assert_eq!(written(plain.clone()), plain);
    }
}
