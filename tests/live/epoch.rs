//! A change holds from the very next call, though every isolate remembers what it has read.
//!
//! Each test alternates change and call many times while other clients keep the memory of the Worker warm.

use std::sync::atomic::{AtomicBool, Ordering};

use hyper::Method;
use serde_json::json;

use crate::emulator::{Emulator, Price, Script};
use crate::harness::{Agent, live, money, usd};

const ROUNDS: u64 = 12;

/// Runs `test` while two clients call the agent without a pause.
pub async fn under_traffic(agent: &Agent, test: impl AsyncFnOnce()) {
    let over = AtomicBool::new(false);
    let client = async || {
        while !over.load(Ordering::Relaxed) {
            agent.chat("traffic").await;
        }
    };
    let test = async {
        test().await;
        over.store(true, Ordering::Relaxed);
    };
    tokio::join!(client(), client(), test);
}

#[test]
fn new_instructions_hold_from_the_next_call() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(Price::default(), Script::default()).await;
        let agent = account.agent(&format!("emu:{}", model.code)).create().await;
        under_traffic(&agent, async || {
            let mut changed = agent.clone();
            for round in 1..=ROUNDS {
                let instructions = format!("Instructions of round {round}.");
                changed.change("instructions", json!(instructions)).await;
                let nonce = format!("question {round}");
                let reply = agent.chat(&nonce).await.expect(200);
                assert_eq!(reply.header("x-agent-version"), (round + 1).to_string());
                let seen = model.seen();
                let ours = seen.iter().find(|seen| seen.body["messages"].to_string().contains(&nonce));
                let ours = ours.unwrap_or_else(|| panic!("the provider saw no {nonce}"));
                assert!(ours.system().contains(&instructions), "round {round}: {}", ours.body);
            }
        })
        .await;
    });
}

#[test]
fn a_revoked_key_fails_from_the_next_call() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(Price::default(), Script::default()).await;
        let agent = account.agent(&format!("emu:{}", model.code)).create().await;
        under_traffic(&agent, async || {
            for round in 0..ROUNDS {
                let key = account.key(&json!({"name": "short-lived", "role": "caller"})).await;
                let call = || {
                    let call = account.anonymous(Method::POST, &agent.path("/chat")).key(&key.secret);
                    call.json(&json!({"message": "hello"})).send()
                };
                call().await.expect(200);
                let path = format!("/api/v1/accounts/{}/keys/{}", account.slug, key.id);
                assert!(matches!(account.delete(&path).await.status, 200 | 204));
                assert_eq!(call().await.expect(401).problem(), "unauthenticated", "round {round}");
            }
        })
        .await;
    });
}

#[test]
fn a_new_budget_holds_from_the_next_call() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(Price::output_only(1_000), Script::tokens(3, 7)).await;
        let agent =
            account.agent(&format!("emu:{}?max_tokens=50", model.code)).capped(1_000_000_000).create().await;
        for round in 0..ROUNDS {
            agent.set_budget(1_000).await.expect(200);
            assert_eq!(agent.chat("hello").await.expect(402).problem(), "budget_exceeded", "round {round}");
            agent.set_budget(1_000_000_000).await.expect(200);
            agent.chat("hello").await.expect(200);
        }
        let books = agent.closed_books().await;
        assert_eq!((books.budget.settled, books.calls.len() as u64), (ROUNDS * 7_000, ROUNDS));
    });
}

#[test]
fn a_new_price_holds_from_the_next_call() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(Price::flat(1), Script::tokens(3, 7)).await;
        let agent = account.agent(&format!("emu:{}", model.code)).create().await;
        under_traffic(&agent, async || {
            for round in 1..=ROUNDS {
                account.set_price("emu", &model.code, Price::output_only(round * 100)).await;
                let reply = agent.chat("hello").await.expect(200);
                assert_eq!(money(&reply.json()["cost_usd"]), round * 700);
            }
        })
        .await;
    });
}

#[test]
fn a_new_provider_holds_from_the_next_call() {
    live(async |app| {
        let (here, there) = (app.emulator.clone(), Emulator::start().await);
        let account = app.account().await;
        let model = account.model(Price::default(), Script::default()).await;
        let twin = there.model_called(&model.code, Price::default(), Script::default());
        let agent = account.agent(&format!("emu:{}", model.code)).create().await;
        for round in 0..ROUNDS {
            let at_home = round % 2 == 0;
            let origin = if at_home { here.origin() } else { there.origin() };
            let secret = format!("sk-of-round-{round}");
            let body = json!({"wire": "openai", "base_url": format!("{origin}/v1"), "api_key": secret});
            account.put("/api/v1/providers/emu", &body).await.expect(200);
            let before = (model.seen_count(), twin.seen_count());
            agent.chat("hello").await.expect(200);
            let asked = if at_home { &model } else { &twin };
            assert_eq!(
                (model.seen_count(), twin.seen_count()),
                (before.0 + usize::from(at_home), before.1 + usize::from(!at_home))
            );
            assert_eq!(asked.last().header("authorization"), format!("Bearer {secret}"));
        }
    });
}

#[test]
fn an_alias_and_a_deletion_hold_from_the_next_call() {
    live(async |app| {
        let account = app.account().await;
        let (one, two) = (
            account.model(Price::default(), Script::default()).await,
            account.model(Price::default(), Script::default()).await,
        );
        account.put("/api/v1/aliases/fast", &json!({"model": format!("emu:{}", one.code)})).await.expect(200);
        let agent = account.agent("fast").create().await;
        for _ in 0..ROUNDS {
            for model in [&two, &one] {
                account
                    .put("/api/v1/aliases/fast", &json!({"model": format!("emu:{}", model.code)}))
                    .await
                    .expect(200);
                let before = model.seen_count();
                agent.chat("hello").await.expect(200);
                assert_eq!(model.seen_count(), before + 1);
            }
        }
        let archived = account.delete(&agent.api("")).await;
        assert!(matches!(archived.status, 200 | 204), "{}", archived.text());
        assert_eq!(agent.chat("hello").await.expect(410).problem(), "agent_archived");
        account.agent("fast").with("slug", json!(agent.slug)).create().await;
        agent.chat("hello").await.expect(200);
    });
}

#[test]
fn an_agent_that_turns_public_or_back_does_so_at_once() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(Price::output_only(1), Script::default()).await;
        let mut agent = account.agent(&format!("emu:{}", model.code)).capped(1_000_000_000).create().await;
        let anonymous = |agent: &Agent| {
            let call = account.anonymous(Method::POST, &agent.path("/chat"));
            call.json(&json!({"message": "hello"})).send()
        };
        for _ in 0..ROUNDS / 2 {
            anonymous(&agent).await.expect(401);
            agent.change("access", json!("public")).await;
            anonymous(&agent).await.expect(200);
            agent.change("access", json!("key")).await;
        }
        assert_eq!(agent.budget().await.limit, 1_000_000_000, "{} stays", usd(1_000_000_000));
    });
}

/// Nothing admits a refused call, so nothing but the refusal itself can notice that its reason is gone.
#[test]
fn what_was_refused_is_served_as_soon_as_it_is_mended() {
    live(async |app| {
        let account = app.account().await;
        let model = account.unpriced_model(Script::default());
        let line = format!("emu:{}", model.code);
        let mut agent = account.agent(&line).capped(1_000_000_000).create().await;
        assert_eq!(agent.chat("hello").await.expect(422).problem(), "unpriced_model");
        account.set_price("emu", &model.code, Price::output_only(1)).await;
        agent.chat("hello").await.expect(200);

        let wanted = json!({"model": "stand-in"});
        assert_eq!(
            agent.completion(&wanted).send().await.expect(404).json()["error"]["code"],
            "model_not_found"
        );
        let stand_in = app.emulator.model_called("stand-in", Price::default(), Script::default());
        account.set_price("emu", &stand_in.code, stand_in.price).await;
        agent.change("model", json!(format!("{line}, emu:stand-in"))).await;
        let list =
            || account.anonymous(Method::GET, &agent.path("/v1/models")).key(&account.caller.secret).send();
        assert!(list().await.expect(200).text().contains("stand-in"));
        agent.completion(&wanted).send().await.expect(200);
        assert_eq!(stand_in.seen_count(), 1);

        for origins in [json!(["https://a.example.com"]), json!(["https://b.example.com"])] {
            agent.change("allowed_origins", origins.clone()).await;
            for (origin, name) in [("https://a.example.com", "a"), ("https://b.example.com", "b")] {
                let allowed = origins.to_string().contains(origin);
                let call = agent.call("/chat", &json!({"message": "hello"})).header("origin", origin);
                let reply = call.send().await;
                assert_eq!(reply.status, if allowed { 200 } else { 403 }, "{name} of {origins}");
                let may_read = !reply.header("access-control-allow-origin").is_empty();
                assert_eq!(may_read, allowed, "{name} of {origins}");
            }
        }
    });
}
