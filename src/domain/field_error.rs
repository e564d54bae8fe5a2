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

/// Collects every fault of a request, so that one answer names them all.
#[derive(Debug, Default)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    pub fn add(&mut self, field: &str, message: impl ToString) {
        self.0.push(FieldError { field: field.to_owned(), message: message.to_string() });
    }

    /// Notes the fault of a failed parse and goes on without its value.
    pub fn take<T, E: ToString>(&mut self, field: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(field, error)).ok()
    }

    /// Notes the faults of a failed check and goes on without its value.
    pub fn take_all<T>(&mut self, result: Result<T, Vec<FieldError>>) -> Option<T> {
        result.map_err(|errors| self.0.extend(errors)).ok()
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
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }

    /// # Errors
    /// Everything noted, when there was anything; a `value` that [`FieldErrors::take`] did not give has its note.
    pub fn finish_with<T>(self, value: Option<T>) -> Result<T, Vec<FieldError>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }

    /// Notes what a later check found of the fields that had no fault before it.
    pub fn join_new(&mut self, result: Result<(), Vec<FieldError>>) {
        let known: Vec<String> = self.0.iter().map(|noted| noted.field.clone()).collect();
        self.0.extend(result.err().into_iter().flatten().filter(|error| !known.contains(&error.field)));
    }

    /// Notes what another check found.
    pub fn join(&mut self, result: Result<(), Vec<FieldError>>) {
        self.0.extend(result.err().into_iter().flatten());
    }
}
