//! The kinds of problems, and the only place that knows which status an error has.

use axum::http::StatusCode;

/// The kinds of problems: a stable slug, a title and a status each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    InvalidRequest,
    ValidationFailed,
    Unauthenticated,
    BudgetExceeded,
    Forbidden,
    OriginNotAllowed,
    NotFound,
    ModelNotFound,
    AgentNotActive,
    AgentArchived,
    MethodNotAllowed,
    Conflict,
    PreconditionFailed,
    PlanLimitExceeded,
    PayloadTooLarge,
    UnsupportedMediaType,
    UnsupportedCapability,
    UnpricedModel,
    UpstreamRejected,
    UpstreamDenied,
    ConcurrencyExceeded,
    RateLimited,
    UpstreamRateLimited,
    Internal,
    Misconfigured,
    UpstreamError,
    Unavailable,
    UpstreamTimeout,
    ThreadBusy,
    AlreadyResolved,
    RunEnded,
    RunUnanswered,
    OutputInvalid,
    InvalidCursor,
    EventsExpired,
    IdempotencyKeyReused,
    LegalHold,
}

impl Kind {
    pub const ALL: [Self; 37] = [
        Self::InvalidRequest,
        Self::ValidationFailed,
        Self::Unauthenticated,
        Self::BudgetExceeded,
        Self::Forbidden,
        Self::OriginNotAllowed,
        Self::NotFound,
        Self::ModelNotFound,
        Self::AgentNotActive,
        Self::AgentArchived,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::PreconditionFailed,
        Self::PlanLimitExceeded,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::UnsupportedCapability,
        Self::UnpricedModel,
        Self::UpstreamRejected,
        Self::UpstreamDenied,
        Self::ConcurrencyExceeded,
        Self::RateLimited,
        Self::UpstreamRateLimited,
        Self::Internal,
        Self::Misconfigured,
        Self::UpstreamError,
        Self::Unavailable,
        Self::UpstreamTimeout,
        Self::ThreadBusy,
        Self::AlreadyResolved,
        Self::RunEnded,
        Self::RunUnanswered,
        Self::OutputInvalid,
        Self::InvalidCursor,
        Self::EventsExpired,
        Self::IdempotencyKeyReused,
        Self::LegalHold,
    ];

    /// The `type` member, which programs branch on.
    pub const fn slug(self) -> &'static str {
        self.row().0
    }

    pub const fn title(self) -> &'static str {
        self.row().1
    }

    pub const fn status(self) -> StatusCode {
        self.row().2
    }

    const fn row(self) -> (&'static str, &'static str, StatusCode) {
        match self {
            Self::ThreadBusy => ("thread_busy", "The thread is at work", StatusCode::CONFLICT),
            Self::AlreadyResolved => ("already_resolved", "This was answered before", StatusCode::CONFLICT),
            Self::RunEnded => ("run_ended", "The run is over", StatusCode::GONE),
            // No client sends this status again by itself: another run would do again what this one has done.
            Self::RunUnanswered => {
                ("run_unanswered", "The run has no answer to this call", StatusCode::FAILED_DEPENDENCY)
            }
            // As above.
            Self::OutputInvalid => (
                "output_invalid",
                "The answer does not fit the agent's schema",
                StatusCode::FAILED_DEPENDENCY,
            ),
            Self::LegalHold => ("legal_hold", "A legal hold keeps this", StatusCode::CONFLICT),
            Self::InvalidCursor => {
                ("invalid_cursor", "The cursor is not one of ours", StatusCode::BAD_REQUEST)
            }
            Self::EventsExpired => ("events_expired", "These events are gone", StatusCode::GONE),
            Self::IdempotencyKeyReused => {
                ("idempotency_key_reused", "The key came with another body", StatusCode::UNPROCESSABLE_ENTITY)
            }
            Self::InvalidRequest => {
                ("invalid_request", "The request cannot be read", StatusCode::BAD_REQUEST)
            }
            Self::ValidationFailed => {
                ("validation_failed", "Some fields are not valid", StatusCode::BAD_REQUEST)
            }
            Self::Unauthenticated => ("unauthenticated", "A valid key is needed", StatusCode::UNAUTHORIZED),
            Self::BudgetExceeded => ("budget_exceeded", "The budget is spent", StatusCode::PAYMENT_REQUIRED),
            Self::Forbidden => ("forbidden", "The key may not do this", StatusCode::FORBIDDEN),
            Self::OriginNotAllowed => {
                ("origin_not_allowed", "Pages of this origin may not call", StatusCode::FORBIDDEN)
            }
            Self::NotFound => ("not_found", "There is no such thing", StatusCode::NOT_FOUND),
            Self::ModelNotFound => ("model_not_found", "The agent has no such model", StatusCode::NOT_FOUND),
            Self::AgentNotActive => ("agent_not_active", "The agent is not active", StatusCode::FORBIDDEN),
            Self::AgentArchived => ("agent_archived", "The agent is archived", StatusCode::GONE),
            Self::MethodNotAllowed => {
                ("method_not_allowed", "The path does not have this method", StatusCode::METHOD_NOT_ALLOWED)
            }
            Self::Conflict => ("conflict", "It conflicts with what is there", StatusCode::CONFLICT),
            Self::PreconditionFailed => {
                ("precondition_failed", "It has changed since it was read", StatusCode::PRECONDITION_FAILED)
            }
            Self::PlanLimitExceeded => {
                ("plan_limit_exceeded", "The plan does not allow this", StatusCode::FORBIDDEN)
            }
            Self::PayloadTooLarge => {
                ("payload_too_large", "The body is too large", StatusCode::PAYLOAD_TOO_LARGE)
            }
            Self::UnsupportedMediaType => {
                ("unsupported_media_type", "The body is not JSON", StatusCode::UNSUPPORTED_MEDIA_TYPE)
            }
            Self::UnsupportedCapability => (
                "unsupported_capability",
                "No model of the agent can do this",
                StatusCode::UNPROCESSABLE_ENTITY,
            ),
            Self::UnpricedModel => {
                ("unpriced_model", "The model has no price", StatusCode::UNPROCESSABLE_ENTITY)
            }
            Self::UpstreamRejected => {
                ("upstream_rejected", "The provider refuses the request", StatusCode::BAD_REQUEST)
            }
            // No client sends this status again by itself, and it stays until somebody repairs it.
            Self::UpstreamDenied => (
                "upstream_denied",
                "The providers are not set up to serve this",
                StatusCode::FAILED_DEPENDENCY,
            ),
            Self::ConcurrencyExceeded => {
                ("concurrency_exceeded", "Too many calls at once", StatusCode::TOO_MANY_REQUESTS)
            }
            Self::RateLimited => ("rate_limited", "Too many calls a minute", StatusCode::TOO_MANY_REQUESTS),
            Self::UpstreamRateLimited => (
                "upstream_rate_limited",
                "The providers are over their rate limits",
                StatusCode::TOO_MANY_REQUESTS,
            ),
            Self::Internal => ("internal", "Something went wrong here", StatusCode::INTERNAL_SERVER_ERROR),
            Self::Misconfigured => {
                ("misconfigured", "The platform is not set up for this", StatusCode::INTERNAL_SERVER_ERROR)
            }
            Self::UpstreamError => ("upstream_error", "No provider answered", StatusCode::BAD_GATEWAY),
            Self::Unavailable => ("unavailable", "Temporarily unavailable", StatusCode::SERVICE_UNAVAILABLE),
            Self::UpstreamTimeout => {
                ("upstream_timeout", "The provider took too long", StatusCode::GATEWAY_TIMEOUT)
            }
        }
    }
}
