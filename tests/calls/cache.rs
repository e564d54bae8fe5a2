//! Answers that are kept for requests that come again: who gets one, what it costs, and what is another request.

use std::time::{Duration, Instant};

use axum::http::Method;
use retinue::ports::World;
use serde_json::{Value, json};

use crate::ask::{Ask, Face, Reply};
use crate::provider::{answer, count, cut, delta, done, finish, frame, hello, status, stream};
use crate::stage::{BIG, Stage};
use crate::support::{FakeReplies, OPERATOR, Script, Turn, is_workerd};

/// What `(40, 3)` tokens of `own:big` cost.
const COST: u64 = 40 * BIG.0 + 3 * BIG.1;
const TTL_S: u32 = 60;

/// A stage with an agent `again` that keeps its answers for a minute.
async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage.agent("again", &json!({"cache": {"ttl_s": TTL_S}})).await;
    stage
}

fn replies(stage: &Stage) -> &FakeReplies {
    stage.api.world.replies()
}

impl Reply {
    /// What it says of the cache: in its head, and in its last words or its body.
    fn cached(&self) -> (&str, bool) {
        (self.header("x-cache"), self.text().contains(r#""cached":true"#))
    }

    #[track_caller]
    fn assert_miss(&self) {
        assert_eq!((self.status.as_u16(), self.cached()), (200, ("miss", false)), "{}", self.text());
    }

    #[track_caller]
    fn assert_hit(&self) {
        assert_eq!((self.status.as_u16(), self.cached()), (200, ("hit", true)), "{}", self.text());
    }
}

/// Asks once, and waits until `kept` answers are kept in all.
async fn ask_first(stage: &Stage, ask: Ask<'_>, turn: Turn, kept: usize) -> Reply {
    stage.then(turn);
    let reply = ask.send().await;
    reply.assert_miss();
    replies(stage).until(kept).await;
    assert_eq!(stage.take_asked().len(), 1);
    reply
}

/// Keeps the answer `Hello` of `again` to the usual question, through `/chat`.
async fn keep_hello(stage: &Stage) {
    ask_first(stage, stage.ask(Face::Chat, "again"), answer("Hello", Some((40, 3))), 1).await;
}

/// Asks what was asked before; the provider is asked all the same.
async fn assert_asks_again(stage: &Stage, ask: Ask<'_>) {
    stage.then(answer("Again", Some((40, 3))));
    ask.send().await.assert_miss();
    assert_eq!(stage.take_asked().len(), 1);
}

/// The whole text of an answer through any face.
fn said(face: Face, reply: &Reply) -> String {
    let delta = |(_, data): (String, String)| {
        let chunk: Value = serde_json::from_str(&data).unwrap_or_default();
        let text = chunk["text"].as_str().or(chunk["choices"][0]["delta"]["content"].as_str());
        text.unwrap_or_default().to_owned()
    };
    match face {
        Face::Chat => reply.json()["message"].as_str().unwrap().to_owned(),
        Face::Completions => reply.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned(),
        Face::Stream | Face::CompletionsStream => reply.events().into_iter().map(delta).collect(),
    }
}

#[tokio::test]
async fn the_same_question_is_answered_again_through_every_face_at_no_cost() {
    for face in Face::ALL {
        let stage = stage().await;
        let first = ask_first(&stage, stage.ask(face, "again"), face.served((40, 3)), 1).await;
        stage.api.world.clock().advance(1_000);
        let again = stage.ask(face, "again").send().await;
        again.assert_hit();
        assert!(stage.take_asked().is_empty(), "no provider was asked");
        assert_eq!((said(face, &first), said(face, &again)), ("Hello".into(), "Hello".into()));
        assert_eq!((again.header("x-model"), again.header("x-agent-version")), ("own:big", "1"));
        assert_ne!(again.header("x-call-id"), first.header("x-call-id"));
        let books = stage.books("again").await;
        let rows: Vec<_> = books.ledger.iter().map(|row| (row.verdict(), row.held)).collect();
        assert_eq!(rows[0], (("ok", "reported", 0), 0), "{face:?}");
        assert_eq!(rows[1].0, ("ok", "reported", COST), "{face:?}");
        assert_eq!((rows.len(), books.settled, books.held), (2, COST, 0));
        assert_eq!(books.ledger[0].json["model"], "own:big");
    }
}

#[tokio::test]
async fn a_kept_answer_says_that_it_used_nothing() {
    let stage = stage().await;
    keep_hello(&stage).await;
    let native = stage.ask(Face::Chat, "again").send().await.ok();
    assert_eq!((&native["cached"], &native["cost_usd"]), (&json!(true), &json!("0.000000")));
    assert_eq!((&native["usage"]["input_tokens"], &native["usage"]["output_tokens"]), (&json!(0), &json!(0)));
    assert_eq!(native["model"], "own:big");
    let done = stage.ask(Face::Stream, "again").send().await.events().pop().unwrap();
    let done: Value = serde_json::from_str(&done.1).unwrap();
    assert_eq!((&done["cached"], &done["cost_usd"]), (&json!(true), &json!("0.000000")));
    let mut body = Face::CompletionsStream.body("again");
    body["stream_options"] = json!({"include_usage": true});
    let ask = || stage.ask(Face::CompletionsStream, "again").json(&body);
    ask_first(&stage, ask(), hello((40, 3)), 2).await;
    let chunks = ask().send().await.events();
    let last: Value = serde_json::from_str(&chunks[chunks.len() - 2].1).unwrap();
    assert_eq!((&last["usage"]["total_tokens"], &last["usage"]["cost_usd"]), (&json!(0), &json!("0.000000")));
    assert_eq!(last["cached"], true);
}

#[tokio::test]
async fn a_whole_answer_is_given_again_as_a_stream_and_a_stream_whole() {
    let stage = stage().await;
    keep_hello(&stage).await;
    let streamed = stage.ask(Face::Stream, "again").send().await;
    streamed.assert_hit();
    assert_eq!(said(Face::Stream, &streamed), "Hello");
    let other = |face| stage.ask(face, "again").json(&json!({"message": "Bye"}));
    ask_first(&stage, other(Face::Stream), hello((40, 3)), 2).await;
    let whole = other(Face::Chat).send().await;
    whole.assert_hit();
    assert_eq!(said(Face::Chat, &whole), "Hello");
    assert!(stage.take_asked().is_empty(), "no provider was asked");
}

#[tokio::test]
async fn a_kept_answer_has_all_that_the_model_said() {
    let call = |index: u32, id: &str| json!({"index": index, "id": id, "type": "function", "function": {"name": "look", "arguments": "{\"q\":1}"}});
    let chunk =
        |delta: Value| frame(&json!({"choices": [{"index": 0, "delta": delta}], "system_fingerprint": "fp"}));
    let pieces = [
        chunk(json!({"reasoning_content": "Hm."})),
        chunk(json!({"content": "I look"})),
        chunk(json!({"tool_calls": [call(0, "c1")]})),
        chunk(json!({"tool_calls": [call(1, "c2")]})),
        frame(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})),
        count((40, 3)),
        done(),
    ];
    let stage = stage().await;
    let mut body = Face::CompletionsStream.body("again");
    body["tools"] =
        json!([{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]);
    body["top_k"] = json!(7);
    let ask = || stage.ask(Face::CompletionsStream, "again").json(&body);
    let first = ask_first(&stage, ask(), stream(pieces), 1).await;
    let again = ask().send().await;
    again.assert_hit();
    let joined = |reply: &Reply| {
        let mut all = Value::Null;
        let (mut text, mut thought, mut calls) = (String::new(), String::new(), Vec::new());
        for (_, data) in reply.events() {
            let Ok(chunk) = serde_json::from_str::<Value>(&data) else { continue };
            let choice = &chunk["choices"][0];
            text += choice["delta"]["content"].as_str().unwrap_or_default();
            thought += choice["delta"]["reasoning_content"].as_str().unwrap_or_default();
            for call in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
                calls.push((call["index"].clone(), call["id"].clone(), call["function"].clone()));
            }
            if choice["finish_reason"].is_string() {
                all = json!([choice["finish_reason"], chunk["warnings"], chunk["system_fingerprint"]]);
            }
        }
        let ids: Vec<Value> =
            calls.iter().filter(|call| call.1.is_string()).map(|call| call.1.clone()).collect();
        let arguments = |index: u32| {
            let of = calls.iter().filter(|call| call.0 == index);
            of.map(|call| call.2["arguments"].as_str().unwrap()).collect::<String>()
        };
        (text, thought, ids, arguments(0), arguments(1), all)
    };
    assert_eq!(joined(&first), joined(&again));
    assert_eq!(joined(&again).2, ["c1", "c2"]);
    assert_eq!(again.header("x-warnings"), first.header("x-warnings"));
}

#[tokio::test]
async fn an_agent_whose_budget_is_used_up_still_gives_what_it_kept() {
    let stage = stage().await;
    keep_hello(&stage).await;
    stage.books("again").await;
    // Used up to the last nano-dollar, and then more than used up.
    for limit in [COST, COST / 2] {
        let usd = format!("0.{limit:09}");
        stage.set_budget("again", &json!({"limit_usd": usd, "period": "total"})).await;
        stage.ask(Face::Chat, "again").send().await.assert_hit();
        let other = stage.ask(Face::Chat, "again").json(&json!({"message": "Bye"})).send().await;
        other.assert_refusal(402, "budget_exceeded");
        assert_eq!(other.header("x-cache"), "");
    }
    stage.set_budget("again", &json!({"limit_usd": "1", "period": "total"})).await;
    let books = stage.books("again").await;
    assert_eq!((books.ledger.len(), books.settled), (3, COST), "a refused call has no row");
}

#[tokio::test]
async fn what_is_kept_counts_among_the_calls_a_minute() {
    let stage = stage().await;
    stage.limit("calls_per_minute = 2");
    keep_hello(&stage).await;
    stage.ask(Face::Chat, "again").send().await.assert_hit();
    stage.ask(Face::Chat, "again").send().await.assert_refusal(429, "rate_limited");
}

#[tokio::test]
async fn an_agent_without_it_is_asked_each_time_and_says_nothing_of_it() {
    let stage = stage().await;
    for _ in 0..2 {
        stage.then(answer("Hello", Some((40, 3))));
        let reply = stage.ask(Face::Chat, "triage").send().await;
        assert_eq!(reply.cached(), ("", false));
        assert!(reply.ok().get("cached").is_none());
    }
    stage.books("triage").await;
    stage.take_asked();
    assert!(replies(&stage).kept().is_empty());
    let off = json!({"cache": null});
    keep_hello(&stage).await;
    let path = "/api/v1/agents/again";
    let patched = stage.api.request(Method::PATCH, path).key(&stage.acme.admin).json(&off).send().await.ok();
    assert_eq!((&patched["cache"], &patched["version"]), (&Value::Null, &json!(2)));
    stage.then(answer("New", Some((40, 3))));
    assert_eq!(stage.ask(Face::Chat, "again").send().await.cached(), ("", false));
}

#[tokio::test]
async fn another_body_version_or_agent_is_another_request() {
    let stage = stage().await;
    keep_hello(&stage).await;
    assert_asks_again(&stage, stage.ask(Face::Chat, "again").json(&json!({"message": "Hi!"}))).await;
    assert_asks_again(&stage, stage.ask(Face::Completions, "again")).await;
    stage.agent("twin", &json!({"cache": {"ttl_s": TTL_S}})).await;
    assert_asks_again(&stage, stage.ask(Face::Chat, "twin")).await;
    stage.change("again", &json!({"instructions": "Be brief.", "cache": {"ttl_s": TTL_S}})).await;
    let elsewhere = stage.elsewhere();
    assert_asks_again(&stage, elsewhere.ask(Face::Chat, "again")).await;
}

#[tokio::test]
async fn an_alias_that_stands_for_another_model_is_another_request() {
    let stage = stage().await;
    let put = async |line: &str| {
        let put = stage.api.put("/api/v1/aliases/fast").key(&stage.acme.admin);
        assert!(put.json(&json!({"model": line})).send().await.status.is_success());
    };
    put("own:big").await;
    stage.agent("aliased", &json!({"model": "fast", "cache": {"ttl_s": TTL_S}})).await;
    let ask = || stage.ask(Face::Chat, "aliased");
    ask_first(&stage, ask(), answer("Hello", Some((40, 3))), 1).await;
    ask().send().await.assert_hit();
    for line in ["other:small", "own:big?temperature=0.2"] {
        put(line).await;
        assert_asks_again(&stage, ask()).await;
    }
    put("own:big").await;
    ask().send().await.assert_hit();
    // The same names, and another server behind them.
    stage.provider("own", "https://moved.example.com/v1", None).await;
    assert_asks_again(&stage, ask()).await;
}

#[tokio::test]
async fn a_server_that_takes_something_else_is_another_request() {
    let stage = stage().await;
    keep_hello(&stage).await;
    let own = json!({
        "wire": "openai", "base_url": "https://own.example.com/v1", "dialect": {"user": false},
    });
    let put = stage.api.put("/api/v1/providers/own").key(&stage.acme.admin).json(&own).send().await;
    assert!(put.status.is_success(), "{put:?}");
    assert_asks_again(&stage, stage.ask(Face::Chat, "again")).await;
}

#[tokio::test]
async fn what_fills_the_instructions_makes_another_request() {
    let stage = stage().await;
    let fields = json!({
        "instructions": "Be {{tone}}; {{company}}.", "cache": {"ttl_s": TTL_S},
        "config": {"variables": {"tone": "dry", "company": "Acme"}},
    });
    stage.agent("filled", &fields).await;
    let ask = |tone: &str| {
        let body = json!({"message": "Hi", "variables": {"tone": tone}});
        stage.ask(Face::Chat, "filled").json(&body)
    };
    ask_first(&stage, ask("dry"), answer("Hello", Some((40, 3))), 1).await;
    ask("dry").send().await.assert_hit();
    assert_asks_again(&stage, ask("warm")).await;
}

#[tokio::test]
async fn every_key_that_may_call_shares_what_is_kept_and_no_other_account_does() {
    let stage = stage().await;
    keep_hello(&stage).await;
    stage.ask(Face::Chat, "again").key(&stage.acme.member).send().await.assert_hit();
    let refused = stage.ask(Face::Chat, "again").anonymous().send().await;
    refused.assert_refusal(401, "unauthenticated");
    let other = stage.neighbour("globex").await;
    other.agent("again", &json!({"cache": {"ttl_s": TTL_S}})).await;
    let theirs = other.ask(Face::Chat, "again").path("/accounts/globex/agents/again/chat");
    assert_asks_again(&stage, theirs).await;
}

#[tokio::test]
async fn whoever_may_no_longer_call_gets_nothing_that_is_kept() {
    let stage = stage().await;
    keep_hello(&stage).await;
    let admin = &stage.acme.admin;
    let key = stage.api.issue("acme", &json!({"name": "guest", "role": "caller"})).await;
    stage.ask(Face::Chat, "again").key(&key).send().await.assert_hit();
    let keys = stage.api.get("/api/v1/accounts/acme/keys").key(admin).send().await.ok();
    let of_guest = |key: &&Value| key["name"] == "guest";
    let id =
        keys["data"].as_array().unwrap().iter().find(of_guest).unwrap()["id"].as_str().unwrap().to_owned();
    stage.api.delete(&format!("/api/v1/accounts/acme/keys/{id}")).key(admin).send().await.no_content();
    stage.ask(Face::Chat, "again").key(&key).send().await.assert_refusal(401, "unauthenticated");

    let status = async |status: &str| {
        let moved = stage.api.post("/api/v1/agents/again/status").key(admin).json(&json!({"status": status}));
        moved.send().await.ok();
    };
    status("inactive").await;
    stage.ask(Face::Chat, "again").send().await.assert_refusal(403, "agent_not_active");
    status("active").await;
    stage.ask(Face::Chat, "again").send().await.assert_hit();
    let suspended = json!({"status": "suspended"});
    let path = "/api/v1/accounts/acme";
    stage.api.request(Method::PATCH, path).key(OPERATOR).json(&suspended).send().await.ok();
    stage.ask(Face::Chat, "again").send().await.assert_refusal(403, "forbidden");
}

#[tokio::test]
async fn an_answer_of_an_entry_that_stood_in_for_another_is_not_kept() {
    let stage = stage().await;
    stage.agent("two", &json!({"model": "own:big, other:small", "cache": {"ttl_s": TTL_S}})).await;
    for face in [Face::Chat, Face::Stream] {
        stage.then(status(503, "busy")).then(face.served((40, 3)));
        let reply = stage.ask(face, "two").send().await;
        reply.assert_miss();
        assert_eq!(reply.header("x-model"), "other:small");
        stage.books("two").await;
        stage.take_asked();
        assert!(replies(&stage).kept().is_empty(), "{face:?}");
    }
    ask_first(&stage, stage.ask(Face::Chat, "two"), answer("Hello", Some((40, 3))), 1).await;
}

#[tokio::test]
async fn an_answer_with_fewer_choices_than_asked_or_without_a_word_is_not_kept() {
    let stage = stage().await;
    let choice =
        |index: u32, message: &Value| json!({"index": index, "message": message, "finish_reason": "stop"});
    let whole = |choices: Value| Turn::Replies(Script::ok(json!({"choices": choices}).to_string()));
    let mut body = Face::Completions.body("again");
    body["n"] = json!(2);
    stage.then(whole(json!([choice(0, &json!({"content": "One"}))])));
    stage.ask(Face::Completions, "again").json(&body).send().await.assert_miss();
    for message in [json!({"content": ""}), json!({"content": null, "reasoning_content": "Hm."})] {
        stage.then(whole(json!([choice(0, &message)])));
        stage.ask(Face::Completions, "again").send().await;
    }
    stage.books("again").await;
    assert!(replies(&stage).kept().is_empty());
    stage.take_asked();
    let both = [choice(0, &json!({"content": "One"})), choice(1, &json!({"content": "Two"}))];
    ask_first(&stage, stage.ask(Face::Completions, "again").json(&body), whole(json!(both)), 1).await;
}

#[tokio::test]
async fn an_answer_is_given_again_until_its_time_is_over() {
    let stage = stage().await;
    keep_hello(&stage).await;
    assert_eq!(replies(&stage).kept()[0].1, TTL_S);
    // What settles meanwhile takes a moment.
    stage.api.world.clock().advance(i64::from(TTL_S) * 1_000 - 1_000);
    stage.ask(Face::Chat, "again").send().await.assert_hit();
    stage.api.world.clock().advance(1_000);
    assert_asks_again(&stage, stage.ask(Face::Chat, "again")).await;
}

#[tokio::test]
async fn only_an_answer_that_came_to_its_own_end_is_kept() {
    let stage = stage().await;
    let short = json!({"choices": [{"index": 0, "message": {"content": "He"}, "finish_reason": "length"}]});
    let whole = [
        (status(400, "no"), Face::Chat),
        (Turn::Replies(Script::ok(short.to_string())), Face::Chat),
        (cut([delta("He")]), Face::Stream),
        (cut([delta("He"), finish()]), Face::Stream),
    ];
    for (turn, face) in whole {
        stage.then(turn);
        stage.ask(face, "again").send().await;
    }
    stage.books("again").await;
    stage.take_asked();
    assert!(replies(&stage).kept().is_empty());
    assert_asks_again(&stage, stage.ask(Face::Chat, "again")).await;
}

/// Over HTTP the stream is read to its end, as for its bill; here it ends with its client.
#[tokio::test]
async fn a_stream_that_nobody_reads_to_its_end_is_kept_whole_or_not_at_all() {
    let stage = stage().await;
    stage.then(hello((40, 3)));
    let left = stage.ask(Face::Stream, "again").open().await;
    drop(left);
    stage.books("again").await;
    stage.take_asked();
    if replies(&stage).kept().is_empty() {
        keep_hello(&stage).await;
    }
    let again = stage.ask(Face::Chat, "again").send().await;
    again.assert_hit();
    assert_eq!(said(Face::Chat, &again), "Hello");
}

#[tokio::test]
async fn a_large_request_or_answer_is_not_kept() {
    let stage = stage().await;
    let body = json!({"message": "x".repeat(256 * 1024)});
    for _ in 0..2 {
        assert_asks_again(&stage, stage.ask(Face::Chat, "again").json(&body)).await;
    }
    stage.then(answer(&"y".repeat(1024 * 1024), Some((40, 3))));
    stage.ask(Face::Chat, "again").send().await.assert_miss();
    let long = (0..80).map(|_| delta(&"y".repeat(64 * 1024))).chain([finish(), done()]);
    stage.then(stream(long));
    stage.ask(Face::Stream, "again").send().await.assert_miss();
    stage.books("again").await;
    assert!(replies(&stage).kept().is_empty());
}

#[tokio::test]
async fn a_store_that_fails_or_is_spoilt_is_a_miss() {
    let stage = stage().await;
    replies(&stage).set_down(true);
    for _ in 0..2 {
        assert_asks_again(&stage, stage.ask(Face::Chat, "again")).await;
    }
    stage.books("again").await;
    assert!(stage.log().contains("a kept answer cannot be read"));
    // workerd's `put` says nothing of a store that does not answer.
    assert!(is_workerd() || stage.log().contains("an answer cannot be kept"));
    replies(&stage).set_down(false);
    keep_hello(&stage).await;
    // As a later release writes it, and as nobody does.
    let spoils: [fn(&mut Vec<u8>); 3] = [|bytes| bytes[0] += 1, |bytes| bytes.truncate(9), Vec::clear];
    for spoil in spoils {
        replies(&stage).spoil(spoil);
        assert_asks_again(&stage, stage.ask(Face::Chat, "again")).await;
        stage.books("again").await;
        stage.ask(Face::Chat, "again").send().await.assert_hit();
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_a_miss_after_a_moment() {
    let stage = stage().await;
    replies(&stage).set_hanging(true);
    let begun = Instant::now();
    assert_asks_again(&stage, stage.ask(Face::Chat, "again")).await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    replies(&stage).set_hanging(false);
    assert!(stage.log().contains("a kept answer cannot be read"));
}

#[tokio::test]
async fn nothing_of_a_request_can_be_read_from_its_key() {
    let stage = stage().await;
    keep_hello(&stage).await;
    let keys = replies(&stage).keys();
    assert!(keys.iter().all(|key| key.len() == 64 && key.bytes().all(|b| b.is_ascii_hexdigit())), "{keys:?}");
}

#[tokio::test]
async fn pages_may_read_whether_an_answer_was_kept() {
    let stage = stage().await;
    stage.agent("paged", &json!({"cache": {"ttl_s": 1}, "allowed_origins": ["https://a.example.com"]})).await;
    stage.then(answer("Hello", Some((40, 3))));
    let reply = stage.ask(Face::Chat, "paged").header("origin", "https://a.example.com").send().await;
    reply.assert_miss();
    assert!(reply.header("access-control-expose-headers").contains("x-cache"));
}
