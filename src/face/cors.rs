//! Which pages may call from a browser: the agent's `allowed_origins`, or any for a public agent without them.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::http::problem::Problem;
use crate::service::call::Caller;
use crate::service::call::bundle::Bundle;

/// How long a browser may remember that it may call, in seconds.
const MAX_AGE_S: u32 = 600;

/// What a page's script may read of a reply's head.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-call-id, x-thread, x-run, x-agent-version, x-model, x-cache, x-warnings, server-timing, retry-after, deprecation, ratelimit, \
     ratelimit-policy",
);

/// Lets pages of this origin read the reply.
pub fn allow(headers: &mut HeaderMap, origin: Option<&str>) {
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    let Some(origin) = origin.and_then(|origin| HeaderValue::from_str(origin).ok()) else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}

/// Lets pages of this origin read why a call was refused.
pub fn readable(problem: Problem, origin: Option<&str>) -> Problem {
    let mut headers = HeaderMap::new();
    allow(&mut headers, origin);
    let named = headers.into_iter().filter_map(|(name, value)| Some((name?, value)));
    named.fold(problem, |problem, (name, value)| problem.with_header(name, value))
}

/// Which `Access-Control-Allow-Origin` the caller's page gets.
pub fn allow_origin(caller: &Caller, bundle: &Bundle) -> Option<String> {
    bundle.agent.definition.allow_origin(caller.origin()?)
}

/// What a browser asks before a page's call, at a path that has these methods.
///
/// It carries no key, so it is answered alike whatever is there, and nobody is asked for it: any page may send its call, and
/// the call itself is refused where the agent names other origins.
pub fn preflight(headers: &HeaderMap, methods: HeaderValue) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let reply = response.headers_mut();
    reply.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    reply.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    reply.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(MAX_AGE_S));
    // Whatever the page wants to send, as clients' libraries add headers of their own: what the faces do not name is not
    // read, and reaches no provider.
    let wanted = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    if let Some(wanted) = wanted.filter(|wanted| wanted.to_str().is_ok()) {
        reply.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    response
}
