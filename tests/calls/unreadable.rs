//! Runs of a thread whose transcript cannot be read.

use retinue::domain::thread::id::RunId;
use retinue::ports::{ThreadOf, World};
use serde_json::{Value, json};

use crate::stage::Stage;
use crate::support::native_only;
use crate::threads::{get, post, says, until};

/// A thread with a run that is over.
async fn thread(stage: &Stage) -> ThreadOf {
    stage.then(says("Hello"));
    let run = post(stage, "/threads/t/runs", &json!({"message": "Hi"})).await.json();
    let thread = RunId::parse(run["id"].as_str().unwrap()).unwrap().thread;
    ThreadOf { account: stage.acme.id, thread }
}

async fn background(stage: &Stage) -> String {
    let body = json!({"message": "And now?", "background": true});
    let run = post(stage, "/threads/t/runs", &body).await.json();
    run["id"].as_str().unwrap().to_owned()
}

/// So much time passes, and the object's alarm rings.
async fn pass(stage: &Stage, thread: ThreadOf, ms: i64) {
    stage.api.world.clock().advance(ms);
    stage.api.world.threads().alarm(thread);
    // What that begins is done by tasks.
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

async fn run(stage: &Stage, id: &str) -> Value {
    get(stage, &format!("/runs/{id}")).await
}

#[tokio::test]
async fn a_step_whose_transcript_cannot_be_read_for_a_moment_is_tried_again() {
    native_only!("the disk fails at a certain query");
    let stage = Stage::new().await;
    let thread = thread(&stage).await;
    stage.take_asked();
    stage.api.world.threads().disk(thread).refuse("stands_for, message", 1);
    let id = background(&stage).await;
    let waiting = until(&stage, &id, "waiting").await;
    assert_eq!((&waiting["status"], &waiting["waiting_on"][0]["kind"]), (&json!("waiting"), &json!("time")));
    assert!(stage.take_asked().is_empty());
    stage.then(says("Noon"));
    pass(&stage, thread, 1_000).await;
    assert_eq!(until(&stage, &id, "completed").await["message"], "Noon");
    let steps = get(&stage, &format!("/runs/{id}/steps")).await;
    let error = steps["steps"][0]["model_call"]["error"].as_str().unwrap();
    assert!(error.contains("transcript cannot be read"), "{steps}");
}

#[tokio::test]
async fn runs_whose_transcript_can_never_be_read_fail_one_after_the_other() {
    native_only!("an item is damaged");
    let stage = Stage::new().await;
    let thread = thread(&stage).await;
    stage.take_asked();
    let disk = stage.api.world.threads().disk(thread);
    disk.db()
        .execute(
            "UPDATE items SET message = '{' || substr(message, 2, length(message) - 2) WHERE position = 2",
            [],
        )
        .unwrap();
    let first = background(&stage).await;
    let second = background(&stage).await;
    assert_eq!(until(&stage, &first, "waiting").await["waiting_on"][0]["kind"], "time");
    assert_eq!(run(&stage, &second).await["status"], "queued");
    for _ in 0..40 {
        pass(&stage, thread, 20_000).await;
    }
    for id in [first, second] {
        let over = run(&stage, &id).await;
        assert_eq!(
            (&over["status"], &over["error"]["code"]),
            (&json!("failed"), &json!("no_progress")),
            "{over}"
        );
        let words = over["error"]["message"].as_str().unwrap();
        assert!(words.contains("cannot be read") && words.contains("item 2"), "{words}");
    }
    assert!(stage.take_asked().is_empty(), "no model is asked");
}
