//! What a run's calls cost reaches the ledger, whatever dies, and forgets the run with its thread.

use std::time::{Duration, Instant};

use axum::http::Method;
use retinue::domain::thread::id::RunId;
use retinue::ports::{ThreadOf, World};
use serde_json::json;

use crate::stage::{Row, Stage};
use crate::support::{When, native_only};
use crate::threads::{ask, calls, post, says};

/// The runs that the ledger names.
fn runs(ledger: &[Row]) -> Vec<&str> {
    ledger.iter().filter_map(|row| row.json["run_id"].as_str()).collect()
}

#[tokio::test]
async fn a_settlement_that_dies_with_its_isolate_is_delivered_by_the_thread() {
    native_only!("the thread's object dies at a certain moment");
    let stage = Stage::new().await;
    stage.api.world.faults().plan("settle", 1, When::Before);
    stage.then(says("Hello"));
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Hi"})).await.json();
    assert_eq!(run["cost_usd"], "0.000020", "{run}");
    let thread = RunId::parse(run["id"].as_str().unwrap()).unwrap().thread;
    let thread = ThreadOf { account: stage.acme.id, thread };
    stage.api.world.threads().crash(thread);
    let books = stage.books("triage").await;
    assert!(books.held > 0 && books.ledger.is_empty(), "{books:?}");
    stage.log();
    stage.api.world.clock().advance(30_000);
    stage.api.world.threads().alarm(thread);
    let books = stage.books("triage").await;
    assert_eq!((books.held, runs(&books.ledger)), (0, vec![run["id"].as_str().unwrap()]), "{books:?}");
    assert_eq!(books.ledger[0].verdict(), ("ok", "reported", 20_000));
}

#[tokio::test]
async fn a_settlement_that_comes_after_its_hold_has_expired_puts_the_charge_right() {
    native_only!("the clock is the test's");
    let stage = Stage::new().await;
    stage.api.world.faults().plan("settle", 1, When::Before);
    stage.then(says("Hello"));
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Hi"})).await.json();
    let thread = RunId::parse(run["id"].as_str().unwrap()).unwrap().thread;
    let thread = ThreadOf { account: stage.acme.id, thread };
    stage.api.world.threads().crash(thread);
    stage.api.world.settled().await;
    stage.api.world.clock().advance(60 * 60_000);
    stage.api.world.objects().alarm(stage.acme.id);
    assert_eq!(stage.bill("triage").await.status, "expired");
    stage.api.world.threads().alarm(thread);
    let row = stage.bill("triage").await;
    assert_eq!((row.verdict(), &row.json["run_id"]), (("ok", "reported", 20_000), &run["id"]));
}

#[tokio::test]
async fn the_next_step_of_a_run_finds_the_place_that_the_last_has_given_back() {
    let stage = Stage::new().await;
    stage.change("triage", &json!({"max_concurrency": 1, "tools": ["current_time"]})).await;
    stage.then(calls("current_time", &json!({})));
    stage.then(says("Noon"));
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Time?"})).await.json();
    assert_eq!((&run["status"], &run["message"]), (&json!("completed"), &json!("Noon")), "{run}");
    assert_eq!(stage.books("triage").await.ledger.len(), 2);
}

#[tokio::test]
async fn rows_of_a_deleted_thread_keep_their_money_and_lose_their_run() {
    let stage = Stage::new().await;
    let mut kept = String::new();
    for thread in ["gone", "stays", "gone"] {
        stage.then(says("Hello"));
        let run = post(&stage, &format!("/threads/{thread}/runs"), &json!({"message": "Hi"})).await.json();
        if thread == "stays" {
            kept = run["id"].as_str().unwrap().to_owned();
        }
    }
    let before = stage.books("triage").await;
    assert_eq!(runs(&before.ledger).len(), 3, "{before:?}");
    ask(&stage, Method::DELETE, "/threads/gone").send().await;
    let deadline = Instant::now() + Duration::from_secs(10);
    let after = loop {
        let books = stage.books("triage").await;
        if runs(&books.ledger) == [&kept] {
            break books;
        }
        assert!(Instant::now() < deadline, "{books:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!((after.settled, after.ledger.len()), (before.settled, 3));
    // One of the same name is another, and counts its runs on.
    stage.then(says("Hello"));
    let run = post(&stage, "/threads/gone/runs", &json!({"message": "Hi"})).await.json();
    assert!(runs(&stage.books("triage").await.ledger).contains(&run["id"].as_str().unwrap()));
}
