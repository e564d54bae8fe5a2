//! What callers without a key read of a public agent: nothing of its account's money, limits, providers and settings.

use axum::http::Method;
use serde_json::json;

use crate::ask::{Face, Reply};
use crate::provider::{delta, frame, hello, status, stream, timeout, unreachable};
use crate::stage::Stage;
use crate::support::{Script, Turn};

/// What only the account's own may read: how money, limits, providers, models, and what is done about them are named.
const WITHHELD: [&str; 12] = [
    "USD",
    "budget of",
    "plan",
    "provider",
    "own",
    "big",
    "other",
    "small",
    "/api/",
    "admin",
    "catalogue",
    "suspended",
];

fn assert_withheld(reply: &Reply) {
    let words = reply.words();
    for word in WITHHELD {
        assert!(!words.contains(word), "`{word}` is nothing of a stranger's: {words}");
    }
    assert!(reply.header("ratelimit").is_empty() && reply.header("ratelimit-policy").is_empty());
}

async fn public(stage: &Stage, fields: serde_json::Value) {
    let mut all =
        json!({"access": "public", "budget": {"limit_usd": "1", "period": "day", "action": "block"}});
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    stage.agent("open", &all).await;
}

#[tokio::test]
async fn a_stranger_reads_of_the_call_alone_why_it_is_refused() {
    type Refuse = fn() -> Turn;
    let refusals: [(Refuse, u16, &str); 7] = [
        (|| status(401, "wrong key of own"), 424, "upstream_denied"),
        (|| status(402, "pay"), 424, "upstream_denied"),
        (|| status(404, "no big"), 424, "upstream_denied"),
        (|| status(429, "busy"), 429, "upstream_rate_limited"),
        (|| status(500, "boom"), 502, "upstream_error"),
        (timeout, 504, "upstream_timeout"),
        (unreachable, 502, "upstream_error"),
    ];
    for (turn, code, slug) in refusals {
        for face in Face::ALL {
            let stage = Stage::new().await;
            public(&stage, json!({})).await;
            stage.then(turn()).then(turn());
            let strange = stage.ask(face, "open").anonymous().send().await;
            strange.assert_refusal(code, slug);
            assert_withheld(&strange);
            let known = stage.ask(face, "open").send().await;
            known.assert_refusal(code, slug);
            let is_said = known.words().contains("own") || known.words().contains("provider");
            assert!(is_said, "the account's own read why: {}", known.words());
        }
    }
}

#[tokio::test]
async fn a_stranger_reads_no_words_of_the_provider_and_its_code() {
    let refusal = json!({"error": {"message": "big of org-7 takes less", "code": "string_above_max_length"}});
    for face in Face::ALL {
        let stage = Stage::new().await;
        public(&stage, json!({})).await;
        stage.then(Turn::Replies(Script::status(400, refusal.to_string())));
        let strange = stage.ask(face, "open").anonymous().send().await;
        assert_eq!(strange.status, 400);
        assert_withheld(&strange);
        assert!(strange.text().contains("string_above_max_length"), "{}", strange.text());
    }
}

#[tokio::test]
async fn a_stranger_reads_nothing_of_money_and_limits() {
    for face in Face::ALL {
        let stage = Stage::new().await;
        public(&stage, json!({"budget": {"limit_usd": "0.000001", "period": "day", "action": "block"}}))
            .await;
        let spent = stage.ask(face, "open").anonymous().send().await;
        spent.assert_refusal(402, "budget_exceeded");
        assert_withheld(&spent);
        let known = stage.ask(face, "open").send().await;
        assert!(known.words().contains("0.000001 USD"), "{}", known.words());

        let stage = Stage::new().await;
        public(&stage, json!({"model": "own:unpriced"})).await;
        let unpriced = stage.ask(face, "open").anonymous().send().await;
        unpriced.assert_refusal(422, "unpriced_model");
        assert_withheld(&unpriced);

        let stage = Stage::new().await;
        public(&stage, json!({})).await;
        stage.limit("calls_per_minute = 1");
        stage.then(hello((40, 3)));
        let served = stage.ask(face, "open").anonymous().send().await;
        assert_eq!(served.status, 200);
        assert!(served.header("ratelimit").is_empty(), "what is left is the account's");
        let limited = stage.ask(face, "open").anonymous().send().await;
        limited.assert_refusal(429, "rate_limited");
        assert!(!limited.header("retry-after").is_empty());
        assert_withheld(&limited);
    }
}

#[tokio::test]
async fn a_stranger_reads_nothing_of_an_agents_life_and_line() {
    let stage = Stage::new().await;
    public(&stage, json!({})).await;
    let body = json!({"model": "gpt-9", "messages": [{"role": "user", "content": "Hi"}]});
    let other = stage.ask(Face::Completions, "open").json(&body).anonymous().send().await;
    assert_eq!(other.status, 404);
    assert!(other.words().contains("`open`") && !other.words().contains("big"), "{}", other.words());
    stage.write("UPDATE agents SET status = 'inactive' WHERE account_id = ?1 AND slug = 'open'");
    for face in Face::ALL {
        let asleep = stage.ask(face, "open").anonymous().send().await;
        asleep.assert_refusal(403, "agent_not_active");
        assert_withheld(&asleep);
        // Whoever presents a key that is none is a stranger, too.
        let mistaken = stage.ask(face, "open").key("rk_no_key_at_all").send().await;
        assert_withheld(&mistaken);
    }
}

#[tokio::test]
async fn a_page_that_may_not_call_reads_nothing_of_how_it_is_set() {
    let stage = Stage::new().await;
    public(&stage, json!({"allowed_origins": ["https://shop.example"]})).await;
    for face in Face::ALL {
        let ask = || stage.ask(face, "open").header("origin", "https://evil.example");
        let strange = ask().anonymous().send().await;
        strange.assert_refusal(403, "origin_not_allowed");
        assert_withheld(&strange);
        assert!(!strange.words().contains("allowed_origins"), "{}", strange.words());
        let known = ask().send().await;
        assert!(known.words().contains("add the origin to its allowed_origins"), "{}", known.words());
    }
}

#[tokio::test]
async fn a_stream_that_breaks_says_no_more_to_a_stranger() {
    let error = json!({"error": {"message": "own has no capacity for big", "code": 503}});
    for face in [Face::Stream, Face::CompletionsStream] {
        let stage = Stage::new().await;
        public(&stage, json!({})).await;
        stage.then(stream([delta("Hel"), frame(&error)]));
        let reply = stage.ask(face, "open").anonymous().send().await;
        assert_eq!(reply.status, 200);
        let (_, last) = reply.events().pop().unwrap();
        assert!(last.contains("error") || last.contains("upstream"), "{last}");
        assert!(!last.contains("`own`") && !last.contains("capacity"), "{last}");
    }
}

#[tokio::test]
async fn a_run_says_no_more_to_whoever_holds_its_threads_token() {
    let stage = Stage::new().await;
    public(&stage, json!({})).await;
    let at = "/accounts/acme/agents/open/threads";
    let made = stage.request(Method::POST, at).anonymous().json(&json!({})).send().await;
    let made = made.json();
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    stage.then(status(401, "wrong key of own"));
    let run = stage.request(Method::POST, &format!("{at}/{id}/runs")).key(token);
    let run = run.json(&json!({"message": "Hi"})).send().await.json();
    assert_eq!((&run["status"], &run["error"]["code"]), (&json!("failed"), &json!("upstream_denied")));
    assert!(!run["error"]["message"].as_str().unwrap().contains("provider"), "{run}");
    let steps = format!("/accounts/acme/agents/open/runs/{}/steps", run["id"].as_str().unwrap());
    let steps = stage.request(Method::GET, &steps).key(token).send().await;
    assert!(!steps.text().contains("provider `"), "{}", steps.text());
}
