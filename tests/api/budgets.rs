//! `/api/v1/agents/{agent}/budget`.

use axum::http::Method;
use retinue::domain::ids::AgentId;
use serde_json::{Value, json};

use crate::calls::record;
use crate::support::{Api, Reply, Tenant};

const PATH: &str = "/api/v1/agents/triage/budget";

async fn put(api: &Api, tenant: &Tenant, body: &Value) -> Reply {
    api.put(PATH).key(&tenant.admin).json(body).send().await
}

#[tokio::test]
async fn a_budget_is_set_and_shows_what_is_left() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let agent = api.agent(&acme, &json!({"slug": "triage"})).await;
    let none = api.get(PATH).key(&acme.member).send().await;
    assert_eq!(none.problem(), (404, "not_found".to_owned()));
    assert!(none.detail().contains("PUT"));
    let id = AgentId::parse(agent["id"].as_str().unwrap()).unwrap();
    api.world.objects().book(acme.id, record(id, 1, 250_000_000));
    let set = put(&api, &acme, &json!({"limit_usd": "1.5", "period": "month"})).await.ok();
    assert_eq!(
        set,
        json!({
            "limit_usd": "1.500000", "period": "month", "action": "block", "settled_usd": "0.250000",
            "held_usd": "0.000000", "remaining_usd": "1.250000", "resets_at": "2026-12-01T00:00:00.000Z",
            "crossed_at": null,
        })
    );
    assert_eq!(api.get(PATH).key(&acme.member).send().await.ok(), set);
    let total =
        put(&api, &acme, &json!({"limit_usd": 0.1, "period": "total", "action": "notify"})).await.ok();
    assert_eq!((&total["remaining_usd"], &total["resets_at"]), (&json!("0.000000"), &Value::Null));
    let agent = api.get("/api/v1/agents/triage").key(&acme.member).send().await.ok();
    assert_eq!((&agent["version"], &agent["budget"]["action"]), (&json!(1), &json!("notify")));
}

#[tokio::test]
async fn a_budget_of_nonsense_is_refused() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    api.agent(&acme, &json!({"slug": "triage"})).await;
    for (body, field) in [
        (json!({"limit_usd": -1, "period": "day"}), "limit_usd"),
        (json!({"limit_usd": "1e3", "period": "day"}), "limit_usd"),
        (json!({"limit_usd": 1e300, "period": "day"}), "limit_usd"),
        (json!({"limit_usd": "9000000.000000001", "period": "day"}), "limit_usd"),
        (json!({"limit_usd": [1], "period": "day"}), "limit_usd"),
        (json!({"period": "day"}), "limit_usd"),
        (json!({"limit_usd": 1}), "period"),
        (json!({"limit_usd": 1, "period": "day", "action": "shout"}), "action"),
        (json!({"limit_usd": 1, "period": "day", "currency": "EUR"}), "currency"),
    ] {
        assert_eq!(put(&api, &acme, &body).await.fields(), [field], "{body}");
    }
    put(&api, &acme, &json!({"limit_usd": "0", "period": "total"})).await.ok();
    put(&api, &acme, &json!({"limit_usd": "9000000", "period": "total"})).await.ok();
}

#[tokio::test]
async fn setting_the_same_budget_writes_nothing() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    api.agent(&acme, &json!({"slug": "triage"})).await;
    let body = json!({"limit_usd": 1, "period": "day"});
    api.world.faults().take_done();
    put(&api, &acme, &body).await.ok();
    assert!(api.world.faults().take_done().contains(&"UPDATE_AGENTS".to_owned()));
    put(&api, &acme, &body).await.ok();
    assert!(!api.world.faults().take_done().contains(&"UPDATE_AGENTS".to_owned()));
}

#[tokio::test]
async fn an_agent_that_is_not_there_has_no_budget() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    assert_eq!(api.get(PATH).key(&acme.member).send().await.problem().0, 404);
    assert_eq!(put(&api, &acme, &json!({"limit_usd": 1, "period": "day"})).await.problem().0, 404);
}

/// Anyone may spend a public agent's money, so its budget must be a limit, whichever way the two come together.
#[tokio::test]
async fn a_public_agents_budget_must_block_by_every_way_it_is_made_or_changed() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let budget = |action: &str| json!({"limit_usd": "1", "period": "day", "action": action});
    let fields = |slug: &str, access: &str, action: &str| {
        json!({"slug": slug, "name": slug, "instructions": "i", "model": "openai:gpt-4.1-mini", "access": access,
            "budget": budget(action)})
    };
    let post = |path: &'static str, body: Value| {
        let call = api.post(&format!("/api/v1/agents{path}")).key(&acme.admin).json(&body);
        async { call.send().await }
    };
    let patch = |path: &str| api.request(Method::PATCH, path);
    post("", fields("open", "public", "block")).await.created();
    post("", fields("was-open", "public", "block")).await.created();
    let was_open = "/api/v1/agents/was-open";
    patch(was_open).key(&acme.admin).json(&json!({"access": "key"})).send().await.ok();
    patch(was_open).key(&acme.admin).json(&json!({"budget": budget("notify")})).send().await.ok();
    post("", fields("loose", "key", "notify")).await.created();
    let template =
        json!({"definition": {"instructions": "i", "model": "openai:m", "budget": budget("notify")}});
    api.put("/api/v1/templates/loose").key(&acme.admin).json(&template).send().await.ok();
    let loose = fields("new", "public", "notify");
    let mut over = fields("open", "public", "notify");
    over["instructions"] = json!("other");
    let open = "/api/v1/agents/open";
    for (way, reply) in [
        ("creation", post("", loose.clone()).await),
        ("validation", post("/validate", loose.clone()).await),
        (
            "a template",
            post("", json!({"template": "loose", "slug": "new", "name": "n", "access": "public"})).await,
        ),
        ("import", post("/import", json!({"agents": [loose]})).await),
        ("import over one", post("/import?mode=update", json!({"agents": [over]})).await),
        ("PATCH of the budget", {
            patch(open).key(&acme.admin).json(&json!({"budget": budget("notify")})).send().await
        }),
        ("PATCH of the access", {
            patch("/api/v1/agents/loose").key(&acme.admin).json(&json!({"access": "public"})).send().await
        }),
        ("PUT", api.put(open).key(&acme.admin).json(&fields("open", "public", "notify")).send().await),
        ("its budget", {
            api.put("/api/v1/agents/open/budget").key(&acme.admin).json(&budget("notify")).send().await
        }),
        (
            "rollback",
            api.post("/api/v1/agents/was-open/rollback")
                .key(&acme.admin)
                .json(&json!({"version": 1}))
                .send()
                .await,
        ),
    ] {
        assert!(
            reply.status == 400 || reply.status == 200 && reply.json()["valid"] == false,
            "{way}: {reply:?}"
        );
        assert!(reply.json().to_string().contains("must be block for a public agent"), "{way}: {reply:?}");
    }
    assert!(post("", fields("new", "public", "block")).await.status.is_success(), "none of them was made");
}
