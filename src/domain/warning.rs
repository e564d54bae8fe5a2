//! What was not done as the client asked, beside an answer that is good all the same.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One field and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Warning {
    /// A path such as `logit_bias`.
    #[schema(example = "top_k")]
    pub field: String,
    pub code: Code,
    /// For people.
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WarningCode)]
pub enum Code {
    /// The model that answered does not take the field: it was left out.
    NotTaken,
    /// The model does not take the field as it was written: it was sent something near.
    Adapted,
    /// Nobody here knows the field: it was left out.
    UnknownField,
    /// The model's answer has it, and the protocol of the reply has no place for it: it was left out.
    NotCarried,
    /// The field was left out: it has a default that calls cost money by.
    Defaulted,
    /// The thread is longer than what a model is sent: this was not sent.
    LeftOut,
    /// The field is kept, and does nothing beside another one.
    NoEffect,
    /// Calls of the agent, or of a model of its line, cannot work as the account is set up.
    NotReady,
}

impl Warning {
    pub fn new(field: impl Into<String>, code: Code, message: impl Into<String>) -> Self {
        Self { field: field.into(), code, message: message.into() }
    }

    /// A part of an answer.
    pub fn not_carried(name: &str) -> Self {
        Self::new(
            name,
            Code::NotCarried,
            format!("`{name}` of the model's answer has no place here, and was left out"),
        )
    }

    /// A field that this server or model does not take.
    pub fn not_taken(field: &str) -> Self {
        Self::new(
            field,
            Code::NotTaken,
            format!("`{field}` is not taken by the model that answered, and was left out"),
        )
    }
}
