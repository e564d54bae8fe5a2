//! Values that only say where a secret is, or that one belongs there.

use super::names::{Naming, naming};
use crate::domain::plain_words::{are_words, is_made};
use crate::domain::redact::HIDDEN;

/// Places of secrets elsewhere: `op://vault/item/field`, `arn:aws:secretsmanager:…`.
const ELSEWHERE: [&str; 17] = [
    "op://",
    "secret://",
    "secrets://",
    "vault://",
    "vault:",
    "env://",
    "keyring://",
    "ssm://",
    "sm://",
    "doppler://",
    "bws://",
    "file://",
    "ref+",
    "arn:aws:secretsmanager:",
    "arn:aws:ssm:",
    "@Microsoft.KeyVault(",
    "/run/secrets/",
];
/// What stands before the name of a variable, and what after it.
const VARIABLES: [(&str, &str); 12] = [
    ("env:", ""),
    ("env.", ""),
    ("$env:", ""),
    ("@env:", ""),
    ("%", "%"),
    ("os.environ/", ""),
    ("os.environ[", "]"),
    ("os.environ.", ""),
    ("os.getenv(", ")"),
    ("process.env.", ""),
    ("process.env[", "]"),
    ("import.meta.env.", ""),
];
/// Words by which somebody says that a value is yet to come, or that there is none.
const STANDING_IN: [&str; 28] = [
    "your",
    "my",
    "example",
    "sample",
    "placeholder",
    "changeme",
    "change",
    "replace",
    "insert",
    "here",
    "none",
    "null",
    "nil",
    "undefined",
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "value",
    "required",
    "optional",
    "allowed",
    "todo",
    "tbd",
    "redacted",
    "dummy",
];
/// Kinds of values, where a schema or a program says which it is.
const KINDS: [&str; 14] = [
    "string",
    "str",
    "text",
    "bytes",
    "int",
    "integer",
    "number",
    "bool",
    "boolean",
    "object",
    "any",
    "secretstr",
    "oauth",
    "oauth2",
];
/// Schemes of a header's value.
const SCHEMES: [&str; 6] = ["Bearer ", "bearer ", "Basic ", "Token ", "token ", "Bot "];

/// `${API_KEY}`, `Bearer $TOKEN` and `{{secrets.mail}}` only say where it is.
pub fn is_reference(text: &str) -> bool {
    let text = text.trim();
    let text = text.strip_prefix("!ENV ").unwrap_or(text);
    let bare = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text).trim();
    let is_place = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$' | ' ' | '{' | '}'))
    };
    let between = |open, close| bare.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    bare.is_empty()
        || bare.strip_prefix('$').is_some_and(is_dollar)
        || between('{', '}').is_some_and(is_place)
        || between('<', '>').is_some_and(is_place)
        || between('[', ']').is_some_and(|inside| is_place(inside) && !is_made(inside))
        || bare.starts_with("=Env")
        || is_elsewhere(bare)
        || VARIABLES.iter().any(|(before, after)| {
            let inside = bare.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            inside.is_some_and(|name| is_variable(name.trim_matches(['"', '\''])))
        })
}

fn is_elsewhere(text: &str) -> bool {
    let is_one = |rest: &str| !rest.contains([' ', '@', '?']);
    let is_googles = text.starts_with("projects/") && text.contains("/secrets/");
    let mut rests = ELSEWHERE.iter().filter_map(|place| text.strip_prefix(place));
    rests.any(is_one) || is_googles && is_one(text)
}

/// What comes after a `$`: `NAME`, `{NAME}`, `{NAME:-default}`, `(NAME)`.
fn is_dollar(rest: &str) -> bool {
    let is_upper = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    let default = |inside: &str| {
        inside.split_once([':', '-']).map(|(_, rest)| rest.trim_matches([':', '-', '=', '?']).to_owned())
    };
    match rest.strip_prefix('{') {
        Some(inside) => {
            let inside = inside.split('}').next().unwrap_or_default();
            !default(inside).is_some_and(|default| is_made(&default))
        }
        None => rest.starts_with('(') || rest.strip_prefix("env:").is_some_and(is_variable) || is_upper(rest),
    }
}

/// Names are words; what a machine made is no name.
fn is_variable(name: &str) -> bool {
    let is_of_name = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let has_upper_only = !name.bytes().any(|b| b.is_ascii_lowercase()) && name.contains('_');
    !name.is_empty() && name.bytes().all(is_of_name) && (are_words(name) || has_upper_only || !is_made(name))
}

/// `your-api-key-here`, `xxxxxxxx`, `changeme`, `none`, `api_key`, `…`: no value yet, or none at all.
pub fn is_stand_in(text: &str) -> bool {
    let text = text.trim().trim_end_matches(['.', ',', '!']);
    let mut letters = text.chars().filter(|c| c.is_alphanumeric() || *c == '*');
    let first = letters.next();
    let is_one_letter = letters.all(|letter| Some(letter) == first);
    let is_said = |word: &str| STANDING_IN.contains(&word.to_ascii_lowercase().as_str());
    let is_word = || are_words(text) && text.split(['_', '-', '.', ' ', ':']).any(is_said);
    // Code that hands a variable on, or the name of one.
    let is_name = || are_words(text) && naming(text) != Naming::Nothing;
    let is_kind = KINDS.contains(&text.to_ascii_lowercase().as_str());
    is_one_letter || is_kind || text.contains(HIDDEN) || is_word() || is_name()
}

/// Whether it says a secret, rather than where one is.
pub fn is_said(text: &str) -> bool {
    !is_reference(text) && !is_stand_in(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_and_stand_ins_are_no_secrets() {
        for text in [
            "${TOKEN}",
            "${TOKEN:-changeme}",
            "Bearer $TOKEN",
            "{{ secrets.X }}",
            "${{ secrets.X }}",
            "<your-key>",
            "os.environ/OPENAI_API_KEY",
            "env:OPENAI_API_KEY",
            "env.OPENAI_KEY_2",
            "%OPENAI_API_KEY%",
            "process.env.OPENAI_API_KEY",
            "os.environ[\"S3_KEY\"]",
            "secret://vault/openai",
            "op://vault/item/field",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:x",
            "your-api-key-here",
            "YOUR_API_KEY",
            "xxxxxxxx",
            "changeme",
            "none",
            "api_key",
            "****",
            "…",
            "string",
            "OAuth2",
            "!ENV ${TOKEN}",
            "[YOUR_TOKEN]",
            "/run/secrets/api_token",
            "projects/p/secrets/x/versions/latest",
            "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/x)",
        ] {
            assert!(!is_said(text), "{text}");
        }
        for text in [
            "abc",
            "hunter2",
            "${TOKEN:-8LSu0bh322LLyt}",
            "env:8LSu0bh322LLyt",
            "op://u:pass@host",
            "your8LSu0bh322LLyt",
            "correct horse battery staple",
        ] {
            assert!(is_said(text), "{text}");
        }
    }
}
