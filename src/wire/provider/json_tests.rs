use serde_json::{Value, json};

use super::*;
use crate::wire::to_json;

fn written(arguments: &str) -> Value {
    serde_json::from_slice(&to_json(&Arguments::read(arguments))).unwrap()
}

#[test]
fn an_object_stays_as_the_model_wrote_it() {
    assert_eq!(to_json(&Arguments::read(" {\"b\": 1,\"a\":[2]} ")), b"{\"b\": 1,\"a\":[2]}");
}

#[test]
fn no_arguments_are_an_empty_object() {
    assert_eq!(written(""), json!({}));
    assert_eq!(written(" \n"), json!({}));
}

#[test]
fn arguments_that_are_no_object_are_wrapped() {
    for text in ["{\"a\": 1", "[1]", "7", "null", "{} {}", "{'a': 1}"] {
        assert_eq!(written(text), json!({ "arguments": text }));
    }
}

#[test]
fn arguments_nested_thousands_deep_are_copied_and_not_walked() {
    let deep = format!("{}1{}", "{\"a\":".repeat(50_000), "}".repeat(50_000));
    assert_eq!(to_json(&Arguments::read(&deep)), deep.as_bytes());
}

#[test]
fn a_broken_reply_is_located_and_not_quoted() {
    let error = serde_json::from_str::<u64>("\"secret\"").unwrap_err();
    let DecodeError::Malformed(message) = malformed("the reply", &error) else { panic!() };
    assert_eq!(message, "the reply is JSON of another shape (line 1, column 8)");
}

#[test]
fn the_providers_own_identifier_of_a_call_is_kept() {
    assert_eq!(issued_id(Some("8f2b1a3c"), Some("r"), 0), "8f2b1a3c");
    assert_eq!(issued_id(None, Some("JniLacKq-0"), 2), "call_JniLacKq-0_2");
    assert_eq!(issued_id(Some(""), None, 3), "call_3");
    assert_eq!(issued_id(None, Some("no word"), 3), "call_3");
}

#[test]
fn the_wish_in_words_names_what_the_schema_wants() {
    for (schema, what) in [
        (json!({"type": "object"}), "JSON object and"),
        (json!({"type": "array", "items": {"type": "object"}}), "JSON array and"),
        (json!({"type": "string"}), "JSON string, in its quotes, and"),
        (json!({"type": "integer"}), "JSON number and"),
        (json!({"type": ["object", "null"]}), "JSON value and"),
        (json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "object"}}}), "JSON value and"),
        (json!({"properties": {"type": {"type": "array"}}}), "JSON value and"),
    ] {
        let format = ResponseFormat::JsonSchema {
            name: "answer".to_owned(),
            description: None,
            schema: serde_json::value::to_raw_value(&schema).unwrap(),
            strict: None,
        };
        let words = instruction(&format).unwrap();
        assert!(words.starts_with(&format!("Answer with one valid {what} nothing else")), "{words}");
        assert!(words.ends_with(&schema.to_string()), "{words}");
    }
    assert!(instruction(&ResponseFormat::JsonObject).unwrap().contains("one valid JSON object and"));
    assert_eq!(instruction(&ResponseFormat::Text), None);
}
