//! `/api/v1/models`.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Api, Reply, Tenant};

fn model() -> Value {
    json!({
        "input_usd_per_mtok": "0.15", "output_usd_per_mtok": 0.6, "context_tokens": 128_000,
        "max_output_tokens": 16_384, "capabilities": ["streaming", "tools"],
    })
}

fn with(fields: Value) -> Value {
    let mut model = model();
    model.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    model
}

async fn put(api: &Api, tenant: &Tenant, path: &str, body: &Value) -> Reply {
    api.put(&format!("/api/v1/models/{path}")).key(&tenant.admin).json(body).send().await
}

async fn listed(api: &Api, tenant: &Tenant, query: &str) -> Value {
    api.get(&format!("/api/v1/models{query}")).key(&tenant.member).send().await.ok()
}

pub fn catalogue(api: &Api, rows: &[(&str, &str)]) {
    let sql = "INSERT INTO catalogue (provider, code, input_price, output_price, context_tokens, max_output_tokens,
        capabilities, priced_on) VALUES (?1, ?2, 400000000, 1600000000, 1000, 100, '[\"images\",\"telepathy\"]',
        '2026-11-20')";
    api.world.database().with(|db| {
        for (provider, code) in rows {
            db.execute(sql, [provider, code]).unwrap();
        }
    });
}

#[tokio::test]
async fn prices_are_kept_to_the_nano_dollar() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let body = with(json!({
        "cached_input_usd_per_mtok": "0.000000001", "cache_write_usd_per_mtok": 0.1875, "audio_input_usd_per_mtok": "1",
        "long_context": {"above_tokens": 100_000, "input_usd_per_mtok": 1, "output_usd_per_mtok": "2.5",
            "cached_input_usd_per_mtok": 0.25},
    }));
    let put = put(&api, &acme, "openai/gpt-x", &body).await.ok();
    let expected = json!({
        "provider": "openai", "code": "gpt-x", "source": "account", "retired": false,
        "input_usd_per_mtok": "0.150000", "output_usd_per_mtok": "0.600000",
        "cached_input_usd_per_mtok": "0.000000001", "cache_write_usd_per_mtok": "0.187500",
        "audio_input_usd_per_mtok": "1.000000", "context_tokens": 128_000, "max_output_tokens": 16_384, "capabilities": ["tools", "streaming"],
        "long_context": {"above_tokens": 100_000, "input_usd_per_mtok": "1.000000", "output_usd_per_mtok": "2.500000",
            "cached_input_usd_per_mtok": "0.250000", "cache_write_usd_per_mtok": null},
    });
    assert_eq!(put, expected);
    assert_eq!(listed(&api, &acme, "").await, json!({"data": [expected], "next_cursor": null}));
}

#[tokio::test]
async fn the_accounts_row_wins_over_the_platforms() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let other = api.tenant("other").await;
    catalogue(&api, &[("openai", "a"), ("openai", "b"), ("workers-ai", "@cf/meta/llama")]);
    put(&api, &acme, "openai/b", &model()).await.ok();
    put(&api, &acme, "google/c", &model()).await.ok();
    let rows = |page: Value| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        page["data"].as_array().unwrap().iter().map(|m| (text(&m["code"]), text(&m["source"]))).collect()
    };
    let pair = |code: &str, source: &str| (code.to_owned(), source.to_owned());
    let all = [
        pair("c", "account"),
        pair("a", "platform"),
        pair("b", "account"),
        pair("@cf/meta/llama", "platform"),
    ];
    assert_eq!(rows(listed(&api, &acme, "").await), all);
    assert_eq!(
        rows(listed(&api, &other, "").await),
        [pair("a", "platform"), pair("b", "platform"), all[3].clone()]
    );
    let platform = listed(&api, &other, "").await["data"][0].clone();
    assert_eq!(
        (&platform["input_usd_per_mtok"], &platform["capabilities"]),
        (&json!("0.400000"), &json!(["images"]))
    );

    let mut paged = Vec::new();
    let mut query = "?limit=1".to_owned();
    loop {
        let page = listed(&api, &acme, &query).await;
        let next = page["next_cursor"].as_str().map(str::to_owned);
        paged.extend(rows(page));
        let Some(next) = next else { break };
        query = format!("?limit=1&cursor={}", next.replace('/', "%2F").replace('@', "%40"));
    }
    assert_eq!(paged, all);
}

#[tokio::test]
async fn models_are_listed_by_what_they_can_do() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    // The platform's can do `images`; those of the account `streaming` and `tools`.
    catalogue(&api, &[("openai", "a"), ("openai", "c"), ("openai", "e")]);
    for code in ["b", "c", "d"] {
        put(&api, &acme, &format!("openai/{code}"), &model()).await.ok();
    }
    let codes = |page: &Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|m| m["code"].as_str().unwrap().to_owned()).collect()
    };
    for (query, expected) in [
        ("?capability=images", &["a", "e"][..]),
        ("?capability=tools", &["b", "c", "d"]),
        ("?capability=tools,streaming", &["b", "c", "d"]),
        ("?capability=tools&capability=streaming", &["b", "c", "d"]),
        ("?capability=tools&capability=images", &[]),
        ("", &["a", "b", "c", "d", "e"]),
    ] {
        assert_eq!(codes(&listed(&api, &acme, query).await), expected, "{query}");
    }
    let first = listed(&api, &acme, "?capability=tools&limit=2").await;
    assert_eq!(
        (codes(&first), &first["next_cursor"]),
        (vec!["b".to_owned(), "c".to_owned()], &json!("openai/c"))
    );
    let second = listed(&api, &acme, "?capability=tools&limit=2&cursor=openai%2Fc").await;
    assert_eq!((codes(&second), &second["next_cursor"]), (vec!["d".to_owned()], &Value::Null));
    for query in ["?capability=telepathy", "?capability=tools,", "?capability="] {
        let refused = api.get(&format!("/api/v1/models{query}")).key(&acme.member).send().await;
        assert_eq!(refused.fields(), ["capability"], "{query}");
        assert!(refused.detail().contains("json_schema"), "{}", refused.detail());
    }
}

#[tokio::test]
async fn deleting_the_accounts_row_shows_the_platforms_again() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    catalogue(&api, &[("workers-ai", "@cf/meta/llama")]);
    put(&api, &acme, "workers-ai/@cf/meta/llama", &model()).await.ok();
    assert_eq!(listed(&api, &acme, "").await["data"][0]["source"], "account");
    let path = "/api/v1/models/workers-ai/@cf/meta/llama";
    api.delete(path).key(&acme.admin).send().await.no_content();
    assert_eq!(listed(&api, &acme, "").await["data"][0]["source"], "platform");
    for path in [path, "/api/v1/models/No_Name/x"] {
        let gone = api.delete(path).key(&acme.admin).send().await;
        assert_eq!(gone.problem(), (404, "not_found".to_owned()));
    }
}

#[tokio::test]
async fn absurd_numbers_are_refused() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    for (fields, faults) in [
        (json!({"input_usd_per_mtok": -1}), &["input_usd_per_mtok"][..]),
        (json!({"input_usd_per_mtok": "-0.5"}), &["input_usd_per_mtok"]),
        (json!({"input_usd_per_mtok": "NaN"}), &["input_usd_per_mtok"]),
        (json!({"input_usd_per_mtok": 1e300}), &["input_usd_per_mtok"]),
        (json!({"input_usd_per_mtok": "0.0000000001"}), &["input_usd_per_mtok"]),
        (json!({"input_usd_per_mtok": null}), &["input_usd_per_mtok"]),
        (
            json!({"input_usd_per_mtok": 100_000.01, "output_usd_per_mtok": 9e6}),
            &["input_usd_per_mtok", "output_usd_per_mtok"],
        ),
        (json!({"context_tokens": 0, "max_output_tokens": 0}), &["context_tokens", "max_output_tokens"]),
        (json!({"context_tokens": 100_000_001_u64}), &["context_tokens"]),
        (json!({"context_tokens": -1}), &["context_tokens"]),
        (json!({"context_tokens": 1.5}), &["context_tokens"]),
        (json!({"context_tokens": u64::MAX}), &["context_tokens"]),
        (json!({"capabilities": ["tools", "telepathy"]}), &["capabilities"]),
        (
            json!({"long_context": {"above_tokens": 0, "input_usd_per_mtok": 1e6, "output_usd_per_mtok": 1}}),
            &["long_context.above_tokens", "long_context.input_usd_per_mtok"],
        ),
        (
            json!({"long_context": {"above_tokens": 1, "output_usd_per_mtok": 1}}),
            &["long_context.input_usd_per_mtok"],
        ),
    ] {
        assert_eq!(put(&api, &acme, "openai/x", &with(fields.clone())).await.fields(), faults, "{fields}");
    }
    for path in [
        "openai/a%20b",
        "openai/a,b",
        "openai/a%3Fb",
        "openai/%C3%BC",
        &format!("openai/{}", "x".repeat(201)),
    ] {
        assert_eq!(put(&api, &acme, path, &model()).await.fields(), ["code"], "{path}");
    }
    assert_eq!(put(&api, &acme, "No_Name/x", &model()).await.fields(), ["provider"]);
    put(
        &api,
        &acme,
        "openai/x",
        &with(json!({"input_usd_per_mtok": 100_000, "context_tokens": 100_000_000})),
    )
    .await
    .ok();
}

#[tokio::test]
async fn models_are_found_as_people_write_them_wherever_a_line_is() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    catalogue(&api, &[("openai", "gpt-4.1-mini"), ("openai", "gpt-4o"), ("anthropic", "claude-sonnet-4-5")]);
    put(&api, &acme, "own/plain", &model()).await.ok();
    api.put("/api/v1/aliases/fast")
        .key(&acme.admin)
        .json(&json!({"model": "openai:gpt-4o"}))
        .send()
        .await
        .ok();
    for (i, (written, expected)) in [
        ("gpt-4.1-mini", "openai:gpt-4.1-mini"),
        ("openai/gpt-4o", "openai:gpt-4o"),
        (
            "Claude Sonnet 4.5?temperature=0.1, fast, plain",
            "anthropic:claude-sonnet-4-5?temperature=0.1, fast, own:plain",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let agent = api.agent(&acme, &json!({"name": format!("a{i}"), "model": written})).await;
        assert_eq!(agent["model"], expected);
        let patched = json!({"model": written});
        let again = api
            .request(Method::PATCH, &format!("/api/v1/agents/a{i}"))
            .key(&acme.admin)
            .json(&patched)
            .send()
            .await
            .ok();
        assert_eq!(
            (&again["model"], &again["version"]),
            (&json!(expected), &json!(1)),
            "the same line is no change"
        );
        let file = json!([{"name": format!("b{i}"), "instructions": "x", "model": written}]);
        api.post("/api/v1/agents/import").key(&acme.admin).json(&file).send().await.ok();
        let imported = api.get(&format!("/api/v1/agents/b{i}")).key(&acme.member).send().await.ok();
        assert_eq!(imported["model"], expected);
    }
    let body = json!({"name": "x", "instructions": "x", "model": "fast, gpt-4.1-mnii"});
    let refused = api.post("/api/v1/agents/validate").key(&acme.admin).json(&body).send().await;
    assert_eq!(refused.fields(), ["model"]);
    let words = refused.json()["errors"][0]["message"].as_str().unwrap().to_owned();
    assert!(words.contains("`gpt-4.1-mnii`") && words.contains("such as `openai:gpt-4.1-mini`"), "{words}");
}
