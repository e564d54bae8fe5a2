//! Items of a thread as replies have them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::id::item_id;
use super::item::SERVER;
use super::stream::words;
use crate::domain::message::Part;
use crate::domain::run::state::Run;
use crate::domain::thread::view::{Content, ItemView};

/// Which of a run's items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// What was said to it.
    Input,
    /// What it said and did.
    Output,
    All,
}

/// Items in their order. A call that ran here and its result are one; `is_own`: whether a tool of this name is the client's.
pub fn shown(items: &[ItemView], of: Of, is_own: impl Fn(&str) -> bool) -> Vec<Value> {
    let results: BTreeMap<&str, (&[Part], bool)> = items
        .iter()
        .filter_map(|item| match &item.content {
            Content::Result { call_id, output, is_error } => {
                Some((call_id.as_str(), (output.as_slice(), *is_error)))
            }
            _ => None,
        })
        .collect();
    let made_here: BTreeMap<&str, bool> = items
        .iter()
        .filter_map(|item| match &item.content {
            Content::Call { call_id, name, .. } => Some((call_id.as_str(), is_own(name) || !is_said(item))),
            _ => None,
        })
        .collect();
    let wanted = items.iter().filter(|item| match of {
        Of::All => true,
        Of::Output => is_said(item),
        Of::Input => !is_said(item),
    });
    wanted
        .filter_map(|item| match &item.content {
            Content::Result { call_id, .. } if made_here.get(call_id.as_str()) == Some(&false) => None,
            Content::Call { call_id, name, arguments } if made_here.get(call_id.as_str()) == Some(&false) => {
                let result = results.get(call_id.as_str());
                Some(server_call(item, (name, arguments), result.copied()))
            }
            content => one(item, content),
        })
        .collect()
}

/// Whether a run has said or done it, and nobody else.
fn is_said(item: &ItemView) -> bool {
    match &item.content {
        Content::Result { call_id, .. } => {
            item.run_id.is_some_and(|run| call_id.starts_with(&run.to_string()))
        }
        _ => Run::place(item.id.number).0 > 0,
    }
}

fn server_call(item: &ItemView, (name, arguments): (&str, &str), result: Option<(&[Part], bool)>) -> Value {
    let text = result.map(|(parts, _)| words(parts));
    let is_error = result.is_some_and(|(_, is_error)| is_error);
    let status = match result {
        None => "in_progress",
        Some((_, true)) => "failed",
        Some((_, false)) => "completed",
    };
    let (output, error) = if is_error { (None, text) } else { (text, None) };
    json!({
        "type": "mcp_call", "id": item_id("mcp", &item.id), "status": status, "server_label": SERVER, "name": name,
        "arguments": arguments, "output": output, "error": error, "approval_request_id": null,
    })
}

fn one(item: &ItemView, content: &Content) -> Option<Value> {
    Some(match content {
        Content::Call { call_id, name, arguments } => json!({
            "type": "function_call", "id": item_id("fc", &item.id), "status": "completed", "call_id": call_id,
            "name": name, "arguments": arguments,
        }),
        Content::Result { call_id, output, .. } => json!({
            "type": "function_call_output", "id": item_id("fco", &item.id), "status": "completed", "call_id": call_id,
            "output": words(output),
        }),
        Content::Said { content, .. } if item.kind == "reasoning" => json!({
            "type": "reasoning", "id": item_id("rs", &item.id), "status": "completed",
            "summary": texts(content).map(|text| json!({ "type": "summary_text", "text": text })).collect::<Vec<_>>(),
        }),
        Content::Said { content, .. } if item.kind == "compaction" => json!({
            "type": "message", "id": item_id("msg", &item.id), "status": "completed", "role": "system",
            "content": texts(content).map(|text| json!({ "type": "input_text", "text": text })).collect::<Vec<_>>(),
        }),
        Content::Said { role, content } => json!({
            "type": "message", "id": item_id("msg", &item.id), "status": "completed", "role": role,
            "content": content.as_array()?.iter().filter_map(|part| part_of(role, part)).collect::<Vec<_>>(),
        }),
    })
}

fn texts(content: &Value) -> impl Iterator<Item = &str> {
    content.as_array().into_iter().flatten().filter_map(|part| part.get("text")?.as_str())
}

fn part_of(role: &str, part: &Value) -> Option<Value> {
    let text = part.get("text").and_then(Value::as_str);
    if role == "assistant" {
        if let Some(refusal) = part.get("refusal") {
            return Some(json!({ "type": "refusal", "refusal": refusal }));
        }
        let annotations: Vec<Value> = part.get("citations").and_then(Value::as_array).into_iter().flatten()
            .filter_map(|citation| {
                let url = citation.get("url")?.as_str()?;
                let title = citation.get("title").and_then(Value::as_str).unwrap_or(url);
                Some(json!({ "type": "url_citation", "url": url, "title": title, "start_index": 0, "end_index": 0 }))
            })
            .collect();
        return Some(
            json!({ "type": "output_text", "text": text?, "annotations": annotations, "logprobs": [] }),
        );
    }
    if let Some(text) = text {
        return Some(json!({ "type": "input_text", "text": text }));
    }
    match serde_json::from_value(part.clone()).ok()? {
        Part::Text(text) => Some(json!({ "type": "input_text", "text": text })),
        Part::Json(json) => Some(json!({ "type": "input_text", "text": json.raw().map(|raw| raw.get()) })),
        Part::Image(image) => Some(super::media::image(&image)),
        Part::File(file) => Some(super::media::file(&file)),
        Part::Audio(audio) => Some(json!({
            "type": "input_audio", "input_audio": { "data": audio.data, "format": audio.format.name() },
        })),
        Part::CachePoint(_) => None,
    }
}
