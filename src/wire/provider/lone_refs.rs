//! JSON Schemas in the form that Gemini takes: nothing stands beside a `$ref` but members that begin with `$`.
//!
//! Source: the reference of `responseJsonSchema`. A reference with siblings becomes the definition it refers to, with the
//! siblings laid over it. Within such a copy, and where copies grow too large, siblings are left out.

use std::io;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::domain::bound::MAX_COPIED;

/// The schema so; `None` where it has no reference, and where it is nested past the parser's bound, which is for the provider
/// to refuse.
pub(super) fn isolated(schema: &RawValue) -> Option<Value> {
    if !schema.get().contains("\"$ref\"") {
        return None;
    }
    let mut value = serde_json::from_str::<Value>(schema.get()).ok()?;
    let root = value.clone();
    isolate(&mut value, &root, &mut Some(MAX_COPIED));
    Some(value)
}

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
    let room = left.as_mut().filter(|room| **room > 0)?;
    let mut within = Within(*room);
    // Once something did not fit nothing more is measured: what a client sends is written a bounded number of times.
    *room = serde_json::to_writer(&mut within, definition).map_or(0, |()| within.0);
    (*room > 0).then(|| definition.clone())
}

/// Counts what is written, and takes no more than this many bytes.
struct Within(usize);

impl io::Write for Within {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_stands_beside_a_reference() {
        let written = |schema: Value| {
            let raw = RawValue::from_string(schema.to_string()).unwrap();
            isolated(&raw).unwrap_or(schema)
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

    #[test]
    fn many_references_to_a_large_definition_are_no_work_and_stay_references() {
        let reference = json!({"$ref": "#/$defs/D", "title": ""});
        let properties: Map<String, Value> =
            (0..20_000).map(|n| (n.to_string(), reference.clone())).collect();
        let schema =
            json!({"properties": properties, "$defs": {"D": {"description": "x".repeat(1024 * 1024)}}});
        let raw = RawValue::from_string(schema.to_string()).unwrap();
        let started = std::time::Instant::now();
        let written = isolated(&raw).unwrap();
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
        assert_eq!(written["properties"]["7"], json!({"$ref": "#/$defs/D"}));
    }
}
