//! What the head of a call's reply says, whatever the protocol.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

use super::cors;
use crate::domain::agent::Agent;
use crate::domain::ids::CallId;
use crate::http::problem::Problem;
use crate::http::rate_limit;
use crate::service::call::{Cache, Quota};

const X_CALL_ID: HeaderName = HeaderName::from_static("x-call-id");
const X_AGENT_VERSION: HeaderName = HeaderName::from_static("x-agent-version");
const X_MODEL: HeaderName = HeaderName::from_static("x-model");
const X_WARNINGS: HeaderName = HeaderName::from_static("x-warnings");
const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What is said of a call.
pub struct Head {
    pub call: CallId,
    pub version: u32,
    /// `provider:code` of the model that answers.
    pub model: String,
    pub timing: String,
    pub allow_origin: Option<String>,
    pub rate: Option<Quota>,
    pub deprecation: Option<(HeaderName, HeaderValue)>,
    /// How many stand in the reply.
    pub warnings: usize,
    pub cache: Option<Cache>,
}

impl Head {
    /// A whole answer, of JSON.
    pub fn whole(&self, content: Vec<u8>) -> Response {
        self.respond("application/json", Body::from(content))
    }

    /// A stream that no one on the way may hold back or change.
    pub fn stream(&self, content: Body) -> Response {
        let mut response = self.respond("text/event-stream", content);
        let no_transform = HeaderValue::from_static("no-store, no-transform");
        response.headers_mut().insert(header::CACHE_CONTROL, no_transform);
        response
    }

    fn respond(&self, content_type: &'static str, content: Body) -> Response {
        let mut response = Response::new(content);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.extend(id(self.call));
        headers.extend(HeaderValue::from_str(&self.model).ok().map(|value| (X_MODEL, value)));
        headers.extend(HeaderValue::from_str(&self.timing).ok().map(|value| (SERVER_TIMING, value)));
        headers.insert(X_AGENT_VERSION, HeaderValue::from(self.version));
        headers.extend(self.deprecation.clone());
        headers.extend(x_warnings(self.warnings));
        headers.extend(self.cache.map(|cache| (X_CACHE, HeaderValue::from_static(word(cache)))));
        headers.extend(self.rate.iter().flat_map(rate_limit::headers));
        cors::allow(headers, self.allow_origin.as_deref());
        response
    }
}

const fn word(cache: Cache) -> &'static str {
    match cache {
        Cache::Hit => "hit",
        Cache::Miss => "miss",
    }
}

fn id(call: CallId) -> Option<(HeaderName, HeaderValue)> {
    Some((X_CALL_ID, HeaderValue::from_str(&call.to_string()).ok()?))
}

/// How many warnings stand in the reply, where there are some.
pub fn x_warnings(count: usize) -> Option<(HeaderName, HeaderValue)> {
    (count > 0).then(|| (X_WARNINGS, HeaderValue::from(count)))
}

/// A problem of a call that was admitted says which one it was.
pub fn named(problem: Problem, call: Option<CallId>) -> Problem {
    match call.and_then(id) {
        Some((name, value)) => problem.with_header(name, value),
        None => problem,
    }
}

/// `Deprecation: @seconds`, when the agent is (RFC 9745; a Date of RFC 9651, 3.3.7).
pub fn deprecation(agent: &Agent) -> Option<(HeaderName, HeaderValue)> {
    let seconds = agent.deprecated_at()?.0.div_euclid(1_000);
    Some((DEPRECATION, HeaderValue::try_from(format!("@{seconds}")).ok()?))
}
