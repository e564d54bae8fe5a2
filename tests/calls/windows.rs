//! Threads and runs that are longer than what a model is sent.

use axum::http::Method;
use serde_json::{Value, json};

use crate::ask::{Ask, Face};
use crate::provider::{count, done, frame, stream};
use crate::stage::Stage;
use crate::support::{Script, Turn};
use crate::threads::{get, post, says, sent};

const MOST: usize = 6 * 1_024 * 1_024;

/// A message with a picture of so many bytes.
fn picture(name: &str, bytes: usize) -> Value {
    let url = format!("data:image/png;base64,{}", "A".repeat(bytes));
    json!({"items": [{"role": "user", "content": [{"type": "text", "text": name},
        {"type": "image_url", "image_url": {"url": url}}]}]})
}

fn warned(document: &Value) -> Vec<&str> {
    let warnings = document["warnings"].as_array().map(Vec::as_slice).unwrap_or_default();
    warnings.iter().map(|warning| warning["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn of_a_long_thread_the_newest_is_sent_and_it_is_said_that_the_rest_is_not() {
    let stage = Stage::new().await;
    stage.then(says("Hello Ada.")).then(says("They differ."));
    post(&stage, "/threads/t/runs", &json!({"message": "My name is Ada."})).await;
    for name in ["one", "two"] {
        let appended = post(&stage, "/threads/t/items", &picture(name, 3_200_000)).await;
        assert_eq!(appended.status, 201, "{}", appended.text());
    }
    let run = post(&stage, "/threads/t/runs", &json!({"message": "compare"})).await.json();
    assert_eq!((&run["message"], warned(&run)), (&json!("They differ."), vec!["left_out"]), "{run}");
    let asked = stage.take_asked();
    let body: Value = serde_json::from_slice(&asked[1].body).unwrap();
    let messages = body["messages"].to_string();
    assert!(!messages.contains("Ada") && !messages.contains("\"one\"") && messages.contains("\"two\""));
    let sent = sent(&asked[1]);
    assert!(
        sent[0].starts_with("user: [3 earlier items of this conversation are left out here"),
        "{}",
        sent[0]
    );
    assert_eq!(sent.last().unwrap(), "user: compare");
    let steps = get(&stage, &format!("/runs/{}/steps", run["id"].as_str().unwrap())).await;
    let warning = &steps["steps"][0]["model_call"]["warnings"][0];
    assert_eq!(warning["code"], "left_out", "{steps}");
    assert!(warning["message"].as_str().unwrap().contains("3 items left out"), "{warning}");
    // A call is answered with it, too, where nothing can be summed up.
    stage.then(says("")).then(says("They do."));
    let reply = Ask::call(&stage, Face::Chat, "triage").header("x-thread", "t").send().await;
    assert_eq!((warned(&reply.json()), reply.header("x-warnings")), (vec!["left_out"], "1"));
    // A short thread has none.
    stage.then(says("Hi."));
    let run = post(&stage, "/threads/short/runs", &json!({"message": "Hi"})).await.json();
    assert_eq!(run["warnings"], Value::Null, "{run}");
}

#[tokio::test]
async fn a_run_whose_outputs_are_too_much_is_sent_its_task_and_all_that_it_called() {
    let stage = Stage::new().await;
    let tool = json!({"type": "http", "name": "read", "description": "Reads", "url": "https://tools.example.com/read"});
    stage.change("triage", &json!({"tools": [tool], "max_parallel_tools": 1})).await;
    stage.set_budget("triage", &json!({"limit_usd": "1000", "period": "total"})).await;
    let calls: Vec<Value> = (0..26)
        .map(|n| {
            json!({"index": n, "id": format!("call_{n}"), "type": "function",
                "function": {"name": "read", "arguments": "{}"}})
        })
        .collect();
    let called =
        json!({"choices": [{"index": 0, "delta": {"tool_calls": calls}, "finish_reason": "tool_calls"}]});
    stage.then(stream([frame(&called), count((10, 5)), done()]));
    for n in 0..26 {
        stage.then(Turn::Replies(Script::status(200, format!("{n:02}{}", "x".repeat(250_000)))));
    }
    stage.then(says("Read."));
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Read all"})).await.json();
    assert_eq!((&run["status"], warned(&run)), (&json!("completed"), vec!["left_out"]), "{run}");
    let asked = stage.take_asked();
    let last = asked.last().unwrap();
    assert!(last.body.len() < MOST + 100_000, "{}", last.body.len());
    let sent = sent(last);
    assert_eq!((sent[0].as_str(), sent.len()), ("user: Read all", 2 + 26));
    let (words, whole): (Vec<&String>, Vec<&String>) = sent[2..].iter().partition(|text| text.len() < 200);
    assert!((4..8).contains(&words.len()) && whole.len() + words.len() == 26, "{}", words.len());
    assert!(words.iter().all(|word| word.contains("left out, because it does not fit: 250")), "{words:?}");
    let oldest_first = sent[2..].iter().map(|text| text.len() > 200);
    assert!(oldest_first.is_sorted(), "the newest are whole");
}

#[tokio::test]
async fn what_no_model_of_the_line_takes_is_left_out_of_what_was_said_before() {
    let stage = Stage::new().await;
    stage.then(says("A cat.")).then(says("Hello.")).then(says("Once more."));
    let look = json!({"input": picture("Look", 100)["items"]});
    assert_eq!(post(&stage, "/threads/t/runs", &look).await.json()["message"], "A cat.");
    let admin = &stage.acme.admin;
    stage
        .request(Method::PATCH, "/api/v1/models/own/big")
        .key(admin)
        .json(&json!({"capabilities": ["tools", "streaming"]}))
        .send()
        .await
        .ok();
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Hi"})).await.json();
    assert_eq!((&run["message"], warned(&run)), (&json!("Hello."), vec!["left_out"]), "{run}");
    let body = String::from_utf8_lossy(&stage.take_asked()[1].body).into_owned();
    assert!(body.contains("Here stood an image") && !body.contains("base64"), "{body}");
    // What the run itself is about is refused, and ends no other.
    let refused = post(&stage, "/threads/t/runs", &look).await.json();
    assert_eq!(
        (&refused["status"], &refused["error"]["code"]),
        (&json!("failed"), &json!("unsupported_capability"))
    );
    let run = post(&stage, "/threads/t/runs", &json!({"message": "And?"})).await.json();
    assert_eq!(run["message"], "Once more.", "{run}");
}

#[tokio::test]
async fn a_picture_of_before_that_every_provider_refuses_does_not_end_the_run() {
    let stage = Stage::new().await;
    let mut thread = picture("look", 100);
    thread["id"] = json!("t");
    assert_eq!(post(&stage, "/threads", &thread).await.status, 201);
    let refused = r#"{"error": {"message": "Failed to download image", "code": "invalid_image_url"}}"#;
    stage.then(Turn::Replies(Script::status(400, refused))).then(says("Hello."));
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Hi"})).await.json();
    assert_eq!((&run["message"], warned(&run)), (&json!("Hello."), vec!["left_out"]), "{run}");
    let asked = stage.take_asked();
    let pictures = |at: usize| String::from_utf8_lossy(&asked[at].body).matches("base64").count();
    assert_eq!((asked.len(), pictures(0), pictures(1)), (2, 1, 0));
    let mut ledger = stage.books("triage").await.ledger;
    ledger.sort_by_key(|row| row.cost);
    assert_eq!(ledger.len(), 2, "{ledger:?}");
    assert_eq!(ledger[0].verdict(), ("upstream_error", "reported", 0));
    assert_eq!(ledger[1].json["run_id"], run["id"]);

    // One of the run's own is its caller's to mend.
    stage.then(Turn::Replies(Script::status(400, refused)));
    let own = json!({"input": picture("mine", 100)["items"]});
    let run = post(&stage, "/threads/own/runs", &own).await.json();
    assert_eq!(run["error"]["code"], "upstream_rejected", "{run}");
}

#[tokio::test]
async fn a_picture_that_one_entry_refuses_is_shown_to_the_next() {
    let stage = Stage::new().await;
    stage.change("triage", &json!({"model": "own:big, other:small"})).await;
    let mut thread = picture("look", 100);
    thread["id"] = json!("t");
    assert_eq!(post(&stage, "/threads", &thread).await.status, 201);
    stage.then(Turn::Replies(Script::status(400, r#"{"error": {"message": "no"}}"#))).then(says("A cat."));
    let run = post(&stage, "/threads/t/runs", &json!({"message": "What is it?"})).await.json();
    assert_eq!((&run["message"], &run["warnings"]), (&json!("A cat."), &Value::Null), "{run}");
    let asked = stage.take_asked();
    assert!(asked.iter().all(|asked| String::from_utf8_lossy(&asked.body).contains("base64")));
}
