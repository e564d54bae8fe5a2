//! Secrets that are known by the place where they stand in a text: behind a name and a sign, in a URL, after an option.

use super::names::{Naming, is_name, is_wordy, naming, naming_of_two};
use super::values::{is_reference, is_said, is_stand_in};
use super::{command, written};
use crate::domain::plain_words::{are_words, is_dense, is_made, is_phrase};

/// The fewest characters of a secret that only its place says.
const MIN: usize = 3;
/// The fewest digits that are one.
const MIN_DIGITS: usize = 4;
/// The longest name before a sign.
const MAX_NAME: usize = 128;
/// The most bytes of a text that are looked at: what may be kept of a configuration is shorter.
const MAX_TEXT: usize = 64 * 1024;
/// The most bytes before or behind a sign: each sign is looked at by itself.
const MAX_AROUND: usize = 512;
/// Schemes of a header's value.
const SCHEMES: [&str; 6] = ["basic", "bearer", "bot", "token", "apikey", "digest"];

/// Whether a secret stands in such a place.
pub fn is_in_place(text: &str) -> bool {
    let text = beginning(text, MAX_TEXT);
    is_header(text)
        || assignments(text).any(|assigned| assigned.is_secret())
        || is_element(text)
        || is_pair(text)
        || is_url_with_user(text)
        || has_option(text)
        || written::has(text)
}

fn beginning(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

fn end(text: &str, bytes: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(bytes))..]
}

/// A value that a text gives a name: `password = X`, `API_KEY=X`, `"api_key": "X"`, `'password' => 'X'`.
struct Assigned<'a> {
    naming: Naming,
    value: &'a str,
    is_quoted: bool,
    /// `=` without blanks beside it.
    is_glued: bool,
    /// It is an option, stands in a URL's query, or is all there is.
    is_setting: bool,
    /// Nothing but it stands on its line.
    is_line: bool,
    is_wordy: bool,
}

impl Assigned<'_> {
    fn is_secret(&self) -> bool {
        let value = self.value;
        if !is_said(value) || is_code(value, self.is_quoted) {
            return false;
        }
        let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
        let is_shown = value.len() >= MIN && (!is_number || value.len() >= MIN_DIGITS);
        let is_plain = is_shown && !(self.is_wordy && (is_phrase(value) || are_words(value)));
        match self.naming {
            Naming::Nothing => false,
            Naming::About => is_made(value) && is_dense(value),
            Naming::Weak if self.is_setting => is_shown,
            Naming::Weak => is_dense(value),
            Naming::Pass => is_made(value) || is_shown && (self.is_quoted || self.is_glued),
            _ if self.is_glued => is_shown,
            _ if self.is_quoted => is_plain && !is_phrase(value),
            _ => is_made(value) || is_plain && self.is_line,
        }
    }
}

/// `getKey()`, `settings.api.value`: code that asks for it.
fn is_code(value: &str, is_quoted: bool) -> bool {
    !is_quoted && (value.contains(['(', '[']) || value.contains('.') && are_words(value))
}

fn assignments(text: &str) -> impl Iterator<Item = Assigned<'_>> {
    let is_alone = !text.trim().contains(char::is_whitespace);
    text.match_indices([':', '=']).filter_map(move |(at, sign)| {
        let sides = (end(&text[..at], MAX_AROUND), beginning(&text[at + 1..], MAX_AROUND));
        assigned(sides, sign == "=", is_alone)
    })
}

fn assigned<'a>(
    (before, after): (&'a str, &'a str),
    is_equals: bool,
    is_alone: bool,
) -> Option<Assigned<'a>> {
    // `==`, `!=`, `::`, `://` and the like are other signs; of `=>` and `:=` the second half is none of its own.
    if before.ends_with([':', '=', '!', '<', '>', '+']) || after.starts_with(['/', ':']) && !is_equals {
        return None;
    }
    let after = after.strip_prefix(['=', '>']).unwrap_or(after);
    let (name, naming, begin) = name_before(before)?;
    let rest = after.trim_start_matches([' ', '\t', '\\']);
    let is_glued = is_equals && rest.len() == after.len() && !before.ends_with([' ', '\t']);
    let (value, is_quoted, behind) = value_of(rest);
    let opened = before[..begin].trim_end_matches(['"', '\'', '`', '[']);
    let line = opened.rsplit('\n').next().unwrap_or_default().trim_matches([' ', '\t', '-', '{', '(']);
    let ended = behind.trim_start_matches(['"', '\'', '\\', ' ', '\t', ';', ',', '}', ')', ']', '.']);
    // A part of a name with colons, such as Amazon's, is none.
    if opened.ends_with(':') && !is_equals {
        return None;
    }
    Some(Assigned {
        naming,
        value,
        is_quoted,
        is_glued,
        is_setting: is_glued && (is_alone || opened.ends_with(['?', '&', ';']) || name.starts_with("--")),
        is_line: (line.is_empty() || line.ends_with([',', ';']) || is_equals)
            && (ended.is_empty() || ended.starts_with('\n')),
        is_wordy: is_wordy(name),
    })
}

/// The name that ends a text, in quotes or not, what it says, and where it begins.
fn name_before(text: &str) -> Option<(&str, Naming, usize)> {
    let text = text.trim_end_matches([' ', '\t']);
    let text = text.strip_suffix(']').unwrap_or(text);
    let text = text.trim_end_matches(['"', '\'', '`', '\\']);
    let is_of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let begin = text.trim_end_matches(is_of_name).len();
    let name = text.get(begin..).filter(|name| !name.is_empty() && name.len() <= MAX_NAME)?;
    let first = text[..begin].strip_suffix(' ').and_then(|before| {
        let from = before.trim_end_matches(is_of_name).len();
        before.get(from..)
    });
    let naming = first.map_or_else(|| naming(name), |first| naming_of_two(first, name));
    (naming != Naming::Nothing).then_some((name, naming, begin))
}

/// The value that a text begins with, whether it is in quotes, and what comes after it.
fn value_of(text: &str) -> (&str, bool, &str) {
    let is_end = |c: char| {
        c.is_whitespace() || matches!(c, ',' | ';' | '&' | '"' | '\'' | '<' | '>' | ')' | '}' | '|' | '`')
    };
    let open = text.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'));
    if let Some(open) = open
        && let Some((inside, behind)) = text[1..].split_once(open)
    {
        return (inside.trim_end_matches('\\'), true, behind);
    }
    let text = text.trim_start_matches(['"', '\'', '`']);
    // A reference has brackets of its own.
    if ["${", "$(", "{", "<"].iter().any(|open| text.starts_with(open)) {
        let end = text.find(['}', '>', ')']).map_or(text.len(), |end| end + 1);
        let end = end + text[end..].find(is_end).unwrap_or(text.len() - end);
        return (&text[..end], false, &text[end..]);
    }
    let word = &text[..text.find(is_end).unwrap_or(text.len())];
    let behind = &text[word.len()..];
    if SCHEMES.contains(&word.to_ascii_lowercase().as_str()) && behind.starts_with(' ') {
        return value_of(behind.trim_start());
    }
    (word, false, behind)
}

/// A whole text that is a header: `X-Api-Key: abc`, `X-Api-Key:abc`, `Authorization: Basic abc`.
pub fn is_header(text: &str) -> bool {
    let Some((name, value)) = text.split_once(':') else { return false };
    let value = value.trim().trim_matches(['"', '\'']);
    let name = name.trim_matches(['"', '\'', '`', '(', '[', '{', ' ']);
    let is_plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if !is_plain || !is_name(name) || !is_said(value) || value.starts_with("//") {
        return false;
    }
    let (scheme, rest) = value.split_once(' ').unwrap_or(("", value));
    if SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) {
        return !rest.trim().contains(' ') && !is_stand_in(rest);
    }
    let is_open = naming(name) == Naming::Weak || is_wordy(name);
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
    value.split_whitespace().count() <= 2
        && value.len() >= MIN
        && !is_phrase(value)
        && !(is_open && (are_words(value) || is_number))
}

/// `<password>X</password>`
fn is_element(text: &str) -> bool {
    text.match_indices("</").any(|(at, _)| {
        let Some((before, value)) = end(&text[..at], MAX_AROUND).rsplit_once('>') else { return false };
        let name = before.rsplit_once('<').map(|(_, name)| name).unwrap_or_default();
        let (is_secret, value) =
            (matches!(naming(name), Naming::Pass | Naming::Compound | Naming::Strong), value.trim());
        is_secret && value.len() >= MIN && !value.contains(char::is_whitespace) && is_said(value)
    })
}

/// `auth=("user", "password")`
fn is_pair(text: &str) -> bool {
    text.match_indices('(').any(|(at, _)| {
        let before = end(&text[..at], MAX_AROUND).trim_end_matches([' ', '=']);
        let Some((name, Naming::Weak | Naming::Compound, _)) = name_before(before) else { return false };
        let inside = beginning(&text[at + 1..], MAX_AROUND).split(')').next().unwrap_or_default();
        let mut values = inside.split(',').map(|value| value.trim().trim_matches(['"', '\'']));
        let password = values.nth(1).filter(|password| password.len() >= MIN && is_said(password));
        name.ends_with("auth") && values.next().is_none() && password.is_some()
    })
}

/// `https://user:password@host`, and `https://token@host`.
fn is_url_with_user(text: &str) -> bool {
    /// A user that is as long is a token.
    const LONG_USER: usize = 20;
    let pieces: Vec<&str> = text.split("://").collect();
    pieces.windows(2).any(|pair| {
        let [scheme, rest] = pair else { return false };
        let end =
            rest.find(|c: char| matches!(c, '/' | '?' | '#') || c.is_whitespace()).unwrap_or(rest.len());
        let Some((user, _)) = rest.get(..end).and_then(|host| host.rsplit_once('@')) else { return false };
        match user.split_once(':') {
            Some((user, "" | "x-oauth-basic")) => is_made(user) && is_said(user),
            Some((_, password)) => is_said(password),
            None => {
                let is_token =
                    user.len() >= LONG_USER || scheme.ends_with("http") || scheme.ends_with("https");
                is_token && (user.len() >= LONG_USER || is_dense(user)) && is_said(user)
            }
        }
    })
}

/// `-H 'X-Api-Key: abc'`, `--cookie sid=abc`, `--token abc123` and `mysql -psecret`.
fn has_option(text: &str) -> bool {
    let header = ["-H", "--header=", "--proxy-header="].iter().find_map(|option| text.strip_prefix(option));
    header.is_some_and(is_header)
        || command::has_password(text)
        || command::options(text).iter().any(|(option, value)| match option.as_str() {
            "-H" | "--header" | "--proxy-header" => is_header(value),
            "-b" | "--cookie" => value.split_once('=').is_some_and(|(_, value)| !is_reference(value)),
            option => {
                let is_number = value.len() >= MIN_DIGITS && value.bytes().all(|b| b.is_ascii_digit());
                is_name(option)
                    && is_said(value)
                    && (is_made(value) || is_number && naming(option) == Naming::Strong)
            }
        })
}

#[cfg(test)]
#[path = "place_tests.rs"]
mod tests;
