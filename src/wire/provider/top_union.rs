//! JSON Schemas of tools without a union at the top, which Anthropic refuses there.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::open_object::UNIONS;

/// The schema without a union at its top, which is said in the description instead. `None`
/// where there is none.
pub(super) fn lifted(schema: &RawValue) -> Option<Value> {
    if !UNIONS.iter().any(|union| schema.get().contains(union)) {
        return None;
    }
    let mut schema: Map<String, Value> = serde_json::from_str(schema.get()).ok()?;
    let unions = UNIONS.iter().filter_map(|union| Some((*union, schema.shift_remove(*union)?)));
    let hints: Vec<String> = unions.map(|(union, value)| format!("{union}: {value}")).collect();
    if hints.is_empty() {
        return None;
    }
    schema.entry("type").or_insert_with(|| Value::from("object"));
    describe(&mut schema, &hints);
    Some(Value::Object(schema))
}

/// Says in the description what the schema says no longer.
pub(super) fn describe(schema: &mut Map<String, Value>, hints: &[String]) {
    if hints.is_empty() {
        return;
    }
    let hints = format!("{{{}}}", hints.join(", "));
    let text = match schema.get("description").and_then(Value::as_str) {
        Some(description) => format!("{description}\n\n{hints}"),
        None => hints,
    };
    schema.insert("description".to_owned(), Value::String(text));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_union_at_the_top_becomes_words_and_one_below_stays() {
        let raw = |schema: &Value| RawValue::from_string(schema.to_string()).unwrap();
        let top = json!({"properties": {"iban": {}, "card": {}}, "anyOf": [{"required": ["iban"]}]});
        let expected = json!({"type": "object", "properties": {"iban": {}, "card": {}},
            "description": "{anyOf: [{\"required\":[\"iban\"]}]}"});
        assert_eq!(lifted(&raw(&top)), Some(expected));
        let below = json!({"type": "object", "properties": {"anyOf": {"anyOf": [{"type": "string"}]}}});
        assert_eq!(lifted(&raw(&below)), None);
    }
}
