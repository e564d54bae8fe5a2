//! JSON Patch (RFC 6902) is done on exactly what GET shows: whatever a pointer leads to there passes a `test`, and `replace` by
//! itself changes nothing.

use axum::http::Method;
use serde_json::{Value, json};

use crate::models::catalogue;
use crate::support::{Api, OPERATOR, Reply, Tenant};

struct Shown<'a> {
    api: &'a Api,
    key: &'a str,
    /// Where GET shows it, and where operations on it go.
    at: &'a str,
    patched_at: &'a str,
}

impl<'a> Shown<'a> {
    fn of(api: &'a Api, key: &'a str, at: &'a str) -> Self {
        Self { api, key, at, patched_at: at }
    }

    async fn read(&self) -> (String, Value) {
        let reply = self.api.get(self.at).key(self.key).send().await;
        (reply.header("etag").to_owned(), reply.ok())
    }

    async fn operate(&self, operations: &Value) -> Reply {
        let call = self.api.request(Method::PATCH, self.patched_at);
        let key = if self.at == self.patched_at { self.key } else { OPERATOR };
        let call = call.key(key).header("content-type", "application/json-patch+json");
        call.raw(operations.to_string().into()).send().await
    }

    /// Tests every place of it, and replaces it by itself, one after the other and all at once.
    async fn holds_everywhere(&self) {
        // A write now would be seen by its time.
        self.api.world.clock().advance(1_000);
        let before = self.read().await;
        let mut all = Vec::new();
        for (path, value) in places(&before.1) {
            for op in ["test", "replace"] {
                let operation = json!({"op": op, "path": path, "value": value});
                let reply = self.operate(&json!([operation])).await;
                assert!(reply.status.is_success(), "{} {operation}: {reply:?}", self.at);
                all.push(operation);
            }
        }
        assert!(all.len() > 6, "{all:?}");
        for some in all.chunks(200) {
            self.operate(&some.into()).await.ok();
        }
        assert_eq!(self.read().await, before, "{} is as it was", self.at);
    }
}

/// Every pointer into a document, the empty one first, with what it leads to.
fn places(document: &Value) -> Vec<(String, Value)> {
    let mut found = vec![(String::new(), document.clone())];
    let mut at = 0;
    while at < found.len() {
        let (path, value) = found[at].clone();
        match value {
            Value::Object(fields) => found.extend(fields.into_iter().map(|(name, value)| {
                (format!("{path}/{}", name.replace('~', "~0").replace('/', "~1")), value)
            })),
            Value::Array(list) => {
                found.extend(list.into_iter().enumerate().map(|(i, value)| (format!("{path}/{i}"), value)));
            }
            _ => {}
        }
        at += 1;
    }
    found
}

async fn with_models() -> (Api, Tenant) {
    let api = Api::new();
    let acme = api.tenant_on("acme", "professional").await;
    catalogue(&api, &[("openai", "gpt-4o")]);
    (api, acme)
}

#[tokio::test]
async fn every_place_that_is_shown_of_an_agent_can_be_tested_and_replaced_by_itself() {
    let (api, acme) = with_models().await;
    api.agent(&acme, &json!({"slug": "other", "model": "openai:gpt-4o"})).await;
    api.agent(&acme, &json!({"slug": "bare", "name": "Bare", "instructions": "x"})).await;
    api.put("/api/v1/webhooks/crm")
        .key(&acme.admin)
        .json(&json!({"url": "https://hooks.example.com/in"}))
        .send()
        .await
        .ok();
    let tools = json!(["web_search", {"type": "http", "name": "weather", "description": "The weather.", "method": "GET",
        "url": "https://a.example.com/{city}", "headers": {"authorization": "Bearer abcdefgh12345678", "x-team": "a"},
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}]);
    let full = json!({"slug": "full", "name": "Full", "instructions": "Be {{tone}}.", "model": "openai:gpt-4o?temperature=0.2",
        "description": "All of it.", "voice": "p:v", "panels": ["notepad"], "tools": tools, "handoff_targets": ["other"],
        "allowed_origins": ["https://example.com"], "max_concurrency": 3, "cache": {"ttl_s": 60}, "run": {"max_steps": 3},
        "output": {"name": "place", "schema": {"type": "object", "properties": {"a/b~c": {"type": "string", "default": null}}}},
        "webhooks": ["crm"], "embeddings": "openai:text-embedding-3-small", "compact_at": 0.7, "keep_days": 30, "memory": {"read": ["user"]}, "labels": ["x"],
        "budget": {"limit_usd": "1", "period": "day"}, "status": "draft",
        "config": {"variables": {"tone": "dry", "who": null}, "a/b": {"~": [1, {"c": 1.5}]}, "": {"empty": {}}}});
    api.agent(&acme, &full).await;
    for agent in ["bare", "other", "full"] {
        Shown::of(&api, &acme.admin, &format!("/api/v1/agents/{agent}")).holds_everywhere().await;
    }
}

#[tokio::test]
async fn what_moves_by_itself_of_an_agent_can_be_replaced_by_what_it_was() {
    let (api, acme) = with_models().await;
    api.agent(&acme, &json!({"slug": "a", "name": "A", "instructions": "x", "model": "openai:gpt-4o"})).await;
    let agent = Shown::of(&api, &acme.admin, "/api/v1/agents/a");
    let before = agent.read().await;
    for (path, value) in [
        ("/healthy", json!(!before.1["healthy"].as_bool().unwrap())),
        ("/problems", json!(["gone since"])),
        ("/capabilities", json!(["telepathy"])),
    ] {
        agent.operate(&json!([{"op": "replace", "path": path, "value": value}])).await.ok();
        let tested = agent.operate(&json!([{"op": "test", "path": path, "value": value}])).await;
        assert_eq!(tested.problem().0, 409, "{path}");
    }
    let url = agent.operate(&json!([{"op": "replace", "path": "/url", "value": "/elsewhere"}])).await;
    assert_eq!(url.fields(), ["url"]);
    assert_eq!(agent.read().await, before);
}

#[tokio::test]
async fn every_place_that_is_shown_of_an_account_can_be_tested_and_replaced_by_itself() {
    let (api, acme) = with_models().await;
    let bare = Shown::of(&api, &acme.admin, "/api/v1/account");
    bare.holds_everywhere().await;
    let words = json!({"name": "Acme Inc.", "variables": {"company": "Acme"}, "default_model": "openai:gpt-4o",
        "settings": {"a/b": {"~": [1, {"c": 1.5}]}, "e": {}}});
    let patch = api.request(Method::PATCH, "/api/v1/account").key(&acme.admin).json(&words);
    patch.send().await.ok();
    api.agent(&acme, &json!({"slug": "a", "name": "A", "instructions": "x"})).await;
    Shown::of(&api, &acme.admin, "/api/v1/account").holds_everywhere().await;
    let by_operator =
        Shown { api: &api, key: &acme.admin, at: "/api/v1/account", patched_at: "/api/v1/accounts/acme" };
    by_operator.holds_everywhere().await;
}

#[tokio::test]
async fn what_is_only_shown_of_an_account_stays_and_what_moves_of_it_is_taken_as_it_was() {
    let (api, acme) = with_models().await;
    let account = Shown::of(&api, &acme.admin, "/api/v1/account");
    let before = account.read().await;
    api.agent(&acme, &json!({"slug": "a", "name": "A", "instructions": "x"})).await;
    for path in ["/limits/agents/used", "/limits", ""] {
        let was = before.1.pointer(path).unwrap();
        account.operate(&json!([{"op": "replace", "path": path, "value": was}])).await.ok();
        let tested = account.operate(&json!([{"op": "test", "path": path, "value": was}])).await;
        assert_eq!(tested.problem().0, 409, "{path}: an agent more is used");
    }
    for (path, value, field) in [
        ("/limits/agents/limit", json!(1_000_000), "limits"),
        ("/flags/batched_admissions", json!("?"), "flags"),
        ("/created_at", json!("2020-01-01T00:00:00.000Z"), "created_at"),
        ("/id", json!("another"), "id"),
    ] {
        let replace = json!([{"op": "replace", "path": path, "value": value}]);
        assert_eq!(account.operate(&replace).await.fields(), [field]);
        let by_operator = Shown { api: &api, key: "", at: "", patched_at: "/api/v1/accounts/acme" };
        assert_eq!(by_operator.operate(&replace).await.fields(), [field]);
    }
    assert_eq!(account.read().await.0, before.0);
}

#[tokio::test]
async fn every_place_that_is_shown_of_a_declared_thing_can_be_tested_and_replaced_by_itself() {
    let (api, acme) = with_models().await;
    let put = async |key: &str, path: &str, body: Value| {
        api.put(&format!("/api/v1/{path}")).key(key).json(&body).send().await.ok();
    };
    api.agent(&acme, &json!({"slug": "p", "name": "P", "instructions": "x"})).await;
    put(
        &acme.admin,
        "providers/own",
        json!({"base_url": "https://own.example.com/v1", "api_key": "sk-own-0123456789abcdef",
            "dialect": {"system": "one", "models": [{"model": "glm-*", "dialect": {"temperature": "never"}}]}}),
    )
    .await;
    put(&acme.admin, "providers/openai", json!({"api_key": "sk-own-0123456789abcdef"})).await;
    put(&acme.admin, "aliases/fast", json!({"model": "openai:gpt-4o"})).await;
    let price = json!({"input_usd_per_mtok": "1", "output_usd_per_mtok": "2", "context_tokens": 1_000,
        "max_output_tokens": 100, "capabilities": ["tools"],
        "long_context": {"above_tokens": 500, "input_usd_per_mtok": 1, "output_usd_per_mtok": "2.5"}});
    put(&acme.admin, "models/own/big", price).await;
    let template = json!({"name": "T", "definition": {"instructions": "x", "handoff_targets": ["p"],
        "tools": ["web_search"], "config": {"variables": {"a": null}}}});
    put(&acme.admin, "templates/t", template).await;
    put(OPERATOR, "templates/ours", json!({"definition": {"instructions": "The platform's."}})).await;
    put(&acme.admin, "webhooks/crm", json!({"url": "https://hooks.example.com/in"})).await;
    let person = json!({"email": "ada@example.com", "role": "member",
        "profile": {"bio": "b", "settings": {"agent_prompts": {"p": "z"}, "x": {"y": [1]}}}});
    let made = api.post("/api/v1/members").key(&acme.admin).json(&person).send().await.created();
    let member = format!("members/{}", made["id"].as_str().unwrap());
    let bare = json!({"email": "bob@example.com", "role": "admin"});
    let bare = api.post("/api/v1/members").key(&acme.admin).json(&bare).send().await.created();
    let bare = format!("members/{}", bare["id"].as_str().unwrap());
    for path in [
        "providers/own",
        "providers/openai",
        "aliases/fast",
        "models/own/big",
        "models/openai/gpt-4o",
        "templates/t",
        "templates/ours",
        "webhooks/crm",
        &member,
        &bare,
    ] {
        Shown::of(&api, &acme.admin, &format!("/api/v1/{path}")).holds_everywhere().await;
    }
    Shown::of(&api, OPERATOR, "/api/v1/templates/ours").holds_everywhere().await;
}

#[tokio::test]
async fn every_place_that_is_shown_of_a_memory_can_be_tested_and_replaced_by_itself() {
    let (api, acme) = with_models().await;
    let body = json!({"text": "Prefers short answers.", "user": "ada", "labels": ["style"], "metadata": {"from": "survey"}});
    let made = api.post("/api/v1/memories").key(&acme.admin).json(&body).send().await.created();
    let path = format!("/api/v1/memories/{}?user=ada", made["id"].as_str().unwrap());
    Shown::of(&api, &acme.admin, &path).holds_everywhere().await;
}
