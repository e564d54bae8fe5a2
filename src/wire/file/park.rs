//! Where fields without a place here are kept: `config.imported`, for the features that will read them.
//!
//! Secrets do not belong in a configuration, which every member reads: they are left out. So is what would not fit.

use serde_json::{Map, Value};

use super::report::Report;
use super::secrets;
use crate::domain::plain_words::is_dense;
use crate::domain::redact::HIDDEN;

/// The most bytes that one agent's parked fields take as JSON: `config` has at most 64 KiB.
const MAX_BYTES: usize = 48 * 1024;
/// The most characters of a path in a report.
const MAX_PATH: usize = 128;
/// Settings in `config` that features to come will read.
const WAITING: [&str; 4] =
    ["max_parallel_tasks", "approval_required_for", "auto_retry", "feedback_collection"];
/// Where in `config` it is.
const IMPORTED: &str = "imported";
const SECRET: &str = "a secret does not belong in a configuration";

/// What is parked of one agent.
#[derive(Debug, Default)]
pub struct Parked {
    fields: Map<String, Value>,
    bytes: usize,
}

impl Parked {
    /// Keeps a field, and says so in the report.
    pub fn keep(&mut self, path: &str, mut value: Value, report: &mut Report) {
        let (above, own) = path.rsplit_once('.').unwrap_or(("", path));
        let is_secret = secrets::is_secret(own, &value)
            || (above.split('.').any(secrets::is_strong) && !secrets::is_only_a_reference(&value));
        if let Some(shown) = secrets::without_keys(path) {
            return report.dropped(&shown, SECRET);
        }
        let path: String = path.chars().take(MAX_PATH).collect();
        if is_secret && !is_empty(&value) {
            return report.dropped(&path, SECRET);
        }
        scrub_value(&path, &mut value, report);
        if is_empty(&value) {
            return;
        }
        let bytes = value.to_string().len() + path.len() + 8;
        if self.bytes + bytes > MAX_BYTES {
            return report.dropped(&path, &format!("it has {bytes} bytes; {MAX_BYTES} are kept of an agent"));
        }
        self.bytes += bytes;
        put(&mut self.fields, &path, value);
        report.kept(&path);
    }

    /// Takes out of `config` what waits for features that are to come.
    pub fn keep_waiting(&mut self, config: &mut Map<String, Value>, report: &mut Report) {
        for name in WAITING {
            if let Some(value) = config.remove(name) {
                self.keep(&format!("config.{name}"), value, report);
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Puts what is parked into `config.imported`, beside what is there already.
    pub fn join(self, config: &mut Map<String, Value>, report: &mut Report) {
        if self.is_empty() {
            return;
        }
        match config.entry(IMPORTED).or_insert_with(|| Value::Object(Map::new())) {
            Value::Object(there) => {
                for (name, value) in self.fields {
                    there.entry(name).or_insert(value);
                }
            }
            _ => {
                self.fields.keys().for_each(|name| report.dropped(name, "config.imported is no object here"))
            }
        }
    }
}

fn put(fields: &mut Map<String, Value>, path: &str, value: Value) {
    if let Some((first, rest)) = path.split_once('.')
        && let Value::Object(inner) = fields.entry(first).or_insert_with(|| Value::Object(Map::new()))
    {
        return put(inner, rest, value);
    }
    fields.insert(path.to_owned(), value);
}

/// Takes secrets out, as deep as files are read.
pub fn scrub(path: &str, fields: &mut Map<String, Value>, report: &mut Report) {
    let own = path.rsplit('.').next().unwrap_or(path);
    let values = secrets::values_of(own, fields);
    let names: Vec<String> =
        fields.keys().filter(|name| secrets::is_setting_name(name, fields)).cloned().collect();
    fields.retain(|name, value| {
        if secrets::is_for_name(name) {
            report.dropped(&format!("{path}.{HIDDEN}"), SECRET);
            return false;
        }
        let is_value =
            values.contains(&name.as_str()) && !is_empty(value) && !secrets::is_only_a_reference(value);
        let is_name = names.contains(name);
        let is_kept = !is_value && !secrets::is_secret(if is_name { "" } else { name }, value);
        if !is_kept {
            report.dropped(&format!("{path}.{name:.64}"), SECRET);
        }
        is_kept
    });
    for (name, value) in fields {
        scrub_value(&format!("{path}.{name:.64}"), value, report);
    }
}

/// The text that was kept of an agent's source at this path.
pub fn kept_at<'a>(config: &'a Map<String, Value>, path: &str) -> Option<&'a str> {
    let imported = config.get(IMPORTED)?;
    path.split('.').try_fold(imported, |value, name| value.get(name))?.as_str()
}

/// Changes the text that was kept of an agent's source at this path, where there is one.
pub fn put_at(config: &mut Map<String, Value>, path: &str, text: &str) {
    let imported = config.get_mut(IMPORTED);
    let found = path.split('.').fold(imported, |value, name| value?.get_mut(name));
    if let Some(there) = found.filter(|there| there.is_string()) {
        *there = text.into();
    }
}

/// Whether a name of something is a secret; then that is said, and the name is not.
pub fn is_secret_name(path: &str, name: &str, report: &mut Report) -> bool {
    let is_secret = secrets::is_for_name(name);
    if is_secret {
        report.dropped(path, SECRET);
    }
    is_secret
}

/// The names of entries, where an entry's arguments have something in them that a machine made: they are not kept.
pub fn without_made(
    path: &str,
    entries: &[String],
    name_of: impl Fn(&str) -> &str,
    report: &mut Report,
) -> Option<Value> {
    let is_made = |entry: &String| {
        let arguments = entry.strip_prefix(name_of(entry)).unwrap_or(entry);
        is_dense(arguments) || secrets::has_secret(entry)
    };
    if !entries.iter().any(is_made) {
        return None;
    }
    report.dropped(path, SECRET);
    Some(entries.iter().map(|entry| name_of(entry)).collect())
}

/// Takes out the labels that are secrets.
pub fn scrub_labels(labels: Option<&mut Value>, report: &mut Report) {
    if let Some(Value::Array(labels)) = labels {
        let count = labels.len();
        labels.retain(|label| !label.as_str().is_some_and(secrets::has_secret));
        if labels.len() < count {
            report.dropped("labels", SECRET);
        }
    }
}

/// Whether a text looks like a secret; then that is said, and the text is not.
pub fn is_look(path: &str, text: &str, report: &mut Report) -> bool {
    let is_look = secrets::has_secret(text);
    if is_look {
        report.dropped(path, SECRET);
    }
    is_look
}

/// A place in a file, without the keys in it that are secrets.
pub fn shown(path: &str) -> String {
    secrets::without_keys(path).unwrap_or_else(|| path.to_owned())
}

/// Says of a text that is taken over that there seems to be a secret in it.
pub fn warn_of(field: &str, text: Option<&str>, report: &mut Report) {
    if text.is_some_and(secrets::has_look) {
        let what = "it seems to have a key or another secret in it, which every member and its model read: take it out";
        report.mapped_with(field, field, what);
    }
}

/// Whether a text of this name is a secret.
pub fn is_secret(name: &str, text: &str) -> bool {
    secrets::is_secret(name, &text.into())
}

fn scrub_value(path: &str, value: &mut Value, report: &mut Report) {
    match value {
        Value::Object(fields) => scrub(path, fields, report),
        Value::Array(list) => scrub_list(path, list, report),
        _ => {}
    }
}

fn scrub_list(path: &str, list: &mut Vec<Value>, report: &mut Report) {
    let mut before = Value::Null;
    list.retain(|value| {
        let is_text = value.is_string();
        let option = std::mem::replace(&mut before, if is_text { value.clone() } else { Value::Null });
        let is_kept = match value {
            Value::String(text) => {
                let is_own = secrets::is_option(&option) && !secrets::is_only_a_reference(value);
                !(secrets::has_secret(text) || is_own || secrets::is_option_with(&option, text))
            }
            _ => true,
        };
        if !is_kept {
            report.dropped(path, SECRET);
        }
        is_kept
    });
    list.iter_mut().for_each(|value| scrub_value(path, value, report));
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}
