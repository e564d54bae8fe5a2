//! Markdown with front matter: fields between two lines of `---`, and a text under them.

use serde_json::{Map, Value};

use super::foreign::BODY;
use super::yaml_read;

/// The fields and the text, as one document; `None` when the text does not begin with front matter, or is several YAML
/// documents.
pub fn read(text: &str) -> Option<Map<String, Value>> {
    let rest = text.strip_prefix("---")?;
    let rest = rest.trim_start_matches([' ', '\t', '\r']).strip_prefix('\n')?;
    let (front, body) = split(rest)?;
    let fields = yaml_read::documents(front).ok().and_then(|mut all| match all.pop() {
        Some(Value::Object(fields)) if all.is_empty() => Some(fields),
        _ => None,
    });
    let mut fields = fields.unwrap_or_else(|| lines(front));
    if yaml_read::documents(body).is_ok_and(|all| is_documents(&all, &fields)) {
        return None;
    }
    // An agent that says all in its fields, with a comment after them.
    let has_agents =
        fields.get("agents").and_then(Value::as_array).is_some_and(|list| list.iter().any(Value::is_object));
    let has_text = ["instructions", "prompt", "system_prompt"].iter().any(|name| fields.contains_key(*name));
    let is_comment = body.lines().all(|line| line.trim().is_empty() || line.starts_with('#'));
    if fields.is_empty() || has_agents || (has_text && is_comment) {
        return None;
    }
    fields.insert(BODY.to_owned(), body.trim().into());
    Some(fields)
}

/// Whether they are documents that follow this one, rather than a text that reads as YAML, such as a list with colons: they
/// share a field with it, or are objects of objects.
fn is_documents(all: &[Value], first: &Map<String, Value>) -> bool {
    let is_alike = |fields: &Map<String, Value>| {
        fields.keys().any(|name| first.contains_key(name)) || fields.values().all(Value::is_object)
    };
    let is_one = |one: &Value| one.is_null() || one.as_object().is_some_and(is_alike);
    all.iter().any(Value::is_object) && all.iter().all(is_one)
}

/// Before and after the line that ends the front matter.
fn split(rest: &str) -> Option<(&str, &str)> {
    let mut start = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Some((&rest[..start], &rest[start + line.len()..]));
        }
        start += line.len();
    }
    None
}

/// Front matter that is no YAML, which the tools that read it do not mind: `key: ` and all up to the next key, as text.
fn lines(front: &str) -> Map<String, Value> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in front.lines() {
        let is_key = |key: &str| {
            !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        };
        match (line.split_once(':'), fields.last_mut()) {
            (Some((key, value)), _) if is_key(key) => fields.push((key.to_owned(), value.trim().to_owned())),
            (_, Some((_, value))) => {
                value.push('\n');
                value.push_str(line);
            }
            _ => {}
        }
    }
    let unquoted = |value: &str| {
        let inner = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
        inner.unwrap_or(value).to_owned()
    };
    fields.into_iter().map(|(key, value)| (key, Value::String(unquoted(&value)))).collect()
}
