//! Reads requests: JSON first, then the rules that OpenAI documents for each field.

use std::ops::RangeInclusive;

use super::body::{Body, Role, Stop};
use super::messages::{messages, pair};
use super::tools::{response_format, tool_choice, tools};
use crate::domain::message::{ChatRequest, Sampling};
use crate::wire::client::{Invalid, parsed};

/// A request in the neutral model, with what only this protocol knows.
#[derive(Debug)]
pub struct Parsed {
    pub request: ChatRequest,
    pub model: String,
    pub stream: bool,
    /// A stream ends with a chunk of usage.
    pub include_usage: bool,
}

const TEMPERATURE: RangeInclusive<f64> = 0.0..=2.0;
const TOP_P: RangeInclusive<f64> = 0.0..=1.0;
/// OpenAI takes 128; every choice multiplies what must be held.
const CHOICES: RangeInclusive<i64> = 1..=8;
/// No model writes as much; what a model allows is checked when it is known.
const MAX_TOKENS: RangeInclusive<i64> = 1..=10_000_000;
const MAX_STOPS: usize = 4;
const MAX_USER_CHARS: usize = 512;
const MAX_METADATA: usize = 16;
const MAX_METADATA_KEY_CHARS: usize = 64;
const MAX_METADATA_CHARS: usize = 512;

/// Reads a request's body, whose messages are all that was said.
///
/// # Errors
/// [`Invalid`] with the first fault found and where it is.
pub fn parse(body: &[u8]) -> Result<Parsed, Invalid> {
    let mut parsed = read(body)?;
    pair(&mut parsed.request.messages)?;
    Ok(parsed)
}

/// Reads a request's body, whose messages may be a part of what was said: results may be without their calls, and calls
/// without results.
///
/// # Errors
/// [`Invalid`] with the first fault found and where it is.
pub fn read(body: &[u8]) -> Result<Parsed, Invalid> {
    let (mut body, unknown): (Body, _) = parsed::read(body, is_of_a_reply)?;
    body.extras.join_unknown(unknown);
    if body.functions.is_some() || body.function_call.is_some() {
        let param = if body.functions.is_some() { "functions" } else { "function_call" };
        return Err(Invalid::at(
            param,
            "`functions` and `function_call` are not taken: use `tools` and `tool_choice`",
        ));
    }
    if let Some((name, shape)) = body.misshapen {
        return Err(Invalid::at(name, format!("`{name}` {shape}")));
    }
    if body.audio.is_some() {
        return Err(Invalid::at("audio", "audio is not produced here: leave `audio` out"));
    }
    let stream = body.stream.unwrap_or(false);
    let include_usage = match &body.stream_options {
        Some(_) if !stream => {
            return Err(Invalid::at(
                "stream_options",
                "`stream_options` is only allowed when `stream` is true",
            ));
        }
        options => options.as_ref().and_then(|options| options.include_usage).unwrap_or(false),
    };
    let sampling = sampling(&body)?;
    let model = body.model.filter(|model| !model.is_empty()).ok_or_else(|| {
        Invalid::at("model", "`model` is required: the agent's slug or a model of its line")
    })?;
    let tools = tools(body.tools.unwrap_or_default())?;
    for (number, message) in body.messages.iter().flatten().enumerate() {
        // Others' names have no place here.
        if message.name.is_some() && message.role != Some(Role::User) {
            body.extras.put_unknown(|| format!("messages[{number}].name"));
        }
        if message.annotations.as_deref().is_some_and(|raw| !matches!(raw.get(), "null" | "[]")) {
            body.extras.put_unknown(|| format!("messages[{number}].annotations"));
        }
    }
    let request = ChatRequest {
        messages: messages(body.messages)?,
        tool_choice: tool_choice(body.tool_choice, &tools)?,
        tools,
        parallel_tool_calls: body.parallel_tool_calls,
        response_format: response_format(body.response_format)?,
        is_checked: false,
        sampling: Sampling { stop: stop(body.stop)?, ..sampling },
        user: body.user,
        metadata: body.metadata.unwrap_or_default(),
        extras: body.extras,
    };
    about(&request)?;
    Ok(Parsed { request, model, stream, include_usage })
}

/// Whether it is a field that replies have and clients send back as they got it; no provider wants it.
fn is_of_a_reply(path: &serde_ignored::Path<'_>) -> bool {
    const FIELDS: [&str; 3] = ["audio", "function_call", "index"];
    let serde_ignored::Path::Map { parent, key } = path else { return false };
    !matches!(parent, serde_ignored::Path::Root) && FIELDS.contains(&key.as_str())
}

/// The numbers, each in its range.
fn sampling(body: &Body) -> Result<Sampling, Invalid> {
    let max_output_tokens = match (body.max_completion_tokens, body.max_tokens) {
        (Some(limit), Some(same)) if limit != same => {
            let message = "`max_completion_tokens` and `max_tokens` differ: set one of them";
            return Err(Invalid::at("max_tokens", message));
        }
        (Some(limit), _) => Some(whole("max_completion_tokens", limit, MAX_TOKENS)?),
        (None, Some(limit)) => Some(whole("max_tokens", limit, MAX_TOKENS)?),
        (None, None) => None,
    };
    Ok(Sampling {
        temperature: body.temperature.map(|value| number("temperature", value, TEMPERATURE)).transpose()?,
        top_p: body.top_p.map(|value| number("top_p", value, TOP_P)).transpose()?,
        max_output_tokens,
        stop: Vec::new(),
        seed: body.seed,
        reasoning_effort: body.reasoning_effort,
        n: body.n.map(|value| whole("n", value, CHOICES)).transpose()?,
    })
}

fn number(param: &str, value: f64, range: RangeInclusive<f64>) -> Result<f64, Invalid> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(Invalid::at(param, format!("`{param}` must lie between {} and {}", range.start(), range.end())))
}

fn whole(param: &str, value: i64, range: RangeInclusive<i64>) -> Result<u32, Invalid> {
    match u32::try_from(value) {
        Ok(fits) if range.contains(&value) => Ok(fits),
        _ => Err(Invalid::at(
            param,
            format!("`{param}` must lie between {} and {}", range.start(), range.end()),
        )),
    }
}

fn stop(stop: Stop) -> Result<Vec<String>, Invalid> {
    if stop.0.len() > MAX_STOPS {
        return Err(Invalid::at("stop", format!("`stop` has at most {MAX_STOPS} sequences")));
    }
    if stop.0.iter().any(String::is_empty) {
        return Err(Invalid::at("stop", "a stop sequence must not be empty"));
    }
    Ok(stop.0)
}

/// What the request says about its sender.
fn about(request: &ChatRequest) -> Result<(), Invalid> {
    let longer = |text: &str, chars: usize| text.chars().nth(chars).is_some();
    if request.user.as_deref().is_some_and(|user| longer(user, MAX_USER_CHARS)) {
        return Err(Invalid::at("user", format!("`user` has at most {MAX_USER_CHARS} characters")));
    }
    if request.metadata.len() > MAX_METADATA {
        return Err(Invalid::at("metadata", format!("`metadata` has at most {MAX_METADATA} pairs")));
    }
    for (key, value) in &request.metadata {
        if longer(key, MAX_METADATA_KEY_CHARS) || longer(value, MAX_METADATA_CHARS) {
            let message = format!(
                "a key of `metadata` has at most {MAX_METADATA_KEY_CHARS} characters, a value {MAX_METADATA_CHARS}"
            );
            return Err(Invalid::at("metadata", message));
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
