//! Takes secrets out of texts that others wrote. First this, then any cutting: half a key is a key's half.

mod reading;

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::plain_words::are_words;
use super::secret::Secret;

/// So many characters in a row of a known secret are taken for a piece of it.
const PIECE: usize = 8;
/// So many behind a prefix make a key, whoever's it is.
const TAIL: usize = 8;
/// Stands for what was taken out.
pub const HIDDEN: &str = "…";

/// How keys of those who issue many begin. Sources: their documentation, read 2026-11.
const PREFIXES: [&str; 29] = [
    // Our own: keys of accounts and tokens of threads.
    "retinue_",
    "sk-",
    "sk_",
    "pk-lf-",
    "rk_live_",
    "AIza",
    "AQ.",
    "ya29.",
    "gsk_",
    "xai-",
    "pplx-",
    "hf_",
    "r8_",
    "nvapi-",
    "fw_",
    "csk-",
    "tgp_v1_",
    "cfut_",
    "cfat_",
    "ghp_",
    "gho_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "AKIA",
    "ASIA",
    "eyJ",
    "Bearer ",
    "bearer ",
];

/// The text without pieces of these secrets, and without whatever looks like a key.
pub fn redact<'a>(text: &'a str, secrets: &[&Secret]) -> Cow<'a, str> {
    found(text, secrets).cut_out(text)
}

/// The text without pieces of these secrets, for a reader who needs whatever else looks like a key. A secret that is shorter
/// than a piece is none: it would be found in ordinary words.
pub fn without<'a>(text: &'a str, secrets: &[Secret]) -> Cow<'a, str> {
    let secrets: Vec<&Secret> = secrets.iter().filter(|secret| secret.expose().len() >= PIECE).collect();
    let mut hidden = Spans::default();
    known(text, &secrets, &mut hidden);
    hidden.cut_out(text)
}

/// Whether a piece of a secret begins in one of these texts and ends in the next, the first following the last.
pub fn is_split(texts: [&str; 3], secrets: &[&Secret]) -> bool {
    let [first, second, third] = texts;
    [[first, second, third, first], [second, first, third, second]].iter().any(|texts| {
        let joined = texts.join("\n");
        let hidden = found(&joined, secrets);
        let mut end = 0;
        texts.iter().any(|text| {
            end += text.len() + 1;
            hidden.0.iter().any(|span| (span.0 + 1..span.1).contains(&(end - 1)))
        })
    })
}

fn found(text: &str, secrets: &[&Secret]) -> Spans {
    let mut hidden = Spans::default();
    known(text, secrets, &mut hidden);
    keys(text, &mut hidden);
    hidden
}

fn known(text: &str, secrets: &[&Secret], hidden: &mut Spans) {
    for secret in secrets {
        pieces(text, secret.expose().trim(), hidden);
    }
    reading::otherwise(text, secrets, hidden);
}

/// Marks the places of a secret's pieces; a secret that is no longer than a piece only as a whole.
fn pieces(text: &str, secret: &str, hidden: &mut Spans) {
    let length = secret.len().min(PIECE);
    if length == 0 {
        return;
    }
    let windows: BTreeSet<&[u8]> = secret.as_bytes().windows(length).collect();
    for (at, window) in text.as_bytes().windows(length).enumerate() {
        if windows.contains(window) {
            hidden.add(at, at + length);
        }
    }
}

/// Marks a known prefix at a word's beginning with the word that follows; stars, which some put for a part, as well. Names that
/// begin so, such as `hf_transfer` and `sk-learn-models`, are none.
fn keys(text: &str, hidden: &mut Spans) {
    let is_key = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.*+/=~".contains(&byte);
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let is_begin = at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
        let prefix = PREFIXES.iter().find(|prefix| is_begin && bytes[at..].starts_with(prefix.as_bytes()));
        let Some(prefix) = prefix else {
            at += 1;
            continue;
        };
        let begin = at + prefix.len();
        let tail = bytes[begin..].iter().take_while(|byte| is_key(**byte)).count();
        if tail >= TAIL && !text.get(begin..begin + tail).is_some_and(is_name) {
            hidden.add(at, begin + tail);
        }
        at = begin + tail;
    }
}

/// Whether what comes after a prefix is short words, as in a name.
fn is_name(tail: &str) -> bool {
    const MAX_WORD: usize = 11;
    are_words(tail) && tail.split(['_', '-', '.']).all(|word| word.len() <= MAX_WORD)
}

/// Parts of a text, in bytes.
#[derive(Default)]
struct Spans(Vec<(usize, usize)>);

impl Spans {
    fn add(&mut self, begin: usize, end: usize) {
        match self.0.last_mut() {
            Some(last) if (last.0..=last.1).contains(&begin) => last.1 = last.1.max(end),
            _ => self.0.push((begin, end)),
        }
    }

    fn cut_out(mut self, text: &str) -> Cow<'_, str> {
        if self.0.is_empty() {
            return Cow::Borrowed(text);
        }
        self.0.sort_unstable();
        let (mut shown, mut from) = (String::with_capacity(text.len()), 0);
        for (begin, end) in self.0 {
            // A secret that is no ASCII may be met in the middle of a character of the text.
            let (begin, end) = (text.floor_char_boundary(begin), text.ceil_char_boundary(end));
            if begin > from || from == 0 {
                shown.push_str(text.get(from..begin).unwrap_or_default());
                shown.push_str(HIDDEN);
            }
            from = from.max(end);
        }
        shown.push_str(text.get(from..).unwrap_or_default());
        Cow::Owned(shown)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use proptest::prelude::*;

    use super::*;

    fn redacted(text: &str, secret: &str) -> String {
        redact(text, &[&Secret::new(secret.to_owned())]).into_owned()
    }

    #[test]
    fn pieces_of_a_secret_are_hidden_wherever_they_stand() {
        const KEY: &str = "emu-secret-1234567890abcdef";
        for (text, shown) in [
            ("nothing here", "nothing here"),
            ("key emu-secret-1234567890abcdef.", "key …."),
            ("emu-secret-1234567890abcdef", "…"),
            ("cut: emu-secr", "cut: …"),
            ("cut: emu-sec", "cut: emu-sec"),
            ("ends 567890abcdef", "ends …"),
            ("emu-secret****7890abcdef!", "…****…!"),
            ("grün 1234567890 grün", "grün … grün"),
        ] {
            assert_eq!(redacted(text, KEY), shown);
        }
        assert_eq!(redacted("a short one: abc", "abc"), "a short one: …");
        assert_eq!(redacted("any text", ""), "any text");
    }

    #[test]
    fn a_secret_that_is_written_otherwise_is_hidden_too() {
        const KEY: &str = "emu+secret/1234567890=abcdef";
        let each = |write: fn(u8) -> String| KEY.bytes().map(write).collect::<String>();
        let encoded = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
        for form in [
            "emu%2Bsecret%2f1234567890%3Dabcdef".to_owned(),
            each(|byte| format!("%{byte:02X}")),
            each(|byte| format!("%25{byte:02x}")),
            each(|byte| format!("&#{byte};")),
            each(|byte| format!("&#x{byte:X};")),
            each(|byte| format!("\\u{byte:04x}")),
            "emu+secret\\/1234567890=abcdef".to_owned(),
            each(|byte| format!("{} ", char::from(byte))),
            each(|byte| format!("{}\n\u{200b}", char::from(byte))),
            KEY.to_uppercase(),
            each(|byte| format!("{byte:02x}")),
            each(|byte| format!("{byte:02X}")),
            encoded(KEY.to_owned()),
            encoded(format!(":{KEY}")),
            encoded(format!("{KEY}:")),
            encoded(format!("Bearer {KEY}")),
            encoded(format!("some user:{KEY}")).replace('+', "-").replace('/', "_"),
        ] {
            let shown = redacted(&format!("before <{form}> after"), KEY);
            let (before, after) = (shown.starts_with("before <"), shown.ends_with("> after"));
            assert!(before && after && shown.contains('…') && shown.len() < 40, "{form}: {shown}");
        }
        let plain = "100 % of the prompts & answers \\ of 2026 are fine; see %41 and &amp;";
        assert_eq!(redacted(plain, KEY), plain);
    }

    #[test]
    fn a_secret_that_is_split_over_texts_is_noticed_in_whatever_order() {
        let secret = Secret::new("emu-secret-1234567890abcdef".to_owned());
        for texts in [
            ["emu-sec", "ret-123", "x"],
            ["x", "emu-sec", "ret-123"],
            ["ret-123", "x", "emu-sec"],
            ["ret-123", "emu-sec", "x"],
            ["x", "ret-123", "emu-sec"],
            ["emu-sec", "x", "ret-123"],
        ] {
            assert!(is_split(texts, &[&secret]), "{texts:?}");
        }
        assert!(!is_split(["emu-secret-1234567890abcdef", "param", "message"], &[&secret]));
        assert!(!is_split(["", "", ""], &[&secret]));
    }

    #[test]
    fn without_a_secret_a_text_keeps_what_else_looks_like_a_key() {
        let secrets = ["emu-secret-1234567890", "short"].map(|text| Secret::new(text.to_owned()));
        let text = "short: emu-secret-1234567890, sk-proj-abcdefghij";
        assert_eq!(without(text, &secrets), "short: …, sk-proj-abcdefghij");
        assert_eq!(without(text, &[]), text);
    }

    #[test]
    fn what_looks_like_a_key_is_hidden_whoevers_it_is() {
        for (text, shown) in [
            ("Incorrect API key provided: sk-proj-abcd****wxyz. See", "Incorrect API key provided: … See"),
            ("token=AIzaSyA-1234567890_abcdefg", "token=…"),
            ("Authorization: Bearer abc.def-0123456789", "Authorization: …"),
            ("eyJhbGciOiJIUzI1NiJ9.e30.x", "…"),
            ("use task-oriented or risk-averse-words-here", "use task-oriented or risk-averse-words-here"),
            ("sk-learn", "sk-learn"),
            ("hf_transfer is faster", "hf_transfer is faster"),
            ("fw_update_all_things_now", "fw_update_all_things_now"),
            ("bad retinue_RlsYGPv5UKIUGqV1YEb1tpcKK54L4FAQ3kQ6I1.", "bad …"),
            ("bad retinue_RlsYGPv5", "bad …"),
            ("RETINUE: retinue_thread_AQGbNw0abcDEF-_ghiJKL", "RETINUE: …"),
            ("retinue_thread_tokens are short", "retinue_thread_tokens are short"),
            ("the Bearer of news", "the Bearer of news"),
        ] {
            assert_eq!(redacted(text, ""), shown);
        }
    }

    proptest! {
        #[test]
        fn no_piece_of_a_secret_is_left(
            secret in "[ -~]{8,40}", before in "\\PC{0,20}", after in "\\PC{0,20}",
            from in 0_usize..40, length in 8_usize..40,
        ) {
            let trimmed = secret.trim();
            prop_assume!(trimmed.len() >= PIECE);
            let from = from.min(trimmed.len() - PIECE);
            let piece = &trimmed[from..(from + length).min(trimmed.len())];
            let shown = redacted(&format!("{before}{piece}{after}"), &secret);
            for window in trimmed.as_bytes().windows(PIECE) {
                prop_assert!(!shown.as_bytes().windows(PIECE).any(|there| there == window), "{shown}");
            }
        }

        #[test]
        fn any_text_can_be_redacted(text in "\\PC*", secret in "\\PC*") {
            redacted(&text, &secret);
        }
    }
}
