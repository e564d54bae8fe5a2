//! `/api/v1/memories`: what agents remember, for members of the account.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::domain::field_error::FieldErrors;
use crate::domain::ids::MemoryId;
use crate::domain::memory::draft::Draft;
use crate::domain::memory::shelf::{Shelf, check_user};
use crate::domain::memory::view::MemoryView;
use crate::domain::memory::{Kind, Memory, Source, Status};
use crate::ports::World;
use crate::service::App;
use crate::service::memories::{self, Narrow};
use crate::service::page::Request;

use super::access::Member;
use super::body::{self, Changes, Json, Operation};
use super::if_match::OnState;
use super::page::{Format, List, Listed};
use super::path::Parameters;
use super::problem::{self, Problem};
use super::query::query;

/// Whose memories.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhoseQuery {
    /// The person whose they are, in your word.
    user: Option<String>,
    /// `user`, what is known of a person (the default where `user` is given), or `work`, what the account's agents learned.
    #[param(value_type = Option<Kind>, example = "work")]
    kind: Option<String>,
    /// As `kind`.
    #[param(value_type = Option<Kind>, example = "work")]
    memory_type: Option<String>,
}

query!(WhoseQuery);

/// Whose memories, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// The person whose they are, in your word.
    user: Option<String>,
    /// `user`, what is known of a person (the default where `user` is given), or `work`, what the account's agents learned.
    #[param(value_type = Option<Kind>, example = "work")]
    kind: Option<String>,
    /// As `kind`.
    #[param(value_type = Option<Kind>, example = "work")]
    memory_type: Option<String>,
    /// Only those of this status.
    #[param(value_type = Option<Status>)]
    status: Option<String>,
    /// Only those that have one of these words, best first.
    q: Option<String>,
    /// How many, from 1 to 100; 50 when left out.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    #[param(inline)]
    format: Option<Format>,
}

query!(ListQuery);

/// Something to be remembered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMemory)]
pub struct Body {
    /// A fact that can be understood by itself.
    #[schema(example = "Prefers short answers.", min_length = 1, max_length = 4_000)]
    text: String,
    /// The person whom it is about, in your word.
    #[schema(min_length = 1, max_length = 255)]
    user: Option<String>,
    /// `user` (the default where `user` is given) or `work`.
    #[schema(value_type = Option<Kind>)]
    kind: Option<String>,
    /// As `kind`.
    #[schema(value_type = Option<Kind>)]
    memory_type: Option<String>,
    #[schema(max_items = 16)]
    labels: Option<Vec<String>>,
    /// At most 16 pairs of texts.
    metadata: Option<BTreeMap<String, String>>,
    /// The id of a memory that it takes the place of.
    #[schema(format = "uuid")]
    supersedes: Option<String>,
}

/// What of a memory can be changed.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = MemoryChanges, example = json!({"status": "archived"}))]
#[expect(dead_code, reason = "it describes what the service reads")]
pub struct ChangeBody {
    #[schema(min_length = 1, max_length = 4_000)]
    text: Option<String>,
    #[schema(max_items = 16)]
    labels: Option<Vec<String>>,
    metadata: Option<BTreeMap<String, String>>,
    /// `active` or `archived`.
    status: Option<Status>,
}

/// The shelf that a request names.
pub fn shelf(
    user: Option<String>,
    kind: Option<String>,
    memory_type: Option<String>,
) -> Result<Shelf, Problem> {
    let mut errors = FieldErrors::default();
    if let Some(user) = &user {
        check_user(&mut errors, user);
    }
    if kind.is_some() && memory_type.is_some() && kind != memory_type {
        errors.add("memory_type", "is another name of `kind`: write one of them");
    }
    let field = if kind.is_some() { "kind" } else { "memory_type" };
    let named = kind.or(memory_type).map(|name| Kind::parse(&name).ok_or("write user or work"));
    let named = named.map(|kind| errors.take(field, kind));
    let default = if user.is_some() { Kind::User } else { Kind::Work };
    let shelf = match (named.unwrap_or(Some(default)), user) {
        (Some(Kind::User), Some(user)) => Some(Shelf::User(user)),
        (Some(Kind::User), None) => {
            errors.add("user", "is required: whose memories?");
            None
        }
        (Some(Kind::Work), None) => Some(Shelf::Work),
        (Some(Kind::Work), Some(_)) => {
            errors.add("user", "must be left out: what was learned at work belongs to no user");
            None
        }
        (None, _) => None,
    };
    errors.finish_with(shelf).map_err(Problem::invalid)
}

impl WhoseQuery {
    fn shelf(self) -> Result<Shelf, Problem> {
        shelf(self.user, self.kind, self.memory_type)
    }
}

fn tagged(shelf: &Shelf, memory: Memory) -> Response {
    let tag = format!("\"{}\"", memory.tag());
    ([(header::ETAG, tag)], Json(MemoryView::of(shelf, memory))).into_response()
}

/// List memories
///
/// Of a person (`?user=`), or what the account's agents learned at work. Newest first; with `q`, those that have one of its words
/// at least, best first.
#[utoipa::path(
    get,
    path = "/api/v1/memories",
    operation_id = "list_memories",
    tag = "memories",
    params(ListQuery),
    responses((status = 200, description = "A page of memories", body = List<MemoryView>))
)]
pub async fn list<W: World>(
    State(app): State<App<W>>,
    Member(session): Member,
    query: ListQuery,
) -> Result<Listed<MemoryView>, Problem> {
    let ListQuery { user, kind, memory_type, status, q, limit, cursor, format } = query;
    let shelf = shelf(user, kind, memory_type)?;
    let (narrow, page) = (Narrow { status, q }, Request { limit, cursor });
    let page = memories::list(&app, session.account.id, &shelf, narrow, &page).await;
    let page = page.map_err(Problem::report(&app))?;
    let list = List::of(page, |memory| MemoryView::of(&shelf, memory));
    Ok(Listed(list, format.unwrap_or_default()))
}

/// Remember something
///
/// Of a person (`user`), or for all work of the account's agents. The same text again is the same memory, as long as it is
/// active: 200. Texts that look as if they had a key in them are refused.
#[utoipa::path(
    post,
    path = "/api/v1/memories",
    operation_id = "create_memory",
    tag = "memories",
    request_body = Body,
    responses(
        (status = 201, description = "The new memory", body = MemoryView,
            headers(("etag" = String, description = "This state of it"))),
        (status = 200, description = "It was remembered already", body = MemoryView,
            headers(("etag" = String, description = "This state of it"))),
    )
)]
pub async fn make<W: World>(
    State(app): State<App<W>>,
    Member(session): Member,
    Json(body): Json<Map<String, Value>>,
) -> Result<Response, Problem> {
    let (body, faults): (Body, _) = body::parse_partly(body, Ok(()))?;
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let supersedes = body.supersedes.map(|id| {
        let parsed = MemoryId::parse(&id);
        parsed.ok_or_else(|| Problem::in_field("supersedes", "is no id of a memory"))
    });
    let supersedes = supersedes.transpose()?;
    let shelf = shelf(body.user, body.kind, body.memory_type)?;
    let draft = Draft {
        text: body.text,
        labels: body.labels.unwrap_or_default(),
        metadata: body.metadata.unwrap_or_default(),
        status: Status::Active,
    };
    let source = Source { key: Some(session.key.id), ..Source::default() };
    let made = memories::make(&app, session.account.id, &shelf, (draft, source), supersedes).await;
    let (memory, is_new) = made.map_err(Problem::report(&app))?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, tagged(&shelf, memory)).into_response())
}

/// Show a memory
#[utoipa::path(
    get,
    path = "/api/v1/memories/{memory}",
    operation_id = "show_memory",
    tag = "memories",
    params(("memory" = String, Path, description = "Its id"), WhoseQuery),
    responses((status = 200, description = "The memory", body = MemoryView,
        headers(("etag" = String, description = "This state of it"))))
)]
pub async fn show<W: World>(
    State(app): State<App<W>>,
    Member(session): Member,
    Parameters(memory): Parameters<String>,
    whose: WhoseQuery,
) -> Result<Response, Problem> {
    let shelf = whose.shelf()?;
    let memory = memories::show(&app, session.account.id, &shelf, &memory).await;
    Ok(tagged(&shelf, memory.map_err(Problem::report(&app))?))
}

/// Change a memory
///
/// Its text, labels, metadata, or its status: `archived` is kept and not recalled. A JSON Merge Patch, or as
/// `application/json-patch+json` a list of operations (RFC 6902); what GET shows may be sent back as it is.
#[utoipa::path(
    patch,
    path = "/api/v1/memories/{memory}",
    operation_id = "patch_memory",
    tag = "memories",
    params(
        ("memory" = String, Path, description = "Its id"),
        ("if-match" = Option<String>, Header, description = "Entity tags, or `*`"),
        WhoseQuery,
    ),
    request_body(content((ChangeBody = "application/json"), (Vec<Operation> = "application/json-patch+json"))),
    responses((status = 200, description = "The memory", body = MemoryView,
        headers(("etag" = String, description = "This state of it"))))
)]
pub async fn change<W: World>(
    State(app): State<App<W>>,
    Member(session): Member,
    Parameters(memory): Parameters<String>,
    OnState(precondition): OnState,
    whose: WhoseQuery,
    Changes(patch): Changes,
) -> Result<Response, Problem> {
    let shelf = whose.shelf()?;
    let change = (memory.as_str(), &patch);
    let memory = memories::change(&app, session.account.id, &shelf, change, &precondition).await;
    Ok(tagged(&shelf, memory.map_err(Problem::report(&app))?))
}

/// Delete a memory
///
/// For good, with the earlier ones that it took the place of.
#[utoipa::path(
    delete,
    path = "/api/v1/memories/{memory}",
    operation_id = "delete_memory",
    tag = "memories",
    params(
        ("memory" = String, Path, description = "Its id"),
        ("if-match" = Option<String>, Header, description = "Entity tags, or `*`"),
        WhoseQuery,
    ),
    responses(
        (status = 204, description = "It is gone"),
        (status = 409, description = "A legal hold keeps it", body = problem::Document<'static>, content_type = "application/problem+json"),
    )
)]
pub async fn delete<W: World>(
    State(app): State<App<W>>,
    Member(session): Member,
    Parameters(memory): Parameters<String>,
    OnState(precondition): OnState,
    whose: WhoseQuery,
) -> Result<StatusCode, Problem> {
    let shelf = whose.shelf()?;
    let deleted = memories::delete(&app, session.account.id, &shelf, &memory, &precondition).await;
    deleted.map_err(Problem::report(&app))?;
    Ok(StatusCode::NO_CONTENT)
}
