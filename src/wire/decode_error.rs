//! How reading a provider's answer fails, whatever its protocol.

use crate::domain::message::Usage;
use crate::wire::provider::Refusal;

/// Why a provider's bytes could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not the documented format: HTML, cut JSON, a missing field.
    #[error("the provider's answer is malformed: {0}")]
    Malformed(String),
    /// An error object inside a reply or stream that began as a success.
    #[error("the provider reported an error: {}", .0.message)]
    Reported(Box<Reported>),
}

/// An error that a provider reports where an answer was to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// The provider's words, whole, so that secrets in them can be found.
    pub message: String,
    /// The status that the error would have had as a reply of its own; 502 where nothing says which.
    pub status: u16,
    pub refusal: Refusal,
    /// The tokens that it says were used all the same.
    pub usage: Option<Usage>,
}

impl DecodeError {
    /// With what stands beside the error, if it is a reported one without a count.
    #[must_use]
    pub fn counted(mut self, beside: Option<Usage>) -> Self {
        if let Self::Reported(reported) = &mut self {
            reported.usage = reported.usage.or(beside);
        }
        self
    }
}
