//! How long a call's answer is listened to. A client's call is heard to its end, because the end brings the bill; that of a run
//! ends with the run.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;

use crate::ports::{Body, ReadError};

type Moment = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Until when an answer is listened to. Copies end together.
#[derive(Clone, Default)]
pub struct Until(Option<Arc<Mutex<Option<Moment>>>>);

impl Until {
    pub const EVER: Self = Self(None);

    /// Until this has ended.
    pub fn this(moment: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Some(Arc::new(Mutex::new(Some(Box::pin(moment))))))
    }

    /// Waits for something; `None` where the time is over first. What was waited for is dropped then.
    pub async fn wait<T>(&self, something: impl Future<Output = T>) -> Option<T> {
        let mut something = pin!(something);
        poll_fn(|context| match self.poll(context) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => something.as_mut().poll(context).map(Some),
        })
        .await
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        let Some(shared) = &self.0 else { return Poll::Pending };
        let mut moment = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pending) = &mut *moment else { return Poll::Ready(()) };
        let polled = pending.as_mut().poll(context);
        if polled.is_ready() {
            *moment = None;
        }
        polled
    }
}

impl fmt::Debug for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Until" } else { "Ever" })
    }
}

/// A reply's body that breaks off when the time is over.
pub struct Heard<B> {
    body: B,
    until: Until,
}

impl<B> Heard<B> {
    pub const fn new(body: B, until: Until) -> Self {
        Self { body, until }
    }
}

impl<B: Body> Body for Heard<B> {
    async fn chunk(&mut self) -> Result<Option<Bytes>, ReadError> {
        self.until.wait(self.body.chunk()).await.unwrap_or(Err(ReadError::Unwanted))
    }

    async fn all(self) -> Result<Bytes, ReadError> {
        self.until.wait(self.body.all()).await.unwrap_or(Err(ReadError::Unwanted))
    }
}
