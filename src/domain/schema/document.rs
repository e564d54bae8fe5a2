//! A document as a text has it: what a model answers, what a caller asks.

use serde_json::Value;
use serde_json::error::Category;

use crate::domain::json::{self, MAX_DEPTH, MAX_VALUES, Unsound, has_few_values};

/// The most bytes of a document.
const MAX_BYTES: usize = 4 * 1_024 * 1_024;
const FENCE: &str = "```";
/// How serde_json's message begins of what is nested deeper than [`MAX_DEPTH`].
const TOO_DEEP: &str = "recursion limit exceeded";

/// JSON, and the text that is nothing else.
#[derive(Debug, PartialEq)]
pub struct Document<'a> {
    pub text: &'a str,
    pub value: Value,
}

/// Why a text is no document, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unread(String);

impl<'a> Document<'a> {
    /// Reads a text that is JSON.
    ///
    /// # Errors
    /// [`Unread`].
    pub fn read(text: &'a str) -> Result<Self, Unread> {
        if text.trim().is_empty() {
            return Err(Unread("is empty, and must be JSON".to_owned()));
        }
        if text.len() > MAX_BYTES {
            return Err(Unread(format!("has more than {MAX_BYTES} bytes")));
        }
        if !has_few_values(text.as_bytes()) {
            return Err(Unread(format!("has more than {MAX_VALUES} values")));
        }
        let value = serde_json::from_str(text).map_err(|error| unread(&error))?;
        // Which of the two counts, readers do not agree on.
        match repeated_key(text) {
            Some(place) => Err(Unread(format!("has a member twice: `{place}`"))),
            None => Ok(Self { text, value }),
        }
    }

    /// Reads what a model says: also JSON that stands alone in a code fence, as models write it that were asked in words.
    ///
    /// # Errors
    /// [`Unread`].
    pub fn read_answer(text: &'a str) -> Result<Self, Unread> {
        let read = Self::read(text);
        match unfenced(text).filter(|_| read.is_err()) {
            Some(inside) => Self::read(inside).or(read),
            None => read,
        }
    }
}

/// The most characters of a place that are named.
const MAX_PLACE: usize = 200;

/// Where the first member stands that its object has already.
fn repeated_key(text: &str) -> Option<String> {
    match json::text(text) {
        Err(Unsound::Faulty(faults)) => {
            let twice = faults.into_iter().find(|fault| fault.message == json::TWICE)?;
            Some(twice.field.chars().take(MAX_PLACE).collect())
        }
        _ => None,
    }
}

/// The parser's own message may quote the text at any length.
fn unread(error: &serde_json::Error) -> Unread {
    if error.to_string().starts_with(TOO_DEEP) {
        return Unread(format!("is nested more than {MAX_DEPTH} deep"));
    }
    let fault = match error.classify() {
        Category::Eof => "it ends too early",
        Category::Syntax | Category::Data | Category::Io => "something else stands",
    };
    Unread(format!("is not JSON: {fault} at line {}, column {}", error.line(), error.column()))
}

/// What stands in the fence that is the whole text.
fn unfenced(text: &str) -> Option<&str> {
    let inside = text.trim().strip_prefix(FENCE)?.strip_suffix(FENCE)?;
    let (language, inside) = inside.split_once('\n')?;
    let is_word = language.trim().chars().all(char::is_alphanumeric);
    (is_word && !inside.contains(FENCE)).then(|| inside.trim())
}
