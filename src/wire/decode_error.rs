//! How reading a provider's answer fails, whatever its protocol.

use crate::domain::message::Usage;

/// Why a provider's bytes could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not the documented format: HTML, cut JSON, a missing field.
    #[error("the provider's answer is malformed: {0}")]
    Malformed(String),
    /// An error object inside a reply or stream that began as a success.
    #[error("the provider reported an error: {message}")]
    Reported {
        message: String,
        /// Overload and the like: another try may succeed.
        transient: bool,
        /// The tokens that it says were used all the same.
        usage: Option<Usage>,
    },
}

impl DecodeError {
    /// With what stands beside the error, if it is a reported one without a count.
    #[must_use]
    pub fn counted(mut self, beside: Option<Usage>) -> Self {
        if let Self::Reported { usage, .. } = &mut self {
            *usage = usage.or(beside);
        }
        self
    }
}
