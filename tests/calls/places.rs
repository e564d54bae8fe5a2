//! Runs that wait until their agent or account may call again: they wait, and none of them fails of it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use axum::http::Method;
use retinue::domain::thread::id::RunId;
use retinue::ports::{ThreadOf, World};
use serde_json::json;

use crate::ask::Face;
use crate::stage::Stage;
use crate::support::{Turn, native_only};
use crate::threads::{ask, get, post, says, until};

const RUNS: usize = 20;

#[tokio::test]
async fn a_burst_of_runs_beyond_the_plan_s_calls_a_minute_is_completed_in_time() {
    native_only!("the clock is the test's");
    let stage = Stage::new().await;
    stage.limit("calls_per_minute = 3");
    let begun = stage.api.world.clock().now();
    let mut runs = Vec::new();
    for nth in 0..RUNS {
        stage.then(says("Hello"));
        let body = json!({"message": "Hi", "background": true});
        let run =
            ask(&stage, Method::POST, &format!("/threads/t-{nth}/runs")).json(&body).send().await.json();
        runs.push(RunId::parse(run["id"].as_str().unwrap()).unwrap());
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut waited = 0;
    loop {
        stage.api.world.settled().await;
        let (mut open, mut is_at_work) = (0, false);
        for run in &runs {
            let view = get(&stage, &format!("/runs/{run}")).await;
            match view["status"].as_str() {
                Some("completed") => {}
                Some("waiting") => {
                    open += 1;
                    assert_eq!(view["waiting_on"][0]["kind"], "time", "{view}");
                }
                Some("in_progress") => is_at_work = true,
                _ => panic!("{view}"),
            }
        }
        if is_at_work {
            assert!(Instant::now() < deadline, "a run is at work for ever");
            tokio::time::sleep(Duration::from_millis(2)).await;
            continue;
        }
        if open == 0 {
            break;
        }
        waited = waited.max(open);
        stage.api.world.clock().advance(5_000);
        for run in &runs {
            stage.api.world.threads().alarm(ThreadOf { account: stage.acme.id, thread: run.thread });
        }
    }
    assert!(waited > RUNS / 2, "{waited}");
    let took = stage.api.world.clock().now().since(begun);
    assert!((360_000..900_000).contains(&took), "{took} ms");
    let ledger = stage.books("triage").await.ledger;
    let named: BTreeSet<&str> = ledger.iter().filter_map(|row| row.json["run_id"].as_str()).collect();
    assert_eq!((ledger.len(), named.len()), (RUNS, RUNS), "each is called once");
}

#[tokio::test]
async fn a_run_waits_for_money_that_others_only_hold() {
    let stage = Stage::new().await;
    // The first takes all there is.
    let budget = |limit: &str| json!({"budget": {"limit_usd": limit, "period": "total"}});
    stage.change("triage", &budget("0.0015")).await;
    stage.then(Turn::Hangs);
    let hanging = stage.clone();
    let other = tokio::spawn(async move { hanging.ask(Face::Chat, "triage").open().await.status() });
    stage.until_asked(1).await;
    let body = json!({"message": "Hi", "background": true});
    let run = post(&stage, "/threads/t/runs", &body).await.json();
    let id = run["id"].as_str().unwrap();
    let waiting = until(&stage, id, "waiting").await;
    assert_eq!(waiting["waiting_on"][0]["kind"], "time", "{waiting}");
    stage.change("triage", &budget("1")).await;
    stage.then(says("Hello"));
    post(&stage, &format!("/runs/{id}/resume"), &json!({})).await.ok();
    until(&stage, id, "completed").await;
    other.abort();
    // What is spent comes from nobody.
    stage.change("triage", &budget("0.000001")).await;
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Hi"})).await.json();
    assert_eq!((&run["status"], &run["reason"]), (&json!("incomplete"), &json!("budget_exceeded")), "{run}");
}
