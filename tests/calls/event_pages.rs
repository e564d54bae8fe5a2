//! The events of large runs: page by page as lists, and whole as streams.

use axum::http::Method;
use serde_json::{Value, json};

use crate::stage::Stage;
use crate::threads::{ask, calls, events, get, post, says};

const OUTPUT: usize = 700_000;

/// A run with several outputs of a tool of the client, which is over.
async fn large_run(stage: &Stage) -> Value {
    // What is sent is held at the most that it can cost.
    stage.change("triage", &json!({"budget": {"limit_usd": "100", "period": "total"}})).await;
    let tool = json!({"type": "client", "name": "look", "parameters": {"type": "object"}});
    stage.then(calls("look", &json!({})));
    let run = post(stage, "/threads/t/runs", &json!({"message": "Look", "tools": [tool]})).await.json();
    let id = run["id"].as_str().unwrap().to_owned();
    let mut waiting = run;
    for nth in 0..4 {
        let call = waiting["waiting_on"][0]["call_id"].clone();
        assert!(call.is_string(), "{nth}: {waiting}");
        stage.then(if nth < 3 { calls("look", &json!({})) } else { says("Seen") });
        let inputs = json!({"inputs": [{"call_id": call, "output": "x".repeat(OUTPUT)}]});
        post(stage, &format!("/runs/{id}/inputs"), &inputs).await.ok();
        let wait = ask(stage, Method::GET, &format!("/runs/{id}")).header("prefer", "wait=60");
        waiting = wait.send().await.ok();
    }
    assert_eq!(waiting["status"], "completed", "{waiting}");
    waiting
}

/// All pages of a list of events.
async fn pages(stage: &Stage, path: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    for nth in 0.. {
        let page = ask(stage, Method::GET, &format!("{path}{after}")).header("accept", "application/json");
        let page = page.send().await.ok();
        assert!(page.to_string().len() < 1_000_000 + OUTPUT + 50_000);
        all.extend(page["events"].as_array().unwrap().clone());
        assert_eq!(page["has_more"].as_bool().unwrap(), !page["next"].is_null());
        if page["next"].is_null() {
            assert!(nth > 1, "{nth}");
            break;
        }
        assert_eq!(page["is_over"], false);
        after = format!("?after={}", page["next"]);
    }
    all
}

#[tokio::test]
async fn events_of_a_large_run_are_pages_of_a_list_and_one_stream() {
    let stage = Stage::new().await;
    let run = large_run(&stage).await;
    let path = format!("/runs/{}/events", run["id"].as_str().unwrap());
    let listed = pages(&stage, &path).await;
    let streamed = events(ask(&stage, Method::GET, &path).send().await.text());
    assert_eq!((streamed[0].0, &*streamed[0].1), (None, "run.snapshot"));
    assert_eq!(streamed.last().unwrap().1, "run.completed");
    let streamed: Vec<Value> = streamed.into_iter().skip(1).map(|(_, _, data)| data).collect();
    assert_eq!(streamed, listed);
    assert_eq!(pages(&stage, "/threads/t/events").await, listed);
    let seqs: Vec<u64> = listed.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
    // In the middle.
    let middle = seqs[seqs.len() / 2];
    let rest = ask(&stage, Method::GET, &path).header("last-event-id", &middle.to_string()).send().await;
    let rest: Vec<u64> = events(rest.text()).into_iter().filter_map(|(id, _, _)| id).collect();
    assert_eq!(rest, seqs[seqs.len() / 2 + 1..]);
    let shown = get(&stage, &format!("/runs/{}", run["id"].as_str().unwrap())).await;
    assert_eq!(shown["message"], "Seen");
}

#[tokio::test]
async fn a_journal_says_what_was_sent_and_no_word_of_it() {
    let stage = Stage::new().await;
    stage.change("triage", &json!({"tools": ["current_time"]})).await;
    stage.then(says("Noon"));
    let run = post(&stage, "/threads/t/runs", &json!({"message": "SECRET of the client"})).await.json();
    let journal = get(&stage, &format!("/runs/{}/steps", run["id"].as_str().unwrap())).await;
    assert_eq!((&journal["has_more"], &journal["next"]), (&json!(false), &Value::Null));
    let items = get(&stage, "/threads/t/items").await;
    let first = &items["items"][0]["id"];
    let expected = json!({"items": {"from": first, "to": first, "count": 1}, "messages": 1, "is_last_word": false,
        "parameters": {}, "tools": ["current_time"], "tool_count": 1});
    assert_eq!(journal["steps"][0]["model_call"]["sent"], expected);
    assert!(!journal.to_string().contains("SECRET"), "{journal}");
    let none = get(&stage, &format!("/runs/{}/steps?after=1", run["id"].as_str().unwrap())).await;
    assert_eq!(none["steps"], json!([]));
}
