//! What a client says of its thread, changed by a merge or by operations.

use axum::http::Method;
use serde_json::{Value, json};

use crate::ask::Reply;
use crate::stage::Stage;
use crate::threads::{ask, get, post};

async fn patch(stage: &Stage, media_type: &str, body: &Value) -> Reply {
    let ask = ask(stage, Method::PATCH, "/threads/t").bytes(body.to_string());
    ask.header("content-type", media_type).send().await
}

async fn merge(stage: &Stage, body: &Value) -> Reply {
    patch(stage, "application/json", body).await
}

async fn edit(stage: &Stage, body: &Value) -> Reply {
    patch(stage, "application/json-patch+json", body).await
}

async fn stage() -> Stage {
    let stage = Stage::new().await;
    let body = json!({"id": "t", "user": "ada", "labels": ["vip"], "metadata": {"plan": "gold", "a/b": "1"}});
    assert_eq!(post(&stage, "/threads", &body).await.status, 201);
    stage
}

#[tokio::test]
async fn what_is_shown_may_be_sent_back_and_what_is_only_shown_stays() {
    let stage = stage().await;
    let shown = get(&stage, "/threads/t").await;
    assert_eq!(merge(&stage, &shown).await.ok(), shown);
    let mut changed = shown.clone();
    changed["title"] = json!("Ada's");
    assert_eq!(merge(&stage, &changed).await.ok()["title"], "Ada's");
    for (name, value) in [("status", json!("busy")), ("agent_id", json!("x")), ("nothing", json!(1))] {
        let mut changed = shown.clone();
        changed[name] = value;
        let refused = merge(&stage, &changed).await;
        refused.assert_refusal(400, "validation_failed");
        assert_eq!(refused.json()["errors"][0]["field"], name, "{}", refused.text());
    }
}

#[tokio::test]
async fn operations_change_a_thread_all_or_none() {
    let stage = stage().await;
    let operations = json!([
        {"op": "test", "path": "/user", "value": "ada"},
        {"op": "add", "path": "/labels/-", "value": "team:blue"},
        {"op": "remove", "path": "/metadata/a~1b"},
        {"op": "replace", "path": "/title", "value": "Ada's"},
        {"op": "remove", "path": "/user"},
        {"op": "add", "path": "/version", "value": 1},
    ]);
    let edited = edit(&stage, &operations).await.ok();
    assert_eq!(
        (&edited["labels"], &edited["metadata"]),
        (&json!(["vip", "team:blue"]), &json!({"plan": "gold"}))
    );
    assert_eq!((&edited["title"], &edited["user"]), (&json!("Ada's"), &Value::Null));
    assert_eq!(edited["agent_version"], 1);
    let latest = edit(&stage, &json!([{"op": "replace", "path": "/version", "value": "latest"}])).await.ok();
    assert_eq!(latest["agent_version"], Value::Null);

    let before = get(&stage, "/threads/t").await;
    let same = edit(&stage, &json!([{"op": "test", "path": "", "value": before}])).await.ok();
    assert_eq!(same, before, "what is shown passes the test of the whole");
    let pinned = json!([{"op": "test", "path": "", "value": before}, {"op": "test", "path": "/version", "value": null},
        {"op": "replace", "path": "/version", "value": 1}]);
    assert_eq!(edit(&stage, &pinned).await.ok()["agent_version"], 1);
    let freed = edit(&stage, &json!([{"op": "remove", "path": "/version"}])).await.ok();
    assert_eq!(freed["agent_version"], Value::Null);
    let before = get(&stage, "/threads/t").await;
    let replaced = |path: &str, value: Value| json!([{"op": "remove", "path": "/title"}, {"op": "replace", "path": path, "value": value}]);
    for (operations, status, kind) in [
        (replaced("/status", json!("busy")), 400, "validation_failed"),
        (replaced("/labels", json!([1])), 400, "validation_failed"),
        (replaced("/version", json!(99)), 400, "validation_failed"),
        (replaced("/version", json!("oldest")), 400, "validation_failed"),
        (replaced("", json!({"version": 99})), 400, "validation_failed"),
        (replaced("/none", json!(1)), 400, "validation_failed"),
        (json!([{"op": "copy", "from": "/metadata/plan", "path": "/version"}]), 400, "validation_failed"),
        (json!([{"op": "test", "path": "/user", "value": "ada"}]), 409, "conflict"),
        (json!({"title": "x"}), 400, "validation_failed"),
    ] {
        edit(&stage, &operations).await.assert_refusal(status, kind);
    }
    assert_eq!(get(&stage, "/threads/t").await, before);
}
