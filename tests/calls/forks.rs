//! Threads that begin as copies of others.

use axum::http::Method;
use serde_json::{Value, json};

use crate::ask::Reply;
use crate::lists::of_agent;
use crate::provider::hello;
use crate::stage::Stage;
use crate::threads::{ask, calls, get, post, says, sent};

async fn fork(stage: &Stage, thread: &str, body: &Value) -> Reply {
    post(stage, &format!("/threads/{thread}/fork"), body).await
}

/// What stands in a thread, without what is its own.
async fn transcript(stage: &Stage, thread: &str) -> Vec<Value> {
    let items = get(stage, &format!("/threads/{thread}/items")).await;
    let mut items = items["items"].as_array().unwrap().clone();
    for item in &mut items {
        let item = item.as_object_mut().unwrap();
        assert!(item["id"].is_string());
        item.retain(|field, _| !["id", "run_id"].contains(&field.as_str()));
    }
    items
}

async fn item(stage: &Stage, thread: &str, n: usize) -> Value {
    get(stage, &format!("/threads/{thread}/items")).await["items"][n]["id"].clone()
}

#[tokio::test]
async fn a_fork_begins_with_what_was_said_and_goes_its_own_way() {
    let stage = Stage::new().await;
    let about = json!({"id": "t", "user": "ada", "labels": ["vip"], "metadata": {"k": "v"}});
    let thread = post(&stage, "/threads", &about).await.json();
    for text in ["I am Ada.", "I like tea."] {
        stage.then(hello((10, 5)));
        post(&stage, "/threads/t/runs", &json!({"message": text})).await;
    }
    stage.take_asked();

    let whole = fork(&stage, "t", &json!({"id": "again"})).await;
    assert_eq!(whole.status, 201, "{}", whole.text());
    let whole = whole.json();
    for field in ["user", "labels", "metadata", "title", "agent_id", "agent_version"] {
        assert_eq!(whole[field], get(&stage, "/threads/t").await[field], "{field}");
    }
    let last = item(&stage, "t", 3).await;
    assert_eq!(whole["forked_from"], json!({"thread": thread["id"], "after": last}));
    assert_eq!((&whole["name"], &whole["status"]), (&json!("again"), &json!("idle")));
    assert_eq!(transcript(&stage, "again").await, transcript(&stage, "t").await);

    // Up to the first answer.
    let after = item(&stage, "t", 1).await;
    let part = fork(&stage, "t", &json!({"after": after})).await.json();
    assert_eq!(part["forked_from"]["after"], after);
    let part = part["id"].as_str().unwrap();
    assert_eq!(transcript(&stage, part).await, transcript(&stage, "t").await[..2]);

    stage.then(says("Coffee."));
    let run = post(&stage, &format!("/threads/{part}/runs"), &json!({"message": "I like coffee."})).await;
    assert_eq!(run.json()["message"], "Coffee.", "{}", run.text());
    let asked = sent(&stage.take_asked()[0]);
    assert_eq!(asked, ["user: I am Ada.", "assistant: Hello", "user: I like coffee."]);
    assert_eq!(transcript(&stage, "t").await.len(), 4);
    // A fork of the fork, and a thread without anything.
    let deeper = ask(&stage, Method::POST, &format!("/threads/{part}/fork")).send().await.json();
    assert_eq!(transcript(&stage, deeper["id"].as_str().unwrap()).await.len(), 4);
    post(&stage, "/threads", &json!({"id": "empty"})).await;
    let empty = fork(&stage, "empty", &json!({})).await;
    assert_eq!((empty.status.as_u16(), &empty.json()["forked_from"]["after"]), (201, &Value::Null));

    let member = stage.api.request(Method::POST, "/api/v1/threads/t/fork").key(&stage.acme.admin);
    assert_eq!(member.json(&json!({"id": "by-member"})).send().await.status, 201);
    assert_eq!(transcript(&stage, "by-member").await, transcript(&stage, "t").await);
    // Each is in the lists: the thread, its copies and theirs.
    of_agent(&stage, "/threads", 7).await;
}

#[tokio::test]
async fn a_call_that_waits_has_a_result_in_the_fork_and_still_waits_in_the_thread() {
    let stage = Stage::new().await;
    stage.then(calls("weather", &json!({"city": "Oslo"})));
    let tools = json!([{"type": "client", "name": "weather", "parameters": {"type": "object"}}]);
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Weather?", "tools": tools})).await.json();
    assert_eq!(run["status"], "waiting");
    stage.take_asked();

    assert_eq!(fork(&stage, "t", &json!({"id": "f"})).await.status, 201);
    let copied = transcript(&stage, "f").await;
    assert_eq!(copied.len(), 3);
    assert_eq!((&copied[2]["type"], &copied[2]["is_error"]), (&json!("tool_result"), &json!(true)));
    assert!(copied[2].to_string().contains("forked"), "{}", copied[2]);
    stage.then(says("Later, then."));
    post(&stage, "/threads/f/runs", &json!({"message": "Never mind."})).await;
    let asked = sent(&stage.take_asked()[0]);
    assert_eq!(asked.len(), 4, "{asked:?}");
    assert!(asked[2].starts_with("tool: The conversation was forked here"), "{asked:?}");

    stage.then(says("It rains."));
    let inputs = json!({"inputs": [{"call_id": run["waiting_on"][0]["call_id"], "output": "rain"}]});
    post(&stage, &format!("/runs/{}/inputs", run["id"].as_str().unwrap()), &inputs).await.ok();
}

#[tokio::test]
async fn a_fork_that_is_asked_for_again_is_the_same() {
    let stage = Stage::new().await;
    post(&stage, "/threads", &json!({"id": "t", "items": [{"role": "user", "content": "Hi"}]})).await;
    let first = fork(&stage, "t", &json!({"id": "f"})).await;
    // Also when the thread has become longer.
    post(&stage, "/threads/t/items", &json!({"items": [{"role": "user", "content": "And?"}]})).await;
    let again = fork(&stage, "t", &json!({"id": "f"})).await;
    assert_eq!((again.status.as_u16(), again.json()), (200, first.json()));
    assert_eq!(transcript(&stage, "f").await.len(), 1);

    let once = async |body: &Value| {
        let ask = ask(&stage, Method::POST, "/threads/t/fork").header("idempotency-key", "k");
        ask.json(body).send().await
    };
    let first = once(&json!({})).await;
    let again = once(&json!({})).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201));
    assert_eq!(first.json()["id"], again.json()["id"]);
    let after = item(&stage, "t", 0).await;
    once(&json!({"after": after})).await.assert_refusal(422, "idempotency_key_reused");
    let other = fork(&stage, "t", &json!({})).await;
    assert_ne!(other.json()["id"], first.json()["id"]);
}

#[tokio::test]
async fn what_cannot_be_forked_is_refused() {
    let stage = Stage::new().await;
    for thread in ["t", "u"] {
        let items = json!([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]);
        post(&stage, "/threads", &json!({"id": thread, "items": items})).await;
    }
    let elsewhere = item(&stage, "u", 0).await;
    let first = item(&stage, "t", 0).await;
    fork(&stage, "t", &json!({"id": "whole"})).await;
    let unknown = first.as_str().unwrap().replace("-1", "-99");
    for (thread, body, status, slug) in [
        ("nowhere", json!({}), 404, "not_found"),
        ("t", json!({"after": elsewhere}), 404, "not_found"),
        ("t", json!({"after": unknown}), 404, "not_found"),
        ("t", json!({"after": "first"}), 400, "validation_failed"),
        ("t", json!({"id": "not a name"}), 400, "validation_failed"),
        ("t", json!({"until": first}), 400, "validation_failed"),
        // Its own id, another thread's, and that of another fork.
        ("t", json!({"id": "t"}), 400, "validation_failed"),
        ("t", json!({"id": "u"}), 409, "conflict"),
        ("t", json!({"id": "whole", "after": first}), 409, "conflict"),
        ("u", json!({"id": "whole"}), 409, "conflict"),
    ] {
        fork(&stage, thread, &body).await.assert_refusal(status, slug);
    }
    stage.agent("other-agent", &json!({})).await;
    let foreign = ask(&stage, Method::POST, "").path("/accounts/acme/agents/other-agent/threads/t/fork");
    foreign.send().await.assert_refusal(404, "not_found");
}

#[tokio::test]
async fn neither_a_token_nor_a_stranger_forks() {
    let stage = Stage::new().await;
    post(&stage, "/threads", &json!({"id": "t"})).await;
    stage.change("triage", &json!({"access": "public"})).await;
    let issued = post(&stage, "/threads/t/tokens", &json!({})).await.json();
    let by_token = ask(&stage, Method::POST, "/threads/t/fork").key(issued["token"].as_str().unwrap());
    assert_eq!(by_token.send().await.status, 403);
    assert_eq!(ask(&stage, Method::POST, "/threads/t/fork").anonymous().send().await.status, 401);
}
