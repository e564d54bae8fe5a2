//! `/api/v1/flags`, and what an account sees of them.

use retinue::domain::flag::Flag;
use retinue::domain::ids::AccountId;
use serde_json::{Value, json};

use crate::support::{Api, OPERATOR, Reply};

const FLAG: &str = "/api/v1/flags/batched_admissions";

async fn get(api: &Api, path: &str) -> Value {
    api.get(path).key(OPERATOR).send().await.ok()
}

async fn put(api: &Api, path: &str, body: &Value) -> Reply {
    api.put(path).key(OPERATOR).json(body).send().await
}

/// Whether the flag is on, as the account reads it.
async fn is_on(api: &Api, key: &str) -> bool {
    let account = api.get("/api/v1/account").key(key).send().await.ok();
    account["flags"]["batched_admissions"].as_bool().unwrap()
}

#[tokio::test]
async fn a_flag_is_as_declared_until_it_is_set_and_again_when_it_is_not() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let declared = get(&api, FLAG).await;
    assert_eq!(
        (&declared["default"], &declared["percent"], &declared["is_set"]),
        (&json!(true), &json!(0), &json!(false))
    );
    assert!(is_on(&api, &acme.member).await);
    put(&api, FLAG, &json!({"default": false})).await.ok();
    assert!(!is_on(&api, &acme.member).await);
    let listed = get(&api, "/api/v1/flags").await;
    let set = |flag: &str| {
        let rows = listed["data"].as_array().unwrap();
        rows.iter().find(|row| row["flag"] == flag).unwrap()["is_set"].clone()
    };
    assert_eq!([set("batched_admissions"), set("account_wide")], [json!(true), json!(false)]);
    put(&api, FLAG, &json!({"default": false, "percent": 100})).await.ok();
    assert!(is_on(&api, &acme.member).await);
    for _ in 0..2 {
        api.delete(FLAG).key(OPERATOR).send().await.no_content();
    }
    assert_eq!(get(&api, FLAG).await, declared);
}

#[tokio::test]
async fn what_is_set_for_one_account_is_its_own_and_in_its_change_log() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let other = api.tenant("other").await;
    let own = |account: &str| format!("{FLAG}/accounts/{account}");
    for _ in 0..2 {
        put(&api, &own("acme"), &json!({"on": false})).await.no_content();
    }
    put(&api, &own(&other.id.to_string()), &json!({"on": true})).await.no_content();
    assert!(!is_on(&api, &acme.member).await && is_on(&api, &other.member).await);
    let first = get(&api, &format!("{FLAG}/accounts?limit=1")).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = get(&api, &format!("{FLAG}/accounts?limit=1&cursor={cursor}")).await;
    assert_eq!(second["next_cursor"], Value::Null);
    let mut rows = [first["data"][0].clone(), second["data"][0].clone()];
    rows.sort_by_key(|row| row["slug"].to_string());
    let row =
        |id: &AccountId, slug: &str, on: bool| json!({"account": id.to_string(), "slug": slug, "on": on});
    assert_eq!(rows, [row(&acme.id, "acme", false), row(&other.id, "other", true)]);
    api.world.clock().advance(1);
    for _ in 0..2 {
        api.delete(&own("acme")).key(OPERATOR).send().await.no_content();
    }
    assert!(is_on(&api, &acme.member).await);
    let changes = api.get("/api/v1/changes?subject=flag").key(&acme.member).send().await.ok();
    let changes: Vec<_> = changes["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (change["action"].clone(), change["before"].clone(), change["after"].clone()))
        .collect();
    let off = json!({"on": false});
    assert_eq!(changes, [(json!("delete"), off.clone(), Value::Null), (json!("create"), Value::Null, off)]);
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    for path in
        ["/api/v1/flags/batched", "/api/v1/flags/batched/accounts/acme", "/api/v1/flags/batched/accounts"]
    {
        assert_eq!(api.get(path).key(&acme.admin).send().await.status.as_u16() / 100, 4);
    }
    let typo = put(&api, "/api/v1/flags/batched", &json!({"default": true})).await;
    assert_eq!(typo.problem(), (404, "not_found".to_owned()));
    assert!(typo.detail().contains("no such flag"), "{}", typo.detail());
    let nobody = put(&api, &format!("{FLAG}/accounts/nobody"), &json!({"on": true})).await;
    assert_eq!(nobody.problem(), (404, "not_found".to_owned()));
    for (body, field) in [
        (json!({"default": false, "percent": 101}), "percent"),
        (json!({"default": true, "percent": 5}), "percent"),
        (json!({"percent": 5}), "default"),
        (json!({"default": "on"}), "default"),
        (json!({"default": false, "accounts": {}}), "accounts"),
    ] {
        assert_eq!(put(&api, FLAG, &body).await.fields(), [field], "{body}");
    }
    assert_eq!(put(&api, &format!("{FLAG}/accounts/acme"), &json!({})).await.fields(), ["on"]);
    assert_eq!(get(&api, FLAG).await["is_set"], false, "none of them was taken");
}

#[test]
fn the_documented_flags_are_those_there_are() {
    let page = std::fs::read_to_string(crate::schema::root().join("docs/operations.md")).unwrap();
    for flag in Flag::ALL {
        let on = if flag.default() { "yes" } else { "no" };
        let row = format!("| `{}` | {on} | {} |", flag.name(), flag.about());
        assert!(page.contains(&row), "{row}");
    }
}
