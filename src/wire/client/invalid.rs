//! What is wrong with a request.

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// Where, as `messages[2].content`; `None` when the body is not JSON.
    pub param: Option<String>,
    /// How to mend it.
    pub message: String,
}

impl Invalid {
    pub(in crate::wire) fn at(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { param: Some(param.into()), message: message.into() }
    }
}
