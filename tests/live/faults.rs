//! Providers that fail in every way they do: the client gets a clear answer, no secret, and the books stay right.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::json;

use crate::emulator::{Fault, Output, Price, Script};
use crate::harness::{Account, Agent, live, money};

const PRICE: Price = Price { input: 10, cached: 5, output: 1_000 };

fn long() -> Script {
    Script { output: Output::Tokens(60), ..Script::default() }.paced(6, Duration::from_millis(10))
}

async fn agent_on(
    account: &Account,
    provider: &str,
    script: Script,
) -> (std::sync::Arc<crate::emulator::Model>, Agent) {
    let model = account.model_of(provider, PRICE, script).await;
    let line = format!("{provider}:{}?max_tokens=100&timeout=3", model.code);
    (model, account.agent(&line).capped(1_000_000_000).create().await)
}

/// Says each of the three endpoints' answer to the same failure: status, slug, text.
async fn answers(agent: &Agent) -> Vec<(u16, String, String)> {
    let chat = agent.chat("hello").await;
    let openai = agent.completion(&json!({})).send().await;
    let code = openai.json()["error"]["code"].as_str().unwrap_or_default().to_owned();
    let stream = agent.stream("hello").await;
    let (status, id) = (stream.status, stream.header("x-call-id").to_owned());
    let events = stream.all().await;
    let text = format!("{id} {events:?}");
    let slug = events.last().map(|event| event.name.clone()).unwrap_or_default();
    vec![
        (chat.status, chat.problem(), chat.text()),
        (openai.status, code, openai.text()),
        (status, slug, text),
    ]
}

#[test]
fn a_provider_that_fails_before_its_first_byte_says_so_without_its_words() {
    live(async |app| {
        let account = app.account().await;
        let cases = [
            (Script::refuse(500), 502, "upstream_error"),
            (Script::refuse(401), 424, "upstream_denied"),
            (Script::refuse(429), 429, "upstream_rate_limited"),
            (Script::fault(Fault::Html), 502, "upstream_error"),
            (Script::fault(Fault::Lost), 502, "upstream_error"),
            (Script::fault(Fault::Garbage { after: 0 }), 502, "upstream_error"),
            (Script::fault(Fault::Hang), 504, "upstream_timeout"),
        ];
        for provider in ["emu", "claude"] {
            for (script, status, slug) in &cases {
                let (model, agent) = agent_on(&account, provider, script.clone()).await;
                for (number, (got, what, text)) in answers(&agent).await.into_iter().enumerate() {
                    let streamed_200 = number == 2 && got == 200 && what == "error";
                    assert!(
                        streamed_200 || (got == *status && (what == *slug || number == 2)),
                        "{provider} {:?}: {got} {what} {text}",
                        script.fault
                    );
                    assert!(!text.contains(&account.provider_key), "{text}");
                }
                let books = agent.closed_books().await;
                assert!(books.budget.settled >= model.invoice(), "{:?}: {:?}", script.fault, books.budget);
                if matches!(script.fault, Fault::Refuse { .. }) {
                    assert_eq!(books.budget.settled, 0, "{:?}: a refusal costs nothing", script.fault);
                }
                assert!(books.calls.iter().all(|call| call["status"] != "ok"), "{:?}", books.calls);
            }
        }
        let log = app.server.log();
        assert!(!log.contains(&account.provider_key), "the log has a provider's key");
        assert!(!log.contains("panicked"), "something panicked");
    });
}

#[test]
fn a_stream_that_breaks_ends_in_an_error_and_is_paid_for() {
    live(async |app| {
        let account = app.account().await;
        for provider in ["emu", "claude"] {
            for fault in [Fault::Cut { after: 3 }, Fault::Garbage { after: 3 }] {
                let (model, agent) =
                    agent_on(&account, provider, Script { fault: fault.clone(), ..long() }).await;
                let events = agent.stream("hello").await.all().await;
                let last = events.last().expect("a stream has events");
                assert_eq!(last.name, "error", "{fault:?}: {events:?}");
                assert_eq!(last.json()["type"], "upstream_error");
                assert!(
                    events.iter().any(|event| event.name == "delta"),
                    "what came before the break is passed on"
                );

                let openai = agent.completion(&json!({"stream": true})).open().await.all().await;
                assert!(
                    openai.iter().all(|event| event.data != "[DONE]"),
                    "a broken answer does not look whole"
                );
                assert!(
                    openai.last().is_some_and(|event| event.json()["error"]["message"].is_string()),
                    "{openai:?}"
                );

                let books = agent.closed_books().await;
                assert!(
                    model.invoice() > 0 && books.budget.settled >= model.invoice(),
                    "{fault:?}: {:?}",
                    books.budget
                );
                assert_eq!(books.calls.len(), 2);
                for call in &books.calls {
                    assert_eq!(call["status"], "interrupted", "{call}");
                    assert!(money(&call["cost_usd"]) <= money(&call["held_usd"]), "{call}");
                }
            }
        }
    });
}

#[test]
fn an_answer_that_comes_too_late_is_paid_for() {
    live(async |app| {
        let account = app.account().await;
        let late = Script { first_chunk: Duration::from_secs(4), ..long() };
        let (model, agent) = agent_on(&account, "emu", late).await;
        assert_eq!(agent.chat("hello").await.expect(504).problem(), "upstream_timeout");
        let books = agent.closed_books().await;
        model.quiet().await;
        assert!(
            model.invoice() > 0 && books.budget.settled >= model.invoice(),
            "{:?} for {}",
            books.budget,
            model.invoice()
        );
    });
}

#[test]
fn a_stream_that_stalls_ends_within_its_time() {
    live(async |app| {
        let account = app.account().await;
        let (model, agent) = agent_on(&account, "emu", long().paced(2, Duration::from_secs(8))).await;
        let events = agent.stream("hello").await.all().await;
        assert_eq!(events.last().map(|event| event.name.as_str()), Some("error"), "{events:?}");
        model.quiet().await;
        assert!(agent.closed_books().await.budget.settled >= model.invoice());
    });
}

#[test]
fn a_redirect_to_the_inside_is_not_followed() {
    live(async |app| {
        let trap = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        trap.set_nonblocking(true).expect("a listener can be asked");
        let inside =
            format!("http://{}/latest/meta-data/", trap.local_addr().expect("a bound socket has an address"));
        let account = app.account().await;
        let (model, agent) = agent_on(&account, "emu", Script::fault(Fault::Redirect(inside.clone()))).await;
        for (status, _, text) in answers(&agent).await {
            assert!(status == 424 || status == 200 && text.contains("upstream_denied"), "{status} {text}");
            assert!(!text.contains(&inside), "{text}");
        }
        assert!(trap.accept().is_err(), "somebody knocked inside");
        assert_eq!(model.seen_count(), 3);
    });
}

#[test]
fn a_provider_that_nobody_is_home_at_is_a_502_and_free() {
    live(async |app| {
        let account = app.account().await;
        let empty = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        let origin = format!("http://{}", empty.local_addr().expect("a bound socket has an address"));
        drop(empty);
        account.provider("gone", "openai", &origin).await.expect(200);
        let model = account.model_of("gone", PRICE, Script::default()).await;
        let agent =
            account.agent(&format!("gone:{}?timeout=5", model.code)).capped(1_000_000_000).create().await;
        assert_eq!(agent.chat("hello").await.expect(502).problem(), "upstream_error");
        let books = agent.closed_books().await;
        assert!(books.calls.iter().all(|call| call["status"] == "upstream_error"), "{:?}", books.calls);
    });
}
