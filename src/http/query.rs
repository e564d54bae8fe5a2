//! Queries of single endpoints, with their rejection as a problem document.

use axum::extract::FromRequestParts;
use axum::extract::Query;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::{Kind, Problem};

/// Reads the query of a request; `like` shows how it is written.
///
/// # Errors
/// A problem of kind `invalid_request`.
pub async fn read<T, S>(parts: &mut Parts, state: &S, like: &str) -> Result<T, Problem>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    let bad = |_| {
        Problem::new(
            Kind::InvalidRequest,
            format!("The query cannot be read: write {like}, each at most once."),
        )
    };
    Query::from_request_parts(parts, state).await.map(|Query(query)| query).map_err(bad)
}

/// Makes a struct the argument of a handler.
macro_rules! query {
    ($name:ty, $like:literal) => {
        impl<S: Send + Sync> axum::extract::FromRequestParts<S> for $name {
            type Rejection = crate::http::problem::Problem;

            async fn from_request_parts(
                parts: &mut axum::http::request::Parts,
                state: &S,
            ) -> Result<Self, crate::http::problem::Problem> {
                crate::http::query::read(parts, state, $like).await
            }
        }
    };
}
pub(super) use query;
