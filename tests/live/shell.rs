//! What stands between the platform and the router: which headers reach a handler, bodies that nobody reads, and the files
//! that the platform serves itself. What wrangler's proxy hides stands in `tests/bare.mjs`.

use bytes::Bytes;
use futures_util::stream;
use hyper::Method;
use serde_json::{Value, json};

use crate::emulator::{Price, Script};
use crate::harness::{Account, Agent, live};

const MAX_BODY: usize = 4 * 1024 * 1024;

async fn agent(account: &Account) -> Agent {
    let model = account.model(Price::default(), Script::default()).await;
    account.agent(&format!("emu:{}", model.code)).create().await
}

#[test]
fn if_match_refuses_a_change_of_another_state_than_the_one_that_was_read() {
    live(async |app| {
        let account = app.account().await;
        let agent = agent(&account).await;
        let read = account.get(&agent.api("")).await.expect(200).header("etag").to_owned();
        let change = async |tag: &str, label: &str| {
            let call = account.call(Method::PATCH, &agent.api("")).header("if-match", tag);
            call.json(&json!({"labels": [label]})).send().await
        };
        let tag = change(&read, "first").await.expect(200).header("etag").to_owned();
        for (tag, status) in [(read.as_str(), 412), ("\"0.1\"", 412), ("garbage", 400), ("\u{e9}", 400)] {
            change(tag, "lost").await.expect(status);
        }
        change("\"0.1\"", "lost").await.expect(412);
        let call = account.call(Method::PATCH, &agent.api("")).header("if-match", &format!("\"0.1\", {tag}"));
        call.json(&json!({"labels": ["second"]})).send().await.expect(200);
        let labels = account.get(&agent.api("")).await.expect(200).json()["labels"].clone();
        assert_eq!(labels, json!(["second"]));
    });
}

#[test]
fn either_header_can_carry_the_key_of_a_call() {
    live(async |app| {
        let account = app.account().await;
        let agent = agent(&account).await;
        let key = account.caller.secret.as_str();
        let bearer = format!("bearer {key}");
        for headers in [
            &[("x-api-key", key)][..],
            &[("authorization", bearer.as_str()), ("x-api-key", "another")],
            &[("authorization", "Basic dTpw"), ("x-api-key", key)],
        ] {
            let call = account.anonymous(Method::POST, &agent.path("/chat")).json(&json!({"message": "m"}));
            let call = headers.iter().fold(call, |call, (name, value)| call.header(name, value));
            call.send().await.expect(200);
        }
    });
}

#[test]
fn a_page_may_send_whatever_headers_its_library_adds() {
    live(async |app| {
        let account = app.account().await;
        let agent = account.agent("openai:gpt-4.1-mini").capped(1_000_000).with("access", json!("public"));
        let agent = agent.create().await;
        let wanted = "authorization, content-type, x-stainless-lang";
        let asked = account.anonymous(Method::OPTIONS, &agent.path("/v1/chat/completions"));
        let asked =
            asked.header("origin", "https://shop.example").header("access-control-request-method", "POST");
        let asked = asked.header("access-control-request-headers", wanted).send().await.expect(204);
        assert_eq!(asked.header("access-control-allow-headers"), wanted);
    });
}

#[test]
fn a_client_can_read_the_refusal_of_a_body_that_was_not_read() {
    live(async |app| {
        let account = app.account().await;
        for (path, key, status) in [("/nowhere", "", 404), ("/api/v1/agents", "nonsense", 401)] {
            for length in [1_000, 100_000, MAX_BODY, MAX_BODY + 1] {
                let body = Bytes::from(vec![b'a'; length]);
                let call = || app.client.call(Method::POST, path).key(key);
                call().bytes(body.clone()).send().await.expect(status);
                let pieces: Vec<Bytes> = body.chunks(65_536).map(Bytes::copy_from_slice).collect();
                call().chunked(stream::iter(pieces)).send().await.expect(status);
                // The next request on the connection is not read as the rest of this body.
                account.get("/api/v1/agents").await.expect(200);
            }
        }
    });
}

#[test]
fn a_body_that_an_endpoint_does_not_take_is_ignored() {
    live(async |app| {
        let account = app.account().await;
        let agent = agent(&account).await;
        let listed = account.call(Method::GET, "/api/v1/agents").json(&json!({"limit": 0})).send().await;
        assert_eq!(listed.expect(200).json()["data"].as_array().map(Vec::len), Some(1));
        account.call(Method::GET, &agent.path("/v1/models")).json(&Value::Null).send().await.expect(200);
        account.call(Method::DELETE, &agent.api("")).json(&json!({"force": true})).send().await.expect(204);
    });
}

#[test]
fn the_document_and_its_page_are_files_of_the_platform() {
    live(async |app| {
        let document = app.get("/openapi.json").await.expect(200);
        assert_eq!(document.header("content-type"), "application/json");
        assert_eq!(document.header("access-control-allow-origin"), "*");
        let page = app.get("/docs").await.expect(200);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("connect-src 'self'"), "{policy}");
        for (path, file) in [("/openapi.json", &document), ("/docs", &page)] {
            assert_eq!(file.header("x-content-type-options"), "nosniff");
            assert_eq!(file.header("cache-control"), "public, max-age=0, must-revalidate");
            let call = |method: Method| app.client.call(method, path);
            let again = call(Method::GET).header("if-none-match", file.header("etag")).send().await;
            assert!(again.expect(304).body.is_empty());
            let head = call(Method::HEAD).send().await.expect(200);
            assert_eq!((head.header("content-type"), head.body.len()), (file.header("content-type"), 0));
            for method in [Method::POST, Method::PUT, Method::DELETE] {
                let refused = call(method).json(&json!({})).send().await.expect(405);
                assert_eq!(refused.header("allow"), "GET, HEAD");
            }
        }
        assert_eq!(app.get("/").await.expect(307).header("location"), "/docs");
        for path in ["/docs/", "/docs.html", "/openapi.json/", "/_headers"] {
            assert_eq!(app.get(path).await.expect(404).problem(), "not_found", "{path}");
        }
    });
}
