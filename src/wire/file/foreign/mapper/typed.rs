//! What an agent answers, as other systems say it: a JSON Schema, or a provider's format that has one.

use serde_json::{Map, Value};

use super::Mapper;
use crate::domain::agent::Output;
use crate::domain::field_error::FieldErrors;
use crate::domain::schema;

impl Mapper {
    /// The first schema that can be checked here; what is none, a class of code for instance, is kept.
    pub(super) fn output(&mut self, path: &str, value: Value) {
        match output_of(&value).filter(|_| self.fields.output.is_none()) {
            Some(output) => {
                self.fields.output = Some(output);
                self.report.mapped(path, "output");
            }
            None => self.park_each(path, value),
        }
    }
}

fn output_of(value: &Value) -> Option<Output> {
    let object = value.as_object()?;
    let (schema, name) = match object.get("type").and_then(Value::as_str) {
        Some("json_schema") => {
            let format = object.get("json_schema").and_then(Value::as_object).unwrap_or(object);
            (format.get("schema")?.as_object()?.clone(), format.get("name").and_then(Value::as_str))
        }
        Some("text" | "json_object") => return None,
        _ => (with_required(object.clone()), None),
    };
    let mut errors = FieldErrors::default();
    schema::check("output.schema", &schema, &mut errors);
    let is_name = |name: &&str| {
        (1..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    };
    let name = name.filter(is_name).map(str::to_owned);
    (!schema.is_empty() && errors.finish().is_ok()).then_some(Output { schema, name })
}

/// Some write at each property whether it is required, and `kind` for its type.
fn with_required(mut schema: Map<String, Value>) -> Map<String, Value> {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return schema };
    let mut required = Vec::new();
    for (name, property) in properties.iter_mut() {
        let Value::Object(property) = property else { continue };
        if let Some(Value::Bool(is_required)) = property.get("required") {
            required.extend(is_required.then(|| Value::from(name.as_str())));
            property.shift_remove("required");
        }
        if !property.contains_key("type")
            && let Some(kind) = property.shift_remove("kind")
        {
            property.insert("type".to_owned(), kind);
        }
    }
    if !required.is_empty() {
        schema.entry("required").or_insert_with(|| required.into());
    }
    schema.entry("type").or_insert_with(|| "object".into());
    schema
}
