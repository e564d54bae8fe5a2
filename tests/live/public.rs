//! Public agents, and pages that call from a browser.

use hyper::Method;
use serde_json::{Value, json};

use crate::emulator::{Price, Script};
use crate::harness::{Account, Agent, Reply, live};

async fn agent(account: &Account, more: &[(&str, Value)]) -> Agent {
    let model = account.model(Price::output_only(1_000), Script::tokens(1, 5)).await;
    let draft = account.agent(&format!("emu:{}?max_tokens=10", model.code)).capped(1_000_000);
    more.iter().fold(draft, |draft, (field, value)| draft.with(field, value.clone())).create().await
}

/// As a page of that origin, without a key.
async fn from_page(agent: &Agent, method: Method, path: &str, origin: &str) -> Reply {
    let call = agent.account.anonymous(method.clone(), &agent.path(path)).header("origin", origin);
    if method == Method::OPTIONS {
        let call = call.header("access-control-request-method", "POST");
        return call.header("access-control-request-headers", "content-type, authorization").send().await;
    }
    let body = match path {
        "/v1/chat/completions" => {
            json!({"model": agent.slug, "messages": [{"role": "user", "content": "m"}]})
        }
        _ => json!({"message": "m"}),
    };
    call.json(&body).send().await
}

#[test]
fn anyone_may_call_a_public_agent_until_its_budget_is_spent() {
    live(async |app| {
        let account = app.account().await;
        let agent = agent(&account, &[("access", json!("public"))]).await;
        for path in ["/chat", "/stream", "/v1/chat/completions"] {
            let reply =
                from_page(&agent, Method::POST, path, "https://anywhere.example.com").await.expect(200);
            assert_eq!(reply.header("access-control-allow-origin"), "*");
        }
        let books = agent.closed_books().await;
        assert!(books.calls.iter().all(|call| call["key"].is_null()), "{:?}", books.calls);
        agent.set_budget(1).await.expect(200);
        for path in ["/chat", "/stream", "/v1/chat/completions"] {
            let spent =
                from_page(&agent, Method::POST, path, "https://anywhere.example.com").await.expect(402);
            assert!(spent.text().contains("budget_exceeded"), "{}", spent.text());
            assert_eq!(spent.header("access-control-allow-origin"), "*", "a page must be able to read why");
        }
        let administered = account.anonymous(Method::GET, &agent.api("/budget")).send().await;
        administered.expect(401);
    });
}

#[test]
fn only_pages_of_the_allowed_origins_may_call() {
    live(async |app| {
        let account = app.account().await;
        let origins = json!(["https://shop.example", "http://localhost:3000"]);
        let agent = agent(&account, &[("access", json!("public")), ("allowed_origins", origins)]).await;
        for origin in ["https://shop.example", "http://localhost:3000"] {
            let asked = from_page(&agent, Method::OPTIONS, "/chat", origin).await;
            assert!(matches!(asked.status, 200 | 204), "{}", asked.text());
            assert_eq!(asked.header("access-control-allow-origin"), "*");
            assert!(asked.header("access-control-allow-methods").contains("POST"), "{:?}", asked.headers);
            let headers = asked.header("access-control-allow-headers").to_lowercase();
            assert!(headers.contains("content-type") && headers.contains("authorization"), "{headers}");
            let reply = from_page(&agent, Method::POST, "/chat", origin).await.expect(200);
            assert_eq!(reply.header("access-control-allow-origin"), origin);
            assert!(
                reply.header("vary").to_lowercase().contains("origin"),
                "a cache must not mix origins up"
            );
            let exposed = reply.header("access-control-expose-headers").to_lowercase();
            assert!(exposed.contains("x-call-id"), "{exposed}");
        }
        for origin in
            ["https://evil.example", "https://shop.example.evil.example", "http://shop.example", "null"]
        {
            let reply = from_page(&agent, Method::POST, "/chat", origin).await;
            assert_eq!((reply.status, reply.problem().as_str()), (403, "origin_not_allowed"), "{origin}");
            assert_eq!(reply.header("access-control-allow-origin"), "");
        }
        let no_page = account.anonymous(Method::POST, &agent.path("/chat")).json(&json!({"message": "m"}));
        no_page.send().await.expect(200);
        assert_eq!(agent.closed_books().await.calls.len(), 3);
    });
}
