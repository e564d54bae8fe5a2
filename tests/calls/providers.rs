//! Providers that fail, each in its own way: what the caller is told, and what it costs.

use retinue::ports::ReadError;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::ask::Face;
use crate::provider::{
    Tokens, answer, count, cut, delta, done, finish, frame, hello, later, lost, status, stream, streams,
    timeout, unreachable,
};
use crate::stage::{BIG, PROVIDER_KEY, Stage};
use crate::support::{Script, Turn, is_workerd};

const ANSWERED: Tokens = (40, 3);
const ANSWER_COST: u64 = 40 * BIG.0 + 3 * BIG.1;

/// A whole reply, or a stream's only piece.
fn raw(text: &str) -> Turn {
    Turn::Replies(Script::ok(text.to_owned()))
}

#[tokio::test]
async fn a_provider_that_refuses_costs_nothing_and_is_said_to() {
    for (given, (told, slug), words) in [
        (400, (400, "upstream_rejected"), "too hot"),
        (413, (400, "upstream_rejected"), "too hot"),
        (422, (400, "upstream_rejected"), "too hot"),
        (401, (424, "upstream_denied"), "refuses its key (401)"),
        (403, (424, "upstream_denied"), "refuses its key (403)"),
        (404, (424, "upstream_denied"), "does not know the model `big`"),
        (408, (502, "upstream_error"), "408"),
        (429, (429, "upstream_rate_limited"), "over its rate limit"),
        (500, (502, "upstream_error"), "500"),
        (503, (502, "upstream_error"), "503"),
        (529, (502, "upstream_error"), "529"),
        (302, (424, "upstream_denied"), "redirects"),
        (204, (502, "upstream_error"), "204"),
        (402, (424, "upstream_denied"), "paid first (402)"),
        (405, (424, "upstream_denied"), "405"),
        (409, (424, "upstream_denied"), "409"),
        (451, (424, "upstream_denied"), "451"),
        (501, (424, "upstream_denied"), "501"),
    ] {
        for face in Face::ALL {
            let stage = Stage::new().await;
            stage.then(status(given, "too hot"));
            let reply = stage.ask(face, "triage").send().await;
            reply.assert_refusal(told, slug);
            assert!(reply.words().contains(words), "{given}: {}", reply.words());
            assert_eq!(stage.take_asked().len(), 1, "{given}");
            let is_passing = matches!(given, 204 | 408 | 429 | 500 | 503 | 529);
            assert_eq!(reply.header("x-should-retry"), is_passing.to_string(), "{given}");
            assert_eq!(stage.bill("triage").await.verdict(), ("upstream_error", "reported", 0), "{given}");
        }
    }
}

#[tokio::test]
async fn of_a_provider_that_quotes_its_key_no_piece_is_quoted() {
    // The whole key; a part of it; and one that would be cut off in its middle.
    let quotes = [
        format!("Incorrect API key provided: {PROVIDER_KEY}."),
        format!("Incorrect API key provided: {}****{}.", &PROVIDER_KEY[..12], &PROVIDER_KEY[20..]),
        format!("{}{PROVIDER_KEY}", "x".repeat(500 - 20)),
    ];
    for given in [400, 401, 422, 500] {
        for (face, words) in Face::ALL.iter().flat_map(|face| quotes.iter().map(move |words| (*face, words)))
        {
            let stage = Stage::new().await;
            let error = json!({"error": {"message": words, "code": PROVIDER_KEY, "param": PROVIDER_KEY}});
            stage.then(Turn::Replies(Script::status(given, error.to_string())));
            let reply = stage.ask(face, "triage").send().await;
            assert!(!reply.status.is_success());
            let seen = format!("{} {:?} {}", reply.text(), reply.headers, stage.log());
            for at in 0..=PROVIDER_KEY.len() - 8 {
                let piece = &PROVIDER_KEY[at..at + 8];
                // One piece is a word of ours.
                assert!(piece == "provider" || !seen.contains(piece), "{given} {face:?}: {piece} in {seen}");
            }
        }
    }
}

#[tokio::test]
async fn a_key_that_is_quoted_otherwise_or_in_two_fields_is_not_quoted() {
    let escaped: String = PROVIDER_KEY.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let (first, rest) = PROVIDER_KEY.split_at(6);
    for (error, left) in [
        (json!({"message": format!("no: {escaped}")}), escaped.as_str()),
        (json!({"message": format!("no: {}", PROVIDER_KEY.to_uppercase())}), &PROVIDER_KEY.to_uppercase()),
        (json!({"message": &rest[..6], "code": "x", "param": first}), first),
        (json!({"message": "no", "code": &rest[..6], "param": first}), &rest[..6]),
    ] {
        for face in Face::ALL {
            let stage = Stage::new().await;
            stage.then(Turn::Replies(Script::status(400, json!({"error": error}).to_string())));
            let reply = stage.ask(face, "triage").send().await;
            reply.assert_refusal(400, "upstream_rejected");
            let seen = format!("{} {}", reply.words(), stage.log());
            assert!(!seen.contains(left), "{face:?}: {left} in {seen}");
        }
    }
}

/// A wait that HTTP can ask for: it has whole seconds.
const SHORT_MS: u64 = 1_000;

#[tokio::test]
async fn a_short_retry_after_is_waited_out_once_and_a_long_one_is_not() {
    // Over HTTP the waits are real: one face that streams and one that does not are enough.
    for face in Face::ALL.into_iter().take(if is_workerd() { 2 } else { 4 }) {
        for given in [408, 429, 500, 503] {
            let stage = Stage::new().await;
            stage.then(later(given, SHORT_MS)).then(face.served(ANSWERED));
            let (began, real) = (stage.api.world.clock().now(), Instant::now());
            assert_eq!(stage.ask(face, "triage").send().await.status, 200, "{given}");
            if is_workerd() {
                assert!(real.elapsed() >= Duration::from_millis(SHORT_MS));
            } else {
                assert_eq!(stage.api.world.clock().now().since(began), SHORT_MS);
            }
            assert_eq!(stage.take_asked().len(), 2);
            assert_eq!(stage.bill("triage").await.verdict(), ("ok", "reported", ANSWER_COST));

            let stage = Stage::new().await;
            stage.then(later(given, if is_workerd() { 3_000 } else { 2_001 }));
            let reply = stage.ask(face, "triage").send().await;
            let refused = if given == 429 { (429, "upstream_rate_limited") } else { (502, "upstream_error") };
            reply.assert_refusal(refused.0, refused.1);
            assert_eq!((reply.header("retry-after"), reply.header("x-should-retry")), ("3", "true"));
            assert_eq!(stage.take_asked().len(), 1);
        }
        let stage = Stage::new().await;
        stage.then(later(429, SHORT_MS)).then(later(429, SHORT_MS));
        stage.ask(face, "triage").send().await.assert_refusal(429, "upstream_rate_limited");
        assert_eq!(stage.take_asked().len(), 2, "once only");
        let stage = Stage::new().await;
        stage.then(later(400, SHORT_MS));
        stage.ask(face, "triage").send().await.assert_refusal(400, "upstream_rejected");
    }
}

#[tokio::test]
async fn a_provider_that_was_not_reached_is_not_paid_and_one_that_was_lost_is() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        stage.then(unreachable());
        let reply = stage.ask(face, "triage").send().await;
        reply.assert_refusal(502, "upstream_error");
        assert_eq!(reply.words(), "Provider `own` cannot be reached.");
        assert_eq!(stage.bill("triage").await.verdict(), ("upstream_error", "reported", 0));

        let stage = Stage::new().await;
        stage.then(lost());
        let reply = stage.ask(face, "triage").send().await;
        reply.assert_refusal(502, "upstream_error");
        let bill = stage.bill("triage").await;
        assert_eq!(bill.verdict(), ("upstream_error", "missing", bill.held), "it may have run");
        assert_eq!(reply.header("x-call-id"), bill.json["id"], "{face:?}");
        assert!(bill.held > 0);
        let cause = if is_workerd() { "connection lost" } else { "10.1.2.3" };
        assert!(stage.log().contains(cause), "the operator is told what the caller is not");
    }
}

#[tokio::test]
async fn a_provider_that_hangs_is_504_and_charged() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        stage.then(timeout());
        stage.ask(face, "triage").send().await.assert_refusal(504, "upstream_timeout");
        let bill = stage.bill("triage").await;
        assert_eq!(bill.verdict(), ("upstream_error", "missing", bill.held));
        assert!(bill.held > 0);
    }
}

#[tokio::test]
async fn a_success_that_cannot_be_read_is_502_and_charged() {
    let nonsense = [
        "",
        "<!DOCTYPE html><html><body>Welcome to the proxy</body></html>",
        "{",
        "{}",
        "null",
        "[]",
        "{\"choices\": []}",
        "{\"choices\": [{\"message\": 7}]}",
        "data: {\"choices\": 7}\n\n",
        "data: <html>\n\n",
        "data: [DONE]\n\n",
        ": only a comment\n\n",
        "\u{0}\u{1}\u{2}\u{fffd}",
    ];
    for face in Face::ALL {
        for text in nonsense {
            let stage = Stage::new().await;
            stage.then(raw(text));
            let reply = stage.ask(face, "triage").send().await;
            reply.assert_refusal(502, "upstream_error");
            let words = reply.words();
            assert!(!words.contains("html") && !words.contains("proxy"), "{text:?}: {words}");
            let bill = stage.bill("triage").await;
            assert_eq!(bill.verdict(), ("upstream_error", "missing", bill.held), "{text:?}");
        }
    }
}

#[tokio::test]
async fn an_error_that_comes_as_a_success_is_an_error() {
    for (kind, status, slug) in [
        ("server_error", 502, "upstream_error"),
        ("rate_limit_error", 429, "upstream_rate_limited"),
        ("authentication_error", 424, "upstream_denied"),
        ("invalid_request_error", 400, "upstream_rejected"),
    ] {
        // The words of a refused request are the client's to read.
        let words = if status == 400 { "too hot" } else { "internal 10.1.2.3" };
        let error = json!({"error": {"message": words, "type": kind}});
        for face in Face::ALL {
            let stage = Stage::new().await;
            let body = if face.streams() { format!("data: {error}\n\n") } else { error.to_string() };
            stage.then(raw(&body));
            let reply = stage.ask(face, "triage").send().await;
            reply.assert_refusal(status, slug);
            assert_eq!(stage.bill("triage").await.verdict(), ("upstream_error", "reported", 0), "{face:?}");
        }
    }
}

#[tokio::test]
async fn a_whole_answer_that_breaks_off_is_charged() {
    for (error, told) in [
        (ReadError::Broken("10.1.2.3".to_owned()), (502, "upstream_error")),
        (ReadError::Timeout, (504, "upstream_timeout")),
    ] {
        for face in [Face::Chat, Face::Completions] {
            let stage = Stage::new().await;
            stage.then(streams([Ok("{\"choices\": [".into()), Err(error.clone())]));
            stage.ask(face, "triage").send().await.assert_refusal(told.0, told.1);
            let bill = stage.bill("triage").await;
            assert_eq!(bill.verdict(), ("upstream_error", "missing", bill.held));
        }
    }
}

#[tokio::test]
async fn an_answer_without_a_count_is_estimated_by_its_bytes() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        let turn = if face.streams() {
            stream([delta("Hel"), delta("lo"), finish(), done()])
        } else {
            answer("Hello", None)
        };
        stage.then(turn);
        assert_eq!(stage.ask(face, "triage").send().await.status, 200);
        let bill = stage.bill("triage").await;
        let bound = bill.json["tokens"]["input"].as_u64().unwrap();
        assert_eq!(bill.verdict(), ("ok", "estimated", bound * BIG.0 + 5 * BIG.1), "{face:?}");
        assert_eq!(bill.json["tokens"]["output"], 5);
    }
}

#[tokio::test]
async fn an_answer_without_a_count_of_a_model_that_thinks_unseen_is_charged_whole() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        stage.model("own/deep", &json!({"capabilities": ["streaming", "reasoning"]})).await;
        stage.agent("deep", &json!({"model": "own:deep"})).await;
        stage.then(if face.streams() { stream([delta("Hi"), finish(), done()]) } else { answer("Hi", None) });
        assert_eq!(stage.ask(face, "deep").send().await.status, 200);
        let bill = stage.bill("deep").await;
        assert_eq!(bill.verdict(), ("ok", "missing", bill.held), "{face:?}");
    }
}

#[tokio::test]
async fn a_count_of_nothing_is_no_count() {
    for tokens in [(0, 0), (0, 5), (10, 0)] {
        for face in Face::ALL {
            let stage = Stage::new().await;
            stage.then(face.served(tokens));
            assert_eq!(stage.ask(face, "triage").send().await.status, 200);
            let bill = stage.bill("triage").await;
            assert_eq!(bill.usage, "estimated", "{tokens:?} {face:?}");
            assert!(bill.cost > 0);
        }
    }
}

#[tokio::test]
async fn counts_that_come_twice_are_not_added() {
    for face in [Face::Stream, Face::CompletionsStream] {
        let stage = Stage::new().await;
        stage.then(stream([
            delta("Hello"),
            count((40, 1)),
            finish(),
            count((40, 3)),
            count((40, 2)),
            done(),
        ]));
        assert_eq!(stage.ask(face, "triage").send().await.status, 200);
        assert_eq!(stage.bill("triage").await.verdict(), ("ok", "reported", ANSWER_COST));
    }
}

#[tokio::test]
async fn absurd_counts_do_not_break_the_books() {
    for count in [u64::MAX, 1 << 60, 1 << 53] {
        for face in Face::ALL {
            let stage = Stage::new().await;
            stage.then(face.served((count, count)));
            let reply = stage.ask(face, "triage").send().await;
            assert_eq!(reply.status, 200);
            stage.api.world.settled().await;
            let path = "/api/v1/agents/triage/calls";
            let calls = stage.api.get(path).key(&stage.acme.member).send().await.ok();
            assert_eq!(calls["data"].as_array().unwrap().len(), 1);
            assert_eq!(calls["data"][0]["status"], "ok");
            assert!(stage.log().contains("more than the"), "the operator is told");
            stage.ask(face, "triage").send().await.assert_refusal(402, "budget_exceeded");
        }
    }
}

#[tokio::test]
async fn cached_tokens_cost_what_they_cost() {
    let stage = Stage::new().await;
    stage.model("own/cached", &json!({"cached_input_usd_per_mtok": "0.1"})).await;
    stage.agent("cached", &json!({"model": "own:cached"})).await;
    let usage =
        json!({"prompt_tokens": 100, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 60}});
    let reply =
        json!({"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}], "usage": usage});
    stage.then(raw(&reply.to_string()));
    let told = stage.ask(Face::Completions, "cached").send().await.ok();
    assert_eq!(told["usage"]["prompt_tokens_details"]["cached_tokens"], 60);
    let bill = stage.bill("cached").await;
    assert_eq!(bill.cost, 40 * 1_000 + 60 * 100 + 3 * 2_000);
    assert_eq!(bill.json["tokens"]["cached"], 60);
}

#[tokio::test]
async fn an_endless_reply_is_cut_and_charged() {
    let stage = Stage::new().await;
    let piece = bytes::Bytes::from(vec![b' '; 1024 * 1024]);
    stage.then(streams(std::iter::repeat_n(piece, 20).map(Ok)));
    let reply = stage.ask(Face::Chat, "triage").send().await;
    reply.assert_refusal(502, "upstream_error");
    let bill = stage.bill("triage").await;
    assert_eq!(bill.verdict(), ("upstream_error", "missing", bill.held));
}

#[tokio::test]
async fn an_endless_line_of_a_stream_is_cut_and_charged() {
    let stage = Stage::new().await;
    let piece = bytes::Bytes::from(vec![b'x'; 1024 * 1024]);
    let start = std::iter::once(bytes::Bytes::from_static(b"data: "));
    stage.then(streams(start.chain(std::iter::repeat_n(piece, 40)).map(Ok)));
    stage.ask(Face::Stream, "triage").send().await.assert_refusal(502, "upstream_error");
    let bill = stage.bill("triage").await;
    assert_eq!(bill.verdict(), ("upstream_error", "missing", bill.held));
}

#[tokio::test]
async fn after_any_failure_the_next_call_is_served() {
    let stage = Stage::new().await;
    let failures = [
        || status(500, "boom"),
        || status(400, "no"),
        unreachable,
        lost,
        timeout,
        || raw("<html>"),
        || cut([frame(&json!({"choices": []}))]),
    ];
    for failure in failures {
        for face in Face::ALL {
            stage.then(failure()).then(face.served(ANSWERED));
            assert!(!stage.ask(face, "triage").send().await.status.is_success());
            assert_eq!(stage.ask(face, "triage").send().await.status, 200);
        }
    }
    let books = stage.books("triage").await;
    assert_eq!((books.ledger.len(), books.held), (2 * 4 * failures.len(), 0));
    let served = books.ledger.iter().filter(|row| row.status == "ok");
    assert!(
        served.clone().count() == 4 * failures.len() && served.clone().all(|row| row.cost == ANSWER_COST)
    );
    stage.then(hello(ANSWERED));
    assert_eq!(stage.ask(Face::Stream, "triage").send().await.status, 200);
}
