//! Files of agents: the portable document that an export writes, and what else an import reads.
//!
//! A file carries agents from one account to another, so it has no ids, owners or times, and names hand-off targets by
//! slug. It is JSON or YAML. Besides the document, a plain list of agents is read, and the one-agent file that
//! configuration-file systems keep ([`entry`]); and the files of other systems ([`foreign`]), Markdown with front matter
//! among them.

mod budget;
mod entry;
pub mod foreign;
mod front_matter;
pub mod parameters;
mod park;
pub mod report;
mod secrets;
mod slip;
mod yaml_margin;
mod yaml_read;
mod yaml_write;

use serde_json::{Map, Value};

use crate::domain;
use crate::domain::agent::Fields;
use crate::domain::json::Unsound;

pub use entry::Entry;
use foreign::System;
pub use park::{kept_at, put_at};
use report::Report;

/// What the document calls itself.
pub const FORMAT: &str = "retinue/agents";
/// The version of the document that this code writes, and the only one there has been.
pub const VERSION: u64 = 1;

const EMPTY: &str = "it is empty";
const NO_OBJECT: &str = "it must be an object or a list: see the export of agents";

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
        Unsound::Faulty(errors) => {
            let faults =
                errors.into_iter().map(|error| format!("`{}` {}", park::shown(&error.field), error.message));
            Unreadable(faults.collect::<Vec<_>>().join(", "))
        }
    })
}

/// The agents of a text in any syntax: Markdown if it has front matter, JSON if it begins as JSON does and is it, else YAML.
/// With a system, its documents are read as that one's.
///
/// # Errors
/// [`Unreadable`].
pub fn read(text: &str, system: Option<&'static System>) -> Result<Vec<Entry>, Unreadable> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(document) = front_matter::read(text) {
        return entries(vec![document.into()], system);
    }
    let like_json = text.trim_ascii_start().starts_with(['{', '[', '"']);
    match json(text) {
        Ok(value) if like_json => entries(vec![value], system),
        Err(unreadable) if like_json && !domain::json::has_few_values(text.as_bytes()) => Err(unreadable),
        _ => entries(yaml_read::documents(text)?, system),
    }
}

/// The agents of a document or several: each the export's, a list, a single agent, or a file of another system.
///
/// # Errors
/// [`Unreadable`].
pub fn entries(documents: Vec<Value>, system: Option<&'static System>) -> Result<Vec<Entry>, Unreadable> {
    if documents.iter().all(Value::is_null) {
        return Err(Unreadable(EMPTY.to_owned()));
    }
    let mut entries = Vec::new();
    for document in documents {
        match document {
            Value::Null => {}
            // A file inside a text, as some systems download theirs.
            Value::String(text) if text.trim_ascii_start().starts_with(['{', '[']) => match json(&text)? {
                Value::String(_) => return Err(Unreadable(NO_OBJECT.to_owned())),
                inner => entries.extend(self::entries(vec![inner], system)?),
            },
            Value::Array(agents) => each(agents, system, &mut entries)?,
            Value::Object(fields) => whole(fields, system, &mut entries)?,
            _ => return Err(Unreadable(NO_OBJECT.to_owned())),
        }
    }
    Ok(entries)
}

/// The agents of one document: of this system, of the one whose marks it has, or ours.
fn whole(
    mut fields: Map<String, Value>,
    system: Option<&'static System>,
    entries: &mut Vec<Entry>,
) -> Result<(), Unreadable> {
    let is_ours = fields.get("format").and_then(Value::as_str) == Some(FORMAT)
        || system.is_some_and(System::is_ours)
        || entry::is_answer(&fields);
    let found = system.or_else(|| System::of(&fields)).filter(|_| !is_ours);
    if let Some(system) = found {
        entries.extend(Entry::foreign(system, fields));
        return Ok(());
    }
    match fields.remove("agents") {
        None if is_page(&fields) => {
            let Some(Value::Array(agents)) = fields.remove("data") else { return Ok(()) };
            each(agents, Some(&foreign::OURS), entries)?;
        }
        None if is_ours => entries.push(Entry::read(fields)),
        None => entries.push(one(fields)),
        Some(Value::Array(agents)) if is_ours => {
            check_head(&fields)?;
            each(agents, system.or(Some(&foreign::OURS)), entries)?;
        }
        Some(Value::Array(agents)) if agents.is_empty() => check_head(&fields)?,
        Some(Value::Array(agents)) => {
            let first = entries.len();
            each(agents, None, entries)?;
            if let Some(entry) = entries.get_mut(first) {
                beside(&fields, &mut entry.report);
            }
        }
        Some(_) => return Err(Unreadable("`agents` must be a list of agents".to_owned())),
    }
    Ok(())
}

fn each(
    agents: Vec<Value>,
    system: Option<&'static System>,
    entries: &mut Vec<Entry>,
) -> Result<(), Unreadable> {
    if let Some(system) = foreign::shared(&agents, system) {
        entries.extend(Entry::foreign(system, Map::from_iter([("data".to_owned(), agents.into())])));
        return Ok(());
    }
    // What marks a list as a system's may stand in one of its agents only.
    let of_list = system.or_else(|| System::of_list(&agents));
    for (i, agent) in agents.into_iter().enumerate() {
        let Value::Object(fields) = agent else {
            return Err(Unreadable(format!("`agents[{i}]` must be an object: the fields of an agent")));
        };
        let found = of_list.or_else(|| System::of(&fields)).filter(|_| !entry::is_answer(&fields));
        match found {
            None if entry::is_answer(&fields) => entries.push(Entry::read(fields)),
            Some(system) if system.is_ours() => entries.push(Entry::read(fields)),
            Some(system) => entries.extend(Entry::foreign(system, fields)),
            None => entries.push(one(fields)),
        }
    }
    Ok(())
}

/// A page of our own answers.
fn is_page(fields: &Map<String, Value>) -> bool {
    let first = fields.get("data").and_then(Value::as_array).and_then(|list| list.first());
    first.and_then(Value::as_object).is_some_and(entry::is_answer)
}

/// An agent in our fields, or in those that many systems have.
fn one(fields: Map<String, Value>) -> Entry {
    let other = System::named("other").filter(|_| !entry::is_own(&fields));
    match other {
        Some(other) => Entry::foreign(other, fields).pop().unwrap_or_else(|| Entry::invalid(Vec::new())),
        None => Entry::read_plain(fields),
    }
}

/// Says that what stands beside the agents of others' files goes with none of them.
fn beside(head: &Map<String, Value>, report: &mut Report) {
    for name in head.keys().filter(|name| !matches!(name.as_str(), "format" | "version")) {
        match foreign::is_holder(name) {
            true => report.formal(name, "others of the file share it"),
            false => report.dropped(name, "it stands beside the agents, of which none has it"),
        }
    }
}

/// What stands beside the agents of ours.
fn check_head(head: &Map<String, Value>) -> Result<(), Unreadable> {
    for (name, value) in head {
        let fits = match name.as_str() {
            "format" => value.as_str() == Some(FORMAT),
            "version" => value.as_u64() == Some(VERSION),
            _ => {
                let name = park::shown(name);
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
