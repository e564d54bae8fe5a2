//! `/api/v1/users`: the persons whom the account's agents talk to. What is kept of one is exported, erased or held.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::erasure::{Hold, Receipt};
use crate::domain::time::Millis;
use crate::ports::{Unavailable, World};
use crate::service::App;
use crate::service::users::{self, export::Export};

use super::access::Writer;
use super::body::{Json, OptionalJson};
use super::page::{List, Listed, PageQuery};
use super::path::Parameters;
use super::problem::{self, Problem};
use super::streamed::{self, Pieces};

/// Erase a person
///
/// All that is kept of them and is there by now: their threads with all that is in them, what was said by tokens of theirs in threads
/// of others, and what agents remember of them. It goes on by itself, within a minute as a rule, and the receipt says how far it is.
/// What they are paid for stays in the ledger, under no name. 409 `legal_hold` where a hold keeps them.
#[utoipa::path(
    delete,
    path = "/api/v1/users/{user}",
    operation_id = "erase_user",
    tag = "users",
    params(("user" = String, Path, description = "Your word for them, percent-encoded")),
    responses(
        (status = 202, description = "The receipt", body = Receipt),
        (status = 409, description = "A legal hold keeps it", body = problem::Document<'static>, content_type = "application/problem+json"),
    )
)]
pub async fn erase<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(user): Parameters<String>,
) -> Result<(StatusCode, Json<Receipt>), Problem> {
    let receipt = users::erase(&app, &session, &user).await.map_err(Problem::report(&app))?;
    Ok((StatusCode::ACCEPTED, Json(receipt)))
}

/// Export a person
///
/// All that is kept of them in one JSON document, sent as it is read: every thread of theirs as its own export has it, and what agents
/// remember of them.
#[utoipa::path(
    get,
    path = "/api/v1/users/{user}/export",
    operation_id = "export_user",
    tag = "users",
    params(("user" = String, Path, description = "Your word for them, percent-encoded")),
    responses((status = 200, description = "The document", body = Document))
)]
pub async fn export<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(user): Parameters<String>,
) -> Result<Response, Problem> {
    let export = users::export::begin(&app, &session, &user).await.map_err(Problem::report(&app))?;
    Ok(streamed::json(app, export))
}

impl<W: World> Pieces<W> for Export {
    type Error = Unavailable;

    async fn next(&mut self, app: &App<W>) -> Result<Option<Vec<u8>>, Unavailable> {
        self.next(app).await
    }
}

/// All that is kept of a person.
#[derive(Debug, ToSchema)]
#[schema(as = UserExport)]
#[expect(dead_code, reason = "it describes what the service writes")]
pub struct Document {
    #[schema(value_type = String, format = DateTime)]
    exported_at: Millis,
    user: String,
    /// Each as `GET …/threads/{thread}/export` has it.
    #[schema(value_type = Vec<Object>)]
    threads: Vec<serde_json::Value>,
    #[schema(value_type = Vec<Object>)]
    memories: Vec<serde_json::Value>,
    /// The last field: true. A document that was cut off has none.
    is_whole: bool,
}

/// List erasures
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/api/v1/erasures",
    operation_id = "list_erasures",
    tag = "users",
    params(PageQuery),
    responses((status = 200, description = "A page of receipts", body = List<Receipt>))
)]
pub async fn erasures<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    query: PageQuery,
) -> Result<Listed<Receipt>, Problem> {
    let page = users::erasures(&app, &session, &query.request()).await.map_err(Problem::report(&app))?;
    Ok(query.answer(page, |receipt| receipt))
}

/// Show an erasure
#[utoipa::path(
    get,
    path = "/api/v1/erasures/{erasure}",
    operation_id = "show_erasure",
    tag = "users",
    params(("erasure" = String, Path, description = "The receipt's id")),
    responses((status = 200, description = "The receipt", body = Receipt))
)]
pub async fn erasure<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(erasure): Parameters<String>,
) -> Result<Json<Receipt>, Problem> {
    users::erasure(&app, &session, &erasure).await.map(Json).map_err(Problem::report(&app))
}

/// Why nothing is deleted.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LegalHoldReason)]
pub struct HoldBody {
    #[schema(example = "Case 4711", min_length = 1, max_length = 1_000)]
    reason: Option<String>,
}

/// A person of whom nothing is deleted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LegalHold)]
pub struct HoldView {
    user: String,
    reason: Option<String>,
    /// The key that placed it.
    placed_by: String,
    #[schema(value_type = String, format = DateTime)]
    placed_at: Millis,
}

impl From<Hold> for HoldView {
    fn from(Hold { user, reason, placed_by, placed_at }: Hold) -> Self {
        Self { user, reason, placed_by, placed_at }
    }
}

/// Place a legal hold
///
/// Until it is taken away nothing of this person is deleted: no thread, run or memory, whether somebody asks for it or its time is up; an
/// erasure that is running stops where it is. Placed once more it has the new reason.
#[utoipa::path(
    put,
    path = "/api/v1/users/{user}/hold",
    operation_id = "hold_user",
    tag = "users",
    params(("user" = String, Path, description = "Your word for them, percent-encoded")),
    request_body = HoldBody,
    responses((status = 200, description = "The hold", body = HoldView))
)]
pub async fn hold<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(user): Parameters<String>,
    OptionalJson(body): OptionalJson<HoldBody>,
) -> Result<Json<HoldView>, Problem> {
    let hold = users::hold(&app, &session, &user, body.reason).await.map_err(Problem::report(&app))?;
    Ok(Json(hold.into()))
}

/// Show a legal hold
#[utoipa::path(
    get,
    path = "/api/v1/users/{user}/hold",
    operation_id = "show_hold",
    tag = "users",
    params(("user" = String, Path, description = "Your word for them, percent-encoded")),
    responses((status = 200, description = "The hold", body = HoldView))
)]
pub async fn show_hold<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(user): Parameters<String>,
) -> Result<Json<HoldView>, Problem> {
    let hold = users::show_hold(&app, &session, &user).await.map_err(Problem::report(&app))?;
    Ok(Json(hold.into()))
}

/// Take a legal hold away
///
/// An erasure that it stopped goes on.
#[utoipa::path(
    delete,
    path = "/api/v1/users/{user}/hold",
    operation_id = "release_user",
    tag = "users",
    params(("user" = String, Path, description = "Your word for them, percent-encoded")),
    responses((status = 204, description = "It is gone"))
)]
pub async fn release<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    Parameters(user): Parameters<String>,
) -> Result<StatusCode, Problem> {
    users::release(&app, &session, &user).await.map_err(Problem::report(&app))?;
    Ok(StatusCode::NO_CONTENT)
}

/// List legal holds
///
/// In the order of the users.
#[utoipa::path(
    get,
    path = "/api/v1/holds",
    operation_id = "list_holds",
    tag = "users",
    params(PageQuery),
    responses((status = 200, description = "A page of holds", body = List<HoldView>))
)]
pub async fn holds<W: World>(
    State(app): State<App<W>>,
    Writer(session): Writer,
    query: PageQuery,
) -> Result<Listed<HoldView>, Problem> {
    let page = users::holds(&app, &session, &query.request()).await.map_err(Problem::report(&app))?;
    Ok(query.answer(page, HoldView::from))
}
