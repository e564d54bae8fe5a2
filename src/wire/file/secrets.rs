//! What is a secret in a file: by its name, by how it looks, or by where it stands.

use serde_json::{Map, Value};

use crate::domain::plain_words::{are_words, is_dense, is_made, is_phrase};
use crate::domain::redact::{HIDDEN, redact};
use crate::domain::secret_looks;
pub use crate::domain::secret_looks::names::is_strong;
use crate::domain::secret_looks::names::{Naming, is_key, is_name, is_wordy, naming};
use crate::domain::secret_looks::values::{is_reference, is_stand_in};

/// What names a setting that is written as an object, and what its value is called.
const SETTING_NAMES: [&str; 4] = ["name", "key", "variable", "header"];
const SETTING_VALUES: [&str; 4] = ["value", "default", "const", "example"];
/// So deep, and of so many characters, the keys in a path are looked at.
const MAX_KEYS: usize = 64;
const MAX_KEY: usize = 512;

/// Whether a text under this name does not belong in a configuration.
pub fn is_secret(name: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => is_named(name, text) || has_secret(text),
        // A variable of an environment may be a password of digits.
        Value::Number(_) => {
            let is_pass = naming(name) == Naming::Pass && !name.contains(char::is_lowercase);
            is_strong(name) || is_key(name) && is_name(name) || is_pass
        }
        Value::Array(list) => {
            is_strong(name) && !list.is_empty()
                || list.iter().any(is_pair)
                || !are_names(name, list)
                    && list.iter().any(|item| item.is_string() && is_name(name) && is_secret(name, item))
        }
        Value::Object(fields) => is_strong(name) && !fields.is_empty() && !is_schema(fields),
        Value::Null | Value::Bool(_) => false,
    }
}

/// Whether a text is a secret because its name says so.
fn is_named(name: &str, text: &str) -> bool {
    /// What is shorter is `F5`, or `id`.
    const MIN: usize = 3;
    const MIN_PASS: usize = 4;
    /// Of fewer digits is how many there are.
    const MIN_DIGITS: usize = 6;
    let text = text.trim();
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    if is_reference(text) || is_stand_in(text) {
        return false;
    }
    match naming(name) {
        Naming::Nothing => false,
        Naming::About => is_made(text) && is_dense(text),
        Naming::Pass => text.len() >= MIN_PASS && !text.contains(char::is_whitespace),
        Naming::Strong => !is_wordy(name) || !is_phrase(text),
        Naming::Weak | Naming::Compound => {
            text.len() >= MIN && !is_phrase(text) && (!is_number || text.len() >= MIN_DIGITS)
        }
    }
}

/// `keys: [name, email]`
fn are_names(name: &str, list: &[Value]) -> bool {
    naming(name) == Naming::Weak
        && list.len() > 1
        && list.iter().all(|item| item.as_str().is_some_and(are_words))
}

/// `["X-Api-Key", "abc"]`.
fn is_pair(value: &Value) -> bool {
    match value.as_array().map(Vec::as_slice) {
        Some([Value::String(name), value @ (Value::String(_) | Value::Number(_))]) => is_secret(name, value),
        _ => false,
    }
}

/// Whether a text has a secret in it, whatever it is called.
pub fn has_secret(text: &str) -> bool {
    has_look(text) || secret_looks::is_in_place(text) || is_json_with_secret(text)
}

/// Whether it has something in it that is a secret whatever stands before it.
pub fn has_look(text: &str) -> bool {
    redact(text, &[]) != text || secret_looks::has(text)
}

/// Whether what should only be a name, of a tool or a field, is a secret. Names such as `auth:login` are none, and so is what has
/// only words in it; but a key in a name that is no plain one is.
pub fn is_for_name(name: &str) -> bool {
    // `sk-learn-models` is a word.
    let has_digit = name.bytes().any(|byte| byte.is_ascii_digit());
    let is_named = |(name, value): (&str, &str)| naming(name) != Naming::Nothing && is_dense(value);
    let pairs = || name.match_indices(':').map(|(at, _)| (&name[..at], &name[at + 1..]));
    let is_other = || match is_plain(name) {
        true => pairs().map(|(before, after)| (last_of(before), after)).any(is_named),
        // A name with blanks a person wrote, with such words in it as `Llama3Instruct`.
        false if name.contains(char::is_whitespace) => {
            has_secret(name) || name.split_whitespace().any(is_jumble)
        }
        false => has_secret(name) || is_dense(name),
    };
    let is_by_place = || !is_plain(name) && secret_looks::is_in_place(name);
    has_digit && (has_look(name) || is_other()) || is_by_place()
}

/// Whether letters and digits take turns in it as nobody writes them: more than in `GPT4oMini2024`.
fn is_jumble(word: &str) -> bool {
    const MAX_TURNS: usize = 3;
    let is_turn = |pair: &&[u8]| {
        pair[0].is_ascii_digit() && pair[1].is_ascii_alphabetic()
            || pair[0].is_ascii_alphabetic() && pair[1].is_ascii_digit()
    };
    is_dense(word) && word.as_bytes().windows(2).filter(is_turn).count() > MAX_TURNS
}

/// What stands behind the last colon.
fn last_of(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name).trim_start_matches('-')
}

/// Whether it is written as names of fields are.
fn is_plain(name: &str) -> bool {
    name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/'))
}

/// A path of fields without the first key that is a secret and what is below it; `None` where there is none.
pub fn without_keys(path: &str) -> Option<String> {
    let is_secret = |text: &str| is_for_name(&text[..text.floor_char_boundary(MAX_KEY)]);
    let (mut rest, mut is_found) = (path, false);
    for _ in 0..MAX_KEYS {
        // A key may have dots in it, and so begins where no later one is what makes the rest a secret.
        let (first, next) = rest.split_once('.').unwrap_or((rest, ""));
        is_found = is_secret(rest) && (is_secret(first) || !is_secret(next));
        if is_found || next.is_empty() {
            break;
        }
        rest = next;
    }
    if !is_found {
        return None;
    }
    let before = path.strip_suffix(rest).unwrap_or_default();
    let above = before.strip_suffix('.').and_then(without_keys);
    Some(above.unwrap_or_else(|| format!("{before}{HIDDEN}")))
}

/// `{"user": "a", "password": "b"}`, written as a text.
fn is_json_with_secret(text: &str) -> bool {
    if !text.trim_start().starts_with(['{', '[']) {
        return false;
    }
    serde_json::from_str(text).is_ok_and(|value| holds_secret("", &value))
}

fn holds_secret(name: &str, value: &Value) -> bool {
    is_secret(name, value)
        || match value {
            Value::Object(fields) => fields.iter().any(|(name, value)| holds_secret(name, value)),
            Value::Array(list) => list.iter().any(|item| holds_secret(name, item)),
            _ => false,
        }
}

/// A schema names a secret and has none, unless in its default.
fn is_schema(fields: &Map<String, Value>) -> bool {
    fields.get("type").is_some_and(Value::is_string)
}

/// The members of an object that are the value of a secret which the object names: `{name: API_KEY, value: abc}`.
pub fn values_of(outer: &str, fields: &Map<String, Value>) -> &'static [&'static str] {
    let mut named = SETTING_NAMES.iter().filter_map(|name| fields.get(*name)?.as_str());
    let is_setting = named.any(is_name) || (is_schema(fields) && is_name(outer));
    if is_setting { &SETTING_VALUES } else { &[] }
}

/// `--api-key`, whose value comes next in a list.
pub fn is_option(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.starts_with('-') && !text.contains('=') && is_name(text))
}

/// `-u` and `user:password`, one after the other in a list.
pub fn is_option_with(option: &Value, value: &str) -> bool {
    let option = option.as_str().filter(|option| secret_looks::is_user_option(option));
    option.is_some_and(|option| secret_looks::has(&format!("{option} \"{value}\"")))
}

/// Whether a member is the name of a setting: `key` beside `value`.
pub fn is_setting_name(name: &str, fields: &Map<String, Value>) -> bool {
    SETTING_NAMES.contains(&name) && SETTING_VALUES.iter().any(|value| fields.contains_key(*value))
}

/// Whether a value only says where the secret is.
pub fn is_only_a_reference(value: &Value) -> bool {
    value.as_str().is_some_and(is_reference)
}

#[cfg(test)]
#[path = "secrets_tests.rs"]
mod tests;
