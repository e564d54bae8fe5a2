//! The way out, by `fetch` or by binding. Redirects are never followed: a server that redirects could lead a
//! key anywhere.

use bytes::Bytes;
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::Env;
use worker::send::{IntoSendFuture, SendWrapper};

use super::{crossing, head};
use crate::domain::outbound::CheckedUrl;
use crate::domain::provider::ProviderName;
use crate::domain::secret::Secret;
use crate::ports::{
    Body, Destination, PlatformProvider, ReadError, SendError, Upstream, UpstreamReply, UpstreamRequest,
};
use crate::wire;

#[wasm_bindgen]
extern "C" {
    /// The Workers AI binding.
    type Ai;
    #[wasm_bindgen(method, catch)]
    fn run(this: &Ai, model: &str, input: &JsValue, options: &JsValue) -> Result<js_sys::Promise, JsValue>;
}

#[derive(Clone, Debug)]
pub struct FetchUpstream {
    env: Env,
}

impl FetchUpstream {
    pub const fn new(env: Env) -> Self {
        Self { env }
    }

    async fn fetch(url: &CheckedUrl, request: &UpstreamRequest) -> Result<(u16, ReplyBody), JsValue> {
        let head = head::outgoing(request.method.as_str(), url, &request.headers)
            .map_err(|error| JsValue::from_str(&error.to_string()))?;
        let most = if request.is_stream { 0 } else { at_once(request.limit) };
        let sent = crossing::send(&head, request.body.as_deref(), timeout(request.timeout_ms), most);
        let sending = Sending::new(sent.clone().into());
        let answered: crossing::Answered = JsFuture::from(sent).await?.unchecked_into();
        let error = answered.error();
        let rest = match answered.whole() {
            Some(bytes) => Rest::Whole(Some(Ok(Bytes::from(bytes)))),
            None if error.is_undefined() => Rest::Unopened,
            None => Rest::Whole(Some(Err(read_error(&error)))),
        };
        let status = answered.status();
        Ok((status, ReplyBody::new(answered.response(), rest, sending, request.limit_of(status))))
    }

    /// `returnRawResponse` makes the binding answer as HTTP does, so that its errors and streams are read
    /// like any other provider's.
    async fn run_ai(&self, model: &str, request: &UpstreamRequest) -> Result<(u16, ReplyBody), JsValue> {
        let ai: Ai = Reflect::get(self.env.as_ref(), &JsValue::from_str("AI"))?.unchecked_into();
        let input =
            js_sys::JSON::parse(&String::from_utf8_lossy(request.body.as_deref().unwrap_or_default()))?;
        let options = js_sys::Object::new();
        Reflect::set(&options, &"returnRawResponse".into(), &JsValue::TRUE)?;
        // Ends the attempt, its body included.
        let ending = crossing::ending(timeout(request.timeout_ms));
        Reflect::set(&options, &"signal".into(), &ending.signal())?;
        let sending = Sending::new(ending.into());
        let response: web_sys::Response =
            JsFuture::from(ai.run(model, &input, &options)?).await?.dyn_into()?;
        let status = response.status();
        Ok((status, ReplyBody::new(response, Rest::Unopened, sending, request.limit_of(status))))
    }
}

fn timeout(ms: u64) -> u32 {
    u32::try_from(ms).unwrap_or(u32::MAX)
}

impl Upstream for FetchUpstream {
    type Body = ReplyBody;

    async fn send(&self, request: UpstreamRequest) -> Result<UpstreamReply<ReplyBody>, SendError> {
        let sent = async {
            match &request.destination {
                Destination::Url(url) => Self::fetch(url, &request).await,
                Destination::WorkersAi(model) => self.run_ai(model, &request).await,
            }
        };
        let (status, body) = sent.into_send().await.map_err(|error| send_error(&error))?;
        let retry_after_ms = if status == 200 { None } else { retry_after(&body.response) };
        Ok(UpstreamReply { status, retry_after_ms, body })
    }

    fn platform_provider(&self, name: &ProviderName) -> Option<PlatformProvider> {
        let text = |variable: &str| {
            let value = self.env.var(variable).ok().map(|value| value.to_string());
            value.filter(|value| !value.trim().is_empty())
        };
        let key = text(&name.key_variable()).map(Secret::new);
        let base_url = text(&name.base_url_variable());
        (key.is_some() || base_url.is_some()).then_some(PlatformProvider { base_url, key })
    }
}

/// When to come back: OpenAI's milliseconds, or the standard's seconds or date.
fn retry_after(response: &web_sys::Response) -> Option<u64> {
    let header = |name: &str| response.headers().get(name).ok()?;
    let (ms, standard) = (header("retry-after-ms"), header("retry-after"));
    let ms_until = |date: &str| Some(js_sys::Date::parse(date) - js_sys::Date::now());
    wire::retry_after(ms.as_deref(), standard.as_deref(), ms_until)
}

/// Of a reply that is wanted whole, how much is read together with its head.
const MAX_AT_ONCE: u32 = 1 << 20;

fn at_once(limit: usize) -> u32 {
    u32::try_from(limit).map_or(MAX_AT_ONCE, |limit| limit.min(MAX_AT_ONCE))
}

/// What the platform throws, in words.
fn words(error: &JsValue) -> (String, String) {
    let of = |name: &str| Reflect::get(error, &JsValue::from_str(name)).ok().and_then(|v| v.as_string());
    (of("name").unwrap_or_default(), of("message").unwrap_or_else(|| format!("{error:?}")))
}

fn send_error(error: &JsValue) -> SendError {
    let (name, message) = words(error);
    if name == "TimeoutError" { SendError::Timeout } else { SendError::thrown(message) }
}

fn read_error(error: &JsValue) -> ReadError {
    let (name, message) = words(error);
    if name == "TimeoutError" { ReadError::Timeout } else { ReadError::Broken(message) }
}

/// What was sent. Dropped before its reply is read to the end, it ends with its connection.
struct Sending {
    sent: SendWrapper<JsValue>,
    is_over: bool,
}

impl Sending {
    fn new(sent: JsValue) -> Self {
        Self { sent: SendWrapper::new(sent), is_over: false }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if !self.is_over {
            crossing::end_sending(&self.sent);
        }
    }
}

/// A reply's body, read piece by piece or whole.
pub struct ReplyBody {
    response: SendWrapper<web_sys::Response>,
    rest: Rest,
    sending: Sending,
    /// The most bytes that are read whole.
    limit: usize,
}

/// What is still to be read.
enum Rest {
    /// All of it.
    Unopened,
    Open(SendWrapper<web_sys::ReadableStreamDefaultReader>),
    /// What was read with the head, until it is taken. The response's own body is used up then.
    Whole(Option<Result<Bytes, ReadError>>),
}

impl ReplyBody {
    fn new(response: web_sys::Response, rest: Rest, mut sending: Sending, limit: usize) -> Self {
        sending.is_over = matches!(rest, Rest::Whole(_));
        Self { response: SendWrapper::new(response), rest, sending, limit }
    }

    async fn read(&mut self) -> Result<Option<Bytes>, ReadError> {
        if let Rest::Unopened = self.rest {
            let Some(stream) = self.response.body() else { return Ok(None) };
            let reader = stream.get_reader().dyn_into();
            let reader = reader.map_err(|_| ReadError::Broken("the body has no reader".to_owned()))?;
            self.rest = Rest::Open(SendWrapper::new(reader));
        }
        let reader = match &mut self.rest {
            Rest::Whole(whole) => return whole.take().transpose(),
            Rest::Unopened => return Ok(None),
            Rest::Open(reader) => reader,
        };
        let result = JsFuture::from(reader.read()).await.map_err(|error| read_error(&error))?;
        let result: web_sys::ReadableStreamReadResult = result.unchecked_into();
        if result.get_done().unwrap_or(true) {
            self.sending.is_over = true;
            return Ok(None);
        }
        Ok(Some(Bytes::from(result.get_value().unchecked_into::<Uint8Array>().to_vec())))
    }
}

impl Body for ReplyBody {
    async fn chunk(&mut self) -> Result<Option<Bytes>, ReadError> {
        self.read().into_send().await
    }

    async fn all(mut self) -> Result<Bytes, ReadError> {
        let mut read = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if read.len() + chunk.len() > self.limit {
                return Err(ReadError::TooLarge(self.limit));
            }
            read.extend_from_slice(&chunk);
        }
        Ok(Bytes::from(read))
    }
}
