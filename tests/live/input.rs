//! Bad input through the real stack: bytes, lengths and methods as a hostile client sends them.

use bytes::Bytes;
use futures_util::stream;
use hyper::Method;
use serde_json::{Value, json};

use crate::emulator::{Price, Script};
use crate::harness::{Account, Agent, App, Reply, live};

const MAX_BODY: usize = 4 * 1024 * 1024;

async fn agent(app: &App) -> (Account, Agent) {
    let account = app.account().await;
    let model = account.model(Price::default(), Script::default()).await;
    let agent = account.agent(&format!("emu:{}", model.code)).create().await;
    (account, agent)
}

/// A key of the right form, in which one letter is another.
fn mistyped(key: &str) -> String {
    let last = if key.ends_with('A') { 'B' } else { 'A' };
    format!("{}{last}", &key[..key.len() - 1])
}

/// The slug of an error in either shape.
fn slug(reply: &Reply) -> String {
    match reply.problem() {
        none if none.is_empty() => reply.json()["error"]["code"].as_str().unwrap_or_default().to_owned(),
        problem => problem,
    }
}

#[test]
fn what_is_not_a_request_is_the_clients_fault() {
    live(async |app| {
        let (_, agent) = agent(app).await;
        let bodies: [&[u8]; 12] = [
            b"",
            b"{",
            b"null",
            b"[]",
            b"\"hello\"",
            b"{}",
            b"{\"message\": 7, \"messages\": 7}",
            b"{\"message\": \"\xff\xfe\", \"messages\": [{\"role\": \"user\", \"content\": \"\xff\"}]}",
            b"{\"messages\": []}",
            b"{\"messages\": [{\"role\": \"wizard\", \"content\": \"hello\"}]}",
            b"{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"message\": {}, \"max_tokens\": -5}",
            b"\x00\x01\x02",
        ];
        for path in ["/chat", "/stream", "/v1/chat/completions"] {
            for body in bodies {
                let call = agent.call(path, &Value::Null).bytes(Bytes::copy_from_slice(body));
                let reply = call.send().await;
                let told = String::from_utf8_lossy(body);
                assert_eq!(reply.status, 400, "{path} {told}: {}", reply.text());
                if path.contains("v1") {
                    assert_eq!(reply.json()["error"]["type"], "invalid_request_error", "{told}");
                } else {
                    assert!(
                        matches!(reply.problem().as_str(), "invalid_request" | "validation_failed"),
                        "{told}"
                    );
                    assert!(
                        reply.json()["detail"].as_str().is_some_and(|detail| detail.len() > 10),
                        "{told}"
                    );
                }
            }
        }
        assert!(agent.calls().await.is_empty(), "what is refused is no call");
    });
}

#[test]
fn absurd_numbers_are_refused_and_none_reaches_the_provider() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(Price::default(), Script::default()).await;
        let agent = account.agent(&format!("emu:{}", model.code)).create().await;
        let absurd = [
            json!({"temperature": -1}),
            json!({"temperature": 1e300}),
            json!({"top_p": 7}),
            json!({"max_tokens": 0}),
            json!({"max_tokens": -1}),
            json!({"max_tokens": 1.5}),
            json!({"max_tokens": 99_999_999_999_u64}),
            json!({"n": 0}),
            json!({"n": 100_000}),
            json!({"messages": "hello"}),
            json!({"tools": [{"type": "function"}]}),
            json!({"response_format": {"type": "poem"}}),
            json!({"stop": [1, 2]}),
        ];
        for more in absurd {
            let reply = agent.completion(&more).send().await;
            assert_eq!(reply.status, 400, "{more}: {}", reply.text());
            assert_eq!(reply.json()["error"]["type"], "invalid_request_error");
        }
        assert_eq!(model.seen_count(), 0);
    });
}

#[test]
fn a_body_over_four_mebibytes_is_refused_whether_or_not_it_says_its_length() {
    live(async |app| {
        let (_, agent) = agent(app).await;
        let body = |length: usize| {
            let frame = json!({"message": ""}).to_string().len();
            Bytes::from(json!({"message": "x".repeat(length - frame)}).to_string())
        };
        let reply = agent.call("/chat", &Value::Null).bytes(body(MAX_BODY + 1)).send().await.expect(413);
        assert_eq!(reply.problem(), "payload_too_large");
        let pieces: Vec<Bytes> = body(MAX_BODY + 1).chunks(65_536).map(Bytes::copy_from_slice).collect();
        let reply = agent.call("/chat", &Value::Null).chunked(stream::iter(pieces)).send().await.expect(413);
        assert_eq!(reply.problem(), "payload_too_large");
        let openai = agent
            .call("/v1/chat/completions", &Value::Null)
            .bytes(body(MAX_BODY + 1))
            .send()
            .await
            .expect(413);
        assert_eq!(slug(&openai), "payload_too_large");

        let pieces: Vec<Bytes> = body(300_000).chunks(10_000).map(Bytes::copy_from_slice).collect();
        agent.call("/chat", &Value::Null).chunked(stream::iter(pieces)).send().await.expect(200);
        // Within the limit, though beyond the model's context.
        let reply = agent.call("/chat", &Value::Null).bytes(body(MAX_BODY)).send().await;
        assert!(reply.status < 500 && reply.status != 413, "{}", reply.text());
    });
}

#[test]
fn paths_methods_and_media_types_that_do_not_exist_say_so() {
    live(async |app| {
        let (account, agent) = agent(app).await;
        for (method, path, allow) in [
            (Method::GET, agent.path("/chat"), "POST"),
            (Method::DELETE, agent.path("/v1/chat/completions"), "POST"),
            (Method::POST, agent.api(""), "PATCH"),
            (Method::PUT, "/health".to_owned(), "GET"),
        ] {
            let reply = account.call(method.clone(), &path).send().await.expect(405);
            assert!(reply.header("allow").contains(allow), "{method} {path}: {:?}", reply.headers);
            assert_eq!(slug(&reply), "method_not_allowed", "{}", reply.text());
        }
        for path in
            ["/nope", "/api/v1/nope", "/api/v1/agents/no-such-agent", "/accounts/nobody/agents/none/chat"]
        {
            let method = if path.ends_with("chat") { Method::POST } else { Method::GET };
            let reply = account.call(method, path).json(&json!({"message": "hello"})).send().await;
            assert!(matches!(reply.status, 401 | 404), "{path}: {}", reply.text());
            assert_eq!(reply.header("content-type"), "application/problem+json");
        }
        let typed = agent.call("/chat", &json!({"message": "hello"})).header("content-type", "text/xml");
        assert_eq!(typed.send().await.expect(415).problem(), "unsupported_media_type");
    });
}

#[test]
fn keys_that_are_none_are_refused_in_the_endpoints_shape() {
    live(async |app| {
        let (account, agent) = agent(app).await;
        let mistyped = mistyped(&account.caller.secret);
        let stranger = format!("retinue_{}", "A".repeat(38));
        for key in ["", "sk-123", "retinue_short", mistyped.as_str(), stranger.as_str(), "\u{20ac}"] {
            let call = |path: &str, body: &Value| {
                let call = account.anonymous(Method::POST, &agent.path(path)).header("x-api-key", key);
                call.json(body).send()
            };
            let native = call("/chat", &json!({"message": "hello"})).await.expect(401);
            assert_eq!(native.problem(), "unauthenticated", "{key}");
            assert!(key.is_empty() || !native.text().contains(key), "{}", native.text());
            let body = json!({"model": agent.slug, "messages": [{"role": "user", "content": "hello"}]});
            let openai = call("/v1/chat/completions", &body).await.expect(401).json();
            assert_eq!(openai["error"]["code"], "unauthenticated", "{openai}");
        }
    });
}

#[test]
fn definitions_that_do_not_fit_name_their_fields() {
    live(async |app| {
        let account = app.account().await;
        let fine =
            json!({"name": "A", "instructions": "B.", "model": "openai:gpt-4.1-mini", "access": "key"});
        let cases = [
            ("name", json!("")),
            ("instructions", json!("")),
            ("model", json!("openai")),
            ("model", json!("openai:gpt?temperature=hot")),
            ("model", json!(", ,")),
            ("slug", json!("Not A Slug")),
            ("access", json!("everyone")),
            ("access", json!("public")),
            ("max_concurrency", json!(0)),
            ("budget", json!({"limit_usd": "-1", "period": "day", "action": "block"})),
            ("allowed_origins", json!(["not an origin"])),
        ];
        for (field, value) in cases {
            let mut body = fine.clone();
            body[field] = value;
            let reply = account.post("/api/v1/agents", &body).await;
            assert_eq!(reply.status, 400, "{field}: {}", reply.text());
            let named = reply.text().contains(if body["access"] == "public" { "budget" } else { field });
            assert!(named, "{field}: {}", reply.text());
        }
        let listed = account.get("/api/v1/agents").await.expect(200).json();
        assert_eq!(listed["data"], json!([]), "none of them was made");
    });
}

#[test]
fn base_urls_that_point_inside_are_refused() {
    live(async |app| {
        let account = app.account().await;
        let inside = [
            "http://169.254.169.254/v1",
            "http://2852039166/v1",
            "http://10.0.0.1/v1",
            "http://192.168.1.1/v1",
            "http://172.16.0.1/v1",
            "http://100.64.0.1/v1",
            "http://[fd00::1]/v1",
            "http://[fe80::1]/v1",
            "http://[::ffff:10.0.0.1]/v1",
            "http://metadata.google.internal/v1",
            "http://0.0.0.0/v1",
            "https://user:secret@example.com/v1",
            "file:///etc/passwd",
            "ftp://example.com/v1",
            "not a url",
        ];
        for url in inside {
            let body = json!({"wire": "openai", "base_url": url, "api_key": "sk-1"});
            let reply = account.put("/api/v1/providers/inner", &body).await;
            assert_eq!(
                (reply.status, reply.problem().as_str()),
                (400, "validation_failed"),
                "{url}: {}",
                reply.text()
            );
            assert!(reply.text().contains("base_url"), "{url}: {}", reply.text());
        }
        account.get("/api/v1/providers/inner").await.expect(404);
    });
}

#[test]
fn a_providers_key_is_never_shown_again() {
    live(async |app| {
        let account = app.account().await;
        for path in ["/api/v1/providers", "/api/v1/providers/emu"] {
            let text = account.get(path).await.expect(200).text();
            assert!(text.contains("wxyz") && !text.contains(&account.provider_key), "{text}");
        }
        let keys = account.get(&format!("/api/v1/accounts/{}/keys", account.slug)).await.expect(200).text();
        assert!(!keys.contains(&account.admin.secret) && keys.contains(&account.admin.id), "{keys}");
    });
}
