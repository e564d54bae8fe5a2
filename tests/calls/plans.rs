//! The limits of the account's plan as a caller meets them.

use retinue::domain::admission::ask::InspectAccount;
use serde_json::json;

use crate::ask::Face;
use crate::provider::{answer, lost, status};
use crate::stage::{BIG, Stage};
use crate::support::Turn;

const MINUTE_MS: i64 = 60_000;

async fn serve(stage: &Stage, agent: &str) -> crate::ask::Reply {
    stage.then(answer("Hello", Some((10, 5))));
    let reply = stage.ask(Face::Chat, agent).send().await;
    reply.ok();
    stage.api.world.settled().await;
    reply
}

#[tokio::test]
async fn a_call_too_many_in_a_minute_is_429_on_every_face_and_says_when_to_come_back() {
    let stage = Stage::new().await;
    stage.agent("second", &json!({"budget": null})).await;
    stage.limit("calls_per_minute = 2");
    let first = serve(&stage, "triage").await;
    assert_eq!(first.header("ratelimit-policy"), r#""calls";q=2;w=60"#);
    assert_eq!(first.header("ratelimit"), r#""calls";r=1;t=60"#);
    stage.api.world.clock().advance(20_500);
    let second = serve(&stage, "second").await;
    assert_eq!(second.header("ratelimit"), r#""calls";r=0;t=40"#, "all agents of the account count");
    stage.take_asked();
    stage.api.world.clock().advance(28_000);
    for face in Face::ALL {
        let reply = stage.ask(face, "triage").send().await;
        reply.assert_refusal(429, "rate_limited");
        assert!(reply.words().contains("plan allows 2 calls a minute"), "{}", reply.words());
        assert_eq!(reply.header("retry-after"), "12");
        assert_eq!(reply.header("ratelimit-policy"), r#""calls";q=2;w=60"#);
        assert_eq!(reply.header("ratelimit"), r#""calls";r=0;t=12"#);
        if face.is_openai() {
            assert_eq!(reply.json()["error"]["type"], "rate_limit_error");
        }
    }
    assert!(stage.take_asked().is_empty(), "no provider was asked");
    stage.api.world.clock().advance(11_500);
    serve(&stage, "triage").await;
    stage.ask(Face::Chat, "triage").send().await.assert_refusal(429, "rate_limited");
    stage.api.world.clock().advance(MINUTE_MS);
    serve(&stage, "triage").await;
    serve(&stage, "second").await;
}

#[tokio::test]
async fn a_page_may_read_when_to_come_back() {
    let stage = Stage::new().await;
    stage.agent("web", &json!({"access": "public"})).await;
    stage.limit("calls_per_minute = 0");
    let ask = stage.ask(Face::Chat, "web").anonymous().header("origin", "https://shop.example");
    let reply = ask.send().await;
    reply.assert_refusal(429, "rate_limited");
    assert_eq!(reply.header("retry-after"), "60");
    let exposed = reply.header("access-control-expose-headers");
    assert!(
        ["retry-after", "ratelimit", "ratelimit-policy"].iter().all(|name| exposed.contains(name)),
        "{exposed}"
    );
}

#[tokio::test]
async fn where_no_limit_is_set_none_is_told() {
    let stage = Stage::new().await;
    for n in 0..3 {
        if n == 1 {
            stage.limit("concurrent_calls = 5");
        }
        let reply = serve(&stage, "triage").await;
        assert_eq!((reply.header("ratelimit"), reply.header("ratelimit-policy")), ("", ""));
    }
}

#[tokio::test]
async fn accounts_of_one_plan_do_not_share_its_limits() {
    let stage = Stage::new().await;
    let other = stage.neighbour("zeta").await;
    let zeta = || {
        let ask = stage.ask(Face::Chat, "triage").path("/accounts/zeta/agents/triage/chat");
        ask.key(&other.acme.caller)
    };
    stage.limit("calls_per_minute = 1, monthly_spend = 3000000");
    other.limit("calls_per_minute = 1, monthly_spend = 3000000");
    serve(&stage, "triage").await;
    stage.ask(Face::Chat, "triage").send().await.assert_refusal(429, "rate_limited");
    stage.then(answer("Hello", Some((10, 5))));
    zeta().send().await.ok();
    zeta().send().await.assert_refusal(429, "rate_limited");
}

#[tokio::test]
async fn another_attempt_is_no_other_call() {
    let stage = Stage::new().await;
    stage.agent("careful", &json!({"model": "own:big, other:small", "budget": null})).await;
    stage.limit("calls_per_minute = 1, concurrent_calls = 1, monthly_spend = 1000000000");
    stage.then(lost()).then(answer("Hello", Some((10, 5))));
    let reply = stage.ask(Face::Chat, "careful").send().await.ok();
    assert_eq!(reply["model"], "other:small");
}

#[tokio::test]
async fn all_agents_together_spend_no_more_than_the_plan_allows_in_a_month() {
    let stage = Stage::new().await;
    stage.agent("first", &json!({"budget": null})).await;
    stage.agent("second", &json!({"budget": null})).await;
    let limit = 1_000_000;
    stage.limit(&format!("monthly_spend = {limit}"));
    let mut left = limit;
    let mut served = 0;
    for agent in ["first", "second", "triage"].iter().cycle() {
        // Nothing but what it is told limits this provider.
        stage.then(answer("Hello", Some((100, 50))));
        let reply = stage.ask(Face::Chat, agent).send().await;
        stage.api.world.settled().await;
        if reply.status == 402 {
            break;
        }
        reply.ok();
        served += 1;
        let told = stage.asked_once()["max_tokens"].as_u64().unwrap();
        assert!(told * BIG.1 <= left, "{told} tokens of {left}");
        left -= 100 * BIG.0 + 50 * BIG.1;
        // Slices are given back while it is quiet; the rest survives.
        stage.api.world.clock().advance(2_000);
        stage.api.world.objects().quiet(stage.acme.id);
        stage.api.world.objects().crash(stage.acme.id);
    }
    assert!(served > 2, "{served}");
    for face in Face::ALL {
        let reply = stage.ask(face, "second").send().await;
        reply.assert_refusal(402, "budget_exceeded");
        assert!(reply.words().contains("plan's monthly spend of 0.001000 USD"), "{}", reply.words());
    }
    let spend = retinue::ports::Accounts::ask(stage.api.world.objects(), stage.acme.id, InspectAccount)
        .await
        .unwrap();
    assert_eq!((spend.settled.get() + left, spend.held.get()), (limit, 0));
    stage.api.world.clock().advance(10 * 24 * 60 * MINUTE_MS);
    serve(&stage, "second").await;
}

#[tokio::test]
async fn one_call_too_many_at_once_for_the_plan_is_429() {
    let stage = Stage::new().await;
    stage.agent("second", &json!({"budget": null})).await;
    stage.limit("concurrent_calls = 1");
    stage.then(Turn::Hangs);
    let hanging = stage.clone();
    let first = tokio::spawn(async move { hanging.ask(Face::Chat, "triage").open().await.status() });
    stage.until_asked(1).await;
    for face in Face::ALL {
        let reply = stage.ask(face, "second").send().await;
        reply.assert_refusal(429, "concurrency_exceeded");
        assert!(reply.words().contains("plan allows at most 1 calls at once"), "{}", reply.words());
        assert_eq!(reply.header("retry-after"), "1");
    }
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    stage.upstream().hang_up();
    stage.api.world.settled().await;
    serve(&stage, "second").await;
}

#[tokio::test]
async fn a_model_without_a_price_is_refused_where_the_plan_limits_what_is_spent() {
    let stage = Stage::new().await;
    stage.agent("free", &json!({"model": "own:unpriced", "budget": null})).await;
    stage.limit("monthly_spend = 1000000");
    for face in Face::ALL {
        let reply = stage.ask(face, "free").send().await;
        reply.assert_refusal(422, "unpriced_model");
        assert!(reply.words().contains("PUT /api/v1/models/own/unpriced"), "{}", reply.words());
    }
    stage.limit("calls_per_minute = 100");
    serve(&stage, "free").await;
}

#[tokio::test]
async fn a_failed_call_counts_in_its_minute() {
    let stage = Stage::new().await;
    stage.limit("calls_per_minute = 1");
    stage.then(status(500, "boom"));
    stage.ask(Face::Chat, "triage").send().await.assert_refusal(502, "upstream_error");
    stage.ask(Face::Chat, "triage").send().await.assert_refusal(429, "rate_limited");
}
