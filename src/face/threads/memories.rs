//! What is remembered of a person, for the person: whoever holds a token of a thread that has a user.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Head, serve};
use crate::domain::memory::Status;
use crate::domain::memory::view::MemoryView;
use crate::face::Operations;
use crate::http::page::{Format, List, Listed};
use crate::http::problem::{self, Problem};
use crate::http::query::{Reads, query};
use crate::ports::World;
use crate::service::App;
use crate::service::memories::Narrow;
use crate::service::page::Request;

pub fn operations<W: World>(v: &mut impl Operations<W>) {
    v.operation(__path_list, list::<W>);
    v.operation(__path_delete, delete::<W>);
}

/// Which page of what is remembered.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OwnQuery {
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

query!(OwnQuery);

/// List what is remembered of you
///
/// By a thread's token alone: of the user whom it was issued for, else of the thread's. Newest first.
#[utoipa::path(
    get, operation_id = "list_own_memories", path = "/memories", tag = "threads", params(OwnQuery),
    responses((status = 200, description = "A page of memories", body = List<MemoryView>))
)]
async fn list<W: World>(State(app): State<App<W>>, head: Head) -> Response {
    let query = head.query::<OwnQuery>().await;
    serve(&app, head, OwnQuery::query(), async |visitor, _, _| {
        let OwnQuery { status, q, limit, cursor, format } = query?;
        let shelf = visitor.own_memories(&app).await.map_err(Problem::report(&app))?;
        let (narrow, page) = (Narrow { status, q }, Request { limit, cursor });
        let page = visitor.list_memories(&app, &shelf, narrow, &page).await.map_err(Problem::report(&app))?;
        let list = List::of(page, |memory| MemoryView::of(&shelf, memory));
        Ok(Listed(list, format.unwrap_or_default()).into_response())
    })
    .await
}

/// Delete what is remembered of you
///
/// By a thread's token alone. For good, with the earlier ones that it took the place of.
#[utoipa::path(
    delete, operation_id = "delete_own_memory", path = "/memories/{memory}", tag = "threads",
    params(("memory" = String, Path, description = "Its id")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 409, description = "A legal hold keeps it", body = problem::Document<'static>, content_type = "application/problem+json"),
    )
)]
async fn delete<W: World>(State(app): State<App<W>>, head: Head) -> Response {
    serve(&app, head, &[], async |visitor, at, _| {
        let shelf = visitor.own_memories(&app).await.map_err(Problem::report(&app))?;
        let id = at.memory.unwrap_or_default();
        visitor.delete_memory(&app, &shelf, &id).await.map_err(Problem::report(&app))?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}
