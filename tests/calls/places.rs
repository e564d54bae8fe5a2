//! Runs that wait until their agent or account may call again: they wait, and none of them fails of it.

use std::collections::BTreeSet;

use axum::http::Method;
use retinue::domain::thread::id::RunId;
use retinue::ports::{ThreadOf, World};
use serde_json::json;

use crate::stage::Stage;
use crate::support::native_only;
use crate::threads::{ask, get, says};

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
    let mut waited = 0;
    loop {
        stage.api.world.settled().await;
        let mut open = 0;
        for run in &runs {
            let view = get(&stage, &format!("/runs/{run}")).await;
            match view["status"].as_str() {
                Some("completed") => {}
                Some("waiting") => {
                    open += 1;
                    assert_eq!(view["waiting_on"][0]["kind"], "time", "{view}");
                }
                _ => panic!("{view}"),
            }
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
