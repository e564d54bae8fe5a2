//! `/api/v1/templates`, and agents that begin as one.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Api, OPERATOR, Reply, Tenant};

async fn put(api: &Api, key: &str, slug: &str, body: Value) -> Reply {
    api.put(&format!("/api/v1/templates/{slug}")).key(key).json(&body).send().await
}

async fn get(api: &Api, key: &str, slug: &str) -> Reply {
    api.get(&format!("/api/v1/templates/{slug}")).key(key).send().await
}

async fn delete(api: &Api, key: &str, slug: &str) -> Reply {
    api.delete(&format!("/api/v1/templates/{slug}")).key(key).send().await
}

async fn listed(api: &Api, key: &str) -> Vec<(String, String)> {
    let page = api.get("/api/v1/templates").key(key).send().await.ok();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    page["data"].as_array().unwrap().iter().map(|row| (text(&row["slug"]), text(&row["source"]))).collect()
}

fn pairs(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(slug, source)| ((*slug).to_owned(), (*source).to_owned())).collect()
}

/// What the change log says of templates: action, before and after.
fn logged(api: &Api, tenant: &Tenant) -> Vec<(String, Option<Value>, Option<Value>)> {
    let sql = "SELECT action, before, after FROM changes WHERE account_id = ?1 AND subject = 'template' ORDER BY id";
    api.world.database().with(|db| {
        let json = |text: Option<String>| text.map(|text| serde_json::from_str(&text).unwrap());
        let mut rows = db.prepare(sql).unwrap();
        let rows = rows.query_map([tenant.id.to_string()], |row| {
            Ok((row.get(0)?, json(row.get(1)?), json(row.get(2)?)))
        });
        rows.unwrap().map(Result::unwrap).collect()
    })
}

#[tokio::test]
async fn a_template_is_kept_as_it_was_given() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let definition = json!({
        "instructions": "Sort the mail of {{account_name}} {{tone}}.", "tools": ["web_search"], "access": "public",
        "budget": {"limit_usd": "1.000000", "period": "day", "action": "block"}, "handoff_targets": ["billing"],
        "labels": ["mail"], "config": {"variables": {"tone": null}},
    });
    let body = json!({"name": "Mail triage", "description": "Sorts.", "definition": definition});
    let made = put(&api, &acme.admin, "mail", body).await.ok();
    let expected = json!({
        "slug": "mail", "name": "Mail triage", "description": "Sorts.", "deprecated": false, "source": "account",
        "definition": definition, "updated_at": "2026-11-21T12:00:00.000Z",
    });
    assert_eq!(made, expected);
    assert_eq!(get(&api, &acme.member, "mail").await.ok(), expected);
    let renamed =
        put(&api, &acme.admin, "mail", json!({"deprecated": true, "definition": {"name": "Mail"}})).await;
    let renamed = renamed.ok();
    assert_eq!((&renamed["name"], &renamed["deprecated"]), (&json!("Mail"), &json!(true)));
    assert_eq!(renamed["definition"], json!({"name": "Mail"}), "replaced as a whole");
}

#[tokio::test]
async fn the_accounts_own_wins_over_the_platforms_which_only_the_operator_writes() {
    let api = Api::new();
    let (acme, other) = (api.tenant("acme").await, api.tenant("other").await);
    for slug in ["a", "b", "c"] {
        let made =
            put(&api, OPERATOR, slug, json!({"definition": {"instructions": "The platform's."}})).await.ok();
        assert_eq!((&made["source"], &made["name"]), (&json!("platform"), &json!(slug)));
    }
    put(&api, &acme.admin, "b", json!({"definition": {"instructions": "Ours."}})).await.ok();
    put(&api, &acme.admin, "d", json!({"definition": {}})).await.ok();
    let platform = [("a", "platform"), ("b", "platform"), ("c", "platform")];
    assert_eq!(
        listed(&api, &acme.member).await,
        pairs(&[("a", "platform"), ("b", "account"), ("c", "platform"), ("d", "account")])
    );
    assert_eq!(listed(&api, &other.member).await, pairs(&platform), "nothing crosses accounts");
    assert_eq!(listed(&api, OPERATOR).await, pairs(&platform));
    assert_eq!(get(&api, OPERATOR, "b").await.ok()["definition"]["instructions"], "The platform's.");
    assert_eq!(get(&api, &other.admin, "d").await.problem(), (404, "not_found".to_owned()));
    assert_eq!(get(&api, OPERATOR, "d").await.problem().0, 404);

    let theirs = delete(&api, &acme.admin, "a").await;
    assert_eq!(theirs.problem().0, 404);
    assert!(theirs.detail().contains("operator"), "{}", theirs.detail());
    delete(&api, &acme.admin, "b").await.no_content();
    assert_eq!(get(&api, &acme.member, "b").await.ok()["source"], "platform", "it shows again");
    delete(&api, OPERATOR, "b").await.no_content();
    for key in [&acme.admin, OPERATOR] {
        assert_eq!(delete(&api, key, "b").await.problem().0, 404);
        assert_eq!(delete(&api, key, "No%20Slug").await.problem().0, 404);
    }
}

#[tokio::test]
async fn templates_are_paged_by_slug() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    for n in 0..5 {
        let key = if n % 2 == 0 { OPERATOR } else { &acme.admin };
        put(&api, key, &format!("t{n}"), json!({"definition": {}})).await.ok();
    }
    for key in [acme.member.as_str(), OPERATOR] {
        let (mut slugs, mut query) = (Vec::new(), "?limit=1".to_owned());
        loop {
            let page = api.get(&format!("/api/v1/templates{query}")).key(key).send().await.ok();
            slugs.push(page["data"][0]["slug"].as_str().unwrap().to_owned());
            let Some(next) = page["next_cursor"].as_str() else { break };
            query = format!("?limit=1&cursor={next}");
        }
        let all = if key == OPERATOR { vec!["t0", "t2", "t4"] } else { vec!["t0", "t1", "t2", "t3", "t4"] };
        assert_eq!(slugs, all);
    }
    let bad = api.get("/api/v1/templates?cursor=No%20Slug&limit=0").key(&acme.member).send().await;
    assert_eq!(bad.fields(), ["limit", "cursor"]);
}

#[tokio::test]
async fn members_read_admins_write_and_callers_do_neither() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    assert_eq!(put(&api, &acme.member, "a", json!({"definition": {}})).await.problem().0, 403);
    put(&api, &acme.admin, "a", json!({"definition": {}})).await.ok();
    assert_eq!(delete(&api, &acme.member, "a").await.problem().0, 403);
    for path in ["/api/v1/templates", "/api/v1/templates/a"] {
        assert_eq!(api.get(path).key(&acme.caller).send().await.problem().0, 403);
        assert_eq!(api.get(path).send().await.problem().0, 401);
    }
}

#[tokio::test]
async fn what_no_agent_could_have_is_refused() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    for (body, fields) in [
        (json!({}), &["definition"][..]),
        (json!({"name": "", "definition": {"model": "nonsense"}}), &["definition.model", "name"]),
        (json!({"definition": {"slug": "x", "status": "draft"}}), &["definition.slug", "definition.status"]),
        (json!({"definition": {"instuctions": "x"}}), &["definition.instuctions"]),
        (json!({"definition": {"panels": ["notes"]}}), &["definition.panels[0]"]),
        (json!({"definition": [1]}), &["definition"]),
        (json!({"definitions": {}}), &["definitions", "definition"]),
        (json!({"agent": "nobody"}), &["agent"]),
        (json!({"agent": "nobody", "definition": {}}), &["agent"]),
        (json!({"definition": {}, "description": ""}), &["description"]),
    ] {
        assert_eq!(put(&api, &acme.admin, "a", body.clone()).await.fields(), fields, "{body}");
    }
    assert_eq!(put(&api, &acme.admin, "No%20Slug", json!({"definition": {}})).await.fields(), ["template"]);
    assert_eq!(put(&api, OPERATOR, "a", json!({"agent": "triage"})).await.fields(), ["agent"]);
    api.put("/api/v1/aliases/fast").key(&acme.admin).json(&json!({"model": "a:b"})).send().await.ok();
    put(&api, &acme.admin, "a", json!({"definition": {"model": "fast"}})).await.ok();
    let platforms = put(&api, OPERATOR, "a", json!({"definition": {"model": "fast"}})).await;
    assert_eq!(platforms.fields(), ["definition.model"], "an alias is an account's");
}

#[tokio::test]
async fn an_agent_is_saved_as_a_template_and_made_again_from_it() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let target = api.agent(&acme, &json!({"slug": "billing"})).await;
    let fields = json!({
        "slug": "triage", "description": "Sorts.", "tools": ["a", "b"], "handoff_targets": ["billing"],
        "config": {"x": {"y": 1, "z": 2}}, "labels": ["mail"], "status": "draft",
    });
    let agent = api.agent(&acme, &fields).await;
    let saved = put(&api, &acme.admin, "mail", json!({"agent": agent["id"], "name": "Mail"})).await.ok();
    assert_eq!((&saved["name"], &saved["description"]), (&json!("Mail"), &json!("Sorts.")));
    let definition = &saved["definition"];
    assert_eq!(definition["handoff_targets"], json!(["billing"]));
    assert!(definition["slug"].is_null() && definition["status"].is_null(), "{definition}");

    let over =
        json!({"template": "mail", "name": "Second", "tools": ["c"], "config": {"x": {"z": null, "w": 3}}});
    let made = api.post("/api/v1/agents").key(&acme.admin).json(&over).send().await.created();
    assert_eq!(
        (&made["slug"], &made["status"], &made["version"]),
        (&json!("second"), &json!("active"), &json!(1))
    );
    assert_eq!(made["instructions"], agent["instructions"]);
    assert_eq!(made["tools"], json!(["c"]), "lists are replaced");
    assert_eq!(made["config"], json!({"x": {"y": 1, "w": 3}}), "objects are merged");
    assert_eq!(made["handoff_targets"], json!([target["id"]]));
}

#[tokio::test]
async fn texts_name_the_operations_that_help_by_method_and_path() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let agent = json!({"slug": "a", "name": "A", "instructions": "x", "model": "openai:gpt-4.1-mini"});
    api.post("/api/v1/agents").key(&acme.admin).json(&agent).send().await;
    let unknown = json!({"name": "v", "template": "nope"});
    for path in ["/api/v1/agents", "/api/v1/agents/validate"] {
        let refused = api.post(path).key(&acme.admin).json(&unknown).send().await;
        let text = String::from_utf8_lossy(&refused.body);
        assert!(text.contains("GET …/templates lists them"), "{text}");
    }
    let archived = json!({"status": "archived"});
    let refused =
        api.request(Method::PATCH, "/api/v1/agents/a").key(&acme.admin).json(&archived).send().await;
    let text = String::from_utf8_lossy(&refused.body);
    assert!(text.contains("POST …/agents/{agent}/status"), "{text}");
}

#[tokio::test]
async fn an_agent_begins_as_the_accounts_own_template_before_the_platforms() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let template =
        |text: &str| json!({"deprecated": true, "definition": {"instructions": text, "model": "a:b"}});
    let create = |body: Value| api.post("/api/v1/agents").key(&acme.admin).json(&body).send();
    put(&api, OPERATOR, "chat", template("The platform's.")).await.ok();
    let made = create(json!({"template": "chat", "name": "One"})).await.created();
    assert_eq!(made["instructions"], "The platform's.", "a deprecated one can still be begun as");
    put(&api, &acme.admin, "chat", template("Ours.")).await.ok();
    let made = create(json!({"template": "chat", "name": "Two"})).await.created();
    assert_eq!(made["instructions"], "Ours.");
    put(&api, &acme.admin, "chat", template("Changed.")).await.ok();
    let kept = api.get("/api/v1/agents/two").key(&acme.member).send().await.ok();
    assert_eq!(kept["instructions"], "Ours.", "agents made from it go on");
    for (body, field) in [
        (json!({"template": "nope", "name": "Three"}), "template"),
        (json!({"template": "No Slug", "name": "Three"}), "template"),
        (json!({"template": 7, "name": "Three"}), "template"),
        (json!({"template": "chat"}), "name"),
    ] {
        assert_eq!(create(body.clone()).await.fields(), [field], "{body}");
    }
}

#[tokio::test]
async fn every_write_of_an_accounts_template_is_logged_with_it_or_not_at_all() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let body = json!({"name": "A", "definition": {"tools": ["x"]}});
    put(&api, &acme.admin, "a", body.clone()).await.ok();
    api.world.clock().advance(5);
    let same = put(&api, &acme.admin, "a", body).await.ok();
    assert_eq!(same["updated_at"], "2026-11-21T12:00:00.000Z", "what changes nothing is not written");
    put(&api, &acme.admin, "a", json!({"name": "B", "definition": {"tools": ["x"]}})).await.ok();
    api.world.clock().advance(5);
    delete(&api, &acme.admin, "a").await.no_content();
    put(&api, OPERATOR, "p", json!({"definition": {}})).await.ok();
    let whole = |name: &str| json!({"name": name, "description": null, "definition": {"tools": ["x"]}, "deprecated": false});
    assert_eq!(
        logged(&api, &acme),
        [
            ("create".to_owned(), None, Some(whole("A"))),
            ("update".to_owned(), Some(json!({"name": "A"})), Some(json!({"name": "B"}))),
            ("delete".to_owned(), Some(whole("B")), None),
        ]
    );
}

#[tokio::test]
async fn an_operators_change_is_made_over_what_another_changed_meanwhile() {
    let api = Api::new();
    let body = json!({"name": "Mail", "definition": {"instructions": "Sort."}});
    let made = put(&api, OPERATOR, "mail", body).await;
    let tag = made.header("etag").to_owned();
    made.ok();
    let database = api.world.database().clone();
    let mut times = 1;
    api.world.faults().meddle("PUT_PLATFORM_TEMPLATE", move || {
        if times > 0 {
            times -= 1;
            let sql = "UPDATE platform_templates SET description = 'Theirs', updated_at = updated_at + 5";
            database.with(|db| db.execute_batch(sql).unwrap());
        }
    });
    let patch = |body: Value| api.request(Method::PATCH, "/api/v1/templates/mail").key(OPERATOR).json(&body);
    let changed = patch(json!({"name": "Post"})).send().await.ok();
    assert_eq!((&changed["name"], &changed["description"]), (&json!("Post"), &json!("Theirs")));
    let refused = patch(json!({"name": "Old"})).header("if-match", &tag).send().await;
    assert_eq!(refused.problem().0, 412);
    assert_eq!(get(&api, OPERATOR, "mail").await.ok()["name"], "Post");
}
