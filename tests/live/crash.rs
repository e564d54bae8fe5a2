//! workerd is killed in the middle of everything and started again on the same state.

use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use crate::emulator::{Emulator, Model, Price, Script};
use crate::harness::{Agent, App, Books, DEADLINE, Settings, eventually, live, money};

const LIMIT: u64 = 100;
const ANSWER: u64 = LIMIT * 1_000;
const CAP: u64 = 40 * ANSWER;

/// How a call looked to its client.
#[derive(Clone, Debug, Default)]
struct Outcome {
    /// Empty when the client got no head of a reply.
    id: String,
    /// The whole answer arrived, and no error in it.
    succeeded: bool,
    /// What it said it cost.
    cost: Option<u64>,
}

#[test]
fn a_killed_worker_neither_forgets_money_nor_spends_it_twice() {
    live(async |_| {
        let emulator = Emulator::start().await;
        let settings = Settings::new();
        let mut app = App::start(&settings, emulator.clone()).await.expect("the server starts");
        let account = app.account().await;
        let script = Script::up_to_limit().paced(8, Duration::from_millis(60));
        let model = account.model(Price::output_only(1_000), script).await;
        // A hold lives as long as its call may take, so this bounds the wait for those that nobody settles.
        let line = format!("emu:{}?max_tokens={LIMIT}&timeout=3", model.code);
        let mut agent = account.agent(&line).capped(CAP).create().await;
        let mut outcomes = Vec::new();
        for round in 1..=2 {
            outcomes.extend(calls_until_killed(&app, &agent, &model, round).await);
            app.server.stop().await;
            app = App::start(&settings, emulator.clone()).await.expect("the server starts again");
            agent.account = account.on(app.client.clone());
            let now = agent.budget().await;
            assert!(
                now.settled + now.held >= model.invoice(),
                "round {round}: {now:?}, billed {}",
                model.invoice()
            );
            assert!(now.settled + now.held <= CAP, "round {round}: {now:?}");
        }
        let books = agent.closed_books().await;
        check(&books, &outcomes, model.invoice());
        spend_the_rest(&agent, &model).await;
        app.server.stop().await;
    });
}

/// Starts calls one after another and kills the server when a share of them has been answered and others are under way.
async fn calls_until_killed(app: &App, agent: &Agent, model: &Model, round: usize) -> Vec<Outcome> {
    let answered = Mutex::new(0);
    let call = async |number: usize| {
        tokio::time::sleep(Duration::from_millis(40 * number as u64)).await;
        let outcome = attempt(agent, number).await.unwrap_or_default();
        *answered.lock().expect("nothing panics with it") += usize::from(outcome.succeeded);
        outcome
    };
    let kill = async {
        eventually("some calls are answered and others are not", DEADLINE, async || {
            let enough = *answered.lock().expect("nothing panics with it") >= 2 && model.running() >= 3;
            enough.then_some(())
        })
        .await;
        app.server.kill_workerd();
    };
    let (outcomes, ()) = tokio::join!(join_all((0..30).map(call)), kill);
    println!(
        "round {round}: {} succeeded, billed {}",
        outcomes.iter().filter(|o| o.succeeded).count(),
        model.invoice()
    );
    model.quiet().await;
    outcomes
}

/// One call; an `Err` is a connection that failed or broke.
async fn attempt(agent: &Agent, number: usize) -> Result<Outcome, Box<dyn std::error::Error + Send + Sync>> {
    if number.is_multiple_of(2) {
        let reply = agent.call("/chat", &json!({"message": "hello"})).try_send().await?;
        let cost = (reply.status == 200).then(|| money(&reply.json()["cost_usd"]));
        return Ok(Outcome {
            id: reply.header("x-call-id").to_owned(),
            succeeded: reply.status == 200,
            cost,
        });
    }
    let stream = agent.call("/stream", &json!({"message": "hello"})).try_open().await?;
    let id = stream.header("x-call-id").to_owned();
    let last = stream.all().await.pop();
    let done = last.filter(|event| event.name == "done").map(|event| event.json());
    let cost = done.as_ref().map(|done| money(&done["cost_usd"]));
    Ok(Outcome { id, succeeded: done.is_some(), cost })
}

fn check(books: &Books, outcomes: &[Outcome], invoice: u64) {
    assert!(invoice <= CAP, "billed {invoice} of {CAP}");
    assert!(
        books.budget.settled >= invoice && books.budget.settled <= CAP,
        "{:?}, billed {invoice}",
        books.budget
    );
    assert_eq!(books.ledger(), books.budget.settled, "the ledger explains all that is settled");
    let succeeded: Vec<_> = outcomes.iter().filter(|outcome| outcome.succeeded).collect();
    assert!(succeeded.len() >= 4, "the kill came while calls were being answered");
    for outcome in succeeded {
        let row =
            books.call(&outcome.id).unwrap_or_else(|| panic!("{outcome:?} is not in {:?}", books.calls));
        assert!(Some(money(&row["cost_usd"])) >= outcome.cost, "{row} for {outcome:?}");
    }
    let mut ids: Vec<_> = books.calls.iter().map(|call| call["id"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), books.calls.len(), "no call is booked twice");
}

/// The restarted object goes on where the killed one was: what is left can be spent, and not a nano-dollar more.
async fn spend_the_rest(agent: &Agent, model: &Model) {
    let before = model.invoice();
    model.set(Script::up_to_limit());
    let left = agent.budget().await.remaining;
    join_all((0..60).map(|_| agent.chat("hello"))).await;
    let books = agent.closed_books().await;
    assert!(books.budget.settled <= CAP);
    assert_eq!(model.invoice() - before, left - books.budget.remaining);
    assert!(books.budget.remaining < ANSWER, "{:?}", books.budget);
}

#[test]
fn under_another_master_key_a_providers_key_fails_and_nothing_leaks() {
    live(async |_| {
        let emulator = Emulator::start().await;
        let settings = Settings::new();
        let app = App::start(&settings, emulator.clone()).await.expect("the server starts");
        let account = app.account().await;
        let model = account.model(Price::flat(1_000), Script::default()).await;
        let line = format!("emu:{}?timeout=2", model.code);
        let mut agent = account.agent(&line).capped(1_000_000_000).create().await;
        agent.chat("hello").await.expect(200);
        app.server.stop().await;

        let other =
            Settings { master_key: "YW5vdGhlci1tYXN0ZXIta2V5LW9mLTMyLWJ5dGVzISE=".to_owned(), ..settings };
        let app = App::start(&other, emulator).await.expect("the server starts again");
        agent.account = account.on(app.client.clone());
        let reply = agent.chat("hello").await.expect(424);
        assert_eq!(reply.problem(), "upstream_denied");
        assert!(reply.text().contains("stored key"), "{}", reply.text());
        assert!(!reply.text().contains(&account.provider_key));
        assert_eq!(model.seen_count(), 1, "the provider is not asked without its key");
        let providers = agent.account.get("/api/v1/providers").await.expect(200);
        assert!(providers.text().contains("wxyz"), "{}", providers.text());
        let books = agent.closed_books().await;
        assert!(books.budget.settled >= model.invoice(), "{books:?}");
        let unsent = books.calls.iter().find(|call| call["status"] == "upstream_error");
        let unsent = unsent.unwrap_or_else(|| panic!("the failed call is not in {books:?}"));
        assert_eq!(money(&unsent["cost_usd"]), 0, "a call that was never sent is free");
        agent.account.provider("emu", "openai", &app.emulator.origin()).await.expect(200);
        agent.chat("hello").await.expect(200);
        app.server.stop().await;
    });
}
