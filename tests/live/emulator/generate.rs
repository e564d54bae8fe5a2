//! The answer to one request: generated in a task of its own, billed as it grows, sent as long as someone listens.

use std::io::{Error, ErrorKind};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::Response;
use hyper::body::Frame;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::wires::{Usage, Wire};
use super::{Body, Fault, Model, Reports, Script, text};

/// Neither text nor JSON, in a frame that is.
const GARBAGE: &[u8] = b"data: }{\xff\xfe\x00 garbage\n\n";

/// What the task tells the connection.
type Piece = Result<Bytes, Error>;

/// Answers a request, or fails to as the script says. An `Err` closes the connection without a response.
pub async fn answer(
    model: Arc<Model>,
    number: usize,
    wire: Wire,
    script: Script,
    body: &Value,
) -> Result<Response<Body>, Error> {
    match script.fault.clone() {
        Fault::Hang => std::future::pending().await,
        Fault::Html => Ok(text(200, "text/html", "<!doctype html><title>Bad gateway</title><h1>502</h1>")),
        Fault::Refuse { status, retry_after } => Ok(refuse(&model, wire, status, retry_after)),
        Fault::Redirect(to) => {
            let mut response = text(302, "text/plain", "elsewhere");
            response.headers_mut().insert("location", to.parse().expect("a test's URL is a header value"));
            Ok(response)
        }
        Fault::None | Fault::Lost | Fault::Cut { .. } | Fault::Garbage { .. } => {
            let generation = Generation::new(model, number, wire, script, body);
            if body["stream"] == true { generation.streamed().await } else { generation.whole().await }
        }
    }
}

/// The error repeats the key that came with the request, as careless providers do.
fn refuse(model: &Model, wire: Wire, status: u16, retry_after: Option<&str>) -> Response<Body> {
    let request = model.last();
    let key = format!("{}{}", request.header("authorization"), request.header("x-api-key"));
    let error = wire.error(status, &format!("refused; your key was {key}"));
    let mut response = text(status, "application/json", &error.to_string());
    if let Some(retry_after) = retry_after {
        response.headers_mut().insert("retry-after", retry_after.parse().expect("a test's header value"));
    }
    response
}

struct Generation {
    model: Arc<Model>,
    /// Of the request, for its bill.
    number: usize,
    wire: Wire,
    script: Script,
    usage: Usage,
    /// The answer ended because the request's limit was reached.
    full: bool,
    tells_usage: bool,
    /// The tools that this answer calls.
    calls: Vec<&'static str>,
}

impl Generation {
    fn new(model: Arc<Model>, number: usize, wire: Wire, script: Script, body: &Value) -> Self {
        let limit = wire.limit(body);
        let output = script.output_tokens(limit);
        let usage = Usage { input: script.input_tokens, cached: script.cached_tokens, output };
        let tells_usage =
            script.reports != Reports::Never && (body["stream"] != true || wire.tells_usage(body));
        let calls = script.calls.get(steps_before(body)).cloned().unwrap_or_default();
        Self { model, number, wire, script, usage, full: limit == Some(output), tells_usage, calls }
    }

    async fn streamed(self) -> Result<Response<Body>, Error> {
        let mut pieces = self.spawn(true);
        // Headers leave with the first bytes.
        let first = pieces.recv().await.unwrap_or_else(|| Err(ErrorKind::ConnectionReset.into()))?;
        let rest = stream::unfold((Some(Ok(first)), pieces), |(first, mut pieces)| async move {
            let piece = match first {
                Some(piece) => piece,
                None => pieces.recv().await?,
            };
            Some((piece.map(Frame::data), (None, pieces)))
        });
        let response = Response::builder().header("content-type", "text/event-stream");
        Ok(response.body(StreamBody::new(rest).boxed()).expect("the header is valid"))
    }

    async fn whole(self) -> Result<Response<Body>, Error> {
        let (model, wire, script) = (self.model.code.clone(), self.wire, self.script.clone());
        let (usage, full) = (self.tells_usage.then_some(self.usage), self.full);
        let mut pieces = self.spawn(false);
        let mut answer = Vec::new();
        while let Some(piece) = pieces.recv().await {
            answer.extend_from_slice(&piece?);
        }
        let answer = String::from_utf8_lossy(&answer);
        if matches!(script.fault, Fault::Garbage { .. }) {
            return Ok(text(200, "application/json", &answer));
        }
        Ok(text(200, "application/json", &wire.reply(&model, &answer, usage, full).to_string()))
    }

    /// Generates in the background; `framed` as the stream's frames, otherwise as bare text.
    fn spawn(self, framed: bool) -> mpsc::UnboundedReceiver<Piece> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.model.begin();
        tokio::spawn(async move {
            // Nobody listening is no reason to stop: that is the point.
            let send = |piece: Piece| drop(sender.send(piece));
            self.run(framed, send).await;
            self.model.end();
        });
        receiver
    }

    async fn run(&self, framed: bool, send: impl Fn(Piece)) {
        let (code, price) = (&self.model.code, self.model.price);
        let input = (self.usage.input - self.usage.cached) * price.input + self.usage.cached * price.cached;
        self.model.bill(self.number, input);
        let mute = self.script.fault == Fault::Lost;
        let say = |piece: String| {
            if !mute {
                send(Ok(piece.into()))
            }
        };
        sleep(self.script.first_chunk).await;
        if framed {
            say(self.wire.open(code, self.tells_usage.then_some(self.usage)));
        }
        let chunks = self.script.chunks.max(1);
        for chunk in 0..chunks {
            match self.script.fault {
                Fault::Cut { after } if after == chunk => {
                    return send(Err(ErrorKind::ConnectionReset.into()));
                }
                Fault::Garbage { after } if after == chunk => return send(Ok(Bytes::from_static(GARBAGE))),
                _ => {}
            }
            if chunk > 0 {
                sleep(self.script.each_chunk).await;
            }
            let tokens = self.chunk_tokens(chunk, chunks);
            self.model.bill(self.number, tokens * price.output);
            let text = words(chunk, tokens);
            say(if framed { self.wire.delta(code, &text) } else { text });
        }
        self.end(framed, mute, send);
    }

    fn end(&self, framed: bool, mute: bool, send: impl Fn(Piece)) {
        if mute {
            return send(Err(ErrorKind::ConnectionReset.into()));
        }
        if framed {
            let times = match self.script.reports {
                Reports::Twice if self.tells_usage => 2,
                _ => usize::from(self.tells_usage),
            };
            let code = &self.model.code;
            if !self.calls.is_empty() {
                send(Ok(self.wire.calls(code, &self.calls).into()));
            }
            let finish = self.wire.finish(self.full, !self.calls.is_empty());
            send(Ok(self.wire.close(code, self.usage, times, finish).into()));
        }
    }

    /// The tokens of this chunk, such that all of them together are the answer's.
    fn chunk_tokens(&self, chunk: usize, chunks: usize) -> u64 {
        let upto = |n: usize| self.usage.output * n as u64 / chunks as u64;
        upto(chunk + 1) - upto(chunk)
    }
}

/// How many answers with tool calls the request's messages have.
fn steps_before(body: &Value) -> usize {
    let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    messages.iter().filter(|message| message["tool_calls"].is_array()).count()
}

/// `w0 ` and so on, long enough to be that many tokens: no tokenizer makes more tokens than bytes.
fn words(chunk: usize, tokens: u64) -> String {
    let width = usize::try_from(tokens).unwrap_or(usize::MAX).saturating_sub(1);
    format!("{:.<width$} ", format!("w{chunk}"))
}
