//! What belongs to no account: health, the document of the API, its page, the default account, the platform's provider.

use hyper::Method;
use serde_json::json;

use crate::emulator::{Price, Script};
use crate::harness::{PLATFORM_KEY, live, money};

/// Every route of the API, which the document must name.
const ROUTES: [(&str, &str); 30] = [
    ("/health", "get"),
    ("/openapi.json", "get"),
    ("/docs", "get"),
    ("/api/v1/accounts", "post"),
    ("/api/v1/accounts/{account}/keys", "post"),
    ("/api/v1/accounts/{account}/keys", "get"),
    ("/api/v1/accounts/{account}/keys/{key}", "delete"),
    ("/api/v1/providers", "get"),
    ("/api/v1/providers/{name}", "put"),
    ("/api/v1/providers/{name}", "get"),
    ("/api/v1/providers/{name}", "delete"),
    ("/api/v1/models", "get"),
    ("/api/v1/models/{provider}/{code}", "put"),
    ("/api/v1/aliases", "get"),
    ("/api/v1/aliases/{name}", "put"),
    ("/api/v1/aliases/{name}", "delete"),
    ("/api/v1/agents", "post"),
    ("/api/v1/agents", "get"),
    ("/api/v1/agents/{agent}", "get"),
    ("/api/v1/agents/{agent}", "put"),
    ("/api/v1/agents/{agent}", "delete"),
    ("/api/v1/agents/{agent}/budget", "get"),
    ("/api/v1/agents/{agent}/budget", "put"),
    ("/api/v1/agents/{agent}/calls", "get"),
    ("/accounts/{account}/agents/{agent}/chat", "post"),
    ("/accounts/{account}/agents/{agent}/stream", "post"),
    ("/accounts/{account}/agents/{agent}/v1/chat/completions", "post"),
    ("/accounts/{account}/agents/{agent}/v1/models", "get"),
    ("/agents/{agent}/chat", "post"),
    ("/agents/{agent}/v1/chat/completions", "post"),
];

#[test]
fn health_documents_and_page_need_no_key() {
    live(async |app| {
        app.get("/health").await.expect(200);
        let document = app.get("/openapi.json").await.expect(200).json();
        assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
        for (path, method) in ROUTES {
            assert!(document["paths"][path][method].is_object(), "{method} {path} is not in the document");
        }
        let page = app.get("/docs").await.expect(200);
        assert!(page.header("content-type").starts_with("text/html"));
        let text = page.text();
        for elsewhere in ["src=\"http", "src='http", "src=\"//", "href=\"http://", "@import", "cdn."] {
            assert!(!text.contains(elsewhere), "the page must work offline, but has {elsewhere}");
        }
    });
}

#[test]
fn paths_without_an_account_are_the_default_accounts() {
    live(async |app| {
        let house = app.house();
        let model = house.model(Price::output_only(1), Script::default()).await;
        let agent = house.agent(&format!("emu:{}", model.code)).capped(1_000_000).create().await;
        let call = |method: Method, path: &str| {
            app.client.call(method, &format!("/agents/{}{path}", agent.slug)).key(&house.caller.secret)
        };
        call(Method::POST, "/chat").json(&json!({"message": "hello"})).send().await.expect(200);
        let events =
            call(Method::POST, "/stream").json(&json!({"message": "hello"})).open().await.all().await;
        assert_eq!(events.last().map(|event| event.name.as_str()), Some("done"));
        let body = json!({"model": agent.slug, "messages": [{"role": "user", "content": "hello"}]});
        call(Method::POST, "/v1/chat/completions").json(&body).send().await.expect(200);
        call(Method::GET, "/v1/models").send().await.expect(200);
        assert_eq!(agent.closed_books().await.calls.len(), 3);

        let other = app.account().await;
        let foreign =
            app.client.call(Method::POST, &format!("/agents/{}/chat", agent.slug)).key(&other.admin.secret);
        let foreign = foreign.json(&json!({"message": "hello"})).send().await;
        assert!(matches!(foreign.status, 401 | 403 | 404), "{}", foreign.text());
    });
}

#[test]
fn the_platforms_provider_serves_accounts_without_their_own_at_the_catalogues_price() {
    live(async |app| {
        let model = app.emulator.model_called("gpt-4.1-mini", Price::default(), Script::tokens(100, 10));
        let account = app.account().await;
        let agent = account.agent("openai:gpt-4.1-mini").capped(1_000_000_000).create().await;
        let message = "A question of some length. ".repeat(8);
        let reply = agent.chat(&message).await.expect(200);
        assert_eq!(model.last().header("authorization"), format!("Bearer {PLATFORM_KEY}"));
        // Listed at $0.40 and $1.60 per million tokens.
        assert_eq!(money(&reply.json()["cost_usd"]), 100 * 400 + 10 * 1_600);
        account.provider("openai", "openai", &app.emulator.origin()).await.expect(200);
        agent.chat(&message).await.expect(200);
        assert_eq!(model.last().header("authorization"), format!("Bearer {}", account.provider_key));
        let catalogue = account.get("/api/v1/models?limit=200").await.expect(200).text();
        for provider in ["openai", "anthropic", "gemini", "workers-ai"] {
            assert!(catalogue.contains(&format!("\"{provider}\"")), "the catalogue has none of {provider}");
        }
    });
}

#[test]
fn accounts_are_the_operators_to_make() {
    live(async |app| {
        let account = app.account().await;
        let body = json!({"slug": account.slug, "name": "Again"});
        assert_eq!(
            app.operator(Method::POST, "/api/v1/accounts", &body).await.expect(409).problem(),
            "conflict"
        );
        let body = json!({"slug": "fresh-but-refused", "name": "N", "plan": "lavish"});
        let refused = app.operator(Method::POST, "/api/v1/accounts", &body).await;
        assert!(refused.status == 400 && refused.text().contains("plan"), "{}", refused.text());
        let anonymous =
            app.client.call(Method::POST, "/api/v1/accounts").json(&json!({"slug": "x", "name": "X"}));
        anonymous.send().await.expect(401);
    });
}
