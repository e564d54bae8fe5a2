//! Calls of agents: the faces that clients talk to. Each reads its protocol, lets [`crate::service::call`] serve, and
//! writes its protocol; errors take the shape of the face.
//!
//! Every route stands twice: under an account's path, and under `/agents/…` for the account that the operator named
//! the default one.

pub mod chat;
pub mod cors;
pub mod openai;
pub mod schema;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header, request};
use axum::response::Response;
use bytes::Bytes;
use serde::Deserialize;

use super::problem::{Kind, Problem};
use super::{body, credentials, rate_limit};
use crate::domain::agent::Agent;
use crate::domain::ids::CallId;
use crate::domain::time::Millis;
use crate::ports::{AccountRef, AgentRef, World};
use crate::service::App;
use crate::service::call::bundle::Bundle;
use crate::service::call::{self, Asked, Caller, Quota, Resolved, Served};

/// The paths of calls. Pages may call them from a browser.
pub const PATHS: [&str; 8] = [
    "/accounts/{account}/agents/{agent}/chat",
    "/accounts/{account}/agents/{agent}/stream",
    "/accounts/{account}/agents/{agent}/v1/chat/completions",
    "/accounts/{account}/agents/{agent}/v1/models",
    "/agents/{agent}/chat",
    "/agents/{agent}/stream",
    "/agents/{agent}/v1/chat/completions",
    "/agents/{agent}/v1/models",
];

/// The request headers that handlers of [`PATHS`] receive. A handler that reads another header adds it here: each header
/// that crosses into wasm costs time in every call, so only these do. Requests to other paths arrive with all headers.
pub const HEADERS: [&str; 13] = [
    // Who calls.
    "authorization",
    "x-api-key",
    // What comes, and in which form the answer is wanted.
    "content-type",
    "content-length",
    "accept",
    "prefer",
    "idempotency-key",
    "last-event-id",
    // From which page.
    "origin",
    "access-control-request-method",
    "access-control-request-headers",
    // W3C Trace Context.
    "traceparent",
    "tracestate",
];

/// What stands in a call's path.
#[derive(Debug, Deserialize)]
pub struct AgentPath {
    /// Slug or id; absent under `/agents/…`.
    account: Option<String>,
    /// Slug or id.
    agent: String,
}

/// A request whose caller may call, before its body is understood.
struct Entered {
    caller: Caller,
    resolved: Resolved,
    resolve_ms: u64,
}

/// Decides who calls what, then reads the body: one who may not call is told so whatever the body.
async fn enter<W: World>(
    app: &App<W>,
    path: &AgentPath,
    request: Request,
) -> Result<(Entered, Bytes), Problem> {
    let (parts, content) = request.into_parts();
    let entered = resolve(app, path, &parts).await?;
    let bytes = body::read(Request::from_parts(parts, content)).await.map_err(entered.readable())?;
    Ok((entered, bytes))
}

async fn resolve<W: World>(
    app: &App<W>,
    path: &AgentPath,
    parts: &request::Parts,
) -> Result<Entered, Problem> {
    let started = app.world.now();
    let caller = caller(app, path, &parts.headers)?;
    let resolved = call::resolve(app, &caller).await.map_err(Problem::report(app))?;
    Ok(Entered { caller, resolved, resolve_ms: app.world.now().since(started) })
}

fn caller<W: World>(app: &App<W>, path: &AgentPath, headers: &HeaderMap) -> Result<Caller, Problem> {
    let account = path.account.as_deref().or(app.world.settings().default_account.as_deref());
    let (Some(account), Some(agent)) = (account.and_then(AccountRef::parse), AgentRef::parse(&path.agent))
    else {
        return Err(call::Error::NoSuchAgent.into());
    };
    let key = credentials::presented(headers).map(str::to_owned);
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).map(str::to_owned);
    Ok(Caller::client(account, agent, key, origin))
}

/// Which `Access-Control-Allow-Origin` the caller's page gets.
fn allow_origin(caller: &Caller, bundle: &Bundle) -> Option<String> {
    bundle.agent.definition.allow_origin(caller.origin()?)
}

/// `Deprecation: @seconds`, when the agent is (RFC 9745; a Date of RFC 9651, 3.3.7).
fn deprecation(agent: &Agent) -> Option<(HeaderName, HeaderValue)> {
    let seconds = agent.deprecated_at()?.0.div_euclid(1_000);
    Some((DEPRECATION, HeaderValue::try_from(format!("@{seconds}")).ok()?))
}

impl Entered {
    /// For `map_err`: a problem that the caller's page can read, like the answer it stands for.
    fn readable(&self) -> impl FnOnce(Problem) -> Problem + use<> {
        let allow_origin = allow_origin(&self.caller, &self.resolved.bundle);
        move |problem| cors::readable(problem, allow_origin.as_deref())
    }

    async fn run<W: World>(self, app: &App<W>, asked: Asked) -> Result<(Served<W>, Head), Problem> {
        let readable = self.readable();
        let served = call::run(app, &self.caller, self.resolved, asked)
            .await
            .map_err(|unserved| readable(named(Problem::report(app)(unserved.error), unserved.call)))?;
        let head = Head {
            call: served.call.to_string(),
            version: served.bundle.agent.version,
            timing: format!(
                "resolve;dur={}, admit;dur={}, upstream;dur={}",
                self.resolve_ms, served.admit_ms, served.upstream_ms
            ),
            // By the rows that the call was admitted under.
            allow_origin: allow_origin(&self.caller, &served.bundle),
            rate: served.rate,
            deprecation: deprecation(&served.bundle.agent),
            warnings: served.warnings.len(),
            created: app.world.now(),
        };
        Ok((served, head))
    }
}

/// A problem of a call that was admitted says which one it was.
fn named(problem: Problem, call: Option<CallId>) -> Problem {
    let id = call.and_then(|call| HeaderValue::from_str(&call.to_string()).ok());
    match id {
        Some(id) => problem.with_header(X_CALL_ID, id),
        None => problem,
    }
}

/// What the reply's head says of a call.
struct Head {
    call: String,
    version: u32,
    timing: String,
    allow_origin: Option<String>,
    rate: Option<Quota>,
    deprecation: Option<(HeaderName, HeaderValue)>,
    /// How many stand in the reply.
    warnings: usize,
    created: Millis,
}

const X_CALL_ID: HeaderName = HeaderName::from_static("x-call-id");
const X_AGENT_VERSION: HeaderName = HeaderName::from_static("x-agent-version");
const X_WARNINGS: HeaderName = HeaderName::from_static("x-warnings");
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

impl Head {
    fn respond(&self, content_type: &'static str, content: Body) -> Response {
        let mut response = Response::new(content);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        for (name, value) in [(X_CALL_ID, &self.call), (SERVER_TIMING, &self.timing)] {
            headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        }
        headers.insert(X_AGENT_VERSION, HeaderValue::from(self.version));
        headers.extend(self.deprecation.clone());
        headers.extend((self.warnings > 0).then(|| (X_WARNINGS, HeaderValue::from(self.warnings))));
        headers.extend(self.rate.iter().flat_map(rate_limit::headers));
        cors::allow(headers, self.allow_origin.as_deref());
        response
    }

    /// A stream that no one on the way may hold back or change.
    fn stream(&self, content: Body) -> Response {
        let mut response = self.respond("text/event-stream", content);
        let no_transform = HeaderValue::from_static("no-cache, no-transform");
        response.headers_mut().insert(header::CACHE_CONTROL, no_transform);
        response
    }
}

/// A fault of the request's body, as a problem.
fn unfit(param: Option<&str>, message: &str) -> Problem {
    match param {
        Some(param) => Problem::invalid(vec![crate::domain::field_error::FieldError {
            field: param.to_owned(),
            message: message.to_owned(),
        }]),
        None => Problem::new(Kind::InvalidRequest, message),
    }
}
