//! The parts of a path, percent-decoded.

use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, RawPathParams};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::value::{Error, SeqDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};

use crate::ports::AccountRef;

use super::problem::{Kind, Problem};

/// Where the control plane stands.
pub const API: &str = "/api/v1";
/// Where what an account's clients reach stands.
pub const ACCOUNT: &str = "/accounts/{account}";

/// axum's own, with its rejection as a problem document. Where the path begins with an account of which the handler does
/// not know, because it also stands under `/api/v1`, that part is left out: [`super::access`] checks it.
#[derive(Debug)]
pub struct Parameters<T>(pub T);

impl<S, T> FromRequestParts<S> for Parameters<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(rejection) => {
                let behind_account = behind_account(parts, state, &rejection).await;
                behind_account.map(Self).ok_or_else(|| problem(&rejection))
            }
        }
    }
}

/// What follows the account, where that is what the handler did not expect.
async fn behind_account<S: Send + Sync, T: DeserializeOwned>(
    parts: &mut Parts,
    state: &S,
    rejection: &PathRejection,
) -> Option<T> {
    let PathRejection::FailedToDeserializePathParams(fault) = rejection else { return None };
    let ErrorKind::WrongNumberOfParameters { .. } = fault.kind() else { return None };
    let params = RawPathParams::from_request_parts(parts, state).await.ok()?;
    let mut params = params.iter();
    params.next().filter(|(name, _)| *name == NAMES_ACCOUNT)?;
    let rest: Vec<&str> = params.map(|(_, value)| value).collect();
    match rest.as_slice() {
        [one] => T::deserialize(IntoDeserializer::<Error>::into_deserializer((*one).to_owned())).ok(),
        rest => {
            T::deserialize(SeqDeserializer::<_, Error>::new(rest.iter().map(|part| (*part).to_owned()))).ok()
        }
    }
}

/// The name of the part that names an account.
const NAMES_ACCOUNT: &str = "account";

/// The account that the path names: `None` when it names none, `Some(None)` when that can be no account's name.
pub async fn account<S: Send + Sync>(parts: &mut Parts, state: &S) -> Option<Option<AccountRef>> {
    let params = RawPathParams::from_request_parts(parts, state).await.ok()?;
    params.iter().find(|(name, _)| *name == NAMES_ACCOUNT).map(|(_, value)| AccountRef::parse(value))
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
