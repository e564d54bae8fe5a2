//! Secrets that are known by how they look, whatever they are called.
//!
//! What keys of model providers look like is known to [`redact`](crate::domain::redact::redact); here stands what else a
//! configuration of an agent has. Each look needs a tail that no ordinary word has, so that a text that only speaks of such
//! things stays.

mod command;
mod tables;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

pub use command::{is_user_option, options};
use tables::{ARMOUR, HASHES, KEYS, PLACES, PRIVATE_KEY, SIGNATURES, TOKENS, Tail, WEBHOOKS};

/// The fewest characters of the secret part of an address.
const MIN_PLACE: usize = 8;
/// The fewest characters of a signature in an address.
const MIN_SIGNATURE: usize = 20;
/// The most bytes of a URL before a place in it.
const MAX_HOST: usize = 300;
/// The fewest characters of a password's hash.
const MIN_HASH: usize = 20;

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
        || hash_of_password(text)
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
    TOKENS.iter().any(|(token, tail)| value.strip_prefix(token).is_some_and(|rest| tail.begins(rest)))
        || is_bot_token(word)
        || is_personal_token(value)
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

/// Whether it is no placeholder.
fn is_said(password: &str) -> bool {
    !password.is_empty() && !password.starts_with(['$', '{', '<', '*'])
}

/// `machine host login user password secret`, on one line or on several, as `.netrc` has it.
fn netrc(text: &str) -> bool {
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let is_entry = match word {
            "machine" => words.next().is_some(),
            "default" => true,
            _ => false,
        };
        if is_entry && is_login(words.clone()) {
            return true;
        }
    }
    false
}

/// Whether these words begin as those of a login with its password.
fn is_login<'a>(mut words: impl Iterator<Item = &'a str>) -> bool {
    let (mut has_user, mut has_password) = (false, false);
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        match name {
            "login" => has_user = true,
            "password" => has_password = is_said(value),
            "account" => {}
            _ => break,
        }
    }
    has_user && has_password
}

/// `user:$apr1$…`, as `htpasswd` and crypt write the hash of a password, by which the password can be tried.
fn hash_of_password(text: &str) -> bool {
    let is_hash = |hash: &str| {
        hash.len() >= MIN_HASH && hash.bytes().all(|b| b.is_ascii_alphanumeric() || b"./+=".contains(&b))
    };
    let is_crypt = |part: &str| {
        let (before, rest) = part.split_once('$').unwrap_or_default();
        let named = rest.split_once('$').filter(|(name, _)| HASHES.contains(name));
        let hash = named.and_then(|(_, rest)| rest.rsplit_once('$'));
        (before.is_empty() || before.ends_with('=')) && hash.is_some_and(|(_, hash)| is_hash(hash))
    };
    let is_plain = |(user, rest): (&str, &str)| {
        let hash = ["{SHA}", "{SSHA}"].iter().find_map(|name| rest.strip_prefix(name));
        !user.is_empty() && hash.is_some_and(is_hash)
    };
    text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ','))
        .any(|word| word.split(':').any(is_crypt) || word.split_once(':').is_some_and(is_plain))
}

#[cfg(test)]
#[path = "secret_looks_tests.rs"]
mod tests;
