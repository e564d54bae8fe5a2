//! What is wrong with the fields of a request, said to the one who wrote it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One field and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// A path such as `budget.limit_usd`.
    pub field: String,
    pub message: String,
}

/// The most characters of a name that people read.
const MAX_NAME: usize = 255;

/// The most faults that are named; of the others the number.
pub const MAX_NAMED: usize = 100;
/// The most characters of a text that a client is shown: it may quote what the client sent.
const MAX_TEXT: usize = 2_000;
/// What stands for the field where faults are only counted.
const MORE: &str = "(more)";

/// The text, or so much of it as a client is shown.
pub fn shown(mut text: String) -> String {
    // A character has at least one byte.
    if text.len() > MAX_TEXT
        && let Some((end, _)) = text.char_indices().nth(MAX_TEXT)
    {
        text.truncate(end);
        text.push('…');
    }
    text
}

impl FieldError {
    /// As a client is shown it.
    #[must_use]
    pub fn shown(self) -> Self {
        Self { field: shown(self.field), message: shown(self.message) }
    }
}

/// Collects the faults of a request, so that one answer names them all, up to [`MAX_NAMED`].
#[derive(Debug, Default)]
pub struct FieldErrors {
    named: Vec<FieldError>,
    /// How many more there are.
    more: usize,
}

impl FieldErrors {
    pub fn add(&mut self, field: &str, message: impl ToString) {
        self.note(|| FieldError { field: field.to_owned(), message: message.to_string() });
    }

    /// Notes a fault that is only put in words while there is room for it.
    pub fn note(&mut self, fault: impl FnOnce() -> FieldError) {
        if self.named.len() < MAX_NAMED {
            self.named.push(fault());
        } else {
            self.more += 1;
        }
    }

    /// Notes the fault of a failed parse and goes on without its value.
    pub fn take<T, E: ToString>(&mut self, field: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(field, error)).ok()
    }

    /// Notes the faults of a failed check and goes on without its value.
    pub fn take_all<T>(&mut self, result: Result<T, Vec<FieldError>>) -> Option<T> {
        result.map_err(|errors| self.join(Err(errors))).ok()
    }

    /// A text whose length in characters must lie in a range.
    pub fn length(&mut self, field: &str, text: &str, min: usize, max: usize) {
        let chars = text.chars().count();
        if chars < min || chars > max {
            self.add(field, format!("must have {min} to {max} characters, has {chars}"));
        }
    }

    /// A text that stands on one line.
    pub fn line(&mut self, field: &str, text: &str) {
        if text.contains(char::is_control) {
            self.add(field, "must not hold control characters, such as line breaks");
        }
    }

    /// A name that people read: on one line, not blank. SQLite takes a NUL for the end of a text.
    pub fn name(&mut self, field: &str, name: &str) {
        self.length(field, name, 1, MAX_NAME);
        if !name.is_empty() && name.trim().is_empty() {
            self.add(field, "must not be blank");
        }
        self.line(field, name);
    }

    /// # Errors
    /// Everything noted, when there was anything.
    pub fn finish(self) -> Result<(), Vec<FieldError>> {
        self.finish_with(Some(()))
    }

    /// # Errors
    /// Everything noted, when there was anything; a `value` that [`FieldErrors::take`] did not give has its note.
    pub fn finish_with<T>(mut self, value: Option<T>) -> Result<T, Vec<FieldError>> {
        match value {
            Some(value) if self.named.is_empty() => Ok(value),
            _ => {
                if self.more > 0 {
                    let message = format!("and {} more", self.more);
                    self.named.push(FieldError { field: MORE.to_owned(), message });
                }
                Err(self.named)
            }
        }
    }

    /// Notes what a later check found of the fields that had no fault before it.
    pub fn join_new(&mut self, result: Result<(), Vec<FieldError>>) {
        let known: Vec<String> = self.named.iter().map(|noted| noted.field.clone()).collect();
        let new = |error: &FieldError| !known.contains(&error.field);
        result.err().into_iter().flatten().filter(new).for_each(|error| self.note(|| error));
    }

    /// Notes what another check found.
    pub fn join(&mut self, result: Result<(), Vec<FieldError>>) {
        result.err().into_iter().flatten().for_each(|error| self.note(|| error));
    }

    /// Notes what another collection has.
    pub fn absorb(&mut self, other: Self) {
        other.named.into_iter().for_each(|error| self.note(|| error));
        self.more += other.more;
    }
}

/// What was checked, unless faults were noted before it: then these, and those of the check in other fields.
///
/// # Errors
/// The faults.
pub fn beside<T>(noted: Vec<FieldError>, checked: Result<T, Vec<FieldError>>) -> Result<T, Vec<FieldError>> {
    if noted.is_empty() {
        return checked;
    }
    let mut errors = FieldErrors::default();
    errors.join(Err(noted));
    errors.join_new(checked.map(drop));
    errors.finish_with(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_faults_are_named_up_to_a_number_and_then_counted() {
        let mut errors = FieldErrors::default();
        (0..12_445).for_each(|i| errors.add(&format!("f{i}"), "is wrong"));
        let errors = errors.finish().unwrap_err();
        assert_eq!((errors.len(), errors[99].field.as_str()), (101, "f99"));
        assert_eq!((errors[100].field.as_str(), errors[100].message.as_str()), ("(more)", "and 12345 more"));
    }
}
