//! `/api/v1/accounts/{account}/keys`.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Api, OPERATOR, Tenant};

fn path(tenant: &Tenant) -> String {
    format!("/api/v1/accounts/{}/keys", tenant.slug)
}

#[tokio::test]
async fn a_key_is_shown_once_and_works() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    api.world.clock().advance(1);
    let body = json!({"name": "ci", "role": "member", "expires_at": "2026-11-22T01:00:00+01:00"});
    let reply = api.post(&path(&acme)).key(&acme.admin).json(&body).send().await;
    assert_eq!(reply.header("cache-control"), "no-store");
    let issued = reply.created();
    let key = issued["key"].as_str().unwrap();
    assert_eq!(issued["expires_at"], "2026-11-22T00:00:00.000Z");
    assert!(key.starts_with("retinue_") && issued["agents"].is_null());
    api.get("/api/v1/agents").key(key).send().await.ok();

    let listed = api.get(&path(&acme)).key(&acme.admin).send().await;
    assert!(!String::from_utf8_lossy(&listed.body).contains(key));
    let newest = listed.ok()["data"][0].clone();
    let hint = newest["hint"].as_str().unwrap().to_owned();
    assert!(hint.starts_with(&key[..10]) && hint.ends_with(&key[key.len() - 4..]) && hint.len() < 20);
    assert_eq!((&newest["name"], newest.get("key"), newest.get("digest")), (&json!("ci"), None, None));
}

#[tokio::test]
async fn a_revoked_key_fails_from_the_next_call() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let listed = api.get(&path(&acme)).key(OPERATOR).send().await.ok();
    let member =
        listed["data"].as_array().unwrap().iter().find(|key| key["name"] == "member").unwrap().clone();
    let one = format!("{}/{}", path(&acme), member["id"].as_str().unwrap());
    api.world.faults().take_done();
    for _ in 0..2 {
        api.delete(&one).key(&acme.admin).send().await.no_content();
        let refused = api.get("/api/v1/agents").key(&acme.member).send().await;
        assert_eq!(refused.problem(), (401, "unauthenticated".to_owned()));
    }
    let writes = api.world.faults().take_done();
    let is_write = |name: &&str| !name.contains("OF_KEY") && !name.contains("BY_DIGEST");
    let writes: Vec<&str> = writes.iter().map(String::as_str).filter(is_write).collect();
    let revoking = ["begin_write", "REVOKE_KEY", "INSERT_CHANGE_IF_WRITTEN", "KEY_EXISTS", "end_write"];
    assert_eq!(writes[..5], revoking);
    let listed = api.get(&path(&acme)).key(OPERATOR).send().await.ok();
    let revoked =
        listed["data"].as_array().unwrap().iter().find(|key| key["id"] == member["id"]).unwrap().clone();
    assert_eq!(revoked["revoked_at"], "2026-11-21T12:00:00.000Z");
}

#[tokio::test]
async fn an_expired_key_fails_at_its_moment() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let body = json!({"name": "brief", "role": "member", "expires_at": "2026-11-21T12:00:01Z"});
    let key = api.issue("acme", &body).await;
    api.world.clock().advance(999);
    api.get("/api/v1/agents").key(&key).send().await.ok();
    api.world.clock().advance(1);
    let expired = api.get("/api/v1/agents").key(&key).send().await;
    let unknown = api.get("/api/v1/agents").key("retinue_00000000000000000000000000000000").send().await;
    assert_eq!(expired.problem(), (401, "unauthenticated".to_owned()));
    assert_eq!(unknown.problem(), (401, "unauthenticated".to_owned()));
    drop(acme);
}

#[tokio::test]
async fn what_a_wrong_key_is_told_helps_its_owner_only() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let mut mistyped = acme.admin.clone();
    mistyped.replace_range(12..13, if &mistyped[12..13] == "a" { "b" } else { "a" });
    let unknown = retinue::domain::api_key::ApiKey::generate(&[7; 32]);
    for (key, word) in [
        (mistyped.as_str(), "checksum"),
        (&acme.admin[..40], "46 characters"),
        ("sk-proj-123", "retinue_"),
        (unknown.expose(), "unknown, expired or revoked"),
    ] {
        api.world.faults().take_done();
        let refused = api.get("/api/v1/agents").key(key).send().await;
        assert_eq!(refused.problem(), (401, "unauthenticated".to_owned()));
        assert!(refused.detail().contains(word), "{}", refused.detail());
        assert!(!refused.detail().contains(key));
        let looked = !api.world.faults().take_done().is_empty();
        assert_eq!(looked, key == unknown.expose(), "a key that cannot be costs no look-up");
    }
}

#[tokio::test]
async fn a_caller_is_confined_to_agents_that_exist() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let other = api.tenant("other").await;
    let triage = api.agent(&acme, &json!({"slug": "triage"})).await;
    let coder = api.agent(&acme, &json!({"slug": "coder"})).await;
    let foreign = api.agent(&other, &json!({"slug": "foreign"})).await;
    let issue = |agents: Value| {
        let body = json!({"name": "web", "role": "caller", "agents": agents});
        api.post("/api/v1/accounts/acme/keys").key(&acme.admin).json(&body).send()
    };
    let issued = issue(json!(["triage", coder["id"], triage["id"]])).await.created();
    assert_eq!(issued["agents"], json!([triage["id"], coder["id"]]));
    let bad = issue(json!(["triage", "nobody", foreign["id"], "foreign", "no/slug", ""])).await;
    assert_eq!(bad.fields(), ["agents[1]", "agents[2]", "agents[3]", "agents[4]", "agents[5]"]);
    assert_eq!(issue(json!([])).await.fields(), ["agents"]);
    assert_eq!(issue(json!(vec!["triage"; 101])).await.fields(), ["agents"]);
    let body = json!({"name": "web", "role": "member", "agents": ["triage"]});
    let bad = api.post(&path(&acme)).key(&acme.admin).json(&body).send().await;
    assert_eq!(bad.fields(), ["agents"]);
}

async fn faults(api: &Api, tenant: &Tenant, body: Value) -> Vec<String> {
    api.post(&path(tenant)).key(&tenant.admin).json(&body).send().await.fields()
}

#[tokio::test]
async fn every_fault_of_a_key_is_named() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    assert_eq!(
        faults(&api, &acme, json!({"name": "", "role": "admin", "expires_at": "2026-11-21T12:00:00Z"})).await,
        ["name", "expires_at"]
    );
    assert_eq!(faults(&api, &acme, json!({"name": "x", "role": "operator"})).await, ["role"]);
    assert_eq!(
        faults(&api, &acme, json!({"name": "x", "role": "admin", "expires_at": "tomorrow"})).await,
        ["expires_at"]
    );
    assert_eq!(
        faults(&api, &acme, json!({"name": "x", "role": "admin", "expires_at": 1_800_000_000})).await,
        ["expires_at"]
    );
    assert_eq!(
        faults(&api, &acme, json!({"name": "x", "role": "admin", "agent": ["triage"]})).await,
        ["agent"]
    );
}

#[tokio::test]
async fn keys_belong_to_the_operator_and_the_accounts_admins() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let other = api.tenant("other").await;
    let body = json!({"name": "x", "role": "caller"});
    let by_id = format!("/api/v1/accounts/{}/keys", acme.id);
    for (path, key, status) in [
        (path(&acme), OPERATOR, 201),
        (by_id.clone(), OPERATOR, 201),
        (by_id, &acme.admin, 201),
        (path(&acme), &acme.member, 403),
        (path(&acme), &acme.caller, 403),
        (path(&acme), &other.admin, 404),
        (path(&acme), &other.member, 404),
        ("/api/v1/accounts/nobody/keys".to_owned(), OPERATOR, 404),
        ("/api/v1/accounts/nobody/keys".to_owned(), &acme.admin, 404),
        ("/api/v1/accounts/No%20Slug/keys".to_owned(), OPERATOR, 404),
    ] {
        let posted = api.post(&path).key(key).json(&body).send().await;
        assert_eq!(posted.status.as_u16(), status, "{path}");
        let listed = api.get(&path).key(key).send().await;
        assert_eq!(listed.status.is_success(), posted.status.is_success(), "{path}");
    }
}

#[tokio::test]
async fn a_key_of_another_account_is_no_key_here() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let other = api.tenant("other").await;
    let listed = api.get(&path(&other)).key(&other.admin).send().await.ok();
    let foreign = listed["data"][0]["id"].as_str().unwrap();
    for id in [foreign, "0190b0a0-0000-7000-8000-000000000000", "nonsense"] {
        let gone = api.delete(&format!("{}/{id}", path(&acme))).key(&acme.admin).send().await;
        assert_eq!(gone.problem(), (404, "not_found".to_owned()));
    }
    let listed = api.get(&path(&other)).key(&other.admin).send().await.ok();
    assert!(listed["data"][0]["revoked_at"].is_null());
}

#[tokio::test]
async fn keys_are_listed_in_pages() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    for n in 0..4 {
        api.world.clock().advance(1);
        api.issue("acme", &json!({"name": format!("k{n}"), "role": "caller"})).await;
    }
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = api.get(&format!("{}?limit=3{cursor}", path(&acme))).key(&acme.admin).send().await.ok();
        let data = page["data"].as_array().unwrap();
        assert!(data.len() <= 3);
        names.extend(data.iter().map(|key| key["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(names[..4], ["k3", "k2", "k1", "k0"]);
    assert_eq!(names.len(), 7);
}

#[tokio::test]
async fn a_suspended_accounts_configuration_is_read_only() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    api.world.database().with(|db| db.execute("UPDATE accounts SET status = 'suspended'", []).unwrap());
    api.get("/api/v1/agents").key(&acme.member).send().await.ok();
    api.get(&path(&acme)).key(&acme.admin).send().await.ok();
    let body = json!({"name": "x", "role": "caller"});
    let refused = api.post(&path(&acme)).key(&acme.admin).json(&body).send().await;
    assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
    let refused = api.delete("/api/v1/agents/any").key(&acme.admin).send().await;
    assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
    let by_operator = api.post(&path(&acme)).key(OPERATOR).json(&body).send().await;
    assert_eq!(by_operator.status, StatusCode::CREATED);
}
