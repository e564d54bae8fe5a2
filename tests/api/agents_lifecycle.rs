//! `/api/v1/agents/{agent}/status`, `/restore`, `/validate`.

use serde_json::{Value, json};

use crate::support::{Api, Reply, Tenant};

async fn world() -> (Api, Tenant) {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    (api, acme)
}

async fn set(api: &Api, tenant: &Tenant, agent: &str, status: &str) -> Reply {
    let path = format!("/api/v1/agents/{agent}/status");
    api.post(&path).key(&tenant.admin).json(&json!({"status": status})).send().await
}

async fn delete(api: &Api, tenant: &Tenant, agent: &str) -> Reply {
    api.delete(&format!("/api/v1/agents/{agent}")).key(&tenant.admin).send().await
}

async fn restore(api: &Api, tenant: &Tenant, agent: &str) -> Reply {
    api.post(&format!("/api/v1/agents/{agent}/restore")).key(&tenant.admin).send().await
}

fn id(agent: &Value) -> &str {
    agent["id"].as_str().unwrap()
}

fn actions(api: &Api, agent: &Value) -> Vec<String> {
    let sql = "SELECT action FROM changes WHERE subject_id = ?1 ORDER BY rowid";
    api.world.database().with(|db| {
        let mut rows = db.prepare(sql).unwrap();
        rows.query_map([id(agent)], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    })
}

#[tokio::test]
async fn an_agent_goes_through_its_life_and_makes_no_version_of_it() {
    let (api, acme) = world().await;
    let agent = api.agent(&acme, &json!({"slug": "a", "status": "draft"})).await;
    for status in ["published", "active", "inactive", "active", "deprecated"] {
        let moved = set(&api, &acme, "a", status).await.ok();
        assert_eq!((&moved["status"], &moved["version"]), (&json!(status), &json!(1)));
        assert_eq!(api.configured(&acme, "a").await, moved);
    }
    assert_eq!(set(&api, &acme, "a", "archived").await.ok()["status"], "archived");
    assert_eq!(api.get("/api/v1/agents/a").key(&acme.member).send().await.problem().0, 404);
    let expected = ["create", "update", "update", "update", "update", "update", "archive"];
    assert_eq!(actions(&api, &agent), expected);
}

#[tokio::test]
async fn a_move_that_is_not_allowed_is_told_those_that_are() {
    let (api, acme) = world().await;
    let steps = [
        ("draft", ["active", "inactive", "deprecated", "archived"].as_slice(), "can become published."),
        ("published", &["draft", "inactive", "deprecated", "archived"], "can become active."),
        ("active", &["draft", "published", "archived"], "can become inactive or deprecated."),
        ("inactive", &["draft", "published", "archived"], "can become active or deprecated."),
        ("deprecated", &["draft", "published", "active", "inactive"], "can become archived."),
    ];
    for (from, refused, allowed) in steps {
        let agent = api.agent(&acme, &json!({"slug": from, "status": from})).await;
        for to in refused {
            let reply = set(&api, &acme, from, to).await;
            assert_eq!(reply.problem(), (409, "conflict".to_owned()), "{from} to {to}");
            let way = format!(", then {to}: move it step by step.");
            let detail = reply.detail();
            assert!(detail.ends_with(allowed) || detail.ends_with(&way), "{detail}");
        }
        assert_eq!(set(&api, &acme, from, from).await.ok(), agent, "what it has already stays");
        assert_eq!(actions(&api, &agent), ["create"]);
    }
    let way = set(&api, &acme, "draft", "DEPRECATED").await;
    assert!(way.detail().contains("published, then active, then deprecated"), "{}", way.detail());
    let unknown = set(&api, &acme, "draft", "finished").await;
    assert_eq!(unknown.fields(), ["status"]);
    assert!(unknown.detail().contains("`deprecated`"), "{}", unknown.detail());
    assert_eq!(set(&api, &acme, "nobody", "active").await.problem().0, 404);
}

#[tokio::test]
async fn out_of_the_archive_leads_only_a_restoration() {
    let (api, acme) = world().await;
    let agent = api.agent(&acme, &json!({"slug": "a"})).await;
    delete(&api, &acme, "a").await.no_content();
    let refused = set(&api, &acme, id(&agent), "active").await;
    assert_eq!(refused.problem(), (409, "conflict".to_owned()));
    assert!(refused.detail().contains("/restore"), "{}", refused.detail());
    assert_eq!(set(&api, &acme, id(&agent), "archived").await.ok()["status"], "archived");
    assert_eq!(set(&api, &acme, "a", "archived").await.problem().0, 404, "its slug is free");
}

#[tokio::test]
async fn moving_to_the_archive_is_archiving() {
    let (api, acme) = world().await;
    api.agent(&acme, &json!({"slug": "old", "status": "deprecated"})).await;
    api.agent(&acme, &json!({"slug": "giver", "handoff_targets": ["old"]})).await;
    let refused = set(&api, &acme, "old", "archived").await;
    assert_eq!(refused.problem(), (409, "conflict".to_owned()));
    assert!(refused.detail().contains("giver"), "{}", refused.detail());
    let path = "/accounts/acme/agents/old/status?force=true";
    api.post(path).key(&acme.admin).json(&json!({"status": "archived"})).send().await.ok();
    let giver = api.configured(&acme, "giver").await;
    assert_eq!((&giver["handoff_targets"], &giver["version"]), (&json!([]), &json!(2)));
}

#[tokio::test]
async fn an_archived_agent_comes_back_as_it_was() {
    let (api, acme) = world().await;
    let budget = json!({"limit_usd": "1.000000", "period": "day", "action": "block"});
    let fields =
        json!({"slug": "a", "status": "inactive", "labels": ["x"], "budget": budget, "access": "public"});
    let agent = api.agent(&acme, &fields).await;
    delete(&api, &acme, "a").await.no_content();
    let back = api.post("/accounts/acme/agents/a/restore").key(&acme.admin).send().await.ok();
    for (name, value) in agent.as_object().unwrap().iter().filter(|(name, _)| *name != "updated_at") {
        assert_eq!(&back[name], value, "{name}");
    }
    assert_eq!(api.configured(&acme, "a").await, back);
    assert_eq!(actions(&api, &agent), ["create", "archive", "restore"]);
    let labelled = api.get("/api/v1/agents?label=x&q=triage").key(&acme.member).send().await.ok();
    assert_eq!(labelled["data"][0]["id"], agent["id"], "and is found again");

    assert_eq!(restore(&api, &acme, "a").await.ok(), back, "what is not archived stays");
    assert_eq!(restore(&api, &acme, id(&agent)).await.ok(), back);
    assert_eq!(actions(&api, &agent).len(), 3);
    assert_eq!(restore(&api, &acme, "nobody").await.problem(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn a_slug_brings_back_the_one_that_was_archived_last() {
    let (api, acme) = world().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let agent = api.agent(&acme, &json!({"slug": "a"})).await;
        delete(&api, &acme, "a").await.no_content();
        api.world.clock().advance(1_000);
        ids.push(id(&agent).to_owned());
    }
    assert_eq!(restore(&api, &acme, "a").await.ok()["id"], ids[2].as_str());
    let taken = restore(&api, &acme, &ids[0]).await;
    assert_eq!(taken.problem(), (409, "conflict".to_owned()));
    assert_eq!(restore(&api, &acme, "a").await.problem().0, 409, "two more of the name are archived");
    let elsewhere = |slug: &str| {
        let call = api.post(&format!("/api/v1/agents/{}/restore", ids[0])).key(&acme.admin);
        call.json(&json!({"slug": slug})).send()
    };
    assert_eq!(elsewhere("No Slug").await.fields(), ["slug"]);
    let back = elsewhere("b").await.ok();
    assert_eq!((&back["id"], &back["slug"]), (&json!(ids[0]), &json!("b")));
    assert_eq!(back["url"], "/accounts/acme/agents/b");
}

#[tokio::test]
async fn a_restored_agent_does_not_hand_off_to_what_is_gone() {
    let (api, acme) = world().await;
    let target = api.agent(&acme, &json!({"slug": "target"})).await;
    let other = api.agent(&acme, &json!({"slug": "other"})).await;
    let giver = api.agent(&acme, &json!({"slug": "giver", "handoff_targets": ["other", "target"]})).await;
    delete(&api, &acme, "giver").await.no_content();
    delete(&api, &acme, "target").await.no_content();
    let refused = restore(&api, &acme, "giver").await;
    assert_eq!(refused.problem(), (409, "conflict".to_owned()));
    assert!(refused.detail().contains(id(&target)) && !refused.detail().contains(id(&other)));

    let path = "/api/v1/agents/giver/restore?force=true";
    let forced = api.post(path).key(&acme.admin).send().await.ok();
    assert_eq!((&forced["handoff_targets"], &forced["version"]), (&json!([other["id"]]), &json!(2)));

    delete(&api, &acme, "giver").await.no_content();
    restore(&api, &acme, "target").await.ok();
    assert_eq!(restore(&api, &acme, id(&giver)).await.ok()["version"], 2);
}

/// The target goes between the look at it and the write.
#[tokio::test]
async fn a_restoration_that_loses_a_race_looks_again() {
    let (api, acme) = world().await;
    api.agent(&acme, &json!({"slug": "target"})).await;
    let giver = api.agent(&acme, &json!({"slug": "giver", "handoff_targets": ["target"]})).await;
    delete(&api, &acme, "giver").await.no_content();
    let database = api.world.database().clone();
    api.world.faults().meddle("begin_write", move || {
        let sql = "UPDATE agents SET archived_at = updated_at WHERE slug = 'target'";
        database.with(|db| db.execute(sql, []).unwrap());
    });
    assert_eq!(restore(&api, &acme, id(&giver)).await.problem().0, 409);
    assert_eq!(api.get("/api/v1/agents/giver").key(&acme.member).send().await.problem().0, 404);
}

/// Such an agent could not be asked for by its slug.
#[tokio::test]
async fn a_slug_is_no_word_of_a_path() {
    let (api, acme) = world().await;
    let create = |fields: Value| {
        let mut body = json!({"instructions": "Do.", "model": "openai:x"});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let call = api.post("/api/v1/agents").key(&acme.admin);
        async move { call.json(&body).send().await }
    };
    let agent = create(json!({"name": "Export", "slug": "a"})).await.created();
    for word in ["validate", "export", "import"] {
        assert_eq!(create(json!({"name": "A", "slug": word})).await.fields(), ["slug"]);
        assert_eq!(create(json!({"name": word})).await.created()["slug"], format!("{word}-2"));
        let change = api.request(axum::http::Method::PATCH, "/api/v1/agents/a").key(&acme.admin);
        assert_eq!(change.json(&json!({"slug": word})).send().await.fields(), ["slug"]);
        let copy = api.post("/api/v1/agents/a/duplicate").key(&acme.admin);
        assert_eq!(copy.json(&json!({"slug": word})).send().await.fields(), ["slug"]);
        let copy = api.post("/api/v1/agents/a/duplicate").key(&acme.admin);
        let copy = copy.json(&json!({"name": word})).send().await.created();
        assert_eq!(copy["slug"], format!("{word}-3"));
    }
    delete(&api, &acme, "a").await.no_content();
    let back = api.post(&format!("/api/v1/agents/{}/restore", id(&agent))).key(&acme.admin);
    assert_eq!(back.json(&json!({"slug": "import"})).send().await.fields(), ["slug"]);
}

#[tokio::test]
async fn what_is_valid_is_shown_as_it_would_be_and_nothing_is_saved() {
    let (api, acme) = world().await;
    let target = api.agent(&acme, &json!({"slug": "target"})).await;
    let fields = json!({"name": "Sales  Agent", "instructions": "Sell.", "model": "openai:x",
        "handoff_targets": ["target"]});
    let check = |fields: Value| {
        let call = api.post("/api/v1/agents/validate").key(&acme.admin);
        async move { call.json(&fields).send().await }
    };
    api.world.faults().take_done();
    let valid = check(fields.clone()).await.ok();
    assert!(!api.world.faults().take_done().contains(&"begin_write".to_owned()));
    assert_eq!((&valid["valid"], &valid["agent"]["slug"]), (&json!(true), &json!("sales-agent")));
    assert_eq!(valid["agent"]["handoff_targets"], json!([target["id"]]));
    let listed = api.get("/api/v1/agents").key(&acme.member).send().await.ok();
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);

    let mut wrong = fields.clone();
    wrong["model"] = json!("fast");
    wrong["handoff_targets"] = json!(["nobody"]);
    let refused = check(wrong.clone()).await;
    let saved = api.post("/api/v1/agents").key(&acme.admin).json(&wrong).send().await;
    assert_eq!(refused.fields(), ["model", "handoff_targets[0]"]);
    assert_eq!(refused.json(), saved.json(), "as a save would");
    let mut taken = fields;
    taken["slug"] = json!("target");
    assert_eq!(check(taken).await.problem(), (409, "conflict".to_owned()));
}
