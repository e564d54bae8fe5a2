//! `/api/v1/changes`: every write with its line, and no line without its write.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Api, OPERATOR, Reply, Tenant, When};

async fn log(api: &Api, tenant: &Tenant, query: &str) -> Value {
    api.get(&format!("/api/v1/changes{query}")).key(&tenant.member).send().await.ok()
}

/// The lines of a page without their ids and moments, as `[by, action, subject, subject_id, before, after]`.
fn lines(page: &Value) -> Vec<Value> {
    let members = ["by", "action", "subject", "subject_id", "before", "after"];
    let line = |line: &Value| members.iter().map(|member| line[*member].clone()).collect();
    page["data"].as_array().unwrap().iter().map(line).collect()
}

async fn newest(api: &Api, tenant: &Tenant) -> Value {
    lines(&log(api, tenant, "?limit=1").await).remove(0)
}

async fn send(api: &Api, key: &str, method: Method, path: &str, body: Option<&Value>) -> Reply {
    let call = api.request(method, path).key(key);
    match body {
        Some(body) => call.json(body).send().await,
        None => call.send().await,
    }
}

async fn put(api: &Api, tenant: &Tenant, path: &str, body: &Value) -> Value {
    api.world.clock().advance(1);
    send(api, &tenant.admin, Method::PUT, path, Some(body)).await.ok()
}

async fn delete(api: &Api, tenant: &Tenant, path: &str) {
    api.world.clock().advance(1);
    send(api, &tenant.admin, Method::DELETE, path, None).await.no_content();
}

/// The id of the account's admin key.
async fn admin(api: &Api, tenant: &Tenant) -> Value {
    let path = format!("/api/v1/accounts/{}/keys", tenant.slug);
    let keys = api.get(&path).key(&tenant.admin).send().await.ok();
    let keys = keys["data"].as_array().unwrap();
    keys.iter().find(|key| key["role"] == "admin").unwrap()["id"].clone()
}

#[tokio::test]
async fn an_account_begins_with_the_line_of_its_creation() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let page = log(&api, &acme, "?subject=account").await;
    let id = acme.id.to_string();
    let after = json!({"slug": "acme", "name": "acme", "plan": "enterprise", "status": "active", "settings": {},
        "variables": {}});
    assert_eq!(lines(&page), [json!(["operator", "create", "account", id, null, after])]);
    assert_eq!(page["data"][0]["at"], "2026-11-21T12:00:00.000Z");
    let again = json!({"slug": "acme", "name": "acme"});
    assert_eq!(api.post("/api/v1/accounts").key(OPERATOR).json(&again).send().await.problem().0, 409);
    assert_eq!(log(&api, &acme, "?subject=account").await, page);
}

#[tokio::test]
async fn an_alias_is_logged_as_it_was_and_is() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let by = admin(&api, &acme).await;
    let path = "/api/v1/aliases/fast";
    put(&api, &acme, path, &json!({"model": "openai:x"})).await;
    assert_eq!(
        newest(&api, &acme).await,
        json!([by, "create", "alias", "fast", null, {"model": "openai:x"}])
    );
    put(&api, &acme, path, &json!({"model": "openai:y"})).await;
    let (was, is) = (json!({"model": "openai:x"}), json!({"model": "openai:y"}));
    assert_eq!(newest(&api, &acme).await, json!([by, "update", "alias", "fast", was, is]));
    delete(&api, &acme, path).await;
    assert_eq!(newest(&api, &acme).await, json!([by, "delete", "alias", "fast", is, null]));
}

#[tokio::test]
async fn of_a_providers_key_the_log_has_its_end_and_that_it_changed() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let path = "/api/v1/providers/openai";
    let key = |text: &str| json!({"api_key": text});
    let change = async || {
        let line = newest(&api, &acme).await;
        (line[1].clone(), line[4].clone(), line[5].clone())
    };
    put(&api, &acme, path, &key("sk-first-0123456789abcdef")).await;
    let first = json!({"wire": "openai", "base_url": "https://api.openai.com/v1", "key": "…cdef"});
    assert_eq!(change().await, (json!("create"), Value::Null, first.clone()));
    put(&api, &acme, path, &key("sk-other-0123456789abcdef")).await;
    assert_eq!(change().await, (json!("update"), json!({}), json!({"key_changed": true})));
    put(&api, &acme, path, &key("sk-third-0123456789abwxyz")).await;
    let changed = json!({"key": "…wxyz", "key_changed": true});
    assert_eq!(change().await, (json!("update"), json!({"key": "…cdef"}), changed));
    put(&api, &acme, path, &json!({"api_key": null})).await;
    assert_eq!(
        change().await,
        (json!("update"), json!({"key": "…wxyz"}), json!({"key": null, "key_changed": true}))
    );
    delete(&api, &acme, path).await;
    let (action, before, after) = change().await;
    assert_eq!((action, &before["key"], after), (json!("delete"), &Value::Null, Value::Null));
    let whole = log(&api, &acme, "").await.to_string();
    for secret in ["sk-first", "sk-other", "sk-third", "0123456789"] {
        assert!(!whole.contains(secret), "{whole}");
    }
}

#[tokio::test]
async fn a_model_is_logged_in_dollars() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let path = "/api/v1/models/openai/a/b";
    let mut model = json!({"input_usd_per_mtok": "0.15", "output_usd_per_mtok": 0.6, "context_tokens": 9,
        "max_output_tokens": 8, "capabilities": ["tools"]});
    put(&api, &acme, path, &model).await;
    let created = newest(&api, &acme).await;
    assert_eq!((&created[1], &created[3]), (&json!("create"), &json!("openai/a/b")));
    let expected = json!({"input_usd_per_mtok": "0.150000", "output_usd_per_mtok": "0.600000", "context_tokens": 9,
        "max_output_tokens": 8, "capabilities": ["tools"]});
    assert_eq!(created[5], expected);
    model["long_context"] = json!({"above_tokens": 7, "input_usd_per_mtok": 1, "output_usd_per_mtok": 2});
    model["context_tokens"] = json!(10);
    put(&api, &acme, path, &model).await;
    let long =
        json!({"above_tokens": 7, "input_usd_per_mtok": "1.000000", "output_usd_per_mtok": "2.000000"});
    let updated = newest(&api, &acme).await;
    assert_eq!(updated[4], json!({"context_tokens": 9}));
    assert_eq!(updated[5], json!({"context_tokens": 10, "long_context": long}));
    delete(&api, &acme, path).await;
    let deleted = newest(&api, &acme).await;
    assert_eq!((&deleted[1], &deleted[4]["context_tokens"]), (&json!("delete"), &json!(10)));
}

/// The kinds of writes: how each thing is made, changed and deleted.
fn things() -> [(&'static str, Value, Value); 3] {
    let model = |tokens: u32| {
        json!({"input_usd_per_mtok": 1, "output_usd_per_mtok": 2, "context_tokens": tokens, "max_output_tokens": 8,
            "capabilities": []})
    };
    [
        ("/api/v1/aliases/fast", json!({"model": "openai:x"}), json!({"model": "openai:y"})),
        (
            "/api/v1/providers/openai",
            json!({"api_key": "sk-0123456789abcdef"}),
            json!({"api_key": "sk-9876543210abcdef"}),
        ),
        ("/api/v1/models/openai/x", model(9), model(10)),
    ]
}

#[tokio::test]
async fn a_put_that_changes_nothing_writes_nothing() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    for (path, body, _) in things() {
        let first = put(&api, &acme, path, &body).await;
        let before = log(&api, &acme, "").await;
        api.world.faults().take_done();
        assert_eq!(put(&api, &acme, path, &body).await, first, "{path}");
        let done = api.world.faults().take_done();
        assert!(!done.iter().any(|name| name.starts_with("PUT_") || name == "begin_write"), "{done:?}");
        assert_eq!(log(&api, &acme, "").await, before, "{path}");
    }
}

/// Everything that a write may touch, as the API shows it.
async fn state(api: &Api, tenant: &Tenant) -> Value {
    let mut state = Vec::new();
    for path in ["aliases", "providers", "models"] {
        state.push(api.get(&format!("/api/v1/{path}")).key(&tenant.member).send().await.ok());
    }
    state.into()
}

#[tokio::test]
async fn a_write_whose_batch_is_lost_leaves_neither_row_nor_line_or_both() {
    for (path, first, second) in things() {
        for (method, made, body) in [
            (Method::PUT, false, Some(&first)),
            (Method::PUT, true, Some(&second)),
            (Method::DELETE, true, None),
        ] {
            for when in [When::Before, When::After] {
                let api = Api::new();
                let acme = api.tenant("acme").await;
                if made {
                    put(&api, &acme, path, &first).await;
                }
                api.world.clock().advance(1);
                let before = (state(&api, &acme).await, log(&api, &acme, "").await);
                api.world.faults().plan("INSERT_CHANGE_IF_WRITTEN", 1, when);
                let lost = send(&api, &acme.admin, method.clone(), path, body).await;
                let place = format!("{method} {path} {when:?}");
                assert_eq!(lost.problem(), (503, "unavailable".to_owned()), "{place}");
                assert!(api.world.faults().all_met());
                let after = (state(&api, &acme).await, log(&api, &acme, "").await);
                if when == When::Before {
                    assert_eq!(after, before, "{place}");
                } else {
                    assert_ne!(after.0, before.0, "{place}");
                    let (now, then) = (lines(&after.1), lines(&before.1));
                    assert_eq!(now[1..], then, "{place}: one line more");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_account_whose_batch_is_lost_is_there_with_its_line_or_not_at_all() {
    for when in [When::Before, When::After] {
        let api = Api::new();
        api.world.faults().plan("INSERT_ACCOUNT", 1, when);
        let account = json!({"slug": "acme", "name": "Acme"});
        let lost = api.post("/api/v1/accounts").key(OPERATOR).json(&account).send().await;
        assert_eq!(lost.problem().0, 503);
        let count = |table: &str| -> i64 {
            let sql = format!("SELECT count(*) FROM {table}");
            api.world.database().with(|db| db.query_row(&sql, [], |row| row.get(0)).unwrap())
        };
        let expected = i64::from(when == When::After);
        assert_eq!((count("accounts"), count("changes")), (expected, expected), "{when:?}");
    }
}

#[tokio::test]
async fn a_write_over_what_another_has_just_written_says_so() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    put(&api, &acme, "/api/v1/aliases/fast", &json!({"model": "openai:x"})).await;
    let database = api.world.database().clone();
    let mut meddled = false;
    api.world.faults().meddle("PUT_ALIAS", move || {
        if !std::mem::replace(&mut meddled, true) {
            let sql = "UPDATE aliases SET line = 'openai:theirs', updated_at = updated_at + 1";
            database.with(|db| db.execute(sql, []).unwrap());
        }
    });
    put(&api, &acme, "/api/v1/aliases/fast", &json!({"model": "openai:y"})).await;
    let line = newest(&api, &acme).await;
    assert_eq!((&line[4], &line[5]), (&json!({"model": "openai:theirs"}), &json!({"model": "openai:y"})));
    assert_eq!(log(&api, &acme, "?subject=alias").await["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_log_is_read_in_pages_of_a_thing_or_a_kind() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    for n in 0..5 {
        api.world.clock().advance(1);
        for name in ["a", "b"] {
            let body = json!({"model": format!("openai:m{n}")});
            put(&api, &acme, &format!("/api/v1/aliases/{name}"), &body).await;
        }
        put(&api, &acme, &format!("/api/v1/providers/p{n}"), &json!({"base_url": "https://a.example.com"}))
            .await;
    }
    let whole = log(&api, &acme, "").await["data"].as_array().unwrap().clone();
    for (query, keep) in [
        ("", [("", ""), ("", "")]),
        ("&subject=alias", [("subject", "alias"), ("", "")]),
        ("&subject=alias&id=b", [("subject", "alias"), ("subject_id", "b")]),
        ("&subject=template", [("subject", "template"), ("", "")]),
    ] {
        let fits =
            |line: &&Value| keep.iter().all(|(member, value)| member.is_empty() || line[*member] == *value);
        let expected: Vec<Value> = whole.iter().filter(fits).cloned().collect();
        for limit in [1, 2, 5] {
            let (mut paged, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = log(&api, &acme, &format!("?limit={limit}{query}{cursor}")).await;
                paged.extend(page["data"].as_array().unwrap().clone());
                let Some(next) = page["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            assert_eq!(paged, expected, "{query} {limit}");
        }
    }
    assert!(whole.len() >= 16);
    let times: Vec<&str> = whole.iter().map(|line| line["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|later, earlier| later >= earlier), "{times:?}");
}

#[tokio::test]
async fn a_page_of_large_changes_ends_sooner() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let sql = "INSERT INTO changes (account_id, id, at, actor, action, subject, subject_id, before, after)
        SELECT ?1, printf('0199f000-0000-7000-8000-%012d', value), 1, 'operator', 'update', 'template', 't', NULL,
            json_quote(printf('%.*c', 1500000, 'x')) FROM json_each('[1,2,3,4,5,6,7]')";
    api.world.database().with(|db| db.execute(sql, [acme.id.to_string()]).unwrap());
    let (mut sizes, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = log(&api, &acme, &format!("?subject=template{cursor}")).await;
        sizes.push(page["data"].as_array().unwrap().len());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(sizes, [3, 3, 1]);
}

#[tokio::test]
async fn a_log_asked_for_wrongly_says_what_there_is() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    for (query, fields) in [
        ("?subject=weather", &["subject"][..]),
        ("?id=x", &["id"]),
        ("?cursor=x", &["cursor"]),
        ("?limit=0", &["limit"]),
    ] {
        let refused = api.get(&format!("/api/v1/changes{query}")).key(&acme.member).send().await;
        assert_eq!(refused.fields(), fields, "{query}");
    }
    let refused = api.get("/api/v1/changes?subject=weather").key(&acme.member).send().await;
    for word in ["account", "agent", "alias", "provider"] {
        assert!(refused.detail().contains(word), "{}", refused.detail());
    }
    let twice = api.get("/api/v1/changes?subject=agent&subject=alias").key(&acme.member).send().await;
    assert_eq!(twice.fields(), ["subject"]);
}

#[tokio::test]
async fn nobody_reads_the_log_of_another_account() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let eve = api.tenant("eve").await;
    put(&api, &acme, "/api/v1/aliases/fast", &json!({"model": "openai:x"})).await;
    let own = log(&api, &acme, "?subject=alias&id=fast").await;
    assert_eq!(own["data"].as_array().unwrap().len(), 1);
    let theirs = log(&api, &eve, "?subject=alias&id=fast").await;
    assert!(theirs["data"].as_array().unwrap().is_empty());
    let cursor = own["data"][0]["id"].as_str().unwrap();
    assert!(!log(&api, &eve, &format!("?cursor={cursor}")).await.to_string().contains("openai:x"));
    for key in [&acme.caller, OPERATOR] {
        assert_eq!(api.get("/api/v1/changes").key(key).send().await.problem().0, 403);
    }
}

/// What a member's, an admin's and another member's key see of members and keys in the log.
#[tokio::test]
async fn lines_of_people_and_keys_are_for_admins_and_the_person() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let mut people = Vec::new();
    for name in ["ada", "bob"] {
        let body = json!({"name": name, "email": format!("{name}@a.example"), "role": "member",
            "profile": {"settings": {"theme": format!("{name}-private")}}});
        let member = api.post("/api/v1/members").key(&acme.admin).json(&body).send().await.created();
        let issued = json!({"name": format!("{name}'s laptop"), "role": "member", "member": member["id"]});
        let key = api.issue(&acme.slug, &issued).await;
        let profile = json!({"settings": {"theme": format!("{name}-secret")}});
        api.put("/api/v1/profile").key(&key).json(&profile).send().await.ok();
        people.push((member["id"].clone(), key));
    }
    let seen = async |key: &str, query: &str| {
        let page = api.get(&format!("/api/v1/changes{query}")).key(key).send().await.ok();
        let text = page.to_string();
        assert!(!text.contains("-private") && !text.contains("-secret"), "a profile's values: {text}");
        (lines(&page), text)
    };
    let (all, text) = seen(&acme.admin, "").await;
    assert!(text.contains("ada@a.example") && text.contains("bob's laptop"), "{text}");
    assert!(all.iter().any(|line| line[5] == json!({"profile_changed": true})), "{text}");
    let ada = &people[0];
    for query in ["", "?subject=member", "?subject=key"] {
        let (own, text) = seen(&ada.1, query).await;
        assert!(!text.contains("bob"), "{query}: {text}");
        assert!(!own.is_empty(), "{query}: {text}");
        let (none, text) = seen(&acme.member, query).await;
        // An id may have the letters of a name.
        assert!(
            !text.contains("ada@") && !text.contains("ada's") && !text.contains("bob"),
            "{query}: {text}"
        );
        // It belongs to nobody, and sees its own making.
        assert_eq!(
            none.iter().filter(|line| line[2] == "key").count(),
            usize::from(query != "?subject=member")
        );
    }
    let (own, _) = seen(&ada.1, "?subject=member").await;
    assert_eq!(own.iter().map(|line| &line[3]).collect::<Vec<_>>(), [&ada.0, &ada.0]);
    let of_bob = format!("?subject=member&id={}", people[1].0.as_str().unwrap());
    assert_eq!(seen(&ada.1, &of_bob).await.0.len(), 0);
    assert_eq!(seen(&acme.admin, &of_bob).await.0.len(), 2);
    // A line of a release that wrote them down.
    let sql = "UPDATE changes SET after = json_set(after, '$.profile', json('{\"settings\":{\"theme\":\"old-private\"}}'))
        WHERE subject = 'member' AND action = 'create'";
    api.world.database().with(|db| assert_eq!(db.execute(sql, []).unwrap(), 2));
    seen(&acme.admin, "?subject=member").await;
    // An admin's key that may read the log and not the members.
    let narrow = json!({"name": "log", "role": "admin", "scopes": ["changes:read", "keys:read"]});
    let narrow = api.issue(&acme.slug, &narrow).await;
    let (_, text) = seen(&narrow, "").await;
    assert!(text.contains("bob's laptop") && !text.contains("bob@a.example"), "{text}");
}
