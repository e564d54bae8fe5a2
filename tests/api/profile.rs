//! `/api/v1/profile`.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Api, OPERATOR, Tenant, When};

/// A member, and a key of it of role caller.
async fn ada(api: &Api, tenant: &Tenant) -> (String, String) {
    let body = json!({"name": "Ada", "email": "ada@example.com", "role": "member"});
    let member = api.post("/api/v1/members").key(&tenant.admin).json(&body).send().await.created();
    let key =
        api.issue(&tenant.slug, &json!({"name": "own", "role": "caller", "member": member["id"]})).await;
    (member["id"].as_str().unwrap().to_owned(), key)
}

fn prompts(prompts: Value) -> Value {
    json!({"settings": {"agent_prompts": prompts}})
}

/// A profile as it is shown: with every field.
pub fn whole(mut profile: Value) -> Value {
    for name in ["username", "avatar_url", "bio"] {
        profile[name] = profile.get(name).cloned().unwrap_or_default();
    }
    if profile["settings"]["agent_prompts"].is_null() {
        profile["settings"]["agent_prompts"] = json!({});
    }
    profile
}

#[tokio::test]
async fn a_profile_has_a_name_a_picture_and_a_few_words() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let (_, key) = ada(&api, &acme).await;
    let put = |body: Value| api.put("/api/v1/profile").key(&key).json(&body).send();
    let profile =
        json!({"username": "ada", "avatar_url": "https://example.com/a.png", "bio": "First.\nSecond."});
    assert_eq!(put(profile.clone()).await.ok(), whole(profile.clone()));
    let bad = json!({"username": "", "avatar_url": "javascript:alert(1)", "bio": 7, "settings": [], "x": 1});
    assert_eq!(put(bad).await.fields(), ["bio", "settings", "x"]);
    let bad = json!({"username": "a\nb", "avatar_url": "javascript:alert(1)", "bio": "x".repeat(2_001)});
    assert_eq!(put(bad).await.fields(), ["username", "bio", "avatar_url"]);
    assert_eq!(put(json!({"username": null, "settings": null})).await.ok(), whole(json!({})));
    let member = json!({"email": "Grace.m.hopper+navy@example.com", "role": "member"});
    let made = api.post("/api/v1/members").key(&acme.admin).json(&member).send().await.created();
    assert_eq!(made["name"], "Grace M Hopper");
}

#[tokio::test]
async fn a_member_reads_and_replaces_its_own_profile_with_any_key() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    api.agent(&acme, &json!({"slug": "triage"})).await;
    let (id, key) = ada(&api, &acme).await;
    assert_eq!(api.get("/api/v1/profile").key(&key).send().await.ok(), whole(json!({})));
    let mut profile = prompts(json!({"triage": "Answer in French."}));
    profile["settings"]["theme"] = json!({"dark": [1, 2.5, null]});
    let profile = whole(profile);
    api.world.faults().take_done();
    assert_eq!(api.put("/api/v1/profile").key(&key).json(&profile).send().await.ok(), profile);
    let done = api.world.faults().take_done();
    let write: Vec<&str> = done
        .iter()
        .map(String::as_str)
        .filter(|name| name.contains("_write") || *name == "UPDATE_MEMBER")
        .collect();
    assert_eq!(write, ["begin_write", "UPDATE_MEMBER", "end_write"]);
    assert_eq!(api.get("/api/v1/profile").key(&key).send().await.ok(), profile);
    let member = api.get(&format!("/api/v1/members/{id}")).key(&acme.admin).send().await.ok();
    assert_eq!(member["profile"], profile);
    let by_admin = json!({"profile": prompts(json!({}))});
    api.request(Method::PATCH, &format!("/api/v1/members/{id}"))
        .key(&acme.admin)
        .json(&by_admin)
        .send()
        .await
        .ok();
    assert_eq!(
        api.get("/api/v1/profile").key(&key).send().await.ok(),
        whole(by_admin["profile"].clone()),
        "replaced, not merged"
    );
    let told: i64 = api.world.database().with(|db| {
        let sql = "SELECT count(*) FROM changes WHERE subject = 'member' AND action = 'update'";
        db.query_row(sql, [], |row| row.get(0)).unwrap()
    });
    assert_eq!(told, 2);
}

#[tokio::test]
async fn a_key_that_acts_for_nobody_is_told_how_to_get_one_that_does() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let put = api.put("/api/v1/profile").key(&acme.admin).json(&json!({})).send().await;
    let got = api.get("/api/v1/profile").key(&acme.caller).send().await;
    for reply in [put, got] {
        assert_eq!(reply.problem(), (404, "not_found".to_owned()));
        assert!(reply.detail().contains("POST /api/v1/accounts/{account}/keys"), "{}", reply.detail());
    }
    let operator = api.get("/api/v1/profile").key(OPERATOR).send().await;
    assert_eq!(operator.problem(), (403, "forbidden".to_owned()));
}

#[tokio::test]
async fn prompts_are_for_agents_of_the_account_that_are_in_use() {
    let api = Api::new();
    let (acme, other) = (api.tenant("acme").await, api.tenant("other").await);
    let gone = api.agent(&acme, &json!({"slug": "gone"})).await;
    let triage = api.agent(&acme, &json!({"slug": "triage"})).await;
    api.agent(&other, &json!({"slug": "foreign"})).await;
    api.delete("/api/v1/agents/gone").key(&acme.admin).send().await.no_content();
    let (_, key) = ada(&api, &acme).await;
    let put = |body: Value| api.put("/api/v1/profile").key(&key).json(&body).send();
    let bad = put(prompts(json!({"triage": "x", "gone": "x", "foreign": "x", "nobody": "x"}))).await;
    assert_eq!(
        bad.fields(),
        ["foreign", "gone", "nobody"].map(|slug| format!("settings.agent_prompts.{slug}"))
    );
    assert!(bad.detail().contains("3 fields"));
    for id in [&triage["id"], &gone["id"]] {
        let field = format!("settings.agent_prompts.{}", id.as_str().unwrap());
        assert_eq!(put(prompts(json!({id.as_str().unwrap(): "x"}))).await.fields(), [field], "by slug only");
    }
    assert_eq!(put(prompts(json!({"triage": ""}))).await.fields(), ["settings.agent_prompts.triage"]);
    assert_eq!(put(prompts(json!({"triage": 7}))).await.fields(), ["settings.agent_prompts.triage"]);
    assert_eq!(put(json!({"settngs": {}})).await.fields(), ["settngs"]);
    assert_eq!(put(json!({"settings": {"x": "y".repeat(65_536)}})).await.fields(), ["settings"]);
    assert_eq!(
        api.get("/api/v1/profile").key(&key).send().await.ok(),
        whole(json!({})),
        "nothing of it was kept"
    );
}

#[tokio::test]
async fn a_suspended_accounts_profiles_are_read_only() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let (_, key) = ada(&api, &acme).await;
    api.world.database().with(|db| db.execute("UPDATE accounts SET status = 'suspended'", []).unwrap());
    api.get("/api/v1/profile").key(&key).send().await.ok();
    let refused = api.put("/api/v1/profile").key(&key).json(&json!({})).send().await;
    assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
}

#[tokio::test]
async fn a_profile_lost_on_the_way_is_whole_or_not_there() {
    for when in [When::Before, When::After] {
        let api = Api::new();
        let acme = api.tenant("acme").await;
        let (_, key) = ada(&api, &acme).await;
        let profile = json!({"settings": {"theme": "dark"}});
        api.world.faults().plan("UPDATE_MEMBER", 1, when);
        let lost = api.put("/api/v1/profile").key(&key).json(&profile).send().await;
        assert_eq!(lost.problem().0, 503);
        let now = api.get("/api/v1/profile").key(&key).send().await.ok();
        assert_eq!(now, if when == When::Before { whole(json!({})) } else { whole(profile.clone()) });
        assert_eq!(api.world.objects().open_writes(acme.id), 0);
        assert_eq!(api.put("/api/v1/profile").key(&key).json(&profile).send().await.ok(), whole(profile));
    }
}
