//! `Idempotency-Key` on threads and runs: what is asked twice happens once.

use axum::http::Method;
use serde_json::{Value, json};

use crate::ask::{Ask, Reply};
use crate::provider::{count, delta, done, finish, frame, hello, stream};
use crate::stage::Stage;
use crate::support::Turn;

const TRIAGE: &str = "/accounts/acme/agents/triage";

fn ask<'a>(stage: &'a Stage, path: &str, key: &str, body: &Value) -> Ask<'a> {
    let path = format!("{TRIAGE}{path}");
    let ask = stage.request(Method::POST, &path).key(&stage.acme.caller).json(body);
    ask.header("idempotency-key", key)
}

async fn post(stage: &Stage, path: &str, key: &str, body: &Value) -> Reply {
    ask(stage, path, key, body).send().await
}

async fn get(stage: &Stage, path: &str) -> Value {
    stage.request(Method::GET, &format!("{TRIAGE}{path}")).key(&stage.acme.caller).send().await.ok()
}

/// An answer that calls the client's tool.
fn calls_weather() -> Turn {
    let call = json!({"index": 0, "id": "call_0", "type": "function",
        "function": {"name": "weather", "arguments": "{}"}});
    let called =
        frame(&json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": null}]}));
    let finished = frame(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}));
    stream([called, finished, count((10, 5)), done()])
}

#[tokio::test]
async fn a_run_that_is_asked_for_twice_under_a_key_is_one_and_paid_once() {
    let stage = Stage::new().await;
    stage.then(hello((10, 5)));
    let body = json!({"message": "Hi"});
    let first = post(&stage, "/threads/t/runs", "k-1", &body).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let again = post(&stage, "/threads/t/runs", "\"k-1\"", &body).await;
    assert_eq!((again.status.as_u16(), again.json()), (201, first.json()));
    // Whole or as a stream is another body.
    let streamed = json!({"message": "Hi", "stream": true});
    post(&stage, "/threads/t/runs", "k-1", &streamed).await.assert_refusal(422, "idempotency_key_reused");
    assert_eq!(stage.take_asked().len(), 1);
    assert_eq!(stage.books("triage").await.ledger.len(), 1);
    assert_eq!(get(&stage, "/threads/t/items").await["items"].as_array().unwrap().len(), 2);

    // Another key, another thread and another agent are other requests.
    stage.agent("other-agent", &json!({})).await;
    stage.then(hello((10, 5))).then(hello((10, 5))).then(hello((10, 5)));
    let other = post(&stage, "/threads/t/runs", "k-2", &body).await.json();
    assert_ne!(other["id"], first.json()["id"]);
    assert_eq!(post(&stage, "/threads/u/runs", "k-1", &body).await.status, 201);
    let elsewhere = ask(&stage, "", "k-1", &body).path("/accounts/acme/agents/other-agent/threads/v/runs");
    assert_eq!(elsewhere.send().await.status, 201);
    assert_eq!(stage.take_asked().len(), 3);
}

#[tokio::test]
async fn a_stream_that_is_asked_for_again_begins_at_the_beginning() {
    let stage = Stage::new().await;
    stage.then(stream([delta("Hel"), delta("lo"), finish(), count((10, 5)), done()]));
    let body = json!({"message": "Hi", "stream": true});
    let live = post(&stage, "/threads/t/runs", "k", &body).await;
    let again = post(&stage, "/threads/t/runs", "k", &body).await;
    assert_eq!(again.header("content-type"), "text/event-stream");
    let text = |reply: &Reply| {
        let data = reply.text().lines().filter_map(|line| line.strip_prefix("data: "));
        let events = data.map(|data| serde_json::from_str::<Value>(data).unwrap());
        events.filter_map(|event| Some(event["delta"].as_str()?.to_owned())).collect::<String>()
    };
    assert_eq!((text(&live).as_str(), text(&again).as_str()), ("Hello", "Hello"));
    assert!(again.text().contains("event: run.completed"), "{}", again.text());
    assert_eq!(stage.take_asked().len(), 1);
    assert_eq!(stage.books("triage").await.ledger.len(), 1);
}

#[tokio::test]
async fn requests_under_one_key_that_race_join_one_run() {
    let stage = Stage::new().await;
    stage.then(hello((10, 5)));
    let body = json!({"message": "Hi"});
    let racing = (0..8).map(|_| post(&stage, "/threads/t/runs", "k", &body));
    let replies = futures_util::future::join_all(racing).await;
    let runs: Vec<_> = replies.iter().map(Reply::json).collect();
    assert!(runs.iter().all(|run| run["message"] == "Hello" && run["id"] == runs[0]["id"]), "{runs:?}");
    assert_eq!(stage.take_asked().len(), 1);
    assert_eq!(stage.books("triage").await.ledger.len(), 1);
}

#[tokio::test]
async fn threads_items_and_inputs_are_answered_as_they_were() {
    let stage = Stage::new().await;
    // A thread without a name is found by the key alone.
    let body = json!({"user": "ada"});
    let made = post(&stage, "/threads", "make", &body).await;
    let again = post(&stage, "/threads", "make", &body).await;
    assert_eq!((made.status.as_u16(), again.status.as_u16()), (201, 201));
    assert_eq!(made.json(), again.json());
    let other = json!({"user": "bob"});
    post(&stage, "/threads", "make", &other).await.assert_refusal(422, "idempotency_key_reused");
    let another = post(&stage, "/threads", "make-2", &body).await.json();
    assert_ne!(another["id"], made.json()["id"]);

    let thread = format!("/threads/{}", made.json()["id"].as_str().unwrap());
    let said = json!({"items": [{"role": "user", "content": "One"}, {"role": "user", "content": "Two"}]});
    let first = post(&stage, &format!("{thread}/items"), "say", &said).await;
    let more = json!({"items": [{"role": "user", "content": "Three"}]});
    post(&stage, &format!("{thread}/items"), "say-2", &more).await;
    let again = post(&stage, &format!("{thread}/items"), "say", &said).await;
    assert_eq!((again.status.as_u16(), again.json()), (201, first.json()));
    assert_eq!(get(&stage, &format!("{thread}/items")).await["items"].as_array().unwrap().len(), 3);

    stage.then(calls_weather());
    let tools = json!([{"type": "client", "name": "weather", "description": "The weather", "parameters": {"type": "object"}}]);
    let run =
        post(&stage, &format!("{thread}/runs"), "run", &json!({"message": "Weather?", "tools": tools})).await;
    let run = run.json();
    stage.then(hello((10, 5)));
    let inputs = json!({"inputs": [{"call_id": run["waiting_on"][0]["call_id"], "output": "rain"}]});
    let path = format!("/runs/{}/inputs", run["id"].as_str().unwrap());
    let given = post(&stage, &path, "give", &inputs).await.ok();
    assert_eq!(post(&stage, &path, "give", &inputs).await.ok(), given);
    post(&stage, &path, "give-2", &inputs).await.assert_refusal(409, "already_resolved");
}

#[tokio::test]
async fn a_key_of_a_thread_that_was_deleted_starts_nothing() {
    let stage = Stage::new().await;
    stage.then(hello((10, 5)));
    let body = json!({"message": "Hi"});
    post(&stage, "/threads/t/runs", "k", &body).await;
    let path = format!("{TRIAGE}/threads/t");
    let deleted = stage.request(Method::DELETE, &path).key(&stage.acme.caller).send().await;
    assert_eq!(deleted.status, 204);
    post(&stage, "/threads/t/runs", "k", &body).await.assert_refusal(404, "not_found");
    assert_eq!(stage.take_asked().len(), 1);
}

#[tokio::test]
async fn a_refusal_is_not_remembered_and_a_malformed_key_is_refused() {
    let stage = Stage::new().await;
    post(&stage, "/threads/t/items", "k", &json!({"items": [{"role": "user", "content": "x"}]}))
        .await
        .assert_refusal(404, "not_found");
    post(&stage, "/threads", "make", &json!({"id": "t"})).await;
    let said =
        post(&stage, "/threads/t/items", "k", &json!({"items": [{"role": "user", "content": "x"}]})).await;
    assert_eq!(said.status, 201);
    let long = "k".repeat(256);
    for key in ["", "\"open", &long] {
        for path in ["/threads", "/threads/t/runs", "/threads/t/items"] {
            let reply = post(&stage, path, key, &json!({"message": "Hi"})).await;
            reply.assert_refusal(400, "invalid_request");
        }
    }
    assert!(stage.take_asked().is_empty());
}

#[tokio::test]
async fn what_was_done_is_answered_though_the_agent_of_today_would_refuse_it() {
    let stage = Stage::new().await;
    stage.then(hello((10, 5)));
    let body = json!({"message": "Hi", "tools": [{"name": "look"}]});
    let first = post(&stage, "/threads/t/runs", "k", &body).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let look = json!({"type": "http", "name": "look", "description": "Looks.", "url": "https://tools.example.com/look"});
    let variables = json!({"variables": {"customer": null}});
    stage
        .change("triage", &json!({"instructions": "For {{customer}}.", "tools": [look], "config": variables}))
        .await;
    let again = post(&stage, "/threads/t/runs", "k", &body).await;
    assert_eq!((again.status.as_u16(), again.json()), (201, first.json()));
    post(&stage, "/threads/t/runs", "k", &json!({"message": "Ho"}))
        .await
        .assert_refusal(422, "idempotency_key_reused");
    // What was not done is refused, and all that is wrong with it is said; nothing of it is remembered.
    for key in ["new", "new"] {
        let refused = post(&stage, "/threads/t/runs", key, &body).await;
        refused.assert_refusal(400, "validation_failed");
        assert_eq!(refused.json()["errors"].as_array().map(Vec::len), Some(2), "{}", refused.text());
    }
    post(&stage, "/threads/new/runs", "new", &body).await.assert_refusal(400, "validation_failed");
    let made = stage.request(Method::GET, &format!("{TRIAGE}/threads/new")).key(&stage.acme.caller);
    made.send().await.assert_refusal(404, "not_found");
    assert_eq!(stage.take_asked().len(), 1);
}
