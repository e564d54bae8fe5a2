//! `/api/v1/agents/{agent}/duplicate`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Api, Reply, Tenant};

async fn world() -> (Api, Tenant) {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    (api, acme)
}

async fn duplicate(api: &Api, tenant: &Tenant, agent: &str) -> Reply {
    api.post(&format!("/api/v1/agents/{agent}/duplicate")).key(&tenant.admin).send().await
}

async fn called(api: &Api, tenant: &Tenant, agent: &str, body: Value) -> Reply {
    let path = format!("/api/v1/agents/{agent}/duplicate");
    api.post(&path).key(&tenant.admin).json(&body).send().await
}

fn names(agent: &Value) -> (&str, &str) {
    (agent["name"].as_str().unwrap(), agent["slug"].as_str().unwrap())
}

#[tokio::test]
async fn a_copy_is_the_same_but_for_what_tells_them_apart() {
    let (api, acme) = world().await;
    api.agent(&acme, &json!({"slug": "target"})).await;
    let fields = json!({"status": "inactive", "labels": ["x"], "handoff_targets": ["target"],
        "budget": {"limit_usd": 5, "period": "month"}, "config": {"a": 1}, "tools": ["t"]});
    let source = api.agent(&acme, &fields).await;
    let path = "/api/v1/agents/triage";
    let patched =
        api.request(axum::http::Method::PATCH, path).key(&acme.admin).json(&json!({"voice": "p:v"}));
    let mut source_now = patched.send().await.ok();
    source_now.as_object_mut().unwrap().remove("warnings");
    assert_eq!(source_now["version"], 2);
    let reply = duplicate(&api, &acme, "triage").await;
    assert_eq!(reply.header("location"), "/api/v1/agents/triage-copy");
    let copy = reply.created();
    assert_eq!(names(&copy), ("Triage (Copy)", "triage-copy"));
    assert_ne!(copy["id"], source["id"]);
    assert_eq!(copy["version"], 1);
    let apart = [
        "id",
        "name",
        "slug",
        "url",
        "version",
        "created_at",
        "updated_at",
        "current_version",
        "instance_name",
    ];
    for (name, value) in source_now.as_object().unwrap().iter().filter(|(n, _)| !apart.contains(&n.as_str()))
    {
        assert_eq!(&copy[name], value, "{name}");
    }
    assert_eq!(api.configured(&acme, "triage-copy").await, copy);
    let versions = api.get("/api/v1/agents/triage-copy/versions").key(&acme.member).send().await.ok();
    assert_eq!(versions["data"].as_array().unwrap().len(), 1, "without a history");
    let budget = api.get("/api/v1/agents/triage-copy/budget").key(&acme.member).send().await.ok();
    assert_eq!(budget["settled_usd"], "0.000000");
}

#[tokio::test]
async fn copies_take_the_first_name_and_slug_that_are_free() {
    let (api, acme) = world().await;
    api.agent(&acme, &json!({})).await;
    for expected in [("Triage (Copy)", "triage-copy"), ("Triage (Copy 2)", "triage-copy-2")] {
        assert_eq!(names(&duplicate(&api, &acme, "triage").await.created()), expected);
    }
    api.delete("/api/v1/agents/triage-copy").key(&acme.admin).send().await.no_content();
    let again = duplicate(&api, &acme, "triage").await.created();
    assert_eq!(names(&again), ("Triage (Copy)", "triage-copy"), "free again");
    let of_copy = duplicate(&api, &acme, "triage-copy").await.created();
    assert_eq!(names(&of_copy), ("Triage (Copy) (Copy)", "triage-copy-copy"));
    api.agent(&acme, &json!({"name": "Other", "slug": "triage-copy-3"})).await;
    let third = duplicate(&api, &acme, "triage").await.created();
    assert_eq!(names(&third), ("Triage (Copy 3)", "triage-copy-3-2"), "a slug may be taken by another name");
}

#[tokio::test]
async fn a_long_name_is_cut_for_the_copys() {
    let (api, acme) = world().await;
    api.agent(&acme, &json!({"name": "n".repeat(255), "slug": "long"})).await;
    let first = duplicate(&api, &acme, "long").await.created();
    let second = duplicate(&api, &acme, "long").await.created();
    assert_eq!(first["name"], format!("{} (Copy)", "n".repeat(248)));
    assert_eq!(second["name"], format!("{} (Copy 2)", "n".repeat(246)));
    assert_eq!(first["slug"], "n".repeat(63));
    assert_eq!(second["slug"], format!("{}-2", "n".repeat(61)));
    api.agent(&acme, &json!({"name": "日本", "slug": "japan"})).await;
    let copy = duplicate(&api, &acme, "japan").await.created();
    assert_eq!(names(&copy), ("日本 (Copy)", "copy"));
}

#[tokio::test]
async fn a_copy_is_called_as_it_is_asked_for() {
    let (api, acme) = world().await;
    api.agent(&acme, &json!({})).await;
    let named = called(&api, &acme, "triage", json!({"name": "Sales Agent"})).await.created();
    assert_eq!(names(&named), ("Sales Agent", "sales-agent"));
    let twin = called(&api, &acme, "triage", json!({"name": "Sales Agent"})).await.created();
    assert_eq!(names(&twin), ("Sales Agent", "sales-agent-2"), "names need not differ");
    let both = called(&api, &acme, "triage", json!({"slug": "x"})).await.created();
    assert_eq!(names(&both), ("Triage (Copy)", "x"));
    let taken = called(&api, &acme, "triage", json!({"slug": "x"})).await;
    assert_eq!(taken.problem(), (409, "conflict".to_owned()));
    assert_eq!(called(&api, &acme, "triage", json!({"slug": "No"})).await.fields(), ["slug"]);
    assert_eq!(called(&api, &acme, "triage", json!({"name": ""})).await.fields(), ["name"]);
    assert_eq!(called(&api, &acme, "triage", json!({"title": "x"})).await.fields(), ["title"]);
    assert_eq!(duplicate(&api, &acme, "nobody").await.problem().0, 404);
}

#[tokio::test]
async fn a_copy_of_an_archived_agent_is_a_draft() {
    let (api, acme) = world().await;
    let agent = api.agent(&acme, &json!({})).await;
    api.delete("/api/v1/agents/triage").key(&acme.admin).send().await.no_content();
    assert_eq!(duplicate(&api, &acme, "triage").await.problem().0, 404);
    let copy = duplicate(&api, &acme, agent["id"].as_str().unwrap()).await.created();
    assert_eq!((names(&copy), &copy["status"]), (("Triage (Copy)", "triage-copy"), &json!("draft")));
}

#[tokio::test]
async fn a_copy_must_be_such_as_could_be_created() {
    let (api, acme) = world().await;
    let alias = "/api/v1/aliases/fast";
    api.put(alias).key(&acme.admin).json(&json!({"model": "openai:x"})).send().await.ok();
    api.agent(&acme, &json!({"model": "fast"})).await;
    api.delete(&format!("{alias}?force=true")).key(&acme.admin).send().await.no_content();
    assert_eq!(duplicate(&api, &acme, "triage").await.fields(), ["model"]);
}

#[tokio::test]
async fn copies_made_at_once_are_all_made_and_told_apart() {
    let (api, acme) = world().await;
    api.agent(&acme, &json!({})).await;
    let copiers: Vec<_> = (0..30)
        .map(|_| {
            let (api, acme) = (api.clone(), acme.clone());
            tokio::spawn(async move { duplicate(&api, &acme, "triage").await.created() })
        })
        .collect();
    let (mut all_names, mut slugs) = (BTreeSet::new(), BTreeSet::new());
    for copier in copiers {
        let copy = copier.await.unwrap();
        all_names.insert(copy["name"].as_str().unwrap().to_owned());
        slugs.insert(copy["slug"].as_str().unwrap().to_owned());
    }
    assert_eq!((all_names.len(), slugs.len()), (30, 30));
    assert!(all_names.contains("Triage (Copy)") && all_names.contains("Triage (Copy 30)"), "{all_names:?}");
}
