//! The parts of a path, percent-decoded.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::problem::{Kind, Problem};

/// axum's own, with its rejection as a problem document.
#[derive(Debug)]
pub struct Parameters<T>(pub T);

impl<S, T> FromRequestParts<S> for Parameters<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = Path::from_request_parts(parts, state).await;
        read.map(|Path(value)| Self(value)).map_err(|rejection| problem(&rejection))
    }
}

fn problem(rejection: &PathRejection) -> Problem {
    match rejection {
        PathRejection::FailedToDeserializePathParams(_) => {
            Problem::new(Kind::InvalidRequest, "A part of the path is not UTF-8 after percent-decoding.")
        }
        other => Problem::new(Kind::Internal, "The path could not be read.").with_internal(other.to_string()),
    }
}

/// A path that names an agent; the account that may stand before it is checked with the key
/// ([`super::access`]).
#[derive(Debug, Deserialize)]
pub struct AgentPath {
    /// Slug or id.
    pub agent: String,
}
