use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::domain::field_error::{FieldError, FieldErrors};

fn object(schema: &Value) -> Map<String, Value> {
    schema.as_object().unwrap().clone()
}

fn refused(schema: &Value) -> Vec<FieldError> {
    let mut errors = FieldErrors::default();
    check("schema", &object(schema), &mut errors);
    errors.finish().err().unwrap_or_default()
}

/// The places that do not fit.
fn places(schema: &Value, document: &Value) -> Vec<String> {
    assert_eq!(refused(schema), []);
    faults(&object(schema), document).into_iter().map(|fault| fault.at).collect()
}

fn assert_checks(schema: &Value, fitting: &[Value], unfit: &[Value]) {
    for document in fitting {
        assert_eq!(places(schema, document), [""; 0], "{schema} {document}");
    }
    for document in unfit {
        assert_ne!(places(schema, document), [""; 0], "{schema} {document}");
    }
}

#[test]
fn each_keyword_is_checked() {
    for (schema, fitting, unfit) in [
        (json!({"type": "integer"}), json!([1, 1.0, -3]), json!([1.5, "1", null])),
        (json!({"type": ["string", "null"]}), json!(["a", null]), json!([1, [], {}, true])),
        (
            json!({"enum": [1, "a", {"b": [null]}]}),
            json!([1.0, "a", {"b": [null]}]),
            json!([2, "b", {"b": []}]),
        ),
        (json!({"const": null}), json!([null]), json!([0, false, ""])),
        (json!({"minimum": 2, "exclusiveMaximum": 4}), json!([2, 3.9, "x"]), json!([1.9, 4, 4.0])),
        (json!({"maximum": 2, "exclusiveMinimum": 0}), json!([2, 0.1]), json!([0, 2.1])),
        (json!({"multipleOf": 0.1}), json!([0.3, 1, 19.9]), json!([0.35, 1.05])),
        (json!({"multipleOf": 3}), json!([9, 9.0, 9_007_199_254_740_993_i64]), json!([10, 9.5])),
        (json!({"minLength": 2, "maxLength": 3}), json!(["äö", "😀😀😀", 1]), json!(["ä", "aaaa"])),
        (json!({"pattern": "^[a-z]+\\d{2}$"}), json!(["ab12", 7]), json!(["ab1", "AB12", "ab12\n"])),
        (json!({"items": {"type": "string"}}), json!([[], ["a"], "x"]), json!([[1], ["a", 1]])),
        (
            json!({"prefixItems": [{"type": "string"}], "items": {"type": "integer"}}),
            json!([["a", 1, 2], []]),
            json!([[1], ["a", "b"]]),
        ),
        (json!({"prefixItems": [true], "items": false}), json!([[1], []]), json!([[1, 2]])),
        (json!({"contains": {"const": 1}, "maxContains": 1}), json!([[1], [2, 1]]), json!([[], [2], [1, 1]])),
        (json!({"contains": {"const": 1}, "minContains": 0}), json!([[]]), json!([])),
        (json!({"minItems": 1, "maxItems": 2}), json!([[1], [1, 2]]), json!([[], [1, 2, 3]])),
        (
            json!({"uniqueItems": true}),
            json!([[1, "1", [1], {"a": 1}], [true, 1]]),
            json!([[1, 1.0], [{"a": 1, "b": 2}, {"b": 2, "a": 1}]]),
        ),
        (json!({"required": ["a"]}), json!([{"a": null}, []]), json!([{}, {"b": 1}])),
        (
            json!({"properties": {"a": {"type": "string"}}, "additionalProperties": false}),
            json!([{}, {"a": "b"}]),
            json!([{"a": 1}, {"b": 1}]),
        ),
        (
            json!({"patternProperties": {"^x": {"type": "string"}}, "additionalProperties": {"type": "integer"}}),
            json!([{"x1": "a", "y": 1}]),
            json!([{"x1": 1}, {"y": "a"}]),
        ),
        (json!({"propertyNames": {"maxLength": 1}}), json!([{"a": 1}]), json!([{"ab": 1}])),
        (json!({"minProperties": 1, "maxProperties": 1}), json!([{"a": 1}]), json!([{}, {"a": 1, "b": 2}])),
        (json!({"dependentRequired": {"a": ["b"]}}), json!([{}, {"a": 1, "b": 2}]), json!([{"a": 1}])),
        (
            json!({"dependentSchemas": {"a": {"maxProperties": 1}}}),
            json!([{"a": 1}, {"b": 1, "c": 1}]),
            json!([{"a": 1, "b": 1}]),
        ),
        (json!({"allOf": [{"minimum": 1}, {"maximum": 2}]}), json!([1]), json!([0, 3])),
        (json!({"anyOf": [{"type": "string"}, {"minimum": 2}]}), json!(["a", 2]), json!([1])),
        (json!({"oneOf": [{"multipleOf": 2}, {"multipleOf": 3}]}), json!([2, 3]), json!([1, 6])),
        (json!({"not": {"type": "string"}}), json!([1]), json!(["a"])),
        (
            json!({"if": {"type": "string"}, "then": {"minLength": 1}, "else": {"minimum": 1}}),
            json!(["a", 1]),
            json!(["", 0]),
        ),
        (
            json!({"$ref": "#/$defs/a~1b%20c", "$defs": {"a/b c": {"type": "string"}}}),
            json!(["a"]),
            json!([1]),
        ),
        (json!({"format": "email", "title": "t", "x-order": 1}), json!(["no mail"]), json!([])),
    ] {
        assert_checks(&schema, fitting.as_array().unwrap(), unfit.as_array().unwrap());
    }
}

#[test]
fn schemas_may_refer_to_themselves() {
    let tree = json!({
        "type": "object", "required": ["name"], "additionalProperties": false,
        "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}},
    });
    let document = json!({"name": "a", "children": [{"name": "b"}, {"name": "c", "children": [{}]}]});
    assert_eq!(places(&tree, &document), ["/children/1/children/0/name"]);
}

#[test]
fn faults_name_their_place_and_are_few() {
    let schema = json!({"properties": {"a/b": {"items": {"type": "integer"}}}, "required": ["c~d"]});
    assert_eq!(places(&schema, &json!({"a/b": [1, "x"]})), ["/a~1b/1", "/c~0d"]);
    let many = json!(vec!["x"; 1_000]);
    assert_eq!(places(&json!({"items": {"type": "integer"}}), &many).len(), MAX_FAULTS);
}

#[test]
fn where_no_alternative_fits_the_nearest_is_explained() {
    let schema = json!({"anyOf": [
        {"type": "null"},
        {"type": "object", "properties": {"kind": {"const": "cat"}, "age": {"type": "integer"}}},
        {"type": "string"},
    ]});
    assert_eq!(places(&schema, &json!({"kind": "cat", "age": "old"})), ["", "/age"]);
}

#[test]
fn what_is_not_checked_is_refused_with_its_place() {
    for (schema, field, words) in [
        (json!({"unevaluatedProperties": false}), "schema.unevaluatedProperties", "additionalProperties"),
        (json!({"properties": {"a": {"nullable": true}}}), "schema.properties.a.nullable", "null"),
        (json!({"anyOf": [{}, {"$dynamicRef": "#a"}]}), "schema.anyOf[1].$dynamicRef", "$ref"),
        (json!({"items": [{}]}), "schema.items", "prefixItems"),
        (json!({"type": "text"}), "schema.type", "string"),
        (json!({"type": []}), "schema.type", "list"),
        (json!({"enum": []}), "schema.enum", "list"),
        (json!({"minimum": "1"}), "schema.minimum", "number"),
        (json!({"exclusiveMinimum": true}), "schema.exclusiveMinimum", "number"),
        (json!({"minLength": -1}), "schema.minLength", "whole"),
        (json!({"multipleOf": 0}), "schema.multipleOf", "above 0"),
        (json!({"required": "a"}), "schema.required", "names"),
        (json!({"properties": []}), "schema.properties", "object"),
        (json!({"properties": {"a": 7}}), "schema.properties.a", "schema"),
        (json!({"allOf": []}), "schema.allOf", "list"),
        (json!({"pattern": "(?=a)b"}), "schema.pattern", "regular expression"),
        (json!({"pattern": "(a{200}){200}"}), "schema.pattern", "regular expression"),
        (json!({"patternProperties": {"(": {}}}), "schema.patternProperties.(", "regular expression"),
        (json!({"$ref": "https://example.com/a.json"}), "schema.$ref", "this schema"),
        (json!({"$ref": "#/$defs/a"}), "schema.$ref", "no schema"),
        (json!({"$ref": "#/enum/0", "enum": [{}]}), "schema.$ref", "no schema"),
        (json!({"$ref": "#"}), "schema.$ref", "itself"),
        (json!({"properties": {"a": {"$id": "b"}}}), "schema.properties.a.$id", "top"),
    ] {
        let faults = refused(&schema);
        let found = faults.iter().any(|fault| fault.field == field && fault.message.contains(words));
        assert!(found, "{schema} {faults:?}");
    }
    let circle = json!({"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"$ref": "#/$defs/a"}}});
    assert_eq!(refused(&circle).len(), 2);
    let mut deep = json!({});
    for _ in 0..=64 {
        deep = json!({"not": deep});
    }
    assert!(refused(&deep)[0].message.contains("nested"));
    assert!(refused(&json!({"description": "x".repeat(MAX_BYTES)}))[0].message.contains("bytes"));
}

#[test]
fn a_check_ends_soon_whatever_is_checked() {
    // 2^60 ways, and lists that are compared with each other.
    let mut ways = json!({"type": "string"});
    for _ in 0..30 {
        ways = json!({"anyOf": [ways, {"minLength": 2}]});
    }
    let doubled: Map<String, Value> = (0..60)
        .map(|n| {
            let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
            (format!("d{n}"), json!({"allOf": [next, next]}))
        })
        .chain([("d60".to_owned(), json!({"type": "string"}))])
        .collect();
    let pattern = json!({"items": {"pattern": "^((a|b|ab)*){20}$"}});
    let long = json!(vec!["ab".repeat(2_000); 500]);
    let lists = json!(vec![vec![vec![1; 30]; 30]; 500]);
    for (schema, document, is_over) in [
        (json!({"$ref": "#/$defs/d0", "$defs": doubled}), json!("a"), true),
        (ways, json!(1), false),
        (pattern, long, true),
        (json!({"uniqueItems": true, "items": {"items": {"uniqueItems": true}}}), lists, false),
    ] {
        assert_eq!(refused(&schema), []);
        let faults = faults(&object(&schema), &document);
        assert_eq!(faults.iter().any(|fault| fault.words.contains("too long")), is_over, "{faults:?}");
    }
}

#[test]
fn a_document_is_json_and_a_models_may_stand_in_a_fence() {
    let read = |text: &str| Document::read_answer(text).map(|document| document.text.to_owned());
    for (text, inside) in [
        (" {\"a\": 1}\n", " {\"a\": 1}\n"),
        ("```json\n{\"a\": 1}\n```", "{\"a\": 1}"),
        ("\n```\n[1]\n```\n", "[1]"),
        ("```JSON\r\n7\r\n```", "7"),
    ] {
        assert_eq!(read(text).as_deref(), Ok(inside), "{text}");
    }
    for text in
        ["", "  ", "Here: {}", "{} and", "```json\n{}\n``` or ```\n{}\n```", "```{}```", "{", "```\nHi\n```"]
    {
        assert!(read(text).is_err(), "{text}");
    }
    assert!(Document::read("```\n{}\n```").is_err(), "of a caller a fence is none");
}

#[test]
fn why_a_text_is_no_document_is_said_as_it_is() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for (text, words) in [
        (r#"{"city":5,"city":"Oslo"}"#, "has a member twice: `city`"),
        (r#"[{"a":{"b":1,"\u0062":2}}]"#, "has a member twice: `[0].a.b`"),
        (&deep, "is nested more than 127 deep"),
        ("{\"a\": 1", "is not JSON: it ends too early at line 1, column 7"),
        ("Oslo", "is not JSON: something else stands at line 1, column 1"),
    ] {
        assert_eq!(Document::read_answer(text).unwrap_err().to_string(), words, "{text:.40}");
    }
    let long = "123456789012345678901234567890";
    assert!(Document::read(&format!(r#"{{"a":{long},"b":[{{"a":1}},{{"a":1}}]}}"#)).is_ok());
}

#[test]
fn strict_is_what_every_provider_takes() {
    let closed = json!({
        "type": "object", "additionalProperties": false, "required": ["a", "b"],
        "properties": {"a": {"type": ["string", "null"]}, "b": {"type": "array", "items": {"$ref": "#/$defs/c"}}},
        "$defs": {"c": {"anyOf": [{"type": "integer"}, {"const": "x"}]}},
    });
    assert!(is_strict(&object(&closed)));
    for schema in [
        json!({"type": "string"}),
        json!({"type": "object"}),
        json!({"type": "object", "additionalProperties": false, "properties": {"a": {}}, "required": []}),
        json!({"type": "object", "additionalProperties": false, "properties": {"a": {"minLength": 1}}, "required": ["a"]}),
        json!({"type": "object", "additionalProperties": false, "properties": {"a": {"type": "object"}}, "required": ["a"]}),
    ] {
        assert!(!is_strict(&object(&schema)), "{schema}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..9).prop_map(Value::from),
        prop_oneof![Just(0.5), Just(1.0), Just(1e300)].prop_map(Value::from),
        "[a-c]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-c]", inner), 0..4)
                .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// Schemas, some of which are none.
fn any_schema() -> impl Strategy<Value = Value> {
    let keyword =
        |keyword: &'static str, value: BoxedStrategy<Value>| value.prop_map(move |value| (keyword, value));
    let leaf = prop_oneof![
        Just(json!({})),
        Just(json!(true)),
        Just(json!(false)),
        Just(json!({"type": "string"})),
        Just(json!({"type": ["integer", "array"]})),
        Just(json!({"$ref": "#"})),
        Just(json!({"$ref": "#/$defs/a"})),
        any_json().prop_map(|value| json!({"const": value})),
        any_json().prop_map(|value| json!({"enum": [value]})),
        any_json(),
    ];
    leaf.prop_recursive(4, 40, 4, move |inner| {
        let one = || inner.clone().boxed();
        let list = || prop::collection::vec(inner.clone(), 1..3).prop_map(Value::from).boxed();
        let named = || {
            prop::collection::vec(("[a-c]", inner.clone()), 0..3)
                .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into())
                .boxed()
        };
        let number = || (-2_i64..5).prop_map(Value::from).boxed();
        let keywords = prop_oneof![
            keyword("items", one()),
            keyword("not", one()),
            keyword("if", one()),
            keyword("then", one()),
            keyword("contains", one()),
            keyword("additionalProperties", one()),
            keyword("propertyNames", one()),
            keyword("anyOf", list()),
            keyword("oneOf", list()),
            keyword("allOf", list()),
            keyword("prefixItems", list()),
            keyword("properties", named()),
            keyword("patternProperties", named()),
            keyword("dependentSchemas", named()),
            keyword("$defs", named()),
            keyword("minimum", number()),
            keyword("multipleOf", number()),
            keyword("maxLength", number()),
            keyword("minItems", number()),
            keyword("uniqueItems", Just(json!(true)).boxed()),
            keyword("required", Just(json!(["a"])).boxed()),
            keyword("pattern", "[a-c(*]{1,3}".prop_map(Value::from).boxed()),
        ];
        prop::collection::vec(keywords, 0..4).prop_map(|keywords| {
            keywords
                .into_iter()
                .map(|(keyword, value)| (keyword.to_owned(), value))
                .collect::<Map<_, _>>()
                .into()
        })
    })
}

proptest! {
    #[test]
    fn whatever_is_written_and_answered_a_check_ends_and_says_where(schema in any_schema(), document in any_json()) {
        let Value::Object(schema) = schema else { return Ok(()) };
        let mut errors = FieldErrors::default();
        check("schema", &schema, &mut errors);
        let is_schema = errors.finish().is_ok();
        // Also what was written by code that knew more.
        let found = faults(&schema, &document);
        prop_assert!(found.len() <= MAX_FAULTS);
        if is_schema {
            for fault in &found {
                let parent = fault.at.rsplit_once('/').map_or("", |(parent, _)| parent);
                prop_assert!(document.pointer(parent).is_some(), "{fault:?}");
            }
            let not = json!({"not": schema.clone(), "$defs": schema.get("$defs").cloned().unwrap_or_else(|| json!({}))});
            let refers = serde_json::to_string(&schema).unwrap().contains("\"#\"");
            let is_over = found.iter().any(|fault| fault.words.contains("too long"));
            if !refers && !is_over {
                prop_assert_eq!(found.is_empty(), !faults(&object(&not), &document).is_empty());
            }
        }
    }

    #[test]
    fn any_document_fits_itself(document in any_json()) {
        prop_assert_eq!(faults(&object(&json!({"const": document.clone()})), &document), []);
        prop_assert_eq!(faults(&object(&json!({"enum": [document.clone()]})), &document), []);
    }
}
