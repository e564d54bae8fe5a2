//! `If-Match` (RFC 9110): over which state of a thing a change may be made.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use crate::service::agents::IfMatch;

use super::problem::{Kind, Problem};

/// The header, or that there is none.
#[derive(Debug)]
pub struct Tags(pub IfMatch);

impl<S: Send + Sync> FromRequestParts<S> for Tags {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut tags = Vec::new();
        for value in parts.headers.get_all(header::IF_MATCH) {
            let text = value.to_str().map_err(|_| unreadable())?;
            for tag in text.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
                if tag == "*" {
                    return Ok(Self(IfMatch::Any));
                }
                // A tag is of the row and not of the bytes, so that one which an edge has weakened, because it compressed
                // the answer, is as good.
                let strong = tag.strip_prefix("W/").unwrap_or(tag);
                let bare = strong.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
                tags.push(bare.ok_or_else(unreadable)?.to_owned());
            }
        }
        let is_there = parts.headers.contains_key(header::IF_MATCH);
        Ok(Self(if is_there { IfMatch::Tags(tags) } else { IfMatch::Any }))
    }
}

fn unreadable() -> Problem {
    Problem::new(
        Kind::InvalidRequest,
        "If-Match cannot be read: send the ETag as it was answered, in its quotes, or *.",
    )
}
