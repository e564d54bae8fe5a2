//! Problem documents (RFC 9457).
//!
//! What a service says for the operator stays apart ([`Problem::report`] logs it) and never reaches a client.

mod kind;
mod words;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use crate::domain::field_error::{FieldError, shown};
use crate::ports::World;
use crate::service::App;
use crate::service::call::Given;

pub use kind::Kind;

/// Of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A problem document on its way to a client.
#[derive(Clone, Debug)]
pub struct Problem {
    pub kind: Kind,
    /// What happened, and how to mend it.
    pub detail: String,
    pub errors: Vec<FieldError>,
    /// The inputs of the request that were answered before, with what was taken.
    pub inputs: Box<[Value]>,
    /// What a provider's refusal says to programs.
    pub given: Option<Box<Given>>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// For the operator's log alone.
    internal: Option<Box<str>>,
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
    /// The fields that do not fit, of `validation_failed`; the input that is refused, of `already_resolved` and the like.
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    #[schema(required = false)]
    errors: &'a [FieldError],
    /// The inputs of the request that were answered before, of `already_resolved`: `at`, `id`, `outcome`, and the `output` or
    /// the `error` that was taken.
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    #[schema(required = false, value_type = Vec<Object>)]
    inputs: &'a [Value],
    /// The provider's own code, where it refused the request: `context_length_exceeded`, for instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_code: Option<&'a str>,
    /// The field that the provider refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_param: Option<&'a str>,
}

impl Problem {
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: shown(detail.into()),
            errors: Vec::new(),
            inputs: Box::default(),
            given: None,
            headers: Vec::new(),
            internal: None,
        }
    }

    /// Some fields do not fit.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let errors: Vec<FieldError> = errors.into_iter().map(FieldError::shown).collect();
        let detail = match errors.as_slice() {
            [one] => format!("{}: {}", one.field, one.message),
            many => format!("{} fields do not fit; see errors", many.len()),
        };
        Self { errors, ..Self::new(Kind::ValidationFailed, detail) }
    }

    /// One field does not fit; the words name it themselves.
    pub fn at(field: String, message: String) -> Self {
        let errors = vec![FieldError { field, message: message.clone() }.shown()];
        Self { errors, ..Self::new(Kind::ValidationFailed, message) }
    }

    /// One field does not fit; the words go on from its name.
    pub fn in_field(name: &str, words: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError { field: name.to_owned(), message: words.into() }])
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

    /// Says whether sending the same again is of any use, as OpenAI's clients read it. Without it they go by the status.
    #[must_use]
    pub fn should_retry(self, is_of_use: bool) -> Self {
        let value = HeaderValue::from_static(if is_of_use { "true" } else { "false" });
        self.with_header(HeaderName::from_static("x-should-retry"), value)
    }

    #[must_use]
    pub fn given(self, given: Box<Given>) -> Self {
        Self { given: Some(given), ..self }
    }

    #[must_use]
    pub fn with_internal(mut self, internal: impl Into<String>) -> Self {
        self.internal = Some(internal.into().into());
        self
    }

    /// Logs for the operator what the client is not shown.
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
            inputs: &self.inputs,
            provider_code: self.given.as_ref().and_then(|given| given.code.as_deref()),
            provider_param: self.given.as_ref().and_then(|given| given.param.as_deref()),
        };
        serde_json::to_vec(&document).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.to_json()));
        *response.status_mut() = self.kind.status();
        let json = HeaderValue::from_static(MEDIA_TYPE);
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response.headers_mut().extend(self.headers);
        response
    }
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
