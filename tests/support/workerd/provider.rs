//! What workerd finds outside: the providers, which follow the test's script, and the test itself, which
//! decides what fails.

use std::io;
use std::net::TcpListener;
use std::sync::OnceLock;

use axum::body::Body;
use axum::http::{Request, Response, header};
use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use retinue::object::wire;
use retinue::ports::{self, ReadError, SendError, Unavailable};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::super::accounts;
use super::super::dispatch;
use super::super::faults::{Faults, SECRET, When};
use super::super::replies::FakeReplies;
use super::super::upstream::{Asked, FakeUpstream};

/// What HTTP and entry.js bring along; no provider's adapter wrote these.
const OF_THE_TRANSPORT: [&str; 8] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "accept-encoding",
    "x-test-timeout",
    "cf-consn-sdk-version",
    AI_MODEL,
];
/// Where the platform's binding for Workers AI sends its requests, and where it names the model.
const AI_HOST: &str = "workers-binding.ai";
const AI_MODEL: &str = "cf-consn-model-id";
/// Read by entry.js.
const THROWN: &str = "x-test-throws";
/// What the platform's Cache API is asked for.
const CACHE_HOST: &str = "replies.invalid";

/// What workerd finds outside.
#[derive(Clone)]
pub struct Outside {
    pub upstream: FakeUpstream,
    pub replies: FakeReplies,
    pub faults: Faults,
}

pub struct Server {
    pub port: u16,
    accepting: JoinHandle<()>,
}

impl Server {
    pub fn start(outside: Outside) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepting = runtime().spawn(accept(listener, outside));
        Self { port, accepting }
    }

    pub fn stop(&self) {
        self.accepting.abort();
    }
}

/// Apart from the tests' own, because a test that blocks must not keep its providers from answering.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}

async fn accept(listener: TcpListener, outside: Outside) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let outside = outside.clone();
        let answer = move |request: Request<Incoming>| {
            let Outside { upstream, replies, faults } = outside.clone();
            async move {
                match request.uri().host() {
                    Some("test") => Ok(meet(request, faults).await),
                    Some(CACHE_HOST) => cache(request, replies).await.map_err(io::Error::other),
                    _ => provide(request, upstream).await,
                }
            }
        };
        let service = hyper::service::service_fn(answer);
        tokio::spawn(async move {
            let http = hyper::server::conn::http1::Builder::new();
            // It ends with an error where the script says that the connection breaks.
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Whether operations fail, and on which side of their effect.
async fn meet(request: Request<Incoming>, faults: Faults) -> Response<Body> {
    let asked = request.into_body().collect().await.unwrap().to_bytes();
    let asked: Value = serde_json::from_slice(&asked).unwrap();
    let operations = operations(&asked);
    // Meddlers block: they do what a test does.
    let failure = tokio::task::block_in_place(|| {
        faults.meet(&operations.iter().map(String::as_str).collect::<Vec<_>>())
    });
    let side = failure.map(|when| if when == When::Before { "before" } else { "after" });
    let words = format!("{SECRET}: {} lost {}", operations.join(", "), side.unwrap_or_default());
    Response::new(Body::from(json!({"failure": side, "words": words}).to_string()))
}

/// As the faults name them: queries by their names, commands by those of the ports.
fn operations(asked: &Value) -> Vec<String> {
    if let Some(command) = asked["command"].as_str() {
        // Of the account's object, or of its index.
        let name = wire::decode(command).map(|command| accounts::name(&command));
        let name = name.or_else(|_| wire::decode(command).map(|command| dispatch::name(&command)));
        return vec![name.unwrap().to_owned()];
    }
    let statements = asked["sql"].as_array().unwrap().iter();
    let query =
        |sql: &str| retinue::storage::queries().find(|query| query.sql == sql).map(|query| query.name);
    statements.map(|sql| query(sql.as_str().unwrap()).unwrap().to_owned()).collect()
}

/// The Cache API as workerd asks for it (`api/cache.c++`): `GET` finds, `PUT` has a whole reply for its body.
async fn cache(request: Request<Incoming>, replies: FakeReplies) -> Result<Response<Body>, Unavailable> {
    let (parts, body) = request.into_parts();
    let key = parts.uri.path().trim_start_matches('/').to_owned();
    let answer = |status: u16, word: &str, body: Vec<u8>| {
        let head = Response::builder().status(status).header("cf-cache-status", word);
        head.body(Body::from(body)).unwrap()
    };
    if parts.method != "PUT" {
        replies.answers().await;
        return Ok(match replies.find(&key)? {
            Some(content) => answer(200, "HIT", content),
            None => answer(504, "MISS", Vec::new()),
        });
    }
    let put = body.collect().await.unwrap().to_bytes();
    let end = put.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&put[..end]).to_lowercase();
    let ttl_s = head.lines().find_map(|line| line.strip_prefix("cache-control: max-age=")).unwrap();
    replies.keep(&key, put[end + 4..].to_vec(), ttl_s.parse().unwrap())?;
    Ok(answer(204, "MISS", Vec::new()))
}

/// Takes the script's next turn. An error breaks the connection.
async fn provide(request: Request<Incoming>, upstream: FakeUpstream) -> Result<Response<Body>, io::Error> {
    let (parts, body) = request.into_parts();
    let text = |value: &header::HeaderValue| value.to_str().unwrap().to_owned();
    let to = match parts.uri.host() {
        Some(AI_HOST) => format!("workers-ai:{}", text(&parts.headers[AI_MODEL])),
        _ => parts.uri.to_string(),
    };
    let method = parts.method.to_string();
    let timeout_ms = text(&parts.headers["x-test-timeout"]).parse().unwrap();
    let given = parts.headers.iter().filter(|(name, _)| !OF_THE_TRANSPORT.contains(&name.as_str()));
    let known = |name: &str| -> &'static str { name.to_owned().leak() };
    let headers = given.map(|(name, value)| (known(name.as_str()), text(value))).collect();
    let mut body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    if parts.uri.host() == Some(AI_HOST) {
        let asked: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(asked["options"], json!({"returnRawResponse": true}));
        body = asked["inputs"].to_string().into();
    }
    let reply = match upstream.answer(Asked { method, to, headers, body, timeout_ms }).await {
        Ok(reply) => reply,
        Err(SendError::Lost(words)) => return Err(io::Error::other(words)),
        Err(SendError::Timeout) => return Ok(thrown("timeout")),
        Err(SendError::NotConnected(words)) => return Ok(thrown(&format!("connection refused: {words}"))),
    };
    let mut response = Response::builder().status(reply.status);
    if let Some(ms) = reply.retry_after_ms {
        assert_eq!(ms % 1_000, 0, "HTTP has whole seconds");
        response = response.header(header::RETRY_AFTER, ms / 1_000);
    }
    if reply.body.times_out() {
        response = response.header(THROWN, "timeout of the body");
    }
    let body = match reply.body.whole() {
        Ok(whole) => Body::from(whole),
        Err(pieces) => Body::new(StreamBody::new(stream::unfold(pieces, piece))),
    };
    Ok(response.body(body).unwrap())
}

fn thrown(what: &str) -> Response<Body> {
    Response::builder().header(THROWN, what).body(Body::empty()).unwrap()
}

type Piece = Result<Frame<Bytes>, io::Error>;

async fn piece<B: ports::Body>(mut body: B) -> Option<(Piece, B)> {
    let piece = match body.chunk().await {
        Ok(bytes) => Ok(Frame::data(bytes?)),
        Err(ReadError::Timeout) => std::future::pending().await,
        Err(error) => Err(io::Error::other(error.to_string())),
    };
    Some((piece, body))
}
