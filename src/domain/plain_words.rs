//! What a person wrote from what a machine made: a key, a token or a good password is not made of words.

/// The most letters of a word.
const MAX_WORD: usize = 14;
/// The most digits that number something.
const MAX_DIGITS: usize = 2;
/// So many letters and digits in a row are enough for a key.
const DENSE: usize = 10;
/// The fewest characters of what somebody was asked to make hard to guess.
const MIN_MADE: usize = 6;

/// Whether a text is nothing but words, with signs between them and small numbers beside: `sk-learn-2`, `hf_transfer`,
/// `C minor`.
pub fn are_words(text: &str) -> bool {
    let mut pieces = text.split(is_between).filter(|piece| !piece.is_empty()).peekable();
    pieces.peek().is_some() && pieces.all(is_word)
}

/// Whether it is several words, as a person writes them.
pub fn is_phrase(text: &str) -> bool {
    let is_one = |word: &str| {
        let word = word.trim_matches(['.', ',', ';', '!', '?', '"', '\'', '(', ')']);
        word.is_empty() || are_words(word)
    };
    text.split_whitespace().count() > 1 && text.split_whitespace().all(is_one)
}

/// Whether it looks as if a machine had made it, or somebody who was asked for a digit.
pub fn is_made(text: &str) -> bool {
    let has = |is: fn(&u8) -> bool| text.bytes().any(|byte| is(&byte));
    let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
        || has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    text.len() >= MIN_MADE && !text.contains(char::is_whitespace) && is_mixed && !are_words(text)
}

/// Whether so many letters and digits stand in a row, of both some, that no word is like it.
pub fn is_dense(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|row| {
        let has = |is: fn(&u8) -> bool| row.bytes().any(|byte| is(&byte));
        row.len() >= DENSE && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
    })
}

fn is_between(c: char) -> bool {
    matches!(c, '_' | '-' | '.' | ':') || c.is_whitespace()
}

fn is_word(piece: &str) -> bool {
    let is_number = piece.len() <= MAX_DIGITS && piece.bytes().all(|byte| byte.is_ascii_digit());
    let mut letters = piece.chars();
    let is_capital = letters.next().is_some_and(char::is_uppercase);
    let rest = letters.as_str();
    let is_of_letters = piece.chars().all(char::is_alphabetic) && piece.chars().count() <= MAX_WORD;
    let is_one_case = !rest.contains(char::is_uppercase) || is_capital && !rest.contains(char::is_lowercase);
    is_number || is_of_letters && is_one_case
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_from_what_a_machine_made() {
        for text in [
            "hf_transfer",
            "C minor",
            "sk-learn-2",
            "ERC-20",
            "grün und Blau",
            "OPENAI_API_KEY",
            "authentication",
        ] {
            assert!(are_words(text) && !is_made(text) && !is_dense(text), "{text}");
        }
        for text in ["hunter2", "8aAQD6Y2H6DDtK", "sid=abc1", "abCdEfgh", "p4ss-word"] {
            assert!(!are_words(text) && is_made(text), "{text}");
        }
        assert!(is_dense("x 8aAQD6Y2H6DDtK") && !is_dense("v1.2.3-beta4 of 2026-11-28"));
        assert!(is_phrase("Ask the manager, please.") && !is_phrase("hunter") && !is_phrase("say hunter2x"));
        assert!(!are_words("") && !are_words("--"));
    }
}
