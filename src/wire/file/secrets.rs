//! What is a secret in a file: by its name, by how it looks, or by where it stands in a URL or a setting.

use serde_json::{Map, Value};

use crate::domain::redact::{HIDDEN, redact};
use crate::domain::secret_looks;

/// Words of a name whose value is a secret, and that of each object below it.
const STRONG: [&str; 16] = [
    "secret",
    "secrets",
    "password",
    "passwords",
    "passwd",
    "pwd",
    "passphrase",
    "passcode",
    "jwt",
    "psk",
    "htpasswd",
    "credential",
    "credentials",
    "cookie",
    "cookies",
    "bearer",
];
/// Words of a name whose text is a secret.
const WEAK: [&str; 6] = ["key", "keys", "token", "tokens", "authorization", "auth"];
/// Ends of names that are written without a sign between their words.
const ENDS: [&str; 14] = [
    "apikey",
    "apikeys",
    "authkey",
    "accesskey",
    "privatekey",
    "secretkey",
    "token",
    "password",
    "passwd",
    "clientsecret",
    "apisecret",
    "dbpass",
    "userpass",
    "smtppass",
];
/// The end of a name, of several words, that a password has: `DB_PASS`.
const PASS: &str = "pass";
/// What else a pass is, by the word before it.
const PASSES: [&str; 14] = [
    "first", "second", "third", "last", "final", "next", "single", "one", "two", "multi", "per", "each",
    "by", "must",
];
/// Words beside those by which a name says how many, which of a row, or where it is.
const HARMLESS: [&str; 33] = [
    "max",
    "min",
    "limit",
    "limits",
    "count",
    "budget",
    "usage",
    "window",
    "total",
    "num",
    "prompt",
    "completion",
    "output",
    "input",
    "primary",
    "foreign",
    "sort",
    "partition",
    "cache",
    "state",
    "result",
    "public",
    "index",
    "idempotency",
    "group",
    "env",
    "var",
    "name",
    "ref",
    "path",
    "file",
    "type",
    "url",
];
/// What names a setting that is written as an object, and what its value is called.
const SETTING_NAMES: [&str; 4] = ["name", "key", "variable", "header"];
const SETTING_VALUES: [&str; 4] = ["value", "default", "const", "example"];
/// A user of a URL that is as long is a token.
const LONG_USER: usize = 20;
/// What stands around a word of a text.
const AROUND: [char; 11] = ['"', '\'', '`', ',', ';', '.', '(', ')', '[', ']', '>'];
/// So deep, and of so many characters, the keys in a path are looked at.
const MAX_KEYS: usize = 64;
const MAX_KEY: usize = 512;

/// Whether a text under this name does not belong in a configuration.
pub fn is_secret(name: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => {
            !text.is_empty()
                && (is_name(name) && !is_reference(text) || is_password(name, text) || has_secret(text))
        }
        // A variable of an environment may be a password of digits.
        Value::Number(_) => {
            is_strong(name) || is_key(name) || is_pass(name) && !name.contains(char::is_lowercase)
        }
        Value::Array(list) => {
            is_strong(name) && !list.is_empty()
                || list.iter().any(is_pair)
                || list.iter().any(|item| item.is_string() && is_name(name) && is_secret(name, item))
        }
        Value::Object(fields) => is_strong(name) && !fields.is_empty() && !is_schema(fields),
        Value::Null | Value::Bool(_) => false,
    }
}

/// `DB_PASS: hunter2`, but neither `first_pass: Read it all.` nor `allow_pass: yes`.
fn is_password(name: &str, text: &str) -> bool {
    const MIN: usize = 4;
    let is_word = text.len() >= MIN && !text.contains(char::is_whitespace);
    is_pass(name)
        && is_word
        && !text.eq_ignore_ascii_case("true")
        && !text.eq_ignore_ascii_case("false")
        && !is_reference(text)
}

fn is_pass(name: &str) -> bool {
    match words(name).as_slice() {
        [.., before, last] => last == PASS && !PASSES.contains(&before.as_str()),
        _ => false,
    }
}

/// `["X-Api-Key", "abc"]`.
fn is_pair(value: &Value) -> bool {
    match value.as_array().map(Vec::as_slice) {
        Some([Value::String(name), value @ (Value::String(_) | Value::Number(_))]) => is_secret(name, value),
        _ => false,
    }
}

/// `api_key`: YAML may take what stands there for a number.
fn is_key(name: &str) -> bool {
    let words = words(name);
    let is_of = |word: &String| matches!(word.as_str(), "api" | "access" | "private" | "secret");
    words.iter().any(is_of) && words.iter().any(|word| word == "key")
        || words.iter().any(|word| word == "apikey")
}

/// Whether what stands under this name is secret all the way down.
pub fn is_strong(name: &str) -> bool {
    let words = words(name);
    words.iter().any(|word| STRONG.contains(&word.as_str())) && !words.iter().any(|word| is_harmless(word))
        || name.to_ascii_lowercase().replace(['_', '-', ' '], "").contains("connectionstring")
}

/// Whether a name says that its text is a secret.
pub fn is_name(name: &str) -> bool {
    let words = words(name);
    let is_one = |word: &String| {
        WEAK.contains(&word.as_str())
            || STRONG.contains(&word.as_str())
            || ENDS.iter().any(|end| word.ends_with(end))
    };
    words.iter().any(is_one) && !words.iter().any(|word| is_harmless(word)) || is_strong(name)
}

fn is_harmless(word: &str) -> bool {
    HARMLESS.contains(&word)
}

/// `xApiKey`, `X-API-KEY` and `x_api_key` have the same words.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for c in name.chars() {
        if (!c.is_alphanumeric() || (c.is_uppercase() && was_small))
            && words.last().is_some_and(|word| !word.is_empty())
        {
            words.push(String::new());
        }
        was_small = c.is_lowercase();
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    words
}

/// `${API_KEY}`, `Bearer $TOKEN` and `{{secrets.mail}}` only say where it is.
fn is_reference(text: &str) -> bool {
    let text = text.trim();
    let bare = ["Bearer ", "bearer ", "Basic ", "Token "].iter().find_map(|scheme| text.strip_prefix(scheme));
    let bare = bare.unwrap_or(text).trim();
    let is_variable = |name: &str| {
        name.starts_with(['{', '('])
            || (!name.is_empty()
                && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'))
            || name.starts_with("env:")
    };
    let is_place = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$' | ' ' | '{' | '}'))
    };
    let between = |open, close| bare.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    bare.strip_prefix('$').is_some_and(is_variable)
        || between('{', '}').is_some_and(is_place)
        || between('<', '>').is_some_and(is_place)
        || bare.starts_with("=Env")
        || bare.is_empty()
}

/// Whether a text has a secret in it, whatever it is called.
pub fn has_secret(text: &str) -> bool {
    has_look(text)
        || is_header(text)
        || has_setting(text)
        || has_option(text)
        || has_named(text)
        || is_json_with_secret(text)
}

/// Whether it has something in it that is a secret whatever stands before it.
fn has_look(text: &str) -> bool {
    redact(text, &[]) != text || secret_looks::has(text) || is_url_with_user(text)
}

/// Whether what should only be a name, of a tool or a field, is a secret. Names such as `auth:login` are none.
pub fn is_for_name(name: &str) -> bool {
    // `sk-learn-models` is a word.
    let has_digit = name.bytes().any(|byte| byte.is_ascii_digit());
    has_digit && (has_look(name) || has_setting(name))
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

/// `https://user:password@host`.
fn is_url_with_user(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let end =
            rest.find(|c: char| matches!(c, '/' | '?' | '#') || c.is_whitespace()).unwrap_or(rest.len());
        let Some((user, _)) = rest.get(..end).and_then(|host| host.rsplit_once('@')) else { return false };
        match user.split_once(':') {
            Some((_, password)) => !is_reference(password),
            None => user.len() >= LONG_USER && !is_reference(user),
        }
    })
}

/// `X-Api-Key: abc`, `X-Api-Key:abc` and `Authorization: Basic abc`.
fn is_header(text: &str) -> bool {
    let Some((name, value)) = text.split_once(':') else { return false };
    is_plain_name(name) && value.split_whitespace().count() <= 2 && is_name(name) && !is_reference(value)
}

/// Whether it is written as names of fields are: `fix(auth)` is none.
fn is_plain_name(name: &str) -> bool {
    let name = name.trim_matches(AROUND);
    name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// `API_KEY=abc`, `?token=abc`, `;Password=abc`.
fn has_setting(text: &str) -> bool {
    let is_alone = !text.contains(char::is_whitespace);
    let is_between = |c: char| matches!(c, '?' | '&' | ';' | '#') || c.is_whitespace();
    let is_set = text.split(is_between).filter_map(|piece| piece.split_once('=')).any(|(name, value)| {
        let name = name.rsplit(['/', '"', '\'', '(']).next().unwrap_or(name);
        // `key=` in a text may be a parameter of code.
        (is_alone || words(name).len() > 1 || is_strong(name))
            && (is_name(name) && !is_reference(value) || is_password(name, value))
    });
    // In an address it is none.
    let mut urls = text.split_whitespace().filter(|word| !is_alone && word.contains("://"));
    is_set || urls.any(|url| has_setting(url.trim_matches(AROUND)))
}

/// `-H 'X-Api-Key: abc'`, `--cookie sid=abc` and `--token abc123`.
fn has_option(text: &str) -> bool {
    let header = ["-H", "--header=", "--proxy-header="].iter().find_map(|option| text.strip_prefix(option));
    header.is_some_and(is_header)
        || secret_looks::options(text).iter().any(|(option, value)| match option.as_str() {
            "-H" | "--header" | "--proxy-header" => is_header(value),
            "-b" | "--cookie" => value.split_once('=').is_some_and(|(_, value)| !is_reference(value)),
            option => is_name(option) && is_made(value),
        })
}

/// `X-Api-Key: abc12345` within a text. A name of one word may be one of its words.
fn has_named(text: &str) -> bool {
    const MIN: usize = 8;
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let Some((name, value)) = word.split_once(':') else { continue };
        let name = name.trim_start_matches('{');
        let value = if value.is_empty() { words.peek().copied().unwrap_or_default() } else { value };
        let value = value.trim_matches(AROUND);
        let is_long = value.len() >= MIN && !value.starts_with('/');
        if is_long && is_plain_name(name) && self::words(name).len() > 1 && is_name(name) && is_made(value) {
            return true;
        }
    }
    false
}

/// Whether it looks as if a machine had made it, or somebody who was asked for a digit.
fn is_made(value: &str) -> bool {
    const MIN: usize = 6;
    value.len() >= MIN && value.bytes().any(|byte| byte.is_ascii_digit()) && !is_reference(value)
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
