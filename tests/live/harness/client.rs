//! An HTTP client that shows everything: status, headers, bytes, and streams one event at a time. Nothing is retried.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Method, Request};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

type Body = BoxBody<Bytes, std::io::Error>;
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Far beyond what anything takes on a slow and busy machine, so that only a hang meets it.
const DEADLINE: Duration = Duration::from_secs(120);

/// Keep-alive connections to one server.
#[derive(Clone)]
pub struct Client {
    pool: Pool<HttpConnector, Body>,
    origin: String,
}

/// A request being put together.
#[must_use]
pub struct Call {
    client: Client,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Body,
}

/// A whole response.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A response that is read as it arrives; dropping it leaves.
#[derive(Debug)]
pub struct Events {
    pub status: u16,
    pub headers: HeaderMap,
    body: Incoming,
    unread: Vec<u8>,
}

/// One event of a stream. OpenAI's have no name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub name: String,
    pub data: String,
}

impl Event {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error} in event {self:?}"))
    }
}

impl Client {
    pub fn new(origin: &str) -> Self {
        let pool = Pool::builder(TokioExecutor::new()).retry_canceled_requests(false).build_http();
        Self { pool, origin: origin.to_owned() }
    }

    pub fn call(&self, method: Method, path: &str) -> Call {
        let empty = Full::default().map_err(|never| match never {}).boxed();
        Call { client: self.clone(), method, path: path.to_owned(), headers: HeaderMap::new(), body: empty }
    }
}

impl Call {
    pub fn key(self, key: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {key}"))
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: hyper::header::HeaderName = name.parse().expect("a test's header name");
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a test's header value");
        self.headers.insert(name, value);
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string().into())
    }

    /// As JSON, whatever the bytes are.
    pub fn bytes(mut self, body: Bytes) -> Self {
        self.body = Full::new(body).map_err(|never| match never {}).boxed();
        self.header(CONTENT_TYPE.as_str(), "application/json")
    }

    /// In chunks, its length not told beforehand.
    pub fn chunked(mut self, chunks: impl Stream<Item = Bytes> + Send + Sync + 'static) -> Self {
        self.body = BodyExt::boxed(StreamBody::new(chunks.map(|chunk| Ok(Frame::data(chunk)))));
        self.header(CONTENT_TYPE.as_str(), "application/json")
    }

    /// The whole response; a connection that fails is the test's failure.
    pub async fn send(self) -> Reply {
        let what = format!("{} {}", self.method, self.path);
        self.try_send().await.unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// The whole response, if the connection lasts.
    pub async fn try_send(self) -> Result<Reply, Failure> {
        let Events { status, headers, body, .. } = self.try_open().await?;
        let body = tokio::time::timeout(DEADLINE, body.collect()).await??.to_bytes();
        Ok(Reply { status, headers, body })
    }

    /// The head of the response, its body to be read event by event.
    pub async fn open(self) -> Events {
        let what = format!("{} {}", self.method, self.path);
        self.try_open().await.unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    pub async fn try_open(self) -> Result<Events, Failure> {
        let mut request =
            Request::builder().method(self.method).uri(format!("{}{}", self.client.origin, self.path));
        if let Some(headers) = request.headers_mut() {
            *headers = self.headers;
        }
        let response =
            tokio::time::timeout(DEADLINE, self.client.pool.request(request.body(self.body)?)).await??;
        let (head, body) = response.into_parts();
        Ok(Events { status: head.status.as_u16(), headers: head.headers, body, unread: Vec::new() })
    }
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}: {}", self.status, self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        header(&self.headers, name)
    }

    /// This reply, which must have that status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The problem document's slug; `""` when the reply is none.
    pub fn problem(&self) -> String {
        if self.header("content-type") != "application/problem+json" {
            return String::new();
        }
        self.json()["type"].as_str().unwrap_or_default().to_owned()
    }
}

impl Events {
    pub fn header(&self, name: &str) -> &str {
        header(&self.headers, name)
    }

    /// The next event, or `None` when the stream has ended or broken.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|pair| pair == b"\n\n") {
                let frame: Vec<u8> = self.unread.drain(..end + 2).collect();
                let event = parse(&String::from_utf8(frame).expect("a stream of events is UTF-8"));
                if event.is_some() {
                    return event;
                }
                continue;
            }
            let frame = tokio::time::timeout(DEADLINE, self.body.frame()).await.expect("a stream moves on");
            self.unread.extend_from_slice(&frame?.ok()?.into_data().unwrap_or_default());
        }
    }

    /// Every event to the end.
    pub async fn all(mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// `None` for a comment, which keeps a connection alive and says nothing.
fn parse(frame: &str) -> Option<Event> {
    let field = |name: &str| -> Vec<&str> {
        let values = frame.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        values.map(|value| value.strip_prefix(' ').unwrap_or(value)).collect()
    };
    let data = field("data");
    let name = field("event").first().copied().unwrap_or_default().to_owned();
    (!data.is_empty()).then(|| Event { name, data: data.join("\n") })
}
