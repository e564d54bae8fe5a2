//! Queries. What a route reads of the query follows from its handler's arguments ([`Reads`]); names that no argument reads
//! are refused, with the nearest that one does, before the handler runs.

use std::collections::BTreeSet;
use std::future::{Ready, ready};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use futures_util::future::Either;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::json;

use super::access::{ActiveHolder, Holder, KeyReader, KeyWriter, Member, Operator, Reader, Visitor, Writer};
use super::body::{Changes, Json, OptionalJson};
use super::if_match::{OnState, Tags};
use super::path::Parameters;
use super::problem::Problem;

/// What an argument of a handler reads of the query: its parameters' names.
pub trait Reads {
    fn query() -> &'static [&'static str] {
        &[]
    }
}

macro_rules! reads_nothing {
    ($($argument:ident $(<$inner:ident>)?),+) => {$(impl$(<$inner>)? Reads for $argument$(<$inner>)? {})+};
}

impl Reads for Changes {}

reads_nothing!(
    State<T>,
    Operator,
    Holder,
    ActiveHolder,
    Member,
    Reader,
    Writer,
    Visitor,
    KeyReader,
    KeyWriter,
    Parameters<T>,
    Tags,
    OnState,
    Json<T>,
    OptionalJson<T>
);

/// What all arguments of a handler read.
pub trait ReadsAll {
    fn query() -> Vec<&'static str>;
}

impl ReadsAll for ((),) {
    fn query() -> Vec<&'static str> {
        Vec::new()
    }
}

/// axum puts a mark of its own before the arguments.
macro_rules! arguments {
    ($($argument:ident)+) => {
        impl<Mark, $($argument: Reads),+> ReadsAll for (Mark, $($argument,)+) {
            fn query() -> Vec<&'static str> {
                [$($argument::query()),+].concat()
            }
        }
    };
}

arguments!(A);
arguments!(A B);
arguments!(A B C);
arguments!(A B C D);
arguments!(A B C D E);
arguments!(A B C D E F);

/// Makes a struct whose fields are the names an argument of handlers.
macro_rules! query {
    ($name:ty) => {
        impl crate::http::query::Reads for $name {
            fn query() -> &'static [&'static str] {
                crate::domain::json::fields_of::<Self>()
            }
        }

        impl<S: Send + Sync> axum::extract::FromRequestParts<S> for $name {
            type Rejection = crate::http::problem::Problem;

            async fn from_request_parts(
                parts: &mut axum::http::request::Parts,
                _: &S,
            ) -> Result<Self, crate::http::problem::Problem> {
                crate::http::query::read(&parts.uri)
            }
        }
    };
}
pub(crate) use query;

/// Reads of a request's query what the fields of `T` name.
///
/// # Errors
/// A problem of kind `validation_failed`: what stands twice, or does not fit.
pub fn read<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    let names = json::fields_of::<T>();
    let mut given = Map::new();
    let mut errors = FieldErrors::default();
    for (name, value) in pairs(uri).filter(|(name, _)| names.contains(&name.as_str())) {
        if given.insert(name.clone(), Value::String(value)).is_some() {
            errors.add(&name, "stands twice in the query");
        }
    }
    errors.finish().and_then(|()| json::read_query(&given.into())).map_err(Problem::invalid)
}

/// The query's names and values, percent-decoded.
pub fn pairs(uri: &Uri) -> impl Iterator<Item = (String, String)> {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    pairs.map(|(name, value)| (name.into_owned(), value.into_owned()))
}

/// # Errors
/// A problem that names each parameter that is none of these, once.
pub fn check(uri: &Uri, known: &[&str]) -> Result<(), Problem> {
    let mut seen = BTreeSet::new();
    let mut errors = FieldErrors::default();
    for (name, _) in pairs(uri) {
        if !known.contains(&name.as_str()) && seen.insert(name.clone()) {
            errors.note(|| FieldError { field: format!("{name:.64}"), message: unknown(&name, known) });
        }
    }
    errors.finish().map_err(Problem::invalid)
}

fn unknown(name: &str, known: &[&str]) -> String {
    match known {
        [] => "is not known here: this path reads no query".to_owned(),
        known => json::unknown(name, known),
    }
}

/// A handler behind [`check`].
#[derive(Clone)]
pub struct Checked<H> {
    pub handler: H,
    /// The names that it reads.
    pub known: Arc<[&'static str]>,
}

impl<T, S, H: Handler<T, S>> Handler<T, S> for Checked<H> {
    type Future = Either<Ready<Response>, H::Future>;

    fn call(self, request: Request, state: S) -> Self::Future {
        match request.uri().query().map_or(Ok(()), |_| check(request.uri(), &self.known)) {
            Ok(()) => Either::Right(self.handler.call(request, state)),
            Err(problem) => Either::Left(ready(problem.into_response())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(uri: &str, known: &[&str]) -> Vec<(String, String)> {
        let problem = check(&uri.parse().unwrap(), known).err();
        let errors = problem.map(|problem| problem.errors).unwrap_or_default();
        errors.into_iter().map(|error| (error.field, error.message)).collect()
    }

    #[test]
    fn every_unknown_name_is_told_the_nearest_once() {
        let known = ["mode", "dry_run"];
        let meant = |name: &str| (name.to_owned(), "is not known here; did you mean `dry_run`?".to_owned());
        assert_eq!(
            faults("/x?dryRun=true&dry%2Drun=1&mode=skip&dryRun=false", &known),
            [meant("dryRun"), meant("dry-run")]
        );
        assert_eq!(
            faults("/x?since=1", &known),
            [("since".to_owned(), "is not known here; known are mode, dry_run".to_owned())]
        );
        assert_eq!(faults("/x?a", &[])[0].1, "is not known here: this path reads no query");
        assert_eq!(faults("/x?", &[]), []);
    }
}
