//! What the account's plan allows of what threads keep and do: exact, however many come at once.

use std::time::{Duration, Instant};

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::ask::Reply;
use crate::provider::lost;
use crate::stage::Stage;
use crate::support::{When, native_only};
use crate::threads::{ask, calls, get, post, says};

/// What the account sees of a limit.
async fn used(stage: &Stage, name: &str) -> (Value, u64) {
    let account = stage.request(Method::GET, "/api/v1/account").key(&stage.acme.member).send().await.ok();
    let limit = &account["limits"][name];
    (limit["limit"].clone(), limit["used"].as_u64().unwrap())
}

/// What the index learns is on its way.
async fn becomes(stage: &Stage, name: &str, wanted: u64) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let (_, used) = used(stage, name).await;
        if used == wanted {
            return;
        }
        assert!(Instant::now() < deadline, "`{name}` is {used}, not {wanted}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn assert_full(reply: &Reply, limit: &str) {
    reply.assert_refusal(403, "plan_limit_exceeded");
    assert!(reply.words().contains(limit), "{}", reply.words());
}

fn served(replies: &[Reply]) -> usize {
    replies.iter().filter(|reply| reply.status.is_success()).count()
}

#[tokio::test]
async fn of_fifty_threads_at_once_exactly_as_many_are_made_as_there_is_room_for() {
    let stage = Stage::new().await;
    stage.limit("threads = 10");
    let made = (0..50).map(async |n| post(&stage, "/threads", &json!({"id": format!("t{n}")})).await);
    let made = join_all(made).await;
    assert_eq!(served(&made), 10);
    made.iter()
        .filter(|reply| !reply.status.is_success())
        .for_each(|reply| assert_full(reply, "`threads` is 10"));
    becomes(&stage, "threads", 10).await;
    assert_eq!(used(&stage, "threads").await.0, 10);

    // One that is there is found, and runs; a copy is another.
    let there = made.iter().position(|reply| reply.status.is_success()).unwrap();
    assert_eq!(post(&stage, "/threads", &json!({"id": format!("t{there}")})).await.status, 200);
    stage.then(says("Hello"));
    let run = json!({"message": "Hi"});
    assert_eq!(post(&stage, &format!("/threads/t{there}/runs"), &run).await.status, 201);
    assert_full(&post(&stage, "/threads/another/runs", &run).await, "`threads` is 10");
    assert_full(&post(&stage, &format!("/threads/t{there}/fork"), &json!({})).await, "`threads` is 10");

    // Room that is given back is there for the next.
    assert_eq!(ask(&stage, Method::DELETE, &format!("/threads/t{there}")).send().await.status, 204);
    becomes(&stage, "threads", 9).await;
    let again = (0..20).map(async |n| post(&stage, "/threads", &json!({"id": format!("u{n}")})).await);
    assert_eq!(served(&join_all(again).await), 1);
}

#[tokio::test]
async fn threads_of_a_single_call_take_no_room_and_their_runs_do_until_they_are_over() {
    let stage = Stage::new().await;
    stage.limit("threads = 0, runs_at_once = 1");
    let run = json!({"message": "Hi", "tools": [{"name": "look"}]});
    let chat = async || ask(&stage, Method::POST, "/chat").json(&run).send().await;
    stage.then(calls("look", &json!({})));
    let waiting = chat().await;
    assert_eq!(waiting.status, 200, "{}", waiting.text());
    becomes(&stage, "runs_at_once", 1).await;
    assert_full(&chat().await, "`runs_at_once` is 1");
    assert_eq!(used(&stage, "threads").await, (json!(0), 0));
    let cancel = format!("/runs/{}/cancel", waiting.header("x-run"));
    post(&stage, &cancel, &json!({})).await.ok();
    becomes(&stage, "runs_at_once", 0).await;
    for _ in 0..3 {
        stage.then(says("Hello"));
        chat().await.ok();
        becomes(&stage, "runs_at_once", 0).await;
    }
}

#[tokio::test]
async fn of_fifty_runs_at_once_exactly_as_many_begin_as_there_is_room_for() {
    let stage = Stage::new().await;
    stage.limit("runs_at_once = 10");
    for _ in 0..10 {
        stage.then(calls("look", &json!({})));
    }
    let run = json!({"message": "Hi", "tools": [{"name": "look"}], "background": true});
    let begun = (0..50).map(async |n| post(&stage, &format!("/threads/t{n}/runs"), &run).await);
    let begun = join_all(begun).await;
    assert_eq!(served(&begun), 10);
    begun
        .iter()
        .filter(|reply| !reply.status.is_success())
        .for_each(|reply| assert_full(reply, "`runs_at_once` is 10"));
    becomes(&stage, "runs_at_once", 10).await;
    let first = begun.iter().find(|reply| reply.status.is_success()).unwrap().json();
    let cancel = format!("/runs/{}/cancel", first["id"].as_str().unwrap());
    post(&stage, &cancel, &json!({})).await.ok();
    becomes(&stage, "runs_at_once", 9).await;
    stage.then(lost());
    assert_eq!(post(&stage, "/threads/next/runs", &run).await.status, 202);
}

#[tokio::test]
async fn the_same_request_again_and_a_run_that_is_joined_take_no_more_room() {
    let stage = Stage::new().await;
    stage.limit("runs_at_once = 1");
    stage.then(calls("look", &json!({})));
    let run = json!({"message": "Hi", "tools": [{"name": "look"}]});
    let begin = async || {
        ask(&stage, Method::POST, "/threads/t/runs").header("idempotency-key", "k").json(&run).send().await
    };
    let first = begin().await;
    assert_eq!(first.status, 201);
    becomes(&stage, "runs_at_once", 1).await;
    let again = begin().await;
    assert_eq!((again.status, again.json()["id"].clone()), (first.status, first.json()["id"].clone()));
    assert_full(&post(&stage, "/threads/t/runs", &run).await, "`runs_at_once` is 1");

    stage.limit("runs_at_once = 2");
    let joined =
        post(&stage, "/threads/t/runs", &json!({"message": "And", "on_busy": "steer", "background": true}))
            .await;
    assert_eq!(joined.json()["id"], first.json()["id"]);
    becomes(&stage, "runs_at_once", 1).await;
}

#[tokio::test]
async fn what_is_said_in_threads_is_counted_and_no_more_is_taken_once_the_limit_is_reached() {
    let stage = Stage::new().await;
    stage.limit("storage_mb = 1");
    let items = |bytes: usize| json!({"items": [{"role": "user", "content": "x".repeat(bytes)}]});
    post(&stage, "/threads", &json!({"id": "t"})).await;
    assert_eq!(post(&stage, "/threads/t/items", &items(600_000)).await.status, 201);
    becomes(&stage, "storage_mb", 1).await;
    // What goes over it is taken, as nobody knows before how much a run will say.
    assert_eq!(post(&stage, "/threads/t/items", &items(600_000)).await.status, 201);
    becomes(&stage, "storage_mb", 2).await;
    assert_full(&post(&stage, "/threads/t/items", &items(1)).await, "`storage_mb` is 1");
    assert_full(&post(&stage, "/threads/t/runs", &json!({"message": "Hi"})).await, "`storage_mb` is 1");
    assert_full(&post(&stage, "/threads", &json!({"id": "u"})).await, "`storage_mb` is 1");
    assert_eq!(get(&stage, "/threads/t").await["name"], "t");
    ask(&stage, Method::DELETE, "/threads/t").send().await;
    becomes(&stage, "storage_mb", 0).await;
    stage.then(says("Hello"));
    assert_eq!(post(&stage, "/threads/u/runs", &json!({"message": "Hi"})).await.status, 201);
}

#[tokio::test]
async fn a_child_for_which_there_is_no_room_is_an_error_that_the_model_reads() {
    let stage = crate::children::stage().await;
    stage.limit("runs_at_once = 1");
    stage.then(crate::children::asks("May I?")).then(says("Then I do it myself."));
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Hi"})).await.json();
    assert_eq!(run["message"], "Then I do it myself.", "{run}");
    let asked = stage.take_asked();
    let last = String::from_utf8_lossy(&asked.last().unwrap().body).into_owned();
    assert!(last.contains("limit of `runs_at_once` is 1"), "{last}");

    stage.limit("runs_at_once = 2, threads = 2");
    stage.then(crate::children::asks("May I?")).then(says("You may.")).then(says("Then I do."));
    let run = post(&stage, "/threads/t/runs", &json!({"message": "Hi"})).await.json();
    assert_eq!(run["message"], "Then I do.", "{run}");
    becomes(&stage, "runs_at_once", 0).await;
    becomes(&stage, "threads", 2).await;
}

#[tokio::test]
async fn where_nothing_is_limited_the_index_is_not_asked() {
    native_only!("what is asked of the index is not seen from outside");
    let stage = Stage::new().await;
    stage.api.world.faults().plan("claim", 1, When::Before);
    stage.then(says("Hello"));
    assert_eq!(post(&stage, "/threads/t/runs", &json!({"message": "Hi"})).await.status, 201);
    assert_eq!(used(&stage, "threads").await.0, Value::Null);
}
