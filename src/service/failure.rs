//! What can go wrong on the control plane, whatever the use case.

use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::vault;
use crate::ports::{Unavailable, WriteError};

use super::authenticate::Denied;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Fields that do not fit.
    #[error("invalid fields")]
    Invalid(Vec<FieldError>),
    /// There is no such thing here; whether another account has it is not said.
    #[error("no such {}", .0.name())]
    Missing(Thing),
    /// The agent has no budget to show.
    #[error("the agent has no budget")]
    NoBudget,
    /// Another one has this slug.
    #[error("the slug of the {} is taken", .0.name())]
    Taken(Thing),
    /// Others changed it as often as this one tried.
    #[error("the {} keeps changing", .0.name())]
    Contended(Thing),
    /// It is not as the client wants it to be.
    #[error("the {} is not as expected", .0.name())]
    Precondition(Thing),
    /// The account's plan allows no more.
    #[error("the plan allows no more {}", .0.name())]
    PlanFull(Thing),
    /// Agents that hand off to it, by slug.
    #[error("others hand off to it")]
    HandedTo(Vec<String>),
    /// The account has as many of these as one may have.
    #[error("no more {} fit", .0.name())]
    Full(Thing, usize),
    /// A provider's key cannot be sealed, because of what the operator has set.
    #[error(transparent)]
    Vault(vault::Error),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What a request can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    Account,
    Agent,
    Alias,
    Key,
    Member,
    Model,
    Provider,
    Template,
    Version,
}

impl Thing {
    /// As a sentence calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Agent => "agent",
            Self::Alias => "alias",
            Self::Key => "key",
            Self::Member => "member",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Template => "template",
            Self::Version => "version",
        }
    }
}

impl Failure {
    /// One field does not fit.
    pub fn invalid(field: &str, message: &str) -> Self {
        Self::Invalid(vec![FieldError { field: field.to_owned(), message: message.to_owned() }])
    }

    /// A failed write of a row whose name others may have.
    pub fn of_write(error: WriteError, thing: Thing) -> Self {
        match error {
            WriteError::Taken => Self::Taken(thing),
            WriteError::Moved => Self::Contended(thing),
            WriteError::Full => Self::PlanFull(thing),
            WriteError::Unavailable(unavailable) => Self::Unavailable(unavailable),
        }
    }
}

impl From<Vec<FieldError>> for Failure {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::Invalid(errors)
    }
}

/// The most characters of a name that people read.
const MAX_NAME: usize = 255;

/// A name that people read: on one line, not blank. SQLite takes a NUL for the end of a text.
pub(super) fn check_name(errors: &mut FieldErrors, field: &str, name: &str) {
    errors.length(field, name, 1, MAX_NAME);
    if !name.is_empty() && name.trim().is_empty() {
        errors.add(field, "must not be blank");
    }
    errors.line(field, name);
}
