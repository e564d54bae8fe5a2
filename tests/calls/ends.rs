//! How calls end whose run fails, is stopped, waits for somebody else or has nothing to say: no client repeats by itself what a
//! run has done.

use axum::http::Method;
use serde_json::{Value, json};

use crate::ask::{Face, Reply};
use crate::provider::{count, done, finish, frame, later, stream, timeout};
use crate::stage::Stage;
use crate::support::disk::Side;
use crate::support::{Turn, native_only};
use crate::threads::sent;
use crate::throwaway::{call, calls, says, with_tools};
use crate::turns::text;
use retinue::domain::thread::id::ThreadKey;
use retinue::ports::{ThreadOf, World};

fn payment(more: &Value) -> Value {
    let mut agent = json!({"tools": [{"type": "http", "name": "pay", "description": "Pays", "url": "https://tools.example.com/pay"}]});
    agent.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    agent
}

/// Neither by its status nor by its head does a client send the request again by itself.
fn assert_is_not_repeated(reply: &Reply, status: u16, kind: &str) {
    reply.assert_refusal(status, kind);
    assert!(!matches!(status, 408 | 409 | 429 | 500..), "{reply:?}");
    assert_eq!(reply.header("x-should-retry"), "false", "{reply:?}");
    assert!(!reply.header("x-run").is_empty(), "{reply:?}");
}

const WHOLE: [Face; 2] = [Face::Chat, Face::Completions];

#[tokio::test]
async fn nobody_is_asked_how_a_call_ended_whose_run_nobody_finds() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        stage.change("triage", &payment(&json!({}))).await;
        stage.then(calls(&["pay"])).then(timeout()).then(says("I do not know whether it was paid."));
        let reply = call(&stage, face, &json!({})).send().await;
        assert_eq!(text(face, &reply), "I do not know whether it was paid.", "{face:?}");
        let asked = stage.take_asked();
        assert_eq!(asked.len(), 3, "the tool was called once");
        assert!(sent(&asked[2]).last().unwrap().contains("is not known"), "{:?}", sent(&asked[2]));
        // On a thread somebody can be asked.
        stage.then(calls(&["pay"])).then(timeout());
        let run = stage.request(Method::POST, "/accounts/acme/agents/triage/threads/t/runs");
        let run = run.key(&stage.acme.caller).json(&json!({"message": "Pay"})).send().await.json();
        assert_eq!(run["waiting_on"][0]["kind"], "outcome", "{run}");
    }
}

#[tokio::test]
async fn no_client_repeats_by_itself_what_a_run_has_done() {
    for face in WHOLE {
        // It failed after it had called a tool.
        let stage = Stage::new().await;
        stage.change("triage", &payment(&json!({"on_unknown": "fail"}))).await;
        stage.then(calls(&["pay"])).then(timeout());
        let failed = call(&stage, face, &json!({})).send().await;
        assert_is_not_repeated(&failed, 424, "run_unanswered");
        assert!(failed.text().contains("outcome_unknown"), "{}", failed.text());

        // It waits for somebody else.
        let stage = Stage::new().await;
        stage.agent("clerk", &payment(&json!({}))).await;
        stage
            .change("triage", &json!({"tools": [{"type": "agent", "agent": "clerk", "description": "Pays"}]}))
            .await;
        let asks = json!({"index": 0, "id": "c", "type": "function",
            "function": {"name": "clerk", "arguments": "{\"message\":\"Pay\"}"}});
        let asks = frame(
            &json!({"choices": [{"index": 0, "delta": {"tool_calls": [asks]}, "finish_reason": "tool_calls"}]}),
        );
        stage.then(stream([asks, count((10, 5)), done()])).then(calls(&["pay"])).then(timeout());
        let waits = call(&stage, face, &json!({})).send().await;
        assert_is_not_repeated(&waits, 424, "run_unanswered");
        assert!(waits.text().contains("(child)"), "{}", waits.text());

        // It waits for money.
        let stage = Stage::new().await;
        with_tools(&stage, &json!({"on_budget": "wait"})).await;
        stage.set_budget("triage", &json!({"limit_usd": "0.000001", "period": "day"})).await;
        let poor = call(&stage, face, &json!({})).send().await;
        assert_is_not_repeated(&poor, 402, "budget_exceeded");
    }
}

#[tokio::test]
async fn a_call_whose_run_was_stopped_is_not_repeated() {
    for (face, operation, status, kind) in [
        (Face::Chat, "pause", 424, "run_unanswered"),
        (Face::Completions, "pause", 424, "run_unanswered"),
        (Face::Chat, "cancel", 410, "run_ended"),
        (Face::Completions, "cancel", 410, "run_ended"),
    ] {
        let stage = Stage::new().await;
        stage.then(Turn::Hangs);
        let asked = call(&stage, face, &json!({})).header("x-thread", "t").send();
        let stop = async {
            let at = "/accounts/acme/agents/triage";
            loop {
                let thread = stage.request(Method::GET, &format!("{at}/threads/t")).key(&stage.acme.caller);
                let thread = thread.send().await.json();
                if let Some(run) = thread["open_runs"][0].as_str() {
                    let path = format!("{at}/runs/{run}/{operation}");
                    stage.request(Method::POST, &path).key(&stage.acme.caller).send().await.ok();
                    break;
                }
                tokio::task::yield_now().await;
            }
        };
        let (stopped, ()) = tokio::join!(asked, stop);
        assert_is_not_repeated(&stopped, status, kind);
        stage.upstream().hang_up();
    }
}

#[tokio::test]
async fn a_start_whose_answer_is_lost_is_repeated_under_a_key_alone() {
    native_only!("the test breaks the thread's disk");
    let stage = Stage::new().await;
    stage.then(says("Hello"));
    let on_thread = || call(&stage, Face::Completions, &json!({})).header("x-thread", "t");
    let thread = ThreadKey::parse(on_thread().send().await.header("x-thread")).unwrap();
    let thread = ThreadOf { account: stage.acme.id, thread };
    for (key, should_retry) in [(None, "false"), (Some("k"), "")] {
        stage.api.world.threads().disk(thread).fail(3, Side::After);
        let ask = key.map_or_else(on_thread, |key| on_thread().header("idempotency-key", key));
        let lost = ask.send().await;
        lost.assert_refusal(503, "unavailable");
        assert_eq!(lost.header("x-should-retry"), should_retry, "{key:?}");
    }
}

#[tokio::test]
async fn a_provider_that_is_away_for_hours_is_not_waited_for() {
    for face in WHOLE {
        let stage = Stage::new().await;
        with_tools(&stage, &json!({})).await;
        stage.then(later(429, 3_600_000));
        let away = call(&stage, face, &json!({})).send().await;
        away.assert_refusal(429, "upstream_rate_limited");
        assert_eq!(away.header("retry-after"), "3600");
        stage.then(later(503, 3_600_000));
        let away = call(&stage, face, &json!({})).header("x-thread", "t").send().await;
        away.assert_refusal(502, "upstream_error");
        assert_eq!((away.header("retry-after"), away.header("x-should-retry")), ("3600", "false"));
        // After a tool it is nothing that the client may repeat.
        stage.then(calls(&["current_time"])).then(later(429, 3_600_000));
        let away = call(&stage, face, &json!({})).send().await;
        assert_is_not_repeated(&away, 424, "run_unanswered");
        assert_eq!(away.header("retry-after"), "3600");
        assert!(away.text().contains("upstream_rate_limited"), "{}", away.text());
    }
    let stage = Stage::new().await;
    stage.then(later(429, 3_600_000));
    let run = stage.request(Method::POST, "/accounts/acme/agents/triage/threads/t/runs");
    let run = run.key(&stage.acme.caller).json(&json!({"message": "Hi"})).send().await.json();
    assert_eq!((&run["status"], &run["error"]["code"]), (&json!("failed"), &json!("upstream_rate_limited")));
    assert!(run["error"]["retry_at"].as_str().unwrap() > run["ended_at"].as_str().unwrap(), "{run}");
}

#[tokio::test]
async fn a_model_may_have_nothing_to_say_after_its_tools() {
    let silence = || stream([finish(), count((10, 5)), done()]);
    for face in Face::ALL {
        let stage = Stage::new().await;
        with_tools(&stage, &json!({})).await;
        let thought = frame(&json!({"choices": [{"index": 0, "delta": {"content": "Let me see."}}]}));
        let called = frame(
            &json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "c", "type": "function",
            "function": {"name": "current_time", "arguments": "{}"}}]}, "finish_reason": "tool_calls"}]}),
        );
        stage.then(stream([thought, called, count((10, 5)), done()])).then(silence());
        let reply = call(&stage, face, &json!({})).send().await;
        assert_eq!(reply.status, 200, "{face:?}: {}", reply.text());
        let said = if face.streams() { "Let me see." } else { "" };
        assert_eq!((text(face, &reply).as_str(), stage.take_asked().len()), (said, 2), "{face:?}");
        let path = format!("/accounts/acme/agents/triage/runs/{}", reply.header("x-run"));
        let run = stage.request(Method::GET, &path).key(&stage.acme.caller).send().await.ok();
        assert_eq!((&run["status"], &run["message"]), (&json!("completed"), &json!("")), "{run}");

        // Elsewhere it is asked once more, and not again and again.
        stage.then(silence()).then(says("Hello"));
        assert_eq!(text(face, &call(&stage, face, &json!({})).send().await), "Hello");
        stage.then(silence()).then(silence());
        let reply = call(&stage, face, &json!({})).send().await;
        assert_eq!((reply.status.as_u16(), text(face, &reply).as_str()), (200, ""), "{face:?}");
        assert_eq!(stage.take_asked().len(), 4);
        assert_eq!(stage.books("triage").await.ledger.len(), 6, "each is paid");
    }
}
