//! `POST /models/{code}:generateContent` and `:streamGenerateContent`: the request.

use serde::Serialize;
use serde_json::value::RawValue;

use super::contents::{self, Content};
use super::model::{self, Thinking, Traits};
use crate::domain::message::{ChatRequest, ReasoningEffort, ResponseFormat, Tool, ToolChoice};
use crate::wire::provider::json;
use crate::wire::provider::{Outgoing, Target};
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
    name: &'a str,
    /// Required by the API.
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<&'a RawValue>,
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
    allowed_function_names: Option<[&'a str; 1]>,
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
    response_json_schema: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<ThinkingConfig>,
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
pub fn encode(target: Target<'_>, request: &ChatRequest, stream: bool) -> Outgoing {
    let traits = model::traits(target.code);
    // Before Gemini 3 the API refuses JSON output together with tools.
    let constrained = traits.third_generation || request.tools.is_empty();
    let said = if constrained { None } else { json::instruction(&request.response_format) };
    let (system_instruction, contents) = contents::conversation(traits, &request.messages, said.as_deref());
    let body = Body {
        system_instruction,
        contents,
        tools: tools(&request.tools),
        tool_config: tool_config(request),
        generation_config: generation_config(traits, request, constrained),
    };
    Outgoing { path: path(target.code, stream), headers: Vec::new(), body: to_json(&body).into() }
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

fn tools(tools: &[Tool]) -> Option<[Tools<'_>; 1]> {
    if tools.is_empty() {
        return None;
    }
    Some([Tools { function_declarations: tools.iter().map(declaration).collect() }])
}

fn declaration(tool: &Tool) -> Declaration<'_> {
    Declaration {
        name: &tool.name,
        description: tool.description.as_deref().unwrap_or_default(),
        parameters_json_schema: tool.parameters.as_deref(),
    }
}

fn tool_config(request: &ChatRequest) -> Option<ToolConfig<'_>> {
    if request.tools.is_empty() {
        return None;
    }
    let (mode, allowed_function_names) = match &request.tool_choice {
        ToolChoice::Auto => return None,
        ToolChoice::None => ("NONE", None),
        ToolChoice::Required => ("ANY", None),
        ToolChoice::Named(name) => ("ANY", Some([name.as_str()])),
    };
    Some(ToolConfig { function_calling_config: CallingConfig { mode, allowed_function_names } })
}

fn generation_config(traits: Traits, request: &ChatRequest, constrained: bool) -> GenerationConfig<'_> {
    let sampling = &request.sampling;
    let schema = match &request.response_format {
        ResponseFormat::JsonSchema { schema, .. } if constrained => Some(&**schema),
        _ => None,
    };
    let json = constrained && !matches!(request.response_format, ResponseFormat::Text);
    GenerationConfig {
        temperature: sampling.temperature.filter(|_| traits.sampling),
        top_p: sampling.top_p.filter(|_| traits.sampling),
        max_output_tokens: sampling.max_output_tokens,
        stop_sequences: &sampling.stop,
        seed: sampling.seed.map(seed),
        candidate_count: sampling.n.filter(|&n| n > 1),
        response_mime_type: json.then_some("application/json"),
        response_json_schema: schema,
        thinking_config: sampling.reasoning_effort.and_then(|effort| thinking(traits.thinking, effort)),
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
        Thinking::Absent => return None,
        Thinking::Budget { least } => (Some(budget(effort).max(least)), None),
        Thinking::Level { minimal } => (None, Some(level(effort, minimal))),
    };
    let include_thoughts = effort != ReasoningEffort::None;
    Some(ThinkingConfig { thinking_budget, thinking_level, include_thoughts })
}

fn budget(effort: ReasoningEffort) -> u32 {
    match effort {
        ReasoningEffort::None => 0,
        ReasoningEffort::Minimal | ReasoningEffort::Low => 1024,
        ReasoningEffort::Medium => 8192,
        ReasoningEffort::High | ReasoningEffort::Xhigh => 24_576,
    }
}

fn level(effort: ReasoningEffort, minimal: bool) -> &'static str {
    match effort {
        ReasoningEffort::None | ReasoningEffort::Minimal if minimal => "MINIMAL",
        ReasoningEffort::None | ReasoningEffort::Minimal | ReasoningEffort::Low => "LOW",
        ReasoningEffort::Medium => "MEDIUM",
        ReasoningEffort::High | ReasoningEffort::Xhigh => "HIGH",
    }
}
