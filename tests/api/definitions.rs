//! What a definition may say, what is merged over it, and who may write over whom.

use serde_json::{Value, json};

use crate::support::{Api, Reply, Tenant};

async fn world() -> (Api, Tenant) {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    (api, acme)
}

async fn patch(api: &Api, tenant: &Tenant, agent: &str, fields: Value) -> Reply {
    let path = format!("/api/v1/agents/{agent}");
    api.request(axum::http::Method::PATCH, &path).key(&tenant.admin).json(&fields).send().await
}

async fn delete(api: &Api, tenant: &Tenant, agent: &str) -> Reply {
    api.delete(&format!("/api/v1/agents/{agent}")).key(&tenant.admin).send().await
}

fn log(api: &Api) -> Vec<(String, String, Value, Value)> {
    let sql = "SELECT action, subject_id, coalesce(before, 'null'), coalesce(after, 'null') FROM changes ORDER BY rowid";
    let text = |row: &rusqlite::Row<'_>, i| serde_json::from_str(&row.get::<_, String>(i).unwrap()).unwrap();
    api.world.database().with(|db| {
        let mut rows = db.prepare(sql).unwrap();
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, text(row, 2), text(row, 3)));
        rows.query_map([], read).unwrap().map(Result::unwrap).filter(|row| row.0 != "issue").collect()
    })
}

#[tokio::test]
async fn a_definition_has_all_its_fields() {
    let (api, acme) = world().await;
    let other = api.agent(&acme, &json!({"slug": "other"})).await;
    let full = json!({
        "slug": "full", "type": "our-own", "description": "All of it.", "voice": "cartesia:sonic",
        "modality": "audio_camera", "panels": ["notepad", "whiteboard"], "tools": ["web_search", "mcp:files/read"],
        "handoff_targets": ["other"], "labels": ["team-a", "beta"], "status": "draft",
        "config": {"variables": {"tone": "dry", "who": null}, "rate": 1.0, "big": 123_456_789_012_u64},
        "instructions": "Speak {{tone}}ly to {{who}} of {{account_name}}; {{\"json\"}} is text.",
    });
    let agent = api.agent(&acme, &full).await;
    for (name, value) in full.as_object().unwrap().iter().filter(|(name, _)| *name != "handoff_targets") {
        assert_eq!(&agent[name], value, "{name}");
    }
    assert_eq!(agent["handoff_targets"], json!([other["id"]]), "known by id, whatever it was named by");
    assert_eq!(api.configured(&acme, "full").await, agent);
    let read = api.get("/accounts/acme/agents/full").key(&acme.member).send().await.ok();
    assert_eq!(read["id"], agent["id"]);
}

#[tokio::test]
async fn only_what_is_given_changes() {
    let (api, acme) = world().await;
    let config = json!({"variables": {"tone": "dry", "who": null}, "deep": {"a": 1, "b": 2}});
    api.agent(&acme, &json!({"slug": "a", "tools": ["x", "y"], "config": config, "voice": "p:v"})).await;
    let over = json!({"config": {"variables": {"who": "you"}, "deep": {"b": null, "c": 3}}, "tools": ["z"], "voice": null});
    let changed = patch(&api, &acme, "a", over).await.ok();
    let merged = json!({"variables": {"tone": "dry", "who": "you"}, "deep": {"a": 1, "c": 3}});
    assert_eq!((&changed["config"], &changed["tools"]), (&merged, &json!(["z"])));
    assert_eq!((&changed["voice"], &changed["version"]), (&Value::Null, &json!(2)));
    let labelled = patch(&api, &acme, "a", json!({"labels": ["x"]})).await.ok();
    assert_eq!(
        (&labelled["labels"], &labelled["version"]),
        (&json!(["x"]), &json!(2)),
        "labels make no version"
    );
    assert_eq!(patch(&api, &acme, "a", json!({"name": null})).await.fields(), ["name"]);
    assert_eq!(patch(&api, &acme, "a", json!({"status": "draft"})).await.fields(), ["status"]);
    assert_eq!(patch(&api, &acme, "a", json!({"template": "x"})).await.fields(), ["template"]);
    let twin =
        api.put("/accounts/acme/agents/a/config").key(&acme.admin).json(&json!({"tools": []})).send().await;
    assert_eq!(twin.ok()["version"], 3);
}

#[tokio::test]
async fn an_unknown_variable_is_refused_and_known_ones_are_not() {
    let (api, acme) = world().await;
    api.agent(&acme, &json!({"slug": "a"})).await;
    let refused = patch(&api, &acme, "a", json!({"instructions": "Hello {{nmae}}"})).await;
    assert_eq!(refused.fields(), ["instructions"]);
    assert!(refused.detail().contains("{{nmae}}"), "{}", refused.detail());
    let declared =
        json!({"instructions": "Hello {{name}}, {{today}}", "config": {"variables": {"name": "you"}}});
    patch(&api, &acme, "a", declared).await.ok();
}

#[tokio::test]
async fn a_hand_off_leads_to_another_agent_in_use_of_the_account() {
    let (api, acme) = world().await;
    let rival = api.tenant("rival").await;
    let foreign = api.agent(&rival, &json!({"slug": "foreign"})).await;
    api.agent(&acme, &json!({"slug": "gone"})).await;
    delete(&api, &acme, "gone").await.no_content();
    let first = api.agent(&acme, &json!({"slug": "first"})).await;
    let targets = json!(["first", "gone", foreign["id"], "nobody", "No Slug", first["id"]]);
    let refused = patch(&api, &acme, "first", json!({"handoff_targets": targets})).await;
    let fields = [0, 1, 2, 3, 4, 5].map(|n| format!("handoff_targets[{n}]"));
    assert_eq!(refused.fields(), fields);
    api.agent(&acme, &json!({"slug": "second", "handoff_targets": ["first"]})).await;
    let round = patch(&api, &acme, "first", json!({"handoff_targets": ["second"]})).await.ok();
    assert_eq!(round["version"], 2, "hand-offs may go in a circle");
}

#[tokio::test]
async fn an_agent_that_others_hand_off_to_stays_unless_forced() {
    let (api, acme) = world().await;
    let target = api.agent(&acme, &json!({"slug": "target"})).await;
    api.agent(&acme, &json!({"slug": "one", "handoff_targets": ["target"]})).await;
    api.agent(&acme, &json!({"slug": "two", "handoff_targets": ["one", target["id"]]})).await;
    let refused = delete(&api, &acme, "target").await;
    assert_eq!(refused.problem(), (409, "conflict".to_owned()));
    assert!(refused.detail().contains("one, two"), "{}", refused.detail());
    delete(&api, &acme, "target?force=true").await.no_content();
    for (agent, left) in [("one", 0), ("two", 1)] {
        let read = api.get(&format!("/api/v1/agents/{agent}")).key(&acme.member).send().await.ok();
        assert_eq!(read["handoff_targets"].as_array().unwrap().len(), left);
        assert_eq!(read["version"], 2, "losing a hand-off is a change of configuration");
    }
    let last: Vec<String> = log(&api).into_iter().rev().take(3).map(|row| row.0).collect();
    assert_eq!(last, ["archive", "update", "update"]);
}

/// Somebody archives the target between the check and the write.
#[tokio::test]
async fn a_target_that_goes_meanwhile_is_not_handed_off_to() {
    let (api, acme) = world().await;
    api.agent(&acme, &json!({"slug": "target"})).await;
    api.agent(&acme, &json!({"slug": "giver"})).await;
    let database = api.world.database().clone();
    api.world.faults().meddle("begin_write", move || {
        let sql = "UPDATE agents SET archived_at = updated_at WHERE slug = 'target'";
        database.with(|db| db.execute(sql, []).unwrap());
    });
    let refused = patch(&api, &acme, "giver", json!({"handoff_targets": ["target"]})).await;
    assert_eq!(refused.fields(), ["handoff_targets[0]"]);
}

#[tokio::test]
async fn a_lost_update_is_refused_when_the_writer_says_what_it_has_read() {
    let (api, acme) = world().await;
    api.agent(&acme, &json!({"slug": "a"})).await;
    let read = api.get("/api/v1/agents/a").key(&acme.member).send().await;
    let tag = read.header("etag").to_owned();
    let change = |tag: &str, name: &str| {
        let call = api.request(axum::http::Method::PATCH, "/api/v1/agents/a").key(&acme.admin);
        call.header("if-match", tag).json(&json!({"name": name})).send()
    };
    let first = change(&tag, "One").await;
    assert_ne!(first.header("etag"), tag);
    let lost = change(&tag, "Two").await;
    assert_eq!(lost.problem(), (412, "precondition_failed".to_owned()));
    let next = first.header("etag").to_owned();
    change(&format!("\"other\", {next}"), "Three").await.ok();
    let weak = format!("W/{}", change("*", "Four").await.header("etag"));
    change(&weak, "Five").await.ok();
    assert_eq!(change(&weak, "Six").await.problem().0, 412);
    assert_eq!(change("bare", "Six").await.problem(), (400, "invalid_request".to_owned()));
}

#[tokio::test]
async fn every_write_of_an_agent_is_in_the_log() {
    let (api, acme) = world().await;
    let agent = api.agent(&acme, &json!({"slug": "a"})).await;
    patch(&api, &acme, "a", json!({"name": "New", "labels": ["x"]})).await.ok();
    patch(&api, &acme, "a", json!({"name": "New"})).await.ok();
    delete(&api, &acme, "a").await.no_content();
    let id = agent["id"].as_str().unwrap();
    let lines: Vec<_> = log(&api).into_iter().filter(|line| line.1 == id).collect();
    let actions: Vec<&str> = lines.iter().map(|line| line.0.as_str()).collect();
    assert_eq!(actions, ["create", "update", "archive"], "and nothing of what changed nothing");
    assert_eq!((&lines[0].2, &lines[0].3["instructions"]), (&Value::Null, &json!("Sort the mail.")));
    assert_eq!(lines[1].2, json!({"name": "Triage", "version": 1}));
    assert_eq!(lines[1].3, json!({"name": "New", "labels": ["x"], "version": 2}));
    assert_eq!((&lines[2].2, &lines[2].3), (&json!({"status": "active"}), &json!({"status": "archived"})));
}

#[tokio::test]
async fn the_accounts_own_path_is_for_its_keys_alone() {
    let (api, acme) = world().await;
    let rival = api.tenant("rival").await;
    api.agent(&acme, &json!({"slug": "a"})).await;
    for path in ["/accounts/acme/agents", "/accounts/acme/agents/a", "/accounts/nobody/agents"] {
        let refused = api.get(path).key(&rival.admin).send().await;
        assert_eq!(refused.problem(), (404, "not_found".to_owned()), "{path}");
        let anonymous = api.get(path).send().await;
        // The list shows strangers the public agents, of which there is none.
        assert_eq!(anonymous.status, if path.ends_with("/a") { 401 } else { 200 }, "{path}");
    }
    let id = format!("/accounts/{}/agents", acme.id);
    assert_eq!(api.get(&id).key(&acme.member).send().await.ok()["data"].as_array().unwrap().len(), 1);
    let refused = api.post("/accounts/acme/agents").key(&acme.member).json(&json!({})).send().await;
    assert_eq!(refused.problem().0, 403);
}
