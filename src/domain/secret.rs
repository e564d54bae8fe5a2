//! Secrets: text that neither prints nor serializes.
//!
//! Whoever needs the text says so with [`Secret::expose`], which is therefore all there is to review. Not here:
//! wiping memory, because the text also passes through the platform's own buffers.

use std::fmt;

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// A key or password that came from outside. It is read from JSON and never written to it.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the one place that sends or seals it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no secret at all, only blanks.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// What may be shown to tell secrets apart: the last four characters, fewer when they would be more than a
    /// quarter of the whole.
    pub fn last4(&self) -> String {
        let length = self.0.chars().count();
        let shown = (length / 4).min(4);
        self.0.chars().skip(length - shown).collect()
    }

    /// Whether `presented` is this secret, in a time that tells nothing of where they differ. A blank secret
    /// matches nothing, so a variable left empty opens no door.
    ///
    /// Compares SHA-256 digests without an early exit: the time depends on neither text beyond its length.
    pub fn matches(&self, presented: &str) -> bool {
        let (own, theirs) = (Sha256::digest(self.0.as_bytes()), Sha256::digest(presented.as_bytes()));
        let difference = own.iter().zip(theirs.iter()).fold(0, |bits, (a, b)| bits | (a ^ b));
        difference == 0 && !self.is_blank()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn printing_shows_nothing() {
        let nested = Some(vec![secret("sk-abcdefgh")]);
        assert_eq!(format!("{nested:?}"), "Some([Secret(…)])");
    }

    #[test]
    fn no_more_than_a_quarter_is_ever_shown() {
        for (text, shown) in [
            ("", ""),
            ("abc", ""),
            ("abcd", "d"),
            ("abcdefg", "g"),
            ("abcdefgh", "gh"),
            ("0123456789abcdef", "cdef"),
            ("sk-proj-0123456789abcdefghij", "ghij"),
            ("schlüsselwörter", "ter"),
        ] {
            assert_eq!(secret(text).last4(), shown, "{text:?}");
        }
    }

    #[test]
    fn only_the_same_text_matches() {
        assert!(secret("operator").matches("operator"));
        for other in ["", "Operator", "operator ", "operato", "operatorx"] {
            assert!(!secret("operator").matches(other), "{other:?}");
        }
    }

    #[test]
    fn a_blank_secret_matches_nothing() {
        for blank in ["", " ", "\t\n"] {
            assert!(!secret(blank).matches(blank), "{blank:?}");
        }
    }

    #[test]
    fn a_secret_is_read_from_a_json_string() {
        assert_eq!(serde_json::from_str::<Secret>("\"sk-1\"").unwrap().expose(), "sk-1");
        assert!(serde_json::from_str::<Secret>("17").is_err());
    }
}
