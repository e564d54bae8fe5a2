//! Words that people have from other systems, and documents that are written back as they were read.

use axum::http::Method;
use serde_json::{Value, json};

use crate::document::{document, operations};
use crate::models::catalogue;
use crate::support::{Api, OPERATOR, Reply, Tenant};
use crate::walls::{endpoints, furnish};

async fn create(api: &Api, of: &Tenant, body: Value) -> Reply {
    api.post("/api/v1/agents").key(&of.admin).json(&body).send().await
}

async fn patch(api: &Api, of: &Tenant, agent: &str, body: Value) -> Reply {
    api.request(Method::PATCH, &format!("/api/v1/agents/{agent}")).key(&of.admin).json(&body).send().await
}

#[tokio::test]
async fn an_agent_is_written_in_other_systems_words() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    catalogue(&api, &[("openai", "gpt-4o")]);
    let agent = create(&api, &acme, json!({
        "agent_type": "DEEP_RESEARCH", "instance_name": "Digger", "system_prompt": "Dig.", "model": "gpt-4o",
        "status": "DEPLOYED", "is_active": true, "organization_id": acme.id, "voice": null,
    }))
    .await
    .created();
    for (field, value) in [
        ("type", "deep-research"),
        ("agent_type", "deep-research"),
        ("name", "Digger"),
        ("instance_name", "Digger"),
        ("instructions", "Dig."),
        ("model", "openai:gpt-4o"),
        ("status", "active"),
    ] {
        assert_eq!(agent[field], value, "{field}");
    }
    assert_eq!((&agent["is_active"], &agent["current_version"]), (&json!(true), &json!(1)));
    let renamed =
        patch(&api, &acme, "digger", json!({"instance_name": "Mole", "prompt": "Dig on."})).await.ok();
    assert_eq!((&renamed["name"], &renamed["instructions"]), (&json!("Mole"), &json!("Dig on.")));
    let listed = api.get("/api/v1/agents?status=Deployed").key(&acme.member).send().await.ok();
    assert_eq!(listed["data"][0]["slug"], "digger");
    let over = json!({"template": "sales", "overrides": {"name": "Over", "instructions": "Sell."}, "model": "openai/gpt-4o"});
    let over = create(&api, &acme, over).await;
    assert_eq!(over.status.as_u16(), 400, "there is no such template here: {over:?}");
    let over = create(
        &api,
        &acme,
        json!({"overrides": {"name": "Over", "instructions": "x"}, "model": "openai/gpt-4o"}),
    );
    assert_eq!(over.await.created()["name"], "Over");
}

#[tokio::test]
async fn is_active_archives_and_restores() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let id = api.agent(&acme, &json!({"slug": "a"})).await["id"].as_str().unwrap().to_owned();
    let gone = patch(&api, &acme, "a", json!({"is_active": false, "name": "Last words"})).await.ok();
    assert_eq!((&gone["is_active"], &gone["status"]), (&json!(false), &json!("archived")));
    assert_eq!(gone["name"], "Last words");
    assert_eq!(api.get("/api/v1/agents/a").key(&acme.member).send().await.problem().0, 404);
    let back = patch(&api, &acme, &id, json!({"is_active": true})).await.ok();
    assert_eq!(
        (&back["is_active"], &back["status"], &back["version"]),
        (&json!(true), &json!("active"), &json!(2))
    );
    let refused = create(&api, &acme, json!({"name": "b", "instructions": "x", "is_active": false})).await;
    assert_eq!(refused.fields(), ["is_active"]);
    // Others hand off to it: it stays, and so does everything else about it but what was written first.
    api.agent(&acme, &json!({"slug": "giver", "handoff_targets": ["a"]})).await;
    assert_eq!(patch(&api, &acme, "a", json!({"is_active": false})).await.problem().0, 409);
}

/// config-18, of everything that is shown and written at one path.
#[tokio::test]
async fn what_was_read_can_be_written_back_and_changes_nothing() {
    let api = Api::new();
    let (acme, ids) = furnish(&api, "acme").await;
    let all = endpoints("acme", &ids);
    let mut many = 0;
    for read in all.iter().filter(|endpoint| endpoint.method == Method::GET) {
        let writes = |endpoint: &&crate::walls::Endpoint| {
            endpoint.path == read.path && [Method::PUT, Method::PATCH].contains(&endpoint.method)
        };
        for write in all.iter().filter(writes) {
            let before = read.send(&api, read.key(&acme)).await;
            let (tag, was) = (before.header("etag").to_owned(), before.body.clone());
            let document = before.ok();
            let call = api.request(write.method.clone(), &write.path).key(write.key(&acme));
            call.json(&document).send().await.ok();
            let after = read.send(&api, read.key(&acme)).await;
            assert_eq!((after.header("etag"), after.body.clone()), (tag.as_str(), was), "{write:?}");
            many += 1;
        }
    }
    assert!(many >= 8, "{many}");
    // What is only shown is not written.
    let agent = api.get("/api/v1/agents/triage").key(&acme.member).send().await.ok();
    let mut other = agent.clone();
    other["id"] = json!("x");
    other["version"] = json!(7);
    other["healthy"] = json!(null);
    other["surprise"] = json!(1);
    let refused = patch(&api, &acme, "triage", other).await;
    assert_eq!(refused.fields(), ["id", "version", "surprise"]);
    let moved = patch(&api, &acme, "triage", json!({"status": "inactive"})).await;
    assert_eq!(moved.fields(), ["status"]);
}

#[tokio::test]
async fn an_agent_without_a_model_has_the_account_s_or_the_platform_s() {
    let api = Api::new();
    catalogue(&api, &[("openai", "gpt-4o"), ("openai", "gpt-4.1-mini")]);
    let acme = api.tenant("acme").await;
    let body = json!({"name": "a", "instructions": "x"});
    let made = create(&api, &acme, body.clone()).await;
    assert_eq!(made.header("x-warnings"), "2");
    let made = made.created();
    assert_eq!(
        (&made["model"], &made["warnings"][0]["code"]),
        (&json!("openai:gpt-4.1-mini"), &json!("defaulted"))
    );
    let account =
        |body: Value| api.request(Method::PATCH, "/api/v1/account").key(&acme.admin).json(&body).send();
    assert_eq!(account(json!({"default_model": "no model, at all"})).await.fields(), ["default_model"]);
    assert_eq!(account(json!({"settings": {"default_model": 7}})).await.fields(), ["settings.default_model"]);
    let set = account(json!({"default_model": "openai/gpt-4o"})).await.ok();
    assert_eq!(
        (&set["default_model"], &set["settings"]["default_model"]),
        (&json!("openai:gpt-4o"), &json!("openai:gpt-4o"))
    );
    let made = create(&api, &acme, json!({"name": "b", "instructions": "x"})).await.created();
    assert_eq!(
        (&made["model"], &made["warnings"][0]["code"]),
        (&json!("openai:gpt-4o"), &json!("not_ready"))
    );
    let valid =
        api.post("/api/v1/agents/validate").key(&acme.admin).json(&json!({"name": "c", "instructions": "x"}));
    assert_eq!(valid.send().await.ok()["agent"]["model"], "openai:gpt-4o");
    account(json!({"default_model": null})).await.ok();
    assert_eq!(patch(&api, &acme, "b", json!({"model": null})).await.ok()["model"], "openai:gpt-4.1-mini");
}

/// config-09.
#[tokio::test]
async fn what_only_looks_refuses_what_the_write_would_by_the_plan_too() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let downgrade = api.request(Method::PATCH, "/api/v1/accounts/acme").key(OPERATOR);
    downgrade.json(&json!({"plan": "budget"})).send().await.ok();
    let limits = api.get("/api/v1/account").key(&acme.member).send().await.ok()["limits"].clone();
    let most = limits["agents"]["limit"].as_u64().unwrap();
    for n in 0..most {
        api.agent(&acme, &json!({"slug": format!("a{n}")})).await;
    }
    let agent = json!({"name": "z", "instructions": "x", "model": "openai:gpt-4o"});
    let mut public = agent.clone();
    let budget = json!({"limit_usd": "1", "period": "day"});
    public.as_object_mut().unwrap().extend(
        json!({"access": "public", "budget": budget, "status": "inactive"}).as_object().unwrap().clone(),
    );
    for agent in [agent, public] {
        for path in ["/agents/validate", "/agents", "/agents/import?dry_run=true", "/agents/import"] {
            let reply = api.post(&format!("/api/v1{path}")).key(&acme.admin).json(&agent).send().await;
            assert_eq!(reply.problem(), (403, "plan_limit_exceeded".to_owned()), "{path} {agent}");
        }
    }
}

/// Of every body in the document, each field that may be left out may be null.
#[tokio::test]
async fn null_is_what_a_field_is_when_it_is_left_out() {
    let api = Api::new();
    let (acme, ids) = furnish(&api, "acme").await;
    let document = document();
    let operations = operations(&document);
    for endpoint in endpoints("acme", &ids).into_iter().filter(|endpoint| endpoint.body.is_some()) {
        let of = |(method, path, _): &&(String, String, Value)| {
            *method == endpoint.method.as_str() && *path == endpoint.template
        };
        let (_, _, operation) = operations.iter().find(of).unwrap();
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let named = schema["$ref"].as_str().unwrap_or_default().rsplit('/').next().unwrap();
        let schema = &document["components"]["schemas"][named];
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for name in schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name) {
            let mut body = endpoint.body.clone().unwrap();
            if required.contains(&name.as_str())
                || body.get(name).is_some()
                || endpoint.method == Method::PATCH
            {
                continue;
            }
            body[name] = Value::Null;
            let call =
                api.request(endpoint.method.clone(), &endpoint.path).key(endpoint.key(&acme)).json(&body);
            let reply = call.send().await;
            let faults = if reply.status == 400 { reply.fields() } else { Vec::new() };
            assert!(!faults.contains(name), "{endpoint:?} {name}: {}", reply.detail());
        }
    }
}

/// config-16: of an agent, and of things that the kit serves.
#[tokio::test]
async fn operations_say_what_a_merge_cannot() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    api.agent(
        &acme,
        &json!({"slug": "rw", "instructions": "Hi {{a}}", "config": {"variables": {"a": "1", "b": "2"}}}),
    )
    .await;
    let patch = async |path: &str, operations: Value| {
        let call = api.request(Method::PATCH, path).key(&acme.admin);
        let call = call.header("content-type", "application/json-patch+json");
        call.raw(axum::body::Body::from(operations.to_string())).send().await
    };
    let agent = "/api/v1/agents/rw";
    let removed = patch(agent, json!([{"op": "remove", "path": "/config/variables/b"}])).await.ok();
    assert_eq!((&removed["config"]["variables"], &removed["version"]), (&json!({"a": "1"}), &json!(2)));
    let voiced = json!([{"op": "test", "path": "/voice", "value": null}, {"op": "replace", "path": "/voice", "value": "p:v"},
        {"op": "add", "path": "/labels", "value": ["x"]}, {"op": "add", "path": "/labels/-", "value": "y"}]);
    let voiced_now = patch(agent, voiced.clone()).await.ok();
    assert_eq!((&voiced_now["voice"], &voiced_now["labels"]), (&json!("p:v"), &json!(["x", "y"])));
    let failed = patch(agent, voiced).await;
    assert_eq!(failed.problem(), (409, "conflict".to_owned()));
    for (operations, field) in [
        (json!([{"op": "remove", "path": "/nothing"}]), "[0]"),
        (json!([{"op": "burn", "path": "/voice"}]), "[0]"),
        (json!([{"op": "add", "path": "/surprise", "value": 1}]), "surprise"),
        (json!([{"op": "replace", "path": "/instructions", "value": "{{nobody}}"}]), "instructions"),
        (json!([{"op": "add", "path": "/status", "value": "draft"}]), "status"),
        (json!({"voice": null}), "(body)"),
    ] {
        assert_eq!(patch(agent, operations.clone()).await.fields(), [field], "{operations}");
    }
    let path = "/api/v1/providers/own";
    let provider = json!({"base_url": "https://llm.example.com/v1", "api_key": "k-12345678"});
    api.put(path).key(&acme.admin).json(&provider).send().await.ok();
    let kept = patch(path, json!([{"op": "add", "path": "/dialect", "value": {"system": "one"}}])).await.ok();
    assert_eq!((&kept["key_last4"], &kept["dialect"]), (&json!("78"), &json!({"system": "one"})));
}

#[tokio::test]
async fn a_list_is_a_bare_array_when_that_is_asked_for() {
    let api = Api::new();
    let (acme, ids) = furnish(&api, "acme").await;
    let mut many = 0;
    for endpoint in endpoints("acme", &ids).into_iter().filter(|endpoint| endpoint.method == Method::GET) {
        let read = async |query: &str| {
            api.get(&format!("{}{query}", endpoint.path)).key(endpoint.key(&acme)).send().await
        };
        let listed = read("").await.ok();
        if !listed["data"].is_array() || endpoint.path == "/api/v1/flags" {
            continue;
        }
        let bare = read("?format=array").await;
        assert_eq!(bare.ok(), listed["data"], "{endpoint:?}");
        assert_eq!(read("?format=list").await.fields(), ["format"], "{endpoint:?}");
        many += 1;
    }
    assert!(many >= 8, "{many}");
    api.agent(&acme, &json!({"slug": "b"})).await;
    let first = api.get("/api/v1/agents?format=array&limit=1").key(&acme.member).send().await;
    let cursor = first.header("x-next-cursor").to_owned();
    let first = first.ok();
    assert_eq!((first.as_array().unwrap().len(), cursor.is_empty()), (1, false));
    let next =
        api.get(&format!("/api/v1/agents?format=array&cursor={cursor}")).key(&acme.member).send().await;
    assert_eq!(next.header("x-next-cursor"), "");
    let next = next.ok();
    let mut slugs = [&first[0]["slug"], &next[0]["slug"]].map(|slug| slug.as_str().unwrap());
    slugs.sort_unstable();
    assert_eq!((slugs, next.as_array().unwrap().len()), (["b", "triage"], 1), "each once");
    let exported = api.get("/api/v1/agents/export?format=array").key(&acme.admin).send().await.ok();
    assert_eq!(exported.as_array().unwrap().len(), 2);
    let other = api.tenant("other").await;
    let report = api.post("/api/v1/agents/import").key(&other.admin).json(&exported).send().await.ok();
    assert_eq!((report["agents"].as_array().unwrap().len(), &report["created"]), (2, &json!(2)));
    let bare = json!([{"name": "c", "instructions": "x"}]);
    let report =
        api.post("/api/v1/agents/import?dry_run=true").key(&other.admin).json(&bare).send().await.ok();
    assert_eq!((&report["warnings"][0]["field"], &report["agents"]), (&json!("agents[0].model"), &json!([])));
}
