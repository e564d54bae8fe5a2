//! Keys and passwords in what is to be remembered.

use super::seen::seen;
use crate::domain::redact;
use crate::domain::secret_looks;

/// How keys and tokens of this product begin, and the fewest characters behind that make one: of accounts, of threads, of webhooks, of
/// the operator.
const OWN: [(&str, usize); 4] = [("retinue_thread_", 32), ("retinue_", 32), ("whsec_", 24), ("op_", 32)];

/// Whether there is what looks like a key, whoever's it is, in a text as it is written or as a model is given it.
pub fn has_key(text: &str) -> bool {
    let given = seen(text);
    is_key_in(text) || (given != text && is_key_in(&given))
}

fn is_key_in(text: &str) -> bool {
    redact::redact(text, &[]) != text || secret_looks::has(text) || has_own(text) || has_password(text)
}

fn has_own(text: &str) -> bool {
    OWN.iter().any(|(prefix, least)| {
        text.match_indices(prefix).any(|(at, _)| {
            let is_begin = !text[..at].ends_with(|c: char| c.is_alphanumeric());
            let rest = &text[at + prefix.len()..];
            let is_of_key = |c: char| c.is_ascii_alphanumeric() || "-_+/=".contains(c);
            let tail = &rest[..rest.find(|c| !is_of_key(c)).unwrap_or(rest.len())];
            is_begin && tail.len() >= *least && is_random(tail)
        })
    })
}

/// Whether letters and digits stand as no words do: each word in small letters is none.
fn is_random(tail: &str) -> bool {
    let has = |is: fn(&u8) -> bool| tail.bytes().any(|b| is(&b));
    has(u8::is_ascii_digit) || (has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase))
}

/// `scheme://user:password@host`. A password in brackets, or a variable, is none.
fn has_password(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let is_end = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'');
        let authority = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        let user = authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':'));
        user.is_some_and(|(_, password)| {
            !password.is_empty() && !password.starts_with(['$', '{', '<', '*', '…'])
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_however_they_are_hidden() {
        for text in [
            "The key is sk-proj-abcdefghijkl.",
            "Authorization: Bearer abc.def-0123456789",
            "note sk-\u{200b}proj-abcdefGHIJ0123456789",
            "note sk-\u{ad}proj-abcdefGHIJ0123456789",
            "note sk-\u{200d}proj-abcdefGHIJ0123456789",
            "note g\u{fe0f}hp_abcdefGHIJ0123456789",
            "Use retinue_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZab for that.",
            "Use retinue_thread_AQGbNw0abcDEF-_ghiJKL0123456789mnoPQRst.",
            "whsec_MfKQ/r+GKYqrTwjUPDxILPZIoyLaLaSw",
            "op_0123456789abcdef0123456789abcdef0123456789abcdef",
            "OPERATOR_KEY=op_abcDEFghiJKLmnoPQRstuVWXyzABCdefGHIjklMNOp",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
            "npm_abcdefGHIJ0123456789klmnopQRSTabcdef",
            "It is at postgres://shop:hunter2@db.example/shop.",
            "see 'https://ada:pa:ss@a.example'",
        ] {
            assert!(has_key(text), "{text:?}");
        }
    }

    #[test]
    fn what_only_speaks_of_keys_is_none() {
        for text in [
            "Works on task-oriented agents with retinue_thread tokens.",
            "Reads retinue_thread_tokens_are_short_lived_keys_of_one_thread.",
            "sk-learn is the library.",
            "Calls stop_0123456789abcdef0123456789abcdef0123456789abcdef.",
            "Checks whsec_ secrets.",
            "Her address is ada@example.com, her page https://example.com/@ada:notes.",
            "Connects to postgres://shop@db.example and https://a.example:8080/x@y.",
            "Writes postgres://user:<password>@host and redis://u:${PASSWORD}@host.",
        ] {
            assert!(!has_key(text), "{text:?}");
        }
    }
}
