//! Agents out of one account and into another: the stream, the batch and the fetch as the platform does them.

use hyper::Method;
use serde_json::{Value, json};

use crate::harness::{Account, live};

/// Agents that hand off to each other in a ring, with everything that a file can carry.
fn ring(count: usize) -> Vec<Value> {
    let one = |n: usize| {
        json!({
            "slug": format!("ring-{n}"), "name": format!("Ring: {n}"), "model": "emu:m?temperature=0.2",
            "instructions": format!("You are {{{{agent_name}}}}.\n\n  - number {n}\n\"quoted\" # and 日本 😀\n"),
            "handoff_targets": [format!("ring-{}", (n + 1) % count)], "tools": ["web_search"], "labels": ["yes", "a: b"],
            "budget": {"limit_usd": "1.000000001", "period": "month"}, "max_concurrency": 1 + n % 7,
            "config": {"variables": {"tone": null}, "nested": {"list": [1, 2.5, "3", null, true]}},
        })
    };
    (0..count).map(one).collect()
}

async fn exported(account: &Account, query: &str) -> String {
    account.get(&format!("/api/v1/agents/export{query}")).await.expect(200).text()
}

async fn imported(account: &Account, query: &str, kind: &str, file: String) -> Value {
    let call = account.call(Method::POST, &format!("/api/v1/agents/import{query}"));
    call.bytes(file.into()).header("content-type", kind).send().await.expect(200).json()
}

/// By slug, because what came in one batch has one time.
fn agents(document: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(document).expect("an export is JSON");
    let mut agents = document["agents"].as_array().expect("agents").clone();
    agents.sort_by_key(|agent| agent["slug"].to_string());
    agents
}

#[test]
fn what_was_exported_imports_to_the_same_definitions() {
    live(async |app| {
        let source = Account::create(app, "exchange-source").await;
        let report = imported(&source, "", "application/json", json!(ring(1_000)).to_string()).await;
        assert_eq!(report["created"], 1_000, "{report}");
        let first = agents(&exported(&source, "").await);
        assert_eq!(first.len(), 1_000);
        for (format, kind) in [("json", "application/json"), ("yaml", "application/yaml")] {
            let file = exported(&source, &format!("?format={format}")).await;
            let target = Account::create(app, &format!("exchange-{format}")).await;
            let report = imported(&target, "", kind, file.clone()).await;
            assert_eq!(report["created"], 1_000, "{report}");
            assert_eq!(agents(&exported(&target, "").await), first);
            let again = imported(&target, "?mode=update", kind, file).await;
            assert_eq!(again["skipped"], 1_000, "{again}");
        }
        let agent = source.get("/api/v1/agents/ring-7").await.expect(200).json();
        assert_eq!(agent["version"], 1);
    });
}

#[test]
fn a_url_that_is_not_public_is_not_fetched() {
    live(async |app| {
        let account = Account::create(app, "exchange-url").await;
        for url in [
            "https://10.0.0.1/agents.yaml",
            "https://169.254.169.254/latest/meta-data",
            "http://example.com/a",
        ] {
            let reply = account.post("/api/v1/agents/import", &json!({"url": url})).await;
            assert_eq!(reply.expect(400).json()["errors"][0]["field"], "url", "{url}");
        }
        let missing = format!("{}/no-such-file.yaml", app.emulator.origin());
        let reply = account.post("/api/v1/agents/import", &json!({"url": missing})).await;
        let error = reply.expect(400).json()["errors"][0]["message"].to_string();
        assert!(error.contains("answers 4"), "{error}");
    });
}
