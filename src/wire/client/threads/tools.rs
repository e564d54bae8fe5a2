//! Tools that come with a request: the client runs them.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::field_error::FieldErrors;
use crate::domain::message::JsonText;
use crate::domain::run::join::MAX_TOOLS;
use crate::domain::run::tool::ClientTool;

/// The most bytes of the descriptions and schemas of a run's tools.
const MAX_TOOL_BYTES: usize = 256 * 1_024;

/// A tool that the client runs.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClientTool)]
pub struct ToolBody {
    /// `client`
    #[serde(rename = "type", default)]
    kind: Option<String>,
    /// 1 to 64 of A-Z, a-z, 0-9, `_` and `-`.
    name: String,
    #[serde(default)]
    description: Option<String>,
    /// A JSON Schema of the arguments.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    parameters: Option<Value>,
}

pub fn read(errors: &mut FieldErrors, bodies: Vec<ToolBody>) -> Vec<ClientTool> {
    if bodies.len() > MAX_TOOLS {
        errors.add("tools", format!("has at most {MAX_TOOLS} entries"));
        return Vec::new();
    }
    let size = |body: &ToolBody| body.parameters.as_ref().map_or(0, |schema| schema.to_string().len());
    let described = |body: &ToolBody| body.description.as_ref().map_or(0, String::len);
    if bodies.iter().map(|body| size(body) + described(body)).sum::<usize>() > MAX_TOOL_BYTES {
        errors.add("tools", format!("have at most {MAX_TOOL_BYTES} bytes of schemas and descriptions"));
        return Vec::new();
    }
    let mut tools: Vec<ClientTool> = Vec::with_capacity(bodies.len());
    for (n, body) in bodies.into_iter().enumerate() {
        if body.kind.is_some_and(|kind| kind != "client") {
            errors.add(&format!("tools[{n}].type"), "must be `client`: other tools belong to the agent");
        }
        let is_name = (1..=64).contains(&body.name.len())
            && body.name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if !is_name {
            errors.add(&format!("tools[{n}].name"), "has 1 to 64 of A-Z, a-z, 0-9, `_` and `-`");
        }
        if tools.iter().any(|tool| tool.name == body.name) {
            errors.add(&format!("tools[{n}].name"), "stands twice");
        }
        if body.parameters.as_ref().is_some_and(|parameters| !parameters.is_object()) {
            errors.add(&format!("tools[{n}].parameters"), "must be a JSON Schema, an object");
        }
        let parameters =
            body.parameters.as_ref().and_then(|parameters| JsonText::parse(parameters.to_string()));
        let ToolBody { name, description, .. } = body;
        tools.push(ClientTool { name, description, parameters, strict: None, cache: None });
    }
    tools
}
