//! Secrets behind a name in other writings than `name = value`: calls and attributes, statements and typed assignments.

use super::command::words;
use super::names::{Naming, is_name, naming};
use super::values::is_said;
use crate::domain::plain_words::{are_words, is_made, is_phrase};

/// The fewest characters of a secret that only its place says.
const MIN: usize = 3;
/// The most bytes around a sign that are looked at.
const MAX_AROUND: usize = 512;
/// Words that give the variable after them the value after that.
const SETTERS: [&str; 7] = ["env", "arg", "setx", "setenv", "set", "export", "declare"];

/// Whether a secret stands in such a place.
pub(super) fn has(text: &str) -> bool {
    is_called_with(text)
        || is_authenticated(text)
        || is_attribute(text)
        || is_typed(text)
        || is_statement(text)
}

fn before(text: &str, at: usize) -> &str {
    &text[text.ceil_char_boundary(at.saturating_sub(MAX_AROUND))..at]
}

fn behind(text: &str, at: usize) -> &str {
    &text[at..text.floor_char_boundary(at.saturating_add(MAX_AROUND))]
}

/// The text between quotes that a text begins with.
fn quoted(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let open = text.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    text[1..].split_once(open).map(|(inside, _)| inside)
}

/// The text between quotes that a text ends with.
fn quoted_end(text: &str) -> Option<&str> {
    let text = text.trim_end();
    let close = text.chars().next_back().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    text[..text.len() - 1].rsplit_once(close).map(|(_, inside)| inside)
}

fn is_secret(name: &str, value: &str) -> bool {
    let is_shown = value.len() >= MIN && !value.contains(char::is_whitespace) && is_said(value);
    match naming(name) {
        Naming::Nothing | Naming::About => false,
        Naming::Weak => is_shown && is_made(value),
        Naming::Pass | Naming::Compound | Naming::Strong => is_shown && !is_phrase(value),
    }
}

/// `define('DB_PASSWORD', 'X')`, `conf.set("password", "X")`: one after the other as arguments.
fn is_called_with(text: &str) -> bool {
    text.match_indices(',').any(|(at, _)| {
        let name = quoted_end(before(text, at));
        let value = quoted(behind(text, at + 1));
        let is_argument = |name: &str| {
            let opened = before(text, at).trim_end();
            opened[..opened.len() - name.len() - 2].trim_end().ends_with('(')
        };
        name.zip(value).is_some_and(|(name, value)| is_argument(name) && is_secret(name, value))
    })
}

/// `HTTPBasicAuth('bob', 'X')`
fn is_authenticated(text: &str) -> bool {
    text.match_indices('(').any(|(at, _)| {
        let name =
            before(text, at).rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        let inside = behind(text, at + 1).split(')').next().unwrap_or_default();
        let values: Vec<Option<&str>> = inside.split(',').map(quoted).collect();
        let [Some(_), Some(password)] = values[..] else { return false };
        name.to_ascii_lowercase().ends_with("auth") && password.len() >= MIN && is_said(password)
    })
}

/// `<Password value="X"/>`, `<add key="ApiKey" value="X"/>`
fn is_attribute(text: &str) -> bool {
    text.match_indices("value=").any(|(at, sign)| {
        let Some((_, tag)) = before(text, at).rsplit_once('<') else { return false };
        let Some(value) = quoted(behind(text, at + sign.len())) else { return false };
        let element = tag.split(char::is_whitespace).next().unwrap_or_default();
        let named = ["key=", "name="].iter().filter_map(|sign| quoted(tag.split_once(sign)?.1));
        !tag.contains('>') && named.chain([element]).any(|name| is_secret(name, value))
    })
}

/// `API_KEY: str = "X"`
fn is_typed(text: &str) -> bool {
    text.match_indices('=').any(|(at, _)| {
        let Some(value) = quoted(behind(text, at + 1)) else { return false };
        let line = before(text, at).rsplit('\n').next().unwrap_or_default();
        let Some((name, kind)) = line.rsplit_once(':') else { return false };
        let name = name.rsplit(char::is_whitespace).next().unwrap_or_default();
        let is_kind =
            |c: char| c.is_alphanumeric() || matches!(c, '_' | '[' | ']' | ' ' | '|' | '?' | '<' | '>');
        kind.chars().all(is_kind) && is_secret(name.trim_matches(['"', '\'']), value)
    })
}

/// `ENV API_KEY X`, `setx API_KEY X`, `aws configure set aws_secret_access_key X`, `IDENTIFIED BY 'X'`, `curl --pass X`.
fn is_statement(text: &str) -> bool {
    let is_set = |words: &[String]| {
        let [setter, name, value] = words else { return false };
        SETTERS.contains(&setter.to_ascii_lowercase().as_str())
            && is_name(name)
            && is_secret(name, value)
            && !are_words(value)
    };
    let is_identified = |words: &[String]| {
        let [first, second, value] = words else { return false };
        let is = |word: &String, text: &str| word.eq_ignore_ascii_case(text);
        let value = value.trim_end_matches([';', ',']);
        let is_quoted = text.contains(&format!("'{value}'")) || text.contains(&format!("\"{value}\""));
        is(first, "identified") && is(second, "by") && is_quoted && value.len() >= MIN && is_said(value)
    };
    let has_some = |word: &str| {
        text.as_bytes().windows(word.len()).any(|found| found.eq_ignore_ascii_case(word.as_bytes()))
    };
    if !SETTERS.iter().any(|setter| has_some(setter)) && !has_some("identified") {
        return false;
    }
    let words = words(text);
    words.windows(3).any(|three| is_set(three) || is_identified(three))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_however_its_name_is_written_before_it() {
        for text in [
            "define('DB_PASSWORD', 'X');",
            "define( \"SECRET_KEY\" , \"X\" )",
            "conf.set(\"password\", \"X\")",
            "os.environ.setdefault('API_KEY', 'X')",
            "requests.get(url, auth=HTTPBasicAuth('bob', 'X'))",
            "httpx.BasicAuth(\"bob\", \"X\")",
            "new DigestAuth('bob','X')",
            "API_KEY: str = \"X\"",
            "    client_secret: Optional[str] = 'X'",
            "let api_key: string = \"X\";",
            "<Password value=\"X\"/>",
            "<add key=\"ApiKey\" value=\"X\"/>",
            "<property name=\"db.password\" value='X' />",
            "ENV API_KEY X",
            "setx API_KEY X",
            "set -x; setenv DB_PASSWORD X",
            "aws configure set aws_secret_access_key X",
            "CREATE USER bob IDENTIFIED BY 'X';",
            "alter user bob identified by \"X\"",
        ] {
            assert!(has(&text.replace('X', "h1vauWv1zh87")), "{text}");
        }
    }

    #[test]
    fn what_only_speaks_of_one_has_none() {
        for text in [
            "define('DB_HOST', 'h1vauWv1zh87')",
            "conf.get(\"password\", \"\")",
            "f('api_key', 'your-api-key')",
            "f(\"password\", \"${DB_PASSWORD}\")",
            "zip(['key', 'token'], x)",
            "OAuth('read', 'write', 'all')",
            "password: str = \"\"",
            "password: string = getPassword()",
            "<input name=\"password\" value=\"\"/>",
            "<option key=\"token\" value=\"one\"/>",
            "ENV NODE_ENV production",
            "set the password of the user",
            "Set API key: see the docs",
            "IDENTIFIED BY the admin",
        ] {
            assert!(!has(text), "{text}");
        }
    }
}
