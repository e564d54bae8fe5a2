//! The sweep of the accounts' objects.

use std::time::{Duration, Instant};

use retinue::domain::thread::id::RunId;
use retinue::ports::{ThreadOf, World};
use retinue::service::sweep::AT_ONCE;
use serde_json::{Value, json};

use crate::ask::Face;
use crate::stage::Stage;
use crate::support::{Turn, When, native_only};
use crate::threads::{calls, post, says};

/// A call whose answer never came, so that nobody settles it; what it holds.
async fn leave_a_hold(stage: &Stage) -> u64 {
    for nth in 1..=4 {
        stage.api.world.faults().plan("admit", nth, When::After);
    }
    let path = format!("/accounts/{}/agents/triage/chat", stage.acme.slug);
    stage.ask(Face::Chat, "triage").path(&path).send().await.assert_refusal(503, "unavailable");
    stage.books("triage").await.held
}

#[tokio::test]
async fn a_hold_whose_alarm_is_lost_is_charged_by_the_next_sweep() {
    let stage = Stage::new().await;
    let held = leave_a_hold(&stage).await;
    stage.api.world.objects().lose_alarm(stage.acme.id);
    stage.api.world.clock().advance(20 * 60_000);
    stage.api.world.objects().alarm(stage.acme.id);
    let count = "SELECT count(*) FROM calls WHERE status = 'expired'";
    let expired = || stage.api.world.objects().number(stage.acme.id, count);
    assert_eq!(expired(), 0, "no alarm rings");
    stage.api.world.sweep().await;
    assert_eq!(expired(), 1);
    assert_eq!(stage.bill("triage").await.verdict(), ("expired", "missing", held));
}

#[tokio::test]
async fn accounts_are_visited_in_turn_and_none_is_left_out() {
    let stage = Stage::new().await;
    let more = i64::from(AT_ONCE) + 100;
    stage.api.world.database().with(|db| {
        let insert = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
            INSERT INTO accounts (id, slug, name, plan, status, created_at, updated_at)
            SELECT printf('0199f000-0000-7000-8000-%012x', i), 'more-' || i, 'More', 'standard', 'active', 0, 0 FROM n";
        assert_eq!(db.execute(insert, [more]).unwrap(), usize::try_from(more).unwrap());
    });
    let faults = stage.api.world.faults();
    let continues_after = || {
        let after = "SELECT COALESCE(after, 'the first') FROM sweep";
        stage.api.world.database().with(|db| db.query_row(after, [], |row| row.get::<_, String>(0)).unwrap())
    };
    let mut visited = Vec::new();
    for _ in 0..3 {
        faults.take_done();
        stage.api.world.sweep().await;
        let count = faults.take_done().iter().filter(|done| *done == "wake").count();
        visited.push((count, continues_after()));
    }
    let last = format!("0199f000-0000-7000-8000-{AT_ONCE:012x}");
    assert_eq!(visited, [(400, last.clone()), (101, "the first".to_owned()), (400, last)]);
}

#[tokio::test]
async fn an_object_that_does_not_answer_keeps_no_other_from_its_turn() {
    let stage = Stage::new().await;
    let other = stage.neighbour("other").await;
    for stage in [&stage, &other] {
        assert!(leave_a_hold(stage).await > 0);
        stage.api.world.objects().lose_alarm(stage.acme.id);
    }
    stage.api.world.clock().advance(20 * 60_000);
    let expired = |stage: &Stage| {
        let count = "SELECT count(*) FROM calls WHERE status = 'expired'";
        stage.api.world.objects().number(stage.acme.id, count)
    };
    stage.api.world.faults().plan("wake", 1, When::Before);
    stage.api.world.sweep().await;
    assert_eq!(expired(&stage) + expired(&other), 1, "one of the two was not reached");
    assert!(stage.log().contains("1 of 2 objects were not woken"), "{}", stage.log());
    stage.api.world.sweep().await;
    assert_eq!((expired(&stage), expired(&other)), (1, 1));
}

#[tokio::test]
async fn a_directory_that_is_away_is_asked_again_by_the_next_firing() {
    let stage = Stage::new().await;
    let held = leave_a_hold(&stage).await;
    stage.api.world.objects().lose_alarm(stage.acme.id);
    stage.api.world.clock().advance(20 * 60_000);
    for operation in ["NEXT_SWEPT", "SWEPT"] {
        for when in [When::Before, When::After] {
            stage.api.world.faults().plan(operation, 1, when);
            stage.api.world.sweep().await;
            assert!(stage.api.world.faults().all_met(), "{operation}");
        }
    }
    assert!(stage.log().contains("no sweep"), "{}", stage.log());
    stage.api.world.sweep().await;
    assert_eq!(stage.bill("triage").await.verdict(), ("expired", "missing", held));
}

/// Waits until the list, which wakes no thread, shows the account's only run with this status.
async fn until_listed(stage: &Stage, status: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let list = stage.api.get("/api/v1/runs").key(&stage.acme.admin).send().await.ok();
        if list["data"][0]["status"] == status {
            return list["data"][0].clone();
        }
        assert!(Instant::now() < deadline, "not {status}: {list}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn thread_of(stage: &Stage, run: &Value) -> ThreadOf {
    let run = RunId::parse(run["id"].as_str().unwrap()).unwrap();
    ThreadOf { account: stage.acme.id, thread: run.thread }
}

#[tokio::test]
async fn a_run_at_work_whose_alarm_is_lost_goes_on_by_the_next_sweep() {
    native_only!("an object dies in the middle of a step");
    let stage = Stage::new().await;
    stage.then(Turn::Hangs);
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Hi", "background": true})).await.json();
    stage.until_asked(1).await;
    until_listed(&stage, "in_progress").await;
    stage.api.world.threads().lose_alarm(thread_of(&stage, &run));
    stage.api.world.clock().advance(60_000);
    stage.then(says("Hello"));
    stage.api.world.sweep().await;
    assert_eq!(stage.take_asked().len(), 1, "it is not late enough to be lost");
    stage.api.world.clock().advance(4 * 60_000);
    stage.api.world.sweep().await;
    until_listed(&stage, "completed").await;
}

#[tokio::test]
async fn a_run_that_waits_with_a_date_and_whose_alarm_is_lost_is_ended_by_the_next_sweep() {
    native_only!("the test turns the clock");
    let stage = Stage::new().await;
    stage.change("triage", &json!({"run": {"max_minutes": 10}})).await;
    let tools =
        json!([{"type": "client", "name": "weather", "description": "W", "parameters": {"type": "object"}}]);
    stage.then(calls("weather", &json!({})));
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Hi", "tools": tools})).await.json();
    until_listed(&stage, "waiting").await;
    stage.api.world.threads().lose_alarm(thread_of(&stage, &run));
    stage.api.world.clock().advance(5 * 60_000);
    stage.api.world.sweep().await;
    stage.api.world.clock().advance(10 * 60_000);
    assert_eq!(until_listed(&stage, "waiting").await["id"], run["id"], "nobody has woken it");
    stage.then(says("I know nothing yet."));
    stage.api.world.sweep().await;
    until_listed(&stage, "incomplete").await;
}

#[tokio::test]
async fn an_index_that_is_away_keeps_no_account_from_its_turn() {
    native_only!("the index fails at a certain moment");
    let stage = Stage::new().await;
    let held = leave_a_hold(&stage).await;
    stage.api.world.objects().lose_alarm(stage.acme.id);
    stage.api.world.clock().advance(20 * 60_000);
    stage.api.world.faults().plan("overdue", 1, When::Before);
    stage.api.world.sweep().await;
    assert_eq!(stage.bill("triage").await.verdict(), ("expired", "missing", held));
    assert!(stage.log().contains("1 indices were not asked"), "{}", stage.log());
}
