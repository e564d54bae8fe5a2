//! The header `Idempotency-Key`: a request that counts once.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName};
use utoipa::IntoParams;

use crate::domain::thread::once::{IdempotencyKey, InvalidKey, Once};
use crate::http::body;
use crate::http::problem::{Kind, Problem};
use crate::service::threads::Visitor;

/// The header of requests that count once.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it is only described here")]
pub struct OnceHeader {
    /// 1 to 255 printable ASCII characters. The same request again within 24 hours is answered, and not done again; another
    /// body under the same key is 422 `idempotency_key_reused`.
    #[param(rename = "Idempotency-Key", example = "8e03978e-40d5-43dd-bc93-6894a57f9324")]
    idempotency_key: Option<String>,
}

/// Takes the request's `Idempotency-Key`, if it has one: what the visitor asks counts once.
///
/// The body is read before it is judged, as the key is good for this body only.
pub async fn taken(visitor: Visitor, request: Request) -> Result<(Visitor, Request), Problem> {
    if !request.headers().contains_key(IDEMPOTENCY_KEY) {
        return Ok((visitor, request));
    }
    let (parts, body) = request.into_parts();
    let bytes = body::collect(Request::from_parts(parts.clone(), body)).await?;
    let visitor = visitor.under(of(&parts.headers, &bytes)?);
    Ok((visitor, Request::from_parts(parts, Body::from(bytes))))
}

pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The request's key, for this body.
pub fn of(headers: &HeaderMap, body: &[u8]) -> Result<Option<Once>, Problem> {
    let mut sent = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(first) = sent.next() else { return Ok(None) };
    let parsed = match (first.to_str(), sent.next()) {
        (Ok(text), None) => IdempotencyKey::parse(text),
        _ => Err(InvalidKey),
    };
    let key = parsed.map_err(|invalid| Problem::new(Kind::InvalidRequest, format!("{invalid}.")))?;
    Ok(Some(Once::new(&key, body)))
}
