//! `POST /models/{code}:generateContent` and `:streamGenerateContent`: the request.

use std::borrow::Cow;

use serde::Serialize;

use super::contents::{self, Content};
use crate::domain::dialect::{Dialect, Thinking};
use crate::domain::message::{ChatRequest, ReasoningEffort, ResponseFormat, Tool, ToolChoice};
use crate::wire::provider::fit::{self, ExtraFields, Renamed, Schema, Warnings, Wishes};
use crate::wire::provider::{Encoded, Outgoing, Target};
use crate::wire::to_json;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Content<'a>>,
    contents: Vec<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<[Tools<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
    generation_config: GenerationConfig<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tools<'a> {
    function_declarations: Vec<Declaration<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Declaration<'a> {
    name: Cow<'a, str>,
    /// Required by the API.
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<Schema<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfig<'a> {
    function_calling_config: CallingConfig<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallingConfig<'a> {
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_function_names: Option<[Cow<'a, str>; 1]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidate_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<Schema<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<ThinkingConfig>,
    #[serde(flatten)]
    extras: ExtraFields<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ThinkingConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    include_thoughts: bool,
}

/// Writes the request for this model.
pub fn encode(target: Target<'_>, request: &ChatRequest, stream: bool) -> Encoded {
    let Target { dialect, code } = target;
    let mut warnings = Warnings::default();
    let wishes = Wishes::of(dialect, request, stream, &mut warnings);
    let said = wishes.words();
    let (system_instruction, contents) = contents::conversation(dialect, &request.messages, said.as_deref());
    let with_tools = !request.tools.is_empty();
    let parallel = request.parallel_tool_calls.filter(|parallel| with_tools && !parallel);
    warnings.if_taken(dialect.parallel_tool_calls, "parallel_tool_calls", parallel);
    warnings.if_taken(dialect.user, "user", request.user.as_deref());
    let body = Body {
        system_instruction,
        contents,
        tools: tools(dialect, &request.tools),
        tool_config: tool_config(dialect, request, wishes.choice),
        generation_config: generation_config(dialect, request, wishes.format, &mut warnings),
    };
    let body = to_json(&body).into();
    Encoded {
        outgoing: Outgoing { path: path(code, stream), headers: Vec::new(), body },
        warnings: warnings.0,
        renamed: Renamed::of(dialect, &request.tools),
    }
}

/// A code with a slash, such as `tunedModels/mine`, names its own collection.
fn path(code: &str, stream: bool) -> String {
    let mut path = if code.contains('/') { String::new() } else { "/models".to_owned() };
    // Dots alone would climb out of the collection.
    for segment in code.split('/').filter(|segment| !segment.chars().all(|character| character == '.')) {
        path.push('/');
        for byte in segment.bytes() {
            push_byte(&mut path, byte);
        }
    }
    path.push_str(if stream { ":streamGenerateContent?alt=sse" } else { ":generateContent" });
    path
}

fn push_byte(path: &mut String, byte: u8) {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'@') {
        path.push(char::from(byte));
    } else {
        path.push_str(&format!("%{byte:02X}"));
    }
}

fn tools<'a>(dialect: &Dialect, tools: &'a [Tool]) -> Option<[Tools<'a>; 1]> {
    if tools.is_empty() {
        return None;
    }
    Some([Tools { function_declarations: tools.iter().map(|tool| declaration(dialect, tool)).collect() }])
}

fn declaration<'a>(dialect: &Dialect, tool: &'a Tool) -> Declaration<'a> {
    Declaration {
        name: dialect.tool_names.fit(&tool.name),
        description: tool.description.as_deref().unwrap_or_default(),
        parameters_json_schema: tool.parameters.as_deref().map(|raw| Schema::of_tool(dialect, raw)),
    }
}

fn tool_config<'a>(
    dialect: &Dialect,
    request: &ChatRequest,
    choice: &'a ToolChoice,
) -> Option<ToolConfig<'a>> {
    if request.tools.is_empty() {
        return None;
    }
    let (mode, allowed_function_names) = match choice {
        ToolChoice::Auto => return None,
        ToolChoice::None => ("NONE", None),
        ToolChoice::Required => ("ANY", None),
        ToolChoice::Named(name) => ("ANY", Some([dialect.tool_names.fit(name)])),
    };
    Some(ToolConfig { function_calling_config: CallingConfig { mode, allowed_function_names } })
}

fn generation_config<'a>(
    dialect: &'a Dialect,
    request: &'a ChatRequest,
    format: &'a ResponseFormat,
    warnings: &mut Warnings,
) -> GenerationConfig<'a> {
    let sampling = &request.sampling;
    let schema = match format {
        ResponseFormat::JsonSchema { schema, .. } => Some(Schema::of_output(dialect, schema)),
        _ => None,
    };
    let json = !matches!(format, ResponseFormat::Text);
    let thinks = sampling.reasoning_effort.is_some_and(|effort| effort != ReasoningEffort::None);
    let (temperature, top_p) = fit::sampling(dialect, sampling, thinks, warnings);
    let thinking_config = sampling.reasoning_effort.and_then(|effort| thinking(dialect.thinking, effort));
    warnings.effort(dialect, sampling.reasoning_effort, thinking_config.is_some());
    if sampling.seed.is_some_and(|seed| i32::try_from(seed).is_err()) {
        warnings.adapted("seed", "the model that answered takes 32 bits: equal seeds stay equal");
    }
    GenerationConfig {
        temperature,
        top_p,
        max_output_tokens: sampling.max_output_tokens,
        stop_sequences: fit::stop(dialect, sampling, warnings),
        seed: fit::seed(dialect, sampling, warnings).map(seed),
        candidate_count: sampling.n.filter(|&n| n > 1),
        response_mime_type: json.then_some("application/json"),
        response_json_schema: schema,
        thinking_config,
        extras: ExtraFields::of(dialect, request, thinks, warnings),
    }
}

/// The API takes 32 bits. Folding keeps equal seeds equal.
fn seed(seed: i64) -> i32 {
    i32::try_from(seed).unwrap_or_else(|_| {
        let bytes = seed.to_le_bytes();
        i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    })
}

/// Efforts as Google's own OpenAI endpoint maps them.
fn thinking(thinking: Thinking, effort: ReasoningEffort) -> Option<ThinkingConfig> {
    let (thinking_budget, thinking_level) = match thinking {
        Thinking::BudgetTokens { least } => (Some(budget(effort).max(least)), None),
        Thinking::Level { minimal } => (None, Some(level(effort, minimal))),
        // None, or fields of other wires.
        _ => return None,
    };
    let include_thoughts = effort != ReasoningEffort::None;
    Some(ThinkingConfig { thinking_budget, thinking_level, include_thoughts })
}

fn budget(effort: ReasoningEffort) -> u32 {
    match effort {
        ReasoningEffort::None => 0,
        ReasoningEffort::Minimal | ReasoningEffort::Low => 1024,
        ReasoningEffort::Medium => 8192,
        ReasoningEffort::High | ReasoningEffort::Xhigh | ReasoningEffort::Max => 24_576,
    }
}

fn level(effort: ReasoningEffort, minimal: bool) -> &'static str {
    match effort {
        ReasoningEffort::None | ReasoningEffort::Minimal if minimal => "MINIMAL",
        ReasoningEffort::None | ReasoningEffort::Minimal | ReasoningEffort::Low => "LOW",
        ReasoningEffort::Medium => "MEDIUM",
        ReasoningEffort::High | ReasoningEffort::Xhigh | ReasoningEffort::Max => "HIGH",
    }
}
