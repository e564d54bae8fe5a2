//! Where fields without a place here are kept: `config.imported`, for the features that will read them.
//!
//! Secrets do not belong in a configuration, which every member reads: they are left out. So is what would not fit.

use serde_json::{Map, Value};

use super::report::Report;

/// The most bytes that one agent's parked fields take as JSON: `config` has at most 64 KiB.
const MAX_BYTES: usize = 48 * 1024;
/// The most characters of a path in a report.
const MAX_PATH: usize = 128;
/// Names, in small letters without signs, whose texts are secrets.
const SECRETS: [&str; 9] = [
    "apikey",
    "token",
    "accesstoken",
    "secret",
    "clientsecret",
    "password",
    "authorization",
    "bearertoken",
    "privatekey",
];

/// What is parked of one agent.
#[derive(Debug, Default)]
pub struct Parked {
    fields: Map<String, Value>,
    bytes: usize,
}

impl Parked {
    /// Keeps a field, and says so in the report.
    pub fn keep(&mut self, path: &str, mut value: Value, report: &mut Report) {
        let path: String = path.chars().take(MAX_PATH).collect();
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

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    pub fn into_value(self) -> Value {
        Value::Object(self.fields)
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
    fields.retain(|name, value| {
        let is_kept = !is_secret(name, value);
        if !is_kept {
            report.dropped(&format!("{path}.{name:.64}"), "a secret does not belong in a configuration");
        }
        is_kept
    });
    for (name, value) in fields {
        scrub_value(&format!("{path}.{name:.64}"), value, report);
    }
}

fn scrub_value(path: &str, value: &mut Value, report: &mut Report) {
    match value {
        Value::Object(fields) => scrub(path, fields, report),
        Value::Array(list) => list.iter_mut().for_each(|value| scrub_value(path, value, report)),
        _ => {}
    }
}

fn is_secret(name: &str, value: &Value) -> bool {
    let Value::String(text) = value else { return false };
    let bare: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let names_one = SECRETS.iter().any(|secret| bare.ends_with(secret));
    // `${API_KEY}` and `Bearer $TOKEN` only say where it is.
    names_one && !text.is_empty() && !text.contains(['$', '{']) && !text.starts_with("=Env")
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}
