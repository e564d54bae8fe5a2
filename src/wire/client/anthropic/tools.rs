//! Reads tools, the choice among them, how much is thought, and the form of the answer.

use std::collections::BTreeSet;

use super::body::{ChoiceBody, FormatBody, OutputBody, ThinkingBody, ToolBody};
use crate::domain::message::{CachePoint, ReasoningEffort, ResponseFormat, Tool, ToolChoice};
use crate::wire::client::Invalid;

/// Claude Code offers those of all its MCP servers.
const MAX_TOOLS: usize = 1_024;
const MAX_NAME_LEN: usize = 128;

pub fn tools(bodies: Vec<ToolBody>) -> Result<Vec<Tool>, Invalid> {
    if bodies.len() > MAX_TOOLS {
        return Err(Invalid::at("tools", format!("there are at most {MAX_TOOLS} tools")));
    }
    let mut names = BTreeSet::new();
    let mut tools = Vec::with_capacity(bodies.len());
    for (number, body) in bodies.into_iter().enumerate() {
        let tool = tool(number, body)?;
        if !names.insert(tool.name.clone()) {
            let words = format!("there is a tool `{}` before", tool.name);
            return Err(Invalid::at(format!("tools[{number}].name"), words));
        }
        tools.push(tool);
    }
    Ok(tools)
}

fn tool(number: usize, body: ToolBody) -> Result<Tool, Invalid> {
    let fault = |field: &str, words: String| Invalid::at(format!("tools[{number}]{field}"), words);
    if let Some(kind) = body.kind.filter(|kind| kind != "custom") {
        let words = format!(
            "`{kind:.64}` is a tool of Anthropic's own, and not taken: only those of type custom are. Tools that run here \
             are the agent's"
        );
        return Err(fault(".type", words));
    }
    let fits = |name: &String| {
        (1..=MAX_NAME_LEN).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    let name = body.name.filter(fits).ok_or_else(|| {
        fault(".name", format!("a name has 1 to {MAX_NAME_LEN} characters of a-z, A-Z, 0-9, `_` and `-`"))
    })?;
    if body.input_schema.as_deref().is_none_or(|schema| !schema.get().starts_with('{')) {
        return Err(fault(".input_schema", "a tool needs an `input_schema`, an object".to_owned()));
    }
    Ok(Tool {
        name,
        description: body.description,
        parameters: body.input_schema,
        strict: body.strict,
        cache: body.cache_control.map(CachePoint::from),
    })
}

/// The choice, and whether several tools may be called at once.
pub fn tool_choice(body: Option<ChoiceBody>, tools: &[Tool]) -> Result<(ToolChoice, Option<bool>), Invalid> {
    let Some(body) = body else { return Ok((ToolChoice::Auto, None)) };
    let parallel = body.disable_parallel_tool_use.map(|is_disabled| !is_disabled);
    let choice = match (body.kind.as_deref(), body.name) {
        (Some("auto"), _) => ToolChoice::Auto,
        (Some("none"), _) => ToolChoice::None,
        (Some("any"), _) => ToolChoice::Required,
        (Some("tool"), Some(name)) => ToolChoice::Named(name),
        (Some("tool"), None) => return Err(Invalid::at("tool_choice.name", "the tool's `name` is required")),
        _ => return Err(Invalid::at("tool_choice.type", "write auto, any, tool or none")),
    };
    match &choice {
        ToolChoice::Named(name) if !tools.iter().any(|tool| tool.name == *name) => {
            Err(Invalid::at("tool_choice.name", format!("no tool is called `{name:.128}`")))
        }
        ToolChoice::Required if tools.is_empty() => {
            Err(Invalid::at("tool_choice", "`tool_choice` asks for a tool, and there are no `tools`"))
        }
        _ => Ok((choice, parallel)),
    }
}

/// How much is to be thought: by its word, or by the share that the budget is of all that is generated.
pub fn effort(
    thinking: Option<ThinkingBody>,
    word: Option<&str>,
    max_tokens: Option<u32>,
) -> Result<Option<ReasoningEffort>, Invalid> {
    let word = match word {
        None => None,
        Some("low") => Some(ReasoningEffort::Low),
        Some("medium") => Some(ReasoningEffort::Medium),
        Some("high") => Some(ReasoningEffort::High),
        Some("xhigh") => Some(ReasoningEffort::Xhigh),
        Some("max") => Some(ReasoningEffort::Max),
        Some(_) => return Err(Invalid::at("output_config.effort", "write low, medium, high, xhigh or max")),
    };
    let Some(thinking) = thinking else { return Ok(word) };
    match thinking.kind.as_deref() {
        Some("disabled") => Ok(Some(ReasoningEffort::None)),
        Some("adaptive") => Ok(Some(word.unwrap_or(ReasoningEffort::High))),
        Some("enabled") => {
            let budget = thinking.budget_tokens.and_then(|budget| u32::try_from(budget).ok());
            let budget = budget.filter(|budget| max_tokens.is_none_or(|most| *budget < most));
            let budget = budget.ok_or_else(|| {
                Invalid::at("thinking.budget_tokens", "is a whole number below `max_tokens`")
            })?;
            Ok(Some(word.unwrap_or_else(|| share(budget, max_tokens))))
        }
        _ => Err(Invalid::at("thinking.type", "write enabled, adaptive or disabled")),
    }
}

/// As the request to Anthropic is written: two, five, eight or nine tenths.
const fn share(budget: u32, max_tokens: Option<u32>) -> ReasoningEffort {
    let tenths = match max_tokens {
        Some(most) if most > 0 => budget as u64 * 10 / most as u64,
        _ if budget < 4_096 => 2,
        _ if budget < 16_384 => 5,
        _ => 8,
    };
    match tenths {
        0..=3 => ReasoningEffort::Low,
        4..=6 => ReasoningEffort::Medium,
        7..=8 => ReasoningEffort::High,
        _ => ReasoningEffort::Xhigh,
    }
}

/// The form that the answer is to have, which two fields may say.
pub fn format(output: Option<FormatBody>, before: Option<FormatBody>) -> Result<ResponseFormat, Invalid> {
    let (body, field) = match (output, before) {
        (Some(body), _) => (body, "output_config.format"),
        (None, Some(body)) => (body, "output_format"),
        (None, None) => return Ok(ResponseFormat::Text),
    };
    if body.kind.as_deref() != Some("json_schema") {
        return Err(Invalid::at(format!("{field}.type"), "only json_schema is taken"));
    }
    let schema = body.schema.filter(|schema| schema.get().starts_with('{'));
    let schema = schema.ok_or_else(|| Invalid::at(format!("{field}.schema"), "a schema is a JSON object"))?;
    Ok(ResponseFormat::JsonSchema {
        name: "output".to_owned(),
        description: None,
        schema,
        strict: Some(true),
    })
}

/// The parts of `output_config`.
pub fn output(body: Option<OutputBody>) -> (Option<String>, Option<FormatBody>) {
    body.map_or((None, None), |body| (body.effort, body.format))
}
