//! The marks of each system's documents. Looked at in the order of the table; each says what only its system writes.

use serde_json::{Map, Value};

use super::autogen::gallery;
use super::value::{BODY, at, has, is_holder, is_object_at, str_at};

type Fields = Map<String, Value>;

pub fn dify(f: &Fields) -> bool {
    str_at(f, "kind") == Some("app") || str_at(f, "app.mode").is_some()
}

pub fn agent_framework(f: &Fields) -> bool {
    const KINDS: [&str; 6] = ["prompt", "workflow", "hosted", "container", "gptcomponentmetadata", "prompty"];
    let is_kind =
        |path| str_at(f, path).is_some_and(|kind| KINDS.contains(&kind.to_ascii_lowercase().as_str()));
    is_kind("kind")
        || is_kind("template.kind")
        || (f.contains_key("trigger") && at(f, "trigger.actions").is_some())
}

pub fn semantic_kernel(f: &Fields) -> bool {
    const TYPES: [&str; 7] = [
        "chat_completion_agent",
        "foundry_agent",
        "azure_assistant",
        "openai_assistant",
        "openai_responses",
        "azureai_agent",
        "azure_responses",
    ];
    // Whoever keeps agents of their own may call types so.
    let is_own_type = |kind: &str| {
        kind.ends_with("_agent")
            && (has(f, &["template", "id", "kernel_arguments"]) || is_object_at(f, "model"))
            && !f.contains_key("slug")
    };
    has(f, &["template_format", "execution_settings"])
        || str_at(f, "type").is_some_and(|kind| TYPES.contains(&kind) || is_own_type(kind))
}

pub fn autogen(f: &Fields) -> bool {
    is_component(f)
        || at(f, "component").and_then(Value::as_object).is_some_and(is_component)
        || gallery::is(f)
        || is_older_autogen(f)
        || is_studio_row(f)
        || first_of(f, "agents").is_some_and(is_older_autogen)
        || is_answer_of_studio(f)
}

/// What AutoGen Studio answers: rows, or one.
fn is_answer_of_studio(f: &Fields) -> bool {
    let row = at(f, "data").and_then(Value::as_object).or_else(|| first_of(f, "data"));
    f.get("status").is_some_and(Value::is_boolean) && row.is_some_and(autogen)
}

fn is_component(f: &Fields) -> bool {
    str_at(f, "component_type").is_some()
        || str_at(f, "provider").is_some_and(|provider| provider.starts_with("autogen"))
}

/// A row of AutoGen Studio's first database: an agent, a skill, a model or a workflow.
fn is_studio_row(f: &Fields) -> bool {
    has(f, &["user_id"])
        && f.contains_key("version")
        && (at(f, "config").and_then(Value::as_object).is_some_and(is_older_autogen)
            || has(f, &["api_type", "content", "summary_method", "sample_tasks"]))
}

/// An agent as AutoGen 0.2 had them.
fn is_older_autogen(f: &Fields) -> bool {
    let has_list = at(f, "llm_config.config_list").is_some() || at(f, "config_list").is_some();
    str_at(f, "system_message").is_some() && has(f, &["llm_config", "config_list", "human_input_mode"])
        || has_list
}

pub fn letta(f: &Fields) -> bool {
    (f.contains_key("llm_config") && !is_older_autogen(f))
        || (has(f, &["blocks", "mcp_servers", "groups"])
            && at(f, "agents").is_some_and(Value::is_array)
            && !first_of(f, "agents")
                .is_some_and(|agent| has(agent, &["instruction", "instructions", "prompt"])))
}

pub fn langchain(f: &Fields) -> bool {
    has(f, &["lc", "_type"]) || MANIFESTS.iter().any(|path| at(f, path).is_some_and(is_serialized))
}

/// Where LangSmith's answers have a prompt.
pub const MANIFESTS: [&str; 3] = ["manifest", "commit.manifest", "repo.latest_commit_manifest.manifest"];

fn is_serialized(manifest: &Value) -> bool {
    manifest.get("lc").is_some() || manifest.get("_type").is_some()
}

pub fn langgraph(f: &Fields) -> bool {
    f.contains_key("graph_id") || (is_object_at(f, "graphs") && f.contains_key("dependencies"))
}

pub fn openai(f: &Fields) -> bool {
    if librechat(f) {
        return false;
    }
    match str_at(f, "object") {
        Some("assistant" | "prompt") => true,
        Some("list") => at(f, "data").is_some_and(Value::is_array),
        _ => has(f, &["tool_resources"]) || is_messages(f, "messages") || is_messages(f, "input"),
    }
}

fn is_messages(f: &Fields, name: &str) -> bool {
    let is_message = |item: &Value| item.get("role").is_some() && item.get("content").is_some();
    !f.contains_key("instructions")
        && at(f, name).and_then(Value::as_array).is_some_and(|list| list.iter().any(is_message))
}

pub fn hive(f: &Fields) -> bool {
    ["agent", "team", "workflow", "tool"]
        .iter()
        .any(|part| at(f, part).is_some_and(|part| part.get("name").is_some()))
}

pub fn automagik(f: &Fields) -> bool {
    is_object_at(f, "config")
        && ["system_prompt", "agent_source", "tool_config", "default_model"]
            .iter()
            .any(|name| at(f, &format!("config.{name}")).is_some())
}

pub fn system_agents(f: &Fields) -> bool {
    let is_row = |fields: &Fields| fields.contains_key("agent_type") && fields.contains_key("llm_model_code");
    is_row(f) || first_of(f, "agents").is_some_and(is_row)
}

pub fn portable(f: &Fields) -> bool {
    is_object_at(f, "metadata")
        && has(f, &["goal", "triggers", "subagents", "skills", "permissions"])
        && !has(f, &["agents", "agent"])
}

pub fn voice_agents(f: &Fields) -> bool {
    f.get("agents").and_then(Value::as_array).is_some_and(|agents| is_voice_list(agents))
}

/// A list of rows that have a voice beside what only such a list has. One agent with a voice may as well be ours.
pub fn is_voice_list(agents: &[Value]) -> bool {
    const KNOWN: [&str; 15] = [
        "name",
        "handoffs",
        "instructions",
        "model",
        "voice",
        "modality",
        "panels",
        "tools",
        "handoff_targets",
        "is_active",
        "id",
        "organization_id",
        "current_version",
        "created_at",
        "updated_at",
    ];
    let rows = || agents.iter().filter_map(Value::as_object);
    rows().any(|f| has(f, &["voice"]) && has(f, &["panels", "is_active", "organization_id"]))
        && rows().all(|f| f.keys().all(|name| KNOWN.contains(&name.as_str())))
}

/// What one agent says of itself, and no crew.
const OWN_WORDS: [&str; 6] = ["name", "instructions", "instruction", "system_prompt", "prompt", "model"];

pub fn crewai(f: &Fields) -> bool {
    const AGENT: [&str; 3] = ["role", "goal", "backstory"];
    let (members, is_alone) = match f.get("agents").or_else(|| f.get("roles")) {
        Some(Value::Object(agents)) => (agents, true),
        _ => (f, !has(f, &OWN_WORDS)),
    };
    let is_agent = |value: &Value| {
        value
            .as_object()
            .is_some_and(|fields| AGENT.iter().filter(|name| fields.contains_key(**name)).count() >= 2)
    };
    let is_task = |value: &Value| value.get("expected_output").is_some();
    let members = || members.iter().filter(|(key, _)| !is_holder(key)).map(|(_, member)| member);
    // What stands beside agents, such as a line that lost its indent, makes none of them one less.
    let is_crew = || is_alone && members().any(is_agent);
    let is_tasks = || members().next().is_some() && members().all(is_task);
    is_crew() || is_tasks() || (has(f, &["backstory"]) && has(f, &["role", "goal"]))
}

pub fn cagent(f: &Fields) -> bool {
    let is_agent = |value: &Value| {
        value
            .as_object()
            .is_some_and(|fields| has(fields, &["model", "instruction", "toolsets", "description"]))
    };
    let agents = at(f, "agents").and_then(Value::as_object).into_iter().flatten();
    let agents = || agents.clone().filter(|(key, _)| !is_holder(key)).map(|(_, agent)| agent);
    agents().next().is_some() && agents().all(is_agent)
}

pub fn adk(f: &Fields) -> bool {
    has(f, &["agent_class"])
        || (str_at(f, "instruction").is_some() && !f.contains_key("instructions"))
        || has(f, &["generate_content_config", "global_instruction", "model_code"])
        || first_of(f, "sub_agents").is_some_and(|member| member.contains_key("config_path"))
        || (f.contains_key("name")
            && first_of(f, "agents").is_some_and(|agent| agent.contains_key("instruction")))
}

pub fn amazon_q(f: &Fields) -> bool {
    has(f, &["allowedTools", "toolsSettings", "toolAliases", "useLegacyMcpJson"])
        || str_at(f, "$schema").is_some_and(|schema| schema.contains("agent-v1"))
}

pub fn librechat(f: &Fields) -> bool {
    let is_listed = str_at(f, "object") == Some("list") && first_of(f, "data").is_some_and(librechat);
    let is_named = || str_at(f, "id").is_some_and(|id| id.starts_with("agent_"));
    is_listed
        || f.contains_key("provider") && is_named()
        || is_object_at(f, "model_parameters")
        || (f.contains_key("provider")
            && has(f, &["agent_ids", "conversation_starters", "artifacts", "recursion_limit", "mcpServers"]))
}

pub fn pydantic_ai(f: &Fields) -> bool {
    let is_known =
        has(f, &["model_settings", "end_strategy", "deps_schema", "output_schema", "tool_timeout"]);
    // Others list what they can do, too.
    let can = f.get("capabilities");
    (is_known || can.is_some() && has(f, &["model", "instructions"])) && can.is_none_or(Value::is_array)
}

pub fn agno(f: &Fields) -> bool {
    !graph(f) && is_agno(f)
}

fn is_agno(f: &Fields) -> bool {
    at(f, "model.id").is_some_and(Value::is_string) || has(f, &["agent_id", "db_id", "session_state"])
}

/// Instructions that go with files, and not with an agent.
pub fn rules_of_files(f: &Fields) -> bool {
    f.contains_key(BODY) && has(f, &["applyTo", "globs", "alwaysApply"]) && !has(f, &["model", "tools"])
}

pub fn graph(f: &Fields) -> bool {
    let is_list = |name: &str| at(f, name).is_some_and(Value::is_array);
    (is_list("nodes") && has(f, &["edges", "connections"]))
        || at(f, "data.nodes").is_some_and(Value::is_array)
        || (is_list("steps") && !has(f, &["instructions", "system_prompt", "prompt"]))
}

/// The first object of a list.
fn first_of<'a>(f: &'a Fields, name: &str) -> Option<&'a Fields> {
    f.get(name)?.as_array()?.first()?.as_object()
}
