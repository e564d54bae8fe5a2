//! The Worker's entry: a platform request in, a platform response out, the router between.
//!
//! Conversion is done by hand, because it is most of what a request costs here: only the headers that someone reads
//! cross into wasm, all in one text, a body crosses once, and a reply that is known whole goes back in one step.

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

use super::crossing;
use super::world::{self, EdgeWorld};
use crate::http::{body, router};
use crate::service::App;

thread_local! {
    /// The router and, in its state, what this isolate remembers: made once, gone with the isolate or with a panic.
    static ROUTER: OnceCell<Router> = const { OnceCell::new() };
}

/// The request headers that are read of every request, in the order of [`crossing::head`]; no other crosses into wasm.
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

#[event(start)]
fn start() {
    console_error_panic_hook::set_once();
    crossing::queue_by_promise();
}

/// Serves a request. The work goes on when the client leaves: a call that was sent must still be settled.
#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    let router = router(&env)?;
    let done = crossing::hold_open(context.as_ref())?;
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
    let head = crossing::head(request);
    let mut lines = head.split('\n');
    let (method, url) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let has_body = !matches!(method, "GET" | "HEAD" | "OPTIONS");
    let mut inner = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET))
        .uri(path_and_query(url))
        .body(Body::empty())
        .map_err(|error| JsValue::from_str(&error.to_string()))?;
    let headers = inner.headers_mut();
    let values = lines.map(|value| HeaderValue::from_str(value).ok().filter(|value| !value.is_empty()));
    headers.extend(HEADERS.into_iter().zip(values).filter_map(|(name, value)| Some((name, value?))));
    let is_bearer = |value: &HeaderValue| value.as_bytes().to_ascii_lowercase().starts_with(b"bearer ");
    if !headers.get(header::AUTHORIZATION).is_some_and(is_bearer) {
        take(request, headers, &[KEY_HEADER])?;
    }
    if method == "OPTIONS" {
        take(request, headers, &PREFLIGHT_HEADERS)?;
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

fn take(request: &web_sys::Request, headers: &mut HeaderMap, names: &[HeaderName]) -> Result<(), JsValue> {
    let sent = request.headers();
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
    let status = parts.status.as_u16();
    let headers = parts.headers.iter();
    let headers = headers.map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()));
    let headers = crossing::header_lines(headers)?;
    if content.is_end_stream() {
        return crossing::reply(status, &headers, None);
    }
    if content.size_hint().exact().is_some() {
        let whole = content.collect().await.map_err(|error| JsValue::from_str(&error.to_string()))?;
        return crossing::reply_whole(status, &headers, &whole.to_bytes());
    }
    let pipe = IdentityTransformStream::new();
    let writer = pipe.writable().get_writer()?;
    world::wait_until(pump(content, writer));
    crossing::reply(status, &headers, Some(&pipe.readable()))
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
