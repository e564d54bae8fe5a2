//! Keys that are confined to scopes. That every operation asks for its own is the matrix's affair.

use std::collections::BTreeMap;

use axum::http::Method;
use retinue::domain::account::Role;
use retinue::domain::scope::{Scope, Scopes};
use serde_json::{Value, json};

use crate::support::{Api, OPERATOR, Reply, Tenant};

struct Stage {
    api: Api,
    acme: Tenant,
}

impl Stage {
    async fn new() -> Self {
        let api = Api::new();
        let acme = api.tenant("acme").await;
        Self { api, acme }
    }

    async fn issue(&self, by: &str, role: &str, scopes: &Value) -> Reply {
        let body = json!({"name": "scoped", "role": role, "scopes": scopes});
        self.api.post("/api/v1/accounts/acme/keys").key(by).json(&body).send().await
    }

    async fn key(&self, role: &str, scopes: &Value) -> String {
        self.issue(OPERATOR, role, scopes).await.created()["key"].as_str().unwrap().to_owned()
    }

    async fn get(&self, path: &str, key: &str) -> Reply {
        self.api.get(path).key(key).send().await
    }
}

fn assert_lacks(reply: &Reply, scope: &str) {
    assert_eq!(reply.problem(), (403, "forbidden".to_owned()));
    assert!(reply.detail().contains(&format!("lacks the scope `{scope}`")), "{}", reply.detail());
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say_and_shows_them() {
    let stage = Stage::new().await;
    let issued =
        stage.issue(&stage.acme.admin, "admin", &json!(["agents:write", "ledger:read"])).await.created();
    let all = json!(["agents:read", "agents:write", "ledger:read"]);
    assert_eq!(issued["scopes"], all, "who may write may read");
    let listed = stage.get("/api/v1/accounts/acme/keys", &stage.acme.admin).await.ok();
    let shown = |name: &str| {
        let rows = listed["data"].as_array().unwrap();
        rows.iter().find(|row| row["name"] == name).unwrap()["scopes"].clone()
    };
    assert_eq!(shown("scoped"), all);
    assert_eq!(
        shown("caller"),
        json!(["calls", "profile:read", "profile:write", "threads:read", "threads:write"]),
        "all of the role"
    );
    let key = issued["key"].as_str().unwrap();
    let agent =
        json!({"slug": "triage", "name": "T", "instructions": "Sort.", "model": "openai:gpt-4.1-mini"});
    stage.api.post("/api/v1/agents").key(key).json(&agent).send().await.created();
    stage.get("/api/v1/agents/triage", key).await.ok();
    stage.get("/api/v1/agents/triage/calls", key).await.ok();
    for (path, scope) in [
        ("/api/v1/account", "account:read"),
        ("/api/v1/changes", "changes:read"),
        ("/api/v1/models", "models:read"),
        ("/accounts/acme/members", "members:read"),
        ("/accounts/acme/keys", "keys:read"),
    ] {
        assert_lacks(&stage.get(path, key).await, scope);
    }
    let patch = stage.api.request(Method::PATCH, "/api/v1/account").key(key).json(&json!({"name": "Mine"}));
    assert_lacks(&patch.send().await, "account:write");
    let foreign = stage.get("/accounts/globex/members", key).await;
    assert_eq!(foreign.problem(), (404, "not_found".to_owned()), "as without scopes");
}

#[tokio::test]
async fn the_role_is_asked_before_the_scope() {
    let stage = Stage::new().await;
    let key = stage.key("member", &json!(["agents:read"])).await;
    let refused = stage.get("/api/v1/members", &key).await;
    assert!(refused.detail().contains("role admin"), "{}", refused.detail());
}

#[tokio::test]
async fn scopes_that_do_not_fit_are_refused_by_name() {
    let stage = Stage::new().await;
    let unknown = stage.issue(OPERATOR, "admin", &json!(["calls", "agents", "time:travel"])).await;
    assert_eq!(unknown.fields(), ["scopes[1]", "scopes[2]"]);
    let message = unknown.json()["errors"][1]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("`time:travel`") && message.contains("agents:read, agents:write"), "{message}");
    let too_high = stage.issue(OPERATOR, "member", &json!(["agents:read", "agents:write"])).await;
    assert_eq!(too_high.fields(), ["scopes[1]"]);
    for wrong in [json!([]), json!(vec!["calls"; 101])] {
        assert_eq!(stage.issue(OPERATOR, "admin", &wrong).await.fields(), ["scopes"]);
    }
    assert_eq!(stage.issue(OPERATOR, "admin", &json!("calls")).await.fields(), ["scopes"]);
    let listed = stage.get("/api/v1/accounts/acme/keys", &stage.acme.admin).await.ok();
    assert_eq!(listed["data"].as_array().unwrap().len(), 3, "none was given out");
}

#[tokio::test]
async fn a_key_gives_no_more_than_it_has() {
    let stage = Stage::new().await;
    let giver = stage.key("admin", &json!(["keys:write", "agents:read", "calls"])).await;
    let more = stage.issue(&giver, "member", &json!(["agents:read", "models:read"])).await;
    assert_eq!(more.fields(), ["scopes[1]"]);
    stage.issue(&giver, "member", &json!(["agents:read"])).await.created();
    stage.issue(&giver, "admin", &json!(["keys:read"])).await.created();
    let unsaid = stage.issue(&giver, "caller", &Value::Null).await;
    assert_eq!(unsaid.fields(), ["scopes"], "a caller's role has a profile, too");
    assert!(unsaid.detail().contains("profile:read, profile:write"), "{}", unsaid.detail());
    let all = stage.issue(&stage.acme.admin, "admin", &Value::Null).await.created();
    assert!(all["scopes"].as_array().unwrap().len() > 10);
}

#[tokio::test]
async fn a_key_that_is_lowered_with_its_member_loses_what_the_lower_role_has_not() {
    let stage = Stage::new().await;
    let admin = &stage.acme.admin;
    let ada = json!({"name": "Ada", "email": "ada@example.com", "role": "admin"});
    let ada = stage.api.post("/api/v1/members").key(admin).json(&ada).send().await.created();
    let body = json!({"name": "hers", "role": "admin", "member": ada["id"], "scopes": ["agents:write", "keys:read"]});
    let key = stage.api.issue("acme", &body).await;
    stage.get("/accounts/acme/keys", &key).await.ok();
    let path = format!("/api/v1/members/{}", ada["id"].as_str().unwrap());
    let lower = json!({"role": "member"});
    stage.api.request(Method::PATCH, &path).key(admin).json(&lower).send().await.ok();
    stage.get("/api/v1/agents", &key).await.ok();
    assert_eq!(stage.get("/accounts/acme/keys", &key).await.status, 403);
    let listed = stage.get("/api/v1/accounts/acme/keys", admin).await.ok();
    let hers = listed["data"].as_array().unwrap().iter().find(|row| row["name"] == "hers").unwrap().clone();
    assert_eq!((&hers["role"], &hers["scopes"]), (&json!("member"), &json!(["agents:read"])));
}

#[tokio::test]
async fn the_change_log_says_what_a_key_was_issued_for() {
    let stage = Stage::new().await;
    stage.key("member", &json!(["agents:read"])).await;
    let changes = stage.get("/api/v1/changes?subject=key", &stage.acme.admin).await.ok();
    // Of one millisecond any may be the newest.
    let lines = changes["data"].as_array().unwrap();
    assert!(lines.iter().any(|line| line["after"]["scopes"] == json!(["agents:read"])), "{changes}");
}

#[tokio::test]
async fn a_scope_of_a_newer_release_opens_nothing_here() {
    let stage = Stage::new().await;
    let key = stage.key("admin", &json!(["calls"])).await;
    let sql = r#"UPDATE keys SET scopes = '["time:travel","agents:read"]' WHERE scopes IS NOT NULL"#;
    stage.api.world.database().with(|db| assert_eq!(db.execute(sql, []).unwrap(), 1));
    stage.get("/api/v1/agents", &key).await.ok();
    assert_lacks(&stage.get("/api/v1/models", &key).await, "models:read");
}

#[test]
fn the_documented_scopes_are_those_there_are_with_the_roles_that_have_them() {
    let page = std::fs::read_to_string(crate::schema::root().join("docs/keys.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let cells = |row: &str| row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let mut documented = BTreeMap::new();
    for row in rows.map(cells) {
        for name in row[1].split(", ") {
            documented.insert(name.trim_matches('`').to_owned(), row[3].clone());
        }
    }
    let roles = |scope: Scope| {
        let all = [Role::Caller, Role::Member, Role::Admin];
        let having: Vec<_> =
            all.into_iter().filter(|role| Scopes::of_role(*role).has(scope)).map(Role::name).collect();
        having.join(", ")
    };
    let there: BTreeMap<_, _> =
        Scope::ALL.into_iter().map(|scope| (scope.name().to_owned(), roles(scope))).collect();
    assert_eq!(documented, there);
}
