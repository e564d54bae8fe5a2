//! The rules of each system.

use super::TEAM;
use super::rule::{Rule, To};
use super::value::BODY;

/// Our own fields, which any document may have beside its system's. Read after those.
pub const OURS: [Rule; 35] = [
    ("name", To::Name),
    ("instance_name", To::Name),
    ("slug", To::Slug),
    ("description", To::Description),
    ("instructions", To::Text("")),
    ("system_prompt", To::OtherText),
    ("prompt", To::OtherText),
    ("model", To::ModelIfNone),
    ("tools", To::Tools),
    ("handoff_targets", To::Handoffs),
    ("handoffs", To::Handoffs),
    ("sub_agents", To::Handoffs),
    ("subAgents", To::Handoffs),
    ("subagents", To::Needs),
    ("is_active", To::IsActive),
    ("config", To::Config),
    ("type", To::Ours),
    ("agent_type", To::Type),
    ("voice", To::Ours),
    ("modality", To::Ours),
    ("panels", To::Ours),
    ("access", To::Ours),
    ("allowed_origins", To::Ours),
    ("max_concurrency", To::Ours),
    ("cache", To::Ours),
    ("run", To::Ours),
    ("max_parallel_tools", To::Ours),
    ("on_busy", To::Ours),
    ("on_unknown", To::Ours),
    ("on_budget", To::Ours),
    ("upgrade", To::Ours),
    ("compact_at", To::Ours),
    ("budget", To::Ours),
    ("labels", To::Ours),
    ("status", To::Ours),
];

const RUNTIME: To = To::Lose("a state of the source's runtime");

pub const MARKDOWN: &[Rule] = &[
    ("name", To::Name),
    ("description", To::Description),
    (BODY, To::Text("")),
    ("model", To::Model),
    ("tools", To::Tools),
    ("allowed-tools", To::Words),
    ("handoffs", To::Handoffs),
];

/// Taken switched off: it becomes a skill when there are skills.
pub const SKILL: &[Rule] = &[
    ("name", To::Name),
    ("description", To::Description),
    (BODY, To::Text("")),
    ("allowed-tools", To::Words),
];

pub const DIFY: &[Rule] = &[
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

pub const LETTA: &[Rule] = &[
    ("name", To::Name),
    ("id", To::Key),
    ("description", To::Description),
    ("system", To::Text("")),
    ("memory", To::Memory),
    ("core_memory", To::Memory),
    ("memory_blocks", To::Memory),
    ("group_members", To::Handoffs),
    ("llm_config.handle", To::Drop("it repeats the model")),
    ("llm_config", To::Model),
    ("block_ids", To::Lose("the file does not have these blocks")),
    ("tool_names", To::Tools),
    ("tools", To::Tools),
    ("messages", To::Lose("conversations do not move: an agent is its configuration")),
    ("in_context_message_ids", RUNTIME),
    ("embedding_config", RUNTIME),
    ("message_buffer_autoclear", RUNTIME),
    ("tool_exec_environment_variables", To::Lose("values of environment variables may be secrets")),
    ("secrets", To::Lose("a secret does not belong in a configuration")),
];

pub const AUTOGEN: &[Rule] = &[
    ("config.name", To::Name),
    ("name", To::Name),
    ("label", To::Key),
    (TEAM, To::Team),
    ("config.description", To::Description),
    ("description", To::Description),
    ("config.system_message", To::Text("")),
    ("system_message", To::Text("")),
    ("config.llm_config.config_list", To::Model),
    ("config.llm_config", To::Model),
    ("llm_config.config_list", To::Model),
    ("llm_config", To::Model),
    ("config_list", To::Model),
    ("config.model_client.provider", To::Provider),
    ("config.model_client.config", To::Model),
    ("config.tools", To::Tools),
    ("config.workbench", To::Tools),
    ("config.handoffs", To::Handoffs),
    ("provider", To::Drop("it says what the file is")),
    ("component_type", To::Drop("it says what the file is")),
    ("version", To::Drop("it says what the file is")),
    ("component_version", To::Drop("it says what the file is")),
    ("config", To::Keep),
];

pub const DECLARATIVE: &[Rule] = &[
    ("name", To::Name),
    ("displayName", To::Name),
    ("display_name", To::Name),
    ("id", To::Id),
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
    ("inputs.properties", To::Variables),
    ("inputs", To::Variables),
    ("inputSchema.properties", To::Variables),
    ("tools", To::Tools),
    ("kind", To::Drop("it says what the file is")),
    ("template_format", To::Drop("it says how placeholders are written")),
    ("type", To::Keep),
];

pub const LANGCHAIN: &[Rule] = &[
    ("name", To::Name),
    ("description", To::Description),
    ("system", To::Text("")),
    ("model.callbacks", RUNTIME),
    ("model", To::Model),
];

pub const LANGGRAPH: &[Rule] = &[
    ("name", To::Name),
    ("assistant_id", To::Id),
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
    ("config", To::Keep),
];

pub const OPENAI: &[Rule] = &[
    ("name", To::Name),
    ("id", To::Id),
    ("description", To::Description),
    ("instructions", To::Text("")),
    ("model", To::Model),
    ("tools", To::Tools),
    ("object", To::Drop("it says what the file is")),
    ("variables", To::Variables),
];

pub const AUTOMAGIK: &[Rule] = &[
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

pub const SYSTEM_AGENTS: &[Rule] = &[
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

pub const PORTABLE: &[Rule] = &[
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
    ("config", To::Keep),
    ("budget", To::Same),
    ("labels", To::Same),
    ("status", To::Same),
];

pub const VOICE_AGENTS: &[Rule] = &[
    ("name", To::Name),
    ("instructions", To::Text("")),
    ("model", To::Model),
    ("voice", To::Same),
    ("modality", To::Same),
    ("panels", To::Same),
    ("tools", To::Tools),
    ("handoff_targets", To::Handoffs),
    ("handoffs", To::Handoffs),
    ("is_active", To::IsActive),
    ("current_version", To::Drop("this account counts its own")),
    ("id", To::Id),
];

pub const CREWAI: &[Rule] = &[
    ("name", To::Name),
    ("role", To::Text("Role")),
    ("goal", To::Text("Goal")),
    ("backstory", To::Text("Background")),
    ("system_template", To::Text("")),
    ("llm", To::Model),
    ("model", To::Model),
    ("tools", To::Tools),
];

pub const CAGENT: &[Rule] = &[
    ("name", To::Name),
    ("description", To::Description),
    ("instruction", To::Text("")),
    ("model", To::Model),
    ("toolsets", To::Tools),
    ("handoffs", To::Handoffs),
    ("sub_agents", To::Handoffs),
    ("version", To::Drop("it says what the file is")),
];

pub const ADK: &[Rule] = &[
    ("name", To::Name),
    ("description", To::Description),
    ("global_instruction", To::Text("")),
    ("instruction", To::Text("")),
    ("static_instruction", To::Text("")),
    ("model", To::Model),
    ("model_code", To::Model),
    ("generate_content_config", To::Params),
    ("tools", To::Tools),
    ("sub_agents", To::Handoffs),
    ("agent_class", To::Drop("it says what the file is")),
];

pub const AMAZON_Q: &[Rule] = &[
    ("name", To::Name),
    ("description", To::Description),
    ("prompt", To::Text("")),
    ("model", To::Model),
    ("tools", To::Tools),
];

pub const LIBRECHAT: &[Rule] = &[
    ("name", To::Name),
    ("id", To::Id),
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

pub const PYDANTIC_AI: &[Rule] = &[
    ("name", To::Name),
    ("description", To::Description),
    ("instructions", To::Text("")),
    ("system_prompt", To::Text("")),
    ("model", To::Model),
    ("model_settings", To::Params),
    ("tools", To::Tools),
    ("deps_schema.properties", To::Variables),
];

pub const AGNO: &[Rule] = &[
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
pub const OTHER: &[Rule] = &[
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
