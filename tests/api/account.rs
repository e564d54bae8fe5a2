//! `/api/v1/account`, and `PATCH /api/v1/accounts/{account}`.

use axum::http::Method;
use serde_json::{Map, Value, json};

use crate::support::{Api, OPERATOR, Reply, Tenant};

async fn patch(api: &Api, tenant: &Tenant, body: Value) -> Reply {
    api.request(Method::PATCH, "/api/v1/account").key(&tenant.admin).json(&body).send().await
}

async fn operate(api: &Api, account: &str, body: Value) -> Reply {
    api.request(Method::PATCH, &format!("/api/v1/accounts/{account}")).key(OPERATOR).json(&body).send().await
}

#[tokio::test]
async fn an_account_shows_its_plan_and_what_is_used_of_it() {
    let api = Api::new();
    let acme = api.tenant_on("acme", "budget").await;
    api.tenant("other").await;
    api.agent(&acme, &json!({"slug": "a"})).await;
    api.agent(&acme, &json!({"slug": "b"})).await;
    api.delete("/api/v1/agents/a").key(&acme.admin).send().await.no_content();
    let expired = json!({"name": "brief", "role": "caller", "expires_at": "2026-11-21T12:00:01Z"});
    api.issue("acme", &expired).await;
    api.issue("acme", &json!({"name": "later", "role": "caller", "expires_at": "2027-11-21T12:00:01Z"}))
        .await;
    let limits = |account: &Value| account["limits"].clone();
    let before = api.get("/api/v1/account").key(&acme.member).send().await.ok();
    assert_eq!(limits(&before)["keys"], json!({"limit": 10, "used": 5}));
    api.world.clock().advance(2_000);
    let account = api.get("/api/v1/account").key(&acme.member).send().await.ok();
    assert_eq!(
        (&account["slug"], &account["plan"], &account["status"]),
        (&json!("acme"), &json!("budget"), &json!("active"))
    );
    assert_eq!((&account["variables"], &account["settings"]), (&json!({}), &json!({})));
    assert_eq!(
        limits(&account),
        json!({
            "agents": {"limit": 10, "used": 1},
            "members": {"limit": 3, "used": 0},
            "keys": {"limit": 10, "used": 4},
            "calls_per_minute": {"limit": 60, "used": 0},
            "concurrent_calls": {"limit": 10, "used": 0},
            "threads": {"limit": null, "used": 0},
            "storage_mb": {"limit": null, "used": 0},
            "runs_at_once": {"limit": null, "used": 0},
            "memories": {"limit": null, "used": 0},
            "keep_days": null,
            "monthly_spend_usd": {"limit": "50.000000", "used": "0.000000"},
            "features": [],
        })
    );
    let caller = api.get("/api/v1/account").key(&acme.caller).send().await;
    assert_eq!(caller.problem(), (403, "forbidden".to_owned()));
}

#[tokio::test]
async fn without_a_limit_no_more_than_ten_thousand_keys_that_expire_are_counted() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    api.world.database().with(|db| {
        let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10050)
            INSERT INTO";
        let members =
            "members (account_id, id, email, name, role, created_at) SELECT ?1, i, i, i, 'member', 1 FROM n";
        let keys = "keys (account_id, id, name, role, digest, hint, expires_at, created_at)
            SELECT ?1, i, i, 'caller', printf('%064x', i), '', 1 << 52, 1 FROM n";
        for table in [members, keys] {
            db.execute(&format!("{sql} {table}"), [acme.id.to_string()]).unwrap();
        }
    });
    let limits = api.get("/api/v1/account").key(&acme.admin).send().await.ok()["limits"].clone();
    assert_eq!(limits["members"], json!({"limit": null, "used": 10_050}));
    assert_eq!(limits["keys"], json!({"limit": null, "used": 10_003}), "three of them last");
    assert_eq!(limits["monthly_spend_usd"]["limit"], Value::Null);
    assert_eq!(limits["features"], json!(["public_agents", "own_templates", "import_url"]));
}

#[tokio::test]
async fn variables_and_settings_are_laid_over_those_there_are() {
    let api = Api::new();
    let (acme, other) = (api.tenant("acme").await, api.tenant("other").await);
    let first = json!({"name": "Acme Inc.", "variables": {"company": "Acme", "tone": "dry"},
        "settings": {"a": {"b": 1, "c": [1]}, "d": 1}});
    patch(&api, &acme, first).await.ok();
    let second = json!({"variables": {"tone": null, "city": "Rome"}, "settings": {"a": {"b": null, "e": 2}, "d": [2]}});
    let changed = patch(&api, &acme, second).await.ok();
    assert_eq!(changed["name"], "Acme Inc.");
    assert_eq!(changed["variables"], json!({"company": "Acme", "city": "Rome"}));
    assert_eq!(changed["settings"], json!({"a": {"c": [1], "e": 2}, "d": [2]}));
    assert_eq!(changed["over"], json!({"agents": [], "members": [], "keys": []}));
    let read = api.get("/api/v1/account").key(&acme.member).send().await.ok();
    assert_eq!((&read["variables"], &read["settings"]), (&changed["variables"], &changed["settings"]));
    api.agent(&acme, &json!({"instructions": "Work for {{company}} in {{city}}."})).await;
    let others = api.get("/api/v1/account").key(&other.member).send().await.ok();
    assert_eq!((&others["variables"], &others["name"]), (&json!({}), &json!("other")));
    let told: Vec<(String, String)> = api.world.database().with(|db| {
        let mut rows = db
            .prepare("SELECT actor, after FROM changes WHERE subject = 'account' AND action = 'update'")
            .unwrap();
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    });
    assert_eq!(told.len(), 2);
    assert!(told[1].1.contains("Rome") && !told[1].1.contains("name") && told[1].0 != "operator");
}

#[tokio::test]
async fn every_fault_of_a_change_is_named() {
    let api = Api::new();
    let acme = api.tenant_on("acme", "standard").await;
    let faults = async |body: Value| patch(&api, &acme, body).await.fields();
    assert_eq!(
        faults(json!({"name": "", "variables": {"Bad": "x", "long": "x".repeat(10_001)}})).await,
        ["name", "variables.Bad", "variables.long"]
    );
    assert_eq!(faults(json!({"variables": {"a": 1}})).await, ["variables.a"]);
    assert_eq!(faults(json!({"settings": {"x": "y".repeat(65_536)}})).await, ["settings"]);
    assert_eq!(faults(json!({"settings": []})).await, ["settings"]);
    assert_eq!(faults(json!({"status": "suspended"})).await, ["status"]);
    assert_eq!(faults(json!({"plan": "professional"})).await, ["plan"]);
    let many = |range: std::ops::Range<u32>| {
        let all: Map<String, Value> = range.map(|n| (format!("v{n}"), json!("x"))).collect();
        json!({"variables": all})
    };
    patch(&api, &acme, many(0..100)).await.ok();
    assert_eq!(faults(many(100..101)).await, ["variables"]);
    patch(&api, &acme, json!({"variables": {"v0": null, "v100": "x"}})).await.ok();
}

#[tokio::test]
async fn a_change_is_made_over_what_another_changed_meanwhile() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let database = api.world.database().clone();
    let mut times = 2;
    api.world.faults().meddle("UPDATE_ACCOUNT", move || {
        if times > 0 {
            times -= 1;
            let sql = "UPDATE accounts SET variables = '{\"b\":\"2\"}', updated_at = updated_at + 1";
            database.with(|db| db.execute_batch(sql).unwrap());
        }
    });
    let changed = patch(&api, &acme, json!({"variables": {"a": "1"}})).await.ok();
    assert_eq!(changed["variables"], json!({"a": "1", "b": "2"}));
}

#[tokio::test]
async fn the_operator_changes_any_account() {
    let api = Api::new();
    let (acme, other) = (api.tenant_on("acme", "budget").await, api.tenant("other").await);
    for name in ["acme".to_owned(), acme.id.to_string()] {
        let body = json!({"name": name, "plan": "professional", "status": "suspended"});
        let changed = operate(&api, &name, body).await.ok();
        assert_eq!(
            (&changed["plan"], &changed["status"], &changed["name"]),
            (&json!("professional"), &json!("suspended"), &json!(name))
        );
    }
    let refused = patch(&api, &acme, json!({"name": "x"})).await;
    assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
    operate(&api, "acme", json!({"status": "active"})).await.ok();
    patch(&api, &acme, json!({"name": "x"})).await.ok();
    assert_eq!(operate(&api, "nobody", json!({})).await.problem(), (404, "not_found".to_owned()));
    for key in [&acme.admin, &other.admin] {
        let path = "/api/v1/accounts/acme";
        let refused =
            api.request(Method::PATCH, path).key(key).json(&json!({"plan": "enterprise"})).send().await;
        assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
    }
    let actors: i64 = api.world.database().with(|db| {
        let sql = "SELECT count(*) FROM changes WHERE subject = 'account' AND actor = 'operator'";
        db.query_row(sql, [], |row| row.get(0)).unwrap()
    });
    assert_eq!(
        actors,
        2 + 2 + 1,
        "two created, three changed; what changes nothing but the time is told too"
    );
}
