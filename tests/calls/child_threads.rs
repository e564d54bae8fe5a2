//! The threads of runs that a run has begun: kept as long as the one above, and gone with it.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};

use crate::ask::{Ask, Face};
use crate::children::asks;
use crate::stage::Stage;
use crate::threads::says;

/// The run of `expert` in its ledger.
async fn child(stage: &Stage) -> String {
    let books = stage.books("expert").await;
    books.ledger[0].json["run_id"].as_str().unwrap().to_owned()
}

async fn status(stage: &Stage, run: &str) -> u16 {
    let path = format!("/accounts/acme/agents/expert/runs/{run}");
    stage.request(Method::GET, &path).key(&stage.acme.caller).send().await.status.as_u16()
}

/// Waits until the child's run is gone.
pub async fn until_gone(stage: &Stage, run: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while status(stage, run).await != 404 {
        assert!(Instant::now() < deadline, "{run} is still there");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn listed(stage: &Stage) -> Value {
    let list = stage.request(Method::GET, "/api/v1/runs").key(&stage.acme.member).send().await.ok();
    list["data"].clone()
}

#[tokio::test]
async fn what_a_call_that_is_not_stored_says_to_another_agent_is_not_stored_either() {
    let stage = crate::children::stage().await;
    stage.then(asks("A secret")).then(says("It is legal.")).then(says("Yes."));
    let mut body = Face::Chat.body("triage");
    body["store"] = json!(false);
    let reply = Ask::call(&stage, Face::Chat, "triage").json(&body).send().await;
    assert_eq!(reply.json()["message"], "Yes.", "{}", reply.text());
    until_gone(&stage, &child(&stage).await).await;
    assert_eq!(listed(&stage).await, json!([]));
}

#[tokio::test]
async fn what_a_call_without_a_thread_says_to_another_agent_is_in_no_list() {
    let stage = crate::children::stage().await;
    stage.then(asks("A secret")).then(says("It is legal.")).then(says("Yes."));
    let reply = Ask::call(&stage, Face::Chat, "triage").json(&Face::Chat.body("triage")).send().await;
    assert_eq!(reply.json()["message"], "Yes.", "{}", reply.text());
    assert_eq!(status(&stage, &child(&stage).await).await, 200);
    assert_eq!(listed(&stage).await, json!([]));
}

#[tokio::test]
async fn a_deleted_thread_takes_the_threads_of_its_children_with_it() {
    let stage = crate::children::stage().await;
    stage.then(asks("A secret")).then(says("It is legal.")).then(says("Yes."));
    let path = "/accounts/acme/agents/triage/threads/t";
    let run = stage.request(Method::POST, &format!("{path}/runs")).key(&stage.acme.caller);
    let run = run.json(&json!({"message": "May I?"})).send().await.json();
    assert_eq!(run["message"], "Yes.", "{run}");
    let child = child(&stage).await;
    assert_eq!(status(&stage, &child).await, 200);
    stage.request(Method::DELETE, path).key(&stage.acme.caller).send().await;
    until_gone(&stage, &child).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while stage.books("expert").await.ledger[0].json["run_id"] != Value::Null {
        assert!(Instant::now() < deadline, "the ledger of the child's agent names its run");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
