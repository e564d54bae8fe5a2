//! What can go wrong on the control plane, whatever the use case.

use crate::domain::agent::Status;
use crate::domain::declared::{Facts, Limit};
use crate::domain::field_error::FieldError;
use crate::domain::patch::NotDone;
use crate::domain::plan::Feature;
use crate::domain::vault;
use crate::ports::{Unavailable, WriteError};

use super::denied::Denied;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Fields that do not fit.
    #[error("invalid fields")]
    Invalid(Vec<FieldError>),
    /// The body is no file that could be taken in: why.
    #[error("{0}")]
    Unreadable(String),
    /// There is no such thing here; whether another account has it is not said.
    #[error("no such {}", .0.name())]
    Missing(Thing),
    /// Only the platform has it, and its own are not the account's to delete.
    #[error("the {} is the platform's", .0.name())]
    PlatformsOwn(Thing),
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
    #[error("the plan allows no more than {most} {thing}s", most = .1, thing = .0.name())]
    PlanFull(Thing, u32),
    /// The account's plan does not have this at all.
    #[error("the plan lacks {}", .0.name())]
    PlanLacks(Feature),
    /// The key acts for no member.
    #[error("the key acts for no member")]
    NoMember,
    /// An agent of the first status cannot be moved to the second in one step.
    #[error("there is no such move from {}", .0.name())]
    NoMove(Status, Status),
    /// Agents that it would hand off to and that are not in use, by id.
    #[error("it hands off to agents that are gone")]
    HandsToGone(Vec<String>),
    /// Agents that hand off to it, by slug.
    #[error("others hand off to it")]
    HandedTo(Vec<String>),
    /// An operation of a patch tests for another value, by its field.
    #[error("the test of operation {0} fails")]
    TestFailed(String),
    /// Model lines name it, by what has them.
    #[error("lines name the {}", .0.name())]
    NamedBy(Thing, Vec<String>),
    /// A legal hold keeps it.
    #[error("a legal hold keeps what is there of this person")]
    Held,
    /// It is switched off, so it does nothing.
    #[error("the {} is not enabled", .0.name())]
    NotEnabled(Thing),
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
    Flag,
    Key,
    Memory,
    Version,
    /// A message to a webhook.
    Delivery,
    /// The erasure of a person.
    Erasure,
    /// A legal hold.
    Hold,
    Declared(&'static Facts),
}

impl Thing {
    /// As a sentence calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Agent => "agent",
            Self::Flag => "flag",
            Self::Key => "key",
            Self::Memory => "memory",
            Self::Version => "version",
            Self::Delivery => "delivery",
            Self::Erasure => "erasure",
            Self::Hold => "hold",
            Self::Declared(kind) => kind.singular,
        }
    }
}

impl Thing {
    /// As a plan's limit calls several of it.
    pub fn limit(&self) -> String {
        match self {
            Self::Memory => "memories".to_owned(),
            other => format!("{}s", other.name()),
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
            WriteError::Full(most) => match thing {
                Thing::Declared(kind) if matches!(kind.limit, Limit::Fixed(_)) => {
                    Self::Full(thing, most as usize)
                }
                _ => Self::PlanFull(thing, most),
            },
            WriteError::Lacks(feature) => Self::PlanLacks(feature),
            WriteError::Unavailable(unavailable) => Self::Unavailable(unavailable),
        }
    }
}

impl From<NotDone> for Failure {
    fn from(not_done: NotDone) -> Self {
        match not_done {
            NotDone::Test(field) => Self::TestFailed(field),
            NotDone::Invalid(fault) => Self::Invalid(vec![fault]),
        }
    }
}

impl From<Vec<FieldError>> for Failure {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::Invalid(errors)
    }
}
