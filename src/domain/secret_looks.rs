//! Secrets that are known by how they look, whatever they are called.
//!
//! What keys of model providers look like is known to [`redact`](crate::domain::redact::redact); here stands what else a
//! configuration of an agent has. Each look needs a tail that no ordinary word has, so that a text that only speaks of such
//! things stays.

mod command;
mod hashes;
pub mod names;
mod place;
mod tables;
pub mod values;
mod written;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::plain_words::is_made;
pub use command::is_user_option;
pub use place::is_in_place;
use tables::{ARMOUR, KEYS, PLACES, PRIVATE_KEY, SIGNATURES, TOKENS, Tail, WEBHOOKS};
use values::is_said;

/// The fewest characters of the secret part of an address.
const MIN_PLACE: usize = 8;
/// The fewest characters of a signature in an address.
const MIN_SIGNATURE: usize = 20;
/// The most bytes of a URL before a place in it.
const MAX_HOST: usize = 300;

/// Whether a text has something in it that looks like a secret.
pub fn has(text: &str) -> bool {
    KEYS.iter().any(|key| text.contains(key))
        || armoured_key(text)
        || WEBHOOKS.iter().any(|place| follows(text, place))
        || place_on_any_host(text)
        || text.split(|c: char| !is_of_token(c)).any(is_token)
        || signature(text)
        || basic(text)
        || command::has_user(text)
        || data_source(text)
        || netrc(text)
        || hashes::has(text)
}

/// A PEM file in base64, on one line or on several, with a private key in it.
fn armoured_key(text: &str) -> bool {
    text.contains(ARMOUR) && {
        let joined: String = text.split_whitespace().collect();
        PRIVATE_KEY.iter().any(|key| joined.contains(key))
    }
}

/// Whether a secret part comes after this place of a URL, in which a star is one part of the host's name.
fn follows(text: &str, place: &str) -> bool {
    let (place, behind) = place.split_once('*').unwrap_or((place, ""));
    text.match_indices(place).any(|(at, _)| {
        let rest = &text[at + place.len()..];
        let label = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '-');
        let rest = if behind.is_empty() { Some(rest) } else { label.strip_prefix(behind) };
        let is_of_path = |b: &u8| b.is_ascii_alphanumeric() || b"-_/@.:%".contains(b);
        rest.is_some_and(|rest| rest.bytes().take_while(is_of_path).count() >= MIN_PLACE)
    })
}

/// `https://chat.example.com/hooks/…`: where those who run the servers themselves have their webhooks.
fn place_on_any_host(text: &str) -> bool {
    PLACES.iter().any(|(place, tail)| {
        text.match_indices(place).any(|(at, _)| {
            let host = &text[text.floor_char_boundary(at.saturating_sub(MAX_HOST))..at];
            let url = host.rsplit(char::is_whitespace).next().unwrap_or_default();
            tail.begins(&text[at + place.len()..]) && url.contains("://")
        })
    })
}

const fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':')
}

fn is_token(word: &str) -> bool {
    let word = word.trim_matches(['.', ':']);
    // Of a list of settings, such as `token:SG.…`, the last part is the value.
    let value = word.rsplit(':').next().unwrap_or(word);
    let is_asana = |(id, key): (&str, &str)| {
        id.len() >= 13 && id.bytes().all(|b| b.is_ascii_digit()) && Tail::Hex(32).begins(key)
    };
    if word.split_once(':').is_some_and(is_asana) {
        return true;
    }
    TOKENS.iter().any(|(token, tail)| value.strip_prefix(token).is_some_and(|rest| tail.begins(rest)))
        || is_bot_token(word)
        || is_personal_token(value)
        || is_discord_token(value)
        || is_of_a_maker(value)
}

/// Telegram's: `123456789:AA…` with 35 characters.
fn is_bot_token(word: &str) -> bool {
    const LENGTH: usize = 35;
    word.split_once(':').is_some_and(|(id, rest)| {
        (8..=10).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit()) && rest.len() == LENGTH
    })
}

/// Airtable's: `patXXXXXXXXXXXXXX.` with 64 digits of hex behind it.
fn is_personal_token(value: &str) -> bool {
    const ID: usize = 17;
    value.split_once('.').is_some_and(|(id, rest)| {
        id.starts_with("pat")
            && id.len() == ID
            && id.bytes().all(|b| b.is_ascii_alphanumeric())
            && Tail::Hex(64).begins(rest)
    })
}

/// Discord's: an id in base64, a time and a signature with dots between.
fn is_discord_token(value: &str) -> bool {
    let parts: Vec<&str> = value.split('.').collect();
    let [id, time, signature] = parts.as_slice() else { return false };
    let is_base64 = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    (23..=28).contains(&id.len())
        && (5..=7).contains(&time.len())
        && (27..=45).contains(&signature.len())
        && id.starts_with(['M', 'N', 'O'])
        && is_base64(id)
        && is_base64(time)
        && is_base64(signature)
}

/// Those that have their maker's mark inside or at their end: Terraform's, Azure DevOps', Mailchimp's, Asana's.
fn is_of_a_maker(value: &str) -> bool {
    let around = |mark: &str, before: usize, after: usize| {
        let is_one = |(a, b): (&str, &str)| a.len() >= before && b.len() >= after;
        value.split_once(mark).is_some_and(is_one)
    };
    let is_of_hex = |(key, place): (&str, &str)| {
        Tail::Hex(32).begins(key)
            && (1..=2).contains(&place.len())
            && place.bytes().all(|b| b.is_ascii_digit())
    };
    around(".atlasv1.", 10, 20) || around("AZDO", 50, 4) || value.split_once("-us").is_some_and(is_of_hex)
}

/// A signed address: `?sig=…` of Azure, `&X-Amz-Signature=…` of AWS.
fn signature(text: &str) -> bool {
    SIGNATURES.iter().any(|name| {
        text.match_indices(name).any(|(at, _)| {
            let rest = &text[at + name.len()..];
            rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"%-_+/".contains(b)).count()
                >= MIN_SIGNATURE
        })
    })
}

/// `Basic dXNlcjpwYXNzd29yZA==`: what is a user and a password in base64.
fn basic(text: &str) -> bool {
    let mut words = text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ','));
    let mut is_next = false;
    words.any(|word| {
        let is_value = std::mem::replace(&mut is_next, word.eq_ignore_ascii_case("basic"));
        is_value && is_pair(word)
    })
}

fn is_pair(word: &str) -> bool {
    let decoded = STANDARD.decode(word).or_else(|_| STANDARD_NO_PAD.decode(word));
    decoded.is_ok_and(|bytes| {
        bytes.contains(&b':')
            && std::str::from_utf8(&bytes).is_ok_and(|text| !text.contains(char::is_control))
    })
}

/// `user:password@tcp(host:3306)/db`, as Go's drivers take it.
fn data_source(text: &str) -> bool {
    ["@tcp(", "@unix("].iter().filter_map(|place| text.split_once(place)).any(|(before, _)| {
        let user = before.rsplit(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '=')).next();
        user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| is_said(password))
    })
}

/// `machine host login user password secret`, on one line or on several, as `.netrc` has it.
fn netrc(text: &str) -> bool {
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let is_entry = match word {
            "machine" => words.next().is_some_and(|host| host.contains('.')),
            "default" => true,
            _ => false,
        };
        if (is_entry || word == "machine") && is_login(words.clone(), is_entry && word == "machine") {
            return true;
        }
    }
    false
}

/// Whether these words begin as those of a login with its password, which may be a word where a host is named.
fn is_login<'a>(mut words: impl Iterator<Item = &'a str>, has_host: bool) -> bool {
    let (mut has_user, mut has_password) = (false, false);
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        match name {
            "login" => has_user = true,
            "password" => has_password = is_said(value) && (has_host || is_made(value)),
            "account" => {}
            _ => break,
        }
    }
    has_user && has_password
}

#[cfg(test)]
#[path = "secret_looks_tests.rs"]
mod tests;
