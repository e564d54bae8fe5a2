//! Errors, in OpenAI's shape.

use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::to_json;

/// What OpenAI's clients tell errors apart by, besides the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = OpenAiErrorKind)]
pub enum ErrorKind {
    #[serde(rename = "invalid_request_error")]
    InvalidRequest,
    #[serde(rename = "authentication_error")]
    Authentication,
    #[serde(rename = "permission_error")]
    Permission,
    #[serde(rename = "insufficient_quota")]
    InsufficientQuota,
    #[serde(rename = "rate_limit_error")]
    RateLimit,
    #[serde(rename = "server_error")]
    Server,
}

/// An error as a body or within a stream.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = OpenAiFault)]
pub struct ErrorBody<'a> {
    pub message: &'a str,
    #[serde(rename = "type")]
    pub kind: ErrorKind,
    /// The field at fault, as [`crate::wire::client::Invalid::param`].
    pub param: Option<&'a str>,
    #[schema(example = "not_found")]
    /// A stable slug, such as `budget_exceeded`; OpenAI's own for an unknown model is `model_not_found`.
    pub code: Option<&'a str>,
}

impl ErrorBody<'_> {
    /// The body of an error reply.
    pub fn to_json(self) -> Vec<u8> {
        to_json(&Enclosed { error: self })
    }
}

/// An error in OpenAI's shape.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenAiError)]
pub struct Enclosed<'a> {
    pub(super) error: ErrorBody<'a>,
}
