//! `POST /api/v1/agents/import`: shapes that stand in public repositories, in samples of our own.

use serde_json::{Value, json};

use crate::moving::{account, became, get, send};

/// The rows of a file that is taken.
async fn taken(text: &str) -> Vec<Value> {
    let (api, acme) = account().await;
    send(&api, &acme, "", text).await.ok()["results"].as_array().unwrap().clone()
}

/// What a file with no agent is called.
async fn refused(text: &str) -> String {
    let (api, acme) = account().await;
    let reply = send(&api, &acme, "?name=row", text).await;
    reply.json()["results"][0]["errors"][0]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_row_of_autogen_studio_is_an_agent_if_it_has_a_configuration() {
    let (api, acme) = account().await;
    let row = json!({"user_id": "guest@example.com", "version": "0.0.1", "type": "groupchat", "task_instruction": null,
        "config": {"name": "Harbour_Master", "description": "Leads", "system_message": "Lead the ships.",
            "human_input_mode": "NEVER", "llm_config": {"config_list": [], "temperature": 0.1, "max_tokens": 4000}}});
    let report = send(&api, &acme, "?model=openai:gpt-4o", &row.to_string()).await.ok();
    assert_eq!(report["results"][0]["format"], "autogen", "{report:#}");
    let made = get(&api, &acme, "harbour-master").await;
    assert_eq!(made["instructions"], "Lead the ships.");
    assert_eq!(made["model"], "openai:gpt-4o?temperature=0.1&max_tokens=4000");

    let row = |more: Value| {
        let mut row = json!({"user_id": "guest@example.com", "version": "0.0.1"});
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row.to_string()
    };
    let person = row(json!({"type": "userproxy", "config": {"name": "me", "human_input_mode": "ALWAYS",
        "system_message": "I.", "llm_config": false}}));
    assert!(refused(&person).await.contains("is a person"));
    let model = row(json!({"model": "gpt-4o", "api_type": "open_ai", "description": "A model"}));
    assert!(refused(&model).await.contains("is a model of AutoGen"));
    let skill =
        row(json!({"name": "tide", "content": "def tide(): ...", "secrets": [], "description": "Tides"}));
    assert!(refused(&skill).await.contains("is a skill"));
    let flow =
        row(json!({"name": "Rescue", "description": "Saves", "summary_method": "last", "sample_tasks": []}));
    assert!(refused(&flow).await.contains("is a workflow"));
}

#[tokio::test]
async fn the_inner_team_of_a_society_moves_with_it() {
    let (api, acme) = account().await;
    let agent = |name: &str| {
        json!({"provider": "autogen_agentchat.agents.AssistantAgent", "component_type": "agent", "config": {
            "name": name, "system_message": format!("You {name}."), "model_client": {
                "provider": "autogen_ext.models.openai.OpenAIChatCompletionClient", "config": {"model": "gpt-4o"}}}})
    };
    let team = |members: Vec<Value>| {
        json!({"provider": "autogen_agentchat.teams.RoundRobinGroupChat", "component_type": "team",
            "config": {"participants": members}})
    };
    let mut society = agent("society");
    society["provider"] = json!("autogen_agentchat.agents.SocietyOfMindAgent");
    society["config"]["team"] = team(vec![agent("write"), agent("edit")]);
    let file = team(vec![society, agent("translate")]);
    let report = send(&api, &acme, "", &file.to_string()).await.ok();
    let slugs: Vec<&str> =
        report["results"].as_array().unwrap().iter().map(|row| row["slug"].as_str().unwrap()).collect();
    assert_eq!(slugs, ["society", "write", "edit", "translate"]);
    let leads = get(&api, &acme, "society").await;
    let (write, edit) = (get(&api, &acme, "write").await, get(&api, &acme, "edit").await);
    assert_eq!(leads["handoff_targets"], json!([write["id"], edit["id"]]));
}

#[tokio::test]
async fn a_line_that_lost_its_indent_keeps_no_crew_from_moving() {
    let crew = "reader:\n  role: Reader\n  goal: Read\n  backstory: Reads.\ntool:\n  - PdfTool\nwriter:\n  role: Writer\n  goal: \
                Write\n  backstory: Writes.\n";
    let rows = taken(crew).await;
    assert_eq!((&rows[0]["slug"], &rows[1]["slug"]), (&json!("reader"), &json!("writer")), "{rows:#?}");
    assert_eq!((&rows[0]["format"], became(&rows[0], "tool")), (&json!("crewai"), "dropped"));
    // One agent that has an object with such words is no crew.
    let one = "name: One\ninstructions: Be one.\nmodel: openai:gpt-4o\npersona: {role: Baker, goal: Bread}\n";
    assert_eq!(taken(one).await[0]["slug"], "one");
}

#[tokio::test]
async fn members_with_an_instruction_are_no_memory_file() {
    let file = "name: port\nmodel: gemini-2.5-flash\nagents:\n  - {name: pilot, instruction: Steer., model: gemini-2.5-flash}\n\
                mcp_servers: {charts: {command: charts}}\n";
    let rows = taken(file).await;
    assert_eq!(
        (&rows[0]["format"], &rows[0]["slug"], &rows[1]["slug"]),
        (&json!("adk"), &json!("port"), &json!("pilot"))
    );
}

#[tokio::test]
async fn how_a_model_is_called_holds_for_the_one_that_stands_in() {
    let (api, acme) = account().await;
    for (system, file) in [
        (
            "semantic-kernel",
            "type: azure_responses\nname: Host\ninstructions: Serve.\nmodel: {id: \"${Model}\", options: {temperature: 0.4}}\n",
        ),
        (
            "agno",
            "agent_id: host\nname: Host\ninstructions: Serve.\nmodel: {id: \"${MODEL}\", temperature: 0.4}\n",
        ),
    ] {
        let report = send(&api, &acme, "?model=openai:gpt-4o&mode=update", file).await.ok();
        assert_eq!(report["results"][0]["format"], system, "{report:#}");
        assert_eq!(get(&api, &acme, "host").await["model"], "openai:gpt-4o?temperature=0.4", "{system}");
    }
}

#[tokio::test]
async fn a_stored_prompts_name_is_no_prompt() {
    let file = json!({"name": "researcher", "prompt": "@researcher", "description": "Looks things up.",
        "tools": ["web_search"], "allowedTools": ["web_search"]});
    let (api, acme) = account().await;
    let report = send(&api, &acme, "", &file.to_string()).await.ok();
    assert_eq!(get(&api, &acme, "researcher").await["instructions"], "Looks things up.");
    let says = report["results"][0]["report"].to_string();
    assert!(says.contains("only names where the text is"), "{says}");
}

#[tokio::test]
async fn an_own_file_with_an_alias_and_a_parameter_moves_in() {
    let (api, acme) = account().await;
    let path = "/api/v1/model-aliases/fast";
    api.put(path).key(&acme.admin).json(&json!({"model": "openai:gpt-4o"})).send().await.ok();
    let file =
        json!({"slug": "own", "name": "Own", "instructions": "x", "model": "fast", "temperature": 0.2});
    for query in ["?dry_run=true", ""] {
        let report = send(&api, &acme, query, &file.to_string()).await.ok();
        assert_eq!(became(&report["results"][0], "temperature"), "dropped", "{report:#}");
    }
    assert_eq!(get(&api, &acme, "own").await["model"], "fast");
    let both =
        json!({"name": "Both", "instructions": "x", "model": "fast, openai:gpt-4o-mini", "temperature": 0.2});
    send(&api, &acme, "", &both.to_string()).await.ok();
    assert_eq!(get(&api, &acme, "both").await["model"], "fast, openai:gpt-4o-mini?temperature=0.2");
    let strict = send(&api, &acme, "?strict=true&mode=update", &file.to_string()).await;
    assert_eq!(strict.fields(), ["agents[0].temperature"]);
}

#[tokio::test]
async fn what_has_no_mark_of_a_system_moves_in_as_others_write_it() {
    let (api, acme) = account().await;
    let file = json!({"name": "coder", "description": "Writes code.", "prompt": "Write code.", "model": "claude-sonnet-4",
        "tools": ["fs_read", "@git", "*"]});
    let report = send(&api, &acme, "", &file.to_string()).await.ok();
    assert!(report["results"][0]["needs"].to_string().contains("fs_read"), "{report:#}");
    let made = get(&api, &acme, "coder").await;
    assert_eq!(
        (&made["model"], &made["instructions"]),
        (&json!("anthropic:claude-sonnet-4"), &json!("Write code."))
    );
    // Ours stays strict where it says that it is ours.
    let own = json!({"slug": "own", "name": "Own", "instructions": "x", "model": "openai:gpt-4o", "tools": ["@git"]});
    assert_eq!(send(&api, &acme, "", &own.to_string()).await.fields(), ["agents[0].tools[0]"]);
    let own = json!({"slug": "own", "name": "Own", "instructions": "x", "model": "claude-sonnet-4"});
    let report = send(&api, &acme, "", &own.to_string()).await.ok();
    assert!(report["results"][0]["report"].to_string().contains("no price"), "{report:#}");
}

#[tokio::test]
async fn models_that_stand_in_for_others_come_after_them() {
    let (api, acme) = account().await;
    let file = "models: {spare: {provider: openai, model: gpt-4o-mini}}\nagents:\n  root:\n    model: openai/gpt-4o\n    \
                instruction: Answer.\n    fallback: {models: [spare, google/gemini-2.5-flash], cooldown: 1m}\n";
    let report = send(&api, &acme, "?name=spared", file).await.ok();
    assert_eq!(report["results"][0]["format"], "cagent", "{report:#}");
    let made = get(&api, &acme, "spared").await;
    assert_eq!(made["model"], "openai:gpt-4o, openai:gpt-4o-mini, gemini:gemini-2.5-flash");
    assert_eq!(made["config"]["imported"]["fallback"], json!({"cooldown": "1m"}));
}

#[tokio::test]
async fn a_providers_own_name_for_itself_gives_way_to_what_it_is() {
    let (api, acme) = account().await;
    let file = json!({"agents": [{"name": "keeper", "system": "Keep.", "llm_config": {"provider_name": "my-gemini",
        "model_endpoint_type": "google_ai", "model": "gemini-2.5-flash", "temperature": 0.7}}], "blocks": []});
    send(&api, &acme, "", &file.to_string()).await.ok();
    assert_eq!(get(&api, &acme, "keeper").await["model"], "gemini:gemini-2.5-flash?temperature=0.7");
}

#[tokio::test]
async fn tools_as_model_makers_have_them_and_crews_of_roles_move_in() {
    let (api, acme) = account().await;
    let file = json!({"name": "Teller", "instructions": "Tell.", "model": "openai/gpt-4o", "temperature": 0.5,
        "tools": [{"type": "function", "function": {"name": "tell", "parameters": {}}}, {"type": "code_interpreter"}]});
    send(&api, &acme, "", &file.to_string()).await.ok();
    let made = get(&api, &acme, "teller").await;
    assert_eq!(
        (&made["tools"], &made["model"]),
        (&json!(["tell", "code_interpreter"]), &json!("openai:gpt-4o?temperature=0.5"))
    );

    let crew = "framework: crewai\ntopic: tea\nroles:\n  brewer:\n    role: Brewer of {topic}\n    goal: Tea\n    backstory: Old.\n    \
                tasks: {brew: {description: Brew, expected_output: Tea}}\n";
    let rows = taken(crew).await;
    assert_eq!((&rows[0]["slug"], &rows[0]["format"]), (&json!("brewer"), &json!("crewai")), "{rows:#?}");
    assert_eq!(became(&rows[0], "topic"), "dropped");

    let file = json!({"name": "Measured", "instructions": "x", "model": "gpt-4o", "completion_args": {"temperature": 0.3}});
    send(&api, &acme, "", &file.to_string()).await.ok();
    assert_eq!(get(&api, &acme, "measured").await["model"], "openai:gpt-4o?temperature=0.3");
}
