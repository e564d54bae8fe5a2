use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, json};

use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for its faults")]
struct Outer {
    name: String,
    size: u32,
    share: Option<f64>,
    is_on: Option<bool>,
    word: Option<Word>,
    inner: Option<Inner>,
    list: Option<Vec<Inner>>,
    texts: Option<Vec<String>>,
    free: Option<Value>,
    by_name: Option<BTreeMap<String, u8>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for its faults")]
struct Inner {
    code: String,
    price: u64,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Word {
    Plain,
    Level { high: u8 },
}

fn faults(value: &Value) -> Vec<String> {
    let errors = read::<Outer>(value).err().unwrap_or_default();
    errors.into_iter().map(|error| error.field).collect()
}

#[test]
fn all_faults_are_named_at_once_missing_wrong_and_unknown_ones() {
    assert_eq!(
        faults(&json!({
            "size": "big", "share": "half", "is_on": 1, "word": "loud", "inner": {"code": 7, "prcie": 1},
            "list": [{"code": "a", "price": 1}, {"x": 1}], "texts": ["a", 1, null], "by_name": {"a": 256},
            "free": {"anything": [1]}, "colour": "red", "id": 1,
        })),
        [
            "by_name.a",
            "inner.code",
            "inner.price",
            "is_on",
            "list[1].code",
            "list[1].price",
            "share",
            "size",
            "texts[1]",
            "texts[2]",
            "word",
            "name",
            "colour",
            "id",
            "inner.prcie",
            "list[1].x",
        ]
    );
}

#[test]
fn what_is_behind_a_fault_is_not_a_fault_of_its_own() {
    assert_eq!(faults(&json!({"name": "a", "size": 1, "inner": 5, "list": [[]]})), ["inner", "list[0]"]);
    assert_eq!(faults(&json!(7)), ["(body)"]);
}

#[test]
fn null_is_a_field_that_is_left_out() {
    assert_eq!(
        faults(&json!({"name": null, "size": 1, "share": null, "inner": null, "texts": null})),
        ["name"]
    );
    let error = read::<Outer>(&json!({"name": null, "size": 1})).unwrap_err().remove(0);
    assert_eq!(error.message, "is required");
}

#[test]
fn a_list_is_never_an_object_wherever_it_stands() {
    for (body, field) in [
        (json!({"name": "a", "size": 1, "inner": ["c", 1]}), "inner"),
        (json!({"name": "a", "size": 1, "list": [["c", 1]]}), "list[0]"),
        (json!({"name": "a", "size": 1, "word": {"level": [1]}}), "word.level"),
        (json!(["a", 1]), "(body)"),
    ] {
        let errors = read::<Outer>(&body).unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(errors[0].field, field);
        assert!(errors[0].message.contains("an object, not a list"), "{errors:?}");
    }
}

#[test]
fn words_are_read_alone_and_with_what_belongs_to_them() {
    let word = |word: Value| read::<Outer>(&json!({"name": "a", "size": 1, "word": word})).unwrap().word;
    assert_eq!(word(json!("plain")), Some(Word::Plain));
    assert_eq!(word(json!({"level": {"high": 3}})), Some(Word::Level { high: 3 }));
    assert_eq!(
        faults(&json!({"name": "a", "size": 1, "word": {"level": {"high": "x"}}})),
        ["word.level.high"]
    );
}

#[test]
fn a_query_s_texts_are_read_as_what_the_type_wants() {
    let query = json!({"name": "1", "size": "7", "share": "0.5", "is_on": "true"});
    let read = read_query::<Outer>(&query).unwrap();
    assert_eq!((read.name.as_str(), read.size, read.share, read.is_on), ("1", 7, Some(0.5), Some(true)));
    let wrong = read_query::<Outer>(&json!({"name": "a", "size": "-1", "is_on": "yes"})).unwrap_err();
    assert_eq!(wrong.into_iter().map(|e| e.field).collect::<Vec<_>>(), ["is_on", "size"]);
}

#[test]
fn the_work_is_bounded_however_many_faults_there_are() {
    let many: Vec<Value> = (0..50_000).map(Value::from).collect();
    let errors = read::<Outer>(&json!({"name": "a", "size": 1, "texts": many})).unwrap_err();
    assert!(errors.len() <= MAX_ROUNDS, "{}", errors.len());
    let unknown: Map<String, Value> = (0..20_000).map(|i| (format!("field{i}"), Value::Null)).collect();
    let errors = read::<Outer>(&unknown.into()).unwrap_err();
    assert_eq!(errors.last().map(|e| e.message.as_str()), Some("and 19902 more"));
}

#[test]
fn the_fields_of_a_type_are_those_it_is_written_with() {
    assert_eq!(fields_of::<Inner>(), ["code", "price"]);
    assert_eq!(fields_of::<Value>(), [""; 0]);
}
