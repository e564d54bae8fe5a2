//! Threads and runs: a conversation that the agent remembers, and work that goes on without its caller.
//!
//! | file | what it is |
//! |---|---|
//! | [`thread`] | threads and their items |
//! | [`run`] | runs: started, looked at, steered |
//! | [`tokens`] | short-lived keys of one thread |
//! | [`events`] | what happens in them, as a stream or a list |
//! | [`export`] | all of a thread as one document |
//! | [`list`] | which there are, from the account's index |
//! | [`memories`] | what is remembered of the person who holds a token |
//!
//! Most of it stands twice: behind an agent, for its callers, and in the control plane, for the members of the account,
//! whatever the agent. What needs an agent to be called stands behind one only.

mod events;
mod export;
mod list;
mod memories;
mod run;
mod thread;
mod tokens;

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Request};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::mount::{Asker, Mount, Place};
use super::native_chat::NativeChat;
use super::{Face, Operations, cors, refusal};
use crate::domain::right::Right;
use crate::domain::scope::Scope;
use crate::domain::thread::id::{RunId, ThreadRef};
use crate::http::access::Member;
use crate::http::body::{self, Json};
use crate::http::path::Parameters;
use crate::http::problem::{Kind, Problem};
use crate::http::query;
use crate::ports::World;
use crate::service::App;
use crate::service::call::{self, Error};
use crate::service::threads::Visitor;

#[derive(Clone, Copy, Debug)]
pub struct ThreadsFace;

impl Face for ThreadsFace {
    const NAME: &'static str = "threads";
    const BASE: &'static str = "threads";

    /// What asks for less than `threads:read` or `threads:write`, or serves others than keys. A new operation serves keys alone.
    fn right(method: &str, path: &str) -> Right {
        const RUN: Right = Right::of_thread(Scope::Calls);
        const LOOK: Right = Right::of_thread(Scope::ThreadsRead);
        let method = if method == "HEAD" { "GET" } else { method };
        let scope = if method == "GET" { Scope::ThreadsRead } else { Scope::ThreadsWrite };
        match (method, path) {
            ("POST", "/threads") => Right { anonymous: true, ..Right::of_key(scope) },
            ("POST", "/threads/{thread}/runs" | "/runs/{run}/inputs") => RUN,
            ("POST", "/runs/{run}/cancel") => Right::of_thread(scope),
            (
                "GET",
                "/threads/{thread}"
                | "/threads/{thread}/items"
                | "/threads/{thread}/events"
                | "/runs/{run}"
                | "/runs/{run}/events",
            ) => LOOK,
            ("GET" | "DELETE", "/memories" | "/memories/{memory}") => Right::of_token(scope),
            _ => Right::of_key(scope),
        }
    }

    type Error = <NativeChat as Face>::Error;
    const ERROR_TYPE: &'static str = NativeChat::ERROR_TYPE;

    fn error(problem: &Problem) -> Vec<u8> {
        NativeChat::error(problem)
    }

    fn operations<W: World>(v: &mut impl Operations<W>) {
        thread::operations(v);
        run::operations(v);
        events::operations(v);
        export::operations(v);
        tokens::operations(v);
        list::operations(v);
        memories::operations(v);
    }
}

/// What stands in a path.
#[derive(Debug, Deserialize)]
struct At {
    account: Option<String>,
    agent: Option<String>,
    /// The client's name for it, or its id.
    thread: Option<String>,
    run: Option<String>,
    memory: Option<String>,
}

impl At {
    /// Who asks, if they may call the agent; where the path names none, if they are a member of the account.
    async fn visitor<W: World>(&self, app: &App<W>, parts: &mut Parts) -> Result<Visit, Problem> {
        if self.agent.is_none() {
            let Member(session) = Member::from_request_parts(parts, app).await?;
            return Ok(Visit { visitor: Visitor::member(&session), allow_origin: None });
        }
        let right = right_of(parts);
        let place = Place::of(self.account.clone(), self.agent.clone());
        let Asker::OfAgent(caller) = place.asker_on_thread(app, &parts.headers)? else {
            return Err(Problem::from(Error::NoSuchAgent));
        };
        let caller = caller.asking(right.scope);
        // No admission follows that would turn away what was changed meanwhile: a run keeps the version it begins with.
        let resolved = call::resolve_current(app, &caller).await.map_err(Problem::report(app))?;
        let allow_origin = cors::allow_origin(&caller, &resolved.bundle);
        let visitor =
            Visitor::of(&resolved, right).map(|visitor| visitor.after(&caller)).map_err(Problem::report(app));
        let visitor = visitor.map_err(|problem| cors::readable(problem, allow_origin.as_deref()))?;
        Ok(Visit { visitor, allow_origin })
    }

    fn thread(&self) -> Result<ThreadRef, Problem> {
        let thread = self.thread.as_deref().and_then(ThreadRef::parse);
        thread.ok_or_else(|| Problem::new(Kind::NotFound, "There is no such thread here."))
    }

    fn run(&self) -> Result<RunId, Problem> {
        let run = self.run.as_deref().and_then(RunId::parse);
        run.ok_or_else(|| Problem::new(Kind::NotFound, "There is no such run here."))
    }
}

/// What the operation that a request meets asks of who calls it.
fn right_of(parts: &Parts) -> Right {
    let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let behind = Mount::OF_AN_AGENT.iter().find_map(|mount| path.strip_prefix(mount.prefix()));
    ThreadsFace::right(parts.method.as_str(), behind.unwrap_or_default())
}

/// What a request says before its body.
struct Head {
    at: Result<At, Problem>,
    parts: Parts,
}

impl<S: Send + Sync> FromRequestParts<S> for Head {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let at = Parameters::from_request_parts(parts, state).await.map(|Parameters(at)| at);
        Ok(Self { at, parts: parts.clone() })
    }
}

impl Head {
    /// Reads the query.
    async fn query<T: FromRequestParts<(), Rejection = Problem>>(&self) -> Result<T, Problem> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = self.parts.uri.clone();
        T::from_request_parts(&mut request.into_parts().0, &()).await
    }
}

/// Who asks, and which page may read the answer.
struct Visit {
    visitor: Visitor,
    allow_origin: Option<String>,
}

/// Serves a request of somebody who may; `query` are the names that may stand in its query.
async fn serve<W: World, F>(
    app: &App<W>,
    head: Head,
    query: &[&str],
    answer: impl FnOnce(Visitor, At, HeaderMap) -> F,
) -> Response
where
    F: Future<Output = Result<Response, Problem>> + Send,
{
    let Head { at, mut parts } = head;
    let visited = match (query::check(&parts.uri, query), at) {
        (Ok(()), Ok(at)) => at.visitor(app, &mut parts).await.map(|visit| (visit, at)),
        (Err(problem), _) | (_, Err(problem)) => Err(problem),
    };
    match visited {
        Ok((Visit { visitor, allow_origin }, at)) => {
            let answered = answer(visitor, at, parts.headers).await;
            let mut response = answered.unwrap_or_else(|problem| refusal::<ThreadsFace>(&problem));
            cors::allow(response.headers_mut(), allow_origin.as_deref());
            response
        }
        Err(problem) => refusal::<ThreadsFace>(&problem),
    }
}

/// Reads a body as a type; one that may be left out is empty then.
async fn read<T: DeserializeOwned>(request: Request) -> Result<T, Problem> {
    Json::from_request(request, &()).await.map(|Json(body)| body)
}

async fn read_optional<T: DeserializeOwned + Default>(request: Request) -> Result<T, Problem> {
    body::OptionalJson::from_request(request, &()).await.map(|body::OptionalJson(body)| body)
}

fn json(status: axum::http::StatusCode, body: &impl Serialize) -> Response {
    let mut response = Json(body).into_response();
    *response.status_mut() = status;
    response
}
