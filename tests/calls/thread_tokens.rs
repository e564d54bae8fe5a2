//! Tokens of threads, and threads of callers without a key: what each opens, and whatever else it must not.

use axum::http::Method;
use serde_json::{Value, json};

use crate::ask::{Ask, Face, Reply};
use crate::provider::{answer, count, delta, done, finish, frame, hello, stream};
use crate::stage::Stage;
use crate::support::Turn;

const TRIAGE: &str = "/accounts/acme/agents/triage";
/// A day, the longest that a token is good for.
const DAY_S: i64 = 24 * 60 * 60;

fn by<'a>(stage: &'a Stage, key: &str, method: Method, path: &str) -> Ask<'a> {
    stage.request(method, &format!("{TRIAGE}{path}")).key(key)
}

async fn get(stage: &Stage, key: &str, path: &str) -> Reply {
    by(stage, key, Method::GET, path).send().await
}

async fn post(stage: &Stage, key: &str, path: &str, body: &Value) -> Reply {
    by(stage, key, Method::POST, path).json(body).send().await
}

/// The account's caller makes a thread.
async fn make(stage: &Stage, name: &str) -> Value {
    let made = post(stage, &stage.acme.caller, "/threads", &json!({"id": name})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()
}

async fn issue(stage: &Stage, thread: &str, body: &Value) -> Reply {
    post(stage, &stage.acme.caller, &format!("/threads/{thread}/tokens"), body).await
}

/// A token of a thread that is there.
async fn token(stage: &Stage, thread: &str) -> String {
    let issued = issue(stage, thread, &json!({"user": "ada"})).await;
    assert_eq!(issued.status, 201, "{}", issued.text());
    issued.json()["token"].as_str().unwrap().to_owned()
}

/// An agent that anyone may call.
async fn public(stage: &Stage) {
    stage.change("triage", &json!({"access": "public"})).await;
}

fn asks_the_client() -> Turn {
    let call = json!({"index": 0, "id": "call_0", "type": "function", "function": {"name": "look", "arguments": "{}"}});
    let called =
        frame(&json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": null}]}));
    let finished = frame(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}));
    stream([called, finished, count((10, 5)), done()])
}

fn says(text: &str) -> Turn {
    stream([delta(text), finish(), count((10, 5)), done()])
}

#[tokio::test]
async fn a_token_opens_its_thread_for_a_while() {
    let stage = Stage::new().await;
    let thread = make(&stage, "t").await;
    let issued = issue(&stage, "t", &json!({"expires_in": 900, "user": "ada"})).await.json();
    assert_eq!((&issued["thread_id"], &issued["user"]), (&thread["id"], &json!("ada")));
    let key = issued["token"].as_str().unwrap();

    stage.then(asks_the_client());
    let run =
        post(&stage, key, "/threads/t/runs", &json!({"message": "Look", "tools": [{"name": "look"}]})).await;
    assert_eq!(run.status, 201, "{}", run.text());
    let run = run.json();
    assert_eq!((&run["status"], &run["user"]), (&json!("waiting"), &json!("ada")), "{run}");
    let id = run["id"].as_str().unwrap();

    stage.then(says("There it is."));
    let inputs = json!({"inputs": [{"call_id": run["waiting_on"][0]["call_id"], "output": "here"}]});
    post(&stage, key, &format!("/runs/{id}/inputs"), &inputs).await.ok();
    let over =
        by(&stage, key, Method::GET, &format!("/runs/{id}")).header("prefer", "wait=30").send().await.ok();
    assert_eq!(over["message"], "There it is.");

    let items = get(&stage, key, "/threads/t/items").await.ok();
    assert_eq!(items["items"].as_array().unwrap().len(), 4, "{items}");
    assert_eq!(get(&stage, key, "/threads/t").await.ok()["id"], thread["id"]);
    let by_id = format!("/threads/{}", thread["id"].as_str().unwrap());
    get(&stage, key, &by_id).await.ok();
    for path in [format!("/runs/{id}/events"), "/threads/t/events".to_owned()] {
        by(&stage, key, Method::GET, &path).header("accept", "application/json").send().await.ok();
    }
    assert!(get(&stage, key, &format!("/runs/{id}/events")).await.text().contains("event: run.completed"));
    let cancelled = post(&stage, key, &format!("/runs/{id}/cancel"), &json!({})).await;
    cancelled.assert_refusal(409, "conflict");

    // It is the account's call.
    let books = stage.books("triage").await;
    assert_eq!(books.ledger.len(), 2);
    assert!(books.ledger.iter().all(|row| row.json["run_id"] == run["id"] && row.json["key"].is_string()));
}

#[tokio::test]
async fn the_call_protocols_take_a_token_on_its_thread_alone() {
    let stage = Stage::new().await;
    make(&stage, "t").await;
    make(&stage, "u").await;
    let key = token(&stage, "t").await;
    for face in Face::ALL {
        let call = || stage.ask(face, "triage").key(&key);
        stage.then(hello((10, 5)));
        let served = call().header("x-thread", "t").send().await;
        assert_eq!(served.status, 200, "{face:?} {}", served.text());
        assert!(served.text().contains("Hel"), "{face:?} {}", served.text());
        for other in ["u", "never-made"] {
            call().header("x-thread", other).send().await.assert_refusal(404, "not_found");
        }
        let alone = call().send().await;
        alone.assert_refusal(403, "forbidden");
        assert!(alone.words().contains("x-thread"), "{}", alone.words());
    }
    assert_eq!(stage.take_asked().len(), Face::ALL.len(), "nothing else was asked of a model");
    // Behind the account no thread can be meant.
    let body = Face::Completions.body("triage");
    let path = "/accounts/acme/v1/chat/completions";
    let refused =
        stage.request(Method::POST, path).key(&key).header("x-thread", "t").json(&body).send().await;
    refused.assert_refusal(401, "unauthenticated");
}

#[tokio::test]
async fn a_token_opens_nothing_else() {
    let stage = Stage::new().await;
    public(&stage).await;
    stage.agent("other-agent", &json!({})).await;
    make(&stage, "t").await;
    make(&stage, "u").await;
    stage.then(hello((10, 5))).then(hello((10, 5)));
    let run = async |thread: &str| {
        let path = format!("/threads/{thread}/runs");
        post(&stage, &stage.acme.caller, &path, &json!({"message": "Hi"})).await.json()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (own, others) = (run("t").await, run("u").await);
    let key = token(&stage, "t").await;
    // Of its own thread what belongs to whoever issued it, with the same answer whatever is there.
    for (method, path) in [
        (Method::PATCH, "/threads/t".to_owned()),
        (Method::DELETE, "/threads/t".to_owned()),
        (Method::POST, "/threads/t/items".to_owned()),
        (Method::POST, "/threads/t/tokens".to_owned()),
        (Method::DELETE, "/threads/t/tokens".to_owned()),
        (Method::POST, "/threads".to_owned()),
        (Method::GET, format!("/runs/{own}/steps")),
        (Method::POST, format!("/runs/{own}/pause")),
        (Method::POST, format!("/runs/{own}/resume")),
        (Method::POST, format!("/runs/{own}/priority")),
        (Method::DELETE, "/threads/u".to_owned()),
        (Method::DELETE, "/threads/never-made".to_owned()),
        (Method::GET, format!("/runs/{others}/steps")),
        (Method::GET, "/v1/models".to_owned()),
        (Method::GET, "/v1/models/triage".to_owned()),
    ] {
        let reply = by(&stage, &key, method.clone(), &path).json(&json!({})).send().await;
        assert_eq!(reply.refusal(), (403, "forbidden".to_owned()), "{method} {path}");
    }
    // Another thread is not there, whether or not it is.
    let absent = own.replace(&own[..8], "ffffffff");
    for path in [
        "/threads/u".to_owned(),
        "/threads/u/items".to_owned(),
        "/threads/u/events".to_owned(),
        "/threads/never-made".to_owned(),
        format!("/runs/{others}"),
        format!("/runs/{others}/events"),
        format!("/runs/{absent}"),
    ] {
        let reply = get(&stage, &key, &path).await;
        assert_eq!(reply.refusal(), (404, "not_found".to_owned()), "{path}");
    }
    for (path, body) in [
        ("/threads/u/runs".to_owned(), json!({"message": "Hi"})),
        ("/threads/never-made/runs".to_owned(), json!({"message": "Hi"})),
        (format!("/runs/{others}/inputs"), json!({"inputs": [{"message": "Hi"}]})),
        (format!("/runs/{others}/cancel"), json!({})),
    ] {
        let reply = post(&stage, &key, &path, &body).await;
        assert_eq!(reply.refusal(), (404, "not_found".to_owned()), "{path}");
    }
    // Another agent, one that is not there, another account: all the same.
    for path in [
        "/accounts/acme/agents/other-agent/threads/t",
        "/accounts/acme/agents/never-made/threads/t",
        "/accounts/umbrella/agents/triage/threads/t",
    ] {
        let reply = stage.request(Method::GET, path).key(&key).send().await;
        assert_eq!(reply.refusal(), (404, "not_found".to_owned()), "{path}");
    }
    let neighbour = stage.neighbour("umbrella").await;
    let theirs = "/accounts/umbrella/agents/triage/threads";
    let made = stage
        .request(Method::POST, theirs)
        .key(&neighbour.acme.caller)
        .json(&json!({"id": "t"}))
        .send()
        .await;
    assert_eq!(made.status, 201, "{}", made.text());
    for path in [format!("{theirs}/t"), "/accounts/umbrella/agents/triage/chat".to_owned()] {
        let method = if path.ends_with("chat") { Method::POST } else { Method::GET };
        let ask =
            stage.request(method, &path).key(&key).header("x-thread", "t").json(&json!({"message": "Hi"}));
        ask.send().await.assert_refusal(404, "not_found");
    }
    // To the account's own endpoint and to the control plane it is no key, and they say why.
    let call = json!({"model": "triage", "messages": [{"role": "user", "content": "Hi"}]});
    let reply = stage.request(Method::POST, "/accounts/acme/v1/chat/completions").key(&key).json(&call);
    let reply = reply.send().await;
    assert_eq!(reply.status, 401);
    assert!(reply.words().contains("thread's token"), "{}", reply.words());
    for path in ["/api/v1/account", "/api/v1/agents", "/api/v1/agents/triage/calls", "/accounts/acme/agents"]
    {
        let reply = stage.api.get(path).key(&key).send().await;
        assert_eq!(reply.problem(), (401, "unauthenticated".to_owned()), "{path}");
        assert!(reply.detail().contains("thread's token"), "{}", reply.detail());
    }
    assert_eq!(stage.take_asked().len(), 2, "no model was asked");
    let thread = get(&stage, &stage.acme.caller, "/threads/never-made").await;
    thread.assert_refusal(404, "not_found");
}

#[tokio::test]
async fn a_page_that_the_agent_does_not_name_cannot_use_a_token() {
    let stage = Stage::new().await;
    make(&stage, "t").await;
    let key = token(&stage, "t").await;
    let from = |origin: &str, method, path: &str| {
        by(&stage, &key, method, path).json(&json!({"message": "Hi"})).header("origin", origin)
    };
    let paths =
        [(Method::GET, "/threads/t/items"), (Method::POST, "/threads/t/runs"), (Method::POST, "/chat")];
    for origins in [Value::Null, json!(["https://shop.example"])] {
        stage.change("triage", &json!({"allowed_origins": origins})).await;
        for (method, path) in paths.clone() {
            let reply = from("https://evil.example", method, path).header("x-thread", "t").send().await;
            reply.assert_refusal(403, "origin_not_allowed");
        }
    }
    assert!(stage.take_asked().is_empty());
    stage.then(hello((10, 5)));
    let reply = from("https://shop.example", Method::POST, "/threads/t/runs").send().await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    assert_eq!(reply.header("access-control-allow-origin"), "https://shop.example");
}

#[tokio::test]
async fn what_is_not_the_token_itself_opens_nothing() {
    let stage = Stage::new().await;
    public(&stage).await;
    make(&stage, "t").await;
    let key = token(&stage, "t").await;
    let twice = format!("{key}{key}");
    let upper = format!("retinue_thread_{}", key["retinue_thread_".len()..].to_uppercase());
    let tampered = format!("{}{}", &key[..key.len() - 1], if key.ends_with('A') { 'E' } else { 'A' });
    for forged in [&key[..key.len() - 1], &key[..40], "retinue_thread_", &twice, &upper, &tampered] {
        let reply = get(&stage, forged, "/threads/t").await;
        reply.assert_refusal(401, "unauthenticated");
        assert!(!reply.text().contains(forged), "{}", reply.text());
        // Not even as somebody without a key.
        stage.ask(Face::Chat, "triage").key(forged).send().await.assert_refusal(401, "unauthenticated");
    }
    let in_query = stage.request(Method::GET, &format!("{TRIAGE}/threads/t?token={key}")).send().await;
    assert!(matches!(in_query.status.as_u16(), 400 | 401), "{}", in_query.text());
    assert!(!in_query.text().contains(&key), "{}", in_query.text());
    let signed_elsewhere = {
        let other = retinue::ports::Settings {
            master_key: Some(retinue::domain::secret::Secret::new(
                "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=".to_owned(),
            )),
            ..crate::support::settings()
        };
        stage.under(other)
    };
    get(&signed_elsewhere, &key, "/threads/t").await.assert_refusal(401, "unauthenticated");
    let log = stage.api.world.take_log().join("\n");
    assert!(!log.contains("retinue_thread_"), "{log}");
}

#[tokio::test]
async fn tokens_end_at_their_time_and_when_they_are_ended() {
    let stage = Stage::new().await;
    make(&stage, "t").await;
    make(&stage, "u").await;
    let brief =
        issue(&stage, "t", &json!({"expires_in": 60})).await.json()["token"].as_str().unwrap().to_owned();
    let (first, second, other) =
        (token(&stage, "t").await, token(&stage, "t").await, token(&stage, "u").await);
    // Two hold good beside each other.
    for key in [&brief, &first, &second] {
        get(&stage, key, "/threads/t").await.ok();
    }
    stage.api.world.clock().advance(60_000);
    let expired = get(&stage, &brief, "/threads/t").await;
    expired.assert_refusal(401, "unauthenticated");
    assert!(expired.words().contains("expired"), "{}", expired.words());

    stage.then(hello((10, 5)));
    let run = post(&stage, &first, "/threads/t/runs", &json!({"message": "Hi"})).await.json();
    let ended = by(&stage, &stage.acme.caller, Method::DELETE, "/threads/t/tokens").send().await;
    assert_eq!(ended.status, 204);
    let run = format!("/runs/{}", run["id"].as_str().unwrap());
    for key in [&first, &second] {
        for path in ["/threads/t", "/threads/t/items", "/threads/t/events", &run] {
            let reply = get(&stage, key, path).await;
            assert_eq!(reply.refusal(), (401, "unauthenticated".to_owned()), "{path}");
        }
        let more = post(&stage, key, "/threads/t/runs", &json!({"message": "Hi"})).await;
        more.assert_refusal(401, "unauthenticated");
        let chat = stage.ask(Face::Chat, "triage").key(key).header("x-thread", "t").send().await;
        chat.assert_refusal(401, "unauthenticated");
    }
    get(&stage, &other, "/threads/u").await.ok();
    let new = token(&stage, "t").await;
    get(&stage, &new, &run).await.ok();

    // A thread that comes after under the same name is another.
    assert_eq!(by(&stage, &stage.acme.caller, Method::DELETE, "/threads/t").send().await.status, 204);
    get(&stage, &new, "/threads/t").await.assert_refusal(404, "not_found");
    let again = post(&stage, &new, "/threads/t/runs", &json!({"message": "Hi"})).await;
    again.assert_refusal(404, "not_found");
    make(&stage, "t").await;
    for key in [&first, &new] {
        get(&stage, key, "/threads/t").await.assert_refusal(401, "unauthenticated");
    }
    let newest = token(&stage, "t").await;
    get(&stage, &newest, "/threads/t").await.ok();
    // What ended tokens of the first thread still ends none of the second's.
    assert_eq!(by(&stage, &stage.acme.caller, Method::DELETE, "/threads/t/tokens").send().await.status, 204);
    get(&stage, &newest, "/threads/t").await.assert_refusal(401, "unauthenticated");
}

#[tokio::test]
async fn a_token_ends_with_the_key_that_issued_it_and_is_bound_as_a_key_is() {
    let stage = Stage::new().await;
    make(&stage, "t").await;
    let body = json!({"name": "shop", "role": "caller"});
    let issued = stage
        .api
        .post("/api/v1/accounts/acme/keys")
        .key(&stage.acme.admin)
        .json(&body)
        .send()
        .await
        .created();
    let shop = issued["key"].as_str().unwrap();
    let made = post(&stage, shop, "/threads/t/tokens", &json!({})).await.json();
    let key = made["token"].as_str().unwrap();
    get(&stage, key, "/threads/t").await.ok();

    stage.change("triage", &json!({"allowed_origins": ["https://shop.example.com"]})).await;
    let from = |origin| by(&stage, key, Method::GET, "/threads/t").header("origin", origin);
    let allowed = from("https://shop.example.com").send().await;
    allowed.ok();
    assert_eq!(allowed.header("access-control-allow-origin"), "https://shop.example.com");
    from("https://evil.example.com").send().await.assert_refusal(403, "origin_not_allowed");

    stage.then(hello((10, 5)));
    stage.set_budget("triage", &json!({"limit_usd": "0", "period": "total"})).await;
    let broke = post(&stage, key, "/threads/t/runs", &json!({"message": "Hi"})).await.json();
    assert_eq!(
        (&broke["status"], &broke["reason"]),
        (&json!("incomplete"), &json!("budget_exceeded")),
        "{broke}"
    );

    let path = format!("/api/v1/accounts/acme/keys/{}", issued["id"].as_str().unwrap());
    stage.api.delete(&path).key(&stage.acme.admin).send().await.no_content();
    let gone = get(&stage, key, "/threads/t").await;
    gone.assert_refusal(401, "unauthenticated");
    assert!(gone.words().contains("key that issued it"), "{}", gone.words());

    let key = token(&stage, "t").await;
    stage.write("UPDATE accounts SET status = 'suspended' WHERE id = ?1");
    get(&stage, &key, "/threads/t").await.assert_refusal(403, "forbidden");
    stage.write("UPDATE accounts SET status = 'active' WHERE id = ?1");
    get(&stage, &key, "/threads/t").await.ok();
    stage.api.delete("/api/v1/agents/triage").key(&stage.acme.admin).send().await.no_content();
    get(&stage, &key, "/threads/t").await.assert_refusal(410, "agent_archived");
}

#[tokio::test]
async fn tokens_are_issued_within_bounds_and_for_threads_that_are_there() {
    let stage = Stage::new().await;
    let thread = make(&stage, "t").await;
    for (body, field) in [
        (json!({"expires_in": 0}), "expires_in"),
        (json!({"expires_in": DAY_S + 1}), "expires_in"),
        (json!({"expires_in": u64::MAX}), "expires_in"),
        (json!({"expires_in": -1}), "expires_in"),
        (json!({"expires_in": 1.5}), "expires_in"),
        (json!({"user": ""}), "user"),
        (json!({"user": "x".repeat(256)}), "user"),
        (json!({"thread": "u"}), "thread"),
    ] {
        let reply = issue(&stage, "t", &body).await;
        reply.assert_refusal(400, "validation_failed");
        assert_eq!(reply.json()["errors"][0]["field"], field, "{body}");
    }
    for body in [json!({"expires_in": 1}), json!({"expires_in": DAY_S}), json!({"user": "😀".repeat(255)})]
    {
        let key = issue(&stage, "t", &body).await.json()["token"].as_str().unwrap().to_owned();
        get(&stage, &key, "/threads/t").await.ok();
    }
    let without_words = by(&stage, &stage.acme.member, Method::POST, "/threads/t/tokens").send().await;
    assert_eq!(without_words.status, 201, "{}", without_words.text());
    assert_eq!(without_words.json()["thread_id"], thread["id"]);
    issue(&stage, "never-made", &json!({})).await.assert_refusal(404, "not_found");
    stage.agent("other-agent", &json!({})).await;
    let path = "/accounts/acme/agents/other-agent/threads/t/tokens";
    for method in [Method::POST, Method::DELETE] {
        let reply = stage.request(method, path).key(&stage.acme.caller).send().await;
        reply.assert_refusal(404, "not_found");
    }
    let nobody = stage.request(Method::POST, &format!("{TRIAGE}/threads/t/tokens")).send().await;
    nobody.assert_refusal(401, "unauthenticated");
}

#[tokio::test]
async fn a_token_does_not_say_how_a_lost_call_ended() {
    let stage = Stage::new().await;
    let tool = json!({"type": "http", "name": "pay", "description": "Pay", "parameters": {"type": "object"},
        "url": "https://pay.example.com/", "method": "POST"});
    stage.change("triage", &json!({"tools": [tool]})).await;
    make(&stage, "t").await;
    let key = token(&stage, "t").await;
    let call = json!({"index": 0, "id": "call_0", "type": "function", "function": {"name": "pay", "arguments": "{}"}});
    let called =
        frame(&json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": null}]}));
    let finished = frame(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}));
    stage
        .then(stream([called, finished, count((10, 5)), done()]))
        .then(Turn::Fails(retinue::ports::SendError::Timeout));
    let run = post(&stage, &key, "/threads/t/runs", &json!({"message": "Pay"})).await.json();
    let waiting = &run["waiting_on"][0];
    assert_eq!(waiting["kind"], "outcome", "{run}");
    let path = format!("/runs/{}/inputs", run["id"].as_str().unwrap());
    for given in [json!({"retry": true}), json!({"output": "paid"}), json!({"error": "no"})] {
        let mut input = given;
        input["call_id"] = waiting["call_id"].clone();
        let refused =
            by(&stage, &key, Method::POST, &path).json(&json!({"inputs": [{"message": "Well?"}, input]}));
        refused.header("idempotency-key", "k").send().await.assert_refusal(404, "not_found");
    }
    assert_eq!(stage.take_asked().len(), 2, "the tool was called once");
    stage.then(says("It was paid."));
    let input = json!({"inputs": [{"call_id": waiting["call_id"], "output": "paid"}]});
    post(&stage, &stage.acme.caller, &path, &input).await.ok();
}

#[tokio::test]
async fn a_caller_without_a_key_has_a_thread_of_its_own_by_its_token() {
    let stage = Stage::new().await;
    public(&stage).await;
    let nobody = |method, path: &str| stage.request(method, &format!("{TRIAGE}{path}"));
    let made = nobody(Method::POST, "/threads").header("origin", "https://any.example.com").send().await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(made.header("access-control-allow-origin"), "*");
    let made = made.json();
    let (key, thread) = (made["token"].as_str().unwrap(), made["id"].as_str().unwrap());
    assert!(made["token_expires_at"].is_string(), "{made}");

    let path = format!("/threads/{thread}");
    stage.then(hello((10, 5)));
    let run = post(&stage, key, &format!("{path}/runs"), &json!({"message": "Hi"})).await;
    assert_eq!(run.status, 201, "{}", run.text());
    assert_eq!(run.json()["status"], "completed");
    let shown = get(&stage, key, &path).await.ok();
    assert_eq!((&shown["title"], shown.get("token")), (&json!("Hi"), None), "the token is shown once");
    let books = stage.books("triage").await;
    assert_eq!((books.ledger.len(), &books.ledger[0].json["key"]), (1, &Value::Null));

    // Without it nothing is to be had, whether or not there is such a thread.
    for (method, path) in [
        (Method::GET, path.clone()),
        (Method::GET, format!("{path}/items")),
        (Method::POST, format!("{path}/runs")),
        (Method::POST, "/threads/customer-42/runs".to_owned()),
        (Method::POST, format!("{path}/tokens")),
        (Method::DELETE, path.clone()),
        (Method::GET, format!("/runs/{}", run.json()["id"].as_str().unwrap())),
    ] {
        let reply = nobody(method.clone(), &path).json(&json!({"message": "Hi"})).send().await;
        assert_eq!(reply.refusal(), (401, "unauthenticated".to_owned()), "{method} {path}");
        assert!(reply.words().contains("POST …/threads"), "{}", reply.words());
    }
    let chat = stage.ask(Face::Chat, "triage").anonymous().header("x-thread", thread).send().await;
    chat.assert_refusal(401, "unauthenticated");
    // The account has it as any other.
    get(&stage, &stage.acme.caller, &path).await.ok();

    // It is the public's as long as the agent is.
    stage.change("triage", &json!({"access": "key"})).await;
    get(&stage, key, &path).await.assert_refusal(401, "unauthenticated");
    nobody(Method::POST, "/threads").send().await.assert_refusal(401, "unauthenticated");
}

#[tokio::test]
async fn a_caller_without_a_key_finds_nobody_elses_thread() {
    let stage = Stage::new().await;
    public(&stage).await;
    make(&stage, "customer-42").await;
    let nobody = |body: &Value| stage.request(Method::POST, &format!("{TRIAGE}/threads")).json(body);
    for name in ["customer-42", "never-made"] {
        let reply = nobody(&json!({"id": name})).send().await;
        reply.assert_refusal(400, "validation_failed");
        assert_eq!(reply.json()["errors"][0]["field"], "id");
    }
    let keyed = nobody(&json!({})).header("idempotency-key", "1").send().await;
    keyed.assert_refusal(400, "validation_failed");
    assert_eq!(keyed.json()["errors"][0]["field"], "Idempotency-Key");
    let (one, two) = (nobody(&json!({})).send().await.json(), nobody(&json!({})).send().await.json());
    assert_ne!(one["id"], two["id"]);
    let path = format!("/threads/{}", two["id"].as_str().unwrap());
    get(&stage, one["token"].as_str().unwrap(), &path).await.assert_refusal(404, "not_found");
}

#[tokio::test]
async fn threads_of_callers_without_a_key_count_as_calls_of_the_plan() {
    let stage = Stage::new().await;
    public(&stage).await;
    stage.limit("calls_per_minute = 3");
    let nobody = || stage.request(Method::POST, &format!("{TRIAGE}/threads")).send();
    let made = nobody().await.json();
    assert_eq!(nobody().await.status, 201);
    stage.then(hello((10, 5)));
    let path = format!("/threads/{}/runs", made["id"].as_str().unwrap());
    let run = post(&stage, made["token"].as_str().unwrap(), &path, &json!({"message": "Hi"})).await.json();
    assert_eq!(run["status"], "completed", "{run}");
    let refused = nobody().await;
    refused.assert_refusal(429, "rate_limited");
    assert!(!refused.header("retry-after").is_empty());
    make(&stage, "of-a-key").await;
    stage.api.world.clock().advance(61_000);
    assert_eq!(nobody().await.status, 201);
}

#[tokio::test]
async fn without_a_master_key_there_are_no_tokens() {
    let stage = Stage::new().await;
    make(&stage, "t").await;
    public(&stage).await;
    let key = token(&stage, "t").await;
    let bare = stage.under(retinue::ports::Settings { master_key: None, ..crate::support::settings() });
    issue(&bare, "t", &json!({})).await.assert_refusal(500, "misconfigured");
    get(&bare, &key, "/threads/t").await.assert_refusal(401, "unauthenticated");
    let nobody = bare.request(Method::POST, &format!("{TRIAGE}/threads")).send().await;
    nobody.assert_refusal(500, "misconfigured");
}

#[tokio::test]
async fn scopes_say_what_a_key_does_with_threads() {
    let stage = Stage::new().await;
    make(&stage, "t").await;
    let key = async |scopes: &[&str]| {
        let body = json!({"name": "scoped", "role": "caller", "scopes": scopes});
        stage.api.issue("acme", &body).await
    };
    let (calls, reads, writes) =
        (key(&["calls"]).await, key(&["threads:read"]).await, key(&["threads:write"]).await);
    let lacks = |reply: Reply, scope: &str| {
        reply.assert_refusal(403, "forbidden");
        assert!(reply.words().contains(&format!("`{scope}`")), "{}", reply.words());
    };
    stage.then(hello((10, 5)));
    let run = post(&stage, &calls, "/threads/t/runs", &json!({"message": "Hi"})).await;
    assert_eq!(run.status, 201, "{}", run.text());
    let run = format!("/runs/{}", run.json()["id"].as_str().unwrap());
    for path in ["/threads/t", "/threads/t/items", &run] {
        lacks(get(&stage, &calls, path).await, "threads:read");
        get(&stage, &reads, path).await.ok();
        get(&stage, &writes, path).await.ok();
    }
    for (method, path) in [
        (Method::POST, "/threads"),
        (Method::PATCH, "/threads/t"),
        (Method::POST, "/threads/t/items"),
        (Method::POST, "/threads/t/tokens"),
        (Method::DELETE, "/threads/t/tokens"),
        (Method::DELETE, "/threads/t"),
    ] {
        for key in [&calls, &reads] {
            lacks(by(&stage, key, method.clone(), path).json(&json!({})).send().await, "threads:write");
        }
    }
    for key in [&reads, &writes] {
        lacks(post(&stage, key, "/threads/t/runs", &json!({"message": "Hi"})).await, "calls");
        lacks(stage.ask(Face::Chat, "triage").key(key).send().await, "calls");
    }
    // A token does no more than the key that issued it.
    let issued = post(&stage, &writes, "/threads/t/tokens", &json!({})).await.json();
    let token = issued["token"].as_str().unwrap();
    get(&stage, token, "/threads/t").await.ok();
    lacks(post(&stage, token, "/threads/t/runs", &json!({"message": "Hi"})).await, "calls");
    stage.then(answer("Hello", Some((10, 5))));
    stage.ask(Face::Chat, "triage").key(&calls).send().await.ok();
}

#[tokio::test]
async fn a_call_on_a_thread_holds_to_what_is_in_force_in_every_isolate() {
    let stage = Stage::new().await;
    make(&stage, "t").await;
    let key = token(&stage, "t").await;
    let chat = |key: &str| stage.ask(Face::Chat, "triage").key(key).header("x-thread", "t");
    stage.then(hello((10, 5)));
    let served = chat(&key).send().await;
    assert_eq!((served.status.as_u16(), served.header("x-agent-version")), (200, "1"));
    // Changed where this isolate does not see it.
    stage.change("triage", &json!({"instructions": "Sort the mail anew."})).await;
    stage.then(hello((10, 5)));
    let served = chat(&key).send().await;
    assert_eq!((served.status.as_u16(), served.header("x-agent-version")), (200, "2"));
    let asked = stage.take_asked();
    assert!(String::from_utf8_lossy(&asked[1].body).contains("Sort the mail anew."), "{asked:?}");
    stage.write("UPDATE keys SET revoked_at = created_at WHERE account_id = ?1");
    for key in [&key, &stage.acme.caller] {
        chat(key).send().await.assert_refusal(401, "unauthenticated");
    }
    assert!(stage.take_asked().is_empty(), "no run was started");
}
