//! The headers of an HTTP tool: which may stand there, and which have a secret for their value.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::domain::field_error::FieldErrors;
use crate::domain::redact::{HIDDEN, redact};
use crate::domain::secret::Secret;
use crate::domain::secret_looks;

const MAX_HEADERS: usize = 32;
const MAX_NAME: usize = 64;
const MAX_VALUE: usize = 2_000;

/// Headers that the platform writes, or that mean something to the connection alone.
const OF_THE_PLATFORM: [&str; 11] = [
    "accept",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "idempotency-key",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// A header with one of these words in its name carries a credential.
const OF_CREDENTIALS: [&str; 11] = [
    "auth",
    "cookie",
    "credential",
    "key",
    "passphrase",
    "passwd",
    "password",
    "secret",
    "session",
    "signature",
    "token",
];

/// The same of a word that stands alone, between signs: it may be a part of another.
const WORDS: [&str; 9] = ["bearer", "hmac", "jwt", "otp", "pass", "pat", "pin", "psk", "pwd"];

/// Begins what is shown in place of a secret. It is not ASCII, so no header has it for its value.
pub const MASK: &str = HIDDEN;

/// Whether a value is what is shown in place of a secret.
pub fn is_masked(value: &str) -> bool {
    value.starts_with(MASK)
}

/// Whether the value of a header is a secret: by its name, because the tool says so, or because it looks like a key.
pub fn is_secret(name: &str, value: &str, marked: &[String]) -> bool {
    let lower = name.to_ascii_lowercase();
    OF_CREDENTIALS.iter().any(|word| lower.contains(word))
        || lower.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| WORDS.contains(&word))
        || marked.iter().any(|marked| marked.eq_ignore_ascii_case(name))
        || redact(value, &[]) != value
        || secret_looks::has(value)
        || secret_looks::is_in_place(value)
        || has_scheme(value)
}

/// `token a1b2c3d4…`: a word for how it is used, and what is used.
fn has_scheme(value: &str) -> bool {
    const SCHEMES: [&str; 6] = ["apikey", "basic", "bearer", "bot", "key", "token"];
    let Some((scheme, rest)) = value.trim().split_once(' ') else { return false };
    SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme))
        && rest.len() >= 8
        && !rest.contains(' ')
        && rest.bytes().any(|byte| byte.is_ascii_digit())
        || scheme.eq_ignore_ascii_case("digest") && rest.contains("response=")
}

/// What must be found nowhere of a header's value: it without the scheme before it, and the password that `Basic` encodes.
pub fn secrets_in(value: &Secret) -> Vec<Secret> {
    let value = value.expose().trim();
    let is_scheme = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    let (scheme, rest) = value.split_once(' ').filter(|(word, _)| is_scheme(word)).unwrap_or(("", value));
    let mut secrets = vec![Secret::new(rest.trim().to_owned())];
    if scheme.eq_ignore_ascii_case("basic")
        && let Ok(pair) = STANDARD.decode(rest.trim())
        && let Ok(pair) = String::from_utf8(pair)
        && let Some((_, password)) = pair.split_once(':')
    {
        secrets.push(Secret::new(password.to_owned()));
    }
    secrets
}

/// What may be shown of a value to tell it from others: its end, unless that is the end of a password in disguise.
pub fn last4(value: &Secret) -> String {
    let scheme = value.expose().get(..6).unwrap_or_default();
    match secrets_in(value).first() {
        Some(secret) if !scheme.eq_ignore_ascii_case("basic ") => secret.last4(),
        _ => String::new(),
    }
}

/// Notes what does not fit of a tool's headers, and of the names of those that are marked as secrets.
pub(super) fn check(
    headers: &BTreeMap<String, String>,
    marked: &[String],
    at: &dyn Fn(&str) -> String,
    errors: &mut FieldErrors,
) {
    for (field, many) in [("headers", headers.len()), ("secret_headers", marked.len())] {
        if many > MAX_HEADERS {
            errors.add(&at(field), format!("has at most {MAX_HEADERS} entries, has {many}"));
        }
    }
    let mut seen = BTreeSet::new();
    for (name, value) in headers.iter().take(MAX_HEADERS) {
        let is_again = !seen.insert(name.to_ascii_lowercase());
        let fault = fault_of(name, value).or(is_again.then_some("stands twice: names have no case"));
        if let Some(words) = fault {
            errors.add(&format!("{}.{name:.64}", at("headers")), words);
        }
    }
    for (i, name) in marked.iter().take(MAX_HEADERS).enumerate() {
        if !seen.contains(&name.to_ascii_lowercase()) {
            errors.add(&format!("{}[{i}]", at("secret_headers")), "names none of the tool's headers");
        }
    }
}

fn fault_of(name: &str, value: &str) -> Option<&'static str> {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(is_token) {
        return Some("is no name of a header");
    }
    if OF_THE_PLATFORM.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        return Some("is written by the platform");
    }
    let is_text = value.len() <= MAX_VALUE && value.bytes().all(|b| (b' '..=b'~').contains(&b));
    (!is_text && !is_masked(value)).then_some("has at most 2000 characters of printable ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_secret_is_known_by_its_name_by_how_it_looks_and_by_what_is_said() {
        for name in [
            "Authorization",
            "x-api-key",
            "Cookie",
            "X-Amz-Security-Token",
            "x-hub-signature",
            "PRIVATE-TOKEN",
            "x-jwt",
            "x-bearer",
            "X-Pat",
            "x-pass",
            "x-otp",
            "x-hmac",
            "x-pin",
        ] {
            assert!(is_secret(name, "abc", &[]), "{name}");
        }
        for name in
            ["user-agent", "x-team", "x-path", "x-compass", "x-pinned", "accept-language", "x-request-id"]
        {
            assert!(!is_secret(name, "abc", &[]), "{name}");
            assert!(is_secret(name, "Bearer 0123456789abcdef", &[]), "{name}");
            assert!(is_secret(name, "abc", &[name.to_uppercase()]), "{name}");
            for value in [
                "Basic dXNlcjpwYXNzd29yZA==",
                "SG.a1b2c3d4a1b2c3d4.a1b2c3d4",
                "hvs.a1b2c3d4a1b2c3d4a1b2c3d4",
                "https://hooks.slack.com/services/T000/B000/XXXXXXXXXXXX",
                "token a1b2c3d4e5f6a7b8c9d0",
                "retinue_gJjlPHUO7uRKRL9GXCgaFM3UNu2jQTClj15XDuN",
                "Bot MTIzNDU2Nzg5MDEyMzQ1Njc4.Q79ve6.mL7fKz0123456789abcdefghij",
                "pat-na1-0f8fad5b-d9cb-469f-a165-70867728950e",
                "https://u:pass12345@x.example/",
                "api_key=abcdefgh12345678",
                "foo=bar; sid=a1b2c3d4e5f6",
                "Digest username=\"u\", realm=\"r\", response=\"6629fae49393a05397450978507c4ef1\"",
            ] {
                assert!(is_secret(name, value, &[]), "{name}: {value}");
            }
            for value in
                ["text/plain; q=0.5", "token of esteem 2026", "Retinue/1.0", "key", "max-age=60; v=2", "a:b"]
            {
                assert!(!is_secret(name, value, &[]), "{name}: {value}");
            }
        }
    }

    #[test]
    fn what_is_looked_for_is_the_credential_without_its_scheme() {
        let found = |text: &str| {
            secrets_in(&secret(text)).iter().map(|secret| secret.expose().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(found("Bearer abc.def"), ["abc.def"]);
        assert_eq!(found("abc def/ghi"), ["def/ghi"]);
        assert_eq!(found("a=b; c=d"), ["a=b; c=d"], "a cookie has no scheme");
        assert_eq!(found("Basic bWU6aHVudGVyMjI="), ["bWU6aHVudGVyMjI=", "hunter22"]);
        assert_eq!(found("basic not base64"), ["not base64"]);
    }

    #[test]
    fn the_end_is_shown_but_of_a_password_in_base64() {
        assert_eq!(last4(&secret("Bearer 0123456789abcdef")), "cdef");
        assert_eq!(last4(&secret("Bearer abc")), "");
        assert_eq!(last4(&secret("Basic bWU6aHVudGVyMjIyMjI=")), "");
    }
}
