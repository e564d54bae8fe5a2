//! Calls under `/accounts/{account}/v1`, where the body names the agent.

use axum::http::Method;
use retinue::domain::secret::Secret;
use retinue::ports::Settings;
use serde_json::{Value, json};

use crate::ask::{Ask, Face};
use crate::stage::{BIG, Stage};
use crate::support::OPERATOR;

const PAGE: &str = "https://shop.example";
const COMPLETIONS: &str = "/accounts/acme/v1/chat/completions";
const MODELS: &str = "/accounts/acme/v1/models";
const FACES: [Face; 2] = [Face::Completions, Face::CompletionsStream];

/// A call by the account's caller of the agent that the body names.
fn ask<'a>(stage: &'a Stage, face: Face, agent: &str) -> Ask<'a> {
    stage.ask(face, "unnamed").path(COMPLETIONS).json(&face.body(agent))
}

fn models<'a>(stage: &'a Stage, key: &str) -> Ask<'a> {
    stage.request(Method::GET, MODELS).key(key)
}

fn ids(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_bodys_model_names_the_agent_by_slug_or_id() {
    let stage = Stage::new().await;
    let id = stage.api.configured(&stage.acme, "triage").await["id"].as_str().unwrap().to_owned();
    for face in FACES {
        for name in ["triage", &id] {
            stage.then(face.served((10, 5)));
            let reply = ask(&stage, face, name).send().await;
            assert_eq!(
                (reply.status.as_u16(), reply.header("x-agent-version")),
                (200, "1"),
                "{}",
                reply.text()
            );
            assert!(!reply.header("x-call-id").is_empty());
            assert!(reply.text().contains(&format!("\"model\":\"{name}\"")), "{}", reply.text());
        }
    }
    let books = stage.books("triage").await;
    assert_eq!((books.ledger.len(), books.settled), (4, 4 * (10 * BIG.0 + 5 * BIG.1)));
}

#[tokio::test]
async fn what_names_no_agent_of_the_account_is_404() {
    let stage = Stage::new().await;
    let globex = stage.api.tenant("globex").await;
    let theirs = stage.api.agent(&globex, &json!({"slug": "secret-plan"})).await;
    for face in FACES {
        let id = theirs["id"].as_str().unwrap();
        for name in ["nobody", "secret-plan", id, "big", "own:big", "Not_A_Slug", "triage/chat", "a\u{0}"] {
            let reply = ask(&stage, face, name).send().await;
            reply.assert_refusal(404, "not_found");
            let known = "`model` names an agent that the key may call, such as `triage`.";
            assert_eq!(reply.words(), format!("There is no agent `{name}` here. {known}"), "{name}");
        }
        ask(&stage, face, "").send().await.assert_refusal(400, "validation_failed");
    }
    stage.assert_untouched("triage").await;
}

#[tokio::test]
async fn a_good_key_of_the_account_is_needed_whatever_the_body_says() {
    let stage = Stage::new().await;
    stage.agent("open", &json!({"access": "public"})).await;
    let globex = stage.api.tenant("globex").await;
    for body in [Face::Completions.body("open").to_string(), "{".to_owned()] {
        let ask = || stage.ask(Face::Completions, "unnamed").path(COMPLETIONS).bytes(body.clone());
        for ask in [
            ask().anonymous(),
            ask().key("nonsense"),
            ask().key(OPERATOR),
            ask().path("/accounts/nobody/v1/chat/completions").anonymous(),
            ask().path("/accounts/Not_An_Account/v1/chat/completions").anonymous(),
        ] {
            let reply = ask.send().await;
            reply.assert_refusal(401, "unauthenticated");
            assert!(reply.header("www-authenticate").starts_with("Bearer"));
        }
        for ask in [
            ask().key(&globex.admin),
            ask().path("/accounts/nobody/v1/chat/completions"),
            ask().path("/accounts/Not_An_Account/v1/chat/completions"),
        ] {
            ask.send().await.assert_refusal(404, "not_found");
        }
    }
    stage.assert_untouched("open").await;
}

#[tokio::test]
async fn a_key_is_judged_as_behind_the_agent() {
    let stage = Stage::new().await;
    stage.agent("other", &json!({})).await;
    let one = json!({"name": "one", "role": "caller", "agents": ["other"]});
    let key = stage.api.issue("acme", &one).await;
    for face in FACES {
        ask(&stage, face, "triage").key(&key).send().await.assert_refusal(403, "forbidden");
        stage.then(face.served((10, 5)));
        assert_eq!(ask(&stage, face, "other").key(&key).send().await.status, 200);
    }
    stage.write("UPDATE keys SET revoked_at = created_at WHERE account_id = ?1 AND agents IS NOT NULL");
    for face in FACES {
        ask(&stage, face, "other").key(&key).send().await.assert_refusal(401, "unauthenticated");
    }
    models(&stage, &key).send().await.assert_refusal(401, "unauthenticated");
    assert_eq!(stage.books("other").await.ledger.len(), 2);
}

#[tokio::test]
async fn a_key_without_the_scope_of_calls_is_refused_before_the_body() {
    let stage = Stage::new().await;
    let key = json!({"name": "reader", "role": "member", "scopes": ["ledger:read"]});
    let key = stage.api.issue("acme", &key).await;
    for body in [Face::Completions.body("triage").to_string(), "{".to_owned()] {
        let ask = stage.ask(Face::Completions, "unnamed").path(COMPLETIONS).key(&key).bytes(body);
        ask.send().await.assert_refusal(403, "forbidden");
    }
    models(&stage, &key).send().await.assert_refusal(403, "forbidden");
    stage.assert_untouched("triage").await;
}

#[tokio::test]
async fn a_warm_call_reads_no_directory() {
    let stage = Stage::new().await;
    for round in 0..3 {
        stage.then(Face::Completions.served((10, 5)));
        ask(&stage, Face::Completions, "triage").send().await.ok();
        stage.api.world.settled().await;
        let done = stage.api.world.faults().take_done();
        assert!(round == 0 || done == ["admit", "settle"], "{done:?}");
    }
}

#[tokio::test]
async fn any_page_may_send_its_call_and_the_agent_says_who_reads_the_answer() {
    let stage = Stage::new().await;
    stage.agent("shop", &json!({"allowed_origins": [PAGE]})).await;
    for path in [COMPLETIONS, MODELS, "/accounts/nobody/v1/models"] {
        let preflight = stage.request(Method::OPTIONS, path).header("origin", PAGE);
        let reply = preflight.header("access-control-request-method", "POST").send().await;
        let allowed = reply.header("access-control-allow-origin");
        assert_eq!((reply.status.as_u16(), allowed), (204, "*"), "{path}");
    }
    stage.then(Face::Completions.served((10, 5)));
    let reply = ask(&stage, Face::Completions, "shop").header("origin", PAGE).send().await;
    assert_eq!((reply.status.as_u16(), reply.header("access-control-allow-origin")), (200, PAGE));
    let evil = ask(&stage, Face::Completions, "shop").header("origin", "https://evil.example").send().await;
    evil.assert_refusal(403, "origin_not_allowed");
}

#[tokio::test]
async fn the_agents_that_a_key_may_call_are_listed_as_models() {
    let stage = Stage::new().await;
    for (slug, status) in [("old", "deprecated"), ("sketch", "draft"), ("off", "inactive")] {
        stage.agent(slug, &json!({})).await;
        let sql = format!("UPDATE agents SET status = '{status}' WHERE account_id = ?1 AND slug = '{slug}'");
        stage.write(&sql);
    }
    stage.agent("gone", &json!({})).await;
    stage.api.delete("/api/v1/agents/gone").key(&stage.acme.admin).send().await.no_content();
    stage.api.world.clock().advance(1_000);
    stage.agent("newest", &json!({"access": "public"})).await;
    let list = models(&stage, &stage.acme.caller).send().await.ok();
    assert_eq!((&list["object"], &list["has_more"]), (&json!("list"), &Value::Null));
    assert_eq!(ids(&list)[0], "newest");
    let mut all = ids(&list);
    all.sort_unstable();
    assert_eq!(all, ["newest", "old", "triage"]);
    let newest = &list["data"][0];
    assert_eq!((&newest["object"], &newest["owned_by"]), (&json!("model"), &json!("acme")));
    assert_eq!(newest["created"], 1_795_262_401);

    let some = json!({"name": "some", "role": "caller", "agents": ["triage", "off"]});
    let some = stage.api.issue("acme", &some).await;
    assert_eq!(ids(&models(&stage, &some).send().await.ok()), ["triage"]);
    models(&stage, "nonsense").send().await.assert_refusal(401, "unauthenticated");
    let globex = stage.api.tenant("globex").await;
    models(&stage, &globex.caller).send().await.assert_refusal(404, "not_found");
    for id in ids(&list) {
        stage.then(Face::Completions.served((10, 5)));
        ask(&stage, Face::Completions, id).send().await.ok();
    }
}

#[tokio::test]
async fn a_list_that_is_cut_says_so() {
    let stage = Stage::new().await;
    // Of a statement, because a thousand writes take their time.
    stage.write(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100)
        INSERT INTO agents (account_id, id, slug, name, access, version, definition, created_at, updated_at)
        SELECT account_id, printf('01990000-0000-7000-8000-%012d', n.i), printf('many-%d', n.i), name, access, version,
            definition, created_at, updated_at FROM agents, n WHERE account_id = ?1 AND slug = 'triage'",
    );
    let list = models(&stage, &stage.acme.caller).send().await.ok();
    assert_eq!((ids(&list).len(), &list["has_more"]), (1_000, &json!(true)));
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there_are_openais_below_v1_alone() {
    let stage = Stage::new().await;
    let key = &stage.acme.caller;
    for path in ["/accounts/acme/v1", "/accounts/acme/v1/nothing", "/accounts/acme/v1/chat/completions/x"] {
        let path = path.to_owned() + "/";
        stage.request(Method::POST, &path).key(key).send().await.assert_refusal(404, "not_found");
    }
    let wrong = stage.request(Method::PATCH, COMPLETIONS).key(key).send().await;
    wrong.assert_refusal(405, "method_not_allowed");
    let mut allowed: Vec<&str> = wrong.header("allow").split(',').map(str::trim).collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["OPTIONS", "POST"]);
    for path in ["/accounts/acme/chat", "/accounts/acme/stream", "/accounts/acme/v2/models"] {
        let reply = stage.request(Method::POST, path).key(key).send().await;
        assert_eq!(reply.header("content-type"), "application/problem+json", "{path}");
        reply.assert_refusal(404, "not_found");
    }
}

#[tokio::test]
async fn a_slash_at_the_end_says_nothing_to_calls_and_preflights() {
    let stage = Stage::new().await;
    stage.agent("open", &json!({"access": "public"})).await;
    for face in Face::ALL {
        stage.then(face.served((10, 5)));
        let path = format!("/accounts/acme/agents/triage/{}/", face.path());
        assert_eq!(stage.ask(face, "triage").path(&path).send().await.status, 200, "{path}");
        let path = format!("/agents/open/{}/", face.path());
        let preflight = stage.request(Method::OPTIONS, &path).header("origin", PAGE).send().await;
        assert_eq!((preflight.status.as_u16(), preflight.header("access-control-allow-origin")), (204, "*"));
        let wrong = stage.request(Method::DELETE, &path).send().await;
        wrong.assert_refusal(405, "method_not_allowed");
        let twice = format!("/agents/open/{}//", face.path());
        stage.request(Method::POST, &twice).send().await.assert_refusal(404, "not_found");
    }
    let list = stage.request(Method::GET, &format!("{MODELS}/")).key(&stage.acme.caller).send().await.ok();
    assert_eq!(ids(&list).len(), 2);
}

#[tokio::test]
async fn where_it_is_switched_off_for_the_account_agents_are_called_by_their_own_paths_alone() {
    let stage = Stage::new().await;
    let put = |on: bool| {
        let own = stage.api.put("/api/v1/flags/account_wide/accounts/acme").key(OPERATOR);
        own.json(&json!({"on": on})).send()
    };
    for face in FACES {
        put(false).await.no_content();
        let refused = ask(&stage, face, "triage").send().await;
        refused.assert_refusal(403, "forbidden");
        assert!(refused.words().contains("switched `account_wide` off"), "{}", refused.words());
        models(&stage, &stage.acme.caller).send().await.assert_refusal(403, "forbidden");
        assert!(stage.take_asked().is_empty());
        stage.then(face.served((10, 5)));
        assert_eq!(stage.ask(face, "triage").send().await.status, 200);
        put(true).await.no_content();
        stage.then(face.served((10, 5)));
        assert_eq!(ask(&stage, face, "triage").send().await.status, 200);
        stage.take_asked();
    }
}

#[tokio::test]
async fn the_default_account_has_a_base_url_of_its_own() {
    let stage = Stage::new().await;
    for face in FACES {
        stage.then(face.served((10, 5)));
        let reply = ask(&stage, face, "triage").path("/v1/chat/completions").send().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    let key = &stage.acme.caller;
    let listed = stage.request(Method::GET, "/v1/models/").key(key).send().await.ok();
    assert_eq!(listed, models(&stage, key).send().await.ok());
}

#[tokio::test]
async fn one_model_is_what_the_list_says_of_it() {
    let stage = Stage::new().await;
    stage.agent("twice", &json!({"model": "own:big, other:big, own:small"})).await;
    let key = &stage.acme.caller;
    let get = |path: String| stage.request(Method::GET, &path).key(key).send();
    let agent = "/accounts/acme/agents/twice/v1/models";
    let list = get(agent.to_owned()).await.ok();
    assert_eq!(ids(&list), ["twice", "big", "small"], "each once");
    for (n, id) in ["twice", "big", "small"].iter().enumerate() {
        assert_eq!(get(format!("{agent}/{id}")).await.ok(), list["data"][n]);
    }
    assert_eq!(get(format!("{agent}/own:big")).await.ok()["id"], "big");
    let unknown = get(format!("{agent}/gpt-3.5-turbo")).await;
    unknown.assert_refusal(404, "model_not_found");
    assert!(unknown.words().contains("write `twice`, `big` or `small`"), "{}", unknown.words());
    let all = models(&stage, key).send().await.ok();
    let triage = all["data"].as_array().unwrap().iter().find(|model| model["id"] == "triage").unwrap();
    assert_eq!(get(format!("{MODELS}/triage")).await.ok(), *triage);
    get(format!("{MODELS}/nobody")).await.assert_refusal(404, "not_found");
    stage
        .request(Method::GET, &format!("{MODELS}/triage"))
        .send()
        .await
        .assert_refusal(401, "unauthenticated");
    let body = json!({"model": "gpt-3.5-turbo", "messages": [{"role": "user", "content": "x"}]});
    let reply = stage.ask(Face::Completions, "twice").json(&body).send().await;
    assert!(reply.words().contains("write `twice`, `big` or `small`"), "{}", reply.words());
}

#[tokio::test]
async fn a_base_url_without_v1_is_answered_in_openais_shape() {
    let stage = Stage::new().await;
    for path in [
        "/chat/completions",
        "/models/triage",
        "/agents/triage/chat/completions",
        "/accounts/acme/chat/completions",
        "/accounts/acme/agents/triage/chat/completions",
        "/accounts/acme/agents/triage/models",
    ] {
        let reply = stage.request(Method::POST, path).key(&stage.acme.caller).in_openais_shape().send().await;
        assert_eq!(reply.status, 404, "{path}");
        assert!(reply.words().contains("Did you forget /v1?"), "{path}: {}", reply.words());
    }
}

#[tokio::test]
async fn the_operators_key_is_named_where_agents_are_called() {
    let stage = Stage::new().await;
    for face in Face::ALL {
        let reply = stage.ask(face, "triage").key(OPERATOR).send().await;
        reply.assert_refusal(401, "unauthenticated");
        assert!(reply.words().contains("the operator's key, which calls no agent"), "{}", reply.words());
    }
    let reply = ask(&stage, Face::Completions, "triage").key(OPERATOR).send().await;
    assert!(reply.words().contains("the operator's key"), "{}", reply.words());
    let reply = stage.ask(Face::Chat, "triage").key("wrong").send().await;
    assert!(!reply.words().contains("operator"), "{}", reply.words());
    // One that is too short opens nothing, and nobody may find it by asking.
    let short = stage.under(Settings {
        operator_key: Some(Secret::new("short-operator".to_owned())),
        ..crate::support::settings()
    });
    let reply = short.ask(Face::Chat, "triage").key("short-operator").send().await;
    reply.assert_refusal(401, "unauthenticated");
    assert!(!reply.words().contains("operator"), "{}", reply.words());
}

#[tokio::test]
async fn a_faults_field_is_named_once() {
    let stage = Stage::new().await;
    let mut body = Face::Completions.body("triage");
    body["temperature"] = json!(7);
    let reply = stage.ask(Face::Completions, "triage").json(&body).send().await;
    assert_eq!(reply.words().matches("temperature").count(), 1, "{}", reply.words());
    assert_eq!(reply.json()["error"]["param"], "temperature");
}
