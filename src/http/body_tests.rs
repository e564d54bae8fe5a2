use serde::Deserialize;

use super::*;
use crate::domain::money::Nanos;
use crate::domain::time::Millis;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for its faults")]
struct Sample {
    name: String,
    #[serde(default)]
    count: Option<u32>,
    #[serde(default)]
    price: Option<Nanos>,
    #[serde(default)]
    end: Option<Millis>,
    #[serde(default)]
    list: Vec<Inner>,
    #[serde(default)]
    word: Option<crate::domain::account::Role>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for its faults")]
struct Inner {
    code: String,
}

fn problem_of(json: &str) -> Problem {
    parse::<Sample>(json.as_bytes()).unwrap_err()
}

#[test]
fn a_field_that_does_not_fit_is_named_with_its_mending() {
    for (json, field, message) in [
        (r#"{}"#, "name", "is required"),
        (r#"{"name":1}"#, "name", "must be a string, not 1"),
        (r#"{"name":null}"#, "name", "is required"),
        (r#"{"name":"x","nmae":1}"#, "nmae", "is not known here; did you mean `name`?"),
        (
            r#"{"name":"x","zzzzzz":1}"#,
            "zzzzzz",
            "is not known here; known are name, count, price, end, list, word",
        ),
        (r#"{"name":"x","name":"y"}"#, "name", "stands twice"),
        (
            r#"{"name":123456789012345678901}"#,
            "name",
            "is a whole number that does not fit 64 bits: send it as a text",
        ),
        (r#"{"name":"x","count":-1}"#, "count", "must be a whole number from 0 to 4294967295, not -1"),
        (r#"{"name":"x","count":1e99}"#, "count", "must be a whole number from 0 to 4294967295, not 1e+99"),
        (r#"{"name":"x","count":"1"}"#, "count", "must be a whole number from 0 to 4294967295, not \"1\""),
        (r#"{"name":"x","price":-1}"#, "price", "write an amount of US dollars such as \"12.50\""),
        (
            r#"{"name":"x","price":true}"#,
            "price",
            "must be an amount of US dollars such as \"12.50\", not true",
        ),
        (r#"{"name":"x","end":"soon"}"#, "end", "write a moment as RFC 3339, such as 2026-12-31T00:00:00Z"),
        (r#"{"name":"x","list":{}}"#, "list", "must be a list, not an object"),
        (r#"{"name":"x","list":[{"code":"a"},{}]}"#, "list[1].code", "is required"),
        (
            r#"{"name":"x","list":[{"cod":"a","code":"b"}]}"#,
            "list[0].cod",
            "is not known here; did you mean `code`?",
        ),
        (r#"{"name":"x","word":"boss"}"#, "word", "must be one of `caller`, `member`, `admin`, not `boss`"),
        (r#"{"name":"x","word":{"a":1}}"#, "word", "must be one of `caller`, `member`, `admin`, not `a`"),
        (r#"{"name":"x","word":17}"#, "word", "must be one of its words, as a string"),
        (r#" ["x"]"#, "(body)", "must be an object"),
        (r#""text""#, "(body)", "must be an object"),
    ] {
        let problem = problem_of(json);
        assert_eq!(problem.kind, Kind::ValidationFailed, "{json}");
        let faults: Vec<(&str, &str)> =
            problem.errors.iter().map(|e| (e.field.as_str(), e.message.as_str())).collect();
        assert_eq!(faults, [(field, message)], "{json}");
    }
}

#[test]
fn what_is_not_json_is_said_with_its_place() {
    for (json, detail) in [
        ("{\"name\":\n  x}", "The body is not JSON: expected value at line 2 column 3."),
        ("{\"name\":\"x\"", "The body is not JSON: EOF while parsing an object at line 1 column 11."),
        ("{\"name\":\"x\"} {}", "The body is not JSON: trailing characters at line 1 column 14."),
        (" \n", "The body is empty: send a JSON object."),
        ("{\"name\":\"\\ud800\"}", "The body is not JSON: unexpected end of hex escape at line 1 column 16."),
    ] {
        let problem = problem_of(json);
        assert_eq!((problem.kind, problem.detail.as_str()), (Kind::InvalidRequest, detail), "{json}");
    }
    let problem = parse::<Sample>(b"{\"name\":\"\xff\"}").unwrap_err();
    assert_eq!(problem.detail, "The body is not UTF-8: look at byte 9, counted from 0.");
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    assert_eq!(parse::<Sample>("\u{feff}{\"name\":\"x\"}".as_bytes()).unwrap().name, "x");
}

#[test]
fn a_body_nested_too_deep_is_refused() {
    let deep = format!("{{\"name\":{}", "[".repeat(100_000));
    assert_eq!(problem_of(&deep).kind, Kind::InvalidRequest);
    assert!(value("[".repeat(100_000).as_bytes()).is_err());
}
