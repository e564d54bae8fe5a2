//! The model line: the next entry when one fails, and never after the client has seen a byte.

use std::time::Duration;

use serde_json::json;

use crate::emulator::{Fault, Output, Price, Script};
use crate::harness::{live, money, texts};

const PRICE: Price = Price::output_only(1_000);

#[test]
fn an_entry_that_fails_is_left_for_the_next() {
    live(async |app| {
        let account = app.account().await;
        let faults = [
            Script::refuse(500),
            Script::refuse(503),
            Script::refuse(408),
            Script::fault(Fault::Refuse { status: 429, retry_after: Some("120") }),
            Script::fault(Fault::Hang),
            Script::fault(Fault::Lost),
        ];
        for fault in faults {
            let bad = account.model(PRICE, fault.clone()).await;
            let good = account.model_of("claude", PRICE, Script::tokens(5, 9)).await;
            let line =
                format!("emu:{}?timeout=2&max_tokens=100, claude:{}?max_tokens=100", bad.code, good.code);
            let agent = account.agent(&line).capped(1_000_000_000).create().await;
            let reply = agent.chat("hello").await.expect(200);
            assert_eq!(reply.json()["model"], format!("claude:{}", good.code), "{:?}", fault.fault);
            let events = agent.stream("hello").await.all().await;
            assert_eq!(
                events.last().map(|event| event.name.as_str()),
                Some("done"),
                "{:?}: {events:?}",
                fault.fault
            );
            let openai = agent.completion(&json!({"stream": true})).open().await.all().await;
            let (_, chunks) = openai.split_last().expect("a stream has events");
            assert_eq!(texts(&chunks.iter().map(|event| event.json()).collect::<Vec<_>>()), "w0 w1 w2 ");

            let books = agent.closed_books().await;
            let billed = bad.invoice() + good.invoice();
            assert!(books.budget.settled >= billed, "{:?}: {:?} for {billed}", fault.fault, books.budget);
            if matches!(fault.fault, Fault::Refuse { .. }) {
                assert_eq!(books.budget.settled, billed, "{:?}: a refusal costs nothing", fault.fault);
            }
            assert_eq!(books.calls.len(), 3, "a call is one call, however many were asked");
        }
    });
}

#[test]
fn a_refusal_of_the_request_itself_is_not_tried_elsewhere() {
    live(async |app| {
        let account = app.account().await;
        let picky = account.model(PRICE, Script::refuse(400)).await;
        let next = account.model(PRICE, Script::default()).await;
        let agent = account.agent(&format!("emu:{}, emu:{}", picky.code, next.code)).create().await;
        let reply = agent.chat("hello").await;
        assert!(matches!(reply.status, 400 | 502), "{}", reply.text());
        assert_eq!(next.seen_count(), 0);
    });
}

#[test]
fn nothing_is_tried_again_after_the_first_byte() {
    live(async |app| {
        let account = app.account().await;
        let cut = Script { fault: Fault::Cut { after: 2 }, ..Script::default() }
            .paced(4, Duration::from_millis(10));
        let first = account.model(PRICE, cut).await;
        let second = account.model(PRICE, Script::default()).await;
        let agent = account.agent(&format!("emu:{}, emu:{}", first.code, second.code)).create().await;
        let events = agent.stream("hello").await.all().await;
        assert_eq!(events.last().map(|event| event.name.as_str()), Some("error"));
        assert_eq!(second.seen_count(), 0);
    });
}

#[test]
fn a_short_retry_after_is_honoured() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(PRICE, Script::default()).await;
        model.plan(|number| match number {
            0 => Script::fault(Fault::Refuse { status: 429, retry_after: Some("1") }),
            _ => Script::default(),
        });
        let agent = account.agent(&format!("emu:{}", model.code)).create().await;
        let started = std::time::Instant::now();
        agent.chat("hello").await.expect(200);
        assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
        assert_eq!(model.seen_count(), 2);
    });
}

#[test]
fn the_attempts_of_a_call_share_one_budget() {
    live(async |app| {
        let account = app.account().await;
        let lost = Script { output: Output::UpToLimit, fault: Fault::Lost, ..Script::default() };
        let first = account.model(PRICE, lost).await;
        let second = account.model(PRICE, Script::up_to_limit()).await;
        let line = format!("emu:{}?max_tokens=100, emu:{}?max_tokens=100", first.code, second.code);
        // Affords one full answer and a half: the first is generated and lost, so the second has to be shorter.
        let agent = account.agent(&line).capped(150_000).create().await;
        let reply = agent.chat("hello").await;
        let books = agent.closed_books().await;
        let billed = first.invoice() + second.invoice();
        assert!(billed <= 150_000, "billed {billed}");
        assert!(
            books.budget.settled >= billed && books.budget.settled <= 150_000,
            "{:?} for {billed}",
            books.budget
        );
        assert_eq!(books.calls.len(), 1);
        if reply.status == 200 {
            assert_eq!(money(&books.calls[0]["cost_usd"]), books.budget.settled);
        }
    });
}

#[test]
fn entries_that_lack_what_a_request_needs_are_passed_over() {
    live(async |app| {
        let account = app.account().await;
        let blind = account.model(PRICE, Script::default()).await;
        let seeing = account.model(PRICE, Script::default()).await;
        let plain = json!({
            "input_usd_per_mtok": "0", "output_usd_per_mtok": "1", "context_tokens": 200_000,
            "max_output_tokens": 1000, "capabilities": ["streaming"],
        });
        account.put(&format!("/api/v1/models/emu/{}", blind.code), &plain).await.expect(200);
        let agent = account.agent(&format!("emu:{}, emu:{}", blind.code, seeing.code)).create().await;
        let picture = json!({"messages": [{"role": "user", "content": [
            {"type": "text", "text": "What is it?"},
            {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}},
        ]}]});
        agent.completion(&picture).send().await.expect(200);
        assert_eq!((blind.seen_count(), seeing.seen_count()), (0, 1));
        agent.chat("hello").await.expect(200);
        assert_eq!((blind.seen_count(), seeing.seen_count()), (1, 1));
        let only_blind = account.agent(&format!("emu:{}", blind.code)).create().await;
        let refused = only_blind.completion(&picture).send().await.expect(422).json();
        assert_eq!(refused["error"]["code"], "unsupported_capability");
        assert!(
            refused["error"]["message"].as_str().is_some_and(|text| text.contains("images")),
            "{refused}"
        );
    });
}
