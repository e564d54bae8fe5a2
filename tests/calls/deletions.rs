//! A thread that is deleted while its runs are at work: whoever waits learns it at once.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;

use crate::ask::{Ask, Face};
use crate::stage::Stage;
use crate::support::Turn;
use crate::threads::{ask, events, get, post};

#[tokio::test]
async fn whoever_waits_for_a_run_learns_at_once_that_its_thread_is_deleted() {
    let stage = Stage::new().await;
    stage.then(Turn::Hangs);
    let first = post(&stage, "/threads/t/runs", &json!({"message": "Hi", "background": true})).await.json();
    let run = format!("/runs/{}", first["id"].as_str().unwrap());
    stage.until_asked(1).await;

    let says = json!({"message": "And"});
    let queued = post(&stage, "/threads/t/runs", &says);
    let streamed = json!({"message": "And", "stream": true});
    let streamed = post(&stage, "/threads/t/runs", &streamed);
    let waits = ask(&stage, Method::GET, &run).header("prefer", "wait=600").send();
    let events_path = format!("{run}/events");
    let watched = ask(&stage, Method::GET, &events_path).send();
    let call =
        |face| Ask::call(&stage, face, "triage").header("x-thread", "t").json(&face.body("triage")).send();
    let (called, call_streamed) = (call(Face::Completions), call(Face::CompletionsStream));
    let deleted = async {
        // All of them wait: the first one is at work, and four come after it.
        loop {
            let runs = get(&stage, "/threads/t").await["open_runs"].as_array().unwrap().len();
            if runs == 5 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        ask(&stage, Method::DELETE, "/threads/t").send().await
    };
    let all = async { tokio::join!(deleted, queued, streamed, waits, watched, called, call_streamed) };
    let (deleted, queued, streamed, waits, watched, called, call_streamed) =
        tokio::time::timeout(Duration::from_secs(8), all).await.unwrap();
    assert_eq!(deleted.status, 204);
    queued.assert_refusal(404, "not_found");
    waits.assert_refusal(404, "not_found");
    for stream in [streamed, watched] {
        let events = events(stream.text());
        let (_, name, last) = events.last().unwrap();
        assert_eq!((name.as_str(), &last["reason"]), ("run.cancelled", &json!("the thread was deleted")));
    }
    called.assert_refusal(410, "run_ended");
    assert_eq!(called.header("x-should-retry"), "false");
    assert!(call_streamed.text().contains("the thread was deleted"), "{}", call_streamed.text());
}
