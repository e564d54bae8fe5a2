//! `POST /api/v1/agents/import`: what files of other systems call things, and what only looks like an agent. The samples are
//! written for these tests.

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

/// An agent of AutoGen.
fn autogen(name: &str, more: Value) -> Value {
    let mut config = json!({"name": name, "system_message": format!("You {name}."), "model_client": {
        "provider": "autogen_ext.models.openai.OpenAIChatCompletionClient", "component_type": "model",
        "config": {"model": "gpt-4o-mini"}}});
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"provider": "autogen_agentchat.agents.AssistantAgent", "component_type": "agent", "config": config})
}

#[tokio::test]
async fn a_hand_off_means_the_agent_that_it_leads_to_and_not_its_own_name() {
    for entry in [
        json!({"target": "check", "description": "d", "name": "transfer_to_check", "message": "m"}),
        json!({"label": "Go on", "agent": "check", "prompt": "p", "send": false}),
        json!({"name": "to_check", "agent": {"name": "check"}}),
        json!({"tool_name": "go", "target_agent": "check"}),
        json!({"name": "go", "agent_name": "check"}),
        json!("check"),
    ] {
        let (api, acme) = account().await;
        let team = json!({"provider": "autogen_agentchat.teams.Swarm", "component_type": "team", "config": {
            "participants": [autogen("write", json!({"handoffs": [entry]})), autogen("check", json!({}))]}});
        let report = send(&api, &acme, "", &team.to_string()).await.ok();
        assert_eq!(report["results"][0].get("needs"), None, "{entry} {report:#}");
        let (write, check) = (get(&api, &acme, "write").await, get(&api, &acme, "check").await);
        assert_eq!(write["handoff_targets"], json!([check["id"]]), "{entry}");
    }
}

#[tokio::test]
async fn a_member_that_is_code_elsewhere_is_needed_by_its_path() {
    let root = "agent_class: LlmAgent\nname: r\nmodel: gemini-2.5-flash\ninstruction: x\nsub_agents:\n  - code: my_pkg.agents.other\n";
    let (row, _) = moved("", root).await;
    assert_eq!(row["needs"], json!([{"kind": "agent", "name": "my-pkg-agents-other"}]));
}

#[tokio::test]
async fn tools_of_a_workbench_are_the_agents() {
    let tool = |config: Value| json!({"provider": "autogen_core.tools.FunctionTool", "component_type": "tool", "config": config});
    let bench = |provider: &str, config: Value| json!({"provider": provider, "component_type": "workbench", "config": config});
    let benches = json!([
        bench(
            "autogen_core.tools.StaticStreamWorkbench",
            json!({"tools": [tool(json!({"name": "add", "source_code": "…"})), tool(json!({}))]})
        ),
        bench("autogen_ext.tools.mcp.McpWorkbench", json!({"server_params": {"command": "uvx"}})),
    ]);
    let (row, made) = moved("", &autogen("count", json!({"workbench": benches})).to_string()).await;
    assert_eq!(made["tools"], json!(["add", "FunctionTool", "McpWorkbench"]), "{row:#}");
    // One alone, not in a list.
    let (_, made) = moved("", &autogen("count", json!({"workbench": benches[0]})).to_string()).await;
    assert_eq!(made["tools"], json!(["add", "FunctionTool"]));
    // Nothing is said to be mapped that is not.
    let (row, made) =
        moved("", "name: a\nsystem_prompt: x\nagent_id: a\ntools: [{cost: 3, safe: true}]\n").await;
    assert_eq!((&made["tools"], became(&row, "tools")), (&json!([]), "kept"), "{row:#}");
}

#[tokio::test]
async fn what_a_team_says_besides_its_agents_is_in_the_report() {
    let team = json!({"provider": "autogen_agentchat.teams.RoundRobinGroupChat", "component_type": "team", "label": "Pair",
        "description": null, "config": {"max_turns": 3, "termination_condition": {"config": {}}, "emit_team_events": null,
        "participants": [autogen("write", json!({})), {"provider": "autogen_agentchat.agents.UserProxyAgent",
            "component_type": "agent", "config": {"name": "user_proxy"}}]}});
    let (row, _) = moved("", &team.to_string()).await;
    for field in ["config.max_turns", "config.termination_condition", "participants.user_proxy"] {
        assert_eq!(became(&row, &format!("team.{field}")), "dropped", "{row:#}");
    }
    assert_eq!(became(&row, "team"), "kept", "its label tells agents of one name apart: {row:#}");
    assert!(row["report"].to_string().contains("it is a person"), "{row:#}");
    assert!(!row["report"].to_string().contains("emit_team_events"), "{row:#}");
}

#[tokio::test]
async fn what_stands_beside_agents_in_a_repository_becomes_none() {
    for (file, words) in [
        (
            r#"{"name":"my-app","version":"1.0.0","description":"A web app","type":"module","scripts":{"a":"b"}}"#,
            "is a package",
        ),
        (r#"{"name":"lib","version":"1.0.0","description":"d","dependencies":{"a":"1"}}"#, "is a package"),
        ("apiVersion: v2\nname: svc\ndescription: A helm chart\nversion: 0.1.0\n", "is a chart"),
        (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {}\n",
            "is an object of Kubernetes",
        ),
        (r#"{"name":"x","description":"d","input_schema":{"type":"object"}}"#, "is a tool"),
        (r#"{"name":"x","description":"d","inputSchema":{"type":"object"}}"#, "is a tool"),
        (r#"{"type":"function","function":{"name":"x","description":"d","parameters":{}}}"#, "is a tool"),
        (r#"{"name":"x","description":"d","parameters":{"type":"object","properties":{}}}"#, "is a tool"),
        (
            r#"{"$schema":"https://json-schema.org/x","description":"d","properties":{},"type":"object"}"#,
            "is a schema",
        ),
        (
            r#"{"name":"E","description":"d","manifest_version":3,"permissions":["tabs"]}"#,
            "is the manifest of an extension",
        ),
        ("openapi: 3.1.0\ninfo: {title: T}\npaths: {}\n", "is the description of an API"),
        ("name: Bug\ndescription: Report a bug\nbody:\n  - type: markdown\n", "is a form for issues"),
        ("name: CI\non: push\njobs: {a: {steps: []}}\n", "is a workflow of GitHub"),
        (
            r#"{"schema":1,"description":"d","execution_settings":{"default":{}},"input_variables":[]}"#,
            "is the settings of a prompt",
        ),
        ("services: {db: {image: postgres}}\n", "is a list of containers"),
        (
            "---\ntitle: On bread\ndescription: A post\ndate: 2026-01-02\n---\nBread is good.\n",
            "is a page of a site",
        ),
        ("---\nlicense: mit\ntags: [a]\n---\nA model card.\n", "is a page of a site"),
    ] {
        let (api, acme) = account().await;
        let reply = send(&api, &acme, "?name=x&model=openai:gpt-4o", file).await;
        assert_eq!(reply.fields(), ["agents[0].(file)"], "{file}");
        let said = reply.json()["errors"][0]["message"].as_str().unwrap().to_owned();
        assert!(said.starts_with(words) && said.ends_with("not an agent"), "{said}");
    }
}

#[tokio::test]
async fn a_page_is_an_agent_if_it_is_said_to_be_one() {
    let page = "---\ntitle: On bread\ndescription: Bakes\n---\nBake bread.\n";
    let (row, made) = moved("?name=baker&format=markdown&model=openai:gpt-4o", page).await;
    assert_eq!((&row["format"], &made["instructions"]), (&json!("markdown"), &json!("Bake bread.")));
}

#[tokio::test]
async fn a_name_and_a_description_alone_make_no_agent() {
    for file in [
        r#"{"name":"genie","display_name":"G","description":"orch","capabilities":["x"],"active":true}"#,
        r#"{"name":"ext","version":"1","description":"d","mcpServers":{"a":{"command":"x"}}}"#,
        "name: site\ndescription: d\nversion: 1.2.3\nauthor: me\n",
        r#"[{"name":"one","description":"d","score":1}]"#,
    ] {
        let (api, acme) = account().await;
        let reply = send(&api, &acme, "?model=openai:gpt-4o", file).await;
        assert_eq!(reply.fields(), ["agents[0].instructions"], "{file} {:#}", reply.json());
    }
    // Where the system is known, or a model shows an agent, the description is what it is told.
    let with_model =
        r#"{"name":"a","description":"Adds.","model":{"provider":"openai","name":"gpt-4o"}}"#.to_owned();
    let mut known = autogen("a", json!({"description": "Adds."}));
    known["config"].as_object_mut().unwrap().remove("system_message");
    for file in [
        with_model,
        known.to_string(),
        "agent_class: LlmAgent\nname: a\nmodel: gemini-2.5-flash\ndescription: Adds.\n".to_owned(),
        "agents:\n  a:\n    model: gpt-4o\n    description: Adds.\n".to_owned(),
        r#"{"name":"a","description":"Adds.","provider":"openAI","model":"gpt-4o","model_parameters":{}}"#
            .to_owned(),
        r#"{"name":"a","description":"Adds.","model":"openai:gpt-4o","capabilities":["Thinking"]}"#
            .to_owned(),
        r#"{"name":"a","description":"Adds.","allowedTools":["fs_read"],"model":"gpt-4o"}"#.to_owned(),
        "agent: {name: a, description: Adds.}\nmodel: {provider: openai, id: gpt-4o}\n".to_owned(),
        "---\nname: a\ndescription: Adds.\nmodel: gpt-4o\n---\n".to_owned(),
    ] {
        let (_, made) = moved("", &file).await;
        assert_eq!(made["instructions"], "Adds.", "{file}");
    }
}

#[tokio::test]
async fn a_prompt_of_any_usual_name_is_the_instructions() {
    for name in [
        "system_instruction",
        "systemInstruction",
        "system_instructions",
        "systemMessage",
        "system",
        "preamble",
        "developer_message",
        "SYSTEM_PROMPT",
        "system-prompt",
        "System Prompt",
        "prompt_template",
        "persona",
        "base_prompt",
        "Instructions",
        "instruction",
        "custom_instructions",
        "roleDefinition",
    ] {
        let file = json!({"name": "ag", "description": "d", "model": {"name": "gpt-4o"}, name: "You are G."});
        let (row, made) = moved("", &file.to_string()).await;
        assert_eq!(made["instructions"], "You are G.", "{name} {row:#}");
        if name != "instruction" {
            assert_eq!(became(&row, name), "mapped to instructions", "{name}");
        }
        // Without a model it is one, too.
        let file = json!({"name": "ag", "description": "d", name: "You are G.", "x": 1});
        let (_, made) = moved("?model=openai:gpt-4o", &file.to_string()).await;
        assert_eq!(made["instructions"], "You are G.", "{name}");
    }
    // A role is not all of it; the surest of several names is; an object with the text inside is the text.
    let file = json!({"name": "ag", "role": "Baker", "persona": "Old.", "systemMessage": "Bake.", "x": 1});
    let (row, made) = moved("?model=openai:gpt-4o", &file.to_string()).await;
    assert_eq!(made["instructions"], "Role: Baker\n\nBake.");
    assert_eq!(became(&row, "persona"), "kept");
    let file = json!({"name": "ag", "prompts": {"system": "Bake.", "user": "…"}, "x": 1});
    assert_eq!(moved("?model=openai:gpt-4o", &file.to_string()).await.1["instructions"], "Bake.");
    // A word is no prompt where its name means much else; nor is an empty text.
    for (name, value) in [("system", "x86_64-linux"), ("persona", "customer"), ("systemMessage", "")] {
        let (api, acme) = account().await;
        let file = json!({"name": "ag", "description": "d", "x": 1, name: value});
        let reply = send(&api, &acme, "?model=openai:gpt-4o", &file.to_string()).await;
        assert_eq!(reply.fields(), ["agents[0].instructions"], "{name}");
    }
    // Members with an instruction of their own.
    let file = "name: root\nmodel: gpt-4o\ninstruction: Lead.\nagents:\n  - {name: one, model: gpt-4o, description: d, instruction: Do.}\n";
    let (api, acme) = account().await;
    send(&api, &acme, "", file).await.ok();
    assert_eq!(get(&api, &acme, "one").await["instructions"], "Do.");
}

#[tokio::test]
async fn what_stands_beside_a_crew_keeps_none_of_it_from_moving() {
    const CREW: &str = "baker:\n  role: R\n  goal: g\n  backstory: b\n";
    for (stray, field) in [
        ("tools:\n  - X\n", "tools"),
        ("llm: gpt-4o\n", "llm"),
        ("settings: {verbose: true}\n", "settings"),
        ("bake:\n  description: Bake.\n  expected_output: Bread.\n", "bake"),
    ] {
        for file in [format!("{CREW}{stray}"), format!("{stray}{CREW}")] {
            let (api, acme) = account().await;
            let report = send(&api, &acme, "?model=openai:gpt-4o", &file).await.ok();
            let rows = report["results"].as_array().unwrap();
            assert_eq!(
                (rows.len(), &rows[0]["slug"], &rows[0]["format"]),
                (1, &json!("baker"), &json!("crewai")),
                "{file}"
            );
            assert_eq!(became(&rows[0], field), "dropped", "{file}");
        }
    }
}

#[tokio::test]
async fn yaml_that_goes_on_at_the_margin_is_read_as_other_readers_do() {
    let (_, made) =
        moved("", "name: Q\ninstructions: \"line one\nline two\n\n  end\"\nmodel: gpt-4o\n").await;
    assert_eq!((&made["name"], &made["instructions"]), (&json!("Q"), &json!("line one line two\nend")));
    let prompt = "_type: prompt\ninput_variables: [text]\ntemplate: 'Sum up.\n\n{text}\n\nIt''s:'\n";
    let (_, made) = moved("?name=sum&model=openai:gpt-4o", prompt).await;
    assert_eq!(made["instructions"], "Sum up.\n{{text}}\nIt's:");
    let (_, made) = moved("", "name: !!str Q\ninstructions: x\nmodel: openai:gpt-4o\n").await;
    assert_eq!(made["name"], "Q");
}

#[tokio::test]
async fn inputs_that_an_agent_declares_are_variables_with_their_defaults() {
    let file = "type: chat_completion_agent\nname: Car\ninstructions: Moves are {{$moves}} {{$way}} {{$speed}} {{$mood}}.\nmodel: {id: \
                gpt-4o}\ninputs:\n  moves: {description: d, required: true, default: 'forward, back'}\n  way: {required: true}\n  \
                speed: {required: false}\n  mood: calm\n";
    let (_, made) = moved("", file).await;
    let expected = json!({"moves": "forward, back", "way": null, "speed": "", "mood": "calm"});
    assert_eq!(made["config"]["variables"], expected);
    let file = "kind: Prompt\nname: Teller\ninstructions: In {{language}}.\nmodel: {id: gpt-4o}\ninputSchema:\n  properties:\n    \
                language: {kind: string, required: true, default: Latin}\n";
    assert_eq!(moved("", file).await.1["config"]["variables"], json!({"language": "Latin"}));
}

#[tokio::test]
async fn of_a_schema_the_list_beside_its_properties_says_which_inputs_are_required() {
    let properties = json!({"way": {"type": "string"}, "mood": {"type": "string"}, "pace": {"type": "string", "required": true}});
    for name in ["inputs", "inputSchema"] {
        for (required, way) in [(json!(["way"]), Value::Null), (Value::Null, json!(""))] {
            let schema =
                json!({"type": "object", "required": required, "properties": properties, "strict": true});
            let file = json!({"kind": "Prompt", "name": "Guide", "instructions": "Go {{way}} {{mood}} {{pace}}.",
                "model": {"id": "gpt-4o"}, name: schema});
            let (row, made) = moved("", &file.to_string()).await;
            let variables = json!({"way": way, "mood": "", "pace": null});
            assert_eq!(made["config"]["variables"], variables, "{file} {row:#}");
            let kept = &made["config"]["imported"][name];
            assert_eq!((&kept["properties"], &kept["strict"]), (&properties, &json!(true)), "{made:#}");
        }
    }
}

#[tokio::test]
async fn the_line_that_an_agent_is_given_takes_its_parameters_however_it_is_written() {
    let foreign =
        "kind: Prompt\nname: Ass\ninstructions: hi\nmodel:\n  id: =Env.M\n  options: {temperature: 0.9}\n";
    let own = "slug: ass\nname: Ass\ninstructions: hi\ntemperature: 0.9\n";
    for file in [foreign, own] {
        for model in ["gpt-4o", "openai:gpt-4o", "openai/gpt-4o"] {
            let (row, made) = moved(&format!("?model={model}"), file).await;
            assert!(made["model"].as_str().unwrap().ends_with("gpt-4o?temperature=0.9"), "{model} {made:#}");
            assert!(!row["report"].to_string().contains("takes no parameters"), "{row:#}");
        }
        let (api, acme) = account().await;
        let path = "/api/v1/model-aliases/fast";
        api.put(path).key(&acme.admin).json(&json!({"model": "openai:gpt-4o"})).send().await.ok();
        let report = send(&api, &acme, "?model=fast", file).await.ok();
        assert_eq!(get(&api, &acme, "ass").await["model"], "fast");
        assert!(report["results"][0]["report"].to_string().contains("takes no parameters"), "{report:#}");
    }
}

#[tokio::test]
async fn how_much_a_model_thinks_goes_into_its_line_wherever_it_stands() {
    for more in [
        json!({"reasoning": {"effort": "high"}}),
        json!({"reasoning": {"effort": "High"}, "effort": null}),
        json!({"effort": "high"}),
        json!({"model_settings": {"openai_reasoning_effort": "high"}}),
        json!({"model_settings": {"reasoning": {"effort": "high"}}}),
    ] {
        let mut file = json!({"name": "Me", "instructions": "x", "model": "gpt-4o"});
        file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (row, made) = moved("", &file.to_string()).await;
        assert_eq!(made["model"], "openai:gpt-4o?reasoning_effort=high", "{more} {row:#}");
    }
    let file = json!({"name": "Me", "instructions": "x", "model": "gpt-4o", "reasoning": {"effort": "high", "summary": "auto"}});
    let (_, made) = moved("", &file.to_string()).await;
    assert_eq!(made["config"]["imported"], json!({"reasoning": {"summary": "auto"}}));
}

#[tokio::test]
async fn a_model_that_is_not_in_the_catalogue_is_taken_in_any_file() {
    for (model, line) in [
        ("claude-sonnet-4-20250514", "anthropic:claude-sonnet-4-20250514"),
        ("o4-mini", "openai:o4-mini"),
        ("gpt-4-turbo", "openai:gpt-4-turbo"),
        ("deepseek-chat", "deepseek:deepseek-chat"),
        ("claude-3-5-sonnet-latest", "anthropic:claude-3-5-sonnet-latest"),
    ] {
        for file in [
            json!({"name": "x", "instructions": "y", "model": model}),
            json!({"slug": "x", "name": "x", "instructions": "y", "model": model}),
            json!({"name": "x", "instructions": "y", "model": {"id": model}}),
        ] {
            let (row, made) = moved("", &file.to_string()).await;
            assert_eq!(made["model"], line, "{file}");
            assert!(row["report"].to_string().contains("no price here"), "{row:#}");
        }
    }
}

#[tokio::test]
async fn an_export_as_yaml_is_read_again_however_long_its_keys_are() {
    let (api, acme) = account().await;
    for (slug, length) in [("long", 1_022), ("longer", 1_023), ("longest", 5_000)] {
        let config = json!({"a": 1, "k".repeat(length): "v", "é".repeat(length): {"x": ["y", 2], "é".repeat(length): "a\nb\n"}, "z": 2});
        let body = json!({"slug": slug, "name": slug, "instructions": "x", "model": "openai:gpt-4o", "config": config});
        api.post("/api/v1/agents").key(&acme.admin).json(&body).send().await.created();
    }
    let file = api.get("/api/v1/agents/export?format=yaml").key(&acme.admin).send().await;
    let text = String::from_utf8(file.body.to_vec()).unwrap();
    let again = api.post("/api/v1/agents/import?mode=update").key(&acme.admin);
    let again = again.header("content-type", "application/yaml").raw(Body::from(text)).send().await.ok();
    assert_eq!(again["skipped"], 3, "what comes back is what it was: {again:#}");
}

#[tokio::test]
async fn a_text_that_reads_as_yaml_is_a_text() {
    let text = "## Core\n\n1.  **Look**: Open the page.\n2.  **Write**: Note what is there.";
    let (row, made) = moved("", &format!("---\nname: Looker\nmodel: gpt-4o\n---\n\n{text}\n")).await;
    assert_eq!((&row["format"], &made["instructions"]), (&json!("markdown"), &json!(text)));
    for (file, slugs) in [
        ("---\nname: one\ninstructions: x\n---\nname: two\ninstructions: y\n", ["one", "two"]),
        (
            "---\none: {role: R, goal: g, backstory: b}\n---\ntwo: {role: R, goal: g, backstory: b}\n",
            ["one", "two"],
        ),
    ] {
        let (api, acme) = account().await;
        let report = send(&api, &acme, "?model=openai:gpt-4o", file).await.ok();
        assert_eq!([&report["results"][0]["slug"], &report["results"][1]["slug"]], slugs, "{report:#}");
    }
}
