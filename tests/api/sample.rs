//! Requests made of nothing but the OpenAPI document: what its examples and schemas say a client may send.

use serde_json::{Map, Value, json};

/// The body of an operation, with its content type: the example, or the least that the schema asks for and shows.
pub fn body(operation: &Value, document: &Value) -> Option<(String, Value)> {
    let content = operation["requestBody"]["content"].as_object()?;
    let (kind, media) = content.get_key_value("application/json").or_else(|| content.iter().next()).unwrap();
    let example = media.get("example").cloned();
    let examples = media["examples"].as_object().and_then(|all| all.values().next());
    let example = example.or_else(|| examples.map(|example| example["value"].clone()));
    Some((kind.clone(), example.unwrap_or_else(|| of_schema(&media["schema"], document))))
}

/// A value that a schema describes.
pub fn of_schema(schema: &Value, document: &Value) -> Value {
    if let Some(example) = own_example(schema) {
        return example;
    }
    if let Some(reference) = schema["$ref"].as_str() {
        return of_schema(document.pointer(&reference[1..]).unwrap(), document);
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(parts) = schema[choice].as_array() {
            let part = parts.iter().find(|part| part["type"] != "null").unwrap();
            return of_schema(part, document);
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let members = parts.iter().flat_map(|part| match of_schema(part, document) {
            Value::Object(members) => members,
            other => panic!("a part of an object is {other}"),
        });
        return members.collect::<Map<_, _>>().into();
    }
    match schema["enum"].as_array() {
        Some(words) => words[0].clone(),
        None => of_type(schema, document),
    }
}

fn own_example(schema: &Value) -> Option<Value> {
    let listed = schema["examples"].as_array().and_then(|examples| examples.first());
    schema
        .get("example")
        .or(listed)
        .or_else(|| schema.get("const"))
        .or_else(|| schema.get("default"))
        .cloned()
}

fn of_type(schema: &Value, document: &Value) -> Value {
    let kinds = schema["type"].as_array();
    let kind = kinds.and_then(|kinds| kinds.iter().find(|kind| *kind != "null")).unwrap_or(&schema["type"]);
    match kind.as_str() {
        Some("string") => match schema["format"].as_str() {
            Some("date-time") => "2027-01-01T00:00:00Z".into(),
            Some("uuid") => "0199f000-0000-7000-8000-000000000000".into(),
            _ => "text".into(),
        },
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| 1.into()),
        Some("boolean") => true.into(),
        Some("array") => match schema["minItems"].as_u64() {
            Some(1..) => json!([of_schema(&schema["items"], document)]),
            _ => json!([]),
        },
        Some("object") | None => of_object(schema, document),
        other => panic!("a schema of type {other:?}: say in tests/api/sample.rs how to make one"),
    }
}

/// The members that it must have, and those that show an example of their own.
fn of_object(schema: &Value, document: &Value) -> Value {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let shown = properties.into_iter().filter(|(name, property)| {
        required.iter().any(|required| required == name) || own_example(property).is_some()
    });
    shown.map(|(name, property)| (name, of_schema(&property, document))).collect::<Map<_, _>>().into()
}
