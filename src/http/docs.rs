//! What is there for anyone: health, the API's document, and a page that shows it.

use axum::http::{HeaderName, header};
use axum::response::Redirect;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::Json;

/// What [`super::document`] makes of the handlers. It is made beforehand, because the code that makes it is a fifth of
/// the Worker; a test fails when it is not what the handlers say.
const DOCUMENT: &str = include_str!("openapi.json");

/// The page: HTML with its own style and script, which loads nothing but `/openapi.json`.
const PAGE: &str = include_str!("docs.html");

/// That the Worker answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    #[schema(example = "ok")]
    status: &'static str,
    version: &'static str,
}

/// Whether the Worker answers
///
/// Asks neither the directory nor a provider.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "health",
    tag = "platform",
    responses((status = 200, description = "It does", body = Health))
)]
pub async fn health() -> Json<Health> {
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// This document
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = "platform",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json"))
)]
pub async fn openapi() -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT)
}

/// The documentation as a page
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "docs",
    tag = "platform",
    responses((status = 200, description = "HTML", content_type = "text/html"))
)]
pub async fn docs() -> ([(HeaderName, &'static str); 2], &'static str) {
    let policy =
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'";
    let html = "text/html; charset=utf-8";
    ([(header::CONTENT_TYPE, html), (header::CONTENT_SECURITY_POLICY, policy)], PAGE)
}

/// To the documentation
#[utoipa::path(
    get,
    path = "/",
    operation_id = "root",
    tag = "platform",
    responses((status = 307, description = "To /docs"))
)]
pub async fn root() -> Redirect {
    Redirect::temporary("/docs")
}
