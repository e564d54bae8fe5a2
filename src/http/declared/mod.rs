//! The declared kinds' endpoints: one set of handlers for all of them.
//!
//! `GET /api/v1/{kind}` lists, `POST` creates where the platform chooses names; `GET`, `PUT`, `PATCH` (JSON Merge Patch) and
//! `DELETE` of `/api/v1/{kind}/{name}` do what they say, under `ETag`, `If-Match` and `If-None-Match: *`.

pub mod document;
pub mod exchange;

use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa::openapi::HttpMethod;

use crate::domain::declared::{Facts, Naming};
use crate::http::body::{self, Changes, Json};
use crate::http::page::PageQuery;
use crate::http::problem::{Kind, Problem};
use crate::http::query::{Reads, query};
use crate::http::{access, if_match, query};
use crate::ports::World;
use crate::service::App;
use crate::service::declared::{Context, Query as Asked, Serves, Shown};
use crate::service::precondition::Precondition;

/// What is done with a kind's things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    List,
    Create,
    Get,
    Put,
    Patch,
    Delete,
}

impl Verb {
    /// Those of a kind.
    pub fn of(facts: &Facts) -> impl Iterator<Item = Self> {
        let all = [Self::List, Self::Create, Self::Get, Self::Put, Self::Patch, Self::Delete];
        let creates = facts.naming == Naming::ByPlatform;
        all.into_iter().filter(move |verb| creates || *verb != Self::Create)
    }

    pub const fn method(self) -> HttpMethod {
        match self {
            Self::List | Self::Get => HttpMethod::Get,
            Self::Create => HttpMethod::Post,
            Self::Put => HttpMethod::Put,
            Self::Patch => HttpMethod::Patch,
            Self::Delete => HttpMethod::Delete,
        }
    }

    /// Whether it is served at the path of the collection.
    pub const fn is_of_all(self) -> bool {
        matches!(self, Self::List | Self::Create)
    }

    pub const fn writes(self) -> bool {
        !matches!(self, Self::List | Self::Get)
    }

    /// The names that it reads of a query.
    pub fn query(self, facts: &Facts) -> Vec<&'static str> {
        match self {
            Self::List => {}
            Self::Delete if facts.is_named_in_lines => return ForceQuery::query().to_vec(),
            _ => return Vec::new(),
        }
        let filters = facts.filters.iter().map(|filter| filter.name);
        PageQuery::query().iter().copied().chain(filters).collect()
    }

    /// Whether it is served only over a state that the client may name.
    pub const fn is_conditional(self) -> bool {
        matches!(self, Self::Put | Self::Patch | Self::Delete)
    }
}

/// What becomes of a thing that lines or agents name.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ForceQuery {
    /// Deletes it although model lines or agents name it.
    force: Option<bool>,
}

query!(ForceQuery);

/// The path of a kind's collection, or of its things, as axum writes it.
pub fn path(root: &str, first_word: &str, facts: &Facts, verb: Verb) -> String {
    let mut path = format!("{root}/{first_word}");
    if !verb.is_of_all() {
        for parameter in facts.parameters {
            path.push_str(if parameter.is_rest { "/{*" } else { "/{" });
            path.push_str(parameter.name);
            path.push('}');
        }
    }
    path
}

/// Serves a request for things of a kind.
pub async fn serve<W: World>(
    app: App<W>,
    kind: &'static dyn Serves<W>,
    verb: Verb,
    request: Request,
) -> Response {
    answer(&app, kind, verb, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn answer<W: World>(
    app: &App<W>,
    kind: &'static dyn Serves<W>,
    verb: Verb,
    request: Request,
) -> Result<Response, Problem> {
    query::check(request.uri(), &verb.query(kind.facts()))?;
    let (mut parts, content) = request.into_parts();
    let session = access::of_kind(&mut parts, app, kind.facts(), verb.writes()).await?;
    let cx = Context::new(app, session.as_ref());
    let name = name(&mut parts, kind.facts()).await?;
    let precondition = match verb.is_conditional() {
        true => if_match::precondition(&parts.headers)?,
        // A GET may carry what a cache remembers: it is always answered whole.
        false => Precondition::None,
    };
    let report = || Problem::report(app);
    match verb {
        Verb::List => {
            let query = asked(&parts, kind.facts())?;
            let page = kind.list(&cx, &query).await.map_err(report())?;
            let asked: PageQuery = query::read(&parts.uri)?;
            Ok(asked.answer(page, |row| row).into_response())
        }
        Verb::Get => Ok(tagged(kind.get(&cx, &name).await.map_err(report())?)),
        Verb::Delete => {
            let query: ForceQuery = query::read(&parts.uri)?;
            let cx = cx.forced(query.force.unwrap_or_default());
            kind.delete(&cx, &name, &precondition).await.map_err(report())?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        Verb::Create => {
            let bytes = body::read(Request::from_parts(parts, content)).await?;
            let made = kind.create(&cx, body::object(&bytes)?).await.map_err(report())?;
            Ok(created(kind.facts(), made))
        }
        Verb::Put => {
            let bytes = body::read(Request::from_parts(parts, content)).await?;
            let put = kind.put(&cx, &name, body::object(&bytes)?, &precondition).await;
            Ok(tagged(put.map_err(report())?))
        }
        Verb::Patch => {
            let Changes(patch) = Changes::from_request(Request::from_parts(parts, content), &()).await?;
            let patched = kind.patch(&cx, &name, patch, &precondition).await;
            Ok(tagged(patched.map_err(report())?))
        }
    }
}

pub(super) fn tagged(shown: Shown) -> Response {
    ([(header::ETAG, format!("\"{}\"", shown.tag))], Json(shown.view)).into_response()
}

fn created(facts: &Facts, shown: Shown) -> Response {
    let first_word = facts.first_words().first().copied().unwrap_or_default();
    let location = format!("/api/v1/{first_word}/{}", shown.name);
    (StatusCode::CREATED, [(header::LOCATION, location)], tagged(shown)).into_response()
}

/// The parts of the path that name a thing, with slashes between them; empty at the collection's path.
async fn name(parts: &mut Parts, facts: &Facts) -> Result<String, Problem> {
    let found = RawPathParams::from_request_parts(parts, &()).await.map_err(|_| {
        Problem::new(Kind::InvalidRequest, "A part of the path is not UTF-8 after percent-decoding.")
    })?;
    let part = |name: &str| found.iter().find(|(found, _)| *found == name).map(|(_, value)| value);
    let named: Vec<&str> = facts.parameters.iter().filter_map(|parameter| part(parameter.name)).collect();
    Ok(named.join("/"))
}

/// The query of the list.
fn asked(parts: &Parts, facts: &Facts) -> Result<Asked, Problem> {
    let page: PageQuery = query::read(&parts.uri)?;
    let words = |name: &str| {
        let given = query::pairs(&parts.uri).filter(|(given, _)| given == name);
        given.flat_map(|(_, words)| words.split(',').map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    let filters = facts.filters.iter().map(|filter| words(filter.name)).collect();
    Ok(Asked { page: page.request(), filters })
}
