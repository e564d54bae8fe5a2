//! `/api/v1/accounts`.

use serde_json::{Value, json};

use crate::support::{Api, OPERATOR};

#[tokio::test]
async fn the_operator_creates_an_account() {
    let api = Api::new();
    let body = json!({"slug": "acme", "name": "Acme Inc.", "plan": "enterprise"});
    let account = api.post("/api/v1/accounts").key(OPERATOR).json(&body).send().await.created();
    for (field, value) in [
        ("slug", json!("acme")),
        ("name", json!("Acme Inc.")),
        ("plan", json!("enterprise")),
        ("status", json!("active")),
        ("created_at", json!("2026-11-21T12:00:00.000Z")),
    ] {
        assert_eq!(account[field], value);
    }
    let body = json!({"slug": "plain", "name": "Plain"});
    let account =
        api.post("/api/v1/accounts").header("x-api-key", OPERATOR).json(&body).send().await.created();
    assert_eq!(account["plan"], "standard");
}

#[tokio::test]
async fn only_the_operator_does() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let body = json!({"slug": "more", "name": "More"});
    let path = "/api/v1/accounts";
    for key in [&acme.admin, &acme.caller] {
        let refused = api.post(path).key(key).json(&body).send().await;
        assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
    }
    let nobody = api.post(path).json(&body).send().await;
    assert_eq!(nobody.problem(), (401, "unauthenticated".to_owned()));
    assert_eq!(nobody.header("www-authenticate"), "Bearer realm=\"retinue\"");
}

#[tokio::test]
async fn without_an_operator_key_nobody_is_the_operator() {
    for operator_key in [None, Some(retinue::domain::secret::Secret::new(String::new()))] {
        let api = Api::with(retinue::ports::Settings { operator_key, ..crate::support::settings() });
        let body = json!({"slug": "acme", "name": "Acme"});
        for key in [OPERATOR, " ", "x"] {
            let refused = api.post("/api/v1/accounts").key(key).json(&body).send().await;
            assert_eq!(refused.problem().0, 401, "{key:?}");
        }
    }
}

#[tokio::test]
async fn a_slug_is_taken_once() {
    let api = Api::new();
    api.tenant("acme").await;
    let body = json!({"slug": "acme", "name": "Another"});
    let taken = api.post("/api/v1/accounts").key(OPERATOR).json(&body).send().await;
    assert_eq!(taken.problem(), (409, "conflict".to_owned()));
    assert!(taken.detail().contains("account"));
}

async fn faults(api: &Api, body: Value) -> Vec<String> {
    api.post("/api/v1/accounts").key(OPERATOR).json(&body).send().await.fields()
}

#[tokio::test]
async fn every_fault_of_an_account_is_named() {
    let api = Api::new();
    assert_eq!(faults(&api, json!({"slug": "No Slug", "name": ""})).await, ["slug", "name"]);
    assert_eq!(
        faults(&api, json!({"slug": "0190b0a0-0000-7000-8000-000000000000", "name": "x"})).await,
        ["slug"]
    );
    assert_eq!(faults(&api, json!({"slug": "a", "name": "two\nlines"})).await, ["name"]);
    assert_eq!(faults(&api, json!({"slug": "a", "name": "\0"})).await, ["name"]);
    assert_eq!(faults(&api, json!({"slug": "a", "name": "   "})).await, ["name"]);
    assert_eq!(faults(&api, json!({"slug": "a", "name": "x".repeat(256)})).await, ["name"]);
    assert_eq!(faults(&api, json!({"slug": "a", "name": "x", "plan": "gold"})).await, ["plan"]);
    assert_eq!(faults(&api, json!({"name": "x"})).await, ["slug"]);
}

#[tokio::test]
async fn an_operators_key_that_could_be_guessed_opens_nothing_and_says_so() {
    let with = |key: &str, allow_loopback: bool| {
        let operator_key = Some(retinue::domain::secret::Secret::new(key.to_owned()));
        Api::with(retinue::ports::Settings { operator_key, allow_loopback, ..crate::support::settings() })
    };
    let list = async |api: &Api, key: &str| api.get("/api/v1/flags").key(key).send().await;
    let (short, long) = ("0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcdef");
    let refused = list(&with(short, false), short).await;
    assert_eq!(refused.problem(), (500, "misconfigured".to_owned()));
    assert!(refused.detail().contains("OPERATOR_KEY") && !refused.detail().contains(short), "{refused:?}");
    assert_eq!(list(&with(short, false), "another-key").await.problem().0, 401);
    list(&with(long, false), long).await.ok();
    list(&with("op-test-1", true), "op-test-1").await.ok();
    assert_eq!(list(&with("op-1", true), "op-1").await.problem().0, 500, "not in development, either");
}
