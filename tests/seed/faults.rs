//! Faults in the files: all of them told at once, each with its place and what would mend it, and no SQL printed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::script;

const MODELS: &str = r#"source: by hand
priced_on: "2026-11-21"
models:
  - provider: openai
    code: gpt-4.1-mini
    input_usd_per_mtok: "0.4"
    output_usd_per_mtok: "1.6"
    context_tokens: 1000
    max_output_tokens: 100
    capabilities: [streaming, tools]
"#;

const TEMPLATE: &str = r"slug: helper
name: Helper
description: Helps.
definition:
  name: Helper
  type: simple-chat
  model: openai:gpt-4.1-mini?temperature=0.2
  instructions: |
    You help {{audience}}.
    Today is {{today}}.
  config:
    variables:
      audience: anyone
";

fn plans() -> String {
    let plan = |name| {
        format!(
            "  - plan: {name}
    agents: 1
    members: unlimited
    keys: 1
    calls_per_minute: 1
    concurrent_calls: 1
    threads: 1
    storage_mb: 1
    runs_at_once: 1
    memories: 1
    keep_days: 1
    monthly_spend_usd: \"1.5\"
    features: [import_url]
"
        )
    };
    format!("plans:\n{}", ["budget", "standard", "professional", "enterprise"].map(plan).concat())
}

/// A folder of its own for each test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("seed-{name}-{}", std::process::id()));
        fs::create_dir_all(path.join("templates")).unwrap();
        let folder = Self(path);
        folder.write("models.yaml", MODELS);
        folder.write("plans.yaml", &plans());
        folder.write("templates/helper.yaml", TEMPLATE);
        folder
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    /// The lines of standard error, when nothing is printed and the status says so.
    fn faults(&self) -> Vec<String> {
        let output = script::run(&self.0, "sql");
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), b"".as_slice()));
        String::from_utf8(output.stderr).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Left over, it would lie in the target folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_small_seed_without_faults_is_taken() {
    let folder = Folder::new("right");
    let output = script::run(&folder.0, "sql");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!output.stdout.is_empty());
    let checked = script::run(&folder.0, "check");
    assert!(checked.status.success() && checked.stdout.is_empty());
    assert_eq!(String::from_utf8(checked.stderr).unwrap(), "1 models, 4 plans and 1 templates are right\n");
}

#[test]
fn faults_of_models_are_told_with_their_place() {
    let folder = Folder::new("models");
    folder.write(
        "models.yaml",
        r#"source: by hand
priced_on: "today"
models:
  - provider: openai
    code: gpt-4.1-mini
    input_usd_per_mtok: 0.4
    output_usd_per_mtok: "1,6"
    context_tokens: 0
    max_output_token: 100
    capabilities: [streaming, tool, streaming]
  - provider: openai
    code: gpt-4.1-mini
    input_usd_per_mtok: "0.4"
    output_usd_per_mtok: "1.6"
    long_context:
      above_tokens: 1000
      input_usd_per_mtok: "0.8"
    context_tokens: 1000
    max_output_tokens: 100
    capabilities: []
"#,
    );
    let price = r#"must be dollars as a decimal string with at most nine decimals, such as "0.15""#;
    assert_eq!(
        folder.faults(),
        [
            r#"models.yaml:2:12: priced_on must be a day, YYYY-MM-DD, not "today""#.to_owned(),
            "models.yaml:4:5: models[0] lacks max_output_tokens".to_owned(),
            format!("models.yaml:6:25: input_usd_per_mtok {price}; quote it"),
            format!(r#"models.yaml:7:26: output_usd_per_mtok {price}, not "1,6""#),
            "models.yaml:8:21: context_tokens must be a whole number from 1 to 100000000".to_owned(),
            "models.yaml:9:5: unknown field max_output_token; did you mean max_output_tokens?".to_owned(),
            "models.yaml:10:31: capabilities[1] is one of embeddings, images, json_schema, reasoning, streaming, tools; did you mean tools?".to_owned(),
            "models.yaml:10:37: capabilities has streaming twice".to_owned(),
            "models.yaml:11:5: openai:gpt-4.1-mini stands twice".to_owned(),
            "models.yaml:16:7: long_context lacks output_usd_per_mtok".to_owned(),
            "models.yaml:16:21: above_tokens is no less than context_tokens: no request could be that long".to_owned(),
        ]
    );
}

#[test]
fn faults_of_plans_are_told_with_their_place() {
    let folder = Folder::new("plans");
    let text = plans()
        .replacen("agents: 1", "agents:", 1)
        .replacen("keys: 1", "keys: -1", 1)
        .replacen("keep_days: 1", "keep_days: 0", 1)
        .replacen("\"1.5\"", "1.5", 1)
        .replacen("import_url", "import_urls", 1)
        .replace("plan: enterprise", "plan: enterprize");
    folder.write("plans.yaml", &text);
    assert_eq!(
        folder.faults(),
        [
            "plans.yaml:2:3: plan enterprise stands 0 times; each of budget, standard, professional, enterprise must stand once",
            "plans.yaml:3:12: agents is empty; write a number or unlimited",
            "plans.yaml:5:11: keys must be a whole number from 0 to 1000000000",
            "plans.yaml:12:16: keep_days must be a whole number from 1 to 1000000000",
            "plans.yaml:13:24: monthly_spend_usd must be dollars as a decimal string with at most nine decimals, such as \"0.15\"; quote it",
            "plans.yaml:14:16: features[0] is one of public_agents, own_templates, import_url; did you mean import_url?",
            "plans.yaml:41:11: plan is one of budget, standard, professional, enterprise; did you mean enterprise?",
        ]
    );
}

#[test]
fn faults_of_templates_are_told_with_their_place() {
    let folder = Folder::new("templates");
    folder.write(
        "templates/helper.yaml",
        r"slug: helpers
name: Helper
definition:
  name: Helper
  type: Simple Chat
  model: openai:gpt-4.1-mini?temprature=1, openai:gpt-4.1-mino, fast
  instruction: Help.
  instructions: |
    You help {{audience}}.
    Be {{tones}} to {{account_nam}}.
  modality: texts
  voice: cartesia
  tools: [web search]
  handoff_targets: []
  config:
    variables:
      tone: 3
      today: now
",
    );
    let path = "templates/helper.yaml";
    assert_eq!(
        folder.faults(),
        [
            format!("{path}:1:1: the file lacks description"),
            format!("{path}:1:7: slug is helpers, but the file is called helper.yaml"),
            format!(r#"{path}:5:9: type must be a type: a-z, 0-9 and -, not "Simple Chat""#),
            format!(r#"{path}:6:10: model sets unknown parameter "temprature"; did you mean temperature?"#),
            format!(
                "{path}:6:44: model names openai:gpt-4.1-mino, which the catalogue lacks; did you mean openai:gpt-4.1-mini?"
            ),
            format!(r#"{path}:6:65: model names "fast"; write provider:code (aliases are an account's own)"#),
            format!("{path}:7:3: unknown field instruction; did you mean instructions?"),
            format!(
                "{path}:9:14: instructions use {{{{audience}}}}, which config.variables does not declare"
            ),
            format!(
                "{path}:10:8: instructions use {{{{tones}}}}, which config.variables does not declare; did you mean tone?"
            ),
            format!(
                "{path}:10:21: instructions use {{{{account_nam}}}}, which config.variables does not declare; did you mean account_name?"
            ),
            format!(
                "{path}:11:13: modality is one of audio_only, audio_camera, audio_screenshare, text; did you mean text?"
            ),
            format!(r#"{path}:12:10: voice must be provider:voice, such as cartesia:sonic, not "cartesia""#),
            format!(
                r#"{path}:13:11: tools[0] must be a tool's identifier, such as web_search, not "web search""#
            ),
            format!(
                "{path}:14:3: handoff_targets cannot stand here: they are agents of one account; whoever uses the template names theirs"
            ),
            format!("{path}:17:13: tone must be a text, the default, or null: the call must bring it"),
            format!("{path}:17:13: config.variables declares tone, which instructions do not use"),
            format!("{path}:18:14: today is built in; choose another name"),
            format!("{path}:18:14: config.variables declares today, which instructions do not use"),
        ]
    );
}

#[test]
fn what_is_not_yaml_and_what_nobody_reads_is_told_too() {
    let folder = Folder::new("broken");
    folder.write("models.yaml", &MODELS.replace("models:", "models: ["));
    folder.write(
        "templates/helper.yaml",
        &TEMPLATE.replace("name: Helper\ndesc", "slug: twice\nname: Helper\ndesc"),
    );
    folder.write("templates/helper.yml", TEMPLATE);
    folder.write("model.yaml", MODELS);
    let faults = folder.faults();
    for start in [
        "model.yaml:1:1: nothing reads this file",
        "models.yaml:4:3: ",
        "templates/helper.yaml:2:1: Map keys must be unique",
        "templates/helper.yml:1:1: a template's file ends with .yaml",
    ] {
        assert!(faults.iter().any(|fault| fault.starts_with(start)), "{start}: {faults:#?}");
    }
}

#[test]
fn a_list_of_system_agents_becomes_templates_with_the_catalogues_models() {
    let folder = Folder::new("system-agents");
    folder.write(
        "system_agents.yaml",
        "agents:
- agent_type: simple_chat
  llm_model_code: gpt-4.1-mini
  status: Deployed
  config: {system_prompt: Chat., tools: [web_search], depth: 2}
- agent_type: DeepResearch
  llm_model_code: openai/gpt-4.1-mini
  status: inactive
  config: {system_prompt: Search., name: Deep Research}
",
    );
    let output = script::run(&folder.0, "sql");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let db = crate::schema::migrated();
    db.execute_batch(&String::from_utf8(output.stdout).unwrap()).unwrap();
    let sql = "SELECT slug, name, is_deprecated, definition FROM platform_templates WHERE slug <> 'helper' ORDER BY slug";
    let mut rows = db.prepare(sql).unwrap();
    let rows: Vec<(String, String, bool, String)> = rows
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let [(slug, name, deprecated, _), (chat, _, offered, definition)] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    assert_eq!((slug.as_str(), name.as_str(), *deprecated), ("deep-research", "Deep Research", true));
    assert_eq!((chat.as_str(), *offered), ("simple-chat", false));
    let definition: serde_json::Value = serde_json::from_str(definition).unwrap();
    let expected = serde_json::json!({"name": "simple_chat", "type": "simple-chat", "model": "openai:gpt-4.1-mini",
        "instructions": "Chat.", "tools": ["web_search"], "config": {"depth": 2}});
    assert_eq!(definition, expected);
}

#[test]
fn faults_of_system_agents_are_told_with_their_place() {
    let folder = Folder::new("system-agent-faults");
    folder.write(
        "system_agents.yaml",
        "agents:
- {agent_type: twice, llm_model_code: gpt-4.1-mini, status: active, config: {prompt: x}}
- {agent_type: TWICE, llm_model_code: gpt-4.1-mini, status: active, config: {prompt: x}}
- {agent_type: helper, llm_model_code: gpt-4.1-mnii, status: ACTVE, config: {depth: 2}}
- {agent_type: other, status: active, config: {prompt: x}}
",
    );
    let faults = folder.faults();
    for words in [
        "slug twice, which stands here already",
        "config lacks the instructions",
        "gpt-4.1-mnii is not in the catalogue; did you mean gpt-4.1-mini?",
        "status is one of draft, published",
        "lacks llm_model_code",
    ] {
        assert!(faults.iter().any(|fault| fault.contains(words)), "{words}: {faults:#?}");
    }
}

#[test]
fn a_system_agent_takes_the_place_of_the_template_of_its_slug() {
    let folder = Folder::new("system-agent-of-a-template");
    let agent = "agents:\n- {agent_type: HELPER, llm_model_code: gpt-4.1-mini, status: deployed, config: {prompt: Mine.}}\n";
    folder.write("system_agents.yaml", agent);
    let output = script::run(&folder.0, "sql");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("takes the place of the templates helper"), "{said}");
    let db = crate::schema::migrated();
    db.execute_batch(&String::from_utf8(output.stdout).unwrap()).unwrap();
    let sql =
        "SELECT json_extract(definition, '$.instructions') FROM platform_templates WHERE slug = 'helper'";
    let text: String = db.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(text, "Mine.");
}
