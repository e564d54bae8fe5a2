//! Problem documents (RFC 9457), and the only place that knows which status an error has.
//!
//! What a service says for the operator stays apart ([`Problem::report`] logs it) and never reaches a client.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::rate_limit;
use crate::domain::account::Role;
use crate::domain::agent::Status;
use crate::domain::field_error::FieldError;
use crate::domain::vault;
use crate::ports::World;
use crate::service::App;
use crate::service::authenticate::{self, Denied};
use crate::service::call;
use crate::service::failure::{Failure, Thing};

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
    ConcurrencyExceeded,
    RateLimited,
    Internal,
    Misconfigured,
    UpstreamError,
    Unavailable,
    UpstreamTimeout,
}

impl Kind {
    pub const ALL: [Self; 26] = [
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
        Self::ConcurrencyExceeded,
        Self::RateLimited,
        Self::Internal,
        Self::Misconfigured,
        Self::UpstreamError,
        Self::Unavailable,
        Self::UpstreamTimeout,
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
            Self::InvalidRequest => {
                ("invalid_request", "The request cannot be read", StatusCode::BAD_REQUEST)
            }
            Self::ValidationFailed => {
                ("validation_failed", "Some fields do not fit", StatusCode::BAD_REQUEST)
            }
            Self::Unauthenticated => ("unauthenticated", "A valid key is needed", StatusCode::UNAUTHORIZED),
            Self::BudgetExceeded => ("budget_exceeded", "The budget is spent", StatusCode::PAYMENT_REQUIRED),
            Self::Forbidden => ("forbidden", "The key may not do this", StatusCode::FORBIDDEN),
            Self::OriginNotAllowed => {
                ("origin_not_allowed", "Pages of this origin may not call", StatusCode::FORBIDDEN)
            }
            Self::NotFound => ("not_found", "There is no such thing", StatusCode::NOT_FOUND),
            Self::ModelNotFound => ("model_not_found", "The agent has no such model", StatusCode::NOT_FOUND),
            Self::AgentNotActive => ("agent_not_active", "The agent is not active", StatusCode::CONFLICT),
            Self::AgentArchived => ("agent_archived", "The agent is archived", StatusCode::GONE),
            Self::MethodNotAllowed => {
                ("method_not_allowed", "The method does not fit", StatusCode::METHOD_NOT_ALLOWED)
            }
            Self::Conflict => ("conflict", "What is there is in the way", StatusCode::CONFLICT),
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
            Self::ConcurrencyExceeded => {
                ("concurrency_exceeded", "Too many calls at once", StatusCode::TOO_MANY_REQUESTS)
            }
            Self::RateLimited => ("rate_limited", "Too many calls a minute", StatusCode::TOO_MANY_REQUESTS),
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

/// A problem document on its way to a client.
#[derive(Clone, Debug)]
pub struct Problem {
    pub kind: Kind,
    /// What happened, and how to mend it.
    pub detail: String,
    pub errors: Vec<FieldError>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// For the operator's log alone.
    internal: Option<String>,
}

/// Its JSON.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct Document<'a> {
    /// A stable slug that programs branch on.
    #[serde(rename = "type")]
    #[schema(example = "validation_failed")]
    kind: &'a str,
    title: &'a str,
    status: u16,
    /// What happened, and how to mend it.
    detail: &'a str,
    /// The fields that do not fit, of `validation_failed`.
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    #[schema(required = false)]
    errors: &'a [FieldError],
}

impl Problem {
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), headers: Vec::new(), internal: None }
    }

    /// Some fields do not fit.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("{}: {}", one.field, one.message),
            many => format!("{} fields do not fit; see errors", many.len()),
        };
        Self { errors, ..Self::new(Kind::ValidationFailed, detail) }
    }

    /// A store did not answer; `internal` is for the log.
    pub fn unavailable(internal: impl Into<String>) -> Self {
        let detail = "Part of the platform did not answer. It is safe to try again in a moment.";
        Self::new(Kind::Unavailable, detail).with_internal(internal).retry_after(1)
    }

    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Says when to try again, in seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    #[must_use]
    pub fn with_internal(mut self, internal: impl Into<String>) -> Self {
        self.internal = Some(internal.into());
        self
    }

    /// Tells the operator what the client is not told.
    #[must_use]
    pub fn logged<W: World>(self, app: &App<W>) -> Self {
        if let Some(internal) = &self.internal {
            app.world.log(&format!("{}: {internal}", self.kind.slug()));
        }
        self
    }

    /// For `map_err`: the problem of an error, logged.
    pub fn report<W: World, E>(app: &App<W>) -> impl FnOnce(E) -> Self + '_
    where
        Self: From<E>,
    {
        |error| Self::from(error).logged(app)
    }

    /// Headers of the reply beside the content type.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }
}

impl Problem {
    /// The document.
    pub fn to_json(&self) -> Vec<u8> {
        let document = Document {
            kind: self.kind.slug(),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: &self.detail,
            errors: &self.errors,
        };
        serde_json::to_vec(&document).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.to_json()));
        *response.status_mut() = self.kind.status();
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response.headers_mut().extend(self.headers);
        response
    }
}

impl From<authenticate::Error> for Problem {
    fn from(error: authenticate::Error) -> Self {
        let detail = match error {
            authenticate::Error::Unavailable(error) => return Self::unavailable(error.0),
            authenticate::Error::Missing => {
                "Send a key as `Authorization: Bearer <key>` or in `x-api-key`.".to_owned()
            }
            authenticate::Error::Malformed(invalid) => format!("The key cannot be right: {invalid}."),
            authenticate::Error::Rejected => {
                "The key is not valid here: it is unknown, expired or revoked, or switched off because the account's \
                 plan has no room for it. An admin of the account can issue another."
                    .to_owned()
            }
        };
        let bearer = HeaderValue::from_static(REALM);
        Self::new(Kind::Unauthenticated, detail).with_header(header::WWW_AUTHENTICATE, bearer)
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let detail = match denied {
            Denied::Role(Role::Admin) => "This needs a key of role admin.",
            Denied::Role(Role::Member) => "This needs a key of role member or admin.",
            Denied::Role(Role::Caller) => "This needs a key of the account.",
            Denied::OperatorIsNoAccount => {
                "The operator's key acts for no account here. Issue a key of the account with \
                 POST /api/v1/accounts/{account}/keys and use that."
            }
            Denied::OperatorOnly => "Only the operator's key may do this.",
            Denied::Suspended => {
                "The account is suspended: its configuration can be read, not changed. Ask the operator."
            }
        };
        Self::new(Kind::Forbidden, detail)
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Denied(denied) => denied.into(),
            Failure::Invalid(errors) => Self::invalid(errors),
            Failure::Unreadable(why) => {
                Self::new(Kind::InvalidRequest, format!("The body is no file of agents: {why}."))
            }
            Failure::Missing(thing) => Self::new(Kind::NotFound, missing(thing)),
            Failure::PlatformsOwn(thing) => Self::new(
                Kind::NotFound,
                format!(
                    "The account has no {0} of its own here: the platform offers this one, and only its operator can \
                     delete it.",
                    thing.name()
                ),
            ),
            Failure::NoBudget => Self::new(
                Kind::NotFound,
                "The agent has no budget. Set one with PUT /api/v1/agents/{agent}/budget.",
            ),
            Failure::Taken(thing) => Self::new(
                Kind::Conflict,
                format!("Another {0} has this {1}. Choose another {1}.", thing.name(), name_of(thing)),
            ),
            Failure::Contended(thing) => Self::new(
                Kind::Conflict,
                format!(
                    "The {} is being changed by others at the same time. Read it and try again.",
                    thing.name()
                ),
            )
            .retry_after(1),
            Failure::Precondition(thing) => Self::new(
                Kind::PreconditionFailed,
                format!(
                    "The {} is not as If-Match names it. Read it and make the change again.",
                    thing.name()
                ),
            ),
            Failure::PlanFull(thing, most) => Self::new(
                Kind::PlanLimitExceeded,
                format!(
                    "The account's plan allows no more: its limit `{}s` is {most}. GET /api/v1/account shows what is \
                     used; a higher plan has room for more.",
                    thing.name()
                ),
            ),
            Failure::NoMove(status) => Self::new(Kind::Conflict, no_move(status)),
            Failure::HandsToGone(agents) => Self::new(
                Kind::Conflict,
                format!(
                    "It hands off to agents that are archived: {}. Restore them first, or add ?force=true, which restores \
                     it without these hand-offs.",
                    agents.join(", ")
                ),
            ),
            Failure::PlanLacks(feature) => Self::new(
                Kind::PlanLimitExceeded,
                format!(
                    "The account's plan does not have `{}`. GET /api/v1/account shows its features.",
                    feature.name()
                ),
            ),
            Failure::NoMember => Self::new(
                Kind::NotFound,
                "This key acts for no member, so it has no profile. An admin can issue one that does: \
                 POST /api/v1/accounts/{account}/keys with `member`.",
            ),
            Failure::HandedTo(agents) => Self::new(
                Kind::Conflict,
                format!(
                    "Other agents hand off to it: {}. Change them first, or add ?force=true, which removes it there.",
                    agents.join(", ")
                ),
            ),
            Failure::Full(thing, most) => Self::new(
                Kind::Conflict,
                format!(
                    "The account has {most} of these, the most it may have. Delete a {} first.",
                    thing.name()
                ),
            ),
            Failure::Vault(error) => vault(error),
            Failure::Unavailable(error) => Self::unavailable(error.0),
        }
    }
}

impl From<call::Error> for Problem {
    fn from(error: call::Error) -> Self {
        let kind = match &error {
            call::Error::Unauthenticated(_) => {
                return Self::new(Kind::Unauthenticated, sentence(&error.to_string()))
                    .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(REALM));
            }
            call::Error::Concurrency { .. } => {
                return Self::new(Kind::ConcurrencyExceeded, sentence(&error.to_string())).retry_after(1);
            }
            call::Error::Rate(quota) => {
                let problem = Self::new(Kind::RateLimited, sentence(&error.to_string()));
                let limited = rate_limit::headers(quota).into_iter();
                return limited.fold(problem.retry_after(quota.reset_s), |problem, (name, value)| {
                    problem.with_header(name, value)
                });
            }
            call::Error::Unavailable => {
                return Self::new(Kind::Unavailable, sentence(&error.to_string())).retry_after(1);
            }
            call::Error::Variables(errors) => return Self::invalid(errors.clone()),
            call::Error::KeyNotForAgent | call::Error::AccountSuspended => Kind::Forbidden,
            call::Error::OriginNotAllowed(_) => Kind::OriginNotAllowed,
            call::Error::NoSuchAgent => Kind::NotFound,
            call::Error::NotActive { .. } => Kind::AgentNotActive,
            call::Error::Archived(_) => Kind::AgentArchived,
            call::Error::NoSuchModel(_) => Kind::ModelNotFound,
            call::Error::Unsupported(_) => Kind::UnsupportedCapability,
            call::Error::Unpriced { .. } => Kind::UnpricedModel,
            call::Error::BudgetExceeded { .. } => Kind::BudgetExceeded,
            call::Error::Misconfigured(_) => Kind::Misconfigured,
            call::Error::Rejected { .. } => Kind::UpstreamRejected,
            call::Error::Upstream(_) => Kind::UpstreamError,
            call::Error::UpstreamTimeout => Kind::UpstreamTimeout,
        };
        Self::new(kind, sentence(&error.to_string()))
    }
}

/// With a capital and a full stop, as details are written.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(char::to_uppercase).into_iter().flatten();
    let mut sentence: String = first.chain(chars).collect();
    if !sentence.ends_with('.') {
        sentence.push('.');
    }
    sentence
}

const REALM: &str = "Bearer realm=\"retinue\"";

/// What a thing of the kind is told apart by.
const fn name_of(thing: Thing) -> &'static str {
    match thing {
        Thing::Member => "email",
        _ => "slug",
    }
}

const fn missing(thing: Thing) -> &'static str {
    match thing {
        Thing::Account => "There is no such account.",
        Thing::Agent => "The account has no such agent. GET /api/v1/agents lists them.",
        Thing::Alias => "The account has no such alias. GET /api/v1/aliases lists them.",
        Thing::Key => "The account has no such key.",
        Thing::Member => "The account has no such member. GET /api/v1/members lists them.",
        Thing::Template => "There is no such template. GET /api/v1/templates lists them.",
        Thing::Version => "The agent has no such version. GET /api/v1/agents/{agent}/versions lists them.",
        Thing::Model => "The account has no price of its own for this model.",
        Thing::Provider => "The account has no such provider. GET /api/v1/providers lists them.",
    }
}

fn no_move(from: Status) -> String {
    let moves: Vec<&str> = from.moves().iter().map(|status| status.name()).collect();
    match moves.as_slice() {
        [] => "The agent is archived: POST /api/v1/agents/{agent}/restore brings it back.".to_owned(),
        moves => format!("The agent is {}: from there it can become {}.", from.name(), moves.join(" or ")),
    }
}

fn vault(error: vault::Error) -> Problem {
    let detail =
        "The platform cannot keep provider keys. Its operator has to set MASTER_KEY; the log says how.";
    Problem::new(Kind::Misconfigured, detail).with_internal(error.to_string())
}

/// What is wrong with a path that is none.
pub fn no_such_path() -> Problem {
    Problem::new(Kind::NotFound, "There is no such path. GET /docs shows those there are.")
}

/// What is wrong with a method that a path does not have; the router adds `Allow`.
pub fn wrong_method() -> Problem {
    Problem::new(
        Kind::MethodNotAllowed,
        "The path does not have this method. The header Allow names those it has.",
    )
}
