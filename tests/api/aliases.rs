//! `/api/v1/aliases`.

use serde_json::{Value, json};

use crate::support::{Api, Reply, Tenant};

async fn put(api: &Api, tenant: &Tenant, name: &str, model: &str) -> Reply {
    let body = json!({"model": model});
    api.put(&format!("/api/v1/aliases/{name}")).key(&tenant.admin).json(&body).send().await
}

#[tokio::test]
async fn an_alias_stands_for_a_line() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let line = "openai:gpt-4.1-mini?temperature=0.2, anthropic:claude-haiku-4-5";
    let alias = put(&api, &acme, "fast", line).await.ok();
    assert_eq!(alias, json!({"name": "fast", "model": line, "updated_at": "2026-11-21T12:00:00.000Z"}));
    assert_eq!(api.get("/api/v1/aliases/fast").key(&acme.member).send().await.ok(), alias);
    put(&api, &acme, "deep", "openai:o3").await.ok();
    put(&api, &acme, "fast", "openai:gpt-5-nano").await.ok();
    let listed = api.get("/api/v1/aliases").key(&acme.member).send().await.ok();
    let pairs: Vec<(&Value, &Value)> =
        listed["data"].as_array().unwrap().iter().map(|alias| (&alias["name"], &alias["model"])).collect();
    assert_eq!(pairs, [(&json!("deep"), &json!("openai:o3")), (&json!("fast"), &json!("openai:gpt-5-nano"))]);
    api.agent(&acme, &json!({"model": "fast, deep"})).await;

    api.delete("/api/v1/aliases/fast").key(&acme.admin).send().await.no_content();
    assert_eq!(api.get("/api/v1/aliases/fast").key(&acme.member).send().await.problem().0, 404);
    assert_eq!(api.delete("/api/v1/aliases/fast").key(&acme.admin).send().await.problem().0, 404);
}

#[tokio::test]
async fn both_names_of_the_endpoint_lead_to_the_same_aliases() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let alias = put(&api, &acme, "fast", "openai:x").await.ok();
    assert_eq!(api.get("/api/v1/model-aliases/fast").key(&acme.member).send().await.ok(), alias);
    let other = json!({"model": "openai:y"});
    api.put("/api/v1/model-aliases/fast").key(&acme.admin).json(&other).send().await.ok();
    let listed = api.get("/api/v1/aliases").key(&acme.member).send().await.ok();
    assert_eq!(listed, api.get("/api/v1/model-aliases").key(&acme.member).send().await.ok());
    assert_eq!(listed["data"][0]["model"], "openai:y");
    api.delete("/api/v1/model-aliases/fast").key(&acme.admin).send().await.no_content();
    assert_eq!(api.get("/api/v1/aliases/fast").key(&acme.member).send().await.problem().0, 404);
}

#[tokio::test]
async fn aliases_are_listed_by_what_one_of_their_models_can_do() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let own = json!({"base_url": "https://llm.example.com"});
    api.put("/api/v1/providers/own").key(&acme.admin).json(&own).send().await.ok();
    for (code, capabilities) in
        [("plain", json!([])), ("tools", json!(["tools"])), ("both", json!(["tools", "images"]))]
    {
        let model = json!({"input_usd_per_mtok": "1", "output_usd_per_mtok": "1", "context_tokens": 1000,
            "max_output_tokens": 100, "capabilities": capabilities});
        let path = format!("/api/v1/models/own/{code}");
        api.put(&path).key(&acme.admin).json(&model).send().await.ok();
    }
    for (name, line) in [
        ("a", "own:plain"),
        ("b", "own:plain, own:tools"),
        ("c", "own:both?temperature=0"),
        ("d", "own:tools, own:images-of-no-row"),
    ] {
        put(&api, &acme, name, line).await.ok();
    }
    for (query, expected) in [
        ("", "abcd"),
        ("?capability=tools", "bcd"),
        ("?capability=images", "cd"),
        ("?capability=tools,images", "cd"),
        ("?capability=reasoning", ""),
    ] {
        for path in ["/api/v1/aliases", "/api/v1/model-aliases"] {
            let listed = api.get(&format!("{path}{query}")).key(&acme.member).send().await.ok();
            let names: String = listed["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|alias| alias["name"].as_str().unwrap())
                .collect();
            assert_eq!(names, expected, "{path}{query}");
        }
    }
    let refused = api.get("/api/v1/aliases?capability=telepathy").key(&acme.member).send().await;
    assert_eq!(refused.fields(), ["capability"]);
}

#[tokio::test]
async fn an_alias_of_nonsense_is_refused() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    for (name, line, field) in [
        ("fast", "", "model"),
        ("fast", "openai:", "model"),
        ("fast", "openai:x?temperature=9", "model"),
        ("fast", "openai:x, smart", "model"),
        ("fast", "fast", "model"),
        ("No_Name", "openai:x", "name"),
    ] {
        assert_eq!(put(&api, &acme, name, line).await.fields(), [field], "{line}");
    }
    let pointed = put(&api, &acme, "fast", "openai:x, smart").await;
    assert!(pointed.detail().contains("character 11"), "{}", pointed.detail());
}

#[tokio::test]
async fn an_account_has_at_most_a_hundred_aliases() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    for n in 0..100 {
        put(&api, &acme, &format!("a{n}"), "openai:x").await.ok();
    }
    assert_eq!(put(&api, &acme, "a100", "openai:x").await.problem(), (409, "conflict".to_owned()));
    put(&api, &acme, "a7", "openai:y").await.ok();
}
