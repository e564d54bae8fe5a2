//! A model that hangs while its run ends: soon it is not heard any more, and what it held is free.

use std::time::{Duration, Instant};

use axum::http::Method;
use retinue::domain::thread::id::RunId;
use retinue::ports::{ThreadOf, World};
use serde_json::json;

use crate::ask::Face;
use crate::provider::answer;
use crate::stage::Stage;
use crate::support::{Turn, native_only};
use crate::threads::{ask, post};

/// An agent that may be called once at a time, and whose run is at work with a model that hangs.
async fn hanging() -> (Stage, String) {
    let stage = Stage::new().await;
    stage.change("triage", &json!({"max_concurrency": 1, "run": {"max_minutes": 1}})).await;
    stage.then(Turn::Hangs);
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Hi", "background": true})).await.json();
    stage.until_asked(1).await;
    (stage, run["id"].as_str().unwrap().to_owned())
}

/// The connection ends, the hold is charged, and the agent's one place is free.
async fn assert_lets_go(stage: &Stage, run: Option<&str>) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while stage.upstream().left() == 0 {
        assert!(Instant::now() < deadline, "the model is still heard");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let row = stage.bill("triage").await;
    assert_eq!(row.verdict(), ("upstream_error", "missing", row.held));
    assert_eq!(row.json["run_id"].as_str(), run);
    stage.then(answer("Hello", Some((10, 5))));
    stage.ask(Face::Chat, "triage").send().await.ok();
}

#[tokio::test]
async fn a_model_that_hangs_is_let_go_soon_after_its_run_was_cancelled() {
    let (stage, run) = hanging().await;
    post(&stage, &format!("/runs/{run}/cancel"), &json!({})).await.ok();
    assert_lets_go(&stage, Some(&run)).await;
}

#[tokio::test]
async fn a_model_that_hangs_is_let_go_soon_after_its_thread_was_deleted() {
    let (stage, _) = hanging().await;
    assert_eq!(ask(&stage, Method::DELETE, "/threads/t").send().await.status, 204);
    assert_lets_go(&stage, None).await;
}

#[tokio::test]
async fn a_model_that_hangs_is_let_go_soon_after_the_time_of_its_run_is_up() {
    native_only!("the clock is the test's");
    let (stage, run) = hanging().await;
    stage.api.world.clock().advance(120_000);
    let thread = RunId::parse(&run).unwrap().thread;
    stage.api.world.threads().alarm(ThreadOf { account: stage.acme.id, thread });
    assert_lets_go(&stage, Some(&run)).await;
}
