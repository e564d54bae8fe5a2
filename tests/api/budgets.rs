//! `/api/v1/agents/{agent}/budget`.

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
