//! Whether the arguments of a call fit its tool's schema, at the schema's top level. What lies deeper is the tool's to judge.

use serde_json::{Map, Value};

/// What does not fit, in words for the model.
pub fn misfit(schema: &Map<String, Value>, arguments: &Map<String, Value>) -> Option<String> {
    let required = schema.get("required").and_then(Value::as_array);
    let missing = required.into_iter().flatten().filter_map(Value::as_str);
    if let Some(name) = missing.into_iter().find(|name| !arguments.contains_key(*name)) {
        return Some(format!("The argument `{name:.64}` is missing."));
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    let is_closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    for (name, value) in arguments {
        match properties.and_then(|properties| properties.get(name)) {
            None if is_closed => return Some(format!("There is no argument `{name:.64}`.")),
            None => {}
            Some(property) => {
                if let Some(wanted) = property.get("type").filter(|wanted| !fits(wanted, value)) {
                    return Some(format!("The argument `{name:.64}` is not of the type {wanted:.200}."));
                }
            }
        }
    }
    None
}

/// Whether a value has this type, or one of these.
fn fits(wanted: &Value, value: &Value) -> bool {
    match wanted {
        Value::String(name) => is(name, value),
        Value::Array(names) => names.iter().any(|name| fits(name, value)),
        _ => true,
    }
}

fn is(name: &str, value: &Value) -> bool {
    match name {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "null" => value.is_null(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_does_not_fit_at_the_top_is_named() {
        let schema = json!({
            "type": "object", "required": ["city"], "additionalProperties": false,
            "properties": {
                "city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"type": ["string", "null"]},
                "deep": {"properties": {"a": {"type": "string"}}},
            },
        });
        for (arguments, words) in [
            (json!({}), "`city` is missing"),
            (json!({"city": 1}), "`city` is not of the type \"string\""),
            (json!({"city": "Oslo", "days": 1.5}), "`days` is not"),
            (json!({"city": "Oslo", "unit": 1}), "`unit` is not"),
            (json!({"city": "Oslo", "town": 1}), "no argument `town`"),
        ] {
            let said = misfit(schema.as_object().unwrap(), arguments.as_object().unwrap());
            assert!(said.as_ref().is_some_and(|said| said.contains(words)), "{arguments} {said:?}");
        }
        for arguments in
            [json!({"city": "Oslo"}), json!({"city": "Oslo", "days": 2.0, "unit": null, "deep": {"a": 1}})]
        {
            assert_eq!(
                misfit(schema.as_object().unwrap(), arguments.as_object().unwrap()),
                None,
                "{arguments}"
            );
        }
        let open = json!({"type": "object"});
        assert_eq!(misfit(open.as_object().unwrap(), json!({"any": 1}).as_object().unwrap()), None);
    }
}
