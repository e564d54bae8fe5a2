//! The Worker's entry: a platform request in, a platform response out, the router between.
//!
//! Conversion is done by hand, because it is most of what a request costs here: only the headers that someone reads
//! cross into wasm, a body crosses once, and a body that is known whole goes back as one buffer.

use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use axum::response::IntoResponse;
use axum::{Extension, Router};
use http_body::Body as _;
use http_body_util::BodyExt;
use js_sys::{Reflect, Uint8Array};
use tower_service::Service;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::{Context, Env, event};

use super::world::EdgeWorld;
use crate::http::{self, body};
use crate::service::App;
use crate::service::cache::Cache;

/// What this isolate remembers; gone with it, or with a panic.
static CACHE: LazyLock<Arc<Cache>> = LazyLock::new(Arc::default);
static ROUTER: LazyLock<Router> = LazyLock::new(http::router::router::<EdgeWorld>);

/// The request headers that anything here reads.
const HEADERS: [HeaderName; 8] = [
    header::AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::ORIGIN,
    header::ACCESS_CONTROL_REQUEST_METHOD,
    header::ACCESS_CONTROL_REQUEST_HEADERS,
    header::ACCEPT,
];

#[wasm_bindgen]
extern "C" {
    /// The platform's pipe: bytes are passed on without JavaScript touching them.
    type IdentityTransformStream;
    #[wasm_bindgen(constructor)]
    fn new() -> IdentityTransformStream;
    #[wasm_bindgen(method, getter)]
    fn readable(this: &IdentityTransformStream) -> web_sys::ReadableStream;
    #[wasm_bindgen(method, getter)]
    fn writable(this: &IdentityTransformStream) -> web_sys::WritableStream;
}

#[event(start)]
fn start() {
    console_error_panic_hook::set_once();
}

#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    let world = EdgeWorld::new(&env, context)?;
    let app = App::new(world, CACHE.clone());
    let mut inner = read(&request).await?;
    inner.extensions_mut().insert(app.clone());
    let mut router = ROUTER.clone();
    let Ok(response) = router.call(inner).await;
    Ok(write(&app, response).await?)
}
