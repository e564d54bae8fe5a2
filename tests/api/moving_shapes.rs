//! `POST /api/v1/agents/import`: spellings and shapes that files of other systems have beside their usual ones.

use axum::body::Body;
use serde_json::{Value, json};

use crate::moving::{account, became, get, send};

/// The row of a file's first agent, and the agent.
async fn moved(query: &str, file: &str) -> (Value, Value) {
    let (api, acme) = account().await;
    let report = send(&api, &acme, query, file).await;
    assert_eq!(report.status, 200, "{file}\n{:#}", report.json());
    let row = report.json()["results"][0].clone();
    let agent = get(&api, &acme, row["slug"].as_str().unwrap()).await;
    (row, agent)
}

#[tokio::test]
async fn parameters_are_found_one_level_down_whatever_their_place_is_called() {
    let places = [
        "model_settings",
        "modelSettings",
        "model_parameters",
        "modelParameters",
        "model_params",
        "parameters",
        "params",
        "options",
        "generation_config",
        "generationConfig",
        "generate_content_config",
        "inference_config",
        "inferenceConfig",
        "completion_params",
        "llm_params",
        "settings",
    ];
    for place in places {
        let params = json!({"temperature": 0.3, "maxTokens": 50});
        for (query, file) in [
            ("", json!({"name": "A", "instructions": "x", "model": "gpt-4o", place: params})),
            ("?format=agno", json!({"name": "A", "instructions": "x", "model": "gpt-4o", place: params})),
            (
                "",
                json!({"name": "A", "instructions": "x", "model": {"provider": "openai", "id": "gpt-4o", place: params}}),
            ),
            (
                "",
                json!({"name": "A", "instructions": "x", "backstory": "y", "model": "gpt-4o", "config": {place: params}}),
            ),
        ] {
            let (row, agent) = moved(query, &file.to_string()).await;
            assert_eq!(agent["model"], "openai:gpt-4o?temperature=0.3&max_tokens=50", "{file} {row:#}");
        }
    }
}

#[tokio::test]
async fn members_that_are_written_inside_their_leader_are_agents() {
    let (api, acme) = account().await;
    let team = json!({"name": "Desk", "model": {"id": "gpt-4o", "provider": "openai"}, "instructions": "Lead.", "members": [
        {"name": "Finder", "role": "Finds", "instructions": "Find.", "model": {"id": "gpt-4o", "provider": "openai"}},
        "somebody",
    ]});
    let report = send(&api, &acme, "?format=agno", &team.to_string()).await.ok();
    assert_eq!(report["created"], 2, "{report:#}");
    let (lead, finder) = (get(&api, &acme, "desk").await, get(&api, &acme, "finder").await);
    assert_eq!(lead["handoff_targets"], json!([finder["id"]]));
    assert_eq!(finder["instructions"], "Role: Finds\n\nFind.");
    assert_eq!(report["results"][0]["needs"], json!([{"kind": "agent", "name": "somebody"}]));
}

#[tokio::test]
async fn handoffs_of_a_voice_agent_are_hand_offs() {
    let (api, acme) = account().await;
    let list = json!([
        {"name": "greeter", "voice": "openai:alloy", "is_active": true, "instructions": "Greet.", "model": "gpt-4o", "handoffs": ["closer"]},
        {"name": "closer", "voice": "openai:alloy", "is_active": true, "instructions": "Close.", "model": "gpt-4o"},
    ]);
    send(&api, &acme, "", &list.to_string()).await.ok();
    let (one, other) = (get(&api, &acme, "greeter").await, get(&api, &acme, "closer").await);
    assert_eq!(one["handoff_targets"], json!([other["id"]]));
    assert_eq!(one["modality"], "audio_only", "it is still a list of voice agents");
}

#[tokio::test]
async fn lettas_groups_and_memory_blocks_move() {
    let (api, acme) = account().await;
    let llm = json!({"model": "gpt-4o", "model_endpoint_type": "openai"});
    let file = json!({"agents": [
        {"id": "agent-0", "name": "lead", "system": "Lead.", "llm_config": llm,
            "memory_blocks": [{"label": "human", "value": "Likes tea."}]},
        {"id": "agent-1", "name": "worker", "system": "Work.", "llm_config": llm},
    ], "groups": [{"id": "group-0", "manager_type": "supervisor", "manager_config": {"manager_type": "supervisor",
        "manager_agent_id": "agent-0"}, "agent_ids": ["agent-1"]}], "blocks": [], "tools": [], "files": [{"a": 1}]});
    let report = send(&api, &acme, "", &file.to_string()).await.ok();
    let (lead, worker) = (get(&api, &acme, "lead").await, get(&api, &acme, "worker").await);
    assert_eq!(lead["handoff_targets"], json!([worker["id"]]));
    assert_eq!(lead["instructions"], "Lead.\n\n<human>\nLikes tea.\n</human>");
    assert_eq!(became(&report["results"][0], "files"), "dropped", "{report:#}");
}

#[tokio::test]
async fn the_older_autogen_moves() {
    let file = json!({"name": "coder", "system_message": "Write code.", "human_input_mode": "NEVER",
        "llm_config": {"temperature": 0.2, "config_list": [
            {"model": "gpt-4o", "api_key": "sk-abcdefghijklmnop1234"}, {"model": "claude-sonnet-5", "api_type": "anthropic"}]}});
    let (row, agent) = moved("", &file.to_string()).await;
    assert_eq!(row["format"], "autogen", "{row:#}");
    assert_eq!(agent["instructions"], "Write code.");
    assert_eq!(agent["model"], "openai:gpt-4o?temperature=0.2, anthropic:claude-sonnet-5?temperature=0.2");
    assert!(!agent.to_string().contains("sk-abc"));
    let (row, _) =
        moved("", r#"{"name": "w", "system_message": "x", "llm_config": {"model": "gpt-4o"}}"#).await;
    assert_eq!(row["format"], "autogen");
    let (_, agent) =
        moved("", r#"{"agents": [{"name": "w", "system_message": "x", "llm_config": {"model": "gpt-4o"}}]}"#)
            .await;
    assert_eq!(agent["instructions"], "x");
}

#[tokio::test]
async fn holders_of_anchors_are_no_agents() {
    let (api, acme) = account().await;
    let crew = "_base: &base\n  llm: gpt-4o\n  verbose: true\nx-more: {a: 1}\n.defaults: {max_iter: 3}\nbaker:\n  <<: *base\n  role: Baker\n  goal: \
        Bread\n  backstory: Long.\n";
    let report = send(&api, &acme, "", crew).await.ok();
    assert_eq!(
        (&report["created"], &report["results"][0]["format"]),
        (&json!(1), &json!("crewai")),
        "{report:#}"
    );
    let cagent =
        "agents:\n  _base: &base {model: gpt-4o, instruction: x}\n  root: {<<: *base, instruction: Lead.}\n";
    let report = send(&api, &acme, "?name=chief", cagent).await.ok();
    assert_eq!(
        (&report["created"], &report["results"][0]["slug"]),
        (&json!(1), &json!("chief")),
        "{report:#}"
    );
}

#[tokio::test]
async fn an_agent_without_instructions_gets_a_line_that_says_who_it_is() {
    let adk = "name: router\nmodel: gpt-4o\nsub_agents:\n  - config_path: a.yaml\n";
    let (row, agent) = moved("", adk).await;
    assert_eq!((&row["format"], &agent["instructions"]), (&json!("adk"), &json!("You are {{agent_name}}.")));
    assert!(became(&row, "instructions").starts_with("mapped to instructions"));
    let dify = "kind: app\napp: {mode: chat, name: Shop}\nmodel_config:\n  pre_prompt: ''\n  model: {provider: openai, name: gpt-4o}\n";
    assert_eq!(moved("", dify).await.1["instructions"], "You are {{agent_name}}.");
    let (api, acme) = account().await;
    let package =
        send(&api, &acme, "", r#"{"name": "left-pad", "version": "1.0.0", "scripts": {"a": "b"}}"#).await;
    assert_eq!(package.fields(), ["agents[0].(file)"]);
    let q = send(
        &api,
        &acme,
        "",
        r#"{"name": "q", "allowedTools": [], "model": "gpt-4o", "prompt": "file://./q.md"}"#,
    )
    .await;
    assert_eq!(q.fields(), ["agents[0].prompt"]);
}

#[tokio::test]
async fn models_behind_adapters_are_found() {
    for model in [
        json!({"name": "google.adk.models.lite_llm.LiteLlm", "args": [{"name": "model", "value": "openai/gpt-4o"}]}),
        json!("LiteLlm(model=\"openai/gpt-4o\")"),
        json!("litellm/openai/gpt-4o"),
        json!("gateway/openai:gpt-4o"),
    ] {
        let file = json!({"agent_class": "LlmAgent", "name": "A", "instruction": "x", "model": model});
        assert_eq!(moved("", &file.to_string()).await.1["model"], "openai:gpt-4o", "{model}");
    }
    let file = json!({"agent_class": "LlmAgent", "name": "A", "instruction": "x",
        "model_code": {"name": "google.adk.models.LiteLlm", "args": [{"name": "model", "value": "openai/gpt-4o"}]}});
    assert_eq!(moved("", &file.to_string()).await.1["model"], "openai:gpt-4o");
    for (model, line) in [
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", "bedrock:anthropic.claude-3-5-sonnet-20241022-v2:0"),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", "bedrock:us.anthropic.claude-sonnet-4-20250514-v1:0"),
        ("bedrock/us.amazon.nova-pro-v1:0", "bedrock:us.amazon.nova-pro-v1:0"),
        ("@cf/meta/llama-3.1-8b-instruct", "workers-ai:@cf/meta/llama-3.1-8b-instruct"),
    ] {
        let file = json!({"name": "A", "instructions": "x", "backstory": "y", "model": model});
        assert_eq!(moved("", &file.to_string()).await.1["model"], line);
    }
}

#[tokio::test]
async fn templates_of_blocks_stay_text_and_escaped_braces_are_braces() {
    let text = "{{#each items}}{{this}}{{/each}} {{#if vip}}Hi{{else}}Bye{{/if}}";
    let (_, agent) = moved(
        "",
        &json!({"name": "A", "instructions": text, "backstory": "x", "model": "gpt-4o"}).to_string(),
    )
    .await;
    assert_eq!(
        agent["config"]["variables"],
        json!({"this": "{{this}}", "else": "{{else}}"}),
        "reads as written"
    );
    let crew = "baker: {role: Baker, goal: 'Bread for {town} as {{\"a\": 1}} or {{name}}', backstory: Long., llm: gpt-4o}\n";
    let (_, agent) = moved("", crew).await;
    let text = agent["instructions"].as_str().unwrap();
    assert!(text.contains("Bread for {{town}} as {\"a\": 1} or {name}"), "{text}");
    for (format, text, declared) in [
        ("handlebars", "Hi {{userName}}, {{city}}.", json!({"username": "", "city": "{{city}}"})),
        ("semantic-kernel", "Hi {{$userName}}, {{city}}.", json!({"username": "", "city": "{{city}}"})),
    ] {
        let file = json!({"name": "A", "template": text, "template_format": format, "execution_settings": {"default": {"model_id": "gpt-4o"}},
            "input_variables": [{"name": "userName"}]});
        let (row, agent) = moved("", &file.to_string()).await;
        assert_eq!(row["format"], "semantic-kernel");
        assert_eq!(agent["config"]["variables"], declared, "{format}");
        assert!(agent["instructions"].as_str().unwrap().starts_with("Hi {{username}}"), "{agent:#}");
    }
}

#[tokio::test]
async fn markdown_has_its_own_words() {
    let (api, acme) = account().await;
    let post = async |query: &str, text: &str| {
        let call = api.post(&format!("/api/v1/agents/import{query}")).key(&acme.admin);
        call.header("content-type", "text/markdown").raw(Body::from(text.to_owned())).send().await
    };
    let skill =
        "---\nname: pdf\ndescription: Reads PDFs.\nallowed-tools: Bash(git:*) Read, Write\n---\nRead it.\n";
    let report = post("", skill).await.ok();
    assert_eq!(report["results"][0]["format"], "skill");
    assert_eq!(get(&api, &acme, "pdf").await["tools"], json!(["Bash", "Read", "Write"]));
    let copilot =
        "---\nname: planner\ndescription: Plans.\nmodel: gpt-4o\nagents: ['Research', '*']\n---\nPlan it.\n";
    let report = post("", copilot).await.ok();
    assert_eq!(report["results"][0]["format"], "markdown", "{report:#}");
    assert_eq!(get(&api, &acme, "planner").await["instructions"], "Plan it.");
    for (text, what) in [
        ("---\napplyTo: '**/*.ts'\n---\nUse tabs.\n", "`applyTo`"),
        ("---\ndescription: Rules\nglobs: '*.rs'\nalwaysApply: false\n---\nUse tabs.\n", "a rule"),
    ] {
        let refused = post("?name=x", text).await;
        assert_eq!(refused.fields(), ["agents[0].(file)"]);
        assert!(
            refused.detail().contains(what) || refused.json().to_string().contains(what),
            "{:#}",
            refused.json()
        );
    }
}

#[tokio::test]
async fn what_later_features_bring_to_life_is_parked_wherever_it_stands() {
    let waiting = json!({"max_parallel_tasks": 3, "approval_required_for": ["pay"], "auto_retry": true, "feedback_collection": false});
    for extra in [json!({}), json!({"backstory": "y"})] {
        let mut file = json!({"name": "A", "instructions": "x", "model": "gpt-4o", "config": waiting});
        file["config"]["own"] = json!(1);
        file.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let (row, agent) = moved("", &file.to_string()).await;
        assert_eq!(agent["config"]["imported"]["config"], waiting, "{row:#}");
        assert_eq!(agent["config"]["own"], 1);
        assert_eq!(became(&row, "config.auto_retry"), "kept");
    }
    let file = json!({"name": "A", "instructions": "x", "model": "gpt-4o", "subagents": [{"id": "helper"}], "triggers": {"events": []},
        "event_pools": ["shared.a"]});
    let (row, agent) = moved("", &file.to_string()).await;
    assert_eq!(row["needs"], json!([{"kind": "agent", "name": "helper"}]), "{row:#}");
    assert_eq!(agent["config"]["imported"]["event_pools"], json!(["shared.a"]));
}

#[tokio::test]
async fn an_export_with_such_settings_comes_back_as_it_was() {
    let (api, acme) = account().await;
    let config = json!({"max_parallel_tasks": 3});
    api.agent(&acme, &json!({"slug": "a", "name": "A", "model": "openai:gpt-4o", "config": config})).await;
    let export = api.get("/api/v1/agents/export").key(&acme.admin).send().await.ok();
    let report = send(&api, &acme, "?mode=update", &export.to_string()).await.ok();
    assert_eq!(report["skipped"], 1, "{report:#}");
    assert_eq!(get(&api, &acme, "a").await["config"], config);
}

#[tokio::test]
async fn a_type_in_snake_case_makes_no_file_semantic_kernels() {
    let file = json!({"name": "A", "instructions": "Hi {{name}}", "model": "gpt-4o", "type": "sales_agent", "config": {"variables": {"name": "x"}}});
    let (row, agent) = moved("", &file.to_string()).await;
    assert_eq!((&row["format"], &agent["type"]), (&json!(null), &json!("sales-agent")));
}

#[tokio::test]
async fn what_two_places_of_a_document_say_is_kept() {
    let file = "agent: {name: Inner, agent_id: inner, model: {id: gpt-4o-mini, provider: openai}}\nname: Outer\nmodel: {id: gpt-4o, provider: openai}\n\
        instructions: x\n";
    let (row, agent) = moved("", file).await;
    assert_eq!(agent["model"], "openai:gpt-4o", "{row:#}");
    assert_eq!(agent["config"]["imported"]["agent"]["name"], "Inner", "{row:#}");
    assert_eq!(agent["config"]["imported"]["agent"]["model"]["id"], "gpt-4o-mini");
}

#[tokio::test]
async fn librechats_edges_lead_from_their_agent() {
    let (api, acme) = account().await;
    let agent = |id: &str, edges: Value| {
        json!({"id": id, "name": id, "provider": "openai", "model": "gpt-4o", "instructions": "x",
        "model_parameters": {}, "edges": edges})
    };
    let edges =
        json!([{"from": "agent_a", "to": ["agent_b", "agent_c"]}, {"from": "agent_b", "to": "agent_c"}]);
    let file = json!([agent("agent_a", edges), agent("agent_b", json!([])), agent("agent_c", json!([]))]);
    send(&api, &acme, "", &file.to_string()).await.ok();
    let ids: Vec<Value> = vec![
        get(&api, &acme, "agent-b").await["id"].clone(),
        get(&api, &acme, "agent-c").await["id"].clone(),
    ];
    assert_eq!(get(&api, &acme, "agent-a").await["handoff_targets"], json!(ids));
}

#[tokio::test]
async fn a_deployed_system_agent_is_active() {
    let file = "agents:\n  - {agent_type: TASK_EXECUTION, llm_model_code: gpt-4o, status: Deployed, config: {system_prompt: x}}\n";
    let (row, agent) = moved("", file).await;
    assert_eq!((&row["format"], &agent["status"]), (&json!("system-agents"), &json!("active")));
}
