//! Documents that were read, changed and written back: echoed spellings, what moves by itself, over which state, and what a
//! refused write leaves.

use axum::http::Method;
use serde_json::{Value, json};

use crate::models::catalogue;
use crate::support::{Api, OPERATOR, Reply, Tenant};

async fn put(api: &Api, of: &Tenant, path: &str, body: &Value) -> Reply {
    api.put(&format!("/api/v1/{path}")).key(&of.admin).json(body).send().await
}

async fn patch(api: &Api, of: &Tenant, path: &str, body: Value) -> Reply {
    api.request(Method::PATCH, &format!("/api/v1/{path}")).key(&of.admin).json(&body).send().await
}

async fn shown(api: &Api, of: &Tenant, path: &str) -> Value {
    api.get(&format!("/api/v1/{path}")).key(&of.admin).send().await.ok()
}

async fn operate(api: &Api, of: &Tenant, path: &str, operations: Value) -> Reply {
    api.request(Method::PATCH, &format!("/api/v1/{path}"))
        .key(&of.admin)
        .header("content-type", "application/json-patch+json")
        .raw(operations.to_string().into())
        .send()
        .await
}

async fn with_agent(fields: Value) -> (Api, Tenant) {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    catalogue(&api, &[("openai", "gpt-4o")]);
    let mut all = json!({"slug": "a", "name": "A", "instructions": "x", "model": "openai:gpt-4o"});
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    api.agent(&acme, &all).await;
    (api, acme)
}

#[tokio::test]
async fn a_changed_spelling_wins_over_one_that_is_only_sent_back() {
    let (api, acme) = with_agent(json!({})).await;
    for (changed, own, value, now) in [
        ("name", "name", "B", "B"),
        ("instance_name", "name", "C", "C"),
        ("type", "type", "router", "router"),
        ("agent_type", "type", "sales", "sales"),
        ("agent_type", "type", "SIMPLE_CHAT", "simple-chat"),
        ("prompt", "instructions", "y", "y"),
    ] {
        let mut document = shown(&api, &acme, "agents/a").await;
        document[changed] = value.into();
        let put = put(&api, &acme, "agents/a", &document).await.ok();
        assert_eq!(put[own], now, "{changed}");
    }
    let mut document = shown(&api, &acme, "agents/a").await;
    document["name"] = "D".into();
    document["instance_name"] = "E".into();
    assert_eq!(put(&api, &acme, "agents/a", &document).await.fields(), ["instance_name"]);
}

#[tokio::test]
async fn a_changed_plan_wins_over_its_other_name() {
    let api = Api::new();
    let acme = api.tenant_on("acme", "professional").await;
    let document = shown(&api, &acme, "account").await;
    let mut lower = document.clone();
    lower["plan"] = "standard".into();
    assert_eq!(patch(&api, &acme, "account", lower).await.ok()["pricing_tier"], "standard");
    let mut lowest = shown(&api, &acme, "account").await;
    lowest["pricing_tier"] = "budget".into();
    assert_eq!(patch(&api, &acme, "account", lowest).await.ok()["plan"], "budget");
    let mut both = shown(&api, &acme, "account").await;
    both["plan"] = "standard".into();
    both["pricing_tier"] = "enterprise".into();
    assert_eq!(patch(&api, &acme, "account", both).await.fields(), ["pricing_tier"]);
    let by_operator = api.request(Method::PATCH, "/api/v1/accounts/acme").key(OPERATOR);
    let raised = by_operator.json(&json!({"plan": "budget", "pricing_tier": "enterprise"})).send().await;
    assert_eq!(raised.ok()["plan"], "enterprise");
}

#[tokio::test]
async fn what_moves_by_itself_is_taken_as_it_was() {
    let (api, acme) = with_agent(json!({"budget": {"limit_usd": "1", "period": "day"}})).await;
    let (account, agent) = (shown(&api, &acme, "account").await, shown(&api, &acme, "agents/a").await);
    api.agent(&acme, &json!({"slug": "b", "name": "B", "instructions": "x", "model": "openai:gpt-4o"})).await;
    patch(&api, &acme, "agents/a", json!({"description": "new"})).await.ok();
    let mut account = account;
    account["name"] = "Renamed".into();
    assert_eq!(patch(&api, &acme, "account", account).await.ok()["name"], "Renamed");
    let mut again = agent.clone();
    again["healthy"] = (!agent["healthy"].as_bool().unwrap()).into();
    again["problems"] = json!(["gone since"]);
    put(&api, &acme, "agents/a", &again).await.ok();
    again["version"] = 1_000.into();
    assert_eq!(put(&api, &acme, "agents/a", &again).await.fields(), ["version"]);
    let budget = json!({"limit_usd": "2", "period": "day", "settled_usd": "0.500000", "held_usd": "0.1",
        "remaining_usd": "0.4", "resets_at": "2020-01-01T00:00:00.000Z", "crossed_at": "2020-01-01T00:00:00.000Z"});
    assert_eq!(put(&api, &acme, "agents/a/budget", &budget).await.ok()["limit_usd"], "2.000000");
}

#[tokio::test]
async fn a_whole_document_is_written_only_over_the_state_that_was_read() {
    let (api, acme) = with_agent(json!({})).await;
    let read = api.get("/api/v1/agents/a").key(&acme.admin).send().await;
    let (tag, document) = (read.header("etag").to_owned(), read.ok());
    patch(&api, &acme, "agents/a", json!({"description": "by another"})).await.ok();
    let put = api.put("/api/v1/agents/a").key(&acme.admin).json(&document).header("if-match", &tag);
    assert_eq!(put.send().await.problem().0, 412);
    let restore = api.post("/api/v1/agents/a/restore").key(&acme.admin).header("if-match", &tag);
    assert_eq!(restore.send().await.problem().0, 412);
    assert_eq!(shown(&api, &acme, "agents/a").await["description"], "by another");
}

#[tokio::test]
async fn an_archived_namesake_is_not_what_a_whole_document_is_of() {
    let (api, acme) = with_agent(json!({})).await;
    api.delete("/api/v1/agents/a").key(&acme.admin).send().await.no_content();
    api.agent(&acme, &json!({"slug": "a", "name": "New", "instructions": "x", "model": "openai:gpt-4o"}))
        .await;
    let document = shown(&api, &acme, "agents/a").await;
    assert_eq!(put(&api, &acme, "agents/a", &document).await.ok()["version"], 1);
}

#[tokio::test]
async fn a_refused_change_with_is_active_leaves_nothing() {
    let (api, acme) = with_agent(json!({})).await;
    let id = shown(&api, &acme, "agents/a").await["id"].as_str().unwrap().to_owned();
    api.agent(&acme, &json!({"slug": "b", "name": "B", "instructions": "x", "model": "openai:gpt-4o", "handoff_targets": ["a"]}))
        .await;
    let refused = patch(&api, &acme, "agents/a", json!({"is_active": false, "name": "Half"})).await;
    assert_eq!(refused.problem().0, 409);
    assert_eq!(shown(&api, &acme, "agents/a").await["name"], "A");
    api.delete("/api/v1/agents/a?force=true").key(&acme.admin).send().await.no_content();
    let refused =
        patch(&api, &acme, &format!("agents/{id}"), json!({"is_active": true, "model": "non sense"})).await;
    assert_eq!(refused.fields(), ["model"]);
    assert_eq!(api.get("/api/v1/agents/a").key(&acme.admin).send().await.problem().0, 404);
    let back =
        patch(&api, &acme, &format!("agents/{id}"), json!({"is_active": true, "name": "Back"})).await.ok();
    assert_eq!((&back["name"], &back["is_active"]), (&json!("Back"), &json!(true)));
    let gone = patch(&api, &acme, "agents/a", json!({"is_active": false, "name": "Gone"})).await.ok();
    assert_eq!((&gone["name"], &gone["is_active"]), (&json!("Gone"), &json!(false)));
}

#[tokio::test]
async fn operations_reach_what_is_shown_empty_or_left_out() {
    let (api, acme) = with_agent(json!({})).await;
    let done = operate(&api, &acme, "agents/a", json!([
        {"op": "test", "path": "/version", "value": 1}, {"op": "test", "path": "/status", "value": "active"},
        {"op": "add", "path": "/labels/-", "value": "l"}, {"op": "add", "path": "/tools/-", "value": "web_search"},
        {"op": "add", "path": "/config/variables/tone", "value": null},
        {"op": "replace", "path": "/instance_name", "value": "Renamed"},
    ]))
    .await
    .ok();
    assert_eq!((&done["labels"], &done["tools"]), (&json!(["l"]), &json!(["web_search"])));
    assert_eq!((&done["config"], &done["name"]), (&json!({"variables": {"tone": null}}), &json!("Renamed")));
    let apart =
        operate(&api, &acme, "agents/a", json!([{"op": "replace", "path": "/status", "value": "inactive"}]))
            .await;
    assert_eq!(apart.fields(), ["status"]);
    let same =
        operate(&api, &acme, "agents/a", json!([{"op": "replace", "path": "/status", "value": "active"}]))
            .await;
    assert_eq!(same.ok()["version"], done["version"]);
    let failed = operate(&api, &acme, "agents/a", json!([{"op": "remove", "path": "/config/x"}])).await;
    assert!(failed.json()["errors"][0]["message"].as_str().unwrap().contains("/config/x"), "{failed:?}");
    let failed =
        operate(&api, &acme, "agents/a", json!([{"op": "test", "path": "/name", "value": "x"}])).await;
    assert!(failed.detail().contains("/name"), "{failed:?}");
    let gone =
        operate(&api, &acme, "agents/a", json!([{"op": "replace", "path": "/is_active", "value": false}]))
            .await;
    assert_eq!(gone.ok()["status"], "archived");
}

#[tokio::test]
async fn operations_reach_the_account() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    patch(&api, &acme, "account", json!({"variables": {"a": "1", "b": "2"}, "settings": {"x": {"y": 1}}}))
        .await
        .ok();
    let done = operate(&api, &acme, "account", json!([
        {"op": "test", "path": "/variables/a", "value": "1"}, {"op": "remove", "path": "/variables/a"},
        {"op": "add", "path": "/settings/list", "value": [1]}, {"op": "add", "path": "/settings/list/-", "value": 2},
        {"op": "remove", "path": "/settings/x/y"}, {"op": "replace", "path": "/name", "value": "N"},
    ]))
    .await
    .ok();
    assert_eq!((&done["variables"], &done["name"]), (&json!({"b": "2"}), &json!("N")));
    assert_eq!(done["settings"], json!({"x": {}, "list": [1, 2]}));
    let refused =
        operate(&api, &acme, "account", json!([{"op": "test", "path": "/name", "value": "x"}])).await;
    assert_eq!(refused.problem().0, 409);
    let refused =
        operate(&api, &acme, "account", json!([{"op": "replace", "path": "/slug", "value": "x"}])).await;
    assert_eq!(refused.fields(), ["slug"]);
}

/// A field of each kind that is there to be written, one that can only be read, and an operation within what is shown.
#[tokio::test]
async fn operations_reach_what_is_shown_of_every_declared_thing() {
    let (api, acme) = with_agent(json!({"slug": "p"})).await;
    let person = json!({"email": "ada@example.com", "role": "member"});
    let member = api.post("/api/v1/members").key(&acme.admin).json(&person).send().await.created();
    let member = format!("members/{}", member["id"].as_str().unwrap());
    let own = json!({"base_url": "https://own.example.com/v1", "api_key": "sk-own-0123456789abcdef"});
    put(&api, &acme, "providers/own", &own).await.ok();
    put(&api, &acme, "aliases/fast", &json!({"model": "openai:gpt-4o"})).await.ok();
    let price = json!({"input_usd_per_mtok": "1", "output_usd_per_mtok": "2", "context_tokens": 1_000,
        "max_output_tokens": 100, "capabilities": ["tools"]});
    put(&api, &acme, "models/own/big", &price).await.ok();
    let template = json!({"name": "T", "definition": {"instructions": "x"}});
    put(&api, &acme, "templates/t", &template).await.ok();
    for (path, place, value) in [
        (member.as_str(), "/profile/settings/agent_prompts/p", json!("z")),
        (member.as_str(), "/profile/bio", json!("b")),
        (member.as_str(), "/role", json!("admin")),
        ("providers/own", "/dialect", json!({"system": "one"})),
        ("aliases/fast", "/model", json!("openai:gpt-4.1")),
        ("models/own/big", "/context_tokens", json!(2_000)),
        ("templates/t", "/description", json!("d")),
        ("templates/t", "/definition/voice", json!("cartesia:sonic")),
    ] {
        let before = shown(&api, &acme, path).await;
        let fields = before.as_object().unwrap().iter();
        let tests =
            fields.map(|(name, value)| json!({"op": "test", "path": format!("/{name}"), "value": value}));
        let add = json!({"op": "add", "path": place, "value": value});
        let done = operate(&api, &acme, path, tests.chain([add]).collect()).await.ok();
        assert_eq!(done.pointer(place), Some(&value), "{path}{place}");
        let mut expected = before;
        let (holder, name) = place.rsplit_once('/').unwrap();
        expected.pointer_mut(holder).unwrap()[name] = value;
        if let Some(at) = expected.get_mut("updated_at") {
            *at = done["updated_at"].clone();
            let later =
                json!([{"op": "replace", "path": "/updated_at", "value": "2031-01-01T00:00:00.000Z"}]);
            assert_eq!(operate(&api, &acme, path, later).await.fields(), ["updated_at"], "{path}");
        }
        assert_eq!(done, expected, "nothing else changes");
    }
    let nothing = json!([{"op": "test", "path": "/profile/username", "value": null}]);
    operate(&api, &acme, &member, nothing).await.ok();
}

#[tokio::test]
async fn operations_nest_no_deeper_than_bodies() {
    let (api, acme) = with_agent(json!({})).await;
    let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!({"x": inner}));
    let path = |depth: usize| format!("/config{}", "/x".repeat(depth));
    let mut operations = vec![json!({"op": "add", "path": "/config", "value": nested(100)})];
    operations.extend((0..6).map(|n| json!({"op": "copy", "from": "/config", "path": path(100 << n)})));
    let copied = operate(&api, &acme, "agents/a", operations.into()).await;
    assert_eq!(copied.fields(), ["[1]"]);
    let added: Vec<Value> =
        (0..100).map(|n| json!({"op": "add", "path": path(100 * n), "value": nested(100)})).collect();
    assert_eq!(operate(&api, &acme, "agents/a", added.into()).await.fields(), ["[1]"]);
}

#[tokio::test]
async fn every_write_of_what_has_a_tag_is_made_over_the_state_that_is_named() {
    let (api, acme) = with_agent(json!({"budget": {"limit_usd": "1", "period": "day"}})).await;
    let person = json!({"email": "ada@example.com", "role": "member"});
    let member = api.post("/api/v1/members").key(&acme.admin).json(&person).send().await.created();
    let key = json!({"name": "ada", "role": "member", "member": member["id"]});
    let adas = api.issue("acme", &key).await;
    let budget = json!({"limit_usd": "2", "period": "day"});
    for (method, path, key, body) in [
        (Method::PATCH, "account", &acme.admin, json!({"name": "B"})),
        (Method::PUT, "profile", &adas, json!({"bio": "b"})),
        (Method::PUT, "agents/a", &acme.admin, json!({"name": "B"})),
        (Method::PATCH, "agents/a", &acme.admin, json!({"name": "C"})),
        (Method::PUT, "agents/a/budget", &acme.admin, budget),
    ] {
        let path = format!("/api/v1/{path}");
        let tag = api.get(&path).key(key).send().await.header("etag").to_owned();
        assert!(tag.starts_with('"'), "{path}: {tag}");
        let write = async |name: &str, value: &str| {
            api.request(method.clone(), &path).key(key).json(&body).header(name, value).send().await
        };
        assert_eq!(write("if-none-match", "*").await.problem().0, 412, "{path}");
        assert_eq!(write("if-match", "\"other\"").await.problem().0, 412, "{path}");
        let written = write("if-match", &tag).await;
        let now = written.header("etag").to_owned();
        written.ok();
        assert_eq!(write("if-match", &tag).await.problem().0, 412, "{path}");
        assert_eq!(api.get(&path).key(key).send().await.header("etag"), now, "{path}");
        write("if-match", "*").await.ok();
    }
    api.request(Method::PATCH, "/api/v1/agents/a")
        .key(&acme.admin)
        .json(&json!({"budget": null}))
        .send()
        .await
        .ok();
    let put = async |name: &str| {
        let body = json!({"limit_usd": "2", "period": "day"});
        api.put("/api/v1/agents/a/budget").key(&acme.admin).json(&body).header(name, "*").send().await
    };
    assert_eq!(put("if-match").await.problem().0, 412);
    put("if-none-match").await.ok();
    assert_eq!(put("if-none-match").await.problem().0, 412);
}

#[tokio::test]
async fn what_turns_or_takes_away_does_it_over_the_state_that_is_named() {
    let (api, acme) = with_agent(json!({})).await;
    patch(&api, &acme, "agents/a", json!({"name": "B"})).await.ok();
    let person = json!({"email": "ada@example.com", "role": "member"});
    let member = api.post("/api/v1/members").key(&acme.admin).json(&person).send().await.created();
    let member = format!("members/{}", member["id"].as_str().unwrap());
    let own = "https://own.example.com/v1";
    put(&api, &acme, "providers/own", &json!({"wire": "openai", "base_url": own})).await.ok();
    for (method, path, act, body) in [
        (Method::POST, "agents/a", "/status", json!({"status": "inactive"})),
        (Method::POST, "agents/a", "/rollback", json!({"version": 1})),
        (Method::DELETE, "agents/a", "", json!(null)),
        (Method::DELETE, "providers/own", "", json!(null)),
        (Method::DELETE, member.as_str(), "", json!(null)),
    ] {
        let thing = format!("/api/v1/{path}");
        let read = async || api.get(&thing).key(&acme.admin).send().await;
        let before = read().await;
        let tag = before.header("etag").to_owned();
        assert!(tag.starts_with('"'), "{path}: {tag}");
        let write = async |name: &str, value: &str| {
            let ask =
                api.request(method.clone(), &format!("{thing}{act}")).key(&acme.admin).header(name, value);
            if body.is_null() { ask.send().await } else { ask.json(&body).send().await }
        };
        assert_eq!(write("if-none-match", "*").await.problem().0, 412, "{path}{act}");
        assert_eq!(write("if-match", "\"other\"").await.problem().0, 412, "{path}{act}");
        assert_eq!(read().await.header("etag"), tag, "{path}{act}");
        let done = write("if-match", &tag).await;
        assert!(done.status.is_success(), "{path}{act}: {:?}", done.body);
        assert_eq!(write("if-match", &tag).await.status.as_u16() / 100, 4, "{path}{act}");
    }
}

#[tokio::test]
async fn two_places_of_the_default_model_with_two_values_are_refused() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let two = json!({"default_model": "a:b", "settings": {"default_model": "c:d"}});
    assert_eq!(patch(&api, &acme, "account", two).await.fields(), ["settings.default_model"]);
    patch(&api, &acme, "account", json!({"default_model": "a:b"})).await.ok();
    let mut document = shown(&api, &acme, "account").await;
    document["default_model"] = "c:d".into();
    assert_eq!(patch(&api, &acme, "account", document).await.ok()["default_model"], "c:d");
    let mut document = shown(&api, &acme, "account").await;
    document["settings"]["default_model"] = "e:f".into();
    assert_eq!(patch(&api, &acme, "account", document).await.ok()["default_model"], "e:f");
}

#[tokio::test]
async fn a_line_whose_alias_is_gone_stays_until_it_is_changed() {
    let (api, acme) = with_agent(json!({})).await;
    put(&api, &acme, "aliases/fast", &json!({"model": "openai:gpt-4o"})).await.ok();
    patch(&api, &acme, "agents/a", json!({"model": "fast"})).await.ok();
    let alias = api.delete("/api/v1/aliases/fast?force=true").key(&acme.admin).send().await;
    alias.no_content();
    let changed = patch(&api, &acme, "agents/a", json!({"description": "Still here."})).await;
    assert_eq!(changed.header("x-warnings"), "1");
    let changed = changed.ok();
    assert_eq!((&changed["model"], &changed["warnings"][0]["code"]), (&json!("fast"), &json!("not_ready")));
    let document = shown(&api, &acme, "agents/a").await;
    put(&api, &acme, "agents/a", &document).await.ok();
    let file = json!({"agents": [{"slug": "a", "name": "A", "instructions": "y", "model": "fast"}]});
    let imported =
        api.post("/api/v1/agents/import?mode=update").key(&acme.admin).json(&file).send().await.ok();
    assert_eq!(imported["results"][0]["result"], "updated", "{imported}");
    let other = patch(&api, &acme, "agents/a", json!({"model": "faster"})).await;
    assert_eq!(other.fields(), ["model"]);
}

#[tokio::test]
async fn nulls_in_a_configuration_stay_where_they_are_sent_back() {
    let config = json!({"x": {"a": null, "b": {"c": null, "d": 1}}, "z": null, "l": [null]});
    let (api, acme) = with_agent(json!({"config": config})).await;
    let document = shown(&api, &acme, "agents/a").await;
    assert_eq!(document["config"], config);
    let same = put(&api, &acme, "agents/a", &document).await.ok();
    assert_eq!((&same["version"], &same["config"]), (&json!(1), &config));
    let same = patch(&api, &acme, "agents/a", document.clone()).await.ok();
    assert_eq!((&same["version"], &same["config"]), (&json!(1), &config));
    let changed = patch(&api, &acme, "agents/a", json!({"config": {"x": {"b": {"d": null}}}})).await.ok();
    assert_eq!(changed["config"], json!({"x": {"a": null, "b": {"c": null}}, "z": null, "l": [null]}));
}

#[tokio::test]
async fn a_field_that_operations_take_away_is_gone_by_all_its_names() {
    let (api, acme) = with_agent(json!({"type": "router"})).await;
    for (path, field) in [("/name", "name"), ("/instructions", "instructions")] {
        let refused = operate(&api, &acme, "agents/a", json!([{"op": "remove", "path": path}])).await;
        assert_eq!(refused.fields(), [field]);
    }
    let freed = operate(&api, &acme, "agents/a", json!([{"op": "remove", "path": "/type"}])).await.ok();
    assert_ne!(freed["type"], "router", "{freed}");
    let moved =
        json!([{"op": "remove", "path": "/name"}, {"op": "replace", "path": "/instance_name", "value": "B"}]);
    assert_eq!(operate(&api, &acme, "agents/a", moved).await.ok()["name"], "B");
}
