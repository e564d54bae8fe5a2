//! The secrets of HTTP tools: they reach the tool's server, and nobody else.

use axum::http::Method;
use retinue::ports::Settings;
use serde_json::{Value, json};

use crate::stage::Stage;
use crate::support::{Asked, Reply, Script, Turn, settings};
use crate::threads::{calls, post, says, sent};

const SECRET: &str = "s3cr3t-0123456789-abcdefghij";
const OTHER: &str = "0th3r-zyxwvutsrq-9876543210";
const AGENT: &str = "/api/v1/agents/triage";

fn tool(host: &str, headers: &Value) -> Value {
    json!({
        "type": "http", "name": "weather", "description": "The weather", "url": format!("https://{host}/v1"), "effect": "pure",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}, "headers": headers,
    })
}

fn with_token(token: &str) -> Value {
    json!({"tools": [tool("tools.example.com", &json!({"Authorization": format!("Bearer {token}"), "x-team": "mail"}))]})
}

async fn write(stage: &Stage, method: Method, path: &str, body: &Value) -> Reply {
    stage.api.request(method, path).key(&stage.acme.admin).json(body).send().await
}

/// Changes the agent by operations.
async fn operate(stage: &Stage, operations: &Value) -> Reply {
    let patch = stage.api.request(Method::PATCH, AGENT).key(&stage.acme.admin);
    patch
        .header("content-type", "application/json-patch+json")
        .raw(operations.to_string().into())
        .send()
        .await
}

async fn show(stage: &Stage, path: &str) -> Value {
    stage.api.get(path).key(&stage.acme.admin).send().await.ok()
}

/// The header's value as the agent is shown with it.
async fn shown(stage: &Stage, agent: &str) -> Value {
    show(stage, &format!("/api/v1/agents/{agent}")).await["tools"][0]["headers"]["Authorization"].clone()
}

/// Has the tool called once, which answers this; the run, and what was asked.
async fn run_of(stage: &Stage, agent: &str, thread: &str, answer: Turn) -> (Value, Vec<Asked>) {
    stage.then(calls("weather", &json!({"city": "Oslo"}))).then(answer).then(says("Done."));
    let path = format!("/accounts/acme/agents/{agent}/threads/{thread}/runs");
    let run = stage
        .request(Method::POST, &path)
        .key(&stage.acme.caller)
        .json(&json!({"message": "Go"}))
        .send()
        .await;
    assert_eq!(run.status, 201, "{}", run.text());
    assert_eq!(run.json()["status"], "completed", "{}", run.text());
    (run.json(), stage.take_asked())
}

fn answers(status: u16, text: impl Into<String>) -> Turn {
    Turn::Replies(Script::status(status, text.into()))
}

/// What the tool's server was sent as a credential.
fn token(asked: &Asked) -> &str {
    let header = asked.headers.iter().find(|(name, _)| *name == "authorization");
    header.map_or("", |(_, value)| value.as_str())
}

/// What is sent by an agent's next call of its tool.
async fn sends(stage: &Stage, agent: &str, thread: &str) -> String {
    let (_, asked) = run_of(stage, agent, thread, answers(200, "sun")).await;
    token(&asked[1]).to_owned()
}

#[tokio::test]
async fn a_secret_reaches_the_tools_server_and_is_shown_nowhere() {
    let stage = Stage::new().await;
    stage.change("triage", &with_token(SECRET)).await;
    assert_eq!(shown(&stage, "triage").await, "…ghij");
    write(&stage, Method::PUT, "/api/v1/templates/mine", &json!({"agent": "triage"})).await.ok();
    write(&stage, Method::PATCH, AGENT, &json!({"instructions": "Second."})).await.ok();
    let echo = format!("you sent Bearer {SECRET} and {}", SECRET.to_uppercase());
    let (run, asked) = run_of(&stage, "triage", "t", answers(200, echo.clone())).await;
    assert_eq!(token(&asked[1]), format!("Bearer {SECRET}"));
    assert_eq!(sent(&asked[2]).last().unwrap(), "tool: you sent Bearer … and …");
    let (_, asked) = run_of(&stage, "triage", "t", answers(401, echo)).await;
    assert_eq!(sent(&asked[2]).last().unwrap(), "tool: The tool answered 401: you sent Bearer … and …");

    let names = json!({"account": "acme", "agent": "triage", "thread": "t", "run": run["id"], "template": "mine",
        "version": "1", "name": "own", "provider": "own", "code": "big", "model": "triage"});
    let document =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/openapi.json")).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let mut served = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        if operations.get("get").is_none() {
            continue;
        }
        let mut paths = vec![path.clone()];
        for (name, value) in names.as_object().unwrap() {
            paths[0] = paths[0].replace(&format!("{{{name}}}"), value.as_str().unwrap());
        }
        if path.ends_with("/versions/{version}") {
            paths.push(paths[0].replace("/versions/1", "/versions/1..2"));
        }
        for path in paths {
            let mut ask = stage.api.get(&path).key(&stage.acme.admin).header("accept", "application/json");
            if path.ends_with("/changes") {
                ask = stage.api.get(&format!("{path}?limit=200")).key(&stage.acme.admin);
            }
            let reply = ask.send().await;
            served += usize::from(reply.status == 200);
            let text = String::from_utf8_lossy(&reply.body).to_lowercase();
            for piece in [&SECRET[..12], &SECRET[16..], "ciphertext", "nonce\""] {
                assert!(!text.contains(piece), "{path} shows `{piece}`: {text}");
            }
        }
    }
    assert!(served > 30, "only {served} paths were there to be looked at");
    assert!(!stage.log().contains(&SECRET[..12]));
}

#[tokio::test]
async fn what_is_shown_may_be_sent_back_and_the_secret_stays() {
    let stage = Stage::new().await;
    stage.change("triage", &with_token(SECRET)).await;
    let before = show(&stage, AGENT).await;
    let same = write(&stage, Method::PUT, AGENT, &before).await.ok();
    assert_eq!(same["version"], before["version"], "nothing has changed");
    let tools = &before["tools"];
    write(&stage, Method::PATCH, AGENT, &json!({"tools": tools, "description": "It says more."})).await.ok();
    let operations =
        json!([{"op": "replace", "path": "/tools/0/url", "value": "https://tools.example.com/v2"}]);
    operate(&stage, &operations).await.ok();
    assert_eq!(sends(&stage, "triage", "a").await, format!("Bearer {SECRET}"));

    write(&stage, Method::PATCH, AGENT, &with_token(OTHER)).await.ok();
    assert_eq!(shown(&stage, "triage").await, "…3210");
    assert_eq!(sends(&stage, "triage", "b").await, format!("Bearer {OTHER}"));
}

#[tokio::test]
async fn a_stored_secret_is_sent_to_no_other_server() {
    let stage = Stage::new().await;
    stage.change("triage", &with_token(SECRET)).await;
    let moved = json!({"tools": [tool("evil.example.com", &json!({"Authorization": "…ghij"}))]});
    for (method, body) in [
        (Method::PATCH, moved.clone()),
        (Method::PUT, {
            let mut whole = json!({"name": "Triage", "instructions": "Sort.", "model": "own:big"});
            whole.as_object_mut().unwrap().extend(moved.as_object().unwrap().clone());
            whole
        }),
    ] {
        let refused = write(&stage, method, AGENT, &body).await;
        assert_eq!(refused.problem(), (400, "validation_failed".to_owned()));
        assert_eq!(refused.fields(), ["tools[0].headers.Authorization"]);
        assert!(
            refused.detail().contains("another server")
                || refused.json().to_string().contains("another server")
        );
    }
    let operations =
        json!([{"op": "copy", "from": "/tools/0/headers/Authorization", "path": "/tools/0/headers/x-echo"}]);
    assert_eq!(operate(&stage, &operations).await.fields(), ["tools[0].headers.x-echo"]);
    let nothing = json!({"name": "New", "instructions": "i", "model": "own:big", "tools": moved["tools"]});
    let refused = write(&stage, Method::POST, "/api/v1/agents", &nothing).await;
    assert_eq!(refused.fields(), ["tools[0].headers.Authorization"]);
    assert_eq!(sends(&stage, "triage", "t").await, format!("Bearer {SECRET}"), "nothing was written");
}

#[tokio::test]
async fn a_secret_that_was_replaced_is_sent_by_no_version() {
    let stage = Stage::new().await;
    let pinned = json!({"upgrade": "new_threads", "instructions": "First."});
    let mut first = with_token(SECRET);
    first.as_object_mut().unwrap().extend(pinned.as_object().unwrap().clone());
    let first = write(&stage, Method::PATCH, AGENT, &first).await.ok()["version"].clone();
    assert_eq!(sends(&stage, "triage", "old").await, format!("Bearer {SECRET}"));
    let mut second = with_token(OTHER);
    second["instructions"] = "Second.".into();
    write(&stage, Method::PATCH, AGENT, &second).await.ok();
    assert_eq!(
        sends(&stage, "triage", "old").await,
        format!("Bearer {OTHER}"),
        "of a thread that stayed behind"
    );

    let back =
        write(&stage, Method::POST, &format!("{AGENT}/rollback"), &json!({"version": first})).await.ok();
    assert_eq!(
        (&back["instructions"], &back["tools"][0]["headers"]["Authorization"]),
        (&json!("First."), &json!("…3210"))
    );
    assert_eq!(sends(&stage, "triage", "new").await, format!("Bearer {OTHER}"));
}

#[tokio::test]
async fn a_secret_that_is_shown_as_the_one_before_is_a_change_all_the_same() {
    let stage = Stage::new().await;
    stage.change("triage", &with_token(SECRET)).await;
    stage.change("triage", &with_token("another-0123456789-abcdefghij")).await;
    let versions = show(&stage, &format!("{AGENT}/versions")).await;
    assert_eq!(versions["data"][0]["changed"], json!(["secrets"]));
    let number = versions["data"][0]["version"].as_u64().unwrap();
    let compared = show(&stage, &format!("{AGENT}/versions/{}..{number}", number - 1)).await;
    let expected = json!([{"field": "secrets.weather.authorization", "before": "…ghij", "after": "…ghij"}]);
    assert_eq!(compared["changes"], expected);
    let log = show(&stage, "/api/v1/changes?limit=200").await;
    let said = log["data"].as_array().unwrap().iter().filter(|line| line["after"]["secrets_changed"] == true);
    assert_eq!(said.count(), 2, "{log}");
}

#[tokio::test]
async fn a_copy_and_an_agent_of_a_template_have_the_secret() {
    let stage = Stage::new().await;
    stage.change("triage", &with_token(SECRET)).await;
    write(&stage, Method::POST, &format!("{AGENT}/duplicate"), &json!({"slug": "copy"})).await.created();
    assert_eq!(sends(&stage, "copy", "c").await, format!("Bearer {SECRET}"));

    write(&stage, Method::PUT, "/api/v1/templates/mine", &json!({"agent": "triage"})).await;
    let template = show(&stage, "/api/v1/templates/mine").await;
    assert_eq!(template["definition"]["tools"][0]["headers"]["Authorization"], "…ghij");
    let body = json!({"definition": template["definition"], "name": "Sent back"});
    write(&stage, Method::PUT, "/api/v1/templates/mine", &body).await.ok();
    let patch = json!({"description": "A word more."});
    write(&stage, Method::PATCH, "/api/v1/templates/mine", &patch).await.ok();
    let made = json!({"template": "mine", "slug": "made", "name": "Made"});
    write(&stage, Method::POST, "/api/v1/agents", &made).await.created();
    assert_eq!(sends(&stage, "made", "m").await, format!("Bearer {SECRET}"));

    // A template may also leave the value to whoever makes an agent of it.
    let open = json!({"definition": {"tools": [tool("tools.example.com", &json!({"Authorization": "…"}))]}});
    write(&stage, Method::PUT, "/api/v1/templates/open", &open).await;
    let made =
        json!({"template": "open", "slug": "open", "name": "Open", "instructions": "i", "model": "own:big"});
    let made = write(&stage, Method::POST, "/api/v1/agents", &made).await.created();
    assert!(made["warnings"].to_string().contains("has no value for its header `authorization`"), "{made}");
}

#[tokio::test]
async fn a_file_has_no_secret_and_says_what_it_needs() {
    let stage = Stage::new().await;
    stage.change("triage", &with_token(SECRET)).await;
    let file = stage.api.get("/api/v1/agents/export?agents=triage").key(&stage.acme.admin).send().await;
    let text = String::from_utf8(file.body.to_vec()).unwrap();
    assert!(!text.contains("ghij") && text.contains("\"…\""), "{text}");
    let file: Value = serde_json::from_str(&text).unwrap();

    // Where the agent has the secret, it stays.
    let report = write(&stage, Method::POST, "/api/v1/agents/import?mode=update", &file).await.ok();
    assert_eq!(report["results"][0]["result"], "skipped", "{report}");
    assert_eq!(sends(&stage, "triage", "first").await, format!("Bearer {SECRET}"));

    let report = write(&stage, Method::POST, "/api/v1/agents/import?mode=rename", &file).await.ok();
    let result = &report["results"][0];
    assert_eq!(result["needs"], json!([{"kind": "secret", "name": "weather.authorization"}]), "{report}");
    let agent = result["slug"].as_str().unwrap().to_owned();
    let imported = show(&stage, &format!("/api/v1/agents/{agent}")).await;
    assert!(
        imported["problems"].to_string().contains("has no value for its header `authorization`"),
        "{imported}"
    );
    stage.then(calls("weather", &json!({"city": "Oslo"}))).then(says("Done."));
    let path = format!("/accounts/acme/agents/{agent}/threads/t/runs");
    let run = stage
        .request(Method::POST, &path)
        .key(&stage.acme.caller)
        .json(&json!({"message": "Go"}))
        .send()
        .await;
    assert_eq!(run.json()["status"], "completed", "{}", run.text());
    let asked = stage.take_asked();
    assert_eq!(asked.len(), 2, "the tool's server was not asked");
    assert!(sent(&asked[1]).last().unwrap().contains("its header `authorization` has no value yet"));

    // It may be sent back as it is; the value is given in its own time.
    let path = format!("/api/v1/agents/{agent}");
    write(&stage, Method::PUT, &path, &imported).await.ok();
    write(&stage, Method::PATCH, &path, &with_token(OTHER)).await.ok();
    assert_eq!(sends(&stage, &agent, "again").await, format!("Bearer {OTHER}"));

    // A file may bring its secrets along.
    let brought = json!({"agents": [{"name": "Brought", "instructions": "i", "model": "own:big",
        "tools": with_token(SECRET)["tools"]}]});
    let report = write(&stage, Method::POST, "/api/v1/agents/import", &brought).await.ok();
    assert!(report["results"][0]["needs"].is_null() && !report.to_string().contains(SECRET), "{report}");
    assert_eq!(sends(&stage, "brought", "b").await, format!("Bearer {SECRET}"));
}

#[tokio::test]
async fn without_a_key_of_the_operators_nothing_is_kept() {
    let stage = Stage::new().await;
    let under = stage.under(Settings { master_key: None, ..settings() });
    let patch =
        under.request(Method::PATCH, AGENT).key(&stage.acme.admin).json(&with_token(SECRET)).send().await;
    patch.assert_refusal(500, "misconfigured");
    assert!(show(&stage, AGENT).await["tools"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_secret_that_was_sealed_for_something_else_is_not_sent() {
    let stage = Stage::new().await;
    stage.change("triage", &with_token(SECRET)).await;
    // Whoever can write rows sends it elsewhere.
    for table in ["agents", "agent_versions"] {
        let moved = "definition = replace(definition, 'tools.example.com', 'evil.example.com')";
        stage.write(&format!("UPDATE {table} SET {moved} WHERE account_id = ?1"));
    }
    stage.then(calls("weather", &json!({"city": "Oslo"}))).then(says("Done."));
    assert_eq!(
        post(&stage, "/threads/t/runs", &json!({"message": "Go"})).await.json()["status"],
        "completed"
    );
    let asked = stage.take_asked();
    assert_eq!(asked.len(), 2, "the tool's server was not asked");
    assert!(sent(&asked[1]).last().unwrap().contains("cannot be opened"), "{:?}", sent(&asked[1]));
    assert!(stage.log().contains("header authorization of tool weather"), "{}", stage.log());
}
