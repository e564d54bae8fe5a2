//! `GET /api/v1/agents`: which agents there are, and whether they can be called.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Api, Reply, Tenant};

async fn world() -> (Api, Tenant) {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    (api, acme)
}

async fn list(api: &Api, tenant: &Tenant, query: &str) -> Reply {
    api.get(&format!("/api/v1/agents{query}")).key(&tenant.member).send().await
}

async fn slugs(api: &Api, tenant: &Tenant, query: &str) -> Vec<String> {
    of_page(&list(api, tenant, query).await.ok())
}

fn of_page(page: &Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(|agent| agent["slug"].as_str().unwrap().to_owned()).collect()
}

/// Six agents, one of them archived, oldest first: a to f.
async fn furnished() -> (Api, Tenant) {
    let (api, acme) = world().await;
    for (slug, name, kind, status, labels) in [
        ("a", "Mail Sorter", "router", "active", json!(["x", "y"])),
        ("b", "Mailing Lists", "sales", "active", json!(["x"])),
        ("c", "Sort of e-mail", "router", "draft", json!(["x"])),
        ("d", "Ärger Dienst", "sales", "draft", json!([])),
        ("e", "Other", "our-own", "inactive", json!(["y"])),
        ("f", "Mail of old", "router", "active", json!(["x"])),
    ] {
        let fields = json!({"slug": slug, "name": name, "type": kind, "status": status, "labels": labels});
        api.agent(&acme, &fields).await;
        api.world.clock().advance(1);
    }
    api.delete("/api/v1/agents/f").key(&acme.admin).send().await.no_content();
    (api, acme)
}

#[tokio::test]
async fn every_filter_narrows_and_all_of_them_together() {
    let (api, acme) = furnished().await;
    let eve = api.tenant("eve").await;
    api.agent(&eve, &json!({"slug": "a", "labels": ["x"], "type": "router", "name": "Mail"})).await;
    for (query, expected) in [
        ("", "e d c b a"),
        ("?status=active", "b a"),
        ("?status=draft", "d c"),
        ("?status=published", ""),
        ("?status=archived", "f"),
        ("?type=router", "c a"),
        ("?type=our-own", "e"),
        ("?type=nothing", ""),
        ("?status=active&type=router", "a"),
        ("?status=archived&type=router", "f"),
        ("?status=archived&type=sales", ""),
        ("?label=x", "c b a"),
        ("?label=X", ""),
        ("?label=x&status=active", "b a"),
        ("?label=x&type=router", "c a"),
        ("?label=x&status=active&type=router", "a"),
        ("?label=x&status=archived", "f"),
        ("?label=y&status=archived", ""),
        ("?q=mail", "c b a"),
        ("?q=MAIL", "c b a"),
        ("?q=mail+sort", "c a"),
        ("?q=sort%20of", "c"),
        ("?q=ail", ""),
        ("?q=%C3%84rg", "d"),
        ("?q=d", "d"),
        ("?q=mail&type=router", "c a"),
        ("?q=mail&status=active", "b a"),
        ("?q=mail&label=y", "a"),
        ("?q=mail+sorter&label=x&status=active&type=router", "a"),
        ("?q=mail&status=archived", "f"),
        ("?q=mail&status=archived&label=x&type=router", "f"),
        ("?q=mail&status=archived&label=y", ""),
        ("?q=!", "e d c b a"),
        ("?q=", "e d c b a"),
        ("?q=%25", "e d c b a"),
    ] {
        assert_eq!(slugs(&api, &acme, query).await.join(" "), expected, "{query}");
    }
    let of_account = api.get("/accounts/acme/agents?status=active&limit=1").key(&acme.member).send().await;
    assert_eq!(of_page(&of_account.ok()), ["b"]);
}

#[tokio::test]
async fn what_cannot_be_asked_is_named_at_once() {
    let (api, acme) = world().await;
    let words: Vec<String> = (0..17).map(|n| n.to_string()).collect();
    let query = format!("?status=finished&limit=0&cursor=x&q={}", words.join("+"));
    let refused = list(&api, &acme, &query).await;
    assert_eq!(refused.fields(), ["status", "q", "limit", "cursor"]);
    let status = list(&api, &acme, "?status=finished").await;
    for known in ["draft", "published", "active", "inactive", "deprecated", "archived"] {
        assert!(status.detail().contains(known), "{}", status.detail());
    }
}

#[tokio::test]
async fn an_agent_is_found_by_what_it_is_now() {
    let (api, acme) = furnished().await;
    let changed = json!({"name": "Quite Else", "labels": ["z"], "type": "sales"});
    api.request(Method::PATCH, "/api/v1/agents/a").key(&acme.admin).json(&changed).send().await.ok();
    for (query, expected) in [
        ("?q=mail", "c b"),
        ("?q=else", "a"),
        ("?label=x", "c b"),
        ("?label=z", "a"),
        ("?type=router", "c"),
        ("?type=sales", "d b a"),
    ] {
        assert_eq!(slugs(&api, &acme, query).await.join(" "), expected, "{query}");
    }
}

#[tokio::test]
async fn pages_stay_right_while_agents_are_added_and_go() {
    for query in [
        "?limit=2",
        "?limit=2&status=active",
        "?limit=2&type=t",
        "?limit=2&status=active&type=t",
        "?limit=2&label=x",
        "?limit=2&q=tri",
        "?limit=2&label=x&q=tri&status=active",
    ] {
        let (api, acme) = world().await;
        let add = async |n: u32| {
            let fields = json!({"slug": format!("s{n}"), "labels": ["x"], "type": "t"});
            api.agent(&acme, &fields).await;
            // Some of them in the same millisecond.
            api.world.clock().advance(i64::from(n % 2));
        };
        for n in 0..7 {
            add(n).await;
        }
        let (mut seen, mut cursor, mut added) = (Vec::new(), String::new(), 7);
        loop {
            let page = list(&api, &acme, &format!("{query}{cursor}")).await.ok();
            seen.extend(of_page(&page));
            add(added).await;
            added += 1;
            let gone = seen.last().unwrap();
            api.delete(&format!("/api/v1/agents/{gone}")).key(&acme.admin).send().await.no_content();
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let mut sorted = seen.clone();
        sorted.sort();
        assert_eq!(sorted, ["s0", "s1", "s2", "s3", "s4", "s5", "s6"], "{query}: each once");
    }
}

async fn discovered(api: &Api, tenant: &Tenant, slug: &str) -> (bool, String, Value) {
    let agent = api.get(&format!("/api/v1/agents/{slug}")).key(&tenant.member).send().await.ok();
    let page = list(api, tenant, "?limit=200").await.ok();
    let listed = page["data"].as_array().unwrap().iter().find(|listed| listed["slug"] == slug).unwrap();
    assert_eq!(listed, &agent, "a list tells as much");
    let problems = agent["problems"].as_array().unwrap().iter().map(|text| text.as_str().unwrap());
    let problems = problems.collect::<Vec<_>>().join("; ");
    (agent["healthy"].as_bool().unwrap(), problems, agent["capabilities"].clone())
}

async fn provider(api: &Api, tenant: &Tenant, name: &str, body: Value) {
    api.put(&format!("/api/v1/providers/{name}")).key(&tenant.admin).json(&body).send().await.ok();
}

async fn model(api: &Api, tenant: &Tenant, name: &str, capabilities: Value) {
    let body = json!({"input_usd_per_mtok": 1, "output_usd_per_mtok": 2, "context_tokens": 1_000,
        "max_output_tokens": 100, "capabilities": capabilities});
    api.put(&format!("/api/v1/models/{name}")).key(&tenant.admin).json(&body).send().await.ok();
}

#[tokio::test]
async fn an_agent_says_where_it_is_called() {
    let (api, acme) = world().await;
    api.agent(&acme, &json!({"slug": "a"})).await;
    let agent = api.get("/accounts/acme/agents/a").key(&acme.member).send().await;
    assert!(!agent.header("etag").is_empty());
    let at = |rest: &str| format!("/accounts/acme/agents/a/{rest}");
    let urls = json!({"chat": at("chat"), "stream": at("stream"), "openai": at("v1"),
        "responses": at("v1"), "anthropic": "/accounts/acme/agents/a", "threads": at("threads")});
    assert_eq!(agent.ok()["urls"], urls);
}

#[tokio::test]
async fn an_agent_is_healthy_when_its_line_leads_to_a_model_that_can_be_called() {
    let (api, acme) = world().await;
    api.agent(&acme, &json!({"slug": "a", "model": "openai:m"})).await;
    let (healthy, problems, _) = discovered(&api, &acme, "a").await;
    assert!(!healthy && problems.contains("provider `openai` is not configured"), "{problems}");
    provider(&api, &acme, "openai", json!({})).await;
    let (healthy, problems, _) = discovered(&api, &acme, "a").await;
    assert!(!healthy && problems.contains("provider `openai` has no key"), "{problems}");
    provider(&api, &acme, "openai", json!({"api_key": "sk-12345678"})).await;
    let (healthy, problems, able) = discovered(&api, &acme, "a").await;
    assert!(healthy && problems.is_empty(), "{problems}");
    assert_eq!(able, json!(["images", "tools", "json_schema", "streaming"]), "nothing is known against it");

    model(&api, &acme, "openai/m", json!(["tools", "reasoning"])).await;
    assert_eq!(discovered(&api, &acme, "a").await.2, json!(["tools", "reasoning"]));
    provider(&api, &acme, "own", json!({"base_url": "https://llm.example.com"})).await;
    api.agent(&acme, &json!({"slug": "b", "model": "own:m"})).await;
    assert!(discovered(&api, &acme, "b").await.0, "a server of its own may do without a key");
    api.agent(&acme, &json!({"slug": "c", "model": "workers-ai:m"})).await;
    assert!(!discovered(&api, &acme, "c").await.0);
}

#[tokio::test]
async fn a_budget_wants_a_price() {
    let (api, acme) = world().await;
    provider(&api, &acme, "openai", json!({"api_key": "sk-12345678"})).await;
    api.agent(&acme, &json!({"slug": "a", "model": "openai:m/n"})).await;
    assert!(discovered(&api, &acme, "a").await.0);
    let budget = json!({"limit_usd": 1, "period": "day"});
    api.put("/api/v1/agents/a/budget").key(&acme.admin).json(&budget).send().await.ok();
    let (healthy, problems, _) = discovered(&api, &acme, "a").await;
    assert!(!healthy && problems.contains("PUT /api/v1/models/openai/m/n"), "{problems}");
    model(&api, &acme, "openai/m/n", json!([])).await;
    assert!(discovered(&api, &acme, "a").await.0);
}

#[tokio::test]
async fn one_model_that_can_be_called_is_enough_and_tells_what_it_can_do() {
    let (api, acme) = world().await;
    provider(&api, &acme, "own", json!({"base_url": "https://llm.example.com"})).await;
    provider(&api, &acme, "openai", json!({})).await;
    model(&api, &acme, "openai/m", json!(["images"])).await;
    model(&api, &acme, "own/n", json!(["tools"])).await;
    api.agent(&acme, &json!({"slug": "a", "model": "openai:m, openai:o, own:n"})).await;
    let (healthy, problems, able) = discovered(&api, &acme, "a").await;
    assert!(healthy && problems.matches("openai").count() == 2, "named once, with its path: {problems}");
    assert_eq!(able, json!(["tools"]));
    api.agent(&acme, &json!({"slug": "b", "model": "openai:m"})).await;
    assert_eq!(discovered(&api, &acme, "b").await.2, json!(["images"]), "of the first when none can");
}

#[tokio::test]
async fn an_alias_that_is_gone_makes_an_agent_ill() {
    let (api, acme) = world().await;
    provider(&api, &acme, "own", json!({"base_url": "https://llm.example.com"})).await;
    let alias = "/api/v1/aliases/fast";
    api.put(alias).key(&acme.admin).json(&json!({"model": "own:m"})).send().await.ok();
    api.agent(&acme, &json!({"slug": "a", "model": "fast"})).await;
    assert!(discovered(&api, &acme, "a").await.0);
    api.delete(&format!("{alias}?force=true")).key(&acme.admin).send().await.no_content();
    let (healthy, problems, able) = discovered(&api, &acme, "a").await;
    assert!(!healthy && problems.contains("`fast`"), "{problems}");
    assert_eq!(able, json!([]));
}

#[tokio::test]
async fn a_page_reads_the_directory_as_often_as_one_agent() {
    let (api, acme) = world().await;
    api.put("/api/v1/aliases/fast").key(&acme.admin).json(&json!({"model": "own:x"})).send().await.ok();
    for n in 0..20 {
        api.agent(&acme, &json!({"slug": format!("s{n}"), "model": format!("openai:m{n}, fast")})).await;
    }
    api.world.faults().take_done();
    list(&api, &acme, "").await.ok();
    let done = api.world.faults().take_done();
    let page = done.iter().position(|query| query == "AGENTS_IN_USE").unwrap();
    assert_eq!(done[page..], ["AGENTS_IN_USE", "ALIASES_NAMED", "MODELS_OF", "PROVIDERS_NAMED"]);
}

/// What a client sees of the agents that it may call.
#[tokio::test]
async fn callers_find_the_agents_they_may_call_and_strangers_the_public_ones() {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let budget = json!({"limit_usd": "1", "period": "day"});
    api.agent(&acme, &json!({"slug": "open", "access": "public", "budget": budget, "description": "Open."}))
        .await;
    let mine =
        api.agent(&acme, &json!({"slug": "mine", "instructions": "Secret words.", "budget": budget})).await;
    api.agent(&acme, &json!({"slug": "other"})).await;
    api.agent(&acme, &json!({"slug": "draft", "status": "draft"})).await;
    let bound = json!({"name": "bound", "role": "caller", "agents": [mine["id"]]});
    let bound = api.issue("acme", &bound).await;
    let slugs = |page: &Value| {
        let rows = page["data"].as_array().unwrap().iter();
        rows.map(|row| row["slug"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let path = "/accounts/acme/agents";
    let all = api.get(path).key(&acme.caller).send().await.ok();
    let mut sorted = slugs(&all);
    sorted.sort_unstable();
    assert_eq!(sorted, ["mine", "open", "other"], "none whose calls are not answered");
    assert_eq!(slugs(&api.get("/api/v1/agents").key(&acme.caller).send().await.ok()), slugs(&all));
    let one = api.get(path).key(&bound).send().await.ok();
    assert_eq!(slugs(&one), ["mine"]);
    let strangers = api.get(path).send().await.ok();
    assert_eq!(slugs(&strangers), ["open"]);
    assert_eq!(slugs(&api.get(&format!("{path}?q=open")).send().await.ok()), ["open"]);
    // Labels are not shown, so nobody may find them by asking.
    for asked in
        [api.get(&format!("{path}?label=vip")), api.get(&format!("{path}?label=vip")).key(&acme.caller)]
    {
        assert_eq!(asked.send().await.fields(), ["label"]);
    }
    let names: Vec<&String> = strangers["data"][0].as_object().unwrap().keys().collect();
    let mut expected = vec![
        "capabilities",
        "description",
        "healthy",
        "id",
        "modality",
        "name",
        "slug",
        "status",
        "type",
        "url",
        "urls",
    ];
    expected.retain(|name| !names.iter().any(|known| known == name));
    assert!(expected.is_empty() && names.len() == 11, "{names:?}");
    assert_eq!(strangers["data"][0]["url"], "/accounts/acme/agents/open");
    for page in [&all, &one, &strangers] {
        let text = page.to_string();
        for hidden in ["Secret words", "instructions", "budget", "gpt-4.1"] {
            assert!(!text.contains(hidden), "{text}");
        }
    }
    assert_eq!(
        slugs(&api.get(path).key(&acme.member).send().await.ok()).len(),
        4,
        "members see all there is"
    );
    let scoped = api.issue("acme", &json!({"name": "s", "role": "caller", "scopes": ["profile:read"]})).await;
    assert_eq!(api.get(path).key(&scoped).send().await.problem().0, 403);
}

#[tokio::test]
async fn a_stranger_cannot_tell_whether_an_account_is_there() {
    let api = Api::new();
    api.tenant("acme").await;
    let other = api.tenant("other").await;
    for query in ["", "?limit=3", "?status=nonsense", "?cursor=nonsense"] {
        let replies = [
            api.get(&format!("/accounts/acme/agents{query}")).send().await,
            api.get(&format!("/accounts/nobody/agents{query}")).send().await,
            api.get(&format!("/accounts/No%20Slug/agents{query}")).send().await,
        ];
        let seen: Vec<_> = replies.iter().map(|reply| (reply.status, reply.body.clone())).collect();
        assert!(seen.iter().all(|one| *one == seen[0]), "{query}: {seen:?}");
    }
    assert_eq!(api.get("/accounts/acme/agents").key(&other.caller).send().await.problem().0, 404);
    assert_eq!(api.get("/api/v1/agents").send().await.problem().0, 401);
    // Nor what private agents there are, by a page that is cut or a word that finds them.
    let acme = api.issue("acme", &json!({"name": "more", "role": "admin"})).await;
    for n in 0..3 {
        let agent = json!({"slug": format!("secret-{n}"), "name": "Secret", "instructions": "i", "model": "openai:m"});
        api.post("/api/v1/agents").key(&acme).json(&agent).send().await.created();
    }
    for query in ["?limit=1", "?limit=1&q=secret", "?limit=1&status=active", "?type=simple-chat&limit=1"] {
        let page = api.get(&format!("/accounts/acme/agents{query}")).send().await.ok();
        assert_eq!(page, json!({"data": [], "next_cursor": null}), "{query}");
    }
    let one = json!({"name": "one", "role": "caller", "agents": ["secret-1"]});
    let one = api.issue("acme", &one).await;
    let page = api.get("/accounts/acme/agents?limit=1").key(&one).send().await.ok();
    assert_eq!((&page["data"][0]["slug"], &page["next_cursor"]), (&json!("secret-1"), &Value::Null));
}
