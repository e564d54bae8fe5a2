//! How reading a provider's answer fails, whatever its protocol.

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
    },
}
