//! Threads and their items.

use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Head, json, read, read_optional, serve, tokens};
use crate::domain::thread::command::Page;
use crate::domain::thread::id::EntryId;
use crate::domain::thread::view::{ItemView, ThreadView};
use crate::domain::time::Millis;
use crate::face::Operations;
use crate::face::once::{self, OnceHeader};
use crate::http::body::{self, Operation};
use crate::http::problem::{self, Kind, Problem};
use crate::http::query::{Reads, query};
use crate::ports::World;
use crate::service::App;
use crate::service::threads::Created;
use crate::wire::client::threads::{AppendBody, ChangeBody, CreateBody, ForkBody};

/// How many items a page has when nobody says.
const DEFAULT_ITEMS: u32 = 100;
const MAX_ITEMS: u32 = 1_000;

pub fn operations<W: World>(v: &mut impl Operations<W>) {
    v.operation(__path_create, create::<W>);
    v.members_operation(__path_show, show::<W>);
    v.members_operation(__path_change, change::<W>);
    v.members_operation(__path_delete, delete::<W>);
    v.members_operation(__path_items, items::<W>);
    v.members_operation(__path_append, append::<W>);
    v.members_operation(__path_fork, fork::<W>);
}

/// A thread that was made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedThread)]
pub struct CreatedView {
    #[serde(flatten)]
    thread: ThreadView,
    /// Where it was made without a key: what alone opens it. It is shown this once and kept nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    token_expires_at: Option<Millis>,
}

/// Make a thread
///
/// 200 with the thread as it is, where one of this name is there. Without a key, where the agent is public, the thread is a new
/// one without a name, and the answer has its `token`, which alone opens it.
#[utoipa::path(
    post, operation_id = "create_thread", path = "/threads", tag = "threads", request_body = CreateBody, params(OnceHeader),
    responses((status = 201, description = "The new thread", body = CreatedView), (status = 200, description = "It was there", body = CreatedView))
)]
async fn create<W: World>(State(app): State<App<W>>, head: Head, request: Request) -> Response {
    serve(&app, head, &[], async |visitor, _, _| {
        let (visitor, request) = once::taken(visitor, request).await?;
        let body: CreateBody = read_optional(request).await?;
        let (name, about, items) = body.read().map_err(Problem::invalid)?;
        let created = visitor.create(&app, name, about, items).await.map_err(Problem::report(&app))?;
        let Created { thread, is_new, token } = created;
        let token = token.map(tokens::View::from).map(|issued| (issued.token, issued.expires_at));
        let (token, token_expires_at) = token.unzip();
        let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
        Ok(json(status, &CreatedView { thread, token, token_expires_at }))
    })
    .await
}

/// Show a thread
#[utoipa::path(
    get, operation_id = "show_thread", path = "/threads/{thread}", tag = "threads",
    params(("thread" = String, Path, description = "Your name for it, or its id")),
    responses((status = 200, description = "The thread", body = ThreadView))
)]
async fn show<W: World>(State(app): State<App<W>>, head: Head) -> Response {
    serve(&app, head, &[], async |visitor, at, _| {
        let thread = visitor.show(&app, &at.thread()?).await.map_err(Problem::report(&app))?;
        Ok(json(StatusCode::OK, &thread))
    })
    .await
}

/// Change a thread
///
/// A JSON Merge Patch, in which what GET shows may be sent back as it is; as `application/json-patch+json` a list of operations
/// (RFC 6902) on what it shows and on `version`.
#[utoipa::path(
    patch, operation_id = "change_thread", path = "/threads/{thread}", tag = "threads",
    request_body(content((ChangeBody = "application/json"), (Vec<Operation> = "application/json-patch+json"))),
    params(("thread" = String, Path, description = "Your name for it, or its id")),
    responses((status = 200, description = "The thread", body = ThreadView))
)]
async fn change<W: World>(State(app): State<App<W>>, head: Head, request: Request) -> Response {
    serve(&app, head, &[], async |visitor, at, _| {
        let thread = at.thread()?;
        let body::Changes(patch) = body::Changes::from_request(request, &()).await?;
        let thread = visitor.change(&app, &thread, patch).await.map_err(Problem::report(&app))?;
        Ok(json(StatusCode::OK, &thread))
    })
    .await
}

/// Delete a thread
///
/// With all that was said and done in it. Runs at work end; what they have cost stays in the ledger.
#[utoipa::path(
    delete, operation_id = "delete_thread", path = "/threads/{thread}", tag = "threads",
    params(("thread" = String, Path, description = "Your name for it, or its id")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 409, description = "A legal hold keeps it", body = problem::Document<'static>, content_type = "application/problem+json"),
    )
)]
async fn delete<W: World>(State(app): State<App<W>>, head: Head) -> Response {
    serve(&app, head, &[], async |visitor, at, _| {
        visitor.delete(&app, &at.thread()?).await.map_err(Problem::report(&app))?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

/// Which items.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ItemsQuery {
    /// Only those behind the item of this id, in the order that is asked for.
    after: Option<String>,
    /// `asc` (the default) or `desc`, newest first.
    #[param(example = "asc")]
    order: Option<String>,
    /// 1 to 1,000; 100 when left out.
    limit: Option<u32>,
}

query!(ItemsQuery);

impl ItemsQuery {
    fn page(&self) -> Result<Page, Problem> {
        let after = match &self.after {
            None => None,
            Some(text) => Some(
                EntryId::parse(text)
                    .ok_or_else(|| Problem::new(Kind::InvalidCursor, "`after` is not the id of an item."))?,
            ),
        };
        let newest_first = match self.order.as_deref() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(_) => return Err(Problem::in_field("order", "must be asc or desc")),
        };
        let limit = self.limit.unwrap_or(DEFAULT_ITEMS);
        if limit == 0 || limit > MAX_ITEMS {
            return Err(Problem::in_field("limit", format!("must be from 1 to {MAX_ITEMS}")));
        }
        Ok(Page { after, newest_first, limit, run: None })
    }
}

/// Items of a thread.
#[derive(Debug, Serialize, ToSchema)]
pub struct Items {
    #[schema(value_type = Vec<Object>)]
    items: Vec<ItemView>,
    has_more: bool,
}

/// List a thread's items
#[utoipa::path(
    get, operation_id = "list_items", path = "/threads/{thread}/items", tag = "threads",
    params(("thread" = String, Path, description = "Your name for it, or its id"), ItemsQuery),
    responses((status = 200, description = "A page of items", body = Items))
)]
async fn items<W: World>(State(app): State<App<W>>, head: Head) -> Response {
    let page = head.query::<ItemsQuery>().await;
    serve(&app, head, ItemsQuery::query(), async |visitor, at, _| {
        let page = page?.page()?;
        let (items, has_more) =
            visitor.items(&app, &at.thread()?, page).await.map_err(Problem::report(&app))?;
        Ok(json(StatusCode::OK, &Items { items, has_more }))
    })
    .await
}

/// Append to a thread without a run
#[utoipa::path(
    post, operation_id = "append_items", path = "/threads/{thread}/items", tag = "threads", request_body = AppendBody,
    params(("thread" = String, Path, description = "Your name for it, or its id"), OnceHeader),
    responses((status = 201, description = "The new items", body = Items))
)]
async fn append<W: World>(State(app): State<App<W>>, head: Head, request: Request) -> Response {
    serve(&app, head, &[], async |visitor, at, _| {
        let thread = at.thread()?;
        let (visitor, request) = once::taken(visitor, request).await?;
        let messages = read::<AppendBody>(request).await?.read().map_err(Problem::invalid)?;
        let items = visitor.append(&app, &thread, messages).await.map_err(Problem::report(&app))?;
        Ok(json(StatusCode::CREATED, &Items { items, has_more: false }))
    })
    .await
}

/// Fork a thread
///
/// A new thread of the same agent that begins as a copy: the items up to and with `after`, or all of them, and the thread's user,
/// labels, metadata, title and version. It is there once it is whole: whoever was cut off asks again with the same `id` or
/// `Idempotency-Key`. At most 50,000 items and 64 MB.
#[utoipa::path(
    post, operation_id = "fork_thread", path = "/threads/{thread}/fork", tag = "threads", request_body = ForkBody,
    params(("thread" = String, Path, description = "Your name for it, or its id"), OnceHeader),
    responses((status = 201, description = "The new thread", body = ThreadView), (status = 200, description = "It was there", body = ThreadView))
)]
async fn fork<W: World>(State(app): State<App<W>>, head: Head, request: Request) -> Response {
    serve(&app, head, &[], async |visitor, at, _| {
        let thread = at.thread()?;
        let (visitor, request) = once::taken(visitor, request).await?;
        let body: ForkBody = read_optional(request).await?;
        let (after, name) = body.read().map_err(Problem::invalid)?;
        let forked = visitor.fork(&app, &thread, after, name).await;
        let (thread, is_new) = forked.map_err(Problem::report(&app))?;
        let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
        Ok(json(status, &thread))
    })
    .await
}
