//! Reading loosely typed values of other systems' files.

use serde_json::{Map, Value};

use crate::domain::agent::MAX_NAME;

/// The key of a Markdown file's text, beside those of its front matter.
pub const BODY: &str = "(text)";

/// The value at a dotted path, taken out; objects that it leaves empty go too. A null is no value.
pub fn take(fields: &mut Map<String, Value>, path: &str) -> Option<Value> {
    let value = match path.split_once('.') {
        None => fields.remove(path),
        Some((first, rest)) => {
            let inner = fields.get_mut(first)?.as_object_mut()?;
            let value = take(inner, rest);
            if inner.is_empty() {
                fields.remove(first);
            }
            value
        }
    };
    value.filter(|value| !value.is_null())
}

/// The value at a dotted path.
pub fn at<'a>(fields: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        None => fields.get(path),
        Some((first, rest)) => at(fields.get(first)?.as_object()?, rest),
    }
}

pub fn has(fields: &Map<String, Value>, names: &[&str]) -> bool {
    names.iter().any(|name| fields.contains_key(*name))
}

pub fn str_at<'a>(fields: &'a Map<String, Value>, path: &str) -> Option<&'a str> {
    at(fields, path)?.as_str()
}

pub fn is_object_at(fields: &Map<String, Value>, path: &str) -> bool {
    at(fields, path).is_some_and(Value::is_object)
}

/// A list's objects, or an object's.
pub fn objects(value: Value) -> Vec<Map<String, Value>> {
    match value {
        Value::Array(list) => list.into_iter().flat_map(objects).collect(),
        Value::Object(fields) => vec![fields],
        _ => Vec::new(),
    }
}

/// A text: itself, a number or word in letters, a list of texts on lines of their own, or the text inside an object.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Array(list) => {
            let lines: Vec<String> = list.iter().filter_map(text).collect();
            (!lines.is_empty()).then(|| lines.join("\n"))
        }
        Value::Object(fields) => {
            let inner =
                ["content", "text", "template", "value"].into_iter().find_map(|name| fields.get(name));
            inner.and_then(text)
        }
        Value::Null => None,
    }
}

/// A text as a name: on one line, as long as names may be, and something.
pub fn line(text: &str) -> Option<String> {
    let line = text.split(char::is_control).map(str::trim).collect::<Vec<_>>().join(" ");
    Some(line.trim().chars().take(MAX_NAME).collect()).filter(|line: &String| !line.is_empty())
}

/// What a thing is called that is written as a name or as an object with one.
pub fn name(value: &Value) -> Option<&str> {
    const NAMES: [&str; 12] = [
        "name",
        "tool_name",
        "function.name",
        "agent",
        "target",
        "id",
        "tool_id",
        "config.name",
        "type",
        "kind",
        "ref",
        "label",
    ];
    match value {
        Value::String(text) => Some(text),
        Value::Object(fields) => {
            NAMES.into_iter().find_map(|name| str_at(fields, name)).or_else(|| match fields.len() {
                1 => fields.keys().next().map(String::as_str),
                _ => None,
            })
        }
        _ => None,
    }
}

/// The names in a list, in a text with commas, or of an object's entries that are not switched off.
pub fn names(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => {
            text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
        }
        Value::Array(list) => list.iter().filter(|item| is_on(item)).filter_map(tool).collect(),
        Value::Object(fields) => {
            fields.iter().filter(|(_, value)| is_on(value)).map(|(name, _)| name.clone()).collect()
        }
        _ => Vec::new(),
    }
}

/// A server's tools are known by the server.
fn tool(item: &Value) -> Option<String> {
    let server = item.get("ref").and_then(Value::as_str);
    match (name(item)?, server) {
        ("mcp", Some(server)) => Some(format!("mcp:{server}")),
        (name, _) => Some(name.to_owned()),
    }
}

fn is_on(value: &Value) -> bool {
    match value {
        Value::Bool(is_on) => *is_on,
        Value::Object(fields) => fields.get("enabled") != Some(&Value::Bool(false)),
        _ => true,
    }
}

/// Whether a text only points elsewhere: an environment variable, a file, a placeholder.
pub fn is_reference(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("${")
        || text.starts_with("=Env")
        || text.starts_with("file://")
        || text.starts_with("$env:")
        || (text.starts_with("{{") && text.ends_with("}}"))
}
