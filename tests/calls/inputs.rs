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
    let asked = stage.take_asked().remove(1);
    let request: Value = serde_json::from_slice(&asked.body).unwrap();
    // Of a length that the provider takes.
    let called = |n: usize| request["messages"][2]["tool_calls"][n]["id"].as_str().unwrap();
    let sent = sent(&asked);
    let word = |role: &str, text: &str| (role.to_owned(), text.to_owned());
    let expected = [
        word("user", "Look"),
        word("assistant", ""),
        word(&format!("tool {}", called(0)), "one"),
        word(&format!("tool {}", called(1)), "two"),
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

/// The tools that the model was offered.
fn offered(asked: &Asked) -> Vec<String> {
    let request: Value = serde_json::from_slice(&asked.body).unwrap();
    let tools = request["tools"].as_array().cloned().unwrap_or_default();
    tools.iter().map(|tool| tool["function"]["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_run_takes_over_what_a_request_asks_that_joins_it() {
    for (on_busy, priority) in [("merge", "critical"), ("steer", "critical")] {
        let stage = Stage::new().await;
        let (first, calls) = waiting(&stage, 1).await;
        let second = json!({"message": "Second", "background": true, "priority": "low"});
        let second = post(&stage, "/threads/t/runs", &second).await.json();
        let joined = json!({"message": "Joined", "background": true, "on_busy": on_busy, "priority": priority,
            "tools": [{"name": "special"}]});
        let joined = post(&stage, "/threads/t/runs", &joined).await;
        assert_eq!(joined.status, 202, "{}", joined.text());
        let joined = joined.json();
        let run = if on_busy == "merge" { &second["id"] } else { &json!(first) };
        assert_eq!((&joined["id"], &joined["priority"]), (run, &json!(priority)), "{on_busy}");
        stage.then(says("One.")).then(says("Two."));
        give(&stage, &first, &json!([{"call_id": calls[0], "output": "x"}])).await.ok();
        over(&stage, second["id"].as_str().unwrap()).await;
        let asked = stage.take_asked();
        let expected = if on_busy == "merge" {
            [vec!["look"], vec!["special"]]
        } else {
            [vec!["look", "special"], vec![]]
        };
        assert_eq!([offered(&asked[1]), offered(&asked[2])], expected, "{on_busy}");
    }
}

#[tokio::test]
async fn a_run_is_held_to_what_a_request_may_cost_that_joins_it() {
    let stage = Stage::new().await;
    let (first, calls) = waiting(&stage, 1).await;
    let second = json!({"message": "Second", "background": true});
    let second = post(&stage, "/threads/t/runs", &second).await.json();
    let joined = json!({"message": "Joined", "background": true, "on_busy": "merge", "max_usd": "0.000001"});
    assert_eq!(post(&stage, "/threads/t/runs", &joined).await.status, 202);
    stage.then(says("One."));
    give(&stage, &first, &json!([{"call_id": calls[0], "output": "x"}])).await.ok();
    let over = over(&stage, second["id"].as_str().unwrap()).await;
    assert_eq!((&over["status"], &over["reason"]), (&json!("incomplete"), &json!("max_usd")), "{over}");
    assert_eq!(stage.take_asked().len(), 2);
}

#[tokio::test]
async fn what_cannot_hold_in_the_run_that_is_joined_is_refused() {
    let stage = Stage::new().await;
    let fields =
        json!({"instructions": "For {{customer}}.", "config": {"variables": {"customer": "nobody"}}});
    stage.change("triage", &fields).await;
    waiting(&stage, 1).await;
    let second = json!({"message": "Second", "background": true, "variables": {"customer": "Ada"}});
    let second = post(&stage, "/threads/t/runs", &second).await;
    assert_eq!(second.status, 202, "{}", second.text());
    let ask = |on_busy: &str, more: Value| {
        let mut body = json!({"message": "Joined", "background": true, "on_busy": on_busy});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (body, field) in [
        (ask("merge", json!({"variables": {"customer": "Bob"}})), "variables.customer"),
        (ask("steer", json!({"variables": {"customer": "Ada"}})), "variables.customer"),
        (ask("steer", json!({"max_usd": "0.000001"})), "max_usd"),
        (ask("steer", json!({"tools": [{"name": "look", "description": "elsewhere"}]})), "tools[0].name"),
    ] {
        let refused = post(&stage, "/threads/t/runs", &body).await;
        refused.assert_refusal(400, "validation_failed");
        assert_eq!(refused.json()["errors"][0]["field"], field, "{body}");
    }
    let body = ask("merge", json!({"variables": {"customer": "Ada"}}));
    assert_eq!(post(&stage, "/threads/t/runs", &body).await.json()["id"], second.json()["id"]);
}

#[tokio::test]
async fn a_run_that_is_refused_cancels_none_that_waits() {
    let stage = Stage::new().await;
    waiting(&stage, 1).await;
    let second = json!({"message": "Second", "background": true});
    let second = post(&stage, "/threads/t/runs", &second).await.json();
    let long = json!({"message": "x".repeat(1_100_000), "background": true, "on_busy": "latest"});
    post(&stage, "/threads/t/runs", &long).await.assert_refusal(400, "validation_failed");
    let second = get(&stage, &format!("/runs/{}", second["id"].as_str().unwrap())).await;
    assert_eq!(second["status"], "queued");
}

#[tokio::test]
async fn what_was_answered_before_is_said_with_its_outcome() {
    let stage = Stage::new().await;
    let (run, calls) = waiting(&stage, 3).await;
    let json = json!({"rain": [1, null]});
    give(
        &stage,
        &run,
        &json!([{"call_id": calls[0], "output": "one"}, {"call_id": calls[1], "output": json}]),
    )
    .await
    .ok();
    let again = [
        json!({"call_id": calls[1], "error": "no"}),
        json!({"call_id": calls[2], "output": "three"}),
        json!({"call_id": calls[0], "output": "one"}),
    ];
    let ask = async || {
        let refused = give(&stage, &run, &json!(again)).await;
        refused.assert_refusal(409, "already_resolved");
        let refused = refused.json();
        assert_eq!(refused["errors"][0]["field"], "inputs[0]", "{refused}");
        assert!(refused["detail"].as_str().unwrap().contains(&calls[1]), "{refused}");
        let expected = json!([
            {"at": 0, "id": calls[1], "outcome": "already_resolved", "output": json},
            {"at": 2, "id": calls[0], "outcome": "already_resolved", "output": "one"},
        ]);
        assert_eq!(refused["inputs"], expected);
    };
    ask().await;
    // For ever.
    crate::threads::ask(&stage, Method::POST, &format!("/runs/{run}/cancel")).send().await.ok();
    ask().await;
}

#[tokio::test]
async fn what_is_not_taken_says_why_and_which() {
    let stage = Stage::new().await;
    let (run, calls) = waiting(&stage, 2).await;
    let of = |entry: u32| json!({"call_id": format!("{run}-{entry}"), "output": "x"});
    let call = |n: usize| json!({"call_id": calls[n], "output": "x"});
    let refused = async |inputs: Value, status: u16, kind: &str, field: &str| {
        let refused = give(&stage, &run, &inputs).await;
        refused.assert_refusal(status, kind);
        assert_eq!(refused.json()["errors"][0]["field"], field, "{}", refused.text());
    };
    refused(json!([call(0), of(99)]), 404, "not_found", "inputs[1]").await;
    refused(json!([call(0), call(1), call(0)]), 400, "validation_failed", "inputs[2]").await;
    refused(json!([{"call_id": calls[1], "retry": true}]), 400, "validation_failed", "inputs[0]").await;
    give(&stage, &run, &json!([call(0)])).await.ok();
    crate::threads::ask(&stage, Method::POST, &format!("/runs/{run}/cancel")).send().await.ok();
    refused(json!([of(99)]), 404, "not_found", "inputs[0]").await;
    refused(json!([call(1)]), 410, "run_ended", "inputs[0]").await;
    refused(json!([{"message": "Hello?"}]), 410, "run_ended", "inputs[0]").await;
    refused(json!([call(0)]), 409, "already_resolved", "inputs[0]").await;
}

#[tokio::test]
async fn what_comes_in_one_request_is_considered_in_one_step() {
    for message_first in [false, true] {
        let stage = Stage::new().await;
        let (run, calls) = waiting(&stage, 1).await;
        stage.then(says("Seen."));
        let mut inputs = vec![json!({"call_id": calls[0], "output": "x"}), json!({"message": "And this"})];
        if message_first {
            inputs.reverse();
        }
        let given = give(&stage, &run, &json!(inputs)).await.ok();
        let ids: Vec<&Value> = given["inputs"].as_array().unwrap().iter().map(|input| &input["id"]).collect();
        assert_eq!(ids[usize::from(message_first)], &json!(calls[0]));
        let over = over(&stage, &run).await;
        assert_eq!((&over["status"], &over["message"]), (&json!("completed"), &json!("Seen.")));
        let asked = stage.take_asked();
        assert_eq!(asked.len(), 2);
        let texts: Vec<String> = sent(&asked[1]).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["Look", "", "x", "And this"]);
    }
}
