//! `/api/v1/agents/{agent}/versions` and `/rollback`.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Api, Reply, Tenant};

async fn world() -> (Api, Tenant) {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    (api, acme)
}

async fn patch(api: &Api, tenant: &Tenant, agent: &str, fields: Value) -> Value {
    let path = format!("/api/v1/agents/{agent}");
    api.request(Method::PATCH, &path).key(&tenant.admin).json(&fields).send().await.ok()
}

async fn read(api: &Api, tenant: &Tenant, agent: &str, rest: &str) -> Reply {
    api.get(&format!("/api/v1/agents/{agent}/versions{rest}")).key(&tenant.member).send().await
}

async fn rollback(api: &Api, tenant: &Tenant, agent: &str, version: u32) -> Reply {
    let call = api.post(&format!("/api/v1/agents/{agent}/rollback")).key(&tenant.admin);
    call.json(&json!({"version": version})).send().await
}

fn numbers(page: &Value) -> Vec<u64> {
    page["data"].as_array().unwrap().iter().map(|line| line["version"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn versions_are_listed_newest_first_with_what_they_changed() {
    let (api, acme) = world().await;
    let agent = api.agent(&acme, &json!({"slug": "a"})).await;
    api.world.clock().advance(1_000);
    patch(&api, &acme, "a", json!({"instructions": "Two.", "config": {"rate": 1.5}, "labels": ["x"]})).await;
    patch(&api, &acme, "a", json!({"labels": [], "budget": {"limit_usd": 1, "period": "day"}})).await;
    patch(&api, &acme, "a", json!({"voice": "cartesia:sonic", "tools": ["b"], "config": {"rate": null}}))
        .await;
    let all = read(&api, &acme, "a", "").await.ok();
    assert_eq!((numbers(&all), &all["next_cursor"]), (vec![3, 2, 1], &Value::Null));
    let changed: Vec<&Value> = all["data"].as_array().unwrap().iter().map(|line| &line["changed"]).collect();
    let mut last: Vec<&str> = changed[0].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
    last.sort_unstable();
    assert_eq!(last, ["config", "tools", "voice"]);
    assert_eq!((changed[1], changed[2]), (&json!(["config", "instructions"]), &json!([])));
    assert_eq!(all["data"][1]["created_at"], "2026-11-21T12:00:01.000Z");
    assert!(all["data"][0]["created_by"].is_string());

    let first = read(&api, &acme, "a", "?limit=2").await.ok();
    assert_eq!(numbers(&first), [3, 2]);
    patch(&api, &acme, "a", json!({"name": "Four"})).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = read(&api, &acme, "a", &format!("?limit=2&cursor={cursor}")).await.ok();
    assert_eq!((numbers(&second), &second["next_cursor"]), (vec![1], &Value::Null));
    assert_eq!(read(&api, &acme, "a", "?limit=0&cursor=x").await.fields(), ["limit", "cursor"]);

    api.delete("/api/v1/agents/a").key(&acme.admin).send().await.no_content();
    assert_eq!(read(&api, &acme, "a", "").await.problem().0, 404);
    let id = agent["id"].as_str().unwrap();
    assert_eq!(numbers(&read(&api, &acme, id, "").await.ok()), [4, 3, 2, 1], "of an archived agent by id");
    assert_eq!(read(&api, &acme, id, "/1").await.ok()["name"], "Triage");
    let eve = api.tenant("eve").await;
    for rest in ["", "/1", "/1..2"] {
        assert_eq!(read(&api, &eve, id, rest).await.problem().0, 404, "{rest}");
    }
}

/// As a release without these fields has written it.
#[tokio::test]
async fn a_snapshot_from_before_a_field_was_added_stays_readable() {
    let (api, acme) = world().await;
    api.agent(&acme, &json!({"slug": "a"})).await;
    let old = json!({"name": "Triage", "instructions": "Sort the mail.", "model": "openai:gpt-4.1-mini",
        "access": "key", "max_concurrency": null, "allowed_origins": null});
    let sql = "UPDATE agent_versions SET definition = ?1";
    api.world.database().with(|db| db.execute(sql, [old.to_string()]).unwrap());
    patch(&api, &acme, "a", json!({"voice": "cartesia:sonic"})).await;
    let snapshot = read(&api, &acme, "a", "/1").await.ok();
    assert_eq!((&snapshot["type"], &snapshot["tools"]), (&json!("simple-chat"), &json!([])));
    assert_eq!(read(&api, &acme, "a", "").await.ok()["data"][0]["changed"], json!(["voice"]));
    let changes = read(&api, &acme, "a", "/1..2").await.ok()["changes"].clone();
    assert_eq!(changes, json!([{"field": "voice", "before": null, "after": "cartesia:sonic"}]));
}

#[tokio::test]
async fn a_version_is_a_whole_snapshot() {
    let (api, acme) = world().await;
    let agent = api.agent(&acme, &json!({"slug": "a", "tools": ["x"], "config": {"deep": {"a": 1}}})).await;
    patch(&api, &acme, "a", json!({"instructions": "Two."})).await;
    let snapshot = read(&api, &acme, "a", "/1").await.ok();
    let apart = [
        "id",
        "slug",
        "budget",
        "labels",
        "status",
        "url",
        "updated_at",
        "is_active",
        "organization_id",
        "current_version",
        "agent_type",
        "instance_name",
    ];
    for (name, value) in agent.as_object().unwrap() {
        let expected = if apart.contains(&name.as_str()) { &Value::Null } else { value };
        assert_eq!(&snapshot[name], expected, "{name}");
    }
    assert!(snapshot["created_by"].is_string());
    assert_eq!(snapshot["agent_id"], agent["id"]);
    let whole = &snapshot["snapshot"];
    assert_eq!((&whole["instructions"], &whole["config"]), (&agent["instructions"], &agent["config"]));
    assert_eq!(read(&api, &acme, "a", "").await.ok()["data"][0]["agent_id"], agent["id"]);
    for rest in ["/3", "/0", "/99999999999", "/1..3", "/3..1"] {
        let missing = read(&api, &acme, "a", rest).await;
        assert_eq!(missing.problem(), (404, "not_found".to_owned()), "{rest}");
        assert!(missing.detail().contains("version"), "{}", missing.detail());
    }
    for rest in ["/x", "/1..", "/..1", "/1...2", "/-1", "/1.5", "/newest"] {
        assert_eq!(read(&api, &acme, "a", rest).await.fields(), ["version"], "{rest}");
    }
    assert_eq!(read(&api, &acme, "nobody", "/1").await.problem().0, 404);
}

#[tokio::test]
async fn two_versions_are_compared_field_by_field() {
    let (api, acme) = world().await;
    let config = json!({"variables": {"tone": "dry"}, "rate": 1});
    api.agent(&acme, &json!({"slug": "a", "tools": ["x", "y"], "config": config})).await;
    patch(&api, &acme, "a", json!({"config": {"variables": {"tone": "warm"}}})).await;
    patch(&api, &acme, "a", json!({"tools": ["y"], "config": {"rate": null}})).await;
    let there = read(&api, &acme, "a", "/1..3").await.ok();
    let expected = json!({"from": 1, "to": 3, "changes": [
        {"field": "config.rate", "before": 1},
        {"field": "config.variables.tone", "before": "dry", "after": "warm"},
        {"field": "tools", "before": ["x", "y"], "after": ["y"]},
    ]});
    assert_eq!(there, expected);
    let back = read(&api, &acme, "a", "/3..1").await.ok();
    assert_eq!((&back["from"], &back["to"]), (&json!(3), &json!(1)));
    assert_eq!(back["changes"][2], json!({"field": "tools", "before": ["y"], "after": ["x", "y"]}));
    assert_eq!(read(&api, &acme, "a", "/2..2").await.ok(), json!({"from": 2, "to": 2, "changes": []}));
}

#[tokio::test]
async fn going_back_makes_a_new_version_and_leaves_what_is_no_configuration() {
    let (api, acme) = world().await;
    let agent = api.agent(&acme, &json!({"slug": "a", "tools": ["x"]})).await;
    let budget = json!({"limit_usd": "2.000000", "period": "day", "action": "block"});
    let second = json!({"instructions": "Two.", "tools": [], "slug": "b", "labels": ["l"], "budget": budget});
    patch(&api, &acme, "a", second).await;
    let back = rollback(&api, &acme, "b", 1).await;
    assert_eq!(
        back.header("etag"),
        api.get("/api/v1/agents/b").key(&acme.member).send().await.header("etag")
    );
    let back = back.ok();
    assert_eq!((&back["version"], &back["instructions"]), (&json!(3), &agent["instructions"]));
    assert_eq!((&back["tools"], &back["slug"]), (&json!(["x"]), &json!("b")));
    assert_eq!((&back["labels"], &back["budget"]), (&json!(["l"]), &budget));
    assert_eq!(api.configured(&acme, "b").await, back);
    assert_eq!(read(&api, &acme, "b", "/1..3").await.ok()["changes"], json!([]));
    let sql = "SELECT action FROM changes WHERE subject = 'agent' ORDER BY rowid DESC LIMIT 1";
    let action: String = api.world.database().with(|db| db.query_row(sql, [], |row| row.get(0)).unwrap());
    assert_eq!(action, "rollback");

    api.world.faults().take_done();
    for version in [1, 3] {
        assert_eq!(rollback(&api, &acme, "b", version).await.ok(), back, "it is so already");
    }
    assert!(!api.world.faults().take_done().contains(&"begin_write".to_owned()));
    assert_eq!(rollback(&api, &acme, "b", 9).await.problem(), (404, "not_found".to_owned()));
    assert_eq!(rollback(&api, &acme, "nobody", 1).await.problem().0, 404);
}

#[tokio::test]
async fn going_back_is_checked_against_the_account_of_today() {
    let (api, acme) = world().await;
    let alias = "/api/v1/aliases/fast";
    api.put(alias).key(&acme.admin).json(&json!({"model": "openai:x"})).send().await.ok();
    api.agent(&acme, &json!({"slug": "target"})).await;
    api.agent(&acme, &json!({"slug": "a", "model": "fast", "handoff_targets": ["target"]})).await;
    patch(&api, &acme, "a", json!({"model": "openai:y", "handoff_targets": []})).await;
    api.delete(alias).key(&acme.admin).send().await.no_content();
    api.delete("/api/v1/agents/target").key(&acme.admin).send().await.no_content();
    assert_eq!(rollback(&api, &acme, "a", 1).await.fields(), ["model", "handoff_targets[0]"]);
    let open = json!({"access": "public", "budget": {"limit_usd": 1, "period": "day"}});
    patch(&api, &acme, "a", open).await;
    patch(&api, &acme, "a", json!({"access": null, "budget": null})).await;
    assert_eq!(rollback(&api, &acme, "a", 3).await.fields(), ["budget"], "a public agent has a budget");
    assert_eq!(api.configured(&acme, "a").await["version"], 4);
}

#[tokio::test]
async fn going_back_over_an_unknown_state_is_refused() {
    let (api, acme) = world().await;
    api.agent(&acme, &json!({"slug": "a"})).await;
    let tag = api.get("/api/v1/agents/a").key(&acme.member).send().await.header("etag").to_owned();
    patch(&api, &acme, "a", json!({"instructions": "Two."})).await;
    let back = |tag: String| {
        let call = api.post("/api/v1/agents/a/rollback").key(&acme.admin).header("if-match", &tag);
        call.json(&json!({"version": 1})).send()
    };
    assert_eq!(back(tag).await.problem(), (412, "precondition_failed".to_owned()));
    let tag = api.get("/api/v1/agents/a").key(&acme.member).send().await.header("etag").to_owned();
    assert_eq!(back(tag).await.ok()["version"], 3);
}

/// Every batch lets the others go first, so all read before anyone writes: as bad as it gets.
#[tokio::test]
async fn fifty_writers_at_once_make_fifty_versions() {
    let (api, acme) = world().await;
    let agent = api.agent(&acme, &json!({"slug": "a"})).await;
    api.world.faults().take_done();
    let writers = (0..50).map(|n| {
        let (api, acme) = (api.clone(), acme.clone());
        tokio::spawn(async move {
            let fields = json!({"config": {(format!("writer_{n}")): n}});
            patch(&api, &acme, "a", fields).await["version"].as_u64().unwrap()
        })
    });
    let mut made = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        made.push(writer.await.unwrap());
    }
    made.sort_unstable();
    assert_eq!(made, (2..=51).collect::<Vec<_>>(), "each writer made one of its own");
    let tries = api.world.faults().take_done().iter().filter(|done| *done == "UPDATE_AGENTS").count();
    assert!(tries > 100, "they met: {tries} tries");
    let all = read(&api, &acme, "a", "?limit=200").await.ok();
    assert_eq!(numbers(&all), (1..=51).rev().collect::<Vec<_>>(), "none missing, none doubled");
    let last = api.configured(&acme, "a").await;
    assert_eq!(last["config"].as_object().unwrap().len(), 50, "nobody's change is lost");
    let sql = "SELECT count(*) FROM changes WHERE subject_id = ?1 AND action = 'update'";
    let id = agent["id"].as_str().unwrap();
    let logged: u32 = api.world.database().with(|db| db.query_row(sql, [id], |row| row.get(0)).unwrap());
    assert_eq!(logged, 50);
}
