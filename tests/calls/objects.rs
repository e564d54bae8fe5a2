//! An account's object that fails, dies, or forgets: every call is charged once.

use retinue::domain::admission::ask::Epoch;
use retinue::domain::admission::command::{Admission, Admit};
use retinue::ports::Accounts;
use serde_json::json;

use crate::ask::Face;
use crate::provider::{answer, status, timeout};
use crate::stage::{BIG, Stage};
use crate::support::{Turn, When, is_workerd, native_only};

const SIDES: [When; 2] = [When::Before, When::After];
const COST: u64 = 40 * BIG.0 + 3 * BIG.1;

#[tokio::test]
async fn an_admission_that_fails_is_asked_again_and_holds_once() {
    for face in Face::ALL {
        for when in SIDES {
            let stage = Stage::new().await;
            stage.api.world.faults().plan("admit", 1, when);
            stage.then(face.served((40, 3)));
            assert_eq!(stage.ask(face, "triage").send().await.status, 200);
            assert!(stage.api.world.faults().all_met());
            assert_eq!(stage.take_asked().len(), 1);
            assert_eq!(stage.bill("triage").await.verdict(), ("ok", "reported", COST));
        }
    }
}

#[tokio::test]
async fn an_object_that_stays_away_is_503_and_no_provider_is_asked() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        for nth in 1..=4 {
            stage.api.world.faults().plan("admit", nth, When::Before);
        }
        let reply = stage.ask(face, "triage").send().await;
        reply.assert_refusal(503, "unavailable");
        assert_eq!(reply.header("retry-after"), "1");
        assert!(stage.api.world.faults().all_met());
        stage.assert_untouched("triage").await;
    }
}

#[tokio::test]
async fn a_hold_whose_answer_never_came_expires_and_is_charged() {
    let stage = Stage::new().await;
    for nth in 1..=4 {
        stage.api.world.faults().plan("admit", nth, When::After);
    }
    stage.ask(Face::Chat, "triage").send().await.assert_refusal(503, "unavailable");
    let held = stage.books("triage").await.held;
    assert!(held > 0, "nobody can tell whether anyone was told");
    assert!(stage.take_asked().is_empty());
    stage.api.world.clock().advance(20 * 60_000);
    stage.api.world.objects().alarm(stage.acme.id);
    assert_eq!(stage.bill("triage").await.verdict(), ("expired", "missing", held));
}

#[tokio::test]
async fn a_settlement_is_tried_until_it_is_written_and_counts_once() {
    for face in Face::ALL {
        for when in SIDES {
            // Its pauses double; over HTTP they are real.
            for failures in 1..=if is_workerd() { 3 } else { 9 } {
                let stage = Stage::new().await;
                for nth in 1..=failures {
                    stage.api.world.faults().plan("settle", nth, when);
                }
                stage.then(face.served((40, 3)));
                assert_eq!(stage.ask(face, "triage").send().await.status, 200);
                assert_eq!(stage.bill("triage").await.verdict(), ("ok", "reported", COST));
                stage.api.world.faults().until_all_met().await;
            }
        }
    }
}

#[tokio::test]
async fn a_settlement_that_never_arrives_is_charged_when_its_hold_expires() {
    native_only!("the isolate gives up after 26 seconds, which pass at once only here");
    let stage = Stage::new().await;
    for nth in 1..=10 {
        stage.api.world.faults().plan("settle", nth, When::Before);
    }
    stage.then(answer("Hello", Some((40, 3))));
    stage.ask(Face::Chat, "triage").send().await.ok();
    let books = stage.books("triage").await;
    assert!(books.held > COST && books.ledger.is_empty());
    assert!(stage.log().contains("were not settled"));
    stage.api.world.clock().advance(20 * 60_000);
    stage.api.world.objects().alarm(stage.acme.id);
    assert_eq!(stage.bill("triage").await.verdict(), ("expired", "missing", books.held));
}

#[tokio::test]
async fn an_object_that_dies_between_admission_and_settlement_forgets_nothing() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        let (objects, account) = (stage.api.world.objects().clone(), stage.acme.id);
        stage.api.world.faults().meddle("settle", move || objects.crash(account));
        stage.then(face.served((40, 3)));
        assert_eq!(stage.ask(face, "triage").send().await.status, 200);
        let books = stage.books("triage").await;
        assert_eq!((books.ledger.len(), books.ledger[0].verdict()), (1, ("ok", "reported", COST)));
        // What was set aside for admissions that the dead object might have made.
        let orphan = books.held;
        stage.api.world.clock().advance(20 * 60_000);
        stage.api.world.objects().alarm(stage.acme.id);
        let books = stage.books("triage").await;
        assert_eq!((books.settled, books.held), (COST + orphan, 0));
        let charged: Vec<&str> = books.ledger.iter().map(|row| row.status.as_str()).collect();
        assert_eq!(charged, ["unattributed", "ok"]);
    }
}

#[tokio::test]
async fn a_quiet_object_that_dies_costs_nothing() {
    let stage = Stage::new().await;
    stage.then(answer("Hello", Some((40, 3))));
    stage.ask(Face::Chat, "triage").send().await.ok();
    stage.api.world.settled().await;
    stage.api.world.clock().advance(1_000);
    // Any write gives an idle agent's slice back; a change of the account is one.
    stage.api.world.objects().advance(stage.acme.id);
    stage.api.world.objects().crash(stage.acme.id);
    assert_eq!(stage.bill("triage").await.verdict(), ("ok", "reported", COST));
}

#[tokio::test]
async fn a_late_settlement_puts_an_expired_charge_right() {
    let stage = Stage::new().await;
    stage.then(answer("Hello", Some((40, 3))));
    let world = stage.api.world.clone();
    let account = stage.acme.id;
    // The provider takes longer than the hold lives.
    world.faults().meddle("settle", {
        let world = world.clone();
        move || {
            world.clock().advance(20 * 60_000);
            world.objects().alarm(account);
        }
    });
    stage.ask(Face::Chat, "triage").send().await.ok();
    assert_eq!(stage.bill("triage").await.verdict(), ("ok", "reported", COST));
}

#[tokio::test]
async fn a_second_attempt_of_a_lapsed_call_is_not_made() {
    let stage = Stage::new().await;
    stage.agent("two", &json!({"model": "own:big, other:small"})).await;
    stage.then(timeout());
    let world = stage.api.world.clone();
    let account = stage.acme.id;
    let mut admissions = 0;
    world.faults().meddle("admit", {
        let world = world.clone();
        move || {
            admissions += 1;
            if admissions == 2 {
                world.clock().advance(30 * 60_000);
                world.objects().alarm(account);
            }
        }
    });
    stage.ask(Face::Chat, "two").send().await.assert_refusal(504, "upstream_timeout");
    assert_eq!(stage.take_asked().len(), 1);
    let bill = stage.bill("two").await;
    assert_eq!(bill.cost, bill.held);
}

#[tokio::test]
async fn a_second_attempt_that_cannot_be_admitted_ends_the_call_and_settles_it() {
    for when in SIDES {
        let stage = Stage::new().await;
        stage.agent("two", &json!({"model": "own:big, other:small"})).await;
        stage.then(timeout());
        for nth in 2..=5 {
            stage.api.world.faults().plan("admit", nth, when);
        }
        let reply = stage.ask(Face::Chat, "two").send().await;
        assert!(matches!(reply.status.as_u16(), 503 | 504), "{reply:?}");
        assert!(stage.api.world.faults().all_met());
        assert_eq!(stage.take_asked().len(), 1);
        let bill = stage.bill("two").await;
        assert_eq!((bill.status.as_str(), bill.usage.as_str()), ("upstream_error", "missing"));
        assert!(bill.cost > 0);
    }
}

#[tokio::test]
async fn a_directory_that_does_not_answer_is_503_and_the_next_call_is_served() {
    for face in Face::ALL {
        for nth in 1..=4 {
            let stage = Stage::new().await;
            stage.api.world.faults().plan("*", nth, When::Before);
            stage.then(face.served((40, 3)));
            let reply = stage.ask(face, "triage").send().await;
            assert!(stage.api.world.faults().all_met(), "{face:?} {nth}");
            if reply.status != 200 {
                reply.assert_refusal(503, "unavailable");
                assert!(stage.log().contains("lost before"));
                assert_eq!(stage.ask(face, "triage").send().await.status, 200);
            }
            assert_eq!(stage.bill("triage").await.verdict(), ("ok", "reported", COST));
        }
    }
}

#[tokio::test]
async fn an_abandoned_call_frees_its_place_even_if_settling_fails_first() {
    let stage = Stage::new().await;
    stage.agent("narrow", &json!({"max_concurrency": 1})).await;
    stage.api.world.faults().plan("settle", 1, When::After);
    stage.api.world.faults().plan("settle", 2, When::Before);
    stage.then(Turn::Hangs);
    stage.leave(Face::Stream, "narrow").await;
    let bill = stage.bill("narrow").await;
    assert_eq!((bill.usage.as_str(), bill.cost), ("missing", bill.held));
    stage.then(answer("Hello", Some((40, 3))));
    stage.ask(Face::Chat, "narrow").send().await.ok();
}

#[tokio::test]
async fn a_failed_call_is_settled_however_often_that_fails() {
    for when in SIDES {
        let stage = Stage::new().await;
        for nth in 1..=3 {
            stage.api.world.faults().plan("settle", nth, when);
        }
        stage.then(status(500, "boom"));
        stage.ask(Face::Chat, "triage").send().await.assert_refusal(502, "upstream_error");
        assert_eq!(stage.bill("triage").await.verdict(), ("upstream_error", "reported", 0));
    }
}

#[tokio::test]
async fn one_who_asks_with_an_old_number_is_told_the_new_one() {
    let stage = Stage::new().await;
    let accounts = stage.api.world.objects();
    let epoch = accounts.ask(stage.acme.id, Epoch).await.unwrap();
    let agent = stage.api.get("/api/v1/agents/triage").key(&stage.acme.member).send().await.ok();
    let ask = Admit {
        call: retinue::domain::ids::CallId::new(stage.api.world.clock().now(), [1; 10]),
        agent: retinue::domain::ids::AgentId::parse(agent["id"].as_str().unwrap()).unwrap(),
        key: None,
        version: 1,
        model: "own:big".to_owned(),
        epoch: epoch - 1,
        want: retinue::domain::money::Nanos::new(1),
        floor: retinue::domain::money::Nanos::new(1),
        again: false,
        charged: retinue::domain::money::Nanos::ZERO,
        budget: None,
        max_concurrency: None,
        limits: retinue::domain::plan::CallLimits::default(),
        ttl_ms: 1_000,
        ended: vec![],
    };
    let answer = accounts.ask(stage.acme.id, ask).await.unwrap();
    assert_eq!(answer, Admission::Stale { epoch });
    stage.assert_untouched("triage").await;
}
