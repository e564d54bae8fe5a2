//! The Worker's entry: a platform request in, a platform response out, the router between.
//!
//! Conversion is done by hand, because it is most of what a request costs here: only the headers that someone reads
//! cross into wasm, a body crosses once, and a body that is known whole goes back as one buffer.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use bytes::Bytes;
use http_body::Body as _;
use http_body_util::BodyExt;
use js_sys::Uint8Array;
use tower_service::Service;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::{Context, Env, event};

use super::world::{self, EdgeWorld};
use crate::http::{body, router};
use crate::service::App;

thread_local! {
    /// The router and, in its state, what this isolate remembers: made once, gone with the isolate or with a panic.
    static ROUTER: OnceCell<Router> = const { OnceCell::new() };
}

/// The request headers that are read of every request; no other crosses into wasm.
const HEADERS: [HeaderName; 4] =
    [header::AUTHORIZATION, header::CONTENT_TYPE, header::CONTENT_LENGTH, header::ORIGIN];
/// Read where there is no bearer token.
const KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");
/// Read of a browser's question whether a page may call.
const PREFLIGHT_HEADERS: [HeaderName; 2] =
    [header::ACCESS_CONTROL_REQUEST_METHOD, header::ACCESS_CONTROL_REQUEST_HEADERS];

#[wasm_bindgen]
extern "C" {
    /// The platform's pipe: what is written comes out, without JavaScript in between.
    type IdentityTransformStream;
    #[wasm_bindgen(constructor)]
    fn new() -> IdentityTransformStream;
    #[wasm_bindgen(method, getter)]
    fn readable(this: &IdentityTransformStream) -> web_sys::ReadableStream;
    #[wasm_bindgen(method, getter)]
    fn writable(this: &IdentityTransformStream) -> web_sys::WritableStream;

    /// Of a promise: what to do when it fails, without a wait.
    type Settling;
    #[wasm_bindgen(method, js_name = catch)]
    fn on_failure(this: &Settling, failed: &js_sys::Function) -> js_sys::Promise;
}

#[wasm_bindgen(inline_js = "export function queue_by_promise() {
  const platforms = globalThis.queueMicrotask, turn = Promise.resolve();
  let last, guarded;
  globalThis.queueMicrotask = (task) => {
    if (task !== last) {
      last = task;
      guarded = () => { try { task(); } catch (error) { platforms(() => { throw error; }); } };
    }
    turn.then(guarded);
  };
}")]
extern "C" {
    /// Futures are woken by `queueMicrotask`. The platform's wraps each callback anew; a promise's reaction costs V8 next
    /// to nothing. The promise is made here, at the start, so that it belongs to no request; and what a task throws, a
    /// panic above all, is still reported by the platform's, so that the instance is made anew.
    fn queue_by_promise();
}

#[event(start)]
fn start() {
    console_error_panic_hook::set_once();
    queue_by_promise();
}

/// Serves a request. The work goes on when the client leaves: a call that was sent must still be settled.
#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    let router = router(&env)?;
    let done = world::hold_open(&context)?;
    let served = serve(&request, router).await;
    done.call0(&JsValue::UNDEFINED)?;
    Ok(served?)
}

fn router(env: &Env) -> worker::Result<Router> {
    ROUTER.with(|cell| {
        if let Some(router) = cell.get() {
            return Ok(router.clone());
        }
        let app = App::new(EdgeWorld::new(env)?, Arc::default());
        Ok(cell.get_or_init(|| router::router().with_state(app)).clone())
    })
}

async fn serve(request: &web_sys::Request, mut router: Router) -> Result<web_sys::Response, JsValue> {
    let inner = read(request).await?;
    let Ok(response) = router.call(inner).await;
    write(response).await
}

/// A body that is longer than any may be is cut off and said to be too long; the router answers 413.
async fn read(request: &web_sys::Request) -> Result<Request<Body>, JsValue> {
    let method = request.method();
    let has_body = !matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS");
    let mut inner = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET))
        .uri(path_and_query(&request.url()))
        .body(Body::empty())
        .map_err(|error| JsValue::from_str(&error.to_string()))?;
    let sent = request.headers();
    let headers = inner.headers_mut();
    take(&sent, headers, &HEADERS)?;
    let is_bearer = |value: &HeaderValue| value.as_bytes().to_ascii_lowercase().starts_with(b"bearer ");
    if !headers.get(header::AUTHORIZATION).is_some_and(is_bearer) {
        take(&sent, headers, &[KEY_HEADER])?;
    }
    if method == "OPTIONS" {
        take(&sent, headers, &PREFLIGHT_HEADERS)?;
    }
    if !has_body {
        return Ok(inner);
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let announced = length.and_then(|length| length.parse::<usize>().ok());
    let content = match announced {
        Some(length) if length > body::MAX_BODY => Bytes::new(),
        Some(_) => {
            let buffer = JsFuture::from(request.array_buffer()?).await?;
            Bytes::from(Uint8Array::new(&buffer).to_vec())
        }
        None => read_unannounced(request).await?,
    };
    *inner.body_mut() = Body::from(content);
    Ok(inner)
}

fn take(sent: &web_sys::Headers, headers: &mut HeaderMap, names: &[HeaderName]) -> Result<(), JsValue> {
    for name in names {
        let value = sent.get(name.as_str())?.and_then(|value| HeaderValue::from_str(&value).ok());
        headers.extend(value.map(|value| (name.clone(), value)));
    }
    Ok(())
}

/// One byte more than allowed is enough to know.
async fn read_unannounced(request: &web_sys::Request) -> Result<Bytes, JsValue> {
    let Some(stream) = request.body() else { return Ok(Bytes::new()) };
    let reader: web_sys::ReadableStreamDefaultReader = stream.get_reader().dyn_into()?;
    let mut read = Vec::new();
    while read.len() <= body::MAX_BODY {
        let result: web_sys::ReadableStreamReadResult = JsFuture::from(reader.read()).await?.unchecked_into();
        if result.get_done().unwrap_or(true) {
            break;
        }
        read.extend_from_slice(&result.get_value().unchecked_into::<Uint8Array>().to_vec());
    }
    Ok(Bytes::from(read))
}

/// What follows the host: the platform's URLs are serialized, so the first slash after `://` begins the path.
fn path_and_query(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let path = url[host..].find('/').map_or("/", |at| &url[host + at..]);
    path.split_once('#').map_or(path, |(before, _)| before)
}

async fn write(response: Response<Body>) -> Result<web_sys::Response, JsValue> {
    let (parts, content) = response.into_parts();
    let headers = web_sys::Headers::new()?;
    for (name, value) in &parts.headers {
        headers.append(name.as_str(), value.to_str().unwrap_or_default())?;
    }
    let init = web_sys::ResponseInit::new();
    init.set_status(parts.status.as_u16());
    init.set_headers(&headers);
    if content.is_end_stream() {
        return web_sys::Response::new_with_opt_str_and_init(None, &init);
    }
    if content.size_hint().exact().is_some() {
        let whole = content.collect().await.map_err(|error| JsValue::from_str(&error.to_string()))?;
        let buffer = Uint8Array::from(whole.to_bytes().as_ref());
        return web_sys::Response::new_with_opt_js_u8_array_and_init(Some(&buffer), &init);
    }
    let pipe = IdentityTransformStream::new();
    let writer = pipe.writable().get_writer()?;
    world::wait_until(pump(content, writer));
    web_sys::Response::new_with_opt_readable_stream_and_init(Some(&pipe.readable()), &init)
}

/// How much may be on its way to the client before the next piece is drawn.
const MAX_UNREAD: usize = 64 * 1024;

/// Draws the body to its end. When the client has left, what comes is thrown away, but it is still drawn: its end
/// brings the bill.
///
/// A piece is not waited for until it is taken, because each wait costs as much as the rest of the piece's way; only when
/// much is on its way the next waits, so that a slow client slows the provider down and not fills the memory.
async fn pump(mut content: Body, writer: web_sys::WritableStreamDefaultWriter) {
    let has_left = Rc::new(Cell::new(false));
    let leaves = has_left.clone();
    let on_failure: js_sys::Function =
        Closure::<dyn FnMut(JsValue)>::new(move |_| leaves.set(true)).into_js_value().unchecked_into();
    let mut unread = 0;
    while let Some(frame) = content.frame().await {
        let Ok(frame) = frame else {
            // What broke off must not look whole.
            let _ = JsFuture::from(writer.abort()).await;
            return;
        };
        let Ok(data) = frame.into_data() else { continue };
        if has_left.get() || data.is_empty() {
            continue;
        }
        unread += data.len();
        let written = writer.write_with_chunk(&Uint8Array::from(data.as_ref()));
        if unread < MAX_UNREAD {
            let _ = written.unchecked_ref::<Settling>().on_failure(&on_failure);
        } else {
            unread = 0;
            has_left.set(has_left.get() || JsFuture::from(written).await.is_err());
        }
    }
    if !has_left.get() {
        let _ = JsFuture::from(writer.close()).await;
    }
}
