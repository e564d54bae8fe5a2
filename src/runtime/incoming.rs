//! A request's body, read only when a handler asks for it. A request that is refused by its head costs
//! neither the time nor the memory of its body.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::send::SendWrapper;

use super::crossing;
use crate::http::body::MAX_BODY;

/// The client left, or the platform ended the upload.
#[derive(Debug, thiserror::Error)]
#[error("the body broke off")]
pub struct BrokenOff;

/// workerd itself discards this much of a body that nobody reads. It closes the connection on a longer one,
/// and many clients then report a broken connection instead of the answer.
const DISCARDED_BY_PLATFORM: u64 = 64 * 1024;
/// How long an answer waits for the end of a body that nobody reads.
const DISCARDING_MS: u32 = 1_000;

/// A platform request, for what comes after its head.
pub struct Source {
    request: web_sys::Request,
    /// As `content-length` says it.
    length: Option<u64>,
    reading: RefCell<Reading>,
}

/// How far a handler has read.
enum Reading {
    /// It did not ask.
    Unopened,
    /// Piece by piece, and not to the end so far.
    Pieces(web_sys::ReadableStreamDefaultReader),
    /// All there is, or in one step, which the platform completes.
    Done,
}

impl Source {
    pub const fn new(request: web_sys::Request, length: Option<u64>) -> Self {
        Self { request, length, reading: RefCell::new(Reading::Unopened) }
    }

    /// Discards what no handler has read of a long body, so that its client can read the answer. To be called
    /// before the answer is sent: the platform does not let anyone read the body afterwards.
    pub async fn discard(&self) {
        if self.length.is_some_and(|length| length <= DISCARDED_BY_PLATFORM) {
            return;
        }
        let discarded = match self.reading.replace(Reading::Done) {
            Reading::Done => return,
            Reading::Unopened => crossing::discard(&self.request, DISCARDING_MS),
            Reading::Pieces(reader) => crossing::discard_rest(&reader, DISCARDING_MS),
        };
        let _ = JsFuture::from(discarded).await;
    }
}

/// The body of a platform request.
pub struct Incoming {
    source: SendWrapper<Rc<Source>>,
    rest: Rest,
}

/// What is still to be read.
enum Rest {
    All,
    /// In one step.
    Whole(SendWrapper<JsFuture>),
    Pieces {
        reader: SendWrapper<web_sys::ReadableStreamDefaultReader>,
        next: Option<SendWrapper<JsFuture>>,
    },
    Nothing,
}

impl Incoming {
    pub const fn new(source: Rc<Source>) -> Self {
        Self { source: SendWrapper(source), rest: Rest::All }
    }

    /// A short body of a known length is read in one step; any other piece by piece, so that who reads it can
    /// stop.
    fn open(&self) -> Result<Rest, JsValue> {
        let Source { request, length, reading } = &**self.source;
        reading.replace(Reading::Done);
        if length.is_some_and(|length| length <= MAX_BODY as u64) {
            return Ok(Rest::Whole(SendWrapper(JsFuture::from(request.array_buffer()?))));
        }
        let Some(stream) = request.body() else { return Ok(Rest::Nothing) };
        let reader: web_sys::ReadableStreamDefaultReader = stream.get_reader().dyn_into()?;
        reading.replace(Reading::Pieces(reader.clone()));
        Ok(Rest::Pieces { reader: SendWrapper(reader), next: None })
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, JsValue>> {
        if let Rest::All = self.rest {
            self.rest = self.open()?;
        }
        match &mut self.rest {
            Rest::All | Rest::Nothing => Poll::Ready(Ok(None)),
            Rest::Whole(whole) => {
                let buffer = ready!(Pin::new(&mut **whole).poll(context))?;
                self.rest = Rest::Nothing;
                Poll::Ready(Ok(Some(Bytes::from(Uint8Array::new(&buffer).to_vec()))))
            }
            Rest::Pieces { reader, next } => {
                let read = next.get_or_insert_with(|| SendWrapper(JsFuture::from(reader.read())));
                let piece = ready!(Pin::new(&mut **read).poll(context))?;
                *next = None;
                let piece: web_sys::ReadableStreamReadResult = piece.unchecked_into();
                if piece.get_done().unwrap_or(true) {
                    self.source.reading.replace(Reading::Done);
                    self.rest = Rest::Nothing;
                    return Poll::Ready(Ok(None));
                }
                let bytes = piece.get_value().unchecked_into::<Uint8Array>().to_vec();
                Poll::Ready(Ok(Some(Bytes::from(bytes))))
            }
        }
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let this = self.get_mut();
        match ready!(this.poll(context)) {
            Ok(bytes) => Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes)))),
            Err(_) => {
                this.source.reading.replace(Reading::Done);
                this.rest = Rest::Nothing;
                Poll::Ready(Some(Err(BrokenOff)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.rest, Rest::Nothing)
    }
}
