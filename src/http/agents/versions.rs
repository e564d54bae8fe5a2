//! An agent's versions.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::agent::FieldChange;
use crate::domain::ids::AgentId;
use crate::domain::time::Millis;
use crate::ports::{self, VersionLine, World};
use crate::service::App;
use crate::service::agents::{self, Span};
use crate::service::failure::Failure;

use super::super::access::{Reader, Writer};
use super::super::body::Json;
use super::super::if_match::Tags;
use super::super::page::{List, Listed, PageQuery};
use super::super::path::{AgentPath, Parameters};
use super::super::problem::Problem;
use super::{Configuration, Tagged, View};

/// A version in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AgentVersionLine)]
pub struct Line {
    #[schema(format = "uuid")]
    agent_id: String,
    version: u32,
    #[schema(value_type = String, format = DateTime)]
    created_at: Millis,
    /// The id of the key that wrote it, or `operator`; null is the platform itself.
    created_by: Option<String>,
    /// The fields that are not as in the version before; none of the first.
    #[schema(example = json!(["instructions"]))]
    changed: Vec<String>,
}

impl Line {
    fn of(agent: AgentId, line: VersionLine) -> Self {
        let VersionLine { version, created_at, created_by, changed } = line;
        Self { agent_id: agent.to_string(), version, created_at, created_by, changed }
    }
}

/// An agent's definition as it was.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AgentVersion)]
pub struct Snapshot {
    #[schema(format = "uuid")]
    agent_id: String,
    version: u32,
    #[schema(value_type = String, format = DateTime)]
    created_at: Millis,
    /// The id of the key that wrote it, or `operator`; null is the platform itself.
    created_by: Option<String>,
    #[serde(flatten)]
    definition: Configuration,
    /// The same fields once more, in one place.
    snapshot: Configuration,
}

impl Snapshot {
    fn of(agent: AgentId, version: ports::Version) -> Self {
        let ports::Version { version, definition, created_at, created_by } = version;
        let snapshot = definition.clone().into();
        Self {
            agent_id: agent.to_string(),
            version,
            created_at,
            created_by,
            definition: definition.into(),
            snapshot,
        }
    }
}

/// What is different between two versions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AgentDifference)]
pub struct Difference {
    from: u32,
    to: u32,
    /// The fields that differ; of `config` by their paths.
    changes: Vec<FieldChange>,
}

/// One version, or two compared.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = AgentVersionOrDifference)]
pub enum Shown {
    Snapshot(Box<Snapshot>),
    Difference(Difference),
}

/// Which version to go back to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AgentRollback)]
pub struct Rollback {
    #[schema(example = 1, minimum = 1)]
    version: u32,
}

/// A path that names versions of an agent.
#[derive(Debug, Deserialize)]
pub struct VersionPath {
    agent: String,
    version: String,
}

/// List an agent's versions
///
/// Newest first; by its id also those of an archived agent.
#[utoipa::path(
    get,
    path = "/api/v1/agents/{agent}/versions",
    operation_id = "list_agent_versions",
    tag = "agents",
    params(("agent" = String, Path, description = "Slug or id"), PageQuery),
    responses((status = 200, description = "A page of versions", body = List<Line>))
)]
pub async fn list<W: World>(
    State(app): State<App<W>>,
    Reader(session): Reader,
    Parameters(AgentPath { agent }): Parameters<AgentPath>,
    query: PageQuery,
) -> Result<Listed<Line>, Problem> {
    let found = agents::versions(&app, &session, &agent, &query.request()).await;
    let (id, page) = found.map_err(Problem::report(&app))?;
    Ok(query.answer(page, |line| Line::of(id, line)))
}

/// Show a version, or what is different between two
///
/// `3` is the third version; `1..3` is what it has otherwise than the first, and `3..1` the other way round.
#[utoipa::path(
    get,
    path = "/api/v1/agents/{agent}/versions/{version}",
    operation_id = "get_agent_version",
    tag = "agents",
    params(
        ("agent" = String, Path, description = "Slug or id"),
        ("version" = String, Path, description = "A version's number, or two as `1..3`", example = "1..3"),
    ),
    responses((status = 200, description = "The version, or the difference", body = Shown))
)]
pub async fn get<W: World>(
    State(app): State<App<W>>,
    Reader(session): Reader,
    Parameters(VersionPath { agent, version }): Parameters<VersionPath>,
) -> Result<Json<Shown>, Problem> {
    let shown = match Span::parse(&version) {
        Some(Span::One(version)) => agents::version(&app, &session, &agent, version)
            .await
            .map(|(id, version)| Shown::Snapshot(Box::new(Snapshot::of(id, version)))),
        Some(Span::Between(from, to)) => {
            let difference = agents::compare(&app, &session, &agent, [from, to]).await;
            difference
                .map(|agents::Difference { from, to, changes }| Difference { from, to, changes })
                .map(Shown::Difference)
        }
        None => Err(Failure::invalid("version", "write a version's number such as 3, or two such as 1..3")),
    };
    shown.map(Json).map_err(Problem::report(&app))
}

/// Go back to a version
///
/// Makes a new version equal to that one, if it could be saved so today; it holds from the next call. Slug, status, labels
/// and budget are no part of a version and stay. When the newest version is equal to it, nothing changes.
#[utoipa::path(
    post,
    path = "/api/v1/agents/{agent}/rollback",
    operation_id = "rollback_agent",
    tag = "agents",
    params(
        ("agent" = String, Path, description = "Slug or id"),
        ("if-match" = Option<String>, Header, description = "Entity tags, or `*`"),
    ),
    request_body = Rollback,
    responses((status = 200, description = "The agent", body = View,
        headers(("etag" = String, description = "This state of it"))))
)]
pub async fn rollback<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(AgentPath { agent }): Parameters<AgentPath>,
    Tags(if_match): Tags,
    Json(body): Json<Rollback>,
) -> Result<Response, Problem> {
    let agent = agents::rollback(&app, &session, &agent, body.version, &if_match).await;
    let agent = agent.map_err(Problem::report(&app))?;
    Ok(Tagged::of(StatusCode::OK, &session.account, agent).into_response())
}
