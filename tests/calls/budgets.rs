//! The budget as a caller meets it.

use serde_json::{Value, json};

use crate::ask::Face;
use crate::provider::{answer, status};
use crate::stage::{BIG, MAX_OUTPUT, Stage};
use crate::support::{Turn, is_workerd};

fn blocking(limit_usd: &str) -> Value {
    json!({"budget": {"limit_usd": limit_usd, "period": "total", "action": "block"}})
}

#[tokio::test]
async fn a_call_is_held_at_its_ceiling_and_settled_to_the_nano_dollar() {
    let stage = Stage::new().await;
    for (n, face) in Face::ALL.into_iter().enumerate() {
        let agent = format!("agent-{n}");
        stage.agent(&agent, &json!({})).await;
        stage.then(face.served((40, 3)));
        assert_eq!(stage.ask(face, &agent).send().await.status, 200);
        let bill = stage.bill(&agent).await;
        assert_eq!(bill.verdict(), ("ok", "reported", 40 * BIG.0 + 3 * BIG.1), "{face:?}");
        assert!(bill.held > MAX_OUTPUT * BIG.1 && (bill.held - MAX_OUTPUT * BIG.1).is_multiple_of(BIG.0));
        assert_eq!(bill.json["model"], "own:big");
        assert_eq!(bill.json["tokens"]["input"], 40);
        assert_eq!(bill.json["tokens"]["output"], 3);
    }
}

#[tokio::test]
async fn a_spent_budget_is_402_on_every_face_and_no_provider_is_asked() {
    let stage = Stage::new().await;
    stage.agent("poor", &blocking("0.0001")).await;
    for face in Face::ALL {
        let reply = stage.ask(face, "poor").send().await;
        reply.assert_refusal(402, "budget_exceeded");
        assert!(reply.words().contains("0.000100 USD"), "{}", reply.words());
        if face.is_openai() {
            assert_eq!(reply.json()["error"]["type"], "insufficient_quota");
        }
    }
    stage.assert_untouched("poor").await;
}

/// The most tokens that the request `{message: "Hi"}` can have, as the hold counts them.
async fn input_bound(stage: &Stage) -> u64 {
    stage.agent("gauge", &json!({})).await;
    stage.then(answer("Hello", Some((10, 5))));
    stage.ask(Face::Chat, "gauge").send().await.ok();
    stage.take_asked();
    (stage.bill("gauge").await.held - MAX_OUTPUT * BIG.1) / BIG.0
}

#[tokio::test]
async fn the_output_limit_shrinks_to_what_is_left_and_the_provider_is_told() {
    let stage = Stage::new().await;
    let bound = input_bound(&stage).await;
    let limit = 600_000;
    for face in Face::ALL {
        let agent = format!("tight-{}-{}", face.path().len(), face.streams());
        stage.agent(&agent, &blocking("0.0006")).await;
        stage.then(face.served((bound, 7)));
        assert_eq!(stage.ask(face, &agent).send().await.status, 200);
        let told = stage.asked_once()["max_tokens"].as_u64().unwrap();
        assert_eq!(told, (limit - bound * BIG.0) / BIG.1, "{face:?}");
        let bill = stage.bill(&agent).await;
        assert_eq!((bill.held, bill.cost), (limit, bound * BIG.0 + 7 * BIG.1));
    }
}

#[tokio::test]
async fn even_a_provider_that_takes_all_it_may_passes_no_cap() {
    let stage = Stage::new().await;
    let bound = input_bound(&stage).await;
    stage.agent("tight", &blocking("0.01")).await;
    let mut served = 0;
    loop {
        // Nothing but what it is told limits this provider.
        stage.then(answer("Hello", Some((0, 0))));
        let reply = stage.ask(Face::Chat, "tight").send().await;
        if reply.status == 402 {
            break;
        }
        reply.ok();
        served += 1;
        let told = stage.asked_once()["max_tokens"].as_u64().unwrap();
        assert!(told <= MAX_OUTPUT);
        let books = stage.books("tight").await;
        let row = &books.ledger[0];
        assert_eq!(row.usage, "estimated", "no count is no bill: {books:#?}");
        assert!(row.cost <= bound * BIG.0 + told * BIG.1);
    }
    assert!(served > 3);
}

#[tokio::test]
async fn a_limit_that_was_asked_for_is_held_and_told() {
    let stage = Stage::new().await;
    let mut held = Vec::new();
    for (n, (field, tokens)) in
        [("max_tokens", 10), ("max_completion_tokens", 30), ("max_tokens", 50_000)].into_iter().enumerate()
    {
        let agent = format!("agent-{n}");
        stage.agent(&agent, &json!({})).await;
        let mut body = Face::Completions.body(&agent);
        body[field] = json!(tokens);
        stage.then(answer("Hello", Some((10, 5))));
        stage.ask(Face::Completions, &agent).json(&body).send().await.ok();
        let told = stage.asked_once()["max_tokens"].as_u64().unwrap();
        assert_eq!(told, MAX_OUTPUT.min(tokens), "no more than the model writes");
        held.push(stage.bill(&agent).await.held);
    }
    assert_eq!(held[1] - held[0], 20 * BIG.1);
    assert_eq!(held[2] - held[0], (MAX_OUTPUT - 10) * BIG.1);
}

#[tokio::test]
async fn several_choices_are_held_for_each_and_share_what_is_left() {
    let stage = Stage::new().await;
    let bound = input_bound(&stage).await;
    let mut body = Face::Completions.body("triage");
    body["n"] = json!(4);
    let choice = |n: u32| json!({"index": n, "message": {"content": "Hello"}, "finish_reason": "stop"});
    let reply = json!({"choices": [choice(0), choice(1), choice(2), choice(3)], "usage": {
        "prompt_tokens": bound, "completion_tokens": 40}});
    let four = || Turn::Replies(crate::support::Script::ok(reply.to_string()));
    stage.then(four());
    let served = stage.ask(Face::Completions, "triage").json(&body).send().await.ok();
    assert_eq!(served["choices"].as_array().unwrap().len(), 4);
    assert_eq!(stage.asked_once()["n"], 4);
    let bill = stage.bill("triage").await;
    assert_eq!((bill.held, bill.cost), (bound * BIG.0 + 4 * MAX_OUTPUT * BIG.1, bound * BIG.0 + 40 * BIG.1));

    stage.agent("tight", &blocking("0.001")).await;
    stage.then(four());
    body["model"] = json!("tight");
    stage.ask(Face::Completions, "tight").json(&body).send().await.ok();
    let told = stage.asked_once()["max_tokens"].as_u64().unwrap();
    assert_eq!(told, (1_000_000 - bound * BIG.0) / BIG.1 / 4);
    assert_eq!(stage.bill("tight").await.held, 1_000_000);
}

#[tokio::test]
async fn notify_lets_calls_through_and_records_the_crossing() {
    let stage = Stage::new().await;
    let budget = json!({"limit_usd": "0.000001", "period": "day", "action": "notify"});
    stage.agent("loose", &json!({"budget": budget})).await;
    for _ in 0..2 {
        stage.then(answer("Hello", Some((10, 5))));
        stage.ask(Face::Chat, "loose").send().await.ok();
        stage.api.world.settled().await;
    }
    let books = stage.books("loose").await;
    assert_eq!((books.ledger.len(), books.settled), (2, 2 * (10 * BIG.0 + 5 * BIG.1)));
    let standing = stage.api.get("/api/v1/agents/loose/budget").key(&stage.acme.member).send().await.ok();
    assert!(standing["crossed_at"].is_string(), "{standing}");
}

/// Rows from before a public agent's budget had to block, and versions that come back.
#[tokio::test]
async fn a_public_agent_is_stopped_at_its_limit_whatever_its_row_says() {
    let stage = Stage::new().await;
    let budget = json!({"limit_usd": "0.000001", "period": "day", "action": "block"});
    stage.agent("open", &json!({"budget": budget, "access": "public"})).await;
    stage.write("UPDATE agents SET budget_action = 'notify' WHERE account_id = ?1 AND slug = 'open'");
    stage.ask(Face::Chat, "open").anonymous().send().await.assert_refusal(402, "budget_exceeded");
    stage.assert_untouched("open").await;
}

#[tokio::test]
async fn a_new_day_brings_a_new_budget() {
    let stage = Stage::new().await;
    let budget = json!({"limit_usd": "0.0006", "period": "day"});
    stage.agent("daily", &json!({"budget": budget})).await;
    stage.then(answer("Hello", Some((100, 200))));
    stage.ask(Face::Chat, "daily").send().await.ok();
    stage.api.world.settled().await;
    stage.ask(Face::Chat, "daily").send().await.assert_refusal(402, "budget_exceeded");
    stage.api.world.clock().advance(12 * 60 * 60 * 1_000);
    stage.then(answer("Hello", Some((10, 5))));
    stage.ask(Face::Chat, "daily").send().await.ok();
}

#[tokio::test]
async fn a_model_without_a_price_is_refused_under_a_budget_and_only_there() {
    let stage = Stage::new().await;
    stage.agent("dark", &json!({"model": "own:unpriced"})).await;
    for face in Face::ALL {
        let reply = stage.ask(face, "dark").send().await;
        reply.assert_refusal(422, "unpriced_model");
        assert!(reply.words().contains("PUT /api/v1/models/own/unpriced"), "{}", reply.words());
    }
    stage.assert_untouched("dark").await;
    stage.agent("free", &json!({"model": "own:unpriced", "budget": null})).await;
    stage.then(answer("Hello", Some((10, 5))));
    let reply = stage.ask(Face::Chat, "free").send().await.ok();
    assert_eq!(reply["cost_usd"], "0.000000");
    assert!(stage.asked_once()["max_tokens"].is_null(), "nobody asked for a limit");
}

/// The platform bills its key by its catalogue: what is not there it would pay for itself.
#[tokio::test]
async fn what_the_platform_pays_is_in_its_catalogue_or_refused() {
    let stage = Stage::new().await;
    for name in ["openai", "gemini"] {
        stage.api.world.offer(name, None, Some("sk-of-the-platform"));
    }
    for line in ["openai:o1-pro", "gemini:models/gemini-none"] {
        stage.change("triage", &json!({"model": line, "budget": null})).await;
        let reply = stage.ask(Face::Chat, "triage").send().await;
        reply.assert_refusal(422, "unpriced_model");
        assert!(reply.words().contains("catalogue"), "{}", reply.words());
    }
    assert!(stage.take_asked().is_empty());
    // A binding is the platform's under whatever name.
    let body = json!({"wire": "workers-ai"});
    let put = stage.api.put("/api/v1/providers/mine").key(&stage.acme.admin).json(&body).send().await;
    assert!(put.status.is_success(), "{put:?}");
    stage.change("triage", &json!({"model": "mine:@cf/no/such"})).await;
    stage.ask(Face::Chat, "triage").send().await.assert_refusal(422, "unpriced_model");
    // Another entry of the line answers.
    stage.change("triage", &json!({"model": "openai:o1-pro, own:big"})).await;
    stage.then(answer("Hello", Some((10, 5))));
    stage.ask(Face::Chat, "triage").send().await.ok();
}

#[tokio::test]
async fn one_call_too_many_at_once_is_429_and_says_when_to_come_back() {
    let stage = Stage::new().await;
    stage.agent("narrow", &json!({"max_concurrency": 1})).await;
    stage.then(Turn::Hangs);
    let hanging = stage.clone();
    let first = tokio::spawn(async move { hanging.ask(Face::Chat, "narrow").open().await.status() });
    stage.until_asked(1).await;
    for face in Face::ALL {
        let reply = stage.ask(face, "narrow").send().await;
        reply.assert_refusal(429, "concurrency_exceeded");
        assert_eq!(reply.header("retry-after"), "1");
    }
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    stage.upstream().hang_up();
    let bill = stage.bill("narrow").await;
    assert_eq!((bill.usage.as_str(), bill.cost), ("missing", bill.held), "the provider may have run");
    assert_eq!(bill.status, if is_workerd() { "upstream_error" } else { "interrupted" });
    stage.then(answer("Hello", Some((10, 5))));
    stage.ask(Face::Chat, "narrow").send().await.ok();
}

#[tokio::test]
async fn calls_at_once_never_hold_more_than_the_cap() {
    let stage = Stage::new().await;
    stage.agent("busy", &blocking("0.01")).await;
    let calls = (0..40).map(|n| {
        stage.then(if n % 7 == 0 { status(500, "boom") } else { answer("Hello", Some((50, 100))) });
        let stage = stage.clone();
        tokio::spawn(async move { stage.ask(Face::Chat, "busy").send().await.status.as_u16() })
    });
    let calls: Vec<_> = calls.collect();
    let mut statuses = Vec::new();
    for call in calls {
        statuses.push(call.await.unwrap());
    }
    assert!(statuses.iter().all(|status| [200, 402, 502].contains(status)), "{statuses:?}");
    let served = statuses.iter().filter(|status| **status == 200).count() as u64;
    let books = stage.books("busy").await;
    assert_eq!((books.settled, books.held), (served * (50 * BIG.0 + 100 * BIG.1), 0));
    assert!(served > 0);
}
