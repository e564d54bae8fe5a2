//! Commands in texts: the options of curl, and of programs like it, with their values.

use super::values::is_said;
use crate::domain::plain_words::is_made;

/// Options whose value is a user and a password, with a colon between them.
const USERS: [&str; 5] = ["-u", "-U", "--user", "--proxy-user", "--auth"];
/// Options of one letter that are read: users, headers and cookies.
const LETTERS: [char; 4] = ['u', 'U', 'H', 'b'];
/// What looks like `-u` with a user behind it, and is another option.
const OTHERS: [&str; 4] = ["rl", "ri", "ser", "sername"];
const CURL: &str = "curl";

/// Whether an option wants a user and a password: `-u`.
pub fn is_user_option(word: &str) -> bool {
    USERS.contains(&word)
}

/// `curl -u user:password`, `--user=user:password` and `-uuser:password`.
pub(super) fn has_user(text: &str) -> bool {
    options(text).iter().any(|(option, value)| is_user_option(option) && is_user(value))
}

/// `user:password`, but neither a user and a group by their numbers nor an address.
fn is_user(value: &str) -> bool {
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let Some((user, password)) = value.split_once(':') else { return false };
    let are_ids = is_number(user) && is_number(password);
    // Some services take their key for the user, and no password.
    if password.is_empty() {
        return is_made(user) && is_said(user);
    }
    !user.is_empty() && is_said(password) && !password.starts_with("//") && !are_ids
}

/// Programs, or what they are asked to do, with the letter of the option that has a password.
const PASSWORDS: [(&str, char); 14] = [
    ("mysql", 'p'),
    ("mysqldump", 'p'),
    ("mysqladmin", 'p'),
    ("mariadb", 'p'),
    ("mongosh", 'p'),
    ("sshpass", 'p'),
    ("login", 'p'),
    ("redis-cli", 'a'),
    ("ldapsearch", 'w'),
    ("sqlcmd", 'P'),
    ("unzip", 'P'),
    ("smbclient", 'U'),
    ("7z", 'p'),
    ("7za", 'p'),
];

/// `mysql -psecret`, `sshpass -p secret`, `docker login -p secret`.
pub(super) fn has_password(text: &str) -> bool {
    if !PASSWORDS.iter().any(|(program, _)| text.contains(program)) {
        return false;
    }
    let words = words(text);
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    PASSWORDS.iter().any(|(program, letter)| {
        let begin = words.iter().position(|word| word.rsplit('/').next() == Some(program));
        let after = begin.and_then(|begin| words.get(begin + 1..)).unwrap_or_default();
        after.iter().enumerate().any(|(at, word)| {
            let Some(own) = word.strip_prefix('-').and_then(|word| word.strip_prefix(*letter)) else {
                return false;
            };
            // Without a blank it is asked for.
            let is_asked = own.is_empty() && program.starts_with("my");
            let value = if own.is_empty() { after.get(at + 1).map_or("", String::as_str) } else { own };
            !is_asked && value.len() > 2 && !value.starts_with('-') && is_said(value) && !is_number(value)
        })
    })
}

/// The options in a text, each with its value: `--name=value`, `--name value`, `-u value`, `-su value`, and `-uvalue` where it
/// stands alone or in a command of curl.
pub fn options(text: &str) -> Vec<(String, String)> {
    let text = text.trim();
    let has_some =
        text.starts_with('-') || [" -", "\t-", "\n-", "\"-", "'-"].iter().any(|sign| text.contains(sign));
    if !has_some {
        return Vec::new();
    }
    let words = words(&text.replace("\\\"", "\""));
    let is_curls = words.len() == 1 || text.contains(CURL);
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let next = || words.get(at + 1).cloned().unwrap_or_default();
        let option = match word.strip_prefix('-') {
            Some(long) if long.starts_with('-') => match word.split_once('=') {
                Some((name, value)) => Some((name.to_owned(), value.to_owned())),
                None => Some((word.clone(), next())),
            },
            Some(short) => letter(short, is_curls).map(|(letter, value)| {
                (format!("-{letter}"), if value.is_empty() { next() } else { value.to_owned() })
            }),
            None => None,
        };
        found.extend(option);
    }
    found
}

/// The letter of a short option, and what stands right behind it. Others may stand before it, which take no value.
fn letter(short: &str, is_curls: bool) -> Option<(char, &str)> {
    let first = short.chars().next().filter(|first| LETTERS.contains(first));
    if let Some(first) = first {
        let value = &short[first.len_utf8()..];
        let is_other =
            OTHERS.iter().any(|other| value.strip_prefix(other).is_some_and(|rest| rest.starts_with(':')));
        return (value.is_empty() || is_curls && !is_other).then_some((first, value));
    }
    let last = short.chars().next_back().filter(|last| LETTERS.contains(last))?;
    short.bytes().all(|b| b.is_ascii_alphabetic()).then_some((last, ""))
}

/// The words of a command, without the quotes around them. What opens no quotes, such as an apostrophe, is a letter.
pub(super) fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut rest) = (Vec::new(), String::new(), text);
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        let is_short = word.len() == 2 && word.starts_with('-');
        let may_open = matches!(c, '"' | '\'') && (word.is_empty() || word.ends_with('=') || is_short);
        let quoted = if may_open { rest.split_once(c) } else { None };
        match quoted {
            Some((inside, after)) => {
                word.push_str(inside);
                rest = after;
            }
            None if c.is_whitespace() => {
                words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()))
            }
            None => word.push(c),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_its_options_however_they_are_written() {
        for (text, found) in [
            ("curl -u a:b x", vec![("-u", "a:b")]),
            ("curl -sSu 'a:b c' x", vec![("-u", "a:b c")]),
            ("curl -ua:b x", vec![("-u", "a:b")]),
            ("-ua:b", vec![("-u", "a:b")]),
            ("curl --user=a:b --fail", vec![("--user", "a:b"), ("--fail", "")]),
            ("curl -H\"A: b\" -H 'C: d'", vec![("-H", "A: b"), ("-H", "C: d")]),
            ("run --header=\\\"A: b\\\"", vec![("--header", "A: b")]),
            ("don't -H 'it's' x", vec![("-H", "its'")]),
            ("javac -utf8 x", vec![]),
            ("a - b -- c, well-u known", vec![("--", "c,")]),
        ] {
            let options = options(text);
            let options: Vec<(&str, &str)> = options.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            assert_eq!(options, found, "{text}");
        }
    }
}
