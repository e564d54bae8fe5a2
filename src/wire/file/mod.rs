//! Files of agents: the portable document that an export writes, and what else an import reads.
//!
//! A file carries agents from one account to another, so it has no ids, owners or times, and names hand-off targets by
//! slug. It is JSON or YAML. Besides the document, a plain list of agents is read, and the one-agent file that
//! configuration-file systems keep ([`entry`]).

mod entry;
mod yaml_read;
mod yaml_write;

use serde_json::{Map, Value};

use crate::domain;
use crate::domain::agent::Fields;
use crate::domain::json::Unsound;

pub use entry::Entry;

/// What the document calls itself.
pub const FORMAT: &str = "retinue/agents";
/// The version of the document that this code writes, and the only one there has been.
pub const VERSION: u64 = 1;

const EMPTY: &str = "it is empty";

/// How a file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Syntax {
    #[default]
    Json,
    Yaml,
    /// JSON of the agents alone.
    Array,
}

/// Why a file cannot be read, in words for the one who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

/// Writes the document piece by piece: opening, agents, closing. What was written so far is never read again, so a
/// document of any length needs the memory of one piece.
#[derive(Clone, Copy, Debug)]
pub struct Writer {
    syntax: Syntax,
    is_empty: bool,
}

impl Writer {
    pub const fn new(syntax: Syntax) -> Self {
        Self { syntax, is_empty: true }
    }

    pub fn open(&self) -> String {
        match self.syntax {
            Syntax::Json => format!("{{\"format\":\"{FORMAT}\",\"version\":{VERSION},\"agents\":["),
            Syntax::Array => "[".to_owned(),
            Syntax::Yaml => format!("format: {FORMAT}\nversion: {VERSION}\nagents:\n"),
        }
    }

    pub fn agent(&mut self, fields: &Fields, out: &mut String) {
        let is_first = std::mem::replace(&mut self.is_empty, false);
        let value = serde_json::to_value(fields).unwrap_or_default();
        match self.syntax {
            Syntax::Json | Syntax::Array => {
                out.push_str(if is_first { "\n" } else { ",\n" });
                out.push_str(&value.to_string());
            }
            Syntax::Yaml => yaml_write::entry(&value, out),
        }
    }

    /// YAML has a mark for its end, by which a document that broke off is told from a whole one.
    pub const fn close(&self) -> &'static str {
        match (self.syntax, self.is_empty) {
            (Syntax::Json, _) => "\n]}\n",
            (Syntax::Array, _) => "\n]\n",
            (Syntax::Yaml, true) => "  []\n...\n",
            (Syntax::Yaml, false) => "...\n",
        }
    }
}

/// The JSON that a text is.
///
/// # Errors
/// [`Unreadable`] with the place.
pub fn json(text: &str) -> Result<Value, Unreadable> {
    domain::json::text(text).map_err(|unsound| match unsound {
        Unsound::Empty => Unreadable(EMPTY.to_owned()),
        Unsound::NotJson(error) => Unreadable(format!("it is not JSON: {error}")),
        Unsound::TooMany => {
            Unreadable(format!("it has more than {} values: import it in parts", domain::json::MAX_VALUES))
        }
        Unsound::Twice(errors) => {
            let fields: Vec<String> = errors.into_iter().map(|error| format!("`{}`", error.field)).collect();
            Unreadable(format!("{} stands twice", fields.join(", ")))
        }
    })
}

/// The agents of a text in either syntax: JSON, if it begins as JSON does and is it.
///
/// # Errors
/// [`Unreadable`].
pub fn read(text: &str) -> Result<Vec<Entry>, Unreadable> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let like_json = text.trim_ascii_start().starts_with(['{', '[']);
    match json(text) {
        Ok(value) if like_json => entries(vec![value]),
        Err(unreadable) if like_json && !domain::json::has_few_values(text.as_bytes()) => Err(unreadable),
        _ => entries(yaml_read::documents(text)?),
    }
}

/// The agents of a document or several: each the export's, a list, or a single agent.
///
/// # Errors
/// [`Unreadable`].
pub fn entries(documents: Vec<Value>) -> Result<Vec<Entry>, Unreadable> {
    if documents.iter().all(Value::is_null) {
        return Err(Unreadable(EMPTY.to_owned()));
    }
    let mut entries = Vec::new();
    for document in documents {
        match document {
            Value::Null => {}
            Value::Array(agents) => each(agents, &mut entries)?,
            Value::Object(mut fields) => match fields.remove("agents") {
                Some(agents) => {
                    check_head(&fields)?;
                    let Value::Array(agents) = agents else {
                        return Err(Unreadable("`agents` must be a list of agents".to_owned()));
                    };
                    each(agents, &mut entries)?;
                }
                None => entries.push(Entry::read(fields)),
            },
            _ => {
                return Err(Unreadable(
                    "it must be an object or a list: see the export of agents".to_owned(),
                ));
            }
        }
    }
    Ok(entries)
}

fn each(agents: Vec<Value>, entries: &mut Vec<Entry>) -> Result<(), Unreadable> {
    for (i, agent) in agents.into_iter().enumerate() {
        let Value::Object(fields) = agent else {
            return Err(Unreadable(format!("`agents[{i}]` must be an object: the fields of an agent")));
        };
        entries.push(Entry::read(fields));
    }
    Ok(())
}

/// What stands beside the agents.
fn check_head(head: &Map<String, Value>) -> Result<(), Unreadable> {
    for (name, value) in head {
        let fits = match name.as_str() {
            "format" => value.as_str() == Some(FORMAT),
            "version" => value.as_u64() == Some(VERSION),
            _ => {
                let what = format!("`{name:.64}` is not known beside `agents`; `format` and `version` are");
                return Err(Unreadable(what));
            }
        };
        if !fits {
            return Err(Unreadable(format!("`{name}` must be {FORMAT}, version {VERSION}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
