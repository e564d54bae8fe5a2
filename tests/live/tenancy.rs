//! Two accounts cannot see each other, by any route there is.
//!
//! The routes are those of the OpenAPI document, so a route that is added is tried without anyone remembering to.

use hyper::Method;
use serde_json::{Value, json};

use crate::emulator::{Price, Script};
use crate::harness::{Account, Agent, App, Reply, live};

/// Not an account's: the platform's own, and the operator's.
const COMMON: [&str; 5] = ["/", "/health", "/openapi.json", "/docs", "/api/v1/accounts"];
/// Routes on names within the asking account, where writing another account's name makes a row of one's own.
const OWN_NAMES: [&str; 6] = [
    "/api/v1/providers/",
    "/api/v1/models/",
    "/api/v1/aliases/",
    "/api/v1/model-aliases/",
    "/api/v1/templates/",
    "/api/v1/webhooks/",
];

/// Everything of an account that its own admin can read.
async fn view(account: &Account, agent: &Agent) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for path in ["agents", "providers", "aliases", "models?limit=200"].map(|name| format!("/api/v1/{name}")) {
        all.push((path.clone(), account.get(&path).await.expect(200).json()));
    }
    for path in [
        agent.api(""),
        agent.api("/budget"),
        agent.api("/calls"),
        format!("/api/v1/accounts/{}/keys", account.slug),
    ] {
        all.push((path.clone(), account.get(&path).await.expect(200).json()));
    }
    all
}

/// The ways to name the victim's things in a route.
fn fill(route: &str, victim: &Agent, model: &str, by_id: bool) -> String {
    let account = &victim.account;
    let pick = |slug: &str, id: &str| if by_id { id.to_owned() } else { slug.to_owned() };
    let filled = route
        .replace("{account}", &pick(&account.slug, &account.id))
        .replace("{agent}", &pick(&victim.slug, &victim.id))
        .replace("{key}", &account.caller.id)
        .replace("{provider}", "hidden")
        .replace("{name}", "hidden")
        .replace("{template}", "hidden")
        .replace("{member}", &account.caller.id)
        .replace("{flag}", "account_wide")
        .replace("{model}", &pick(&victim.slug, &victim.id))
        .replace("{thread}", "hidden")
        .replace("{run}", "019af00000007000800000000000000000000001")
        .replace("{response}", "resp_019af00000007000800000000000000000000001")
        .replace("{conversation}", "conv_019af000000070008000000000000000")
        .replace("{item}", "msg_019af00000007000800000000000000000000001-1")
        .replace("{memory}", "019af000-0000-7000-8000-000000000001")
        .replace("{delivery}", "msg_hidden")
        .replace("{user}", "hidden")
        .replace("{erasure}", "019af000-0000-7000-8000-000000000001")
        .replace("{object}", "hidden")
        .replace("{version}", "1");
    let code = filled.find("{code").map_or(filled.len(), |at| at);
    let filled = if code < filled.len() { format!("{}{model}", &filled[..code]) } else { filled };
    assert!(!filled.contains('{'), "teach this test the parameters of {route}");
    filled
}

/// A body that the route would take from its owner.
fn body(route: &str) -> Value {
    match route {
        _ if route.ends_with("/keys") => json!({"name": "spare", "role": "admin"}),
        _ if route.ends_with("/budget") => json!({"limit_usd": "9", "period": "day", "action": "notify"}),
        _ if route.contains("/providers/") => {
            json!({"wire": "openai", "base_url": "https://example.com/v1", "api_key": "sk-mine"})
        }
        _ if route.contains("aliases/") => json!({"model": "openai:gpt-4.1-mini"}),
        _ if route.contains("/templates/") => json!({"definition": {"instructions": "Be mine."}}),
        _ if route.ends_with("/import") => json!([]),
        _ if route.ends_with("/duplicate") || route.ends_with("/restore") => json!({}),
        _ if route.ends_with("/rollback") => json!({"version": 1}),
        _ if route.ends_with("/status") => json!({"status": "inactive"}),
        _ if route.contains("/members") => {
            json!({"name": "Me", "email": "me@example.com", "role": "member"})
        }
        _ if ["/profile", "/rotate", "/test", "/resend", "/hold"].iter().any(|end| route.ends_with(end)) => {
            json!({})
        }
        _ if route.contains("/webhooks/") => json!({"url": "https://example.com/in"}),
        _ if route.contains("/memories") => json!({"text": "Mine now."}),
        _ if route.ends_with("/items") => json!({"items": [{"role": "user", "content": "hello"}]}),
        _ if route.ends_with("/inputs") => json!({"inputs": [{"message": "hello"}]}),
        _ if route.ends_with("/priority") => json!({"priority": "high"}),
        _ if ["/cancel", "/pause", "/resume", "/fork", "/tokens"].iter().any(|end| route.ends_with(end)) => {
            json!({})
        }
        _ if route.ends_with("/threads/{thread}") => json!({"title": "Mine now"}),
        _ if route.contains("/models/") => json!({
            "input_usd_per_mtok": "7", "output_usd_per_mtok": "7", "context_tokens": 1000,
            "max_output_tokens": 100, "capabilities": [],
        }),
        _ if route.ends_with("/chat") || route.ends_with("/stream") => json!({"message": "hello"}),
        _ if route.ends_with("/v1/embeddings")
            || route.ends_with("/v1/responses")
            || route.ends_with("/compact") =>
        {
            json!({"model": "m", "input": "hello"})
        }
        _ if route.contains("/v1/conversations") => json!({"metadata": {"mine": "now"}}),
        _ if route.ends_with("/completions") => {
            json!({"model": "m", "messages": [{"role": "user", "content": "hello"}]})
        }
        _ => {
            json!({"name": "Mine now", "instructions": "Be mine.", "model": "openai:gpt-4.1-mini", "access": "key"})
        }
    }
}

async fn ask(app: &App, method: &str, path: &str, route: &str, key: &str) -> Reply {
    let method: Method = method.to_uppercase().parse().expect("a method");
    let call = app.client.call(method.clone(), path).key(key);
    if method == Method::GET { call.send().await } else { call.json(&body(route)).send().await }
}

fn refuses(reply: &Reply) -> bool {
    matches!(reply.status, 401 | 403 | 404)
}

#[test]
fn two_accounts_cannot_see_each_other_by_any_route() {
    live(async |app| {
        let (intruder, owner) = (app.account().await, app.account().await);
        owner.provider("hidden", "openai", &app.emulator.origin()).await.expect(200);
        let model = owner.model_of("hidden", Price::output_only(1), Script::default()).await;
        owner
            .put("/api/v1/aliases/hidden", &json!({"model": format!("hidden:{}", model.code)}))
            .await
            .expect(200);
        let template = json!({"definition": {"instructions": "Only the owner's."}});
        owner.put("/api/v1/templates/hidden", &template).await.expect(200);
        let victim = owner.agent("hidden").capped(1_000_000).create().await;
        victim.chat("hello").await.expect(200);
        victim.closed_books().await;
        let before = view(&owner, &victim).await;
        let secrets = [&victim.id, &victim.slug, &owner.id, &owner.caller.id, &model.code];

        let document = app.get("/openapi.json").await.expect(200).json();
        let routes = document["paths"].as_object().expect("the document has paths");
        let mut tried = 0;
        // PUT last: it makes rows of the intruder's own, under the names it tries.
        for method in ["get", "delete", "post", "patch", "put"] {
            for (route, _) in routes.iter().filter(|(_, methods)| methods.get(method).is_some()) {
                if COMMON.contains(&route.as_str()) {
                    continue;
                }
                for (by_id, key) in
                    [(false, &intruder.admin), (true, &intruder.admin), (true, &intruder.caller)]
                {
                    let path = fill(route, &victim, &model.code, by_id);
                    let reply = ask(app, method, &path, route, &key.secret).await;
                    let makes_own = method == "put" && OWN_NAMES.iter().any(|names| route.starts_with(names));
                    // A list, or a route that names nothing of another's, may answer, with the asker's own.
                    // Persons are whoever the asker's own agents talk to.
                    let names_nothing = !route.contains('{') || route.starts_with("/api/v1/users/");
                    let answer = format!("{method} {path}: {} {}", reply.status, reply.text());
                    assert!(refuses(&reply) || makes_own || names_nothing, "{answer}");
                    let told = secrets.iter().find(|secret| {
                        method == "get"
                            && reply.text().contains(secret.as_str())
                            && !path.contains(secret.as_str())
                    });
                    assert!(told.is_none(), "{answer} tells {told:?}");
                    tried += 1;
                }
            }
        }
        assert!(tried >= 3 * 20, "only {tried} tries: the document is not whole");
        assert_eq!(view(&owner, &victim).await, before, "nothing of the owner's has changed");
        assert_eq!(model.seen_count(), 1, "the owner's model was asked by its owner only");
    });
}

#[test]
fn another_accounts_agent_is_not_found_rather_than_forbidden() {
    live(async |app| {
        let (intruder, owner) = (app.account().await, app.account().await);
        let model = owner.model(Price::default(), Script::default()).await;
        let victim = owner.agent(&format!("emu:{}", model.code)).create().await;
        for path in [
            victim.api(""),
            format!("/api/v1/agents/{}", victim.id),
            victim.api("/calls"),
            victim.api("/budget"),
        ] {
            assert_eq!(intruder.get(&path).await.expect(404).problem(), "not_found");
        }
        let call = intruder.call(Method::POST, &victim.path("/chat")).json(&json!({"message": "hello"}));
        let there = call.send().await;
        let call = intruder.call(Method::POST, &victim.path("-nope/chat")).json(&json!({"message": "hello"}));
        let nowhere = call.send().await;
        assert!(refuses(&there));
        assert_eq!(
            (there.status, there.problem()),
            (nowhere.status, nowhere.problem()),
            "no telling which exist"
        );
    });
}

#[test]
fn a_key_opens_what_its_role_allows_and_nothing_else() {
    live(async |app| {
        let account = app.account().await;
        let model = account.model(Price::default(), Script::default()).await;
        let line = format!("emu:{}", model.code);
        let (agent, other) = (account.agent(&line).create().await, account.agent(&line).create().await);
        let confined = account.key(&json!({"name": "c", "role": "caller", "agents": [agent.slug]})).await;
        let member = account.key(&json!({"name": "m", "role": "member"})).await;
        let chat = |agent: &Agent, key: &str| {
            let call = account.anonymous(Method::POST, &agent.path("/chat")).key(key);
            call.json(&json!({"message": "hello"})).send()
        };
        chat(&agent, &confined.secret).await.expect(200);
        assert!(matches!(chat(&other, &confined.secret).await.status, 403 | 404));
        chat(&other, &member.secret).await.expect(200);
        let ask = async |method: &str, path: &str, key: &str| ask(app, method, path, path, key).await;
        let seen = ask("get", "/api/v1/agents", &confined.secret).await.expect(200).text().to_owned();
        assert!(seen.contains(&agent.slug) && !seen.contains(&other.slug), "{seen}");
        assert!(!seen.contains("instructions") && !seen.contains("budget"), "{seen}");
        ask("get", "/api/v1/agents", &member.secret).await.expect(200);
        assert_eq!(ask("put", &agent.api(""), &member.secret).await.expect(403).problem(), "forbidden");
        let account_body = json!({"slug": "mine", "name": "Mine"});
        assert_eq!(account.post("/api/v1/accounts", &account_body).await.expect(403).problem(), "forbidden");
        let expired = json!({"name": "e", "role": "caller", "expires_at": "2020-01-01T00:00:00Z"});
        let keys = format!("/api/v1/accounts/{}/keys", account.slug);
        let made = account.post(&keys, &expired).await;
        if made.status == 201 {
            let secret = made.json()["key"].as_str().unwrap_or_default().to_owned();
            assert_eq!(chat(&agent, &secret).await.expect(401).problem(), "unauthenticated");
        } else {
            assert_eq!(made.problem(), "validation_failed");
        }
    });
}
