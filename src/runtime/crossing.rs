//! What every call asks of JavaScript, each in one crossing: a crossing and what it leaves to the garbage
//! collector cost more than the work behind most of them.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(module = "/src/runtime/crossing.js")]
extern "C" {
    /// To be run once, at the start: of requests to these `paths`, with `{name}` for any one segment and
    /// with or without a slash at the end, only the headers of these `names` cross; of all others every one
    /// does. A line each.
    pub fn declare(paths: &str, names: &str);
    /// The head of a request, as [`super::head::request`] reads it.
    pub fn head(request: &web_sys::Request) -> String;
    /// A promise that a request's body is discarded, or cancelled when that takes too long.
    pub fn discard(request: &web_sys::Request, most_ms: u32) -> js_sys::Promise;
    /// The same of what its reader has not read.
    pub fn discard_rest(reader: &web_sys::ReadableStreamDefaultReader, most_ms: u32) -> js_sys::Promise;
    /// `headers` are lines as [`super::head::lines`] writes them, here and below.
    #[wasm_bindgen(catch)]
    pub fn reply(
        status: u16,
        headers: &str,
        body: Option<&web_sys::ReadableStream>,
    ) -> Result<web_sys::Response, JsValue>;
    #[wasm_bindgen(catch)]
    pub fn reply_whole(status: u16, headers: &str, body: &[u8]) -> Result<web_sys::Response, JsValue>;
    /// A promise of an [`Answered`]. The head is as [`super::head::outgoing`] writes it. A reply's body that says that it
    /// has at most `most` bytes is read at once.
    pub fn send(head: &str, body: Option<&[u8]>, timeout_ms: u32, most: u32) -> js_sys::Promise;
    /// An [`Ending`].
    pub fn ending(timeout_ms: u32) -> Ending;
    /// When something that was sent ends.
    pub type Ending;
    #[wasm_bindgen(method, getter)]
    pub fn signal(this: &Ending) -> JsValue;
    /// Ends now what [`send`] or [`ending`] has returned this for.
    pub fn end_sending(sending: &JsValue);
    /// What a server answered.
    pub type Answered;
    #[wasm_bindgen(method, getter)]
    pub fn status(this: &Answered) -> u16;
    #[wasm_bindgen(method, getter)]
    pub fn response(this: &Answered) -> web_sys::Response;
    /// The body, if it was read.
    #[wasm_bindgen(method, getter)]
    pub fn whole(this: &Answered) -> Option<Vec<u8>>;
    /// Why the body could not be read, else undefined.
    #[wasm_bindgen(method, getter)]
    pub fn error(this: &Answered) -> JsValue;

    /// A promise of the answer's text.
    pub fn ask(objects: &JsValue, name: &str, command: &str) -> js_sys::Promise;
    /// The same of an object that goes on speaking: a promise of a [`Watched`].
    pub fn ask_on(objects: &JsValue, name: &str, command: &str) -> js_sys::Promise;
    /// An answer that goes on.
    pub type Watched;
    /// What there is already; absent where all is to be read.
    #[wasm_bindgen(method, getter)]
    pub fn text(this: &Watched) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    pub fn reader(this: &Watched) -> Option<web_sys::ReadableStreamDefaultReader>;
    /// A command's text, unless it is in the request's body.
    pub fn asked(request: &web_sys::Request) -> Option<String>;
    #[wasm_bindgen(catch)]
    pub fn answer(status: u16, text: &str) -> Result<web_sys::Response, JsValue>;

    /// A WebSocket between a client and us; `most` is how many messages of it may wait at once, `most_size` how many characters
    /// they may have together.
    #[wasm_bindgen(catch)]
    pub fn open_socket(most: u32, most_size: u32) -> Result<Socket, JsValue>;
    pub type Socket;
    /// What makes the client's request one.
    #[wasm_bindgen(method, getter)]
    pub fn response(this: &Socket) -> web_sys::Response;
    /// A promise of the next message, undefined where the client has left.
    #[wasm_bindgen(method)]
    pub fn next(this: &Socket) -> js_sys::Promise;
    /// To a client that has left, nothing.
    #[wasm_bindgen(method)]
    pub fn send(this: &Socket, message: &str);
    #[wasm_bindgen(method)]
    pub fn close(this: &Socket);

    /// A promise of the bytes that the platform's cache has under this URL, or of undefined.
    pub fn find_kept(url: &str) -> js_sys::Promise;
    /// Keeps bytes in the platform's cache, for so many seconds; a promise that they are.
    pub fn keep(url: &str, content: &[u8], ttl_s: u32) -> js_sys::Promise;

    /// Keeps a request alive until the function that this returns is called. A promise of its own, because
    /// waiting for the handler's would be one more task to wake.
    #[wasm_bindgen(catch)]
    pub fn hold_open(context: &JsValue) -> Result<js_sys::Function, JsValue>;
    /// To be run once, at the start: makes waking futures cheap.
    pub fn queue_by_promise();
}
