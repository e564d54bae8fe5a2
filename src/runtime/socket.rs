//! A reply that goes on as a WebSocket.

use std::time::Duration;

use axum::Router;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use worker::Delay;

use super::{crossing, world};
use crate::face::{MAX_AGE_MS, Upgrade};
use crate::http::router;

/// How many messages may wait for their answers.
const MAX_WAITING: u32 = 16;
/// How many characters they may have together.
const MAX_SIZE: u32 = 8 * 1024 * 1024;

/// Opens it. The conversation goes on behind the reply.
///
/// # Errors
/// Whatever the platform throws.
pub fn open(upgrade: Upgrade, mut router: Router) -> Result<web_sys::Response, JsValue> {
    let socket = crossing::open_socket(MAX_WAITING, MAX_SIZE)?;
    let response = socket.response();
    world::wait_until(async move {
        let next = async || JsFuture::from(socket.next()).await.ok()?.as_string();
        let send = |message: String| socket.send(&message);
        let answer = async |request| router::serve(&mut router, request).await;
        upgrade.converse(next, send, answer, Delay::from(Duration::from_millis(MAX_AGE_MS))).await;
        socket.close();
    });
    Ok(response)
}
