//! One answer names everything that is wrong with a body: what is unknown, what has another shape, what does not fit.

use axum::http::Method;
use serde_json::{Value, json};

use crate::models::catalogue;
use crate::support::{Api, OPERATOR, Tenant};

async fn faults(api: &Api, key: &str, method: Method, path: &str, body: Value) -> Vec<String> {
    let reply = api.request(method, path).key(key).json(&body).send().await;
    assert_eq!(reply.status.as_u16(), 400, "{path}: {reply:?}");
    let mut fields = reply.fields();
    fields.sort();
    fields
}

async fn furnished() -> (Api, Tenant) {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    catalogue(&api, &[("openai", "gpt-4o")]);
    api.agent(&acme, &json!({"slug": "a", "name": "A", "instructions": "x", "model": "openai:gpt-4o"})).await;
    (api, acme)
}

#[tokio::test]
async fn every_fault_of_a_declared_thing_is_named_at_once() {
    let (api, acme) = furnished().await;
    let admin = acme.admin.as_str();
    for (method, path, body, fields) in [
        (
            Method::PUT,
            "models/own/m",
            json!({"input_usd_per_mtok": "1", "output_usd_per_mtok": "1", "context_tokens": 0, "surprise": 1,
                "capabilities": ["magic"], "max_output_tokens": "many"}),
            vec!["capabilities", "context_tokens", "max_output_tokens", "surprise"],
        ),
        (
            Method::PUT,
            "aliases/a%20b",
            json!({"model": "openai:gpt-4o", "surprise": 1}),
            vec!["name", "surprise"],
        ),
        (Method::PUT, "aliases/ok", json!({"model": "no such", "surprise": 1}), vec!["model", "surprise"]),
        (
            Method::POST,
            "members",
            json!({"email": "nobody", "role": "member", "surprise": 1}),
            vec!["email", "surprise"],
        ),
        (
            Method::PUT,
            "templates/t",
            json!({"description": "", "surprise": 1, "definition": {"model": "no such", "instructions": ""}}),
            vec!["definition.instructions", "definition.model", "description", "surprise"],
        ),
        (
            Method::PUT,
            "providers/own",
            json!({"base_url": "ftp://x", "surprise": 1, "api_key": " "}),
            vec!["api_key", "base_url", "surprise"],
        ),
    ] {
        assert_eq!(faults(&api, admin, method, &format!("/api/v1/{path}"), body).await, fields, "{path}");
    }
    let code = json!({"input_usd_per_mtok": "1", "output_usd_per_mtok": "1", "capabilities": [],
        "context_tokens": 1000, "max_output_tokens": 100});
    let file = json!({"declarations": [{"kind": "model", "name": "own/m/", "body": code}]});
    let refused = faults(&api, admin, Method::POST, "/api/v1/import", file).await;
    assert_eq!(refused, ["declarations[0].name"]);
}

#[tokio::test]
async fn every_fault_of_other_bodies_is_named_at_once() {
    let (api, acme) = furnished().await;
    let admin = acme.admin.as_str();
    for (key, path, body, fields) in [
        (
            OPERATOR,
            "accounts",
            json!({"slug": "B A D", "name": "", "plan": "gold", "surprise": 1}),
            vec!["name", "plan", "slug", "surprise"],
        ),
        (
            admin,
            "accounts/acme/keys",
            json!({"name": "", "role": "caller", "agents": ["nobody"], "scopes": ["magic"], "surprise": 1}),
            vec!["agents[0]", "name", "scopes[0]", "surprise"],
        ),
        (
            admin,
            "agents/a/duplicate",
            json!({"slug": "B A D", "name": "", "surprise": 1}),
            vec!["name", "slug", "surprise"],
        ),
        (admin, "agents/a/restore", json!({"slug": "B A D", "surprise": 1}), vec!["slug", "surprise"]),
        (
            admin,
            "agents",
            json!({"template": "nothing", "surprise": 1, "max_concurrency": "x"}),
            vec!["max_concurrency", "surprise", "template"],
        ),
    ] {
        assert_eq!(faults(&api, key, Method::POST, &format!("/api/v1/{path}"), body).await, fields, "{path}");
    }
}

#[tokio::test]
async fn what_the_platform_offers_sent_back_is_no_change() {
    let (api, acme) = furnished().await;
    let template = json!({"name": "T", "definition": {"instructions": "x", "model": "openai:gpt-4o"}});
    api.put("/api/v1/templates/t").key(OPERATOR).json(&template).send().await.ok();
    for path in ["models/openai/gpt-4o", "templates/t"] {
        let path = format!("/api/v1/{path}");
        let before = api.get(&path).key(&acme.admin).send().await;
        assert_eq!(before.json()["source"], "platform");
        for method in [Method::PUT, Method::PATCH] {
            let after = api.request(method, &path).key(&acme.admin).json(&before.json()).send().await;
            assert_eq!(after.header("etag"), before.header("etag"));
            assert_eq!(after.ok()["source"], "platform");
        }
    }
    let changes = api.get("/api/v1/changes?subject=model").key(&acme.admin).send().await.ok();
    assert_eq!(changes["data"], json!([]));
}
