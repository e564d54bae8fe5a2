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

    let named = api.delete("/api/v1/aliases/fast").key(&acme.admin).send().await;
    assert_eq!(named.problem(), (409, "conflict".to_owned()));
    assert!(named.detail().contains("agent triage"), "{}", named.detail());
    api.delete("/api/v1/aliases/fast?force=true").key(&acme.admin).send().await.no_content();
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
        ("No%20Name", "openai:x", "name"),
        (".hidden", "openai:x", "name"),
    ] {
        assert_eq!(put(&api, &acme, name, line).await.fields(), [field], "{line}");
    }
    let pointed = put(&api, &acme, "fast", "openai:x, smart").await;
    assert!(pointed.detail().contains("`smart`"), "{}", pointed.detail());
    put(&api, &acme, "smart", "openai:x").await.ok();
    let pointed = put(&api, &acme, "fast", "openai:x, smart").await;
    assert!(pointed.detail().contains("character 11"), "{}", pointed.detail());
}

/// config-05.
#[tokio::test]
async fn an_alias_may_be_called_as_a_model_is_and_stand_for_one_as_people_write_it() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    crate::models::catalogue(&api, &[("openai", "gpt-4.1-mini"), ("openai", "gpt-4o")]);
    assert_eq!(put(&api, &acme, "gpt-4.1-mini", "openai/gpt-4o").await.ok()["model"], "openai:gpt-4o");
    let agent = api.agent(&acme, &json!({"model": "gpt-4.1-mini"})).await;
    assert_eq!(agent["model"], "gpt-4.1-mini", "the alias before the catalogue's model of this code");
    let file = json!({"agents": [{"name": "Triage Agent", "instructions": "You sort.", "model": "gpt-4.1-mini",
        "voice": "cartesia:sonic", "modality": "audio_only", "panels": ["notepad"], "tools": ["web_search"]}]});
    api.post("/api/v1/agents/import").key(&acme.admin).json(&file).send().await.ok();
    put(&api, &acme, "fast", "gpt-4o?temperature=1").await.ok();
    let shown = api.get("/api/v1/aliases/fast").key(&acme.member).send().await.ok();
    assert_eq!(shown["model"], "openai:gpt-4o?temperature=1");
    let template = json!({"definition": {"model": "gpt-4o", "system_prompt": "Hi"}});
    let template = api.put("/api/v1/templates/t").key(&acme.admin).json(&template).send().await.ok();
    assert_eq!(template["definition"], json!({"model": "openai:gpt-4o", "instructions": "Hi"}));
}

/// What lines name is not taken away from under them.
#[tokio::test]
async fn a_model_or_an_alias_that_lines_name_is_kept_unless_forced() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    crate::models::catalogue(&api, &[("openai", "listed")]);
    let price = json!({"input_usd_per_mtok": 1, "output_usd_per_mtok": 1, "context_tokens": 9, "max_output_tokens": 9,
        "capabilities": []});
    for path in ["own/m", "own/m2", "openai/listed"] {
        api.put(&format!("/api/v1/models/{path}")).key(&acme.admin).json(&price).send().await.ok();
    }
    put(&api, &acme, "fast", "own:m").await.ok();
    let template = json!({"definition": {"model": "own:m?temperature=0, openai:listed"}});
    api.put("/api/v1/templates/t").key(&acme.admin).json(&template).send().await.ok();
    api.agent(&acme, &json!({"slug": "a", "model": "own:m2, openai:listed"})).await;
    api.agent(&acme, &json!({"slug": "gone", "model": "own:m2"})).await;
    api.delete("/api/v1/agents/gone").key(&acme.admin).send().await.no_content();
    let delete = |path: &str| api.delete(&format!("/api/v1/models/{path}")).key(&acme.admin).send();
    let refused = delete("own/m").await;
    assert_eq!(refused.problem(), (409, "conflict".to_owned()));
    assert!(refused.detail().contains("alias fast, template t"), "{}", refused.detail());
    assert!(delete("own/m2").await.detail().contains("agent a."), "m is not m2");
    delete("openai/listed").await.no_content();
    delete("own/m?force=true").await.no_content();
    delete("own/m2?force=false").await.problem();
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
