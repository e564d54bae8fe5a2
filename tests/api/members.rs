//! `/api/v1/members`, and keys that act for members.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Api, OPERATOR, Reply, Tenant, When};

async fn add(api: &Api, tenant: &Tenant, email: &str, role: &str) -> Value {
    let body = json!({"name": "Ada", "email": email, "role": role});
    api.post("/api/v1/members").key(&tenant.admin).json(&body).send().await.created()
}

async fn patch(api: &Api, tenant: &Tenant, member: &Value, body: Value) -> Reply {
    let path = format!("/api/v1/members/{}", member["id"].as_str().unwrap());
    api.request(Method::PATCH, &path).key(&tenant.admin).json(&body).send().await
}

async fn key_of(api: &Api, tenant: &Tenant, member: &Value, role: &str) -> String {
    api.issue(&tenant.slug, &json!({"name": "own", "role": role, "member": member["id"]})).await
}

/// The lines of the change log about one kind of thing: action, before, after.
fn lines(api: &Api, subject: &str) -> Vec<(String, Value, Value)> {
    api.world.database().with(|db| {
        let mut rows = db
            .prepare("SELECT action, before, after, id FROM changes WHERE subject = ?1 ORDER BY rowid")
            .unwrap();
        let json =
            |text: Option<String>| text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap());
        let lines = rows
            .query_map([subject], |row| {
                assert!(
                    uuid::Uuid::try_parse(&row.get::<_, String>(3)?)
                        .is_ok_and(|id| id.get_version_num() == 7)
                );
                Ok((row.get(0)?, json(row.get(1)?), json(row.get(2)?)))
            })
            .unwrap();
        lines.map(Result::unwrap).collect()
    })
}

#[tokio::test]
async fn a_member_is_added_changed_and_removed() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let body = json!({"name": "Ada", "email": "Ada@Example.com", "role": "member"});
    let reply = api.post("/api/v1/members").key(&acme.admin).json(&body).send().await;
    let path = reply.header("location").to_owned();
    let ada = reply.created();
    assert_eq!(
        (&ada["email"], &ada["role"], &ada["profile"]),
        (&json!("ada@example.com"), &json!("member"), &crate::profile::whole(json!({})))
    );
    assert!(ada["inactive_at"].is_null());
    assert_eq!(api.get(&path).key(&acme.admin).send().await.ok(), ada);
    api.world.clock().advance(1);
    let changed = patch(&api, &acme, &ada, json!({"name": "Countess", "role": "admin"})).await.ok();
    assert_eq!(
        (&changed["name"], &changed["role"], &changed["email"]),
        (&json!("Countess"), &json!("admin"), &ada["email"])
    );
    assert_ne!(changed["updated_at"], ada["updated_at"]);
    assert_eq!(patch(&api, &acme, &ada, json!({"name": "Countess"})).await.ok(), changed, "changes nothing");
    api.delete(&path).key(&acme.admin).send().await.no_content();
    for gone in
        [api.get(&path), api.delete(&path), api.request(Method::PATCH, &path).json(&json!({"name": "x"}))]
    {
        assert_eq!(gone.key(&acme.admin).send().await.problem(), (404, "not_found".to_owned()));
    }
    let lines = lines(&api, "member");
    let actions: Vec<&str> = lines.iter().map(|(action, ..)| action.as_str()).collect();
    assert_eq!(actions, ["create", "update", "delete"]);
    assert_eq!(
        (&lines[1].1, &lines[1].2),
        (&json!({"name": "Ada", "role": "member"}), &json!({"name": "Countess", "role": "admin"}),)
    );
    assert_eq!((&lines[2].1["name"], &lines[2].2), (&json!("Countess"), &Value::Null));
}

#[tokio::test]
async fn every_fault_of_a_member_is_named() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let post = |body: Value| api.post("/api/v1/members").key(&acme.admin).json(&body).send();
    assert_eq!(
        post(json!({"name": " ", "email": "ada", "role": "member"})).await.fields(),
        ["name", "email"]
    );
    assert_eq!(post(json!({"name": "A", "email": "a@b.c", "role": "caller"})).await.fields(), ["role"]);
    assert_eq!(post(json!({"name": "A", "email": "a@b.c"})).await.fields(), ["role"]);
    let profile = json!({"name": "A", "email": "a@b.c", "role": "admin", "profile": {"setting": {}}});
    assert_eq!(post(profile).await.fields(), ["profile.setting"]);
    let ada = add(&api, &acme, "ada@example.com", "member").await;
    let bad = patch(&api, &acme, &ada, json!({"name": "", "email": "x", "profile": {"setting": {}}})).await;
    assert_eq!(bad.fields(), ["name", "email", "profile.setting"]);
    let prompts = json!({"profile": {"settings": {"agent_prompts": {"nobody": "x"}}}});
    assert_eq!(patch(&api, &acme, &ada, prompts).await.fields(), ["profile.settings.agent_prompts.nobody"]);
}

#[tokio::test]
async fn an_address_is_one_members_whatever_its_case() {
    let api = Api::new();
    let (acme, other) = (api.tenant("acme").await, api.tenant("other").await);
    add(&api, &acme, "ada@example.com", "member").await;
    let bob = add(&api, &acme, "bob@example.com", "member").await;
    let again = json!({"name": "Ada", "email": "ADA@EXAMPLE.COM", "role": "admin"});
    let taken = api.post("/api/v1/members").key(&acme.admin).json(&again).send().await;
    assert_eq!(taken.problem(), (409, "conflict".to_owned()));
    assert!(taken.detail().contains("email"), "{}", taken.detail());
    let taken = patch(&api, &acme, &bob, json!({"email": "Ada@example.com"})).await;
    assert_eq!(taken.problem(), (409, "conflict".to_owned()));
    add(&api, &other, "ada@example.com", "member").await;
    assert_eq!(lines(&api, "member").len(), 3, "what was refused is not told");
}

#[tokio::test]
async fn members_are_listed_newest_first_in_pages() {
    let api = Api::new();
    let (acme, other) = (api.tenant("acme").await, api.tenant("other").await);
    for n in 0..5 {
        api.world.clock().advance(1);
        add(&api, &acme, &format!("m{n}@example.com"), "member").await;
        add(&api, &other, &format!("o{n}@example.com"), "member").await;
    }
    let (mut emails, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("/api/v1/members?limit=2{cursor}")).key(&acme.admin).send().await.ok();
        emails
            .extend(page["data"].as_array().unwrap().iter().map(|m| m["email"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(emails, [4, 3, 2, 1, 0].map(|n| format!("m{n}@example.com")));
}

#[tokio::test]
async fn a_member_of_another_account_is_no_member_here() {
    let api = Api::new();
    let (acme, other) = (api.tenant("acme").await, api.tenant("other").await);
    let foreign = add(&api, &other, "eve@example.com", "admin").await;
    let path = format!("/api/v1/members/{}", foreign["id"].as_str().unwrap());
    for call in
        [api.get(&path), api.delete(&path), api.request(Method::PATCH, &path).json(&json!({"name": "x"}))]
    {
        assert_eq!(call.key(&acme.admin).send().await.problem(), (404, "not_found".to_owned()));
    }
    let key = json!({"name": "k", "role": "caller", "member": foreign["id"]});
    let refused = api.post("/api/v1/accounts/acme/keys").key(&acme.admin).json(&key).send().await;
    assert_eq!(refused.fields(), ["member"]);
    assert_eq!(api.get(&path).key(&other.admin).send().await.ok(), foreign);
}

#[tokio::test]
async fn a_key_may_do_at_most_what_its_member_may() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let ada = add(&api, &acme, "ada@example.com", "member").await;
    let issue = |member: Value, role: &str| {
        let body = json!({"name": "own", "role": role, "member": member});
        api.post("/api/v1/accounts/acme/keys").key(OPERATOR).json(&body).send()
    };
    assert_eq!(issue(ada["id"].clone(), "admin").await.fields(), ["role"]);
    assert_eq!(issue(json!("nobody"), "caller").await.fields(), ["member"]);
    for role in ["caller", "member"] {
        assert_eq!(issue(ada["id"].clone(), role).await.created()["member"], ada["id"]);
    }
    let listed = api.get("/api/v1/accounts/acme/keys").key(&acme.admin).send().await.ok();
    let members: Vec<&Value> = listed["data"].as_array().unwrap().iter().map(|key| &key["member"]).collect();
    assert_eq!(members.iter().filter(|member| ***member == ada["id"]).count(), 2);
    assert_eq!(members.iter().filter(|member| member.is_null()).count(), 3);
    let created = lines(&api, "key");
    assert_eq!(created.last().unwrap().2["member"], ada["id"]);
    assert!(created.iter().all(|(_, _, after)| !after.to_string().contains("retinue_")), "no secret is told");
}

#[tokio::test]
async fn the_keys_of_a_removed_member_fail_from_the_next_request() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let (ada, bob) = (
        add(&api, &acme, "ada@example.com", "admin").await,
        add(&api, &acme, "bob@example.com", "admin").await,
    );
    let (own, bobs) = (key_of(&api, &acme, &ada, "admin").await, key_of(&api, &acme, &bob, "admin").await);
    let path = format!("/api/v1/members/{}", ada["id"].as_str().unwrap());
    api.delete(&path).key(&own).send().await.no_content();
    let refused = api.get("/api/v1/agents").key(&own).send().await;
    assert_eq!(refused.problem(), (401, "unauthenticated".to_owned()));
    api.get("/api/v1/agents").key(&bobs).send().await.ok();
    let revoked: Vec<_> = lines(&api, "key").into_iter().filter(|(action, ..)| action == "revoke").collect();
    assert_eq!(
        revoked,
        [(
            "revoke".to_owned(),
            json!({"revoked_at": null}),
            json!({"revoked_at": "2026-11-21T12:00:00.000Z"}),
        )]
    );
}

#[tokio::test]
async fn a_lower_role_lowers_the_members_keys_with_it() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let ada = add(&api, &acme, "ada@example.com", "admin").await;
    let (own, calls) = (key_of(&api, &acme, &ada, "admin").await, key_of(&api, &acme, &ada, "caller").await);
    let write = |key: String| {
        let body = json!({"model": "openai:x"});
        api.put("/api/v1/aliases/fast").key(&key).json(&body).send()
    };
    write(own.clone()).await.ok();
    patch(&api, &acme, &ada, json!({"role": "member"})).await.ok();
    assert_eq!(write(own.clone()).await.problem(), (403, "forbidden".to_owned()));
    api.get("/api/v1/aliases").key(&own).send().await.ok();
    assert_eq!(api.get("/api/v1/aliases").key(&calls).send().await.problem().0, 403, "a caller stays one");
    patch(&api, &acme, &ada, json!({"role": "admin"})).await.ok();
    assert_eq!(write(own).await.problem().0, 403, "and is not raised again");
    let lowered: Vec<_> = lines(&api, "key").into_iter().filter(|(action, ..)| action == "update").collect();
    assert_eq!(lowered, [("update".to_owned(), json!({"role": "admin"}), json!({"role": "member"}))]);
    write(acme.admin.clone()).await.ok();
}

#[tokio::test]
async fn a_key_issued_while_its_member_changes_is_not_given_out() {
    for sql in
        ["UPDATE members SET role = 'member'", "DELETE FROM members", "UPDATE members SET inactive_at = 1"]
    {
        let api = Api::new();
        let acme = api.tenant("acme").await;
        let ada = add(&api, &acme, "ada@example.com", "admin").await;
        let database = api.world.database().clone();
        api.world.faults().meddle("INSERT_KEY", move || database.with(|db| db.execute_batch(sql).unwrap()));
        let body = json!({"name": "own", "role": "admin", "member": ada["id"]});
        let refused = api.post("/api/v1/accounts/acme/keys").key(&acme.admin).json(&body).send().await;
        assert_eq!(refused.problem(), (409, "conflict".to_owned()), "{sql}");
        let again = api.post("/api/v1/accounts/acme/keys").key(&acme.admin).json(&body).send().await;
        assert_eq!(again.problem().0, 400, "{sql}");
        let keys: i64 = api
            .world
            .database()
            .with(|db| db.query_row("SELECT count(*) FROM keys", [], |r| r.get(0)).unwrap());
        assert_eq!(keys, 3);
    }
}

#[tokio::test]
async fn a_member_is_changed_over_what_another_changed_meanwhile() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let ada = add(&api, &acme, "ada@example.com", "member").await;
    let database = api.world.database().clone();
    let mut times = 2;
    api.world.faults().meddle("UPDATE_MEMBER", move || {
        if times > 0 {
            times -= 1;
            database.with(|db| {
                db.execute_batch("UPDATE members SET role = 'admin', updated_at = updated_at + 1").unwrap();
            });
        }
    });
    let changed = patch(&api, &acme, &ada, json!({"name": "Countess"})).await.ok();
    assert_eq!((&changed["name"], &changed["role"]), (&json!("Countess"), &json!("admin")));
}

#[tokio::test]
async fn what_is_lost_on_the_way_leaves_the_member_and_its_keys_in_step() {
    for when in [When::Before, When::After] {
        let api = Api::new();
        let acme = api.tenant("acme").await;
        let ada = add(&api, &acme, "ada@example.com", "admin").await;
        let own = key_of(&api, &acme, &ada, "admin").await;
        api.world.faults().plan("LOWER_KEYS", 1, when);
        assert_eq!(patch(&api, &acme, &ada, json!({"role": "member"})).await.problem().0, 503);
        let now = api.get("/api/v1/members").key(&acme.admin).send().await.ok()["data"][0].clone();
        let may = api.delete("/api/v1/aliases/none").key(&own).send().await.problem().0;
        assert_eq!(
            (now["role"].as_str().unwrap(), may),
            if when == When::Before { ("admin", 404) } else { ("member", 403) }
        );

        api.world.faults().plan("DELETE_MEMBER", 1, when);
        let path = format!("/api/v1/members/{}", ada["id"].as_str().unwrap());
        assert_eq!(api.delete(&path).key(&acme.admin).send().await.problem().0, 503);
        let is_there = api.get(&path).key(&acme.admin).send().await.status.is_success();
        let opens = api.get("/api/v1/aliases").key(&own).send().await.status.is_success();
        assert_eq!((is_there, opens), (when == When::Before, when == When::Before));
        assert_eq!(api.world.objects().open_writes(acme.id), 0);
    }
}
