//! `If-Match` and `If-None-Match` (RFC 9110): over which state of a thing a change may be made.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use crate::service::agents::IfMatch;
use crate::service::precondition::Precondition;

use super::problem::{Kind, Problem};

/// `If-Match` of an agent, or that there is none.
#[derive(Debug)]
pub struct Tags(pub IfMatch);

impl<S: Send + Sync> FromRequestParts<S> for Tags {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(match precondition(&parts.headers)? {
            Precondition::Tags(tags) => IfMatch::Tags(tags),
            Precondition::Absent => IfMatch::None,
            Precondition::Exists | Precondition::None => IfMatch::Any,
        }))
    }
}

/// The state over which any other thing may be changed.
#[derive(Debug)]
pub struct OnState(pub Precondition);

impl<S: Send + Sync> FromRequestParts<S> for OnState {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        precondition(&parts.headers).map(Self)
    }
}

/// What a request says of the state that it may change.
///
/// # Errors
/// A problem of kind `invalid_request` for what cannot be read.
pub fn precondition(headers: &HeaderMap) -> Result<Precondition, Problem> {
    let absent = headers.get(header::IF_NONE_MATCH);
    match (if_match(headers)?, absent) {
        (Precondition::None, Some(value)) if value.as_bytes() == b"*" => Ok(Precondition::Absent),
        (Precondition::None, Some(_)) => Err(Problem::new(
            Kind::InvalidRequest,
            "If-None-Match cannot be read: send *, so that nothing is replaced.",
        )),
        (_, Some(_)) => {
            Err(Problem::new(Kind::InvalidRequest, "Send either If-Match or If-None-Match: both never hold."))
        }
        (precondition, None) => Ok(precondition),
    }
}

fn if_match(headers: &HeaderMap) -> Result<Precondition, Problem> {
    if !headers.contains_key(header::IF_MATCH) {
        return Ok(Precondition::None);
    }
    let mut tags = Vec::new();
    for value in headers.get_all(header::IF_MATCH) {
        let text = value.to_str().map_err(|_| unreadable())?;
        for tag in text.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
            if tag == "*" {
                return Ok(Precondition::Exists);
            }
            // A tag is of the row and not of the bytes, so that one which an edge has weakened, because it compressed
            // the answer, is as good.
            let strong = tag.strip_prefix("W/").unwrap_or(tag);
            let bare = strong.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            tags.push(bare.ok_or_else(unreadable)?.to_owned());
        }
    }
    Ok(Precondition::Tags(tags))
}

fn unreadable() -> Problem {
    Problem::new(
        Kind::InvalidRequest,
        "If-Match cannot be read: send the ETag as it was answered, in its quotes, or *.",
    )
}
