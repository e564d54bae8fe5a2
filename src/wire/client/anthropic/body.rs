//! The request as JSON, field by field. Everything is optional here, so that what is missing is said in words.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::block::BlockBody;
use crate::wire::cache_control::CacheControl;
use crate::wire::client::content::Content;
use crate::wire::client::object::objects;

/// Anthropic's request. Other fields of its protocol are left out, and named in `warnings`.
#[derive(ToSchema)]
#[schema(
    as = MessagesRequest,
    example = json!({"model": "triage", "max_tokens": 1024, "messages": [{"role": "user", "content": "Hello"}]}),
)]
pub struct Body {
    /// The agent's slug or id; where the path names the agent, also a model of its line.
    #[schema(value_type = String)]
    pub model: Option<String>,
    #[schema(value_type = Vec<Object>)]
    pub messages: Option<Vec<TurnBody>>,
    /// A text or text blocks, behind the agent's instructions.
    #[schema(value_type = Option<Object>)]
    pub system: Content<BlockBody>,
    /// May be left out: then the model's own limit.
    pub max_tokens: Option<i64>,
    pub stream: Option<bool>,
    /// From 0 to 1.
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    #[schema(value_type = Option<i64>)]
    pub top_k: Option<Box<RawValue>>,
    pub stop_sequences: Option<Vec<String>>,
    #[schema(value_type = Option<Vec<Object>>)]
    pub tools: Option<Vec<ToolBody>>,
    #[schema(value_type = Option<Object>)]
    pub tool_choice: Option<ChoiceBody>,
    /// `user_id`; other texts fill the variables of the agent's instructions.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<BTreeMap<String, Value>>,
    #[schema(value_type = Option<Object>)]
    pub thinking: Option<ThinkingBody>,
    #[schema(value_type = Option<Object>)]
    pub output_config: Option<OutputBody>,
    #[schema(value_type = Option<Object>)]
    pub output_format: Option<FormatBody>,
    #[schema(value_type = Option<Object>)]
    pub cache_control: Option<CacheControl>,
    /// Not taken.
    #[schema(ignore)]
    pub mcp_servers: Option<Vec<Value>>,
    /// Not taken.
    #[schema(ignore)]
    pub container: Option<Value>,
}

pub struct TurnBody {
    pub role: Option<String>,
    pub content: Content<BlockBody>,
}

pub struct ToolBody {
    pub kind: Option<String>,
    pub name: Option<String>,
    pub description: Option<String>,
    pub input_schema: Option<Box<RawValue>>,
    pub strict: Option<bool>,
    pub cache_control: Option<CacheControl>,
}

pub struct ChoiceBody {
    pub kind: Option<String>,
    pub name: Option<String>,
    pub disable_parallel_tool_use: Option<bool>,
}

pub struct ThinkingBody {
    pub kind: Option<String>,
    pub budget_tokens: Option<i64>,
    /// Whatever it says, what is thought is shown as far as the provider shows it.
    pub display: Option<Value>,
}

pub struct OutputBody {
    pub effort: Option<String>,
    pub format: Option<FormatBody>,
}

pub struct FormatBody {
    pub kind: Option<String>,
    pub schema: Option<Box<RawValue>>,
}

objects! {
    Body, "an object" {
        model, messages, system, max_tokens, stream, temperature, top_p, top_k, stop_sequences, tools, tool_choice, metadata,
        thinking, output_config, output_format, cache_control, mcp_servers, container,
    }
    TurnBody, "an object with `role` and `content`" { role, content }
    ToolBody, "a tool object" { kind as "type", name, description, input_schema, strict, cache_control }
    ChoiceBody, "an object with a `type`" { kind as "type", name, disable_parallel_tool_use }
    ThinkingBody, "an object with a `type`" { kind as "type", budget_tokens, display }
    OutputBody, "an object" { effort, format }
    FormatBody, "an object with `type` and `schema`" { kind as "type", schema }
}
