//! `/api/v1/agents`.

use serde_json::{Value, json};

use crate::support::{Api, Reply, Tenant};

fn body(fields: Value) -> Value {
    let mut body =
        json!({"name": "Triage Agent", "instructions": "Sort the mail.", "model": "openai:gpt-4.1-mini"});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

async fn post(api: &Api, tenant: &Tenant, fields: Value) -> Reply {
    api.post("/api/v1/agents").key(&tenant.admin).json(&body(fields)).send().await
}

async fn put(api: &Api, tenant: &Tenant, agent: &str, fields: Value) -> Reply {
    api.put(&format!("/api/v1/agents/{agent}")).key(&tenant.admin).json(&body(fields)).send().await
}

async fn get(api: &Api, tenant: &Tenant, agent: &str) -> Value {
    api.configured(tenant, agent).await
}

fn versions(api: &Api, agent: &Value) -> Vec<(u32, String)> {
    let sql =
        "SELECT version, json_extract(definition, '$.instructions') FROM agent_versions WHERE agent_id = ?1
        ORDER BY version";
    api.world.database().with(|db| {
        let mut rows = db.prepare(sql).unwrap();
        let rows =
            rows.query_map([agent["id"].as_str().unwrap()], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    })
}

#[tokio::test]
async fn an_agent_is_created_with_its_first_version() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let reply = post(
        &api,
        &acme,
        json!({
            "max_concurrency": 8, "access": "public", "allowed_origins": ["https://example.com"],
            "budget": {"limit_usd": 5, "period": "month"},
        }),
    )
    .await;
    assert_eq!(reply.header("location"), "/api/v1/agents/triage-agent");
    let mut agent = reply.created();
    let mut expected = json!({
        "is_active": true, "organization_id": acme.id, "current_version": 1, "agent_type": "simple-chat",
        "instance_name": "Triage Agent",
        "id": agent["id"], "slug": "triage-agent", "name": "Triage Agent", "instructions": "Sort the mail.",
        "type": "simple-chat", "description": null, "voice": null, "modality": "text", "panels": [], "tools": [],
        "handoff_targets": [], "config": {}, "labels": [], "status": "active",
        "model": "openai:gpt-4.1-mini", "access": "public", "max_concurrency": 8, "cache": null,
        "run": null, "max_parallel_tools": null, "on_busy": null, "on_unknown": null, "on_budget": null,
        "upgrade": null, "output": null, "input": null, "compact_at": null, "webhooks": [], "memory": null, "keep_days": null,
        "allowed_origins": ["https://example.com"],
        "budget": {"limit_usd": "5.000000", "period": "month", "action": "block"},
        "version": 1, "url": "/accounts/acme/agents/triage-agent",
        "created_at": "2026-11-21T12:00:00.000Z", "updated_at": "2026-11-21T12:00:00.000Z",
    });
    expected["embeddings"] = Value::Null;
    let warnings = agent.as_object_mut().unwrap().remove("warnings").unwrap();
    assert_eq!((&warnings[0]["field"], &warnings[0]["code"]), (&json!("model"), &json!("not_ready")));
    assert_eq!(agent, expected);
    assert_eq!(get(&api, &acme, "triage-agent").await, expected);
    assert_eq!(get(&api, &acme, agent["id"].as_str().unwrap()).await, expected);
    assert_eq!(versions(&api, &agent), [(1, "Sort the mail.".to_owned())]);
    let by: String = api
        .world
        .database()
        .with(|db| db.query_row("SELECT created_by FROM agent_versions", [], |row| row.get(0)).unwrap());
    assert!(retinue::domain::ids::KeyId::parse(&by).is_some());
}

#[tokio::test]
async fn every_fault_of_an_agent_is_named_at_once() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let bad = post(&api, &acme, json!({
        "slug": "No Slug", "name": "", "instructions": "", "model": "openai:x?temperature=hot", "access": "public",
        "max_concurrency": 0, "allowed_origins": ["https://a.example.com", "a.example"],
    })).await;
    assert_eq!(
        bad.fields(),
        ["slug", "name", "instructions", "model", "budget", "max_concurrency", "allowed_origins[1]"]
    );
    for (fields, field) in [
        (json!({"name": "a\u{7}b"}), "name"),
        (json!({"model": "fast"}), "model"),
        (json!({"model": 7}), "model"),
        (json!({"instructions": "x".repeat(100_001)}), "instructions"),
        (json!({"max_concurrency": -1}), "max_concurrency"),
        (json!({"max_concurrency": 10_001}), "max_concurrency"),
        (json!({"max_concurrency": 1e99}), "max_concurrency"),
        (json!({"access": "secret"}), "access"),
        (json!({"budget": {"limit_usd": -1, "period": "day"}}), "budget.limit_usd"),
        (json!({"budget": {"limit_usd": 9_000_001, "period": "day"}}), "budget.limit_usd"),
        (json!({"budget": {"limit_usd": "1", "period": "week"}}), "budget.period"),
        (json!({"budget": {"limit_usd": "1"}}), "budget.period"),
        (json!({"budget": {"limit": "1", "limit_usd": 1, "period": "day"}}), "budget.limit"),
        (json!({"instruction": "x"}), "instruction"),
        (json!({"allowed_origins": "*"}), "allowed_origins"),
    ] {
        assert_eq!(post(&api, &acme, fields.clone()).await.fields(), [field], "{fields}");
    }
    let pointed = post(&api, &acme, json!({"model": "openai:gpt-4.1-mini?temprature=1"})).await;
    assert!(pointed.detail().contains("character 21"), "{}", pointed.detail());
    let meant = post(&api, &acme, json!({"instuctions": "x"})).await;
    assert!(meant.detail().contains("did you mean `instructions`"), "{}", meant.detail());
}

#[tokio::test]
async fn a_slug_is_unique_among_the_agents_in_use() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let other = api.tenant("other").await;
    post(&api, &acme, json!({})).await.created();
    assert_eq!(post(&api, &acme, json!({})).await.problem(), (409, "conflict".to_owned()));
    post(&api, &other, json!({})).await.created();
    post(&api, &acme, json!({"slug": "second"})).await.created();
    assert_eq!(put(&api, &acme, "second", json!({"slug": "triage-agent"})).await.problem().0, 409);
    api.delete("/api/v1/agents/triage-agent").key(&acme.admin).send().await.no_content();
    assert_eq!(
        put(&api, &acme, "second", json!({"slug": "triage-agent"})).await.ok()["slug"],
        "triage-agent"
    );
}

#[tokio::test]
async fn a_change_of_the_definition_makes_a_version_and_nothing_else_does() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let agent = api.agent(&acme, &json!({"name": "Triage Agent"})).await;
    api.world.faults().take_done();
    let mut same = put(&api, &acme, "triage-agent", json!({})).await.ok();
    let warnings = same.as_object_mut().unwrap().remove("warnings").unwrap();
    assert_eq!(warnings[0]["code"], "not_ready", "no provider is set up here");
    assert_eq!(same, agent);
    assert!(!api.world.faults().take_done().contains(&"begin_write".to_owned()), "nothing was written");

    let changed = put(&api, &acme, "triage-agent", json!({"instructions": "Sort it all."})).await.ok();
    assert_eq!(changed["version"], 2);
    let done = api.world.faults().take_done();
    let begun = done.iter().position(|step| step == "begin_write").unwrap();
    let written = ["GUARD_AGENTS_UNCHANGED", "UPDATE_AGENTS", "INSERT_VERSIONS", "INSERT_CHANGES"];
    assert!(written.iter().all(|step| done[begun..].iter().any(|done| done == step)), "{done:?}");
    assert_eq!(done.last().unwrap(), "end_write");

    let moved = put(&api, &acme, "triage-agent", json!({"instructions": "Sort it all.", "slug": "sorter"}))
        .await
        .ok();
    assert_eq!((&moved["version"], &moved["url"]), (&json!(2), &json!("/accounts/acme/agents/sorter")));
    let kept = put(&api, &acme, "sorter", json!({"instructions": "Back.", "max_concurrency": 3})).await.ok();
    assert_eq!((&kept["version"], &kept["slug"]), (&json!(3), &json!("sorter")));
    let named = put(&api, &acme, "sorter", json!({"instructions": "Back.", "name": "Sorter"})).await.ok();
    assert_eq!(
        (&named["slug"], &named["max_concurrency"]),
        (&json!("sorter"), &json!(3)),
        "what is not named stays"
    );
    let reset =
        put(&api, &acme, "sorter", json!({"instructions": "Back.", "max_concurrency": null})).await.ok();
    assert_eq!((&reset["version"], &reset["max_concurrency"]), (&json!(5), &Value::Null));
    let texts: Vec<String> = versions(&api, &agent).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["Sort the mail.", "Sort it all.", "Back.", "Back.", "Back."]);
    assert_eq!(reset["created_at"], agent["created_at"]);
    assert!(reset["updated_at"].as_str() > agent["updated_at"].as_str(), "even when the clock stands still");
}

#[tokio::test]
async fn a_budget_goes_only_when_it_is_told_to() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let budget = json!({"limit_usd": "1.000000", "period": "day", "action": "block"});
    post(&api, &acme, json!({"budget": budget})).await.created();
    let kept = put(&api, &acme, "triage-agent", json!({"instructions": "New."})).await.ok();
    assert_eq!((&kept["budget"], &kept["version"]), (&budget, &json!(2)));
    let open =
        put(&api, &acme, "triage-agent", json!({"instructions": "New.", "access": "public"})).await.ok();
    assert_eq!(open["budget"], budget);
    let refused = put(&api, &acme, "triage-agent", json!({"access": "public", "budget": null})).await;
    assert_eq!(refused.fields(), ["budget"]);
    let removed =
        put(&api, &acme, "triage-agent", json!({"instructions": "New.", "access": null, "budget": null}))
            .await
            .ok();
    assert_eq!((&removed["budget"], &removed["version"]), (&Value::Null, &json!(4)));
    let refused = put(&api, &acme, "triage-agent", json!({"access": "public"})).await;
    assert_eq!(refused.fields(), ["budget"]);
}

#[tokio::test]
async fn a_line_may_name_a_provider_that_comes_later() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    post(&api, &acme, json!({"model": "my-server:some/model:free?max_tokens=100"})).await.created();
}

#[tokio::test]
async fn an_archived_agent_is_gone_and_its_slug_free() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let first = post(&api, &acme, json!({})).await.created();
    api.delete("/api/v1/agents/triage-agent").key(&acme.admin).send().await.no_content();
    for name in ["triage-agent", first["id"].as_str().unwrap(), "No%20Slug"] {
        let path = format!("/api/v1/agents/{name}");
        assert_eq!(api.get(&path).key(&acme.admin).send().await.problem(), (404, "not_found".to_owned()));
        assert_eq!(api.delete(&path).key(&acme.admin).send().await.problem().0, 404);
        assert_eq!(put(&api, &acme, name, json!({})).await.problem().0, 404);
    }
    let second = post(&api, &acme, json!({})).await.created();
    assert_ne!(first["id"], second["id"]);
    assert_eq!(
        api.get("/api/v1/agents").key(&acme.member).send().await.ok()["data"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn agents_are_listed_newest_first_in_pages() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    for n in 0..5 {
        post(&api, &acme, json!({"slug": format!("a{n}")})).await.created();
        api.world.clock().advance(i64::from(n % 2));
    }
    let mut slugs = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = api.get(&format!("/api/v1/agents{query}")).key(&acme.member).send().await.ok();
        let data = page["data"].as_array().unwrap();
        assert!((1..=2).contains(&data.len()));
        slugs.extend(data.iter().map(|agent| agent["slug"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=2&cursor={next}");
    }
    let mut sorted = slugs.clone();
    sorted.sort();
    assert_eq!(sorted, ["a0", "a1", "a2", "a3", "a4"], "each once");
    assert_eq!(slugs[0], "a4");
    for query in ["?limit=0", "?limit=201", "?limit=-1", "?limit=x", "?limit="] {
        assert_eq!(
            api.get(&format!("/api/v1/agents{query}")).key(&acme.member).send().await.fields(),
            ["limit"]
        );
    }
    let bad = api.get("/api/v1/agents?limit=1e9&cursor=nonsense").key(&acme.member).send().await;
    assert_eq!(bad.fields(), ["limit", "cursor"]);
    let twice = api.get("/api/v1/agents?limit=1&limit=2").key(&acme.member).send().await;
    assert_eq!(twice.fields(), ["limit"]);
}

/// Another writer is faster the next few times: it gets in after the row was read and before it is written.
fn rival(api: &Api, mut times: u32) {
    let database = api.world.database().clone();
    api.world.faults().meddle("begin_write", move || {
        if times > 0 {
            times -= 1;
            let sql = "UPDATE agents SET budget_limit = budget_limit + 1, updated_at = updated_at + 1";
            database.with(|db| db.execute(sql, []).unwrap());
        }
    });
}

#[tokio::test]
async fn a_change_is_made_anew_over_what_another_changed_meanwhile() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    post(&api, &acme, json!({"budget": {"limit_usd": 1, "period": "day"}})).await.created();
    rival(&api, 2);
    let changed = put(&api, &acme, "triage-agent", json!({"instructions": "New."})).await;
    let changed = changed.ok();
    assert_eq!(changed["budget"]["limit_usd"], "1.000000002", "the rival's cap stands");
    assert_eq!((&changed["version"], versions(&api, &changed).len()), (&json!(2), 2));
}

#[tokio::test]
async fn what_keeps_changing_is_a_conflict() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    post(&api, &acme, json!({})).await.created();
    rival(&api, u32::MAX);
    let refused = put(&api, &acme, "triage-agent", json!({"instructions": "New."})).await;
    assert_eq!(refused.problem(), (409, "conflict".to_owned()));
    assert_eq!(api.world.objects().open_writes(acme.id), 0);
}
