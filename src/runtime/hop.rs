//! How commands and answers cross between a Worker and an account's object.
//!
//! A body is a stream on both sides, which costs more than all the rest of a hop; so what is short and plain travels in
//! a header, and only what is long, or not ASCII, in the body.

use js_sys::{Object, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::{Headers, Request, Response, Stub};

/// Where a short command or answer stands.
const HEADER: &str = "x-retinue";
/// Of both; the platform takes 128 KB of headers.
const MAX_HEADER_BYTES: usize = 8 * 1024;

#[wasm_bindgen]
extern "C" {
    type RawStub;
    #[wasm_bindgen(method, catch)]
    fn fetch(this: &RawStub, url: &str, init: &web_sys::RequestInit) -> Result<js_sys::Promise, JsValue>;
}

fn fits_header(text: &str) -> bool {
    text.len() <= MAX_HEADER_BYTES && text.is_ascii()
}

/// Sends a command's text to an object; returns the answer's status and text.
///
/// # Errors
/// When the object cannot be reached, or died before it answered.
pub async fn send(stub: Stub, command: &str) -> Result<(u16, String), JsValue> {
    let init = web_sys::RequestInit::new();
    init.set_method("POST");
    if fits_header(command) {
        let headers = Object::new();
        Reflect::set(&headers, &JsValue::from_str(HEADER), &JsValue::from_str(command))?;
        init.set_headers(&headers);
    } else {
        init.set_body(&JsValue::from_str(command));
    }
    let stub: RawStub = stub.into_rpc();
    let response: web_sys::Response =
        JsFuture::from(stub.fetch("https://account/", &init)?).await?.dyn_into()?;
    let text = match response.headers().get(HEADER)? {
        Some(text) => text,
        None => JsFuture::from(response.text()?).await?.as_string().unwrap_or_default(),
    };
    Ok((response.status(), text))
}

/// The command's text, at the object.
///
/// # Errors
/// When the body breaks off.
pub async fn receive(request: &mut Request) -> worker::Result<String> {
    match request.headers().get(HEADER)? {
        Some(text) => Ok(text),
        None => request.text().await,
    }
}

/// An answer's text, from the object.
///
/// # Errors
/// When the platform refuses to make a response, which it has no reason to.
pub fn answer(status: u16, text: String) -> worker::Result<Response> {
    if !fits_header(&text) {
        return Ok(Response::ok(text)?.with_status(status));
    }
    let headers = Headers::new();
    headers.set(HEADER, &text)?;
    Ok(Response::empty()?.with_status(status).with_headers(headers))
}
