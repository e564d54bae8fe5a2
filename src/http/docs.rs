//! What is there for anyone: health, the API's document, and a page that shows it.
//!
//! The document and the page are files of `assets/`, which the platform serves before the Worker runs (`[assets]` of
//! `wrangler.toml`; their headers are in `assets/_headers`). Here stands only what the document says of them.

use axum::extract::State;
use axum::response::Redirect;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ports::World;
use crate::service::App;

use super::body::Json;

/// That the Worker answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    #[schema(example = "ok")]
    status: &'static str,
    version: &'static str,
    /// The deployment is in maintenance: backups are served, and no calls.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    maintenance: bool,
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
pub async fn health<W: World>(State(app): State<App<W>>) -> Json<Health> {
    let maintenance = app.world.settings().is_maintenance;
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION"), maintenance })
}

/// This document
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = "platform",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json"))
)]
#[expect(dead_code, reason = "the platform serves it")]
pub const fn openapi() {}

/// The documentation as a page
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "docs",
    tag = "platform",
    responses((status = 200, description = "HTML", content_type = "text/html"))
)]
#[expect(dead_code, reason = "the platform serves it")]
pub const fn docs() {}

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
