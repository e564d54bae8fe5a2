//! Which version of its agent a thread's runs have.

use axum::http::Method;
use serde_json::{Value, json};

use crate::ask::Reply;
use crate::provider::hello;
use crate::stage::Stage;
use crate::threads::{ask, get, post, until};

/// Makes the agent's next version.
async fn save(stage: &Stage, change: &Value) -> Value {
    let path = "/api/v1/agents/triage";
    stage.api.request(Method::PATCH, path).key(&stage.acme.admin).json(change).send().await.ok()
}

async fn change(stage: &Stage, thread: &str, change: &Value) -> Reply {
    ask(stage, Method::PATCH, &format!("/threads/{thread}")).json(change).send().await
}

/// Runs once on a thread: the run's version, and the instructions that the model was sent.
async fn run(stage: &Stage, thread: &str) -> (u64, String) {
    stage.then(hello((10, 5)));
    let run = post(stage, &format!("/threads/{thread}/runs"), &json!({"message": "Hi"})).await;
    assert_eq!(run.status, 201, "{}", run.text());
    let body: Value = serde_json::from_slice(&stage.take_asked()[0].body).unwrap();
    let instructions = body["messages"][0]["content"].as_str().unwrap().to_owned();
    (run.json()["agent_version"].as_u64().unwrap(), instructions)
}

async fn pinned_at(stage: &Stage, thread: &str) -> Value {
    get(stage, &format!("/threads/{thread}")).await["agent_version"].clone()
}

#[tokio::test]
async fn each_run_has_the_version_in_force_unless_the_agent_says_otherwise() {
    let stage = Stage::new().await;
    let (first, _) = run(&stage, "t").await;
    assert_eq!(pinned_at(&stage, "t").await, Value::Null);
    save(&stage, &json!({"instructions": "Second."})).await;
    assert_eq!(run(&stage, "t").await, (first + 1, "Second.".to_owned()));
}

#[tokio::test]
async fn a_thread_stays_at_the_version_it_began_with_until_it_is_moved() {
    let stage = Stage::new().await;
    let first = save(
        &stage,
        &json!({"instructions": "First.", "upgrade": "new_threads", "run": {"max_usd": "0.50"}}),
    )
    .await;
    let first = first["version"].as_u64().unwrap();
    assert_eq!(run(&stage, "old").await, (first, "First.".to_owned()));
    assert_eq!(pinned_at(&stage, "old").await, first);
    let made = post(&stage, "/threads", &json!({"id": "made"})).await;
    assert_eq!((made.status.as_u16(), &made.json()["agent_version"]), (201, &json!(first)));

    // Also its limits: under the second version's, no call could be made.
    save(&stage, &json!({"instructions": "Second.", "run": {"max_usd": "0.000000001"}})).await;
    for thread in ["old", "made"] {
        assert_eq!(run(&stage, thread).await, (first, "First.".to_owned()), "{thread}");
    }
    save(&stage, &json!({"instructions": "Third.", "run": null})).await;
    assert_eq!(run(&stage, "new").await, (first + 2, "Third.".to_owned()));

    let moved = change(&stage, "old", &json!({"version": "latest", "title": "Moved"})).await.ok();
    assert_eq!((&moved["agent_version"], &moved["title"]), (&json!(first + 2), &json!("Moved")));
    assert_eq!(run(&stage, "old").await, (first + 2, "Third.".to_owned()));
    let back = change(&stage, "old", &json!({"version": first})).await.ok();
    assert_eq!(back["agent_version"], first);
    assert_eq!(run(&stage, "old").await, (first, "First.".to_owned()));

    // A member moves it as well.
    let path = "/api/v1/threads/old";
    let member = stage.api.request(Method::PATCH, path).key(&stage.acme.admin);
    let moved = member.json(&json!({"version": "latest"})).send().await.ok();
    assert_eq!(moved["agent_version"], first + 2);

    // What follows from then on is the newest version's policy.
    save(&stage, &json!({"instructions": "Fourth.", "upgrade": null})).await;
    assert_eq!(run(&stage, "old").await.0, first + 2);
    assert_eq!(change(&stage, "old", &json!({"version": "latest"})).await.ok()["agent_version"], Value::Null);
    save(&stage, &json!({"instructions": "Fifth."})).await;
    assert_eq!(run(&stage, "old").await, (first + 4, "Fifth.".to_owned()));
}

#[tokio::test]
async fn a_streamed_run_and_a_call_on_a_thread_have_its_version_too() {
    let stage = Stage::new().await;
    let first =
        save(&stage, &json!({"instructions": "First.", "upgrade": "new_threads"})).await["version"].clone();
    run(&stage, "t").await;
    save(&stage, &json!({"instructions": "Second."})).await;
    stage.then(hello((10, 5))).then(hello((10, 5)));
    let streamed = post(&stage, "/threads/t/runs", &json!({"message": "Hi", "stream": true})).await;
    assert!(streamed.text().contains(&format!("\"agent_version\":{first}")), "{}", streamed.text());
    let called =
        ask(&stage, Method::POST, "/chat").json(&json!({"message": "Hi", "thread": "t"})).send().await;
    let run = until(&stage, called.header("x-run"), "completed").await;
    assert_eq!(run["agent_version"], first);
}

#[tokio::test]
async fn a_thread_is_moved_to_versions_that_there_are() {
    let stage = Stage::new().await;
    run(&stage, "t").await;
    for wrong in
        [json!("newest"), json!(0), json!(99), json!(-1), json!(1.5), json!(null), json!(5_000_000_000_u64)]
    {
        let refused = change(&stage, "t", &json!({"version": wrong})).await;
        refused.assert_refusal(400, "validation_failed");
        assert!(refused.text().contains("\"version\""), "{}", refused.text());
    }
    change(&stage, "nowhere", &json!({"version": "latest"})).await.assert_refusal(404, "not_found");
    assert_eq!(pinned_at(&stage, "t").await, Value::Null);
}
