//! `POST /api/v1/agents/import`: kinds of workflows, members, prompts and secrets, each with its relatives.

use axum::http::Method;
use serde_json::{Value, json};

use crate::moving::{account, became, get, send};

/// The first row of a file that is taken, and its agent.
async fn moved(text: &str) -> (Value, Value) {
    let (api, acme) = account().await;
    let report = send(&api, &acme, "?model=openai:gpt-4o&name=it", text).await.ok();
    let row = report["results"][0].clone();
    let made = get(&api, &acme, row["slug"].as_str().unwrap()).await;
    (row, made)
}

#[tokio::test]
async fn adks_workflows_and_code_are_refused_by_their_class() {
    let (api, acme) = account().await;
    for (class, more, what) in [
        ("SequentialAgent", "", "a workflow"),
        ("GraphAgent", "description: Research\nstart_node: a\nnodes: [{name: a}]\nedges: []\n", "a workflow"),
        ("google.adk.agents.GraphAgent", "", "a workflow"),
        ("Workflow", "edges: [[START, a]]\n", "a workflow"),
        ("my_pkg.agents.Flow", "model: gemini-2.5-flash\nnodes: [{name: a}]\n", "a workflow"),
        ("my_pkg.agents.Router", "description: Routes\n", "code"),
        ("RemoteA2aAgent", "agent_card: https://a.example/card\n", "an agent that another server has"),
    ] {
        let refused = send(&api, &acme, "", &format!("agent_class: {class}\nname: w\n{more}")).await;
        let message = refused.json()["results"][0]["errors"][0]["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with(&format!("is {what} (`agent_class:")), "{class}: {message}");
    }
    let own = "agent_class: my_pkg.agents.Mine\nname: w\nmodel: gemini-2.5-flash\ninstruction: Be mine.\n";
    assert_eq!(moved(own).await.1["instructions"], "Be mine.");
}

#[tokio::test]
async fn a_workflow_with_a_session_state_is_none_of_agnos_agents() {
    let (api, acme) = account().await;
    let flow = json!({"name": "Flow", "description": "x", "session_state": {}, "steps": [{"name": "a"}]});
    assert_eq!(send(&api, &acme, "", &flow.to_string()).await.fields(), ["agents[0].(file)"]);
}

#[tokio::test]
async fn members_that_have_a_role_or_a_model_alone_are_agents_of_a_team() {
    let (api, acme) = account().await;
    let file = json!({"team_id": "desk", "name": "Desk", "model": {"id": "gpt-4o"}, "instructions": ["Lead."],
        "members": [{"name": "Web Agent", "role": "Search the web", "model": {"id": "gpt-4o"}, "tools": ["ddg"]},
            {"name": "Fin", "role": "Money"}, {"name": "Mod", "model": {"id": "gpt-4o"}, "description": "Moderates"}]});
    let report = send(&api, &acme, "?model=openai:gpt-4o", &file.to_string()).await.ok();
    assert_eq!(report["created"], 4, "{report:#}");
    let mut members = Vec::new();
    for slug in ["web-agent", "fin", "mod"] {
        members.push(get(&api, &acme, slug).await["id"].clone());
    }
    assert_eq!(get(&api, &acme, "desk").await["handoff_targets"], Value::from(members));
    assert_eq!(get(&api, &acme, "fin").await["instructions"], "Role: Money");
}

fn dify(model_config: Value) -> String {
    let mut config = json!({"prompt_type": "advanced", "pre_prompt": "", "model": {"provider": "openai", "name": "gpt-4o"}});
    config.as_object_mut().unwrap().extend(model_config.as_object().unwrap().clone());
    json!({"kind": "app", "app": {"name": "It", "mode": "chat"}, "model_config": config}).to_string()
}

#[tokio::test]
async fn difys_prompts_of_expert_mode_are_instructions() {
    let chat = |role: &str| json!({"prompt": [{"role": role, "text": "You are S"}, {"role": "user", "text": "{{#query#}}"}]});
    let (_, made) = moved(&dify(json!({"chat_prompt_config": chat("system")}))).await;
    assert_eq!(made["instructions"], "You are S");
    assert_eq!(made["config"]["imported"]["model_config"]["chat_prompt_config"]["prompt"][0]["role"], "user");
    let completion =
        json!({"completion_prompt_config": {"prompt": {"text": "You are C"}}, "pre_prompt": "old"});
    let (row, made) = moved(&dify(completion)).await;
    assert_eq!(made["instructions"], "You are C");
    assert_eq!(became(&row, "model_config.simple_prompt"), "kept");
    let simple =
        dify(json!({"prompt_type": "simple", "pre_prompt": "P", "chat_prompt_config": chat("system")}));
    assert_eq!(moved(&simple).await.1["instructions"], "P");
}

#[tokio::test]
async fn a_prompt_moves_out_of_langsmiths_answers() {
    let manifest = json!({"lc": 1, "type": "constructor", "id": ["langchain", "prompts", "chat", "ChatPromptTemplate"],
        "kwargs": {"input_variables": ["q"], "messages": [{"lc": 1, "type": "constructor",
            "id": ["langchain", "prompts", "chat", "SystemMessagePromptTemplate"],
            "kwargs": {"prompt": {"lc": 1, "type": "constructor", "id": ["langchain", "prompts", "prompt", "PromptTemplate"],
                "kwargs": {"template": "You are S.", "input_variables": [], "template_format": "f-string"}}}}]}});
    for file in [
        json!({"commit_hash": "abc", "examples": [], "manifest": manifest}),
        json!({"commit": {"commit_hash": "abc", "manifest": manifest}}),
    ] {
        let (row, made) = moved(&file.to_string()).await;
        assert_eq!(
            (&row["format"], &made["instructions"]),
            (&json!("langchain"), &json!("You are S.")),
            "{row:#}"
        );
    }
}

#[tokio::test]
async fn secrets_are_left_out_by_their_looks_and_ordinary_texts_stay() {
    let env = json!({"DB_PASS": "hunter22", "basic": "Basic dXNlcjpwYXNzd29yZA==",
        "pem": "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
        "hook": "https://hooks.slack.com/services/T000/B000/XXXXXXXXXXXX", "DB_PWD": "hunter22",
        "teams": "https://acme.webhook.office.com/webhookb2/0f-1@2/IncomingWebhook/3/4",
        "first_pass": "Outline", "note": "Use Basic authentication", "DB_USER": "root", "from": "${DB_PASS}"});
    let file = json!({"name": "It", "system_prompt": "x", "model": "gpt-4o", "env": env});
    let (row, made) = moved(&file.to_string()).await;
    let left = json!({"first_pass": "Outline", "note": "Use Basic authentication", "DB_USER": "root", "from": "${DB_PASS}"});
    assert_eq!(made["config"]["imported"]["env"], left, "{row:#}");
    assert_eq!(became(&row, "env.hook"), "dropped");
}

#[tokio::test]
async fn secrets_in_commands_keys_and_names_are_left_out_and_nowhere_shown() {
    let key = "sk-proj-Zz9Yy8Xx7Ww6Vv5Uu4Tt3";
    let file = json!({"name": "It", "system_prompt": "x", "model": "gpt-4o", key: "v",
        "settings_x": {"n1": "curl -uadmin:hunter2 https://a.example", "n2": "curl -H 'X-Api-Key: hunter2-3' https://a.example",
            "n3": "machine a.example login me password hunter2", "n4": "curl -fsS https://a.example",
            "n5": "0123456789abcdef0123456789abcdef01234567"},
        "foo_x": {key: "v", "deep": [{key: {"a": 1}}], "SG.a1b2c3d4a1b2c3d4.hunter2": 1, "a:b": "yes"},
        "permissions_x": {key: {"a": {"b": 1}}}, "steps_x": ["curl", "-u", "admin:hunter2", "-s"],
        "tools": [key, "web_search", "auth:login"], "handoffs": [key]});
    let (row, made) = moved(&file.to_string()).await;
    let kept = json!({"settings_x": {"n4": "curl -fsS https://a.example", "n5": "0123456789abcdef0123456789abcdef01234567"},
        "foo_x": {"deep": [{}], "a:b": "yes"}, "steps_x": ["curl", "-u", "-s"]});
    assert_eq!(made["config"]["imported"], kept, "{row:#}");
    assert_eq!(made["tools"], json!(["web_search", "auth:login"]));
    for text in [row.to_string(), made.to_string()] {
        assert!(!text.contains("hunter2") && !text.contains("Zz9Yy8"), "{text}");
    }
    for field in ["…", "foo_x.…", "settings_x.n1", "tools", "handoffs"] {
        assert_eq!(became(&row, field), "dropped", "{field}: {row:#}");
    }
    let ours =
        json!({"name": "It", "instructions": "x", "model": "openai:gpt-4o", "tools": [key, "web_search"]});
    let (row, made) = moved(&ours.to_string()).await;
    assert_eq!((&made["tools"], became(&row, "tools")), (&json!(["web_search"]), "dropped"));
    assert!(!row.to_string().contains("Zz9Yy8"), "{row:#}");
}

#[tokio::test]
async fn of_two_limits_of_a_budget_one_is_taken_and_the_other_kept() {
    for own in [
        json!({"goal": {"description": "g"}, "metadata": {"name": "It"}}),
        json!({"name": "It", "instructions": "x"}),
    ] {
        for (budget, period, limit, kept) in [
            (json!({"total_limit": 5, "daily_limit": 1}), "total", "5", "daily_limit"),
            (json!({"monthly_limit": 7, "daily_limit": 1, "period": "day"}), "day", "1", "monthly_limit"),
        ] {
            let mut file = own.clone();
            file["model"] = "openai:gpt-4o".into();
            file["budget"] = budget;
            let (row, made) = moved(&file.to_string()).await;
            assert_eq!(made["budget"]["period"], period, "{made:#}");
            assert!(made["budget"]["limit_usd"].as_str().unwrap().starts_with(limit), "{made:#}");
            assert_eq!(became(&row, &format!("budget.{kept}")), "kept");
        }
    }
}

#[tokio::test]
async fn a_cache_that_can_give_nothing_is_said_at_every_write() {
    let (api, acme) = account().await;
    let said = |reply: &Value| {
        let warnings = reply["warnings"].as_array().cloned().unwrap_or_default();
        warnings
            .iter()
            .filter(|one| one["code"] == "no_effect")
            .map(|one| one["field"].clone())
            .collect::<Vec<_>>()
    };
    let agent = json!({"name": "It", "instructions": "x", "model": "openai:gpt-4o", "cache": {"ttl_s": 60}, "tools": ["calculate"]});
    let made = api.post("/api/v1/agents").key(&acme.admin).json(&agent).send().await.created();
    assert_eq!(said(&made), ["cache"]);
    let patch = api.request(Method::PATCH, "/api/v1/agents/it").key(&acme.admin).json(&json!({"tools": []}));
    assert_eq!(said(&patch.send().await.ok()), [""; 0], "without such a tool it does something");
    let report = send(&api, &acme, "?mode=rename", &json!([agent]).to_string()).await.ok();
    assert_eq!(said(&report), ["agents[0].cache"]);
}
