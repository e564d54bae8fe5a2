//! A thread as one document.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::stage::Stage;
use crate::threads::{ask, calls, get, post, says};

const LARGE: usize = 700_000;

async fn exported(stage: &Stage, thread: &str) -> Value {
    let reply = ask(stage, Method::GET, &format!("/threads/{thread}/export")).send().await;
    assert_eq!(reply.headers["content-type"], "application/json");
    reply.ok()
}

/// What a list has in all its pages.
async fn items(stage: &Stage, thread: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = get(stage, &format!("/threads/{thread}/items?limit=1000{after}")).await;
        all.extend(page["items"].as_array().unwrap().clone());
        if page["has_more"] == false {
            return all;
        }
        after = format!("&after={}", all.last().unwrap()["id"].as_str().unwrap());
    }
}

#[tokio::test]
async fn an_export_has_all_of_a_thread_and_says_that_it_is_whole() {
    let stage = Stage::new().await;
    stage.change("triage", &json!({"budget": {"limit_usd": "1000", "period": "total"}})).await;
    let tool = json!({"type": "client", "name": "look", "parameters": {"type": "object"}});
    stage.then(calls("look", &json!({})));
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Look", "tools": [tool]})).await.json();
    let id = run["id"].as_str().unwrap();
    let inputs = json!({"inputs": [{"call_id": run["waiting_on"][0]["call_id"], "output": "a bird"}]});
    stage.then(says("A bird."));
    post(&stage, &format!("/runs/{id}/inputs"), &inputs).await.ok();
    ask(&stage, Method::GET, &format!("/runs/{id}")).header("prefer", "wait=60").send().await.ok();
    for _ in 0..4 {
        let items = json!({"items": [{"role": "user", "content": "x".repeat(LARGE)}]});
        assert_eq!(post(&stage, "/threads/t/items", &items).await.status, StatusCode::CREATED);
    }
    stage.then(says("Long."));
    let second = post(&stage, "/threads/t/runs", &json!({"message": "And now?"})).await.json();

    let document = exported(&stage, "t").await;
    let fields: Vec<&String> = document.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["exported_at", "thread", "items", "runs", "steps", "events", "is_whole"]);
    assert_eq!(document["is_whole"], true);
    assert_eq!(document["thread"], get(&stage, "/threads/t").await);
    assert_eq!(document["items"], Value::from(items(&stage, "t").await));
    let mut runs = Vec::new();
    for id in [id, second["id"].as_str().unwrap()] {
        runs.push(get(&stage, &format!("/runs/{id}")).await);
    }
    assert_eq!(document["runs"], Value::from(runs));
    let steps = document["steps"].as_array().unwrap();
    let of_first = steps.iter().filter(|step| step["run_id"] == id).count();
    assert_eq!((steps.len(), of_first), (3, 2), "of the first run two calls of the model");
    let events = document["events"].as_array().unwrap();
    let last = events.last().unwrap();
    assert_eq!((&last["type"], &last["run"]), (&json!("run.completed"), &second["id"]));
    let positions: Vec<u64> = events.iter().map(|event| event["position"].as_u64().unwrap()).collect();
    assert!(positions.is_sorted(), "{positions:?}");
}

#[tokio::test]
async fn an_empty_thread_is_exported_and_one_that_is_not_there_is_not() {
    let stage = Stage::new().await;
    post(&stage, "/threads", &json!({"id": "empty", "user": "ada"})).await;
    let document = exported(&stage, "empty").await;
    for part in ["items", "runs", "steps", "events"] {
        assert_eq!(document[part], json!([]), "{part}");
    }
    assert_eq!((&document["thread"]["user"], &document["is_whole"]), (&json!("ada"), &json!(true)));
    let absent = ask(&stage, Method::GET, "/threads/absent/export").send().await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND);
}
