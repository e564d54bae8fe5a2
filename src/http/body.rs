//! JSON bodies: requests' read whole, at most 4 MiB, with every fault said where it is.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::json::{self, Unsound};
use crate::domain::patch::{Operations, Patch};
use crate::domain::read_only;

use super::problem::{Kind, Problem};

/// The largest body taken, in bytes: 4 MiB.
pub const MAX_BODY: usize = 4 * 1024 * 1024;

/// A JSON body, of a request or a reply.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = read(request).await?;
        parse(&bytes).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(_) => Problem::new(Kind::Internal, "The answer could not be written.").into_response(),
        }
    }
}

/// A JSON body that may be left out.
#[derive(Debug)]
pub struct OptionalJson<T>(pub T);

impl<S, T> FromRequest<S> for OptionalJson<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Default,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let says_json = is_json(&media_type(request.headers()));
        let bytes = collect(request).await?;
        match (bytes.is_empty(), says_json) {
            (true, _) => Ok(Self(T::default())),
            (false, true) => parse(&bytes).map(Self),
            (false, false) => Err(not_json()),
        }
    }
}

/// A change of a thing: a JSON Merge Patch, or with `application/json-patch+json` a JSON Patch.
#[derive(Debug)]
pub struct Changes(pub Patch);

impl<S: Send + Sync> FromRequest<S> for Changes {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let is_list = media_type(request.headers()) == JSON_PATCH;
        let bytes = read(request).await?;
        Ok(Self(if is_list {
            Patch::Operations(Operations::read(value(&bytes)?).map_err(Problem::invalid)?)
        } else {
            Patch::Merge(object(&bytes)?)
        }))
    }
}

/// An operation of a JSON Patch (RFC 6902).
#[derive(Debug, ToSchema)]
#[schema(as = PatchOperation, example = json!({"op": "remove", "path": "/config/variables/tone"}))]
#[expect(dead_code, reason = "it describes what [`Changes`] reads")]
pub struct Operation {
    /// `add`, `remove`, `replace`, `move`, `copy` or `test`.
    op: String,
    /// A JSON Pointer (RFC 6901).
    path: String,
    from: Option<String>,
    #[schema(value_type = Object)]
    value: Value,
}

/// The media type of RFC 6902.
pub const JSON_PATCH: &str = "application/json-patch+json";

/// The bytes of a body that says it is JSON, and has no more values than can be read.
///
/// # Errors
/// A problem of kind `unsupported_media_type`, `payload_too_large` or `invalid_request`.
pub async fn read(request: Request) -> Result<Bytes, Problem> {
    if !is_json(&media_type(request.headers())) {
        return Err(not_json());
    }
    untyped(request).await
}

/// The same of a body that may say anything of what it is, or be empty.
///
/// # Errors
/// A problem of kind `payload_too_large` or `invalid_request`.
pub async fn untyped(request: Request) -> Result<Bytes, Problem> {
    let bytes = collect(request).await?;
    if json::has_few_values(&bytes) { Ok(bytes) } else { Err(too_many()) }
}

/// The same bytes, if no whole number in them loses digits where it is read as a double.
///
/// # Errors
/// A problem of kind `validation_failed` that names each such number.
pub fn exact(bytes: Bytes) -> Result<Bytes, Problem> {
    json::check_numbers(&bytes).map_err(Problem::invalid).map(|()| bytes)
}

/// The bytes of a body, whatever it is.
///
/// # Errors
/// A problem of kind `payload_too_large` or `invalid_request`.
pub async fn collect(request: Request) -> Result<Bytes, Problem> {
    let headers = request.headers();
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_BODY as u64) {
        return Err(too_large());
    }
    match Limited::new(request.into_body(), MAX_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => {
            Err(Problem::new(Kind::InvalidRequest, "The body broke off before its end. Send it again."))
        }
    }
}

/// Reads a JSON object as a type.
///
/// # Errors
/// A problem of kind `invalid_request` for what is not JSON, `validation_failed` for what is not a `T`.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    json::read(&object(bytes)?.into()).map_err(Problem::invalid)
}

/// Reads what fits of a body as a type, for whoever checks it further and names these faults beside its own.
///
/// # Errors
/// A problem of kind `validation_failed`, where too little fits.
pub fn parse_partly<T: DeserializeOwned>(
    body: Map<String, Value>,
    noted: Result<(), Vec<FieldError>>,
) -> Result<(T, Vec<FieldError>), Problem> {
    let mut errors = FieldErrors::default();
    errors.join(noted);
    let (read, faults) = json::read_partly(&body.into());
    errors.absorb(faults);
    let faults = errors.finish().err().unwrap_or_default();
    match read {
        Some(read) => Ok((read, faults)),
        None => Err(Problem::invalid(faults)),
    }
}

/// Reads a body as a type that has fewer fields than what GET shows: the others may be in the body as they are shown.
///
/// # Errors
/// A problem of kind `validation_failed`.
pub fn parse_shown<T: DeserializeOwned>(
    mut body: Map<String, Value>,
    shown: &impl Serialize,
) -> Result<T, Problem> {
    let shown = serde_json::to_value(shown).unwrap_or_default();
    let shown = shown.as_object().cloned().unwrap_or_default();
    let mut errors = FieldErrors::default();
    errors.join(read_only::leave_out(&mut body, &shown, json::fields_of::<T>()));
    let read = json::read(&body.into()).map_err(|faults| errors.join(Err(faults))).ok();
    errors.finish_with(read).map_err(Problem::invalid)
}

/// Reads a JSON object.
///
/// # Errors
/// A problem of kind `invalid_request` for what is not JSON, `validation_failed` for what is not an object, or has a key
/// twice.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    match value(bytes)? {
        Value::Object(object) => Ok(object),
        _ => Err(Problem::invalid(vec![FieldError {
            field: "(body)".to_owned(),
            message: "must be an object".to_owned(),
        }])),
    }
}

/// Reads JSON.
///
/// # Errors
/// As [`object`], but for what it is.
pub fn value(bytes: &[u8]) -> Result<Value, Problem> {
    json::text(text(bytes)?).map_err(|unsound| match unsound {
        Unsound::Empty => Problem::new(Kind::InvalidRequest, "The body is empty: send a JSON object."),
        Unsound::NotJson(error) => Problem::new(
            Kind::InvalidRequest,
            format!("The body is not JSON: {}.", in_words(&error.to_string())),
        ),
        Unsound::TooMany => too_many(),
        Unsound::Faulty(errors) => Problem::invalid(errors),
    })
}

/// serde_json's words, as people say it who do not know its source.
fn in_words(error: &str) -> String {
    error.replace("expected ident", "expected true, false or null")
}

/// # Errors
/// A problem of kind `invalid_request` for what is not UTF-8.
pub fn text(bytes: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        Problem::new(
            Kind::InvalidRequest,
            format!("The body is not UTF-8: look at byte {at}, counted from 0."),
        )
    })
}

/// What a body says it is, without parameters, in lower case.
pub fn media_type(headers: &HeaderMap) -> String {
    let stated = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    stated.and_then(|stated| stated.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a media type is JSON's, or made of it.
pub fn is_json(media_type: &str) -> bool {
    media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

fn not_json() -> Problem {
    Problem::new(
        Kind::UnsupportedMediaType,
        "Send the body as JSON, with the header `content-type: application/json`.",
    )
}

fn too_many() -> Problem {
    let most = json::MAX_VALUES;
    let detail =
        format!("A body has at most {most} values: objects, lists and what is in them. Send less at once.");
    Problem::new(Kind::InvalidRequest, detail)
}

fn too_large() -> Problem {
    Problem::new(
        Kind::PayloadTooLarge,
        format!("A body has at most {MAX_BODY} bytes (4 MiB). Send less at once."),
    )
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
