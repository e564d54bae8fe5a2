//! What plans allow, and what becomes of what they have no room for.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Api, OPERATOR, Reply, Tenant, When};

/// The lowest plan, with these limits.
fn limit(api: &Api, agents: u32, members: u32, keys: u32) {
    api.world.database().with(|db| {
        let sql = "UPDATE plans SET agents = ?1, members = ?2, keys = ?3 WHERE plan = 'budget'";
        db.execute(sql, [agents, members, keys]).unwrap();
    });
}

async fn member(api: &Api, tenant: &Tenant, n: u32) -> Reply {
    let body = json!({"name": "M", "email": format!("m{n}@example.com"), "role": "admin"});
    api.post("/api/v1/members").key(&tenant.admin).json(&body).send().await
}

async fn post_agent(api: &Api, tenant: &Tenant, fields: Value) -> Reply {
    let mut agent = json!({"name": "A", "instructions": "x", "model": "openai:gpt-4.1-mini"});
    agent.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    api.post("/api/v1/agents").key(&tenant.admin).json(&agent).send().await
}

async fn post_key(api: &Api, tenant: &Tenant, fields: Value) -> Reply {
    let mut key = json!({"name": "k", "role": "caller"});
    key.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    api.post(&format!("/api/v1/accounts/{}/keys", tenant.slug)).key(&tenant.admin).json(&key).send().await
}

async fn move_to(api: &Api, tenant: &Tenant, plan: &str) -> Value {
    api.request(Method::PATCH, "/api/v1/account")
        .key(&tenant.admin)
        .json(&json!({"plan": plan}))
        .send()
        .await
        .ok()
}

async fn operator_moves(api: &Api, tenant: &Tenant, plan: &str) -> Value {
    let path = format!("/api/v1/accounts/{}", tenant.slug);
    api.request(Method::PATCH, &path).key(OPERATOR).json(&json!({"plan": plan})).send().await.ok()
}

fn assert_full(reply: &Reply, words: &str) {
    assert_eq!(reply.problem(), (403, "plan_limit_exceeded".to_owned()), "{:?}", reply.body);
    assert!(reply.detail().contains(words), "{}", reply.detail());
}

fn count(api: &Api, sql: &str) -> i64 {
    api.world.database().with(|db| db.query_row(sql, [], |row| row.get(0)).unwrap())
}

/// What is in force, by id.
fn live(api: &Api, table: &str) -> i64 {
    count(api, &format!("SELECT count(*) FROM {table} WHERE inactive_at IS NULL"))
}

#[tokio::test]
async fn a_plan_has_room_for_so_many() {
    let api = Api::new();
    limit(&api, 2, 1, 5);
    let acme = api.tenant_on("acme", "budget").await;
    let rich = api.tenant("rich").await;
    for n in 0..2 {
        post_agent(&api, &acme, json!({"slug": format!("a{n}")})).await.created();
        post_key(&api, &acme, json!({})).await.created();
        post_agent(&api, &rich, json!({"slug": format!("a{n}")})).await.created();
        member(&api, &rich, n).await.created();
    }
    let first = member(&api, &acme, 0).await.created();
    let log = || count(&api, "SELECT count(*) FROM changes");
    let before = log();
    assert_full(&post_agent(&api, &acme, json!({"slug": "a9"})).await, "`agents` is 2");
    assert_full(&member(&api, &acme, 9).await, "`members` is 1");
    assert_full(&post_key(&api, &acme, json!({})).await, "`keys` is 5");
    assert_full(&post_key(&api, &acme, json!({"expires_at": "2027-01-01T00:00:00Z"})).await, "`keys` is 5");
    assert_eq!(log(), before, "nothing was written");

    api.delete("/api/v1/agents/a0").key(&acme.admin).send().await.no_content();
    post_agent(&api, &acme, json!({"slug": "a9"})).await.created();
    let path = format!("/api/v1/members/{}", first["id"].as_str().unwrap());
    api.delete(&path).key(&acme.admin).send().await.no_content();
    member(&api, &acme, 9).await.created();
    let keys = api.get("/api/v1/accounts/acme/keys").key(&acme.admin).send().await.ok();
    let newest =
        keys["data"].as_array().unwrap().iter().find(|key| key["name"] == "k").unwrap()["id"].clone();
    api.delete(&format!("/api/v1/accounts/acme/keys/{}", newest.as_str().unwrap()))
        .key(&acme.admin)
        .send()
        .await
        .no_content();
    post_key(&api, &acme, json!({"expires_at": "2026-11-21T12:00:01Z"})).await.created();
    api.world.clock().advance(1_000);
    post_key(&api, &acme, json!({})).await.created();
}

#[tokio::test]
async fn the_limit_is_that_of_the_moment_of_the_write() {
    let api = Api::new();
    limit(&api, 1, 1, 4);
    for operation in ["INSERT_AGENTS", "INSERT_MEMBER", "INSERT_KEY"] {
        let slug = operation.to_lowercase().replace('_', "-");
        let acme = api.tenant(&slug).await;
        post_agent(&api, &acme, json!({})).await.created();
        member(&api, &acme, 0).await.created();
        post_key(&api, &acme, json!({})).await.created();
        let database = api.world.database().clone();
        let sql = format!("UPDATE accounts SET plan = 'budget' WHERE slug = '{slug}'");
        api.world.faults().meddle(operation, move || database.with(|db| db.execute_batch(&sql).unwrap()));
        let reply = match operation {
            "INSERT_AGENTS" => post_agent(&api, &acme, json!({"slug": "b"})).await,
            "INSERT_MEMBER" => member(&api, &acme, 1).await,
            _ => post_key(&api, &acme, json!({})).await,
        };
        assert_full(&reply, "its limit");
    }
}

#[tokio::test]
async fn public_agents_are_for_plans_that_have_them() {
    let api = Api::new();
    let acme = api.tenant_on("acme", "budget").await;
    let public = json!({"access": "public", "budget": {"limit_usd": 1, "period": "day"}});
    let mut new = public.clone();
    new["slug"] = json!("open");
    assert_full(&post_agent(&api, &acme, new.clone()).await, "`public_agents`");
    post_agent(&api, &acme, json!({"slug": "shut"})).await.created();
    let patch =
        |body: Value| api.request(Method::PATCH, "/api/v1/agents/shut").key(&acme.admin).json(&body).send();
    assert_full(&patch(public.clone()).await, "`public_agents`");
    operator_moves(&api, &acme, "standard").await;
    post_agent(&api, &acme, new).await.created();
    patch(public).await.ok();
    let moved = move_to(&api, &acme, "budget").await;
    let mut over: Vec<&str> =
        moved["over"]["agents"].as_array().unwrap().iter().map(|slug| slug.as_str().unwrap()).collect();
    over.sort_unstable();
    assert_eq!(over, ["open", "shut"]);
    let inactive = api.get("/api/v1/agents/open").key(&acme.admin).send().await.ok();
    assert_eq!((&inactive["status"], &inactive["access"]), (&json!("inactive"), &json!("public")));
    patch(json!({"name": "An inactive one may be edited"})).await.ok();
    patch(json!({"access": "key"})).await.ok();
}

#[tokio::test]
async fn own_templates_and_imports_by_url_are_for_plans_that_have_them() {
    let api = Api::new();
    let acme = api.tenant_on("acme", "budget").await;
    let template = json!({"name": "T", "definition": {"instructions": "x"}});
    let save = || api.put("/api/v1/templates/mine").key(&acme.admin).json(&template).send();
    let url = json!({"url": "http://10.0.0.1/a.yaml"});
    let import = || api.post("/api/v1/agents/import").key(&acme.admin).json(&url).send();
    assert_full(&save().await, "`own_templates`");
    assert_full(&import().await, "`import_url`");
    operator_moves(&api, &acme, "standard").await;
    assert!(save().await.status.is_success());
    assert_eq!(import().await.fields(), ["url"], "past the plan, to where nobody may go");
}

#[tokio::test]
async fn an_import_finds_room_for_all_of_it_or_none() {
    let api = Api::new();
    limit(&api, 3, 1, 5);
    let acme = api.tenant_on("acme", "budget").await;
    let file = |range: std::ops::Range<u32>| {
        let agent =
            |n| json!({"name": "A", "slug": format!("a{n}"), "instructions": "x", "model": "openai:x"});
        json!({"agents": range.map(agent).collect::<Vec<_>>()})
    };
    let import =
        async |range| api.post("/api/v1/agents/import").key(&acme.admin).json(&file(range)).send().await;
    assert_full(&import(0..4).await, "`agents` is 3");
    assert_eq!(count(&api, "SELECT count(*) FROM agents"), 0);
    assert_eq!(import(0..3).await.ok()["created"], 3);
}

/// An account on a high plan with five agents, three members with a key each, and six keys of its own.
async fn crowd(api: &Api) -> Tenant {
    let acme = api.tenant_on("acme", "professional").await;
    for n in 0..5 {
        api.world.clock().advance(1);
        post_agent(api, &acme, json!({"slug": format!("a{n}")})).await.created();
    }
    for n in 0..3 {
        api.world.clock().advance(1);
        let member = member(api, &acme, n).await.created();
        let key = json!({"name": format!("of-m{n}"), "role": "admin", "member": member["id"]});
        post_key(api, &acme, key).await.created();
    }
    for n in 0..3 {
        api.world.clock().advance(1);
        post_key(api, &acme, json!({"name": format!("k{n}")})).await.created();
    }
    acme
}

/// Names of the account's keys that open something.
async fn live_keys(api: &Api, key: &str) -> Vec<String> {
    let keys = api.get("/api/v1/accounts/acme/keys").key(key).send().await.ok();
    let live = keys["data"].as_array().unwrap().iter().filter(|key| key["inactive_at"].is_null());
    let mut names: Vec<String> = live.map(|key| key["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_lower_plan_switches_off_what_it_has_no_room_for_newest_first() {
    let api = Api::new();
    limit(&api, 3, 2, 5);
    let acme = crowd(&api).await;
    api.world.clock().advance(1);
    let moved = move_to(&api, &acme, "budget").await;
    assert_eq!(moved["plan"], "budget");
    assert_eq!(moved["over"]["agents"], json!(["a4", "a3"]));
    assert_eq!(moved["over"]["members"].as_array().unwrap().len(), 1);
    assert_eq!(moved["over"]["keys"].as_array().unwrap().len(), 4, "the member's, and three beyond five");
    assert_eq!(moved["limits"]["agents"], json!({"limit": 3, "used": 3}));
    assert_eq!(moved["limits"]["members"], json!({"limit": 2, "used": 2}));
    assert_eq!(moved["limits"]["keys"], json!({"limit": 5, "used": 5}));
    assert_eq!(live_keys(&api, &acme.admin).await, ["admin", "caller", "member", "of-m0", "of-m1"]);

    let agent = api.get("/api/v1/agents/a4").key(&acme.admin).send().await.ok();
    assert_eq!((&agent["status"], &agent["version"]), (&json!("inactive"), &json!(1)));
    let members = api.get("/api/v1/members").key(&acme.admin).send().await.ok();
    let off: Vec<bool> =
        members["data"].as_array().unwrap().iter().map(|m| !m["inactive_at"].is_null()).collect();
    assert_eq!(off, [true, false, false], "newest first");
    let key = json!({"name": "x", "role": "caller", "member": members["data"][0]["id"]});
    assert_eq!(post_key(&api, &acme, key).await.fields(), ["member"]);

    let told = |subject: &str| {
        count(
            &api,
            &format!("SELECT count(*) FROM changes WHERE subject = '{subject}' AND action = 'update'"),
        )
    };
    assert_eq!((told("agent"), told("member"), told("key"), told("account")), (2, 1, 4, 1));
    let line: String = api.world.database().with(|db| {
        let sql = "SELECT before || after FROM changes WHERE subject = 'agent' AND action = 'update'";
        db.query_row(sql, [], |row| row.get(0)).unwrap()
    });
    assert_eq!(line, r#"{"status":"active"}{"status":"inactive"}"#);
}

#[tokio::test]
async fn a_key_that_is_switched_off_opens_nothing_until_there_is_room() {
    let api = Api::new();
    limit(&api, 10, 10, 4);
    let acme = api.tenant_on("acme", "standard").await;
    api.world.clock().advance(1);
    let old =
        post_key(&api, &acme, json!({"role": "member"})).await.created()["key"].as_str().unwrap().to_owned();
    api.world.clock().advance(1);
    let new =
        post_key(&api, &acme, json!({"role": "member"})).await.created()["key"].as_str().unwrap().to_owned();
    move_to(&api, &acme, "budget").await;
    let refused = api.get("/api/v1/agents").key(&new).send().await;
    assert_eq!(refused.problem(), (401, "unauthenticated".to_owned()));
    assert!(refused.detail().contains("switched off"), "{}", refused.detail());
    api.get("/api/v1/agents").key(&old).send().await.ok();
    let back = operator_moves(&api, &acme, "standard").await;
    assert_eq!(back["restored"]["keys"].as_array().unwrap().len(), 1);
    api.get("/api/v1/agents").key(&new).send().await.ok();
}

#[tokio::test]
async fn whoever_acts_is_never_switched_off() {
    let api = Api::new();
    limit(&api, 10, 1, 1);
    let acme = api.tenant_on("acme", "standard").await;
    for n in 0..2 {
        api.world.clock().advance(1);
        member(&api, &acme, n).await.created();
    }
    let members = api.get("/api/v1/members").key(&acme.admin).send().await.ok();
    let newest = &members["data"][0];
    let key = json!({"name": "newest", "role": "admin", "member": newest["id"]});
    let own = post_key(&api, &acme, key).await.created()["key"].as_str().unwrap().to_owned();
    let actor = Tenant { admin: own.clone(), ..acme.clone() };
    let moved = move_to(&api, &actor, "budget").await;
    assert_eq!(moved["over"]["members"], json!([members["data"][1]["id"]]));
    assert_eq!(live_keys(&api, &own).await, ["newest"]);
    limit(&api, 10, 0, 0);
    let again = move_to(&api, &actor, "budget").await;
    assert_eq!(
        again["over"],
        json!({"agents": [], "members": [], "keys": []}),
        "the plan there is, applied anew"
    );
    assert_eq!(live_keys(&api, &own).await, ["newest"]);
}

#[tokio::test]
async fn a_higher_plan_switches_on_what_it_has_room_for_oldest_first() {
    let api = Api::new();
    limit(&api, 3, 1, 4);
    let acme = crowd(&api).await;
    move_to(&api, &acme, "budget").await;
    assert_eq!((live(&api, "members"), live(&api, "keys")), (1, 4));
    api.world.database().with(|db| {
        db.execute("UPDATE plans SET members = 2, keys = 6 WHERE plan = 'standard'", []).unwrap();
    });
    let moved = operator_moves(&api, &acme, "standard").await;
    assert_eq!(moved["restored"]["members"].as_array().unwrap().len(), 1);
    assert_eq!(moved["restored"]["keys"].as_array().unwrap().len(), 2);
    assert_eq!(live_keys(&api, &acme.admin).await, ["admin", "caller", "k0", "member", "of-m0", "of-m1"]);
    let members = api.get("/api/v1/members").key(&acme.admin).send().await.ok();
    let off: Vec<bool> =
        members["data"].as_array().unwrap().iter().map(|m| !m["inactive_at"].is_null()).collect();
    assert_eq!(off, [true, false, false], "the newest waits");
    let whole = operator_moves(&api, &acme, "enterprise").await;
    assert_eq!(whole["restored"]["keys"].as_array().unwrap().len(), 3);
    assert_eq!((live(&api, "members"), live(&api, "keys")), (3, 9));
    let agents = count(&api, "SELECT count(*) FROM agents WHERE status = 'inactive'");
    assert_eq!(agents, 2, "agents are activated by hand");
}

#[tokio::test]
async fn a_plans_change_leaves_other_accounts_alone() {
    let api = Api::new();
    limit(&api, 1, 0, 1);
    let acme = crowd(&api).await;
    let other = api.tenant_on("other", "professional").await;
    for n in 0..3 {
        post_agent(&api, &other, json!({"slug": format!("a{n}")})).await.created();
        member(&api, &other, n).await.created();
    }
    move_to(&api, &acme, "budget").await;
    let limits = api.get("/api/v1/account").key(&other.admin).send().await.ok()["limits"].clone();
    let used = ["agents", "members", "keys"].map(|name| limits[name]["used"].clone());
    assert_eq!(used, [3, 3, 3].map(|n| json!(n)));
    api.get("/api/v1/agents").key(&other.caller).send().await.problem();
}

#[tokio::test]
async fn a_plans_change_that_is_lost_on_the_way_is_whole_or_not_there() {
    for when in [When::Before, When::After] {
        for operation in ["UPDATE_ACCOUNT", "begin_write", "end_write"] {
            let api = Api::new();
            limit(&api, 3, 2, 5);
            let acme = crowd(&api).await;
            api.world.faults().plan(operation, 1, when);
            let body = json!({"plan": "budget"});
            let reply =
                api.request(Method::PATCH, "/api/v1/account").key(&acme.admin).json(&body).send().await;
            assert_eq!(reply.status.is_success(), operation == "end_write", "{operation} {when:?}");
            let plan: String = api
                .world
                .database()
                .with(|db| db.query_row("SELECT plan FROM accounts", [], |row| row.get(0)).unwrap());
            let in_use = count(&api, "SELECT count(*) FROM agents WHERE status = 'active'");
            let state = (plan.as_str(), in_use, live(&api, "members"), live(&api, "keys"));
            let is_moved = operation == "end_write" || (operation == "UPDATE_ACCOUNT" && when == When::After);
            assert_eq!(state, if is_moved { ("budget", 3, 2, 5) } else { ("professional", 5, 3, 9) });
            move_to(&api, &acme, "budget").await;
            let in_use = count(&api, "SELECT count(*) FROM agents WHERE status = 'active'");
            assert_eq!(
                (in_use, live(&api, "members"), live(&api, "keys")),
                (3, 2, 5),
                "the same request mends it"
            );
        }
    }
}

#[tokio::test]
async fn a_dry_run_of_an_import_says_that_the_plan_has_no_room() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    limit(&api, 1, 5, 5);
    move_to(&api, &acme, "budget").await;
    let agent = |name: &str| json!({"name": name, "instructions": "x", "model": "openai:gpt-4.1-mini"});
    let import = |query: &'static str, file: Value| {
        let path = format!("/api/v1/agents/import{query}");
        let (api, key) = (&api, acme.admin.clone());
        async move { api.post(&path).key(&key).json(&file).send().await }
    };
    let two = json!([agent("One"), agent("Two")]);
    for query in ["?dry_run=true", ""] {
        assert_full(&import(query, two.clone()).await, "`agents` is 1");
    }
    assert_eq!(count(&api, "SELECT count(*) FROM agents"), 0, "nothing was taken in");
    import("?dry_run=true", json!([agent("One")])).await.ok();
    import("", json!([agent("One")])).await.ok();
    assert_full(&import("?dry_run=true", json!([agent("Two")])).await, "`agents` is 1");
    assert_eq!(import("?dry_run=true&mode=skip", json!([agent("One")])).await.ok()["skipped"], 1);
}
