//! `POST /api/v1/agents/import`: secrets in whatever place of a file, and what only looks like one.

use serde_json::{Value, json};

use crate::moving::{account, became, get, send};

/// What nobody would take for a word.
const X: &str = "h1vauWv1zh87Qk3";

/// The first row of a crew of one with these fields, and its agent.
async fn crew(key: &str, more: &Value) -> (Value, Value) {
    let (api, acme) = account().await;
    let mut agent = json!({"role": "R", "goal": "g", "backstory": "b"});
    agent.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let file = json!({key: agent}).to_string();
    let report = send(&api, &acme, "?format=crewai&model=openai:gpt-4o&name=it", &file).await.ok();
    let row = report["results"][0].clone();
    let made = get(&api, &acme, row["slug"].as_str().unwrap()).await;
    (row, made)
}

fn assert_hidden(secret: &str, (row, made): &(Value, Value)) {
    for text in [row.to_string(), made.to_string()] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[tokio::test]
async fn a_tool_is_named_without_its_arguments() {
    let entries = [
        format!("npx -y @acme/mcp --api-key {X}"),
        format!("Bash(curl -H 'X-Api-Key: {X}' https://a.example)"),
        format!("Read(ACME_TOKEN={X} deploy)"),
        format!("acme --token {X}"),
        format!("run deploy {X}"),
    ];
    let named: Vec<Value> = entries.iter().map(|entry| json!({"name": entry})).collect();
    let keyed: serde_json::Map<String, Value> =
        entries.iter().map(|entry| (entry.clone(), json!({}))).collect();
    let objects: Vec<Value> = entries.iter().map(|entry| json!({entry: {"a": 1}})).collect();
    for tools in [json!(entries), json!(named), json!(keyed), json!(objects), json!(entries.join(", "))] {
        let made = crew("k", &json!({"tools": tools})).await;
        assert_hidden(X, &made);
        assert_eq!(made.1["tools"], json!(["npx", "Bash", "Read", "acme", "run"]), "{tools}: {:#}", made.0);
    }
    let kept = crew("k", &json!({"tools": ["Bash(git status)", "Google Search", "web_search"]})).await.1;
    assert_eq!(kept["tools"], json!(["Bash", "Google_Search", "web_search"]));
    assert_eq!(kept["config"]["imported"]["tools"][0], "Bash(git status)");
    let (api, acme) = account().await;
    let front =
        format!("---\nname: c\ndescription: d\ntools: Read, Bash(acme --token {X}, -v)\n---\nYou do.\n");
    let report = send(&api, &acme, "?model=openai:gpt-4o", &front).await.ok();
    let made = get(&api, &acme, "c").await;
    assert_eq!(made["tools"], json!(["Read", "Bash"]));
    assert_hidden(X, &(report, made));
}

#[tokio::test]
async fn a_secret_in_the_place_of_a_key_a_name_a_label_or_a_model_is_shown_nowhere() {
    for key in [
        "X-Api-Key: X",
        "acme --token X",
        "kubectl --token=X get po",
        "api_key: 'X'",
        "Password: X",
        "-H 'Cookie: sid=X'",
        "see X there",
    ] {
        let key = key.replace('X', X);
        let made = crew("k", &json!({"x": {&key: "v", "b": 1, "a:b": 2, "*md": 3, "客服 1": 4}})).await;
        assert_hidden(X, &made);
        assert_eq!(became(&made.0, "x.…"), "dropped", "{key}: {:#}", made.0);
        assert_eq!(made.1["config"]["imported"]["x"], json!({"b": 1, "a:b": 2, "*md": 3, "客服 1": 4}));
        let named = crew(&key, &json!({})).await;
        assert_hidden(X, &named);
        assert_eq!((&named.1["name"], became(&named.0, "…")), (&json!("it"), "dropped"), "{key}");
    }
    let vendor = format!("ghp_{X}{X}");
    let made = crew("k", &json!({"llm": vendor, "labels": [vendor, "a"]})).await;
    assert_hidden(&vendor, &made);
    assert_eq!((&made.1["labels"], &made.1["model"]), (&json!(["a"]), &json!("openai:gpt-4o")));
    let (api, acme) = account().await;
    let twice = send(&api, &acme, "", &format!("k:\n  {vendor}: 1\n  {vendor}: 2\n")).await;
    assert!(twice.status == 400 && !twice.json().to_string().contains(&vendor), "{}", twice.json());
    let told = crew("k", &json!({"backstory": format!("Use {vendor}.")})).await;
    let lines = told.0["report"].as_array().unwrap();
    let note = |line: &Value| line["note"].as_str().unwrap_or_default().contains("seems to have a key");
    assert!(lines.iter().any(note), "{:#}", told.0);
}

#[tokio::test]
async fn keys_of_this_platform_and_what_stands_behind_a_name_are_left_out() {
    let key = account().await.1.admin;
    for text in [
        format!("Please use {key} for that."),
        format!("RETINUE: {key}"),
        format!("[pypi]\nusername = __token__\npassword = {X}"),
        format!("bob:pbkdf2_sha256$870000$salt${X}{X}"),
        format!("psql with PGPASSWORD={X}"),
        format!("pat-na1-{}", "0f8fad5b-d9cb-469f-a165-70867728950e"),
    ] {
        let made = crew("k", &json!({"notes_x": text})).await;
        assert_eq!(became(&made.0, "notes_x"), "dropped", "{text}: {:#}", made.0);
        assert!(made.1["config"]["imported"].get("notes_x").is_none());
    }
}

#[tokio::test]
async fn what_only_speaks_of_secrets_is_kept() {
    for (name, value) in [
        ("x", json!("hf_transfer is faster; tokens: 500")),
        ("x", json!("Key: C minor")),
        ("x", json!("machine learning login flow password reset")),
        ("x", json!("https://x.example/?page_token=abc")),
        ("x", json!("API_KEY=your-api-key-here")),
        ("key_points", json!(["be kind"])),
        ("key_field", json!("id")),
        ("shortcut_key", json!("F5")),
        ("keys", json!(["a", "b"])),
        ("eos_token", json!("</s>")),
        ("stop_token", json!("END")),
        ("special_tokens", json!(["<pad>", "END"])),
        ("password_policy", json!("strict")),
        ("cookie_policy", json!("strict")),
        ("credentials_required", json!(["github"])),
        ("authorization", json!("manager approval")),
        ("access_key_rotation", json!("monthly")),
        ("GH_TOKEN", json!("YOUR_API_KEY")),
        ("GH_TOKEN", json!("changeme")),
        ("GH_TOKEN", json!("none")),
        ("GH_TOKEN", json!("op://vault/item/field")),
        ("api_key", json!("os.environ/OPENAI_API_KEY")),
        ("api_key", json!("env:OPENAI_API_KEY")),
        ("api_key", json!("%OPENAI_API_KEY%")),
        ("api_key", json!("process.env.OPENAI_API_KEY")),
        ("api_key", json!("secret://vault/openai")),
        ("api_key", json!("{{ secrets.OPENAI }}")),
    ] {
        let (row, made) = crew("k", &json!({"settings_x": {name: value}})).await;
        assert_eq!(made["config"]["imported"]["settings_x"][name], value, "{name}: {row:#}");
    }
}
