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
            let inner = ["content", "text", "template", "value", "system"]
                .into_iter()
                .find_map(|name| fields.get(name));
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
    const NAMES: [&str; 17] = [
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
        // Where it is.
        "path",
        "file",
        "code",
        "module",
        "class",
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
        Value::String(text) => apart(text, |c| c == ',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
        Value::Array(list) => list.iter().filter(|item| is_on(item)).filter_map(tool).collect(),
        Value::Object(fields) => {
            fields.iter().filter(|(_, value)| is_on(value)).map(|(name, _)| name.clone()).collect()
        }
        _ => Vec::new(),
    }
}

/// A text's words as a list: blanks and commas part them, but not inside brackets.
pub fn words(value: Value) -> Value {
    let Value::String(text) = &value else { return value };
    let words = apart(text, |c| c.is_whitespace() || c == ',');
    words.filter(|word| !word.is_empty()).map(Value::from).collect::<Vec<_>>().into()
}

/// The parts of a text between signs that stand outside of brackets.
fn apart(text: &str, is_between: fn(char) -> bool) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    text.split(move |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && is_between(c)
    })
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

/// Whether something is so, in the words that people have for it.
pub fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(is_so) => Some(*is_so),
        Value::Number(number) => match number.as_f64()? {
            0.0 => Some(false),
            1.0 => Some(true),
            _ => None,
        },
        Value::String(word) => match word.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a key only holds what others of its document share: an anchor of YAML, an extension, a comment.
pub fn is_holder(key: &str) -> bool {
    key.starts_with(['_', '.']) || key.starts_with("x-")
}

/// Lays an object into the one around it; what both have and not alike is kept apart, under `name`.
pub fn lay(outer: &mut Map<String, Value>, name: &str, inner: Map<String, Value>) {
    let mut apart = Map::new();
    for (key, value) in inner {
        match outer.get(&key) {
            None => drop(outer.insert(key, value)),
            Some(there) if *there == value => {}
            Some(_) => drop(apart.insert(key, value)),
        }
    }
    if !apart.is_empty() {
        outer.insert(name.to_owned(), apart.into());
    }
}

/// Whether a text only points elsewhere: an environment variable, a file, a placeholder.
pub fn is_reference(text: &str) -> bool {
    let text = text.trim();
    let is_one_word = || !text.contains(char::is_whitespace);
    // A text may begin with one placeholder and end with another.
    let is_alone = |open: &str, close: &str| {
        let inside = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
        inside.is_some_and(|inside| !inside.contains(['{', '}']))
    };
    is_alone("${", "}")
        || (text.starts_with("$[file(") && text.ends_with(']'))
        || is_alone("{{", "}}")
        || text.starts_with("=Env")
        || ((text.starts_with("file://") || text.starts_with("$env:")) && is_one_word())
}
