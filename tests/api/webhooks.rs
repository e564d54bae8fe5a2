//! `/api/v1/webhooks`: how webhooks are written and shown. What they are sent is in `tests/calls/webhooks.rs`.

use serde_json::{Value, json};

use crate::support::{Api, Reply, Tenant};

async fn put(api: &Api, tenant: &Tenant, body: &Value) -> Reply {
    api.put("/api/v1/webhooks/crm").key(&tenant.admin).json(body).send().await
}

fn body() -> Value {
    json!({"url": "https://hooks.example.com/in"})
}

#[tokio::test]
async fn what_is_left_out_has_its_default() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let first = put(&api, &acme, &body()).await;
    let tag = first.header("etag").to_owned();
    let made = first.ok();
    let events = json!(["run.completed", "run.incomplete", "run.failed", "run.cancelled", "run.waiting"]);
    assert_eq!((&made["events"], &made["runs"], &made["enabled"]), (&events, &json!("all"), &json!(true)));
    let shown = api.get("/api/v1/webhooks/crm").key(&acme.member).send().await;
    assert_eq!(shown.header("etag"), tag, "the secret is no part of the state");
    let shown = shown.ok();
    assert_eq!((shown.get("secret"), shown["secrets"].as_array().unwrap().len()), (None, 1));
    // Sent back as it is shown, it changes nothing.
    api.world.clock().advance(1_000);
    let same =
        api.put("/api/v1/webhooks/crm").key(&acme.admin).header("if-match", &tag).json(&shown).send().await;
    assert_eq!(same.ok(), shown);
    let changed = json!({"description": "Ours", "events": ["run.failed", "run.failed"]});
    let patch =
        api.request(axum::http::Method::PATCH, "/api/v1/webhooks/crm").key(&acme.admin).json(&changed);
    let patched = patch.send().await.ok();
    assert_eq!((&patched["events"], &patched["secrets"]), (&json!(["run.failed"]), &shown["secrets"]));
}

#[tokio::test]
async fn what_does_not_fit_is_named() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    for (more, field) in [
        (json!({"url": "http://hooks.example.com"}), "url"),
        (json!({"url": "https://127.0.0.1/"}), "url"),
        (json!({"url": "https://metadata.google.internal/"}), "url"),
        (json!({"events": []}), "events"),
        (json!({"events": ["run.started"]}), "events[0]"),
        (json!({"secret": "whsec_short"}), "secret"),
        (json!({"description": "x".repeat(501)}), "description"),
        (json!({"color": "red"}), "color"),
    ] {
        let mut all = body();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(put(&api, &acme, &all).await.fields(), [field], "{more}");
    }
    let rotate = |body: Value| api.post("/api/v1/webhooks/crm/rotate").key(&acme.admin).json(&body).send();
    assert_eq!(rotate(json!({})).await.problem(), (404, "not_found".to_owned()));
    put(&api, &acme, &body()).await.ok();
    assert_eq!(rotate(json!({"keep_s": 2_592_001})).await.fields(), ["keep_s"]);
    assert_eq!(rotate(json!({"secret": "nonsense"})).await.fields(), ["secret"]);
    let list = api.get("/api/v1/webhooks/crm/deliveries?status=gone&limit=0&cursor=x").key(&acme.member);
    assert_eq!(list.send().await.fields(), ["status", "limit", "cursor"]);
    let missing = api.post("/api/v1/webhooks/crm/deliveries/msg_1/resend").key(&acme.admin).send().await;
    assert_eq!(missing.problem(), (404, "not_found".to_owned()));
    assert_eq!(api.get("/api/v1/webhooks/erp/deliveries").key(&acme.member).send().await.problem().0, 404);
}

#[tokio::test]
async fn no_secret_is_in_files_or_in_the_change_log() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let made = put(&api, &acme, &body()).await.ok();
    let rotated = api.post("/api/v1/webhooks/crm/rotate").key(&acme.admin).send().await.ok();
    let secrets = [&made, &rotated].map(|one| one["secret"].as_str().unwrap().to_owned());
    assert_ne!(secrets[0], secrets[1]);
    let changes = api.get("/api/v1/changes?subject=webhook").key(&acme.member).send().await;
    let exported = api.get("/api/v1/export?kinds=webhooks").key(&acme.admin).send().await;
    for reply in [&changes, &exported] {
        let text = String::from_utf8_lossy(&reply.body);
        assert!(
            reply.status.is_success() && secrets.iter().all(|secret| !text.contains(secret.as_str())),
            "{text}"
        );
    }
    let stored: String = api
        .world
        .database()
        .with(|db| db.query_row("SELECT body FROM declarations WHERE kind = 'webhook'", [], |row| row.get(0)))
        .unwrap();
    assert!(secrets.iter().all(|secret| !stored.contains(&secret["whsec_".len()..])), "{stored}");
}

#[tokio::test]
async fn an_agent_names_webhooks_that_there_are_and_keeps_them_from_being_deleted() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let fields = json!({"name": "Triage", "instructions": "Sort.", "model": "openai:gpt-4.1-mini", "webhooks": ["crm"]});
    let refused = api.post("/api/v1/agents").key(&acme.admin).json(&fields).send().await;
    assert_eq!(refused.fields(), ["webhooks[0]"]);
    put(&api, &acme, &body()).await.ok();
    let agent = api.agent(&acme, &fields).await;
    assert_eq!(agent["webhooks"], json!(["crm"]), "{agent}");
    let path = format!("/api/v1/agents/{}", agent["id"].as_str().unwrap());
    let kept = api.delete("/api/v1/webhooks/crm").key(&acme.admin).send().await;
    assert_eq!(kept.problem(), (409, "conflict".to_owned()));
    assert!(kept.detail().contains("agent triage"), "{}", kept.detail());
    api.delete("/api/v1/webhooks/crm?force=true").key(&acme.admin).send().await.no_content();
    // The agent can still be changed, and named anew it is not there.
    let patch =
        |body: Value| api.request(axum::http::Method::PATCH, &path).key(&acme.admin).json(&body).send();
    patch(json!({"name": "Other"})).await.ok();
    assert_eq!(patch(json!({"webhooks": ["crm", "erp"]})).await.fields(), ["webhooks[1]"]);
    patch(json!({"webhooks": []})).await.ok();
    assert_eq!(patch(json!({"webhooks": ["crm"]})).await.fields(), ["webhooks[0]"]);
}

#[tokio::test]
async fn a_secret_that_signs_no_more_is_not_shown() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    put(&api, &acme, &body()).await.ok();
    let rotate = api.post("/api/v1/webhooks/crm/rotate").key(&acme.admin).json(&json!({"keep_s": 600}));
    let rotated = rotate.send().await.ok();
    assert_eq!(rotated["secrets"].as_array().unwrap().len(), 2);
    let shown = async |path: &str| {
        let shown = api.get(path).key(&acme.member).send().await.ok();
        let webhook = if shown["data"].is_array() { shown["data"][0].clone() } else { shown };
        webhook["secrets"].clone()
    };
    for (ms, left) in [(600_000, 2), (1, 1)] {
        api.world.clock().advance(ms);
        for path in ["/api/v1/webhooks/crm", "/api/v1/webhooks"] {
            let secrets = shown(path).await;
            assert_eq!(secrets.as_array().unwrap().len(), left, "{path}: {secrets}");
            assert_eq!(secrets[0], rotated["secrets"][0]);
        }
    }
}

#[tokio::test]
async fn an_account_has_twenty_on_every_plan_and_is_told_so() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let made = async |n: u32| {
        let path = format!("/api/v1/webhooks/w{n}");
        api.put(&path).key(&acme.admin).json(&body()).send().await
    };
    for n in 0..20 {
        made(n).await.ok();
    }
    let full = made(20).await;
    assert_eq!(full.problem(), (409, "conflict".to_owned()));
    assert!(
        full.detail().contains("has 20 of these") && !full.detail().contains("plan"),
        "{}",
        full.detail()
    );
    made(0).await.ok();
    let listed = api.get("/api/v1/webhooks").key(&acme.member).send().await.ok();
    assert_eq!(listed["data"].as_array().unwrap().len(), 20, "all when nothing is said");
}
