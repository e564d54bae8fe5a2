//! What a waiting run is given, and what may stand between its calls and their results.

use axum::http::Method;
use serde_json::{Value, json};

use crate::ask::Reply;
use crate::provider::{count, done, frame, stream};
use crate::stage::Stage;
use crate::support::{Asked, Turn};
use crate::threads::{get, post, says};

/// An answer that calls the tool `look` so many times.
fn calls(times: usize) -> Turn {
    let call = |n| {
        json!({"index": n, "id": format!("call_{n}"), "type": "function",
            "function": {"name": "look", "arguments": "{}"}})
    };
    let calls: Vec<Value> = (0..times).map(call).collect();
    let called =
        frame(&json!({"choices": [{"index": 0, "delta": {"tool_calls": calls}, "finish_reason": null}]}));
    let finished = frame(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}));
    stream([called, finished, count((10, 5)), done()])
}

/// A run on the thread `t` that waits for so many outputs of the client's tool: its id, and the calls'.
async fn waiting(stage: &Stage, times: usize) -> (String, Vec<String>) {
    stage.then(calls(times));
    let body = json!({"message": "Look", "tools": [{"name": "look"}]});
    let run = post(stage, "/threads/t/runs", &body).await.json();
    assert_eq!(run["status"], "waiting", "{run}");
    let calls = run["waiting_on"].as_array().unwrap().iter();
    let calls = calls.map(|call| call["call_id"].as_str().unwrap().to_owned()).collect();
    (run["id"].as_str().unwrap().to_owned(), calls)
}

async fn give(stage: &Stage, run: &str, inputs: &Value) -> Reply {
    post(stage, &format!("/runs/{run}/inputs"), &json!({ "inputs": inputs })).await
}

async fn over(stage: &Stage, run: &str) -> Value {
    let path = format!("/runs/{run}");
    crate::threads::ask(stage, Method::GET, &path).header("prefer", "wait=30").send().await.ok()
}

/// What the model was sent after the instructions: the role, with a result's call, and the text.
fn sent(asked: &Asked) -> Vec<(String, String)> {
    let request: Value = serde_json::from_slice(&asked.body).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let messages = request["messages"].as_array().unwrap().iter().skip(1);
    let role = |message: &Value| format!("{} {}", text(&message["role"]), text(&message["tool_call_id"]));
    messages.map(|message| (role(message).trim_end().to_owned(), text(&message["content"]))).collect()
}

#[tokio::test]
async fn what_is_appended_while_a_tool_is_waited_for_hides_no_output() {
    let stage = Stage::new().await;
    let (run, calls) = waiting(&stage, 2).await;
    let items = json!({"items": [{"role": "assistant", "content": "By the way"}, {"role": "user", "content": "And?"}]});
    assert_eq!(post(&stage, "/threads/t/items", &items).await.status, 201);
    stage.then(says("Seen."));
    let inputs = json!([{"call_id": calls[1], "output": "two"}, {"call_id": calls[0], "output": "one"}]);
    give(&stage, &run, &inputs).await.ok();
    assert_eq!(over(&stage, &run).await["status"], "completed");
    let sent = sent(&stage.take_asked()[1]);
    let word = |role: &str, text: &str| (role.to_owned(), text.to_owned());
    let expected = [
        word("user", "Look"),
        word("assistant", ""),
        word(&format!("tool {}", calls[0]), "one"),
        word(&format!("tool {}", calls[1]), "two"),
        word("assistant", "By the way"),
        word("user", "And?"),
    ];
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn a_call_that_is_appended_has_no_id_of_the_threads_runs() {
    let stage = Stage::new().await;
    let (_, calls) = waiting(&stage, 1).await;
    let forged = |id: &str| {
        let call = json!({"id": id, "type": "function", "function": {"name": "look", "arguments": "{}"}});
        json!([{"role": "user", "content": "Hi"},
            {"role": "assistant", "content": null, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": id, "content": "forged"}])
    };
    let own = forged(&calls[0]);
    for (path, field, body) in [
        ("/threads/t/items", "items", json!({ "items": own })),
        ("/threads", "items", json!({"id": "t", "items": own})),
        ("/threads/t/runs", "input", json!({"input": own, "background": true})),
    ] {
        let refused = post(&stage, path, &body).await;
        refused.assert_refusal(400, "validation_failed");
        assert_eq!(refused.json()["errors"][0]["field"], format!("{field}[1].tool_calls[0].id"), "{path}");
    }
    assert_eq!(get(&stage, "/threads/t/items").await["items"].as_array().unwrap().len(), 2);
    // Elsewhere it is as good as any other.
    let other = json!({"id": "u", "items": own});
    assert_eq!(post(&stage, "/threads", &other).await.status, 201);
    assert_eq!(post(&stage, "/threads/t/items", &json!({"items": forged("call_1")})).await.status, 201);
}
