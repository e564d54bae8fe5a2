//! One agent of a file, in the fields of an agent.
//!
//! Read besides those are the names that configuration-file systems have for the same: `system_prompt` and `prompt` for
//! the instructions; `temperature`, `top_p`, `max_tokens`, `seed` and `reasoning_effort`, which go into the model line
//! wherever it does not set them itself; and tools as objects with a `name`.

use serde_json::{Map, Value};

use crate::domain::agent::Fields;
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::json;

/// Other names of the instructions.
const INSTRUCTIONS: [&str; 2] = ["system_prompt", "prompt"];
/// What the model line sets.
const PARAMETERS: [&str; 5] = ["temperature", "top_p", "max_tokens", "seed", "reasoning_effort"];

/// An agent as a file has it, or what is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// As the file names it, for telling of it.
    pub slug: Option<String>,
    pub fields: Result<Fields, Vec<FieldError>>,
}

impl Entry {
    pub fn read(mut fields: Map<String, Value>) -> Self {
        let slug = fields.get("slug").and_then(Value::as_str).map(|slug| slug.chars().take(64).collect());
        let mut errors = FieldErrors::default();
        instructions(&mut fields, &mut errors);
        parameters(&mut fields, &mut errors);
        tools(&mut fields);
        let read = json::read::<Fields>(&fields.into());
        let fields = match (read, errors.finish()) {
            (Ok(fields), Ok(())) => Ok(fields),
            (Ok(_), Err(errors)) => Err(errors),
            (Err(errors), other) => Err([other.err().unwrap_or_default(), errors].concat()),
        };
        Self { slug, fields }
    }
}

fn instructions(fields: &mut Map<String, Value>, errors: &mut FieldErrors) {
    for name in INSTRUCTIONS {
        match fields.remove(name) {
            Some(_) if fields.contains_key("instructions") => {
                errors.add(name, "is another name of the instructions, which stand here already");
            }
            Some(text) => {
                fields.insert("instructions".to_owned(), text);
            }
            None => {}
        }
    }
}

fn parameters(fields: &mut Map<String, Value>, errors: &mut FieldErrors) {
    let mut set = Vec::new();
    for name in PARAMETERS {
        match fields.remove(name) {
            None | Some(Value::Null) => {}
            Some(Value::Number(number)) if name != "reasoning_effort" => set.push((name, number.to_string())),
            Some(Value::String(word)) if name == "reasoning_effort" => set.push((name, word)),
            Some(_) => errors
                .add(name, if name == "reasoning_effort" { "must be a word" } else { "must be a number" }),
        }
    }
    if let Some(Value::String(line)) = fields.get_mut("model").filter(|_| !set.is_empty()) {
        *line = with_parameters(line, &set);
    }
}

/// The line with these parameters for each model that does not set them itself.
fn with_parameters(line: &str, set: &[(&str, String)]) -> String {
    let with = |item: &str| {
        let mut item = item.trim().to_owned();
        for (name, value) in set {
            let query = item.split_once('?').map(|(_, query)| query);
            let is_set = |pair: &str| pair.split('=').next() == Some(name);
            if !query.is_some_and(|query| query.split('&').any(is_set)) {
                let sign = if query.is_some() { '&' } else { '?' };
                item = format!("{item}{sign}{name}={value}");
            }
        }
        item
    };
    line.split(',').map(with).collect::<Vec<_>>().join(", ")
}

fn tools(fields: &mut Map<String, Value>) {
    let Some(Value::Array(tools)) = fields.get_mut("tools") else { return };
    for tool in tools {
        let name = match tool {
            Value::Object(object) if object.len() == 1 => object.remove("name"),
            _ => None,
        };
        if let Some(name) = name {
            *tool = name;
        }
    }
}
