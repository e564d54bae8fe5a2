//! The Worker's entry: a platform request in, a platform response out, the router between.
//!
//! Conversion is done by hand, because it is most of what a request costs here: a head crosses as one text, a
//! body once and only when someone reads it, and a reply that is known whole goes back in one step. Of a call
//! of an agent only the headers that faces read cross ([`paths::HEADERS`]), of any other request all.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Response, header};
use axum::response::IntoResponse;
use http_body::Body as _;
use http_body_util::BodyExt;
use js_sys::Uint8Array;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::{Context, Env, event};

use super::incoming::{Incoming, Source};
use super::world::{self, EdgeWorld};
use super::{crossing, head, memory, socket};
use crate::face::paths::{self, Paths};
use crate::face::{self, Upgrade};
use crate::http::problem::{Kind, Problem};
use crate::http::router;
use crate::service::App;

thread_local! {
    /// The router: made once, gone with the isolate or with a
    /// panic.
    static ROUTER: OnceCell<Router> = const { OnceCell::new() };
}

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
    let Paths { paths, headers, .. } = Paths::of::<EdgeWorld>(face::All);
    crossing::declare(&paths.join("\n"), &headers.join("\n"));
    crossing::queue_by_promise();
}

/// Serves a request. The work goes on when the client leaves: a call that was sent must still be settled.
#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    let router = router(&env)?;
    let done = crossing::hold_open(context.as_ref())?;
    let served = serve(request, router).await;
    done.call0(&JsValue::UNDEFINED)?;
    Ok(served?)
}

fn router(env: &Env) -> worker::Result<Router> {
    ROUTER.with(|cell| {
        if let Some(router) = cell.get() {
            return Ok(router.clone());
        }
        let app = App::new(EdgeWorld::new(env)?, memory::cache());
        Ok(cell.get_or_init(|| router::router().with_state(app)).clone())
    })
}

async fn serve(request: web_sys::Request, mut router: Router) -> Result<web_sys::Response, JsValue> {
    let head = match head::request(crossing::head(&request)) {
        Ok(head) => head,
        Err(unreadable) => {
            let uri = head::uri(&request.url().into()).unwrap_or_default();
            Source::new(request, None).discard().await;
            let problem = Problem::new(Kind::InvalidRequest, unreadable.to_string());
            return write(paths::refuse::<EdgeWorld>(face::All, uri.path(), problem)).await;
        }
    };
    let length = head.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    // A request of these methods that declares no length has no body.
    let has_none = length.is_none() && matches!(*head.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let source = Rc::new(Source::new(request, if has_none { Some(0) } else { length }));
    let request = head.map(|()| Body::new(Incoming::new(source.clone())));
    let response = router::serve(&mut router, request).await;
    if let Some(upgrade) = response.extensions().get::<Upgrade>() {
        return socket::open(upgrade.clone(), router);
    }
    source.discard().await;
    write(response).await
}

/// A head that the platform would not send is answered as a failure of ours, not sent with less.
fn sendable(response: Response<Body>) -> (u16, String, Body) {
    let (parts, content) = response.into_parts();
    match head::lines(&parts.headers) {
        Ok(headers) => (parts.status.as_u16(), headers, content),
        Err(unsendable) => {
            worker::console_error!("{unsendable}");
            let problem = Problem::new(Kind::Internal, "The answer could not be written.");
            let (parts, content) = problem.into_response().into_parts();
            (parts.status.as_u16(), head::lines(&parts.headers).unwrap_or_default(), content)
        }
    }
}

/// A response, as the platform sends it.
pub async fn write(response: Response<Body>) -> Result<web_sys::Response, JsValue> {
    let (status, headers, content) = sendable(response);
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

/// Draws the body to its end. When the client has left, what comes is thrown away, but it is still drawn: its
/// end has the bill.
///
/// A piece is not waited for until it is taken, because each wait costs as much as the rest of the piece's
/// way; only when much is on its way the next waits, so that a slow client slows the provider down and not
/// fills the memory.
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
