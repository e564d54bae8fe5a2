//! Reads tools, the choice among them, and the format that is asked for.

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use crate::domain::message::{ReasoningEffort, ResponseFormat, Tool, ToolChoice};
use crate::wire::client::Invalid;
use crate::wire::client::openai::tools::function_name;

/// OpenAI's limit.
const MAX_TOOLS: usize = 128;
const SCHEMA_RULE: &str = "a schema is a JSON object";

/// Tools that the client runs, as the model is told of them and as the reply shows them; each other one is handed to `left_out`.
pub fn tools(bodies: &[Value], mut left_out: impl FnMut(String)) -> Result<(Vec<Tool>, Vec<Value>), Invalid> {
    if bodies.len() > MAX_TOOLS {
        return Err(Invalid::at("tools", format!("there are at most {MAX_TOOLS} tools")));
    }
    let (mut tools, mut shown): (Vec<Tool>, Vec<Value>) = (Vec::new(), Vec::new());
    for (number, body) in bodies.iter().enumerate() {
        let fault = |field: &str, words: &str| Invalid::at(format!("tools[{number}]{field}"), words);
        match body.get("type").and_then(Value::as_str) {
            Some("function") => {}
            Some(_) => {
                left_out(format!("tools[{number}]"));
                continue;
            }
            None => return Err(fault(".type", "a tool needs a `type`, such as `function`")),
        }
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let name = function_name(text("name")).map_err(|rule| fault(".name", rule))?;
        if tools.iter().any(|tool| tool.name == name) {
            return Err(fault(".name", &format!("there is a tool `{name}` before")));
        }
        let parameters = body.get("parameters").filter(|schema| !schema.is_null());
        if parameters.is_some_and(|schema| !schema.is_object()) {
            return Err(fault(".parameters", SCHEMA_RULE));
        }
        let strict = body.get("strict").and_then(Value::as_bool);
        let description = text("description");
        shown.push(json!({
            "type": "function", "name": name, "description": description, "parameters": parameters, "strict": strict,
        }));
        let parameters = parameters.and_then(raw);
        tools.push(Tool { name, description, parameters, strict, cache: None });
    }
    Ok((tools, shown))
}

fn raw(value: &Value) -> Option<Box<RawValue>> {
    to_raw_value(value).ok()
}

/// Reads `tool_choice`; where it allows some of the tools alone, the others go.
pub fn tool_choice(body: Option<&Value>, tools: &mut Vec<Tool>) -> Result<ToolChoice, Invalid> {
    let fault = |words: &str| Invalid::at("tool_choice", words);
    let mode = |mode: &str| match mode {
        "auto" => Ok(ToolChoice::Auto),
        "none" => Ok(ToolChoice::None),
        "required" => Ok(ToolChoice::Required),
        _ => Err(fault("write `none`, `auto`, `required` or an object that names a function")),
    };
    let name_of = |tool: &Value| tool.get("name").and_then(Value::as_str).map(str::to_owned);
    let choice = match body {
        None | Some(Value::Null) => return Ok(ToolChoice::Auto),
        Some(Value::String(word)) => mode(word)?,
        Some(named) => match named.get("type").and_then(Value::as_str) {
            Some("function") => {
                let name = name_of(named).unwrap_or_default();
                if !tools.iter().any(|tool| tool.name == name) {
                    return Err(Invalid::at("tool_choice.name", format!("no tool is called `{name:.64}`")));
                }
                ToolChoice::Named(name)
            }
            Some("allowed_tools") => {
                let allowed = named.get("tools").and_then(Value::as_array);
                let allowed: Vec<String> = allowed.into_iter().flatten().filter_map(name_of).collect();
                tools.retain(|tool| allowed.contains(&tool.name));
                mode(named.get("mode").and_then(Value::as_str).unwrap_or("auto"))?
            }
            _ => return Err(fault("only a tool of type `function` can be named, or `allowed_tools`")),
        },
    };
    if tools.is_empty() && choice == ToolChoice::Required {
        return Err(fault("`tool_choice` asks for a tool, and there are no `tools`"));
    }
    Ok(choice)
}

/// Reads `text.format`.
pub fn format(text: &Map<String, Value>) -> Result<ResponseFormat, Invalid> {
    let Some(format) = text.get("format").filter(|format| !format.is_null()) else {
        return Ok(ResponseFormat::Text);
    };
    let fault = |field: &str, words: &str| Invalid::at(format!("text.format{field}"), words);
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(ResponseFormat::Text),
        Some("json_object") => Ok(ResponseFormat::JsonObject),
        Some("json_schema") => {
            let field = |name: &str| format.get(name).and_then(Value::as_str).map(str::to_owned);
            let name = function_name(field("name")).map_err(|rule| fault(".name", rule))?;
            let schema = format.get("schema").filter(|schema| schema.is_object()).and_then(raw);
            let schema = schema.ok_or_else(|| fault(".schema", SCHEMA_RULE))?;
            let strict = format.get("strict").and_then(Value::as_bool);
            Ok(ResponseFormat::JsonSchema { name, description: field("description"), schema, strict })
        }
        _ => Err(fault(".type", "write `text`, `json_object` or `json_schema`")),
    }
}

/// Reads `reasoning.effort`.
pub fn effort(reasoning: &Map<String, Value>) -> Result<Option<ReasoningEffort>, Invalid> {
    match reasoning.get("effort") {
        None | Some(Value::Null) => Ok(None),
        Some(effort) => serde_json::from_value(effort.clone()).map(Some).map_err(|_| {
            let words = "write `none`, `minimal`, `low`, `medium`, `high`, `xhigh` or `max`";
            Invalid::at("reasoning.effort", words)
        }),
    }
}
