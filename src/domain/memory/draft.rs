//! What is written of a memory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Status;
use super::keys::has_key;
use super::seen::seen;
use crate::domain::field_error::{FieldError, FieldErrors};

/// The most characters of a text.
pub const MAX_TEXT: usize = 4_000;
const MAX_LABELS: usize = 16;
const MAX_LABEL: usize = 64;
const MAX_PAIRS: usize = 16;
const MAX_KEY: usize = 64;
const MAX_VALUE: usize = 512;

/// Why a text is not remembered that looks like this.
pub const SECRET: &str = "looks as if it had a key or a password in it: secrets are not remembered, because models are given what is";

/// What is written of a memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    pub text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    #[serde(default)]
    pub status: Status,
}

impl Draft {
    /// An active memory without labels.
    pub fn of(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// # Errors
    /// All that does not fit.
    pub fn check(&self) -> Result<(), Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        errors.length("text", &self.text, 1, MAX_TEXT);
        if !self.text.is_empty() && seen(&self.text).trim().is_empty() {
            errors.add("text", "must not be blank");
        }
        // SQLite takes it for the end of a text.
        if self.text.contains('\0') {
            errors.add("text", "must not hold the character NUL");
        }
        if has_key(&self.text) {
            errors.add("text", SECRET);
        }
        if self.labels.len() > MAX_LABELS {
            errors.add("labels", format!("has at most {MAX_LABELS} entries"));
        }
        for (n, label) in self.labels.iter().take(MAX_LABELS).enumerate() {
            errors.length(&format!("labels[{n}]"), label, 1, MAX_LABEL);
        }
        if self.metadata.len() > MAX_PAIRS {
            errors.add("metadata", format!("has at most {MAX_PAIRS} pairs"));
        }
        for (key, value) in self.metadata.iter().take(MAX_PAIRS) {
            let field = format!("metadata.{key:.64}");
            errors.length(&field, key, 1, MAX_KEY);
            errors.length(&field, value, 0, MAX_VALUE);
        }
        errors.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(draft: &Draft) -> Vec<String> {
        draft.check().err().unwrap_or_default().into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn what_does_not_fit_is_named() {
        assert_eq!(fields(&Draft::of("Likes tea.")), Vec::<String>::new());
        assert_eq!(fields(&Draft::of("日".repeat(MAX_TEXT))), Vec::<String>::new());
        for text in [
            String::new(),
            " \n".to_owned(),
            "\u{200b}\u{3164}".to_owned(),
            "x".repeat(MAX_TEXT + 1),
            "a\0b".to_owned(),
        ] {
            assert_eq!(fields(&Draft::of(text)), ["text"]);
        }
        let draft = Draft {
            labels: vec![String::new()],
            metadata: [("k".to_owned(), "v".repeat(513))].into(),
            ..Draft::of("Likes tea.")
        };
        assert_eq!(fields(&draft), ["labels[0]", "metadata.k"]);
    }

    #[test]
    fn secrets_are_not_remembered() {
        assert_eq!(fields(&Draft::of("The key is sk-proj-abcdefghijkl.")), ["text"]);
        assert_eq!(fields(&Draft::of("sk-learn is the library.")), Vec::<String>::new());
    }
}
