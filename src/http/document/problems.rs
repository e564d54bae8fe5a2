//! What can go wrong of an operation, as the document says it.

use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder};

use super::Plane;
use crate::http::problem::Kind;

/// What can go wrong follows from what an operation takes.
pub fn problems(operation: &Operation, of: Plane) -> Vec<Kind> {
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    let is_body = operation.request_body.is_some();
    let mut kinds = match of {
        Plane::Open => return Vec::new(),
        Plane::Control => vec![Kind::Unauthenticated, Kind::Forbidden, Kind::Internal, Kind::Unavailable],
        // 400 may also be the provider's word.
        Plane::Face => vec![
            Kind::InvalidRequest,
            Kind::Unauthenticated,
            Kind::BudgetExceeded,
            Kind::Forbidden,
            Kind::AgentNotActive,
            Kind::AgentArchived,
            Kind::UnsupportedCapability,
            Kind::ConcurrencyExceeded,
            Kind::RateLimited,
            Kind::UpstreamRateLimited,
            Kind::Misconfigured,
            Kind::UpstreamDenied,
            Kind::UpstreamError,
            Kind::Unavailable,
            Kind::UpstreamTimeout,
        ],
    };
    // What goes on in a thread may stand in the way. A call may be a run, which others may stop.
    let is_call = operation.tags.iter().flatten().any(|tag| tag == "calls");
    if of == Plane::Face && is_body {
        kinds.extend(match is_call {
            true => [Kind::RunUnanswered, Kind::RunEnded],
            false => [Kind::ThreadBusy, Kind::AlreadyResolved],
        });
    }
    if is_body || !parameters.is_empty() {
        kinds.push(Kind::ValidationFailed);
    }
    let in_path = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(p) if p.parameter_in == ParameterIn::Path);
    // What a body names may not be there, either.
    if parameters.iter().any(in_path) || of == Plane::Face {
        kinds.push(Kind::NotFound);
    }
    if is_body {
        kinds.extend([Kind::PayloadTooLarge, Kind::UnsupportedMediaType]);
    }
    let has =
        |name: &str| parameters.iter().any(|parameter| matches!(parameter, RefOr::T(p) if p.name == name));
    if has("if-match") {
        kinds.push(Kind::PreconditionFailed);
    }
    if has("Idempotency-Key") {
        kinds.push(Kind::IdempotencyKeyReused);
    }
    if (is_body || has("force")) && of == Plane::Control {
        kinds.push(Kind::Conflict);
    }
    kinds
}

/// Kinds of one status share its place.
pub fn describe(operation: &mut Operation, kind: Kind, (schema, media): (&str, &str)) {
    let content = Content::new(Some(Ref::from_schema_name(schema)));
    let status = kind.status().as_str().to_owned();
    let described = match operation.responses.responses.get(&status) {
        Some(RefOr::T(other)) if other.content.contains_key(media) => {
            format!("{}; or: {}", other.description, kind.title())
        }
        _ => kind.title().to_owned(),
    };
    let response = ResponseBuilder::new().description(described).content(media, content);
    operation.responses.responses.insert(status, response.build().into());
}
