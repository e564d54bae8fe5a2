//! Errors, in Anthropic's shape.

use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::to_json;

/// What Anthropic's clients tell errors apart by, besides the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AnthropicErrorKind)]
pub enum ErrorKind {
    InvalidRequestError,
    AuthenticationError,
    BillingError,
    PermissionError,
    NotFoundError,
    RequestTooLarge,
    RateLimitError,
    TimeoutError,
    ApiError,
    OverloadedError,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = AnthropicFault)]
pub struct ErrorBody<'a> {
    #[serde(rename = "type")]
    pub kind: ErrorKind,
    pub message: &'a str,
    /// Ours: a stable slug, such as `budget_exceeded`.
    #[schema(example = "not_found")]
    pub code: &'a str,
    /// Ours: the field at fault, such as `messages[2].content`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<&'a str>,
}

impl<'a> ErrorBody<'a> {
    /// The body of an error reply.
    pub fn to_json(self) -> Vec<u8> {
        to_json(&Enclosed::of(self))
    }
}

/// An error in Anthropic's shape.
#[derive(Serialize, ToSchema)]
#[schema(as = AnthropicError)]
pub struct Enclosed<'a> {
    #[serde(rename = "type")]
    #[schema(example = "error")]
    kind: &'static str,
    error: ErrorBody<'a>,
}

impl<'a> Enclosed<'a> {
    pub const fn of(error: ErrorBody<'a>) -> Self {
        Self { kind: "error", error }
    }
}
