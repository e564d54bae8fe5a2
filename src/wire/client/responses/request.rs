//! Reads requests: JSON first, then the rules that OpenAI documents for each field.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::body::Body;
use super::input::{Piece, pieces};
use super::tools::{effort, format, tool_choice, tools};
use crate::domain::extra::{Extra, Extras};
use crate::domain::message::{ChatRequest, Sampling};
use crate::wire::client::{Invalid, parsed};

/// A request in the neutral model, with what only this protocol knows.
#[derive(Debug)]
pub struct Parsed {
    /// Without what is said.
    pub request: ChatRequest,
    pub said: Vec<Piece>,
    pub instructions: Option<String>,
    pub model: Option<String>,
    pub stream: bool,
    pub background: bool,
    /// `None`: so, unless the caller has no key.
    pub store: Option<bool>,
    /// The response from which it goes on, as it is named.
    pub follows: Option<String>,
    pub conversation: Option<String>,
    pub max_tool_calls: Option<u32>,
    pub base: Base,
}

/// What a response says again of its request.
#[derive(Clone, Debug, PartialEq)]
pub struct Base(pub Map<String, Value>);

impl Base {
    /// The tools that the client runs.
    pub fn tools(&self) -> impl Iterator<Item = &str> {
        let tools = self.0.get("tools").and_then(Value::as_array);
        tools.into_iter().flatten().filter_map(|tool| tool.get("name")?.as_str())
    }

    pub fn set(&mut self, field: &str, value: Value) {
        self.0.insert(field.to_owned(), value);
    }

    /// Sets a field that has no value.
    pub fn default(&mut self, field: &str, value: impl FnOnce() -> Value) {
        if self.0.get(field).is_none_or(Value::is_null) {
            self.set(field, value());
        }
    }

    /// Of a run that did not begin by this protocol.
    pub fn unknown() -> Self {
        Self(base(&Body::default(), (&[], &Map::new()), true))
    }
}

const TEMPERATURE: RangeInclusive<f64> = 0.0..=2.0;
const TOP_P: RangeInclusive<f64> = 0.0..=1.0;
/// No model writes as much; what a model allows is checked when it is known.
const MAX_TOKENS: RangeInclusive<i64> = 1..=10_000_000;
const MAX_CALLS: RangeInclusive<i64> = 1..=10_000;
const MAX_USER_CHARS: usize = 512;
const MAX_METADATA: usize = 16;
const MAX_METADATA_KEY_CHARS: usize = 64;
const MAX_METADATA_CHARS: usize = 512;

/// Reads a request's body.
///
/// # Errors
/// [`Invalid`] with the first fault found and where it is.
pub fn read(body: &[u8]) -> Result<Parsed, Invalid> {
    let (mut body, mut extras): (Body, Extras) = parsed::read(body, is_of_a_reply)?;
    refused(&body)?;
    let follows = body.previous_response_id.clone();
    let conversation = conversation(body.conversation.as_ref())?;
    if follows.is_some() && conversation.is_some() {
        let words = "write `previous_response_id` or `conversation`, not both";
        return Err(Invalid::at("conversation", words));
    }
    let (text, reasoning) = (body.text.take().unwrap_or_default(), body.reasoning.take().unwrap_or_default());
    let sent = body.tools.take().unwrap_or_default();
    let (mut tools, shown) = tools(&sent, |name| extras.put_unknown(|| name))?;
    let tool_choice = tool_choice(body.tool_choice.as_ref(), &mut tools)?;
    let sampling = Sampling {
        temperature: number("temperature", body.temperature, TEMPERATURE)?,
        top_p: number("top_p", body.top_p, TOP_P)?,
        max_output_tokens: whole("max_output_tokens", body.max_output_tokens, MAX_TOKENS)?,
        reasoning_effort: effort(&reasoning)?,
        ..Sampling::default()
    };
    let max_tool_calls = whole("max_tool_calls", body.max_tool_calls, MAX_CALLS)?;
    let (metadata, user) = (metadata(body.metadata.as_ref())?, user(body.user.as_deref())?);
    let store = body.store.unwrap_or(true);
    let base = Base(base(&body, (&shown, &text), store));
    let base = with_reasoning(base, &reasoning);
    passed_on(&mut body, &text, &mut extras)?;
    let request = ChatRequest {
        messages: Vec::new(),
        tools,
        tool_choice,
        parallel_tool_calls: body.parallel_tool_calls,
        response_format: format(&text)?,
        is_checked: false,
        sampling,
        user,
        metadata,
        extras,
    };
    Ok(Parsed {
        request,
        said: pieces(body.input)?,
        instructions: body.instructions.filter(|text| !text.is_empty()),
        model: body.model.filter(|model| !model.is_empty()),
        stream: body.stream.unwrap_or(false),
        background: body.background.unwrap_or(false),
        store: body.store,
        follows,
        conversation,
        max_tool_calls,
        base,
    })
}

/// What would change the answer unheard.
fn refused(body: &Body) -> Result<(), Invalid> {
    if body.prompt.as_ref().is_some_and(|prompt| !prompt.is_null()) {
        let words = "`prompt` is not taken: the prompt is the agent's `instructions`";
        return Err(Invalid::at("prompt", words));
    }
    if body.top_logprobs.is_some_and(|most| most > 0)
        || body.include.iter().flatten().any(|field| field == "message.output_text.logprobs")
    {
        let words = "log probabilities are not returned here: POST …/v1/chat/completions returns them";
        return Err(Invalid::at("include", words));
    }
    let truncation = body.truncation.as_deref().unwrap_or("disabled");
    if !matches!(truncation, "auto" | "disabled") {
        return Err(Invalid::at("truncation", "write `auto` or `disabled`"));
    }
    if body.background == Some(true) && body.store == Some(false) {
        let words = "with `store: false` nobody could read the answer";
        return Err(Invalid::at("background", words));
    }
    let is_on_thread = body.previous_response_id.is_some() || body.conversation.is_some();
    if body.store == Some(false) && is_on_thread {
        let words = "what goes on from something kept is kept with it: leave `store` out, or send all that was said in `input`";
        return Err(Invalid::at("store", words));
    }
    Ok(())
}

fn conversation(body: Option<&Value>) -> Result<Option<String>, Invalid> {
    let id = match body {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(id)) => Some(id.as_str()),
        Some(object) => object.get("id").and_then(Value::as_str),
    };
    let words = "write a conversation's id, or an object with its `id`";
    id.map(|id| Some(id.to_owned())).ok_or_else(|| Invalid::at("conversation", words))
}

/// Whether it is a field that replies have and clients send back as they got it, or one that changes nothing here.
fn is_of_a_reply(path: &serde_ignored::Path<'_>) -> bool {
    const FIELDS: [&str; 13] = [
        "annotations",
        "logprobs",
        "status",
        "phase",
        "created_by",
        "namespace",
        "caller",
        "server_label",
        "approval_request_id",
        "parsed_arguments",
        "parsed",
        "async",
        "client_metadata",
    ];
    const AT_ROOT: [&str; 1] = ["client_metadata"];
    let serde_ignored::Path::Map { parent, key } = path else { return false };
    match parent {
        serde_ignored::Path::Root => AT_ROOT.contains(&key.as_str()),
        _ => FIELDS.contains(&key.as_str()),
    }
}

fn number(param: &str, value: Option<f64>, range: RangeInclusive<f64>) -> Result<Option<f64>, Invalid> {
    match value {
        Some(value) if !range.contains(&value) => {
            let words = format!("`{param}` must lie between {} and {}", range.start(), range.end());
            Err(Invalid::at(param, words))
        }
        value => Ok(value),
    }
}

fn whole(param: &str, value: Option<i64>, range: RangeInclusive<i64>) -> Result<Option<u32>, Invalid> {
    let Some(value) = value else { return Ok(None) };
    match u32::try_from(value) {
        Ok(fits) if range.contains(&value) => Ok(Some(fits)),
        _ => {
            let words = format!("`{param}` must lie between {} and {}", range.start(), range.end());
            Err(Invalid::at(param, words))
        }
    }
}

fn user(user: Option<&str>) -> Result<Option<String>, Invalid> {
    match user {
        Some(user) if user.chars().nth(MAX_USER_CHARS).is_some() => {
            Err(Invalid::at("user", format!("`user` has at most {MAX_USER_CHARS} characters")))
        }
        user => Ok(user.map(str::to_owned)),
    }
}

/// At most 16 pairs of texts.
pub(super) fn metadata(given: Option<&Map<String, Value>>) -> Result<BTreeMap<String, String>, Invalid> {
    let fault = |words: String| Err(Invalid::at("metadata", words));
    let mut metadata = BTreeMap::new();
    for (name, value) in given.into_iter().flatten() {
        let Value::String(value) = value else {
            return fault("the values of `metadata` are texts".to_owned());
        };
        let longer = |text: &str, chars: usize| text.chars().nth(chars).is_some();
        if longer(name, MAX_METADATA_KEY_CHARS) || longer(value, MAX_METADATA_CHARS) {
            return fault(format!(
                "a key of `metadata` has at most {MAX_METADATA_KEY_CHARS} characters, a value {MAX_METADATA_CHARS}"
            ));
        }
        metadata.insert(name.clone(), value.clone());
    }
    if metadata.len() > MAX_METADATA {
        return fault(format!("`metadata` has at most {MAX_METADATA} pairs"));
    }
    Ok(metadata)
}

/// Fields that only some providers take.
fn passed_on(body: &mut Body, text: &Map<String, Value>, extras: &mut Extras) -> Result<(), Invalid> {
    let verbosity = text.get("verbosity").filter(|value| !value.is_null());
    let verbosity = verbosity.and_then(|value| serde_json::value::to_raw_value(value).ok());
    let fields: [(&str, &str, Option<Box<RawValue>>); 7] = [
        ("safety_identifier", "safety_identifier", body.safety_identifier.take()),
        ("prompt_cache_key", "prompt_cache_key", body.prompt_cache_key.take()),
        ("prompt_cache_retention", "prompt_cache_retention", body.prompt_cache_retention.take()),
        ("service_tier", "service_tier", body.service_tier.take()),
        ("presence_penalty", "presence_penalty", body.presence_penalty.take()),
        ("frequency_penalty", "frequency_penalty", body.frequency_penalty.take()),
        ("verbosity", "text.verbosity", verbosity),
    ];
    for (name, param, value) in fields {
        if let (Some(value), Some(place)) = (value, Extra::find(name)) {
            extras.put(place, value).map_err(|words| Invalid::at(param, format!("`{param}` {words}")))?;
        }
    }
    Ok(())
}

/// All fields, as the schema wants them: null where there is nothing to say.
fn base(body: &Body, (tools, text): (&[Value], &Map<String, Value>), store: bool) -> Map<String, Value> {
    let raw = |value: &Option<Box<RawValue>>| {
        value.as_ref().and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok()).unwrap_or(Value::Null)
    };
    let or = |value: Value, default: Value| if value.is_null() { default } else { value };
    let mut text = text.clone();
    text.entry("format").or_insert_with(|| json!({ "type": "text" }));
    let conversation = body.conversation.as_ref().map(|of| match of {
        Value::String(id) => json!({ "id": id }),
        of => json!({ "id": of.get("id") }),
    });
    let fields = json!({
        "model": body.model,
        "instructions": body.instructions,
        "tools": tools,
        "tool_choice": body.tool_choice.clone().unwrap_or_else(|| json!("auto")),
        "parallel_tool_calls": body.parallel_tool_calls.unwrap_or(true),
        "temperature": body.temperature.unwrap_or(1.0),
        "top_p": body.top_p.unwrap_or(1.0),
        "presence_penalty": or(raw(&body.presence_penalty), json!(0)),
        "frequency_penalty": or(raw(&body.frequency_penalty), json!(0)),
        "top_logprobs": 0,
        "max_output_tokens": body.max_output_tokens,
        "max_tool_calls": body.max_tool_calls,
        "reasoning": null,
        "text": text,
        "truncation": body.truncation.as_deref().unwrap_or("disabled"),
        "metadata": body.metadata.clone().unwrap_or_default(),
        "user": body.user,
        "safety_identifier": raw(&body.safety_identifier),
        "prompt_cache_key": raw(&body.prompt_cache_key),
        "service_tier": or(raw(&body.service_tier), json!("default")),
        "store": store,
        "background": body.background.unwrap_or(false),
        "previous_response_id": body.previous_response_id,
        "conversation": conversation,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn with_reasoning(mut base: Base, reasoning: &Map<String, Value>) -> Base {
    if !reasoning.is_empty() {
        let field = |name: &str| reasoning.get(name).cloned().unwrap_or(Value::Null);
        let shown = json!({ "effort": field("effort"), "summary": field("summary") });
        base.0.insert("reasoning".to_owned(), shown);
    }
    base
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
