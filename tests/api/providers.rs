//! `/api/v1/providers`.

use retinue::domain::ids::AccountId;
use retinue::domain::provider::ProviderName;
use retinue::domain::secret::Secret;
use retinue::domain::vault::{MasterKey, Place, Sealed};
use retinue::ports::Settings;
use serde_json::{Value, json};

use crate::support::{Api, MASTER_KEY, Reply, Tenant, settings};

async fn put(api: &Api, tenant: &Tenant, name: &str, body: &Value) -> Reply {
    api.put(&format!("/api/v1/providers/{name}")).key(&tenant.admin).json(body).send().await
}

/// The provider's key as it is stored, opened.
fn stored(api: &Api, account: AccountId, name: &str) -> Option<String> {
    let sql = "SELECT key_nonce, key_ciphertext FROM providers WHERE account_id = ?1 AND name = ?2";
    let (nonce, ciphertext): (Option<String>, Option<String>) = api
        .world
        .database()
        .with(|db| db.query_row(sql, [&account.to_string(), name], |row| Ok((row.get(0)?, row.get(1)?))))
        .unwrap();
    let sealed = Sealed { nonce: nonce?, ciphertext: ciphertext? };
    let master = MasterKey::parse(MASTER_KEY).unwrap();
    let opened =
        master.open(account, Place::ProviderKey(&ProviderName::parse(name).unwrap()), &sealed).unwrap();
    Some(opened.expose().to_owned())
}

#[tokio::test]
async fn a_well_known_name_implies_wire_and_address() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let provider = put(&api, &acme, "anthropic", &json!({"api_key": "sk-ant-0123456789abcdef"})).await.ok();
    assert_eq!(
        provider,
        json!({
            "name": "anthropic", "wire": "anthropic", "base_url": "https://api.anthropic.com/v1",
            "key_last4": "cdef", "dialect": null,
            "created_at": "2026-11-21T12:00:00.000Z", "updated_at": "2026-11-21T12:00:00.000Z",
        })
    );
    assert_eq!(stored(&api, acme.id, "anthropic").as_deref(), Some("sk-ant-0123456789abcdef"));
    let google = put(&api, &acme, "google", &json!({})).await.ok();
    assert_eq!(
        (&google["name"], &google["wire"], &google["key_last4"]),
        (&json!("gemini"), &json!("gemini"), &Value::Null)
    );
    let got = api.get("/api/v1/providers/google").key(&acme.member).send().await.ok();
    assert_eq!(got, google);
    let binding = put(&api, &acme, "workers-ai", &json!({})).await.ok();
    assert_eq!(binding["base_url"], Value::Null);
    let listed = api.get("/api/v1/providers").key(&acme.member).send().await;
    assert!(!String::from_utf8_lossy(&listed.body).contains("sk-ant"));
    let names: Vec<Value> =
        listed.ok()["data"].as_array().unwrap().iter().map(|p| p["name"].clone()).collect();
    assert_eq!(names, ["anthropic", "gemini", "workers-ai"]);
}

#[tokio::test]
async fn any_other_name_is_a_server_at_its_base_url() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let body = json!({"base_url": "https://LLM.example.com:443/v1/"});
    let provider = put(&api, &acme, "my-server", &body).await.ok();
    assert_eq!(provider["wire"], "openai");
    assert_eq!(provider["base_url"], "https://llm.example.com/v1");
    assert_eq!(put(&api, &acme, "my-server", &json!({})).await.fields(), ["base_url"]);
    assert_eq!(put(&api, &acme, "openai", &json!({"wire": "gemini"})).await.fields(), ["base_url"]);
}

#[tokio::test]
async fn a_stored_key_stays_only_where_it_was_given() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let first = json!({"base_url": "https://a.example.com/v1", "api_key": "key-0123456789abcdef"});
    put(&api, &acme, "mine", &first).await.ok();
    api.world.clock().advance(1_000);
    let same = put(&api, &acme, "mine", &json!({"base_url": "https://a.example.com/v1"})).await.ok();
    assert_eq!(
        (&same["key_last4"], &same["created_at"]),
        (&json!("cdef"), &json!("2026-11-21T12:00:00.000Z"))
    );
    assert_eq!(same["updated_at"], "2026-11-21T12:00:00.000Z", "what changes nothing is not written");
    for moved in [
        json!({"base_url": "https://evil.example.com/v1"}),
        json!({"base_url": "https://a.example.com/v1", "wire": "anthropic"}),
    ] {
        assert_eq!(put(&api, &acme, "mine", &moved).await.fields(), ["api_key"]);
    }
    assert_eq!(stored(&api, acme.id, "mine").as_deref(), Some("key-0123456789abcdef"));
    let moved = json!({"base_url": "https://b.example.com/v1", "api_key": "other-0123456789abc"});
    put(&api, &acme, "mine", &moved).await.ok();
    assert_eq!(stored(&api, acme.id, "mine").as_deref(), Some("other-0123456789abc"));
    let removed = json!({"base_url": "https://c.example.com/v1", "api_key": null});
    assert!(put(&api, &acme, "mine", &removed).await.ok()["key_last4"].is_null());
    assert_eq!(stored(&api, acme.id, "mine"), None);
    put(&api, &acme, "mine", &json!({"base_url": "https://d.example.com/v1"})).await.ok();
}

#[tokio::test]
async fn the_documented_address_may_be_written_out() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    put(&api, &acme, "openai", &json!({"api_key": "sk-0123456789abcdef"})).await.ok();
    let written = put(&api, &acme, "openai", &json!({"base_url": "https://api.openai.com/v1"})).await.ok();
    assert_eq!(written["key_last4"], "cdef");
    put(&api, &acme, "openai", &json!({"wire": "workers-ai"})).await.ok();
    assert_eq!(stored(&api, acme.id, "openai"), None, "a binding needs no key");
}

#[tokio::test]
async fn addresses_inside_are_refused() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    for url in [
        "http://api.example.com/v1",
        "https://127.0.0.1/v1",
        "http://localhost:8080/v1",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://10.0.0.8/v1",
        "https://metadata.google.internal/",
        "https://u:p@example.com/",
        "https://example.com/v1?key=1",
        "ftp://example.com/",
        "nonsense",
        "",
        "https://0x7f.1/",
    ] {
        assert_eq!(put(&api, &acme, "mine", &json!({"base_url": url})).await.fields(), ["base_url"], "{url}");
    }
    let developing = Api::with(Settings { allow_loopback: true, ..settings() });
    let acme = developing.tenant("acme").await;
    put(&developing, &acme, "local", &json!({"base_url": "http://127.0.0.1:8080/v1"})).await.ok();
    let inside = put(&developing, &acme, "local", &json!({"base_url": "http://10.0.0.8/v1"})).await;
    assert_eq!(inside.fields(), ["base_url"]);
}

#[tokio::test]
async fn every_fault_of_a_provider_is_named() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    for (name, body, fields) in [
        ("mine", json!({"base_url": "x", "api_key": ""}), &["base_url", "api_key"][..]),
        ("openai", json!({"api_key": "two\nlines"}), &["api_key"]),
        ("openai", json!({"api_key": "umläut-key-0123456"}), &["api_key"]),
        ("openai", json!({"api_key": "x".repeat(9_000)}), &["api_key"]),
        ("openai", json!({"api_key": 17}), &["api_key"]),
        ("openai", json!({"wire": "soap"}), &["wire"]),
        ("openai", json!({"key": "sk-1"}), &["key"]),
        ("workers-ai", json!({"base_url": "https://example.com", "api_key": "k"}), &["base_url", "api_key"]),
        ("No_Name", json!({}), &["name"]),
        ("openai", json!({"dialect": {"sistem": "one"}}), &["dialect.sistem"]),
        ("openai", json!({"dialect": {"system": "two"}}), &["dialect.system"]),
        (
            "openai",
            json!({"dialect": {"call_ids": {"alphabet": "words", "min": 9, "max": 8}, "max_temperature": 3,
                "extras": {"top_j": "", "web_search_options": "x", "top_k": "a b"}}}),
            &[
                "dialect.call_ids",
                "dialect.max_temperature",
                "dialect.extras.top_j",
                "dialect.extras.top_k",
                "dialect.extras.web_search_options",
            ],
        ),
        (
            "openai",
            json!({"dialect": {"extras": {"top_k": "max_tokens", "min_p": "messages", "store": "service_tier",
                "top_a": "same", "verbosity": "same"}}}),
            &[
                "dialect.extras.min_p",
                "dialect.extras.store",
                "dialect.extras.top_k",
                "dialect.extras.verbosity",
            ],
        ),
        (
            "openai",
            json!({"dialect": {"models": [
                {"model": "", "dialect": {}},
                {"model": "a*", "dialect": {"models": [{"model": "b", "dialect": {}}]}},
            ]}}),
            &["dialect.models[0].model", "dialect.models[1].dialect.models"],
        ),
    ] {
        let refused = put(&api, &acme, name, &body).await;
        assert_eq!(refused.fields(), fields, "{body}");
        assert!(!refused.detail().contains("umläut"), "a key is never sent back");
    }
}

#[tokio::test]
async fn what_is_said_of_a_server_is_kept_and_shown() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let dialect = json!({"system": "one", "call_ids": {"alphabet": "alphanumeric", "min": 9, "max": 9},
        "extras": {"top_k": "topk", "store": ""},
        "models": [{"model": "glm-*", "dialect": {"temperature": "never"}}]});
    let body = json!({"base_url": "https://llm.example.com/v1", "api_key": null, "dialect": dialect});
    let put_one = put(&api, &acme, "mine", &body).await.ok();
    assert_eq!(put_one["dialect"], dialect);
    let got = api.get("/api/v1/providers/mine").key(&acme.member).send().await.ok();
    assert_eq!(got, put_one);
    let log = api.get("/api/v1/changes?subject=provider").key(&acme.admin).send().await.ok();
    assert_eq!(log["data"][0]["after"]["dialect"]["system"], "one");
    let again = put(&api, &acme, "mine", &body).await.ok();
    assert_eq!(again["updated_at"], put_one["updated_at"], "the same again changes nothing");
    let patch = json!({"dialect": {"system": null, "stop": false}});
    let patched = api
        .request(axum::http::Method::PATCH, "/api/v1/providers/mine")
        .key(&acme.admin)
        .json(&patch)
        .send()
        .await
        .ok();
    assert_eq!((&patched["dialect"]["system"], &patched["dialect"]["stop"]), (&Value::Null, &json!(false)));
    assert_eq!(patched["dialect"]["extras"], dialect["extras"]);
    let bare = json!({"base_url": "https://llm.example.com/v1"});
    assert_eq!(put(&api, &acme, "mine", &bare).await.ok()["dialect"], Value::Null);
}

#[tokio::test]
async fn without_a_master_key_only_sealing_fails() {
    for master_key in [None, Some("short"), Some("AAAA"), Some("")] {
        let master_key = master_key.map(|text| Secret::new(text.to_owned()));
        let api = Api::with(Settings { master_key, ..settings() });
        let acme = api.tenant("acme").await;
        put(&api, &acme, "openai", &json!({})).await.ok();
        let failed = put(&api, &acme, "openai", &json!({"api_key": "sk-0123456789abcdef"})).await;
        assert_eq!(failed.problem(), (500, "misconfigured".to_owned()));
        assert!(api.world.take_log().iter().any(|line| line.contains("MASTER_KEY")));
        assert_eq!(stored(&api, acme.id, "openai"), None);
    }
}

#[tokio::test]
async fn a_deleted_provider_is_gone() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    put(&api, &acme, "openai", &json!({"api_key": "sk-0123456789abcdef"})).await.ok();
    api.delete("/api/v1/providers/openai").key(&acme.admin).send().await.no_content();
    for name in ["openai", "never", "No%20Name"] {
        let path = format!("/api/v1/providers/{name}");
        let gone = api.get(&path).key(&acme.member).send().await;
        assert_eq!(gone.problem(), (404, "not_found".to_owned()));
        let gone = api.delete(&path).key(&acme.admin).send().await;
        assert_eq!(gone.problem(), (404, "not_found".to_owned()));
    }
}

#[tokio::test]
async fn an_account_has_at_most_a_hundred_providers() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let body = json!({"base_url": "https://api.example.com"});
    for n in 0..100 {
        put(&api, &acme, &format!("p{n}"), &body).await.ok();
    }
    assert_eq!(put(&api, &acme, "p100", &body).await.problem(), (409, "conflict".to_owned()));
    put(&api, &acme, "p7", &json!({"base_url": "https://other.example.com"})).await.ok();
}
