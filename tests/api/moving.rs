//! `POST /api/v1/agents/import` of other systems' files. The samples are written for these tests, each in its system's shape.

use axum::body::Body;
use serde_json::{Value, json};

use crate::support::{Api, Reply, Tenant};

/// An account, and a catalogue with a few models.
pub async fn account() -> (Api, Tenant) {
    let api = Api::new();
    let acme = api.tenant("acme").await;
    let sql =
        "INSERT INTO catalogue (provider, code, input_price, output_price, context_tokens, max_output_tokens,
        capabilities, priced_on) VALUES (?1, ?2, 1, 1, 1000, 100, '[]', '2026-11-20')";
    let models = [
        ("openai", "gpt-4o"),
        ("openai", "gpt-4o-mini"),
        ("openai", "gpt-4.1-mini"),
        ("anthropic", "claude-sonnet-5"),
        ("gemini", "gemini-2.5-flash"),
    ];
    api.world.database().with(|db| {
        for (provider, code) in models {
            db.execute(sql, [provider, code]).unwrap();
        }
    });
    (api, acme)
}

pub async fn send(api: &Api, acme: &Tenant, query: &str, text: &str) -> Reply {
    let is_json = text.trim_start().starts_with(['{', '[', '"']);
    let kind = if is_json { "application/json" } else { "application/yaml" };
    let call = api.post(&format!("/api/v1/agents/import{query}")).key(&acme.admin);
    call.header("content-type", kind).raw(Body::from(text.to_owned())).send().await
}

pub async fn get(api: &Api, acme: &Tenant, agent: &str) -> Value {
    api.get(&format!("/api/v1/agents/{agent}")).key(&acme.member).send().await.ok()
}

/// What became of a field, as the report's row of the agent says.
pub fn became<'a>(row: &'a Value, field: &str) -> &'a str {
    let lines = row["report"].as_array().unwrap();
    let line = lines.iter().find(|line| line["field"] == field);
    line.unwrap_or_else(|| panic!("no {field} in {row:#}"))["became"].as_str().unwrap()
}

/// A file, and what the agent made of it must have.
struct Sample {
    format: &'static str,
    text: &'static str,
    slug: &'static str,
    has: Value,
}

fn samples() -> Vec<Sample> {
    let sample = |format, slug, text, has| Sample { format, text, slug, has };
    vec![
        sample(
            "automagik",
            "tide-watch",
            r#"{"name": "tide_watch", "type": "virtual", "model": "openai:gpt-4o-mini", "config": {
                "agent_source": "virtual", "system_prompt": "Watch the tide.", "temperature": 0.7, "max_tokens": 1000,
                "tool_config": {"enabled_tools": ["memory", "datetime"], "tool_permissions": {"memory": {"max": 1}}}}}"#,
            json!({"instructions": "Watch the tide.", "tools": ["memory", "datetime"], "type": "virtual",
                "model": "openai:gpt-4o-mini?temperature=0.7&max_tokens=1000",
                "config": {"agent_source": "virtual", "tool_config": {"tool_permissions": {"memory": {"max": 1}}}}}),
        ),
        sample(
            "automagik-hive",
            "harbour-guide",
            "agent:\n  name: Harbour Guide\n  agent_id: harbour-guide\n  version: 3\nmodel:\n  provider: openai\n  id: gpt-4o\n  \
             temperature: 0.2\ninstructions: Guide ships.\ntools: [WebTools]\nstorage: {table_name: harbour}\n",
            json!({"name": "Harbour Guide", "model": "openai:gpt-4o?temperature=0.2", "tools": ["WebTools"],
                "config": {"imported": {"version": 3, "storage": {"table_name": "harbour"}}}}),
        ),
        sample(
            "pydantic-ai",
            "given-name",
            "model: openai:gpt-4.1-mini\ninstructions: Greet {{guest}}.\nmodel_settings: {temperature: 0.3, parallel: true}\n\
             retries: 2\nend_strategy: early\ndeps_schema: {properties: {guest: {type: string}}}\n",
            json!({"model": "openai:gpt-4.1-mini?temperature=0.3", "instructions": "Greet {{guest}}.",
                "config": {"variables": {"guest": ""},
                    "imported": {"retries": 2, "end_strategy": "early", "model_settings": {"parallel": true},
                        "deps_schema": {"properties": {"guest": {"type": "string"}}}}}}),
        ),
        sample(
            "agno",
            "ledger-clerk",
            r#"{"agent_id": "ledger-clerk", "name": "Ledger Clerk", "model": {"id": "gpt-4o", "provider": "OpenAI"},
                "instructions": ["Keep books.", "Be exact."], "markdown": true}"#,
            json!({"instructions": "Keep books.\nBe exact.", "model": "openai:gpt-4o", "config": {"imported": {"markdown": true}}}),
        ),
        sample(
            "crewai",
            "baker",
            "baker:\n  role: Baker of {bread}\n  goal: Good loaves\n  backstory: Up since four.\n  llm: openai/gpt-4o\n  \
             verbose: true\nmiller:\n  role: Miller\n  goal: Fine flour\n  backstory: By the river.\n  llm: gpt-4o\n",
            json!({"name": "baker", "model": "openai:gpt-4o",
                "instructions": "Role: Baker of {{bread}}\n\nGoal: Good loaves\n\nBackground: Up since four.",
                "config": {"variables": {"bread": "{bread}"}, "imported": {"verbose": true}}}),
        ),
        sample(
            "agent-framework",
            "cloud-reader",
            "kind: Prompt\nname: Cloud Reader\ninstructions: Read clouds.\nmodel:\n  id: gpt-4o\n  provider: OpenAI\n  options: \
             {temperature: 0.9, topP: 0.5, chatToolMode: auto}\ntools:\n- {kind: function, name: Look, parameters: {}}\n",
            json!({"model": "openai:gpt-4o?temperature=0.9&top_p=0.5", "tools": ["Look"]}),
        ),
        sample(
            "semantic-kernel",
            "haiku-maker",
            "name: Haiku Maker\ntemplate: Write about {{$season}}.\ntemplate_format: semantic-kernel\ninput_variables:\n- {name: \
             season, is_required: true}\nexecution_settings: {default: {temperature: 0.6, model_id: gpt-4o}}\n",
            json!({"instructions": "Write about {{season}}.", "model": "openai:gpt-4o?temperature=0.6",
                "config": {"variables": {"season": null},
                    "imported": {"input_variables": [{"name": "season", "is_required": true}]}}}),
        ),
        sample(
            "adk",
            "gardener",
            "agent_class: LlmAgent\nname: gardener\nmodel: gemini-2.5-flash\ninstruction: Tend {plot?}.\n\
             generate_content_config: {temperature: 0.4}\noutput_key: beds\ntools: [{name: weather.today}]\n",
            json!({"instructions": "Tend {{plot}}.", "model": "gemini:gemini-2.5-flash?temperature=0.4",
                "tools": ["weather.today"], "config": {"variables": {"plot": ""}, "imported": {"output_key": "beds"}}}),
        ),
        sample(
            "cagent",
            "given-name",
            "agents:\n  root:\n    model: main,anthropic/claude-sonnet-5\n    instruction: Lead.\n    sub_agents: [scout]\n    toolsets: [{type: shell}, {type: mcp, ref: 'docker:maps'}]\n  \
             scout:\n    model: anthropic/claude-sonnet-5\n    instruction: Look.\nmodels:\n  main: {provider: openai, model: gpt-4o, \
             max_tokens: 900}\n",
            json!({"model": "openai:gpt-4o?max_tokens=900, anthropic:claude-sonnet-5", "tools": ["shell", "mcp:docker:maps"],
                "instructions": "Lead."}),
        ),
        sample(
            "librechat",
            "shore-help",
            r#"{"id": "agent_1", "name": "Shore Help", "provider": "openAI", "model": "gpt-4o", "instructions": "Help.",
                "model_parameters": {"temperature": 0.1, "maxContextTokens": 9}, "tools": ["web_search"],
                "conversation_starters": ["Hi"], "_id": "6", "author": "7"}"#,
            json!({"model": "openai:gpt-4o?temperature=0.1",
                "config": {"imported": {"id": "agent_1", "conversation_starters": ["Hi"],
                    "model_parameters": {"maxContextTokens": 9}}}}),
        ),
        sample(
            "markdown",
            "tester",
            "---\nname: tester\ndescription: Use when: tests fail. Example: user says \"broken\"\ntools: Read, Bash(git:*)\nmodel: \
             sonnet\ncolor: red\n---\n\nYou test.\n\n---\n\nShow `{{ name }}` as it is.\n",
            json!({"model": "anthropic:claude-sonnet-5", "tools": ["Read", "Bash"],
                "description": "Use when: tests fail. Example: user says \"broken\""}),
        ),
        sample(
            "skill",
            "knots",
            "---\nname: knots\ndescription: Ties knots.\nlicense: MIT\n---\n# Knots\n",
            json!({"type": "skill", "status": "inactive", "instructions": "# Knots", "config": {"imported": {"license": "MIT"}}}),
        ),
        sample(
            "openai",
            "sums",
            r#"{"id": "asst_1", "object": "assistant", "created_at": 1, "name": "Sums", "model": "gpt-4o", "instructions": "Add.",
                "tools": [{"type": "code_interpreter"}, {"type": "function", "function": {"name": "add"}}], "temperature": 1.0}"#,
            json!({"model": "openai:gpt-4o?temperature=1.0", "tools": ["code_interpreter", "add"]}),
        ),
        sample(
            "openai",
            "given-name",
            r#"{"model": "gpt-4o", "messages": [{"role": "developer", "content": "Be short."}, {"role": "user", "content": "Hi"}]}"#,
            json!({"instructions": "Be short.", "config": {"imported": {"messages": [{"role": "user", "content": "Hi"}]}}}),
        ),
        sample(
            "autogen",
            "pilot",
            r#"{"provider": "autogen_agentchat.teams.Swarm", "component_type": "team", "config": {"participants": [
                {"provider": "autogen_agentchat.agents.AssistantAgent", "component_type": "agent", "config": {"name": "pilot",
                    "system_message": "Fly.", "handoffs": [{"target": "tower"}], "model_client": {
                        "provider": "autogen_ext.models.openai.OpenAIChatCompletionClient", "component_type": "model",
                        "config": {"model": "gpt-4o", "api_key": "sk-very-secret"}}}},
                {"provider": "autogen_agentchat.agents.AssistantAgent", "component_type": "agent", "config": {"name": "tower",
                    "system_message": "Guide.", "model_client": {"config": {"model": "gpt-4o"}}}},
                {"provider": "autogen_agentchat.agents.UserProxyAgent", "component_type": "agent", "config": {"name": "user"}}]}}"#,
            json!({"instructions": "Fly.", "model": "openai:gpt-4o"}),
        ),
        sample(
            "letta",
            "memo",
            r#""{\"agents\": [{\"name\": \"memo\", \"id\": \"agent-0\", \"system\": \"Remember.\", \"block_ids\": [\"b\"], \"tool_ids\": [\"t\"], \"llm_config\": {\"model\": \"claude-sonnet-5\", \"model_endpoint_type\": \"anthropic\", \"context_window\": 9}, \"messages\": [{\"role\": \"user\"}]}], \"blocks\": [{\"id\": \"b\", \"label\": \"human\", \"value\": \"Likes tea.\"}], \"tools\": [{\"id\": \"t\", \"name\": \"archive\"}]}""#,
            json!({"instructions": "Remember.\n\n<human>\nLikes tea.\n</human>", "tools": ["archive"],
                "model": "anthropic:claude-sonnet-5"}),
        ),
        sample(
            "dify",
            "travel-desk",
            "kind: app\napp: {name: Travel Desk, mode: agent-chat, description: Trips.}\nmodel_config:\n  pre_prompt: Plan for {{City}}.\n  \
             model: {provider: langgenius/openai/openai, name: gpt-4o, mode: chat, completion_params: {temperature: 0.5, stop: []}}\n  \
             agent_mode: {enabled: true, tools: [{tool_name: maps, enabled: true}, {tool_name: off, enabled: false}]}\n  \
             user_input_form:\n  - text-input: {variable: City, default: Rome, required: true}\n  opening_statement: Hello\n",
            json!({"name": "Travel Desk", "instructions": "Plan for {{city}}.", "model": "openai:gpt-4o?temperature=0.5",
                "tools": ["maps"]}),
        ),
        sample(
            "amazon-q",
            "deckhand",
            r#"{"name": "deckhand", "prompt": "Clean.", "model": "claude-sonnet-5", "tools": ["fs_read", "@git/status"],
                "allowedTools": ["fs_read"], "mcpServers": {"git": {"command": "git-mcp", "env": {"TOKEN": "abcdefgh", "MODE": "x"}}}}"#,
            json!({"tools": ["fs_read", "git/status"],
                "config": {"imported": {"allowedTools": ["fs_read"], "tools": ["fs_read", "@git/status"],
                    "mcpServers": {"git": {"command": "git-mcp", "env": {"MODE": "x"}}}}}}),
        ),
        sample(
            "langchain",
            "given-name",
            r#"{"lc": 1, "type": "constructor", "id": ["langchain", "schema", "runnable", "RunnableSequence"], "kwargs": {
                "first": {"lc": 1, "type": "constructor", "id": ["langchain", "prompts", "chat", "ChatPromptTemplate"], "kwargs": {
                    "messages": [{"lc": 1, "type": "constructor", "id": ["langchain", "prompts", "chat",
                        "SystemMessagePromptTemplate"], "kwargs": {"prompt": {"lc": 1, "type": "constructor", "id": ["langchain",
                        "prompts", "prompt", "PromptTemplate"], "kwargs": {"template": "Speak {tongue}.", "template_format":
                        "f-string"}}}}]}},
                "last": {"lc": 1, "type": "constructor", "id": ["langchain", "chat_models", "openai", "ChatOpenAI"], "kwargs": {
                    "model_name": "gpt-4o", "temperature": 0.1}}}}"#,
            json!({"instructions": "Speak {{tongue}}.", "model": "openai:gpt-4o?temperature=0.1",
                "config": {"variables": {"tongue": "{tongue}"}}}),
        ),
        sample(
            "langgraph",
            "porter",
            r#"{"assistant_id": "a", "graph_id": "agent", "name": "Porter", "config": {"configurable": {"model": "openai/gpt-4o",
                "system_prompt": "Carry."}}}"#,
            json!({"instructions": "Carry.", "model": "openai:gpt-4o", "config": {"imported": {"assistant_id": "a", "graph_id": "agent"}}}),
        ),
        sample(
            "system-agents",
            "simple-chat-pro",
            "agents:\n- agent_type: simple_chat_pro\n  llm_model_code: gpt-4o\n  status: ACTIVE\n  config: {system_prompt: Chat., depth: 2}\n",
            json!({"type": "simple-chat-pro", "status": "active", "instructions": "Chat.", "config": {"depth": 2}}),
        ),
        sample(
            "voice-agents",
            "triage-agent",
            r#"{"agents": [{"name": "Triage Agent", "instructions": "Sort.", "model": "gpt-4.1-mini", "voice": "cartesia:sonic",
                "panels": ["notepad"], "tools": ["web_search"]}, {"name": "Plain", "instructions": "x", "model": "gpt-4o"}]}"#,
            json!({"modality": "audio_only", "model": "openai:gpt-4.1-mini", "panels": ["notepad"], "voice": "cartesia:sonic"}),
        ),
        sample(
            "other",
            "some-bot",
            r#"{"name": "Some Bot", "systemPrompt": "Do.", "model": {"provider": "openai", "name": "gpt-4o", "temperature": 0.2},
                "greeting": "Hi"}"#,
            json!({"model": "openai:gpt-4o?temperature=0.2", "config": {"imported": {"greeting": "Hi"}}}),
        ),
    ]
}

#[tokio::test]
async fn a_file_of_each_system_moves_in_unchanged() {
    for sample in samples() {
        let (api, acme) = account().await;
        let reply = send(&api, &acme, "?name=given-name&model=gpt-4o", sample.text).await;
        let report = reply.ok();
        for row in report["results"].as_array().unwrap() {
            assert_eq!(
                (&row["result"], &row["format"]),
                (&json!("created"), &json!(sample.format)),
                "{row:#}"
            );
        }
        let made = get(&api, &acme, sample.slug).await;
        for (field, expected) in sample.has.as_object().unwrap() {
            assert_eq!(&made[field], expected, "{}: {field} of {report:#}", sample.format);
        }
        assert_eq!(report["agents"][0]["id"], made["id"], "it replies the agents");
        let again = send(&api, &acme, "?name=given-name&model=gpt-4o", sample.text).await.ok();
        assert_eq!(again["created"], 0, "{}: {again:#}", sample.format);
        let named = send(
            &api,
            &acme,
            &format!("?name=given-name&model=gpt-4o&format={}&dry_run=true", sample.format),
            sample.text,
        )
        .await;
        assert_eq!(named.ok()["created"], 0, "what is recognized may be named");
    }
}

#[tokio::test]
async fn what_is_no_agent_is_refused_as_what_it_is() {
    let (api, acme) = account().await;
    for (text, words) in [
        (
            "kind: app\napp: {name: Flow, mode: workflow}\nworkflow: {graph: {}}\n",
            "is a workflow (`mode: workflow`) of Dify",
        ),
        (
            "kind: Workflow\nname: W\ntrigger: {kind: OnStart}\n",
            "is a workflow (`kind: Workflow`) of Microsoft",
        ),
        ("kind: hosted\nname: H\n", "is a container"),
        (
            "agent_class: SequentialAgent\nname: s\nsub_agents: []\n",
            "is a workflow (`agent_class: SequentialAgent`)",
        ),
        ("workflow: {name: W}\nsteps: [{name: a}]\n", "is a workflow of Automagik Hive"),
        ("tool: {name: T}\n", "is a tool of Automagik Hive"),
        ("bake:\n  description: Bake.\n  expected_output: Bread.\n  agent: baker\n", "is a list of tasks"),
        ("{\"graphs\": {\"a\": \"./a.py:g\"}, \"dependencies\": [\".\"]}", "is a deployment of graphs"),
        ("{\"nodes\": [{\"id\": 1}], \"edges\": [], \"name\": \"N\"}", "is a workflow: a graph of steps"),
        (
            "{\"provider\": \"autogen_agentchat.agents.UserProxyAgent\", \"component_type\": \"agent\", \"config\": {}}",
            "is a person",
        ),
    ] {
        let reply = send(&api, &acme, "?name=x", text).await;
        assert_eq!(reply.fields(), ["agents[0].(file)"], "{text}");
        let said = reply.json()["errors"][0]["message"].as_str().unwrap().to_owned();
        assert!(said.starts_with(words) && said.ends_with("not an agent"), "{said}");
    }
}

#[tokio::test]
async fn the_report_names_every_field_and_strict_refuses_what_has_no_place() {
    let (api, acme) = account().await;
    let text = "model: openai/gpt-3.5-turbo\ninstructions: Sum.\nmodel_settings: {temperature: 0.3, extra_body: {a: 1}}\nretries: 2\n";
    let row = send(&api, &acme, "?name=s", text).await.ok()["results"][0].clone();
    for (field, expected) in [
        ("model", "mapped to model `openai:gpt-3.5-turbo?temperature=0.3`"),
        ("instructions", "mapped to instructions"),
        ("model_settings.temperature", "mapped to model (temperature)"),
        ("model_settings.extra_body.a", "kept"),
        ("retries", "kept"),
    ] {
        assert_eq!(became(&row, field), expected, "{row:#}");
    }
    let note = row["report"][1]["note"].as_str().or(row["report"][0]["note"].as_str()).unwrap();
    assert!(note.contains("not in the catalogue"), "{row:#}");
    let strict = send(&api, &acme, "?name=s2&strict=true", text).await;
    assert_eq!(
        strict.fields(),
        ["agents[0].model_settings.extra_body.a", "agents[0].retries"],
        "all at once"
    );
    let ours = json!([{"name": "o", "instructions": "x", "model": "gpt-4o"}]).to_string();
    assert_eq!(send(&api, &acme, "?strict=true", &ours).await.ok()["created"], 1);
    let refused = send(&api, &acme, "?format=nonsense", &ours).await;
    assert_eq!(refused.fields(), ["format"]);
}

#[tokio::test]
async fn secrets_and_what_is_too_large_are_dropped_and_said_so() {
    let (api, acme) = account().await;
    let long = "y".repeat(70_000);
    let text = json!({"name": "q", "prompt": "Go.", "model": "gpt-4o", "toolsSettings": {"web": {"api_key": "sk-1234567890"}},
        "hooks": long, "resources": ["a"], "mcpServers": {"s": {"headers": {"Authorization": "Bearer $TOKEN"}}}});
    let row = send(&api, &acme, "", &text.to_string()).await.ok()["results"][0].clone();
    assert_eq!(became(&row, "toolsSettings.web.api_key"), "dropped", "{row:#}");
    assert_eq!(became(&row, "hooks"), "dropped");
    let made = get(&api, &acme, "q").await;
    let expected =
        json!({"resources": ["a"], "mcpServers": {"s": {"headers": {"Authorization": "Bearer $TOKEN"}}}});
    assert_eq!(made["config"]["imported"], expected);
}

#[tokio::test]
async fn no_secret_is_kept_wherever_it_stands() {
    let (api, acme) = account().await;
    let agent = |name: &str, more: Value| {
        let mut agent = json!({"name": name, "instructions": "x", "model": "gpt-4o", "greeting": "Hi"});
        agent.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        agent
    };
    let cases = [
        (agent("a", json!({"api_key": "hidden-a", "password": "hidden-b"})), vec!["api_key", "password"]),
        (
            agent(
                "b",
                json!({"model": {"id": "gpt-4o", "api_key": "hidden-a", "credentials": {"user": "hidden-b"}}}),
            ),
            vec!["model.api_key", "model.credentials.user"],
        ),
        (
            agent(
                "c",
                json!({"model_settings": {"api_key": "hidden-a", "extra_headers": {"Authorization": "hidden-b"}}}),
            ),
            vec!["model_settings.api_key", "model_settings.extra_headers.Authorization"],
        ),
        (
            agent("d", json!({"headers": {"x-api-key": "hidden-a"}, "env": ["API_KEY=hidden-b", "MODE=x"]})),
            vec!["headers.x-api-key", "env"],
        ),
        (
            agent(
                "e",
                json!({"args": ["--token", "hidden-a"], "env": [{"name": "DB_PASSWORD", "value": "hidden-b"}],
                "url": "https://me:hidden-c@a.example", "feed": "https://a.example/?token=hidden-d", "remark": "sk-hidden-12345678"}),
            ),
            vec!["args", "env.value", "url", "feed", "remark"],
        ),
    ];
    for (file, dropped) in cases {
        let row = send(&api, &acme, "", &file.to_string()).await.ok()["results"][0].clone();
        for field in dropped {
            assert_eq!(became(&row, field), "dropped", "{field}: {row:#}");
        }
        let made = get(&api, &acme, file["name"].as_str().unwrap()).await;
        assert_eq!(made["config"]["imported"]["greeting"], "Hi", "{made:#}");
        assert!(!made.to_string().contains("hidden"), "{made:#}");
    }
    let file = "agents:\n  root:\n    model: main\n    instruction: Lead.\nmodels:\n  main: {provider: openai, model: gpt-4o, \
                api_key: hidden}\n";
    send(&api, &acme, "?name=lead", file).await.ok();
    assert!(!get(&api, &acme, "lead").await.to_string().contains("hidden"));
}

#[tokio::test]
async fn our_own_fields_are_read_as_ours_beside_any_systems() {
    let (api, acme) = account().await;
    let marks = [
        json!({"model_settings": {"temperature": 0.1}}),
        json!({"llm_config": {"context_window": 900}}),
        json!({"allowedTools": ["a"]}),
        json!({"agent_class": "LlmAgent"}),
        json!({"end_strategy": "early"}),
        json!({"session_state": {}}),
        json!({"role": "R", "goal": "G", "backstory": "B"}),
        json!({"model_parameters": {"a": 1}}),
        json!({"greeting": "Hi"}),
        json!({"is_active": true, "organization_id": "o"}),
    ];
    for (i, mark) in marks.iter().enumerate() {
        let mut file = json!({"name": format!("Cap {i}"), "slug": format!("cap-{i}"), "instructions": "Ours.",
            "model": "openai:gpt-4o", "budget": {"limit_usd": "1", "period": "day"}, "status": "inactive", "labels": ["x"],
            "type": "sales", "voice": "p:v", "panels": ["notepad"], "max_concurrency": 3,
            "allowed_origins": ["https://a.example"], "access": "public", "config": {"depth": 2}});
        file.as_object_mut().unwrap().extend(mark.as_object().unwrap().clone());
        send(&api, &acme, "", &file.to_string()).await.ok();
        let made = get(&api, &acme, &format!("cap-{i}")).await;
        assert_eq!(made["budget"]["limit_usd"], "1.000000", "{mark}: {made:#}");
        for (field, value) in [
            ("status", json!("inactive")),
            ("labels", json!(["x"])),
            ("type", json!("sales")),
            ("voice", json!("p:v")),
            ("modality", json!("text")),
            ("panels", json!(["notepad"])),
            ("max_concurrency", json!(3)),
            ("allowed_origins", json!(["https://a.example"])),
            ("access", json!("public")),
        ] {
            assert_eq!(made[field], value, "{mark}: {made:#}");
        }
        assert_eq!(made["config"]["depth"], 2, "{mark}: {made:#}");
        assert!(made["instructions"].as_str().unwrap().contains("Ours."), "{mark}: {made:#}");
    }
}

#[tokio::test]
async fn our_own_answers_are_read_as_ours() {
    let (api, acme) = account().await;
    api.agent(&acme, &json!({"slug": "b", "name": "B", "model": "openai:gpt-4o"})).await;
    let leads = json!({"slug": "a", "name": "A", "model": "openai:gpt-4o", "labels": ["x"], "handoff_targets": ["b"],
        "budget": {"limit_usd": "1", "period": "day"}, "voice": "p:v"});
    api.agent(&acme, &leads).await;
    let one = api.get("/api/v1/agents/b").key(&acme.admin).send().await.ok();
    let page = api.get("/api/v1/agents").key(&acme.admin).send().await.ok();
    for (name, query, file, count) in [
        ("one", "", one.clone(), 1),
        ("two", "?format=retinue", one, 1),
        ("three", "", page.clone(), 2),
        ("four", "", page["data"].clone(), 2),
    ] {
        let other = api.tenant(name).await;
        let report = send(&api, &other, query, &file.to_string()).await.ok();
        assert_eq!(report["created"], count, "{report:#}");
        assert_eq!(report["results"][0].get("format"), None);
        if count == 2 {
            let made = get(&api, &other, "a").await;
            assert_eq!((&made["labels"], &made["budget"]["limit_usd"]), (&json!(["x"]), &json!("1.000000")));
            assert_eq!(
                (&made["modality"], &made["handoff_targets"][0]),
                (&json!("text"), &get(&api, &other, "b").await["id"])
            );
        }
    }
}

#[tokio::test]
async fn a_voice_or_a_models_object_makes_no_file_another_systems() {
    let (api, acme) = account().await;
    let agent = |name: &str, more: Value| {
        let mut agent = json!({"name": name, "instructions": "x", "model": "gpt-4o"});
        agent.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        agent
    };
    let model = json!({"provider": "openai", "name": "gpt-4o", "temperature": 0.2});
    for (name, file) in [
        ("v", json!([agent("v", json!({"voice": "p:v"}))])),
        ("w", agent("w", json!({"voice": "p:v", "panels": ["notepad"]}))),
        ("m", agent("m", json!({"model": model.clone()}))),
        ("n", json!([agent("n", json!({"model": [model.clone(), "gpt-4o-mini"]}))])),
        ("off", agent("off", json!({"is_active": false, "organization_id": "o"}))),
    ] {
        let row = send(&api, &acme, "", &file.to_string()).await.ok()["results"][0].clone();
        let made = get(&api, &acme, name).await;
        assert_eq!(made["modality"], "text", "{row:#}");
        match name {
            "m" => assert_eq!(made["model"], "openai:gpt-4o?temperature=0.2"),
            "n" => assert_eq!(made["model"], "openai:gpt-4o?temperature=0.2, openai:gpt-4o-mini"),
            "off" => {
                assert_eq!(made["status"], "inactive");
                assert_eq!(became(&row, "is_active"), "mapped to status");
            }
            _ => {}
        }
    }
    let rows = json!([agent(
        "Row",
        json!({"voice": "p:v", "panels": [], "is_active": true, "organization_id": "o"})
    )]);
    send(&api, &acme, "", &rows.to_string()).await.ok();
    assert_eq!(get(&api, &acme, "row").await["modality"], "audio_only");
}

#[tokio::test]
async fn hand_offs_and_members_are_found_in_the_file_and_absent_ones_are_needs() {
    let (api, acme) = account().await;
    let team = "agents:\n  lead:\n    model: gpt-4o\n    instruction: Lead.\n    sub_agents: [night_watch, nobody]\n  night_watch:\n    model: \
        gpt-4o\n    instruction: Watch.\n    handoffs: [lead]\n";
    let report = send(&api, &acme, "", team).await.ok();
    let (lead, watch) = (get(&api, &acme, "lead").await, get(&api, &acme, "night-watch").await);
    assert_eq!(lead["handoff_targets"], json!([watch["id"]]));
    assert_eq!(watch["handoff_targets"], json!([lead["id"]]));
    assert_eq!(report["results"][0]["needs"], json!([{"kind": "agent", "name": "nobody"}]));
    let later = "name: chief\ninstruction: Rule.\nmodel: gpt-4o\nsub_agents: [{config_path: members/night_watch.yaml}]\n";
    send(&api, &acme, "", later).await.ok();
    assert_eq!(
        get(&api, &acme, "chief").await["handoff_targets"],
        json!([watch["id"]]),
        "an agent of the account"
    );
}

#[tokio::test]
async fn names_that_give_one_slug_stay_two_agents() {
    let (api, acme) = account().await;
    let agent = |name: &str| json!({"name": name, "instructions": name, "model": "gpt-4o"});
    let names = ["客服 Agent", "销售 Agent", "C++", "C#", "Müller", "Möller", "日本", "中国"];
    let file = json!(names.map(agent)).to_string();
    assert_eq!(send(&api, &acme, "", &file).await.ok()["created"], 8);
    let slugs = ["agent", "agent-2", "c", "c-2", "muller", "moller", "agent-3", "agent-4"];
    for (name, slug) in names.iter().zip(slugs) {
        assert_eq!(get(&api, &acme, slug).await["name"], *name);
    }
    for mode in ["skip", "update"] {
        let again = send(&api, &acme, &format!("?mode={mode}"), &file).await.ok();
        assert_eq!(again["skipped"], 8, "{mode}: each finds itself by its name");
    }
    // A third name with their slug is neither of them, in any mode.
    for (mode, slug, name) in [("update", "c-3", "C !"), ("skip", "c-4", "C ?"), ("rename", "c-5", "C &")] {
        let report =
            send(&api, &acme, &format!("?mode={mode}"), &json!([agent(name)]).to_string()).await.ok();
        assert_eq!(
            (&report["results"][0]["result"], &report["results"][0]["slug"]),
            (&json!("created"), &json!(slug))
        );
    }
    assert_eq!(get(&api, &acme, "c").await["instructions"], "C++");
    let twice = send(&api, &acme, "", &json!([agent("Two"), agent("Two")]).to_string()).await;
    assert_eq!(twice.fields(), ["agents[1].slug"], "one name is one agent");
}

#[tokio::test]
async fn agents_whose_long_names_begin_alike_stay_apart() {
    let (api, acme) = account().await;
    let named = |length: usize, end: &str| {
        format!("{}{end}", "long name ".repeat(26)[..length - end.len()].to_owned())
    };
    for length in [65, 70, 255] {
        let [one, two] = [named(length, "x"), named(length, "y")];
        let file =
            |name: &str| json!([{"name": name, "instructions": name, "model": "openai:gpt-4o"}]).to_string();
        let cut: String = one.chars().take(64).collect();
        for (name, expected) in
            [(&cut, "created"), (&one, "created"), (&one, "skipped"), (&two, "created"), (&two, "skipped")]
        {
            let row = send(&api, &acme, "?mode=update", &file(name)).await.ok()["results"][0].clone();
            let is_there = expected == "created" && name == &cut && length != 65;
            assert_eq!(row["result"], if is_there { "skipped" } else { expected }, "{length}: {row:#}");
            assert_eq!(row["name"], **name);
        }
    }
    let other = json!([{"instance_name": named(255, "x"), "instructions": "y", "model": "openai:gpt-4o"}]);
    let report = send(&api, &acme, "?mode=update", &other.to_string()).await.ok();
    assert_eq!(report["updated"], 1, "{report:#}");
}

#[tokio::test]
async fn skip_leaves_out_an_agent_that_is_there_by_name_under_another_slug() {
    let (api, acme) = account().await;
    api.agent(&acme, &json!({"slug": "old-desk", "name": "Front Desk", "model": "openai:gpt-4o"})).await;
    for slug in [json!(null), json!("desk")] {
        let mut file = json!([{"name": "Front Desk", "instructions": "x", "model": "gpt-4o"}]);
        if !slug.is_null() {
            file[0]["slug"] = slug;
        }
        assert_eq!(send(&api, &acme, "", &file.to_string()).await.ok()["results"][0]["result"], "skipped");
    }
}

#[tokio::test]
async fn the_portable_file_of_the_seed_moves_in_with_its_parts_parked() {
    let (api, acme) = account().await;
    let text = "metadata: {id: qa-lead, name: QA Lead, version: 2.1.0, author: team-qa, description: Checks all.}\n\
        goal: {type: continuous, description: Keep quality.}\ntriggers: {events: [{type: alert.black, priority: critical}], event_pools: \
        [shared.alerts]}\nsubagents: [{id: explorer, version: \">=1.0.0\", delegate_for: [ui]}]\nskills: [list_cases, take_control]\n\
        permissions: {devices: [read]}\nconfig: {max_parallel_tasks: 3, auto_retry: true}\nbudget: {monthly_limit: 50.00, currency: USD, \
        alerts: [{threshold: 70%, action: notify}, {threshold: 100%, action: block}], rollover: false, shared_pool: team-qa}\n";
    let row = send(&api, &acme, "?model=gpt-4o", text).await.ok()["results"][0].clone();
    assert_eq!(row["format"], "portable");
    let made = get(&api, &acme, "qa-lead").await;
    assert_eq!((&made["name"], &made["instructions"]), (&json!("QA Lead"), &json!("Keep quality.")));
    assert_eq!(
        (&made["description"], &made["tools"]),
        (&json!("Checks all."), &json!(["list_cases", "take_control"]))
    );
    assert_eq!(made["budget"], json!({"limit_usd": "50.000000", "period": "month", "action": "block"}));
    let parked = &made["config"]["imported"];
    assert_eq!(parked["metadata"], json!({"version": "2.1.0", "author": "team-qa"}));
    assert_eq!(parked["goal"], json!({"type": "continuous", "description": "Keep quality."}));
    assert_eq!(parked["triggers"]["event_pools"], json!(["shared.alerts"]));
    assert_eq!(parked["subagents"][0]["delegate_for"], json!(["ui"]));
    assert_eq!(parked["config"], json!({"max_parallel_tasks": 3, "auto_retry": true}));
    assert_eq!(
        (&parked["budget"]["shared_pool"], &parked["budget"]["rollover"]),
        (&json!("team-qa"), &json!(false))
    );
    assert_eq!(made["handoff_targets"], json!([]), "sub-agents are no hand-offs");
    assert!(
        row["needs"]
            .as_array()
            .unwrap()
            .contains(&json!({"kind": "agent", "name": "explorer", "version": ">=1.0.0"}))
    );

    let own = "name: x\nmodel: gpt-4o\ninstructions: Go.\nbudget: {daily_limit: 2, alerts: [{threshold: 100%, action: notify_only}]}\n";
    send(&api, &acme, "", own).await.ok();
    assert_eq!(
        get(&api, &acme, "x").await["budget"],
        json!({"limit_usd": "2.000000", "period": "day", "action": "notify"})
    );
    let euros = "name: y\nmodel: gpt-4o\ninstructions: Go.\nbudget: {monthly_limit: 2, currency: EUR}\n";
    assert_eq!(send(&api, &acme, "", euros).await.fields(), ["agents[0].budget.currency"]);
}

#[tokio::test]
async fn a_model_that_is_not_known_is_refused_with_the_nearest_or_replaced_on_demand() {
    let (api, acme) = account().await;
    let text = "baker:\n  role: Baker\n  goal: Bread\n  backstory: Long.\n  llm: my-own-llm\n";
    let refused = send(&api, &acme, "", text).await;
    assert_eq!(refused.fields(), ["agents[0].model"]);
    assert!(refused.json()["errors"][0]["message"].as_str().unwrap().contains("`openai:gpt-4o"));
    let row = send(&api, &acme, "?model=openai:gpt-4o", text).await.ok()["results"][0].clone();
    assert_eq!(became(&row, "llm"), "mapped to model `openai:gpt-4o`");
    // The seed's own list is strict: a code is the catalogue's, or refused by name.
    let seed = "agents:\n- {agent_type: a, llm_model_code: gpt-9, status: Active, config: {system_prompt: x}}\n\
        - {agent_type: b, llm_model_code: gpt-4o, status: gone, config: {system_prompt: x}}\n";
    assert_eq!(send(&api, &acme, "", seed).await.fields(), ["agents[0].model", "agents[1].status"]);
}

#[tokio::test]
async fn a_hand_off_finds_the_agent_of_that_very_name() {
    for names in [["C++", "C#"], ["C#", "C++"]] {
        let (api, acme) = account().await;
        let [first, second] = names;
        let agent = |name: &str| {
            let model = json!("openai/gpt-4o");
            json!({"name": name, "instruction": "x", "model": model, "sub_agents": [second]})
        };
        let agents: serde_json::Map<String, Value> =
            [first, second, "Lead"].into_iter().map(|name| (name.to_owned(), agent(name))).collect();
        let file = json!({"agents": agents});
        let reply = send(&api, &acme, "?format=cagent", &file.to_string()).await;
        let rows = reply.ok()["agents"].clone();
        let slug = |n: usize| rows[n]["slug"].as_str().unwrap().to_owned();
        assert_ne!(slug(0), slug(1), "{rows:#}");
        let lead = get(&api, &acme, &slug(2)).await;
        let target = get(&api, &acme, lead["handoff_targets"][0].as_str().unwrap_or("none")).await;
        assert_eq!(target["name"], second, "{lead:#}");
    }
}

#[tokio::test]
async fn an_id_that_a_slug_cannot_say_is_no_identity() {
    let (api, acme) = account().await;
    for (id, name) in [("C++", "Compiler"), ("C#", "Sharp")] {
        let file = json!({"agent_id": id, "name": name, "instructions": "x", "model": {"id": "gpt-4o", "provider": "openai"}});
        let reply = send(&api, &acme, "?format=agno&mode=update", &file.to_string()).await.ok();
        assert_eq!(reply["results"][0]["result"], "created", "{id}: {reply:#}");
    }
}

#[tokio::test]
async fn variables_that_a_file_declares_keep_their_defaults() {
    let (api, acme) = account().await;
    let file = json!({"name": "V", "model": {"id": "gpt-4o", "provider": "openai"}, "instructions": "Be {{tone}} with {{who}}.",
        "config": {"variables": {"tone": "dry", "company": "Acme"}, "imported": {"old": 1}}, "goal": "win"});
    let reply = send(&api, &acme, "", &file.to_string()).await.ok();
    let agent = get(&api, &acme, reply["agents"][0]["slug"].as_str().unwrap()).await;
    let variables = json!({"tone": "dry", "company": "Acme", "who": "{{who}}"});
    assert_eq!(agent["config"]["variables"], variables, "{agent:#}");
    assert_eq!(agent["config"]["imported"], json!({"old": 1, "goal": "win"}), "{agent:#}");
}

#[tokio::test]
async fn sampling_parameters_go_into_the_line_that_an_agent_is_given() {
    let (api, acme) = account().await;
    let own = json!({"name": "Own", "instructions": "x", "temperature": 0.2});
    let foreign = json!({"name": "Foreign", "instructions": "x", "model_settings": {"temperature": 0.3, "max_tokens": 50}});
    for (query, file, has) in [
        ("?model=openai:gpt-4o", &own, "temperature=0.2"),
        ("", &own, "temperature=0.2"),
        ("?format=pydantic-ai&model=openai:gpt-4o", &foreign, "temperature=0.3"),
    ] {
        let reply = send(&api, &acme, query, &file.to_string()).await.ok();
        let agent = get(&api, &acme, reply["agents"][0]["slug"].as_str().unwrap()).await;
        assert!(agent["model"].as_str().unwrap().contains(has), "{query}: {agent:#}");
        api.delete(&format!("/api/v1/agents/{}", agent["slug"].as_str().unwrap()))
            .key(&acme.admin)
            .send()
            .await;
    }
}
