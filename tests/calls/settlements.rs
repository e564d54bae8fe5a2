//! Settlements that travel together, and ahead with the next admission.

use axum::http::Method;
use serde_json::json;

use crate::ask::Face;
use crate::provider::{answer, status};
use crate::stage::{BIG, Stage};
use crate::support::{When, is_workerd};

const COST: u64 = 40 * BIG.0 + 3 * BIG.1;

#[tokio::test]
async fn the_next_call_finds_the_place_and_the_money_that_the_last_one_gave_back() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        // One hold and a half: two at once do not fit.
        let budget = json!({"limit_usd": "0.003", "period": "total"});
        stage.agent("narrow", &json!({"max_concurrency": 1, "budget": budget})).await;
        for _ in 0..5 {
            stage.then(face.served((40, 3)));
            let reply = stage.ask(face, "narrow").send().await;
            assert_eq!(reply.status, 200, "{face:?}: {}", reply.text());
        }
        let books = stage.books("narrow").await;
        assert_eq!((books.ledger.len(), books.settled, books.held), (5, 5 * COST, 0));
    }
}

#[tokio::test]
async fn what_is_told_twice_counts_once_even_if_telling_fails() {
    for when in [When::Before, When::After] {
        for operation in ["admit", "settle"] {
            let stage = Stage::new().await;
            stage.then(answer("Hello", Some((40, 3))));
            stage.ask(Face::Chat, "triage").send().await.ok();
            stage.api.world.faults().plan(operation, 1, when);
            stage.then(answer("Hello", Some((40, 3))));
            stage.ask(Face::Chat, "triage").send().await.ok();
            let books = stage.books("triage").await;
            assert_eq!((books.ledger.len(), books.settled, books.held), (2, 2 * COST, 0));
            assert!(stage.api.world.faults().all_met());
        }
    }
}

#[tokio::test]
async fn calls_that_end_together_are_settled_in_few_hops_and_each_once() {
    let stage = Stage::new().await;
    stage.then(answer("Hello", Some((40, 3))));
    stage.ask(Face::Chat, "triage").send().await.ok();
    stage.api.world.settled().await;
    stage.api.world.faults().take_done();
    let mut calls = Vec::new();
    for n in 0..30 {
        stage.then(if n % 3 == 0 { status(500, "boom") } else { answer("Hello", Some((40, 3))) });
        let stage = stage.clone();
        calls.push(tokio::spawn(async move { stage.ask(Face::Chat, "triage").send().await.status }));
    }
    for call in calls {
        call.await.unwrap();
    }
    stage.api.world.settled().await;
    let done = stage.api.world.faults().take_done();
    let hops = |name: &str| done.iter().filter(|done| *done == name).count();
    // Over HTTP they come at once, and those that wait for an admission go together.
    assert!(hops("admit") == 30 || is_workerd() && hops("admit") < 30, "{} hops", hops("admit"));
    assert!(hops("settle") <= 15, "{} hops", hops("settle"));
    let books = stage.books("triage").await;
    assert_eq!((books.ledger.len(), books.settled, books.held), (31, 21 * COST, 0));
}

#[tokio::test]
async fn whoever_has_read_the_end_of_an_answer_finds_its_call_in_the_ledger() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        for nth in 1..=10 {
            stage.api.world.faults().plan("settle", nth, When::Before);
        }
        stage.then(face.served((40, 3)));
        let reply = stage.ask(face, "triage").send().await;
        let calls = stage.request(Method::GET, "/api/v1/agents/triage/calls").key(&stage.acme.member);
        let calls = calls.send().await.ok();
        assert_eq!(calls["data"][0]["id"], reply.header("x-call-id"), "{face:?}: {calls}");
        assert_eq!(calls["data"].as_array().unwrap().len(), 1);
    }
}
