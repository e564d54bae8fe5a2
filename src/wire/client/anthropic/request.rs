//! Reads requests: JSON first, then the rules that Anthropic documents for each field.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::Value;

use super::body::{Body, TurnBody};
use super::tools::{effort, format, output, tool_choice, tools};
use super::turns::messages;
use crate::domain::extra::{Extra, Extras};
use crate::domain::message::{ChatRequest, Message, Sampling, pair_calls};
use crate::wire::client::content::Content;
use crate::wire::client::pairing::{self, Unpaired};
use crate::wire::client::{Invalid, parsed};

/// A request in the neutral model, with what only this protocol knows.
#[derive(Debug)]
pub struct Parsed {
    pub request: ChatRequest,
    pub model: String,
    pub stream: bool,
}

const SHARE: RangeInclusive<f64> = 0.0..=1.0;
/// No model writes as much; what a model allows is checked when it is known.
const MAX_TOKENS: RangeInclusive<i64> = 1..=10_000_000;
const MAX_STOPS: usize = 64;
const MAX_USER_CHARS: usize = 512;
const MAX_METADATA: usize = 16;
const MAX_METADATA_KEY_CHARS: usize = 64;
const MAX_METADATA_CHARS: usize = 512;

/// Reads a request's body, whose messages may be a part of what was said: results may be without their calls, and calls
/// without results.
///
/// # Errors
/// [`Invalid`] with the first fault found and where it is.
pub fn read(body: &[u8]) -> Result<Parsed, Invalid> {
    let (body, unknown): (Body, _) = parsed::read(body, is_of_a_reply)?;
    for (field, is_there) in [
        ("mcp_servers", body.mcp_servers.is_some_and(|servers| !servers.is_empty())),
        ("container", body.container.is_some_and(|container| !container.is_null())),
    ] {
        if is_there {
            return Err(Invalid::at(
                field,
                format!("`{field}` is not taken: tools that run here are the agent's"),
            ));
        }
    }
    let model = body.model.filter(|model| !model.is_empty()).ok_or_else(|| {
        Invalid::at("model", "`model` is required: the agent's slug or a model of its line")
    })?;
    let max_output_tokens = match body.max_tokens {
        None => None,
        Some(most) => match u32::try_from(most) {
            Ok(fits) if MAX_TOKENS.contains(&most) => Some(fits),
            _ => return Err(Invalid::at("max_tokens", "`max_tokens` must lie between 1 and 10000000")),
        },
    };
    let (word, output_format) = output(body.output_config);
    let sampling = Sampling {
        temperature: share("temperature", body.temperature)?,
        top_p: share("top_p", body.top_p)?,
        max_output_tokens,
        stop: stop(body.stop_sequences.unwrap_or_default())?,
        seed: None,
        reasoning_effort: effort(body.thinking, word.as_deref(), max_output_tokens)?,
        n: None,
    };
    let tools = tools(body.tools.unwrap_or_default())?;
    let (tool_choice, parallel_tool_calls) = tool_choice(body.tool_choice, &tools)?;
    let (user, metadata) = metadata(body.metadata.unwrap_or_default())?;
    let mut extras = unknown;
    note_citations(&body.messages, &mut extras);
    if let (Some(value), Some(place)) = (body.top_k, Extra::find("top_k")) {
        extras.put(place, value).map_err(|words| Invalid::at("top_k", format!("`top_k` {words}")))?;
    }
    let request = ChatRequest {
        messages: messages(body.system, body.messages, body.cache_control)?,
        tools,
        tool_choice,
        parallel_tool_calls,
        response_format: format(output_format, body.output_format)?,
        is_checked: false,
        sampling,
        user,
        metadata,
        extras,
    };
    Ok(Parsed { request, model, stream: body.stream.unwrap_or(false) })
}

/// Checks that each tool call and its result belong together, and puts them into the form that providers want.
///
/// # Errors
/// [`Invalid`] at the first that does not.
pub fn pair(messages: &mut [Message]) -> Result<(), Invalid> {
    pairing::check(messages).map_err(|unpaired| {
        let words = match unpaired {
            Unpaired::NoCall { .. } => {
                "a tool_result block's `tool_use_id` is of no tool_use block in the turn before".to_owned()
            }
            Unpaired::Unanswered { ids, .. } => {
                format!("tool_use blocks need tool_result blocks in the next turn; without one: {ids}")
            }
        };
        Invalid::at("messages", words)
    })?;
    pair_calls(messages);
    Ok(())
}

/// Names the citations of blocks: they are left out.
fn note_citations(messages: &Option<Vec<TurnBody>>, extras: &mut Extras) {
    for (turn, message) in messages.iter().flatten().enumerate() {
        let Content::Parts(blocks) = &message.content else { continue };
        for (block, _) in blocks.iter().enumerate().filter(|(_, block)| block.is_cited()) {
            extras.put_unknown(|| format!("messages[{turn}].content[{block}].citations"));
        }
    }
}

/// Whether it is a field that replies have and clients send back as they got it, or one that changes nothing of the answer.
fn is_of_a_reply(path: &serde_ignored::Path<'_>) -> bool {
    const FIELDS: [&str; 3] = ["caller", "eager_input_streaming", "parsed_output"];
    let serde_ignored::Path::Map { parent, key } = path else { return false };
    !matches!(parent, serde_ignored::Path::Root) && FIELDS.contains(&key.as_str())
}

fn share(param: &str, value: Option<f64>) -> Result<Option<f64>, Invalid> {
    match value {
        Some(value) if !SHARE.contains(&value) => {
            Err(Invalid::at(param, format!("`{param}` must lie between 0 and 1")))
        }
        value => Ok(value),
    }
}

fn stop(stop: Vec<String>) -> Result<Vec<String>, Invalid> {
    if stop.len() > MAX_STOPS {
        let words = format!("`stop_sequences` has at most {MAX_STOPS} sequences");
        return Err(Invalid::at("stop_sequences", words));
    }
    if stop.iter().any(String::is_empty) {
        return Err(Invalid::at("stop_sequences", "a stop sequence must not be empty"));
    }
    Ok(stop)
}

/// Whom the call is for, and what fills the agent's variables.
fn metadata(given: BTreeMap<String, Value>) -> Result<(Option<String>, BTreeMap<String, String>), Invalid> {
    let longer = |text: &str, chars: usize| text.chars().nth(chars).is_some();
    let (mut user, mut metadata) = (None, BTreeMap::new());
    for (name, value) in given {
        let value = match value {
            Value::Null => continue,
            Value::String(text) => text,
            _ => return Err(Invalid::at("metadata", "the values of `metadata` are texts")),
        };
        if name == "user_id" {
            if longer(&value, MAX_USER_CHARS) {
                let words = format!("`user_id` has at most {MAX_USER_CHARS} characters");
                return Err(Invalid::at("metadata.user_id", words));
            }
            user = Some(value);
        } else if longer(&name, MAX_METADATA_KEY_CHARS) || longer(&value, MAX_METADATA_CHARS) {
            let words = format!(
                "a key of `metadata` has at most {MAX_METADATA_KEY_CHARS} characters, a value {MAX_METADATA_CHARS}"
            );
            return Err(Invalid::at("metadata", words));
        } else {
            metadata.insert(name, value);
        }
    }
    if metadata.len() > MAX_METADATA {
        return Err(Invalid::at("metadata", format!("`metadata` has at most {MAX_METADATA} pairs")));
    }
    Ok((user, metadata))
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
