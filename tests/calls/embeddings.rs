//! Texts made vectors by the agent's line for that: governed and billed like a call.

use axum::http::Method;
use serde_json::{Value, json};

use crate::ask::Ask;
use crate::provider::status;
use crate::stage::Stage;
use crate::support::{Script, Turn};

/// What a token of `own:vectors` costs in nano-dollars.
const COST: u64 = 1_000;

async fn stage() -> Stage {
    let stage = Stage::new().await;
    let capabilities =
        json!({"capabilities": ["embeddings"], "output_usd_per_mtok": "0", "max_output_tokens": 1});
    stage.model("own/vectors", &capabilities).await;
    stage.model("other/vectors", &capabilities).await;
    stage.agent("finder", &json!({"embeddings": "own:vectors, other:vectors"})).await;
    stage
}

fn embed<'a>(stage: &'a Stage, agent: &str, fields: &Value) -> Ask<'a> {
    let mut body = json!({"model": agent, "input": ["The sea", "The shore"]});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let path = format!("/accounts/acme/agents/{agent}/v1/embeddings");
    stage.request(Method::POST, &path).key(&stage.acme.caller).json(&body)
}

fn vectors(tokens: Option<u64>) -> Turn {
    let data = json!([{"index": 0, "embedding": [0.5, -1.0]}, {"index": 1, "embedding": [1.5, 2.0]}]);
    let mut reply = json!({"object": "list", "data": data});
    if let Some(tokens) = tokens {
        reply["usage"] = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    }
    Turn::Replies(Script::ok(reply.to_string()))
}

#[tokio::test]
async fn texts_become_vectors_and_are_billed() {
    let stage = stage().await;
    stage.then(vectors(Some(7)));
    let reply = embed(&stage, "finder", &json!({"dimensions": 2, "user": "ada", "odd": 1})).send().await;
    let answer = reply.ok();
    assert_eq!((&answer["object"], &answer["model"]), (&json!("list"), &json!("own:vectors")));
    assert_eq!(answer["data"][1], json!({"object": "embedding", "index": 1, "embedding": [1.5, 2.0]}));
    assert_eq!(answer["usage"]["prompt_tokens"], 7);
    assert_eq!((reply.header("x-model"), &answer["warnings"][0]["field"]), ("own:vectors", &json!("odd")));
    let asked = stage.take_asked().remove(0);
    assert_eq!(asked.to, "https://own.example.com/v1/embeddings");
    let sent: Value = serde_json::from_slice(&asked.body).unwrap();
    let all = json!({"model": "vectors", "input": ["The sea", "The shore"], "encoding_format": "float", "dimensions": 2, "user": "ada"});
    assert_eq!(sent, all);
    let books = stage.books("finder").await;
    let [row] = &books.ledger[..] else { panic!("{books:?}") };
    assert_eq!((row.status.as_str(), row.usage.as_str(), row.cost), ("ok", "reported", 7 * COST));
    assert!(row.held >= row.cost);
    assert_eq!((books.settled, books.held), (7 * COST, 0));
}

#[tokio::test]
async fn what_was_not_counted_is_billed_as_its_bound() {
    let stage = stage().await;
    stage.then(vectors(None));
    embed(&stage, "finder", &json!({})).send().await.ok();
    let books = stage.books("finder").await;
    assert_eq!((books.ledger[0].usage.as_str(), books.ledger[0].cost), ("estimated", books.ledger[0].held));
}

#[tokio::test]
async fn the_next_entry_answers_where_one_fails() {
    let stage = stage().await;
    stage.then(status(503, "down"));
    stage.then(vectors(Some(7)));
    let answer = embed(&stage, "finder", &json!({})).send().await.ok();
    assert_eq!(answer["model"], "other:vectors");
    assert_eq!(stage.books("finder").await.ledger[0].cost, 7 * COST);
}

#[tokio::test]
async fn a_model_is_named_by_the_agent_or_by_the_line() {
    let stage = stage().await;
    for (name, status) in [("finder", 200), ("other:vectors", 200), ("vectors", 200), ("own:big", 404)] {
        if status == 200 {
            stage.then(vectors(Some(1)));
        }
        let reply = embed(&stage, "finder", &json!({"model": name})).send().await;
        assert_eq!(reply.status, status, "{name}: {}", reply.text());
    }
    stage.then(vectors(Some(1)));
    let body = json!({"model": "finder", "input": ["a", "b"]});
    let whole = stage.request(Method::POST, "/accounts/acme/v1/embeddings").key(&stage.acme.caller);
    whole.json(&body).send().await.ok();
}

#[tokio::test]
async fn what_cannot_be_made_vectors_is_refused() {
    let stage = stage().await;
    let none = embed(&stage, "triage", &json!({})).send().await;
    none.assert_refusal(400, "model_not_supported");
    for (fields, param) in [
        (json!({"input": []}), "input"),
        (json!({"input": ["a", ""]}), "input[1]"),
        (json!({"dimensions": 0}), "dimensions"),
        (json!({"encoding_format": "int8"}), "encoding_format"),
    ] {
        let refused = embed(&stage, "finder", &fields).send().await;
        assert_eq!((refused.status.as_u16(), &refused.json()["error"]["param"]), (400, &json!(param)));
    }
    for header in ["idempotency-key", "x-thread"] {
        let refused = embed(&stage, "finder", &json!({})).header(header, "one").send().await;
        assert_eq!(refused.status, 400, "{}", refused.text());
    }
    // Two answers too few are none, and may have cost.
    stage.then(Turn::Replies(Script::ok(json!({"data": []}).to_string())));
    stage.then(status(500, "down"));
    assert_eq!(embed(&stage, "finder", &json!({})).send().await.status, 502);
    assert_eq!(stage.books("finder").await.held, 0);
    // A model that answers in words is none.
    stage.agent("wordy", &json!({"embeddings": "own:big"})).await;
    embed(&stage, "wordy", &json!({})).send().await.assert_refusal(422, "unsupported_capability");
}

#[tokio::test]
async fn a_budget_that_is_spent_makes_none() {
    let stage = stage().await;
    stage.set_budget("finder", &json!({"limit_usd": "0.00001", "period": "total", "action": "block"})).await;
    let refused = embed(&stage, "finder", &json!({})).send().await;
    refused.assert_refusal(402, "budget_exceeded");
    assert_eq!(stage.take_asked().len(), 0);
}

#[tokio::test]
async fn the_line_is_checked_with_the_agent() {
    let stage = stage().await;
    let agent =
        |line: &str| json!({"name": "X", "instructions": "x", "model": "own:big", "embeddings": line});
    let made = async |line: &str| {
        let post = stage.api.post("/api/v1/agents").key(&stage.acme.admin).json(&agent(line));
        post.send().await
    };
    let refused = made("?").await;
    assert_eq!(refused.status, 400, "{refused:?}");
    assert_eq!(refused.json()["errors"][0]["field"], "embeddings", "{refused:?}");
    let found = made("other/vectors").await;
    assert_eq!((found.status.as_u16(), &found.json()["embeddings"]), (201, &json!("other:vectors")));
    let gone = stage.api.delete("/api/v1/models/other/vectors").key(&stage.acme.admin).send().await;
    assert_eq!(gone.status, 409, "agents name it: {gone:?}");
}
