//! Reads tools, the choice among them, and the format that is asked for.

use serde_json::value::RawValue;

use super::body::{ChoiceBody, FormatBody, FormatKind, NamedChoice, ToolBody, ToolKind};
use crate::domain::message::{CachePoint, ResponseFormat, Tool, ToolChoice};
use crate::wire::client::Invalid;

/// OpenAI's limit.
const MAX_TOOLS: usize = 128;
const MAX_NAME_LEN: usize = 64;

const NAME_RULE: &str = "a name has 1 to 64 characters of a-z, A-Z, 0-9, `_` and `-`";
const SCHEMA_RULE: &str = "a schema is a JSON object";

pub fn tools(bodies: Vec<ToolBody>) -> Result<Vec<Tool>, Invalid> {
    if bodies.len() > MAX_TOOLS {
        return Err(Invalid::at("tools", format!("there are at most {MAX_TOOLS} tools")));
    }
    let mut tools: Vec<Tool> = Vec::with_capacity(bodies.len());
    for (number, body) in bodies.into_iter().enumerate() {
        let read = tool(number, body)?;
        // Some providers refuse that, and from the others nobody would know which of the two is called.
        if tools.iter().any(|tool| tool.name == read.name) {
            let field = format!("tools[{number}].function.name");
            return Err(Invalid::at(field, format!("there is a tool `{}` before", read.name)));
        }
        tools.push(read);
    }
    Ok(tools)
}

fn tool(number: usize, body: ToolBody) -> Result<Tool, Invalid> {
    let fault = |field: &str, message: &str| Invalid::at(format!("tools[{number}]{field}"), message);
    if body.kind != Some(ToolKind::Function) {
        return Err(fault(".type", "only tools of type `function` are taken"));
    }
    let function = body.function.ok_or_else(|| fault(".function", "a tool needs a `function`"))?;
    let name = function_name(function.name).map_err(|message| fault(".function.name", message))?;
    if function.parameters.as_deref().is_some_and(|schema| !is_object(schema)) {
        return Err(fault(".function.parameters", SCHEMA_RULE));
    }
    Ok(Tool {
        name,
        description: function.description,
        parameters: function.parameters,
        strict: function.strict,
        cache: body.cache_control.map(CachePoint::from),
    })
}

/// A function's name.
///
/// # Errors
/// The rule it breaks.
pub fn function_name(name: Option<String>) -> Result<String, &'static str> {
    let fits = |name: &String| {
        (1..=MAX_NAME_LEN).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    name.filter(fits).ok_or(NAME_RULE)
}

fn is_object(json: &RawValue) -> bool {
    json.get().starts_with('{')
}

/// Reads `tool_choice`, which must name a tool there is.
pub fn tool_choice(body: Option<ChoiceBody>, tools: &[Tool]) -> Result<ToolChoice, Invalid> {
    let fault = |message: &str| Invalid::at("tool_choice", message);
    let choice = match body {
        None => return Ok(ToolChoice::Auto),
        Some(ChoiceBody::Mode(mode)) => match mode.as_str() {
            "auto" => return Ok(ToolChoice::Auto),
            "none" => return Ok(ToolChoice::None),
            "required" => ToolChoice::Required,
            _ => return Err(fault("write `none`, `auto`, `required` or an object that names a function")),
        },
        Some(ChoiceBody::Named(named)) => named_choice(named)?,
    };
    if tools.is_empty() {
        return Err(fault("`tool_choice` asks for a tool, and there are no `tools`"));
    }
    match &choice {
        ToolChoice::Named(name) if !tools.iter().any(|tool| tool.name == *name) => {
            Err(Invalid::at("tool_choice.function.name", format!("no tool is called `{name}`")))
        }
        _ => Ok(choice),
    }
}

fn named_choice(body: NamedChoice) -> Result<ToolChoice, Invalid> {
    if body.kind != Some(ToolKind::Function) {
        return Err(Invalid::at("tool_choice.type", "only a tool of type `function` can be named"));
    }
    function_name(body.function.and_then(|function| function.name))
        .map(ToolChoice::Named)
        .map_err(|message| Invalid::at("tool_choice.function.name", message))
}

pub fn response_format(body: Option<FormatBody>) -> Result<ResponseFormat, Invalid> {
    let Some(body) = body else { return Ok(ResponseFormat::Text) };
    let fault = |field: &str, message: &str| Invalid::at(format!("response_format{field}"), message);
    match body.kind {
        None => Err(fault(".type", "write `text`, `json_object` or `json_schema`")),
        Some(FormatKind::Text) => Ok(ResponseFormat::Text),
        Some(FormatKind::JsonObject) => Ok(ResponseFormat::JsonObject),
        Some(FormatKind::JsonSchema) => {
            let body = body.json_schema.ok_or_else(|| fault(".json_schema", "`json_schema` is required"))?;
            let name = function_name(body.name).map_err(|rule| fault(".json_schema.name", rule))?;
            let schema = body.schema.filter(|schema| is_object(schema));
            let schema = schema.ok_or_else(|| fault(".json_schema.schema", SCHEMA_RULE))?;
            Ok(ResponseFormat::JsonSchema {
                name,
                description: body.description,
                schema,
                strict: body.strict,
            })
        }
    }
}

#[cfg(test)]
#[path = "tools_tests.rs"]
mod tests;
