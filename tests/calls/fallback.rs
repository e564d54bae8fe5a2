//! The next entry of the line, and what the one before it cost.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use crate::ask::Face;
use crate::provider::{
    answer, count, cut, delta, finish, frame, lost, status, stream, streams, timeout, unreachable,
};
use crate::stage::{BIG, MAX_OUTPUT, SMALL, Stage};
use crate::support::{Script, Turn, native_only};

const LINE: &str = "own:big, other:small";

async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage.agent("two", &json!({"model": LINE})).await;
    stage
}

/// The models that were asked, in order.
fn models(stage: &Stage) -> Vec<String> {
    let model =
        |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap()["model"].as_str().unwrap().to_owned();
    stage.take_asked().iter().map(|request| model(&request.body)).collect()
}

#[tokio::test]
async fn a_failure_that_costs_nothing_leaves_the_hold_to_the_next_entry() {
    let failures = [
        |_| unreachable(),
        |_| status(408, "slow"),
        |_| status(429, "busy"),
        |_| status(500, "boom"),
        |_| status(503, "down"),
        |face: Face| {
            let error = json!({"error": {"message": "overloaded"}});
            if face.streams() {
                stream([frame(&error)])
            } else {
                Turn::Replies(Script::ok(error.to_string()))
            }
        },
    ];
    for failure in failures {
        for face in Face::ALL {
            let stage = stage().await;
            stage.then(failure(face)).then(face.served((40, 3)));
            stage.api.world.faults().take_done();
            assert_eq!(stage.ask(face, "two").send().await.status, 200);
            assert_eq!(models(&stage), ["big", "small"]);
            let admissions = stage.api.world.faults().take_done();
            let admissions = admissions.iter().filter(|name| *name == "admit").count();
            let bill = stage.bill("two").await;
            assert_eq!(bill.verdict(), ("ok", "reported", 40 * SMALL.0 + 3 * SMALL.1), "{face:?}");
            assert_eq!(bill.json["model"], "other:small");
            assert_eq!(admissions, 1, "the dearer hold serves the cheaper entry");
        }
    }
}

#[tokio::test]
async fn a_failure_that_may_have_cost_is_charged_with_the_answer() {
    for failure in [timeout, lost, || Turn::Replies(Script::ok("<html>")), || cut([])] {
        for face in Face::ALL {
            let stage = stage().await;
            stage.then(failure()).then(face.served((40, 3)));
            assert_eq!(stage.ask(face, "two").send().await.status, 200);
            assert_eq!(models(&stage), ["big", "small"]);
            let bill = stage.bill("two").await;
            let answered = 40 * SMALL.0 + 3 * SMALL.1;
            let charged = bill.cost - answered;
            let bound = (charged - MAX_OUTPUT * BIG.1) / BIG.0;
            assert_eq!(charged, bound * BIG.0 + MAX_OUTPUT * BIG.1, "all of the first hold");
            assert_eq!(bill.held, charged + bound * SMALL.0 + MAX_OUTPUT * SMALL.1, "{face:?}");
            let (status, usage, _) = bill.verdict();
            assert_eq!((status, usage), ("ok", "estimated"), "a part of the sum is guessed");
        }
    }
}

#[tokio::test]
async fn a_dearer_next_entry_is_admitted_anew() {
    let stage = Stage::new().await;
    stage.agent("two", &json!({"model": "other:small, own:big"})).await;
    stage.then(status(500, "boom")).then(answer("Hello", Some((40, 3))));
    stage.ask(Face::Chat, "two").send().await.ok();
    let bill = stage.bill("two").await;
    assert_eq!(bill.cost, 40 * BIG.0 + 3 * BIG.1);
    assert!(bill.held > MAX_OUTPUT * BIG.1);
}

#[tokio::test]
async fn a_charge_that_leaves_too_little_ends_the_call() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        let budget = json!({"limit_usd": "0.00215", "period": "total"});
        stage.agent("two", &json!({"model": LINE, "budget": budget})).await;
        stage.then(timeout());
        stage.ask(face, "two").send().await.assert_refusal(504, "upstream_timeout");
        assert_eq!(models(&stage), ["big"], "what is left pays for no second answer");
        let bill = stage.bill("two").await;
        assert_eq!(bill.verdict(), ("upstream_error", "missing", bill.held));
        assert_eq!(bill.json["model"], "own:big", "the ledger names who was asked");
    }
}

#[tokio::test]
async fn what_a_failed_attempt_reports_is_what_it_cost() {
    let stage = stage().await;
    let error = frame(&json!({"error": {"message": "overloaded", "type": "server_error"}}));
    stage.then(stream([count((40, 0)), error])).then(Face::Stream.served((40, 3)));
    assert_eq!(stage.ask(Face::Stream, "two").send().await.status, 200);
    let bill = stage.bill("two").await;
    assert_eq!(bill.cost, 40 * BIG.0 + 40 * SMALL.0 + 3 * SMALL.1);
}

#[tokio::test]
async fn a_refusal_that_the_next_entry_would_repeat_ends_the_call() {
    for given in [400, 422] {
        for face in Face::ALL {
            let stage = stage().await;
            stage.then(status(given, "no"));
            assert!(!stage.ask(face, "two").send().await.status.is_success());
            assert_eq!(models(&stage), ["big"], "{given}");
            assert_eq!(stage.bill("two").await.cost, 0);
        }
    }
}

/// How much a server takes, and in which form, is its own.
#[tokio::test]
async fn a_request_that_is_too_large_for_one_server_is_sent_to_the_next() {
    let bodies = [
        json!({"type": "error", "error": {"type": "request_too_large", "message": "Request exceeds the maximum size"}})
            .to_string(),
        "Payload Too Large".to_owned(),
        "<html><head><title>413 Request Entity Too Large</title></head></html>".to_owned(),
        String::new(),
    ];
    for given in [413, 415] {
        for body in &bodies {
            for face in Face::ALL {
                let stage = stage().await;
                stage.then(Turn::Replies(Script::status(given, body.clone()))).then(face.served((10, 5)));
                assert_eq!(stage.ask(face, "two").send().await.status, 200, "{given} {body}");
                assert_eq!(models(&stage), ["big", "small"], "{given} {body}");
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_is_shown_in_the_servers_words_or_by_its_status() {
    for (body, shown) in [
        ("Payload Too Large", "The provider refused the request: Payload Too Large."),
        ("<html>no</html>", "The provider refused the request: it gave no reason (413)."),
        ("{}", "The provider refused the request: it gave no reason (413)."),
        ("", "The provider refused the request: it gave no reason (413)."),
    ] {
        let stage = stage().await;
        let refused = || Turn::Replies(Script::status(413, body));
        stage.then(refused()).then(refused());
        let reply = stage.ask(Face::Chat, "two").send().await;
        reply.assert_refusal(400, "upstream_rejected");
        assert_eq!(reply.words(), shown);
    }
}

/// Another provider has another key, and its own models.
#[tokio::test]
async fn where_the_provider_denies_itself_the_next_entry_answers() {
    for given in [401, 402, 403, 404, 405, 409, 425, 501] {
        for face in Face::ALL {
            let stage = stage().await;
            stage.then(status(given, "no")).then(face.served((10, 5)));
            assert_eq!(stage.ask(face, "two").send().await.status, 200, "{given}");
            assert_eq!(models(&stage), ["big", "small"], "{given}");
        }
    }
    let stage = stage().await;
    let no = json!({"error": {"code": "content_policy", "message": "No."}}).to_string();
    stage.then(Turn::Replies(Script::status(403, no)));
    stage.ask(Face::Chat, "two").send().await.assert_refusal(424, "upstream_denied");
    assert_eq!(models(&stage), ["big"], "what one provider's policy forbids is not taken elsewhere");
}

#[tokio::test]
async fn the_last_entrys_failure_is_the_one_that_is_told() {
    for face in Face::ALL {
        let stage = stage().await;
        stage.then(status(500, "boom")).then(unreachable());
        let reply = stage.ask(face, "two").send().await;
        reply.assert_refusal(502, "upstream_error");
        assert_eq!(reply.words(), "Provider `other` cannot be reached.");
        assert_eq!(stage.bill("two").await.verdict(), ("upstream_error", "reported", 0));
    }
}

#[tokio::test]
async fn after_the_first_event_there_is_no_other_entry() {
    for face in [Face::Stream, Face::CompletionsStream] {
        for broken in [cut([delta("Hel")]), stream([delta("Hel")]), stream([delta("Hel"), frame(&json!(7))])]
        {
            let stage = stage().await;
            stage.then(broken);
            let reply = stage.ask(face, "two").send().await;
            assert_eq!(reply.status, 200);
            assert!(reply.text().contains("Hel") && !reply.text().contains("[DONE]"));
            assert_eq!(models(&stage), ["big"]);
            let bill = stage.bill("two").await;
            assert_eq!(bill.verdict(), ("interrupted", "missing", bill.held));
        }
    }
}

#[tokio::test]
async fn a_stream_cut_before_its_first_event_goes_on_with_the_next_entry() {
    let silent = frame(&json!({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}));
    for face in [Face::Stream, Face::CompletionsStream] {
        for pieces in [vec![], vec![silent.clone()], vec![bytes::Bytes::from_static(b": hello\n\n")]] {
            let stage = stage().await;
            stage.then(cut(pieces)).then(face.served((40, 3)));
            let reply = stage.ask(face, "two").send().await;
            assert_eq!(reply.status, 200);
            assert_eq!(models(&stage), ["big", "small"]);
            assert_eq!(stage.bill("two").await.status, "ok");
        }
    }
}

#[tokio::test]
async fn a_stream_in_pieces_of_a_byte_is_the_same_answer() {
    let stage = stage().await;
    let whole = [delta("Hel"), delta("lö"), finish(), count((40, 3)), crate::provider::done()].concat();
    let bytes = whole.iter().map(|byte| Ok(bytes::Bytes::copy_from_slice(&[*byte])));
    stage.then(streams(bytes));
    let reply = stage.ask(Face::Stream, "two").send().await;
    let (name, data) = reply.events().pop().unwrap();
    assert_eq!(name, "done");
    assert_eq!(serde_json::from_str::<Value>(&data).unwrap()["message"], "Hellö");
    assert_eq!(stage.bill("two").await.cost, 40 * BIG.0 + 3 * BIG.1);
}

#[tokio::test]
async fn the_time_of_all_attempts_together_is_bounded() {
    native_only!("the clock stands still while workerd waits for the provider to be ready again");
    let stage = Stage::new().await;
    stage.agent("brief", &json!({"model": "own:big?timeout=1, other:small?timeout=1"})).await;
    stage
        .then(crate::provider::later(429, 1_900))
        .then(status(500, "boom"))
        .then(answer("Hello", Some((40, 3))));
    let reply = stage.ask(Face::Chat, "brief").send().await;
    let asked = stage.take_asked();
    let spent: Vec<u64> = asked.iter().map(|request| request.timeout_ms).collect();
    assert!(spent.iter().all(|ms| *ms <= 1_000), "{spent:?}");
    assert!(*spent.last().unwrap() <= 100, "1.9 of 2 seconds were spent waiting: {spent:?}");
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn an_entry_that_breaks_off_in_the_middle_of_a_step_comes_behind_the_others() {
    let stage = stage().await;
    let of_run = |method: Method, path: &str| {
        let path = format!("/accounts/acme/agents/two{path}");
        stage.request(method, &path).key(&stage.acme.caller)
    };
    let begin = async |breaks: usize| {
        for _ in 0..breaks {
            stage.then(cut([delta("Hel")]));
        }
        stage.then(Face::Stream.served((40, 3)));
        let body = json!({"message": "Hi", "background": true});
        let run = of_run(Method::POST, "/threads/t/runs").json(&body).send().await.json();
        let id = run["id"].as_str().unwrap().to_owned();
        for _ in 0..breaks {
            let shown = async || of_run(Method::GET, &format!("/runs/{id}")).send().await.ok();
            let mut looks = 0;
            while shown().await["status"] != "waiting" {
                tokio::time::sleep(Duration::from_millis(2)).await;
                looks += 1;
                assert!(looks < 5_000, "{id} does not wait");
            }
            of_run(Method::POST, &format!("/runs/{id}/resume")).send().await.ok();
        }
        let over = of_run(Method::GET, &format!("/runs/{id}")).header("prefer", "wait=30").send().await.ok();
        assert_eq!(over["status"], "completed", "{over}");
        models(&stage)
    };
    assert_eq!(begin(1).await, ["big", "small"]);
    // Both have broken off; the first that did so has had the most time since.
    assert_eq!(begin(2).await, ["big", "small", "big"]);
    assert_eq!(begin(0).await, ["big"], "what came through forgets it");
    stage.model("other/small", &json!({"context_tokens": 10})).await;
    assert_eq!(begin(1).await, ["big", "small"], "what was seen outweighs a guess of what fits");
}
