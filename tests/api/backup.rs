//! Backups of objects, as the operator asks for them.

use axum::http::Method;
use retinue::domain::ids::AccountId;
use retinue::ports::Settings;
use serde_json::{Value, json};

use crate::support::{Api, NOON, OPERATOR, native_only, settings};

async fn listed(api: &Api, query: &str) -> (Vec<String>, Value) {
    let page = api.get(&format!("/api/v1/objects{query}")).key(OPERATOR).send().await.ok();
    let ids = page["data"].as_array().unwrap().iter().map(|object| object["id"].as_str().unwrap().to_owned());
    (ids.collect(), page["next_cursor"].clone())
}

async fn dump(api: &Api, object: &str) -> Value {
    api.post(&format!("/api/v1/objects/{object}/dump")).key(OPERATOR).json(&json!({})).send().await.ok()
}

#[tokio::test]
async fn every_object_is_listed_the_index_before_its_threads_and_the_ledger_last() {
    let api = Api::new();
    let (acme, eve) = (api.tenant("acme").await, api.tenant("eve").await);
    for tenant in [&acme, &eve] {
        api.agent(tenant, &json!({"slug": "poet"})).await;
    }
    let at = "/accounts/acme/agents/poet/threads";
    for name in ["one", "two", "three"] {
        api.post(at).key(&acme.caller).json(&json!({"id": name})).send().await.created();
    }
    api.request(Method::DELETE, &format!("{at}/two")).key(&acme.caller).send().await.no_content();
    // What a thread tells the index is on its way.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let (all, next) = loop {
        let (all, next) = listed(&api, "").await;
        if all.len() == 7 || std::time::Instant::now() > deadline {
            break (all, next);
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(next, Value::Null);
    let kinds: Vec<&str> = all.iter().map(|id| id.split(':').nth(1).unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "thread").count(), 3, "a deleted one too: {kinds:?}");
    let place = |id: String| all.iter().position(|other| *other == id).unwrap();
    assert_eq!(place(format!("{}:account", acme.id)) - place(format!("{}:dispatch", acme.id)), 4);
    assert_eq!(place(format!("{}:account", eve.id)) - place(format!("{}:dispatch", eve.id)), 1);

    // In pages, and of one account.
    let (mut paged, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let (page, next) = listed(&api, &query).await;
        assert!(page.len() <= 2);
        paged.extend(page);
        let Some(next) = next.as_str() else { break };
        query = format!("?limit=2&cursor={next}");
    }
    assert_eq!(paged, all);
    let (own, _) = listed(&api, "?account=acme").await;
    assert_eq!(own.len(), 5);
    assert!(own.iter().all(|id| id.starts_with(&acme.id.to_string())));
    assert_eq!(api.get("/api/v1/objects?account=nobody").key(OPERATOR).send().await.problem().0, 404);

    let thread = own.iter().find(|id| id.contains(":thread:")).unwrap();
    let page = dump(&api, thread).await;
    assert_eq!(page["next"], Value::Null);
    assert!(page["rows"].as_array().unwrap().iter().any(|rows| rows["table"] == "thread"), "{page}");
    let nobodys = AccountId::new(NOON, [9; 10]);
    assert_eq!(
        dump(&api, &format!("{nobodys}:account")).await,
        json!({"steps": 0, "rows": [], "next": null})
    );
    let nameless = api.post("/api/v1/objects/nonsense/dump").key(OPERATOR).json(&json!({})).send().await;
    assert_eq!(nameless.problem().0, 404);
}

#[tokio::test]
async fn a_dump_is_taken_into_an_empty_object_and_nowhere_else() {
    native_only!("objects that are held do nothing, and the first part needs some that do");
    let api = Api::with(Settings { is_maintenance: true, ..settings() });
    let acme = api.tenant("acme").await;
    api.agent(&acme, &json!({"slug": "poet"})).await;
    let page = dump(&api, &format!("{}:account", acme.id)).await;
    let part = json!({"steps": page["steps"], "page": 0, "rows": page["rows"], "is_last": true});
    let restore = async |object: &str, part: &Value| {
        api.post(&format!("/api/v1/objects/{object}/restore")).key(OPERATOR).json(part).send().await
    };
    let full = format!("{}:account", acme.id);
    assert_eq!(restore(&full, &part).await.problem(), (409, "conflict".to_owned()));
    let empty = format!("{}:account", AccountId::new(NOON, [9; 10]));
    let mut unfit = part.clone();
    unfit["rows"][0]["table"] = "nonsense".into();
    assert_eq!(restore(&empty, &unfit).await.problem(), (400, "validation_failed".to_owned()));
    let mut newer = part.clone();
    newer["steps"] = 99.into();
    assert_eq!(restore(&empty, &newer).await.problem(), (409, "conflict".to_owned()));
    assert_eq!(restore(&empty, &part).await.ok(), json!({"is_whole": true}));
    assert_eq!(dump(&api, &empty).await, page);
    assert_eq!(restore(&empty, &part).await.problem(), (409, "conflict".to_owned()));
}

#[tokio::test]
async fn nothing_is_restored_in_an_environment_that_serves() {
    let api = Api::new();
    let object = format!("{}:account", AccountId::new(NOON, [9; 10]));
    let part = json!({"steps": 1, "page": 0, "rows": [], "is_last": true});
    let refused =
        api.post(&format!("/api/v1/objects/{object}/restore")).key(OPERATOR).json(&part).send().await;
    assert_eq!(refused.problem(), (409, "conflict".to_owned()));
}

#[tokio::test]
async fn what_agents_remember_is_listed_dumped_and_found_by_its_words_where_it_is_restored() {
    native_only!("objects that are held do nothing, and the first part needs some that do");
    let api = Api::with(Settings { is_maintenance: true, ..settings() });
    let (acme, eve) = (api.tenant("acme").await, api.tenant("eve").await);
    let user = "a/d:a";
    for memory in [
        json!({"text": "Ada likes lakes and mountains", "user": user}),
        json!({"text": "Ada dislikes deserts", "user": user}),
        json!({"text": "Invoices go out on Fridays", "kind": "work"}),
    ] {
        api.post("/api/v1/memories").key(&acme.member).json(&memory).send().await.created();
    }
    let (own, _) = listed(&api, "?account=acme").await;
    let memories = [format!("{}:memory:@work", acme.id), format!("{}:memory:{user}", acme.id)];
    assert_eq!(own[1..], [memories.as_slice(), &[format!("{}:account", acme.id)]].concat());

    let escaped = |account: AccountId| format!("{account}:memory:a%2Fd:a");
    let page = dump(&api, &escaped(acme.id)).await;
    assert_eq!(page["next"], Value::Null);
    let part = json!({"steps": page["steps"], "page": 0, "rows": page["rows"], "is_last": true});
    let path = format!("/api/v1/objects/{}/restore", escaped(eve.id));
    api.post(&path).key(OPERATOR).json(&part).send().await.ok();
    let search = "/api/v1/memories?user=a%2Fd%3Aa&q=mountains";
    let [there, here] = [&acme, &eve].map(|tenant| api.get(search).key(&tenant.member).send());
    let (there, here) = (there.await.ok(), here.await.ok());
    assert_eq!(here["data"].as_array().map(Vec::len), Some(1), "{here}");
    assert_eq!(here["data"][0]["text"], there["data"][0]["text"]);
}
