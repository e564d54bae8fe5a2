//! How an agent is called, and what comes back.

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::provider::{Tokens, answer, hello};
use crate::stage::{PROVIDER_KEY, Stage};
use crate::support::{MASTER_KEY, OPERATOR, Turn};

/// The ways in which an agent is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    Chat,
    Stream,
    Completions,
    CompletionsStream,
}

impl Face {
    pub const ALL: [Self; 4] = [Self::Chat, Self::Stream, Self::Completions, Self::CompletionsStream];

    pub const fn streams(self) -> bool {
        matches!(self, Self::Stream | Self::CompletionsStream)
    }

    pub const fn is_openai(self) -> bool {
        matches!(self, Self::Completions | Self::CompletionsStream)
    }

    pub const fn path(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Stream => "stream",
            Self::Completions | Self::CompletionsStream => "v1/chat/completions",
        }
    }

    pub fn body(self, agent: &str) -> Value {
        match self {
            Self::Chat | Self::Stream => json!({"message": "Hi"}),
            Self::Completions | Self::CompletionsStream => json!({
                "model": agent, "messages": [{"role": "user", "content": "Hi"}],
                "stream": self.streams(),
            }),
        }
    }

    /// The provider's good answer in this face's manner.
    pub fn served(self, tokens: Tokens) -> Turn {
        if self.streams() { hello(tokens) } else { answer("Hello", Some(tokens)) }
    }
}

/// A request being written.
pub struct Ask<'a> {
    stage: &'a Stage,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    key: Option<String>,
    body: Body,
    shape: Shape,
}

/// Whose refusals are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Ours,
    OpenAi,
    Anthropic,
}

impl<'a> Ask<'a> {
    pub fn new(stage: &'a Stage, method: Method, path: &str) -> Self {
        Self {
            shape: match path.contains("/v1/") && !path.starts_with("/api/") && method != Method::OPTIONS {
                true => Shape::OpenAi,
                false => Shape::Ours,
            },
            stage,
            method,
            path: path.to_owned(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            key: None,
            body: Body::empty(),
        }
    }

    /// A call by the account's caller.
    pub fn call(stage: &'a Stage, face: Face, agent: &str) -> Self {
        let path = format!("/accounts/acme/agents/{agent}/{}", face.path());
        Self::new(stage, Method::POST, &path).json(&face.body(agent)).key(&stage.acme.caller)
    }

    pub fn key(self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self }
    }

    /// Refusals come in OpenAI's shape, whatever the path.
    pub fn in_openais_shape(self) -> Self {
        Self { shape: Shape::OpenAi, ..self }
    }

    /// The same in Anthropic's.
    pub fn in_anthropics_shape(self) -> Self {
        Self { shape: Shape::Anthropic, ..self }
    }

    pub fn anonymous(self) -> Self {
        Self { key: None, ..self }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn path(self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self }
    }

    pub fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string())
    }

    pub fn bytes(self, body: impl Into<Bytes>) -> Self {
        Self { body: Body::from(body.into()), ..self }
    }

    /// Sends it; the reply's body is not read.
    pub async fn open(self) -> Response {
        let mut request = Request::builder().method(self.method).uri(self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(key) = self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        self.stage.isolate.send(request.body(self.body).unwrap()).await
    }

    /// Sends it, reads the reply, and holds it to what must be true of all.
    pub async fn send(self) -> Reply {
        let (stage, shape) = (self.stage, self.shape);
        let (parts, body) = self.open().await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let reply = Reply { status: parts.status, headers: parts.headers, body };
        reply.assert_keeps_secrets(stage);
        assert!(reply.header("cache-control").contains("no-store"), "{reply:?}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{reply:?}");
        if !reply.status.is_success() {
            reply.assert_shape(shape);
        }
        reply
    }
}

#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        self.json()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The status and the slug of a refusal, in whichever shape.
    pub fn refusal(&self) -> (u16, String) {
        let body = self.json();
        let slug = body["error"]["code"].as_str().or_else(|| body["type"].as_str());
        (self.status.as_u16(), slug.unwrap_or_else(|| panic!("no refusal: {self:?}")).to_owned())
    }

    /// What a refusal tells its reader.
    pub fn words(&self) -> String {
        let body = self.json();
        body["error"]["message"].as_str().or_else(|| body["detail"].as_str()).unwrap().to_owned()
    }

    /// Whether the reply, streams included, tells an error of this slug.
    #[track_caller]
    pub fn assert_refusal(&self, status: u16, slug: &str) {
        assert_eq!(self.refusal(), (status, slug.to_owned()), "{}", self.text());
    }

    /// The events of a stream: names, and data as it stands.
    pub fn events(&self) -> Vec<(String, String)> {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        assert_eq!(self.header("content-type"), "text/event-stream");
        assert!(self.text().ends_with("\n\n"), "{}", self.text());
        let event = |block: &str| {
            let field = |name: &str| {
                block.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
            };
            (field("event:"), field("data:"))
        };
        self.text().trim_end().split("\n\n").map(event).collect()
    }

    fn assert_keeps_secrets(&self, stage: &Stage) {
        let all = format!("{:?} {}", self.headers, String::from_utf8_lossy(&self.body));
        let acme = &stage.acme;
        let inner = ["internal-address", "10.1.2.3", "rusqlite", "D1_ERROR", "panicked"];
        let keys = [PROVIDER_KEY, MASTER_KEY, OPERATOR, &acme.admin, &acme.member, &acme.caller];
        for secret in inner.into_iter().chain(keys) {
            assert!(!all.contains(secret), "{secret} leaks: {all}");
        }
    }

    /// OpenAI's shape on its paths, Anthropic's on its own, a problem document on ours.
    fn assert_shape(&self, shape: Shape) {
        let body = self.json();
        if shape == Shape::Anthropic {
            assert_eq!((self.header("content-type"), &body["type"]), ("application/json", &json!("error")));
            assert!(body["error"]["message"].is_string() && body["error"]["type"].is_string(), "{body}");
        } else if shape == Shape::OpenAi {
            assert_eq!(self.header("content-type"), "application/json");
            let members: Vec<&String> = body["error"].as_object().unwrap().keys().collect();
            assert_eq!(members, ["message", "type", "param", "code"], "{body}");
            assert!(body["error"]["message"].is_string() && body["error"]["type"].is_string(), "{body}");
        } else {
            assert_eq!(self.header("content-type"), "application/problem+json");
            assert_eq!(body["status"], self.status.as_u16());
            assert!(body["title"].is_string() && body["detail"].is_string(), "{body}");
        }
    }
}
