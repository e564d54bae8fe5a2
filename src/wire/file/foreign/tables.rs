//! The systems, in the order in which their marks are looked at, and where the fields of their agents go.

use serde_json::{Map, Value};

use super::rule::{Rule, To};
use super::value::has;
use super::variables::Braces;
use super::{Part, System, open, recognize};

const fn system(
    name: &'static str,
    title: &'static str,
    is: fn(&Map<String, Value>) -> bool,
    open: fn(Map<String, Value>) -> Vec<Part>,
    rules: &'static [Rule],
    braces: Braces,
) -> System {
    System { name, title, is, open, rules, braces }
}

/// Every system. An entry whose marks others share comes after them.
pub static SYSTEMS: [System; 24] = [
    system("dify", "Dify", recognize::dify, open::dify, DIFY, Braces::Double),
    system("skill", "Agent Skills", is_skill, open::skill, SKILL, Braces::Double),
    system("markdown", "Claude Code and Copilot", is_markdown, open::one, MARKDOWN, Braces::Double),
    system("letta", "Letta", recognize::letta, open::letta, LETTA, Braces::Double),
    system("autogen", "AutoGen", recognize::autogen, open::autogen, AUTOGEN, Braces::Double),
    system(
        "agent-framework",
        "Microsoft Agent Framework",
        recognize::agent_framework,
        open::agent_framework,
        DECLARATIVE,
        Braces::Double,
    ),
    system(
        "semantic-kernel",
        "Semantic Kernel",
        recognize::semantic_kernel,
        open::one,
        DECLARATIVE,
        Braces::Dollar,
    ),
    system(
        "langchain",
        "LangChain and LangSmith",
        recognize::langchain,
        open::langchain,
        LANGCHAIN,
        Braces::Single,
    ),
    system("langgraph", "LangGraph", recognize::langgraph, open::langgraph, LANGGRAPH, Braces::Single),
    system("openai", "OpenAI", recognize::openai, open::openai, OPENAI, Braces::Double),
    system("automagik-hive", "Automagik Hive", recognize::hive, open::hive, AGNO, Braces::Double),
    system("automagik", "Automagik", recognize::automagik, open::list, AUTOMAGIK, Braces::Double),
    system(
        "system-agents",
        "a list of system agents",
        recognize::system_agents,
        open::list,
        SYSTEM_AGENTS,
        Braces::Double,
    ),
    system("portable", "a portable agent file", recognize::portable, open::one, PORTABLE, Braces::Double),
    system(
        "voice-agents",
        "a list of voice agents",
        recognize::voice_agents,
        open::voice_agents,
        VOICE_AGENTS,
        Braces::Double,
    ),
    system("crewai", "CrewAI", recognize::crewai, open::crewai, CREWAI, Braces::Single),
    system("cagent", "Docker cagent", recognize::cagent, open::cagent, CAGENT, Braces::Double),
    system("adk", "Google ADK", recognize::adk, open::adk, ADK, Braces::Single),
    system("amazon-q", "Amazon Q", recognize::amazon_q, open::one, AMAZON_Q, Braces::Double),
    system("librechat", "LibreChat", recognize::librechat, open::list, LIBRECHAT, Braces::Double),
    system("pydantic-ai", "Pydantic AI", recognize::pydantic_ai, open::one, PYDANTIC_AI, Braces::Double),
    system("agno", "Agno", recognize::agno, open::one, AGNO, Braces::Double),
    system("graph", "a graph editor", recognize::graph, open::graph, &[], Braces::Double),
    system("other", "another system", never, open::list, OTHER, Braces::Double),
];

/// The key of a Markdown file's text, beside those of its front matter.
pub const BODY: &str = "(text)";

fn is_markdown(f: &Map<String, Value>) -> bool {
    f.contains_key(BODY)
}

/// A skill's front matter has a name, a description and what may be done; an agent's has tools or a model.
fn is_skill(f: &Map<String, Value>) -> bool {
    f.contains_key(BODY)
        && has(f, &["allowed-tools", "license", "compatibility"])
        && !has(f, &["model", "tools", "color"])
}

/// Only by its name.
fn never(_: &Map<String, Value>) -> bool {
    false
}

const RUNTIME: To = To::Lose("a state of the source's runtime");

const MARKDOWN: &[Rule] = &[
    ("name", To::Name),
    ("description", To::Description),
    (BODY, To::Text("")),
    ("model", To::Model),
    ("tools", To::Tools),
    ("allowed-tools", To::Tools),
    ("handoffs", To::Handoffs),
];

/// Taken switched off: it becomes a skill when there are skills.
const SKILL: &[Rule] = &[
    ("name", To::Name),
    ("description", To::Description),
    (BODY, To::Text("")),
    ("allowed-tools", To::Tools),
];

const DIFY: &[Rule] = &[
    ("app.name", To::Name),
    ("app.description", To::Description),
    ("model_config.pre_prompt", To::Text("")),
    ("model_config.model.completion_params", To::Params),
    ("model_config.model.mode", To::Drop("chat is how models are called here")),
    ("model_config.model", To::Model),
    ("model_config.user_input_form", To::Variables),
    ("tools", To::Tools),
    ("kind", To::Drop("it says what the file is")),
    ("version", To::Drop("it says what the file is")),
    ("app.mode", To::Drop("it says what the file is")),
];

const LETTA: &[Rule] = &[
    ("name", To::Name),
    ("id", To::Key),
    ("description", To::Description),
    ("system", To::Text("")),
    ("memory", To::Memory),
    ("core_memory", To::Memory),
    ("llm_config.handle", To::Drop("it repeats the model")),
    ("llm_config", To::Model),
    ("tool_names", To::Tools),
    ("tools", To::Tools),
    ("messages", To::Lose("conversations do not move: an agent is its configuration")),
    ("in_context_message_ids", RUNTIME),
    ("embedding_config", RUNTIME),
    ("message_buffer_autoclear", RUNTIME),
    ("tool_exec_environment_variables", To::Lose("values of environment variables may be secrets")),
    ("secrets", To::Lose("a secret does not belong in a configuration")),
];

const AUTOGEN: &[Rule] = &[
    ("config.name", To::Name),
    ("label", To::Key),
    ("config.description", To::Description),
    ("description", To::Description),
    ("config.system_message", To::Text("")),
    ("config.model_client.provider", To::Provider),
    ("config.model_client.config", To::Model),
    ("config.tools", To::Tools),
    ("config.workbench", To::Tools),
    ("config.handoffs", To::Handoffs),
    ("provider", To::Drop("it says what the file is")),
    ("component_type", To::Drop("it says what the file is")),
    ("version", To::Drop("it says what the file is")),
    ("component_version", To::Drop("it says what the file is")),
];

const DECLARATIVE: &[Rule] = &[
    ("name", To::Name),
    ("displayName", To::Name),
    ("display_name", To::Name),
    ("id", To::Key),
    ("description", To::Description),
    ("instructions", To::Text("")),
    ("additionalInstructions", To::Text("")),
    ("template", To::Text("")),
    ("model.options", To::Params),
    ("model.parameters", To::Params),
    ("model.apiType", To::Lose("how the source calls its model")),
    ("model.connection.key", To::Lose("a secret does not belong in a configuration")),
    ("model", To::Model),
    ("execution_settings.default.model_id", To::Model),
    ("execution_settings.default", To::Params),
    ("input_variables", To::Variables),
    ("tools", To::Tools),
    ("kind", To::Drop("it says what the file is")),
    ("template_format", To::Drop("it says how placeholders are written")),
];

const LANGCHAIN: &[Rule] = &[
    ("name", To::Name),
    ("description", To::Description),
    ("system", To::Text("")),
    ("model.callbacks", RUNTIME),
    ("model", To::Model),
];

const LANGGRAPH: &[Rule] = &[
    ("name", To::Name),
    ("assistant_id", To::Key),
    ("description", To::Description),
    ("system_prompt", To::Text("")),
    ("system_message", To::Text("")),
    ("instructions", To::Text("")),
    ("prompt", To::Text("")),
    ("model_provider", To::Provider),
    ("model", To::Model),
    ("llm", To::Model),
    ("model_name", To::Model),
    ("model_settings", To::Params),
    ("tools", To::Tools),
    ("selected_tools", To::Tools),
];

const OPENAI: &[Rule] = &[
    ("name", To::Name),
    ("id", To::Key),
    ("description", To::Description),
    ("instructions", To::Text("")),
    ("model", To::Model),
    ("tools", To::Tools),
    ("object", To::Drop("it says what the file is")),
    ("variables", To::Variables),
];

const AUTOMAGIK: &[Rule] = &[
    ("name", To::Name),
    ("type", To::Type),
    ("description", To::Description),
    ("config.system_prompt", To::Text("")),
    ("model", To::Model),
    ("config.tool_config.enabled_tools", To::Tools),
    ("config", To::Config),
    ("active", To::IsActive),
    ("is_active", To::IsActive),
    ("id", To::Drop("this account gives its own")),
];

const SYSTEM_AGENTS: &[Rule] = &[
    ("agent_type", To::TypeAndSlug),
    ("name", To::Name),
    ("description", To::Description),
    ("llm_model_code", To::Model),
    ("status", To::Status),
    ("config.name", To::Name),
    ("config.description", To::Description),
    ("config.system_prompt", To::Text("")),
    ("config.prompt", To::Text("")),
    ("config.instructions", To::Text("")),
    ("config.tools", To::Tools),
    ("config", To::Config),
    ("id", To::Drop("this account gives its own")),
];

const PORTABLE: &[Rule] = &[
    ("metadata.name", To::Name),
    ("metadata.id", To::Slug),
    ("metadata.description", To::Description),
    ("instructions", To::Text("")),
    ("system_prompt", To::Text("")),
    ("goal.description", To::TextIfNone),
    ("model", To::Model),
    ("skills", To::Tools),
    ("tools", To::Tools),
    ("subagents", To::Needs),
    ("budget", To::Same),
    ("labels", To::Same),
    ("status", To::Same),
];

const VOICE_AGENTS: &[Rule] = &[
    ("name", To::Name),
    ("instructions", To::Text("")),
    ("model", To::Model),
    ("voice", To::Same),
    ("modality", To::Same),
    ("panels", To::Same),
    ("tools", To::Tools),
    ("handoff_targets", To::Handoffs),
    ("is_active", To::IsActive),
    ("current_version", To::Drop("this account counts its own")),
    ("id", To::Key),
];

const CREWAI: &[Rule] = &[
    ("name", To::Name),
    ("role", To::Text("Role")),
    ("goal", To::Text("Goal")),
    ("backstory", To::Text("Background")),
    ("system_template", To::Text("")),
    ("llm", To::Model),
    ("model", To::Model),
    ("tools", To::Tools),
];

const CAGENT: &[Rule] = &[
    ("name", To::Name),
    ("description", To::Description),
    ("instruction", To::Text("")),
    ("model", To::Model),
    ("toolsets", To::Tools),
    ("handoffs", To::Handoffs),
    ("sub_agents", To::Handoffs),
    ("version", To::Drop("it says what the file is")),
];

const ADK: &[Rule] = &[
    ("name", To::Name),
    ("description", To::Description),
    ("global_instruction", To::Text("")),
    ("instruction", To::Text("")),
    ("static_instruction", To::Text("")),
    ("model", To::Model),
    ("generate_content_config", To::Params),
    ("tools", To::Tools),
    ("sub_agents", To::Handoffs),
    ("agent_class", To::Drop("it says what the file is")),
];

const AMAZON_Q: &[Rule] = &[
    ("name", To::Name),
    ("description", To::Description),
    ("prompt", To::Text("")),
    ("model", To::Model),
    ("tools", To::Tools),
];

const LIBRECHAT: &[Rule] = &[
    ("name", To::Name),
    ("id", To::Key),
    ("description", To::Description),
    ("instructions", To::Text("")),
    ("additional_instructions", To::Text("")),
    ("provider", To::Provider),
    ("model", To::Model),
    ("model_parameters.model", To::Drop("it repeats the model")),
    ("model_parameters", To::Params),
    ("tools", To::Tools),
    ("mcpTools", To::Tools),
    ("handoffs", To::Handoffs),
    ("agent_ids", To::Handoffs),
    ("edges", To::Handoffs),
    ("author", To::Lose("this account has its own members")),
    ("authorName", To::Lose("this account has its own members")),
    ("versions", To::Drop("this account counts its own")),
];

const PYDANTIC_AI: &[Rule] = &[
    ("name", To::Name),
    ("description", To::Description),
    ("instructions", To::Text("")),
    ("system_prompt", To::Text("")),
    ("model", To::Model),
    ("model_settings", To::Params),
    ("tools", To::Tools),
    ("deps_schema.properties", To::Variables),
];

const AGNO: &[Rule] = &[
    ("name", To::Name),
    ("agent_id", To::Slug),
    ("team_id", To::Slug),
    ("id", To::Slug),
    ("type", To::Type),
    ("role", To::Text("Role")),
    ("description", To::Description),
    ("system_message", To::Text("")),
    ("instructions", To::Text("")),
    ("expected_output", To::Text("Expected output")),
    ("model", To::Model),
    ("settings", To::Params),
    ("tools", To::Tools),
    ("members", To::Handoffs),
    ("session_id", RUNTIME),
    ("session_state", RUNTIME),
];

/// What many systems call these.
const OTHER: &[Rule] = &[
    ("name", To::Name),
    ("slug", To::Slug),
    ("description", To::Description),
    ("instructions", To::Text("")),
    ("instruction", To::Text("")),
    ("system_prompt", To::Text("")),
    ("systemPrompt", To::Text("")),
    ("system_message", To::Text("")),
    ("prompt", To::Text("")),
    ("role", To::Text("Role")),
    ("goal", To::Text("Goal")),
    ("backstory", To::Text("Background")),
    ("provider", To::Provider),
    ("model", To::Model),
    ("llm", To::Model),
    ("model_settings", To::Params),
    ("model_parameters", To::Params),
    ("parameters", To::Params),
    ("tools", To::Tools),
    ("skills", To::Tools),
    ("handoffs", To::Handoffs),
    ("sub_agents", To::Handoffs),
    ("handoff_targets", To::Handoffs),
    ("is_active", To::IsActive),
    ("config", To::Config),
    ("type", To::Same),
    ("voice", To::Same),
    ("modality", To::Same),
    ("panels", To::Same),
    ("access", To::Same),
    ("allowed_origins", To::Same),
    ("max_concurrency", To::Same),
    ("budget", To::Same),
    ("labels", To::Same),
    ("status", To::Same),
];
