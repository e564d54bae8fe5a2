//! Which pages may call from a browser: the agent's `allowed_origins`, or any for a public agent without them.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{AgentPath, caller};
use crate::http::path::Parameters;
use crate::http::problem::Problem;
use crate::ports::World;
use crate::service::App;
use crate::service::call;

/// How long a browser may remember that it may call, in seconds.
const MAX_AGE_S: u32 = 600;

/// What a page's script may read of a reply's head.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-call-id, x-agent-version, x-warnings, server-timing, retry-after, deprecation, ratelimit, ratelimit-policy",
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

/// Whether a browser may send a page's call
///
/// A preflight carries no key, so it is answered from the agent's own row.
pub async fn preflight<W: World>(
    State(app): State<App<W>>,
    Parameters(path): Parameters<AgentPath>,
    request: Request<axum::body::Body>,
) -> Response {
    match answer(&app, &path, request.headers()).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answer<W: World>(app: &App<W>, path: &AgentPath, headers: &HeaderMap) -> Result<Response, Problem> {
    let caller = caller(app, path, headers)?;
    let allowed = call::allowed_origin(app, &caller).await.map_err(Problem::report(app))?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    let reply = response.headers_mut();
    allow(reply, allowed.as_deref());
    reply.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
    reply.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(MAX_AGE_S));
    // Whatever the page wants to send, as clients' libraries add headers of their own: what is not among `HEADERS` is not
    // read, and reaches no provider.
    let wanted = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    if let Some(wanted) = wanted.filter(|wanted| wanted.to_str().is_ok()) {
        reply.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    Ok(response)
}
