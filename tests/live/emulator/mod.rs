//! A model provider in the test process: both wires on loopback, every model's behaviour under the test's control,
//! and an invoice of its own.
//!
//! The invoice is the other side of the ledger: it counts what was generated, by the emulator's own prices, whether
//! or not anyone was still listening. Generation runs in a task of its own, so neither a client that leaves nor a
//! Worker that dies stops it or the bill, as at a provider that does not notice.

mod generate;
mod script;
mod tests;
mod wires;

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::harness::{DEADLINE, eventually};
pub use script::{Fault, Output, Price, Reports, Script};
use wires::Wire;

/// Longer than a request takes from its client to its provider.
const QUIET: Duration = Duration::from_secs(2);

/// How long a tool takes.
const TOOL_TIME: Duration = Duration::from_millis(150);

type Body = BoxBody<Bytes, std::io::Error>;
type Plan = Arc<dyn Fn(usize) -> Script + Send + Sync>;

/// The server. One is enough for a process; it lives as long as the runtime.
#[derive(Clone)]
pub struct Emulator {
    address: SocketAddr,
    models: Arc<Mutex<HashMap<String, Arc<Model>>>>,
    /// The requests to tools, in order of arrival.
    tools: Arc<Mutex<Vec<ToolCall>>>,
}

/// A request to a tool, as it arrived.
#[derive(Clone, Debug)]
pub struct ToolCall {
    pub tool: String,
    /// Its `Idempotency-Key`.
    pub key: String,
}

/// One model of the emulator, found by the code in a request.
pub struct Model {
    pub code: String,
    pub price: Price,
    plan: Mutex<Plan>,
    seen: Mutex<Vec<Seen>>,
    /// What each request has cost so far, in order of arrival.
    bills: Mutex<Vec<u64>>,
    running: AtomicUsize,
    most_at_once: AtomicUsize,
}

/// One request as the provider got it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub headers: hyper::HeaderMap,
    pub body: Value,
}

impl Seen {
    /// The most output tokens that the request allows.
    pub fn limit(&self) -> Option<u64> {
        Wire::of_path(&self.path).and_then(|wire| wire.limit(&self.body))
    }

    /// The system text: OpenAI's system messages joined, or Anthropic's `system`.
    pub fn system(&self) -> String {
        let plain = |value: &Value| match value {
            Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
            other => other.as_str().unwrap_or_default().to_owned(),
        };
        if !self.body["system"].is_null() {
            return plain(&self.body["system"]);
        }
        let messages = self.body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let system =
            messages.iter().filter(|message| message["role"] == "system" || message["role"] == "developer");
        system.map(|message| plain(&message["content"])).collect::<Vec<_>>().join("\n")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Emulator {
    /// Binds a free port of loopback and serves in the background.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let emulator = Self { address, models: Arc::default(), tools: Arc::default() };
        let server = emulator.clone();
        tokio::spawn(async move { server.accept(listener).await });
        emulator
    }

    /// Such as `http://127.0.0.1:40123`; both wires stand under `/v1`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a model that does as `script` says.
    pub fn model(&self, price: Price, script: Script) -> Arc<Model> {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let code = format!("m-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.model_called(&code, price, script)
    }

    /// The same, under a name of the test's choice; it replaces a model that had it.
    pub fn model_called(&self, code: &str, price: Price, script: Script) -> Arc<Model> {
        let model = Arc::new(Model {
            code: code.to_owned(),
            price,
            plan: Mutex::new(Arc::new(move |_| script.clone())),
            seen: Mutex::default(),
            bills: Mutex::default(),
            running: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
        });
        lock(&self.models).insert(code.to_owned(), Arc::clone(&model));
        model
    }

    /// All requests to `/tools/…` so far.
    pub fn tool_calls(&self) -> Vec<ToolCall> {
        lock(&self.tools).clone()
    }

    /// Counts a request, whoever still listens to its answer, and takes its time for that.
    async fn use_tool(&self, tool: &str, headers: &hyper::HeaderMap) -> Response<Body> {
        let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
        lock(&self.tools).push(ToolCall { tool: tool.to_owned(), key: key.to_owned() });
        tokio::time::sleep(TOOL_TIME).await;
        text(200, "text/plain", "done")
    }

    async fn accept(self, listener: TcpListener) {
        loop {
            let Ok((socket, _)) = listener.accept().await else { continue };
            let emulator = self.clone();
            tokio::spawn(async move {
                let service = service_fn(|request| emulator.serve(request));
                // A connection that breaks is what many tests are about.
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), service)
                    .await;
            });
        }
    }

    async fn serve(&self, request: Request<Incoming>) -> Result<Response<Body>, std::io::Error> {
        let (head, body) = request.into_parts();
        let Ok(body) = body.collect().await else { return Ok(text(400, "text/plain", "cut request")) };
        let body: Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
        let path = head.uri.path().to_owned();
        if let Some(tool) = path.strip_prefix("/tools/") {
            return Ok(self.use_tool(tool, &head.headers).await);
        }
        let model = body["model"].as_str().and_then(|code| lock(&self.models).get(code).cloned());
        let (Some(wire), Some(model)) = (Wire::of_path(&path), model) else {
            return Ok(text(404, "text/plain", "no such path or model"));
        };
        let (number, plan) = model.take_in(Seen { path, headers: head.headers, body: body.clone() });
        generate::answer(model, number, wire, plan(number), &body).await
    }
}

impl Model {
    /// From the next request on it does as `script` says.
    pub fn set(&self, script: Script) {
        self.plan(move |_| script.clone());
    }

    /// From the next request on it does as `plan` says of the request's number, counted from 0 over its whole life.
    pub fn plan(&self, plan: impl Fn(usize) -> Script + Send + Sync + 'static) {
        *lock(&self.plan) = Arc::new(plan);
    }

    /// All that was generated so far, in nano-dollars.
    pub fn invoice(&self) -> u64 {
        lock(&self.bills).iter().sum()
    }

    /// What was generated for requests with this text in a message.
    pub fn invoice_for(&self, text: &str) -> u64 {
        let seen = lock(&self.seen);
        let bills = lock(&self.bills);
        let of_text =
            seen.iter().zip(&*bills).filter(|(seen, _)| seen.body["messages"].to_string().contains(text));
        of_text.map(|(_, bill)| bill).sum()
    }

    fn bill(&self, number: usize, nanos: u64) {
        lock(&self.bills)[number] += nanos;
    }

    /// How many answers are being generated now.
    pub fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }

    /// The most answers that were ever being generated together.
    pub fn most_at_once(&self) -> usize {
        self.most_at_once.load(Ordering::SeqCst)
    }

    /// Every request so far, in order of arrival.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.seen).clone()
    }

    pub fn seen_count(&self) -> usize {
        lock(&self.seen).len()
    }

    pub fn last(&self) -> Seen {
        lock(&self.seen).last().expect("the provider was asked").clone()
    }

    /// Waits until nothing is generated and nobody has asked for a while: clients may have left, and what they asked
    /// for may still be on its way.
    pub async fn quiet(&self) {
        let mut last = (usize::MAX, Instant::now());
        eventually("the provider is quiet", DEADLINE, async || {
            if self.running() > 0 || self.seen_count() != last.0 {
                last = (self.seen_count(), Instant::now());
            }
            (last.1.elapsed() > QUIET).then_some(())
        })
        .await;
    }

    fn begin(&self) {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(running, Ordering::SeqCst);
    }

    fn end(&self) {
        self.running.fetch_sub(1, Ordering::SeqCst);
    }

    fn take_in(&self, seen: Seen) -> (usize, Plan) {
        let mut all = lock(&self.seen);
        all.push(seen);
        lock(&self.bills).push(0);
        (all.len() - 1, Arc::clone(&lock(&self.plan)))
    }
}

/// A test that panicked while it held a lock has failed already; the others go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn text(status: u16, kind: &str, body: &str) -> Response<Body> {
    let body = Full::new(Bytes::copy_from_slice(body.as_bytes())).map_err(|never: Infallible| match never {});
    let response = Response::builder().status(status).header("content-type", kind);
    response.body(body.boxed()).expect("status and headers are valid")
}
