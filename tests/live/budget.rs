//! The cap holds to the nano-dollar, whatever runs at once and whatever goes wrong.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hyper::Method;
use serde_json::json;

use crate::emulator::{Fault, Model, Output, Price, Reports, Script};
use crate::harness::{Account, Agent, Dice, TEST_DEADLINE, live, money};

/// What one full answer of the storms costs, and what a hold for it is: only output costs, and all of it is used.
const LIMIT: u64 = 100;
const PRICE: Price = Price::output_only(1_000);
const ANSWER: u64 = LIMIT * 1_000;
const AFFORDED: u64 = 50;

async fn capped_agent(account: &Account, script: Script, timeout_s: u32) -> (Arc<Model>, Agent) {
    let model = account.model(PRICE, script).await;
    let line = format!("emu:{}?max_tokens={LIMIT}&timeout={timeout_s}", model.code);
    (model, account.agent(&line).capped(AFFORDED * ANSWER).create().await)
}

/// One call in one of the three ways: the reply's status, its stream read to the end.
async fn call(agent: &Agent, number: usize) -> (u16, String) {
    match number % 3 {
        0 => {
            let reply = agent.chat("hello").await;
            let problem = reply.problem();
            (reply.status, problem)
        }
        1 => {
            let stream = agent.stream("hello").await;
            let (status, events) = (stream.status, stream.all().await);
            let last = events.last().map(|event| event.name.clone()).unwrap_or_default();
            (status, last)
        }
        _ => {
            let reply = agent.completion(&json!({})).send().await;
            let code = reply.json()["error"]["code"].as_str().unwrap_or_default().to_owned();
            (reply.status, code)
        }
    }
}

#[test]
fn five_hundred_calls_at_once_spend_no_more_than_fifty_afford() {
    live(async |app| {
        let account = app.account().await;
        let script = Script::up_to_limit().paced(4, Duration::from_millis(50));
        let (model, agent) = capped_agent(&account, script, 60).await;
        let outcomes = join_all((0..500).map(|number| call(&agent, number))).await;

        let served = outcomes.iter().filter(|(status, _)| *status == 200).count();
        let refused = outcomes.iter().filter(|(status, _)| *status == 402).count();
        assert_eq!(served + refused, 500, "{outcomes:?}");
        for (number, (status, what)) in outcomes.iter().enumerate() {
            match (status, number % 3) {
                (200, 1) => assert_eq!(what, "done"),
                (402, 0 | 2) => assert_eq!(what, "budget_exceeded"),
                _ => {}
            }
        }
        let books = agent.closed_books().await;
        let cap = AFFORDED * ANSWER;
        assert!(model.invoice() <= cap, "billed {} of {cap}", model.invoice());
        assert_eq!(books.budget.settled, model.invoice());
        assert_eq!(books.ledger(), model.invoice());
        assert!(served >= 49, "only {served} served");
        assert_eq!(books.calls.len(), served, "a refusal is not a call");
        assert_eq!(model.seen_count(), served);
    });
}

#[test]
fn a_storm_of_failures_and_disconnects_never_passes_the_cap() {
    live(async |app| {
        const SEED: u64 = 0x5eed_2026;
        println!("seed {SEED:#x}");
        let account = app.account().await;
        let (model, agent) = capped_agent(&account, Script::default(), 5).await;
        model.plan(|number| faulty(Dice::new(SEED).nth(number)));
        let storm = (0..400).map(|number| storm_call(&agent, number, Dice::new(!SEED).nth(number)));
        let outcomes = join_all(storm).await;

        let allowed = [0, 200, 402, 502, 504];
        assert!(outcomes.iter().all(|(status, _)| allowed.contains(status)), "{outcomes:?}");
        assert!(outcomes.iter().any(|(status, _)| *status == 402), "the storm reaches the cap");
        model.quiet().await;
        let books = agent.closed_books().await;
        let (cap, settled, billed) = (AFFORDED * ANSWER, books.budget.settled, model.invoice());
        println!("billed {billed}, settled {settled}, cap {cap}, {} calls", books.calls.len());
        assert!(billed <= cap);
        assert!(settled >= billed, "what was generated is paid for");
        assert!(settled <= cap);
        assert_eq!(books.ledger(), settled);
        for status in ["ok", "upstream_error", "interrupted"] {
            assert!(
                books.calls.iter().any(|call| call["status"] == status),
                "no call of the storm is {status}"
            );
        }
        for (number, (_, id)) in outcomes.iter().enumerate().filter(|(_, (_, id))| !id.is_empty()) {
            let row = books.call(id).unwrap_or_else(|| panic!("call {id} is not in the ledger"));
            let billed = model.invoice_for(&message(number));
            assert!(money(&row["cost_usd"]) >= billed, "{billed} were billed for {row}");
        }
    });
}

/// What the storm's call of that number asks.
fn message(number: usize) -> String {
    format!("call #{number}#")
}

/// Half of the answers fail, each in a way of its own.
fn faulty(mut dice: Dice) -> Script {
    let paced = Script::up_to_limit().paced(5, Duration::from_millis(20));
    match dice.below(12) {
        0 | 1 => Script::refuse(500),
        2 | 3 => Script { fault: Fault::Cut { after: 1 + dice.below(4) }, ..paced },
        4 => Script { fault: Fault::Lost, ..paced },
        5 => Script { reports: Reports::Never, ..paced },
        _ => paced,
    }
}

/// A call at some moment of three seconds, so that money comes back while others ask, and that a third of the clients
/// leave: its status, or 0 when the client left before there was one, and its id where it got one.
async fn storm_call(agent: &Agent, number: usize, mut dice: Dice) -> (u16, String) {
    let (way, leaves) = (dice.below(3), dice.below(3) == 0);
    let patience = Duration::from_millis(dice.below(200) as u64);
    tokio::time::sleep(Duration::from_millis(dice.below(3_000) as u64)).await;
    if way == 0 {
        let patience = if leaves { patience } else { TEST_DEADLINE };
        let reply = tokio::time::timeout(patience, agent.chat(&message(number))).await.ok();
        return reply
            .map_or((0, String::new()), |reply| (reply.status, reply.header("x-call-id").to_owned()));
    }
    let mut stream = agent.stream(&message(number)).await;
    let mut left = if leaves { way } else { usize::MAX };
    while left > 0 && stream.next().await.is_some() {
        left -= 1;
    }
    (stream.status, stream.header("x-call-id").to_owned())
}

#[test]
fn a_call_is_shortened_to_what_is_left() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(PRICE, Script::up_to_limit()).await;
        let agent = account.agent(&format!("emu:{}", model.code)).capped(1_300 * 1_000).create().await;
        agent.completion(&json!({"max_tokens": 1_000})).send().await.expect(200);
        agent.closed_books().await;
        let second = agent.completion(&json!({"max_tokens": 1_000})).send().await.expect(200).json();
        assert_eq!(model.last().limit(), Some(300));
        assert_eq!(second["choices"][0]["finish_reason"], "length");
        agent.closed_books().await;
        let third = agent.completion(&json!({"max_tokens": 1_000})).send().await.expect(402);
        assert_eq!(third.json()["error"]["code"], "budget_exceeded");
        assert_eq!(agent.budget().await.remaining, 0);
        assert_eq!(model.seen_count(), 2);
    });
}

#[test]
fn notify_lets_calls_through_and_the_books_stay_right() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(PRICE, Script::tokens(5, 40)).await;
        let budget = json!({"limit_usd": "0.000050", "period": "day", "action": "notify"});
        let agent = account.agent(&format!("emu:{}", model.code)).with("budget", budget).create().await;
        for _ in 0..3 {
            agent.chat("hello").await.expect(200);
        }
        let books = agent.closed_books().await;
        assert_eq!((books.budget.settled, books.budget.limit), (3 * 40_000, 50_000));
        assert_eq!(books.budget.remaining, 0);
        let read = account.get(&agent.api("/budget")).await.expect(200).json();
        assert!(read["resets_at"].as_str().is_some_and(|at| at.ends_with("T00:00:00.000Z")), "{read}");
    });
}

#[test]
fn a_model_without_a_price_is_refused_where_a_budget_applies() {
    live(async |app| {
        let account = app.account().await;
        let model = account.unpriced_model(Script::default());
        let line = format!("emu:{}", model.code);
        let bounded = account.agent(&line).capped(1_000_000).create().await;
        assert_eq!(bounded.chat("hello").await.expect(422).problem(), "unpriced_model");
        assert_eq!(model.seen_count(), 0);
        let unbounded = account.agent(&line).create().await;
        unbounded.chat("hello").await.expect(200);
    });
}

#[test]
fn missing_usage_is_not_zero_and_usage_told_twice_is_not_double() {
    live(async |app| {
        let account = app.account().await;
        for provider in ["emu", "claude"] {
            let told = |reports| Script { reports, output: Output::Tokens(60), ..Script::default() };
            let model = account.model_of(provider, Price::flat(1_000), told(Reports::Twice)).await;
            let line = format!("{provider}:{}?max_tokens={LIMIT}", model.code);
            let agent = account.agent(&line).capped(1_000_000_000).create().await;
            agent.stream("hello").await.all().await;
            assert_eq!(agent.closed_books().await.budget.settled, model.invoice(), "{provider}: told twice");

            model.set(told(Reports::Never));
            let stream = agent.stream("hello").await;
            let id = stream.header("x-call-id").to_owned();
            stream.all().await;
            let chat = agent.chat("hello").await.expect(200);
            for id in [id.as_str(), chat.header("x-call-id")] {
                let row = agent.settled_call(id).await;
                assert_ne!(row["usage"], "reported", "{row}");
                assert!(
                    money(&row["cost_usd"]) > 0 && money(&row["cost_usd"]) <= money(&row["held_usd"]),
                    "{row}"
                );
            }
            assert!(agent.closed_books().await.budget.settled >= model.invoice(), "{provider}: never told");
        }
    });
}

#[test]
fn a_client_that_leaves_in_mid_stream_pays_exactly() {
    live(async |app| {
        let account = app.account().await;
        let model = account
            .model(Price::flat(1_000), Script::tokens(30, 60).paced(12, Duration::from_millis(40)))
            .await;
        let agent = account
            .agent(&format!("emu:{}?max_tokens={LIMIT}", model.code))
            .capped(1_000_000_000)
            .create()
            .await;
        for way in 0..4 {
            let openai = agent.completion(&json!({"stream": true}));
            let mut stream = if way % 2 == 0 { agent.stream("hello").await } else { openai.open().await };
            stream.next().await.expect("a first event");
        }
        let gone = tokio::time::timeout(Duration::from_millis(100), agent.chat("hello")).await;
        assert!(gone.is_err(), "the chat was not answered yet when its client left");
        model.quiet().await;
        let books = agent.closed_books().await;
        assert_eq!(books.calls.len(), 5);
        assert_eq!(books.budget.settled, model.invoice());
        assert!(books.calls.iter().all(|call| call["usage"] == "reported"), "{:?}", books.calls);
    });
}

#[test]
fn no_more_calls_run_at_once_than_the_agent_allows() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(PRICE, Script::default().paced(3, Duration::from_millis(200))).await;
        let agent =
            account.agent(&format!("emu:{}", model.code)).with("max_concurrency", json!(3)).create().await;
        let replies = join_all((0..20).map(|_| agent.chat("hello"))).await;
        let served = replies.iter().filter(|reply| reply.status == 200).count();
        let refused: Vec<_> = replies.iter().filter(|reply| reply.status == 429).collect();
        assert!(served >= 3 && served + refused.len() == 20, "{served} served");
        assert!(!refused.is_empty() && refused.iter().all(|reply| reply.problem() == "concurrency_exceeded"));
        assert!(model.most_at_once() <= 3, "{} ran at once", model.most_at_once());
        crate::harness::eventually("there is room again", crate::harness::DEADLINE, async || {
            (agent.chat("hello").await.status == 200).then_some(())
        })
        .await;
    });
}

#[test]
fn a_budget_reads_back_as_it_was_set() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(PRICE, Script::default()).await;
        let agent = account.agent(&format!("emu:{}", model.code)).create().await;
        for (period, limit) in
            [("day", json!("1.25")), ("month", json!(2.5)), ("total", json!("0.000000001"))]
        {
            let set = json!({"limit_usd": limit, "period": period, "action": "block"});
            account.put(&agent.api("/budget"), &set).await.expect(200);
            let read = account.get(&agent.api("/budget")).await.expect(200).json();
            assert_eq!((&read["period"], &read["action"]), (&json!(period), &json!("block")));
            assert_eq!(read["resets_at"].is_null(), period == "total", "{read}");
            assert_eq!(money(&read["remaining_usd"]), money(&read["limit_usd"]));
        }
        let refused = account
            .call(Method::PUT, &agent.api("/budget"))
            .json(&json!({"limit_usd": "-1", "period": "day"}));
        assert_eq!(refused.send().await.expect(400).problem(), "validation_failed");
    });
}
