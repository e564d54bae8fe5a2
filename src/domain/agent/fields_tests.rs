use serde_json::json;

use super::*;
use crate::domain::json;

fn laid(base: &Value, over: &Value) -> Value {
    let mut base = base.as_object().unwrap().clone();
    merge(&mut base, over.as_object().unwrap().clone());
    base.into()
}

#[test]
fn objects_are_merged_deeply_lists_replaced_and_null_takes_away() {
    let base = json!({"name": "a", "tools": ["x", "y"], "config": {"a": {"b": 1, "c": 2}}, "voice": "p:v"});
    let over =
        json!({"tools": ["z"], "config": {"a": {"c": null, "d": 3}}, "voice": null, "budget": {"x": null}});
    assert_eq!(
        laid(&base, &over),
        json!({"name": "a", "tools": ["z"], "config": {"a": {"b": 1, "d": 3}}, "budget": {}})
    );
}

#[test]
fn a_variable_that_a_call_must_bring_stays_declared() {
    let base = json!({"config": {"variables": {"tone": "dry", "name": null}}});
    let over = json!({"config": {"variables": {"tone": null, "city": null}}});
    assert_eq!(
        laid(&base, &over),
        json!({"config": {"variables": {"tone": null, "name": null, "city": null}}})
    );
}

#[test]
fn a_schema_is_replaced_as_a_whole_with_its_nulls() {
    let base =
        json!({"output": {"name": "a", "schema": {"type": "object", "properties": {"a": {"const": 1}}}}});
    let over = json!({"output": {"schema": {"properties": {"b": {"const": null}}}}});
    let expected = json!({"output": {"name": "a", "schema": {"properties": {"b": {"const": null}}}}});
    assert_eq!(laid(&base, &over), expected);
    assert_eq!(laid(&json!({}), &over)["output"], over["output"]);
    assert_eq!(laid(&base, &json!({"output": null})), json!({}));
    assert_eq!(laid(&base, &json!({"output": "x"})), json!({"output": "x"}), "which is a fault");
}

#[test]
fn what_is_missing_is_named_at_once() {
    let fields: Fields = json::read(&json!({"labels": ["a", "a"], "slug": "No"})).unwrap();
    let errors: Vec<String> = fields.understand().faults.into_iter().map(|e| e.field).collect();
    assert_eq!(errors, ["slug", "name", "instructions", "model", "labels[1]"]);
}

#[test]
fn an_unknown_field_is_told_the_nearest_known_one() {
    for (body, field, words) in [
        (json!({"instuctions": "x"}), "instuctions", "did you mean `instructions`"),
        (json!({"budget": {"limit": "1", "limit_usd": 1, "period": "day"}}), "budget.limit", "limit_usd"),
        (json!({"panels": ["notes"]}), "panels[0]", "`notepad`"),
        (json!({"max_concurrency": -1}), "max_concurrency", "a whole number"),
        (json!({"cache": {"ttl": 60, "ttl_s": 60}}), "cache.ttl", "ttl_s"),
        (json!({"cache": true}), "cache", "an object"),
        (json!({"run": {"steps": 3}}), "run.steps", "max_steps"),
        (json!({"run": {"max_usd": "a lot"}}), "run.max_usd", "US dollars"),
        (json!({"tools": [{"type": "http", "name": "a", "uri": "b"}]}), "tools[0].uri", "url"),
        (json!({"tools": [{"type": "mcp", "name": "a"}]}), "tools[0].type", "`client`"),
        (json!({"on_busy": "wait"}), "on_busy", "`queue`"),
        (json!({"upgrade": "now"}), "upgrade", "`next_run`"),
    ] {
        let error = json::read::<Fields>(&body).unwrap_err().remove(0);
        assert!(error.field == field && error.message.contains(words), "{error:?}");
    }
}
