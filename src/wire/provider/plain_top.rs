//! JSON Schemas of tools whose top is a plain object: what Anthropic and OpenAI refuse there is said in words.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::open_object::is_object;

/// What does not stand at the top.
const REFUSED: [&str; 6] = ["anyOf", "oneOf", "allOf", "not", "enum", "const"];

/// The schema so: of type `object`, with `properties`, and without a reference, a union or a choice of values. `None` where it
/// is so already, and where it is no object of this kind at all, which is for the provider to refuse.
pub(super) fn plain(schema: &RawValue) -> Option<Value> {
    if serde_json::from_str::<Top>(schema.get()).is_ok_and(|top| top.is_plain()) {
        return None;
    }
    let mut schema: Map<String, Value> = serde_json::from_str(schema.get()).ok()?;
    if schema.get("type").is_some_and(|kind| !is_object(kind)) {
        return None;
    }
    let mut hints = Vec::new();
    if let Some(reference) = schema.shift_remove("$ref") {
        match definition(&schema, &reference) {
            // What stands beside it counts more.
            Some(definition) => {
                for (name, value) in definition {
                    schema.entry(name).or_insert(value);
                }
            }
            None => hints.push(format!("$ref: {reference}")),
        }
    }
    let refused = REFUSED.iter().filter_map(|name| Some((name, schema.shift_remove(*name)?)));
    hints.extend(refused.map(|(name, value)| format!("{name}: {value}")));
    schema.insert("type".to_owned(), Value::from("object"));
    schema.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    describe(&mut schema, &hints);
    Some(Value::Object(schema))
}

/// The definition of this schema that a reference at its top names, unless it is a reference again.
fn definition(schema: &Map<String, Value>, reference: &Value) -> Option<Map<String, Value>> {
    let mut steps = reference.as_str()?.strip_prefix("#/")?.splitn(2, '/');
    let (first, rest) = (steps.next()?, steps.next()?);
    let found = schema.get(first)?.pointer(&format!("/{rest}"))?.as_object()?;
    let is_own = !found.contains_key("$ref") && found.get("type").is_none_or(is_object);
    is_own.then(|| found.clone())
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

/// What stands at the top of a schema, read without what is below.
#[derive(Default)]
struct Top {
    is_object: bool,
    has_properties: bool,
    has_refused: bool,
}

impl Top {
    const fn is_plain(&self) -> bool {
        self.is_object && self.has_properties && !self.has_refused
    }
}

impl<'de> Deserialize<'de> for Top {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OfMembers)
    }
}

struct OfMembers;

impl<'de> Visitor<'de> for OfMembers {
    type Value = Top;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a schema")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Top, A::Error> {
        let mut top = Top::default();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "type" => top.is_object = map.next_value::<&RawValue>()?.get() == "\"object\"",
                name => {
                    top.has_properties |= name == "properties";
                    top.has_refused |= name == "$ref" || REFUSED.contains(&name);
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(top)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(schema: &Value) -> Option<Value> {
        plain(&RawValue::from_string(schema.to_string()).unwrap())
    }

    #[test]
    fn a_union_at_the_top_becomes_words_and_one_below_stays() {
        for union in REFUSED {
            let top = json!({"properties": {"iban": {}, "card": {}}, union: [{"required": ["iban"]}]});
            let expected = json!({"properties": {"iban": {}, "card": {}}, "type": "object",
                "description": format!("{{{union}: [{{\"required\":[\"iban\"]}}]}}")});
            assert_eq!(of(&top), Some(expected));
        }
        let below = json!({"type": "object", "properties": {"anyOf": {"anyOf": [{"type": "string"}]}}});
        assert_eq!(of(&below), None);
    }

    #[test]
    fn the_top_is_an_object_with_properties_whatever_was_left_out() {
        let empty = json!({"type": "object", "properties": {}});
        for top in [
            json!({}),
            json!({"type": "object"}),
            json!({"type": ["object", "null"]}),
            json!({"properties": {}}),
        ] {
            assert_eq!(of(&top), Some(empty.clone()), "{top}");
        }
        for top in
            [json!({"type": "string"}), json!({"type": ["string", "null"]}), json!([]), json!(true), empty]
        {
            assert_eq!(of(&top), None, "{top}");
        }
    }

    #[test]
    fn a_reference_at_the_top_is_what_it_names() {
        let definition =
            json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/Y"}}, "required": ["a"]});
        let defs = json!({"X": definition, "Y": {"type": "string"}, "Z": {"$ref": "#/$defs/Z"}});
        let named = of(&json!({"$ref": "#/$defs/X", "$defs": defs, "description": "ours"})).unwrap();
        assert_eq!(named["properties"], definition["properties"]);
        assert_eq!((&named["required"], &named["type"]), (&json!(["a"]), &json!("object")));
        assert_eq!((&named["description"], named.get("$ref")), (&json!("ours"), None));
        assert_eq!(named["$defs"], defs);
        for unknown in ["#/$defs/Q", "#/$defs/Y", "#/$defs/Z", "https://example.com/schema", "#"] {
            let top = of(&json!({"$ref": unknown, "$defs": defs})).unwrap();
            assert_eq!(top["description"], format!("{{$ref: \"{unknown}\"}}"));
            assert_eq!(top["properties"], json!({}));
        }
    }
}
