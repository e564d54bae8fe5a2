//! The emulator against itself: the other tests believe its invoice.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use super::{Emulator, Fault, Price, Reports, Script};
use crate::harness::{Client, DEADLINE, eventually};

const PRICE: Price = Price { input: 5, cached: 2, output: 10 };

fn script() -> Script {
    Script { input_tokens: 100, cached_tokens: 40, ..Script::tokens(100, 20) }
}

async fn ask(emulator: &Emulator, path: &str, body: &Value) -> crate::harness::Reply {
    Client::new(&emulator.origin()).call(Method::POST, path).json(body).send().await
}

#[tokio::test]
async fn the_invoice_is_what_was_generated_at_the_models_prices() {
    let emulator = Emulator::start().await;
    let model = emulator.model(PRICE, script());
    let reply =
        ask(&emulator, "/v1/chat/completions", &json!({"model": model.code, "max_tokens": 7})).await.json();
    assert_eq!(reply["usage"]["completion_tokens"], 7);
    assert_eq!(reply["choices"][0]["finish_reason"], "length");
    let reply = ask(&emulator, "/v1/messages", &json!({"model": model.code, "max_tokens": 50})).await.json();
    assert_eq!((&reply["usage"]["input_tokens"], &reply["usage"]["output_tokens"]), (&json!(60), &json!(20)));
    let input = 60 * 5 + 40 * 2;
    assert_eq!(model.invoice(), 2 * input + 7 * 10 + 20 * 10);
    model.set(Script::refuse(500));
    ask(&emulator, "/v1/messages", &json!({"model": model.code})).await.expect(500);
    assert_eq!(model.invoice(), 2 * input + 270, "a refusal costs nothing");
}

#[tokio::test]
async fn openai_tells_a_streams_usage_only_when_asked() {
    let emulator = Emulator::start().await;
    let model = emulator.model(PRICE, Script { reports: Reports::Twice, ..script() });
    let mut body = json!({"model": model.code, "stream": true});
    let count = |reply: crate::harness::Reply| reply.text().matches("completion_tokens\":").count();
    assert_eq!(count(ask(&emulator, "/v1/chat/completions", &body).await), 0);
    body["stream_options"] = json!({"include_usage": true});
    assert_eq!(count(ask(&emulator, "/v1/chat/completions", &body).await), 2);
}

#[tokio::test]
async fn a_client_that_leaves_does_not_stop_the_bill_but_a_cut_does() {
    let emulator = Emulator::start().await;
    let model = emulator.model(PRICE, script().paced(10, Duration::from_millis(20)));
    let body = json!({"model": model.code, "stream": true});
    let client = Client::new(&emulator.origin());
    let mut events = client.call(Method::POST, "/v1/chat/completions").json(&body).open().await;
    events.next().await.expect("a first event");
    drop(events);
    eventually("the answer is finished", DEADLINE, async || (model.running() == 0).then_some(())).await;
    let whole = 380 + 20 * 10;
    assert_eq!(model.invoice(), whole);

    model.set(Script { fault: Fault::Cut { after: 5 }, ..script().paced(10, Duration::ZERO) });
    let cut = client.call(Method::POST, "/v1/chat/completions").json(&body).try_send().await;
    assert!(cut.is_err(), "{cut:?}");
    assert_eq!(model.invoice(), whole + 380 + 10 * 10);
}
