//! Which threads and runs there are.

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::IntoParams;

use super::{Head, serve};
use crate::domain::dispatch::entry::{Kind, RunLine, ThreadLine};
use crate::face::Operations;
use crate::http::page::{Format, List, Listed};
use crate::http::problem::Problem;
use crate::http::query::{Reads, query};
use crate::ports::World;
use crate::service::App;
use crate::service::page::Request;
use crate::service::threads::{Narrow, Visitor};

const INDEX_LAG: HeaderName = HeaderName::from_static("x-index-lag-ms");

pub fn operations<W: World>(v: &mut impl Operations<W>) {
    v.members_operation(__path_threads, threads::<W>);
    v.members_operation(__path_runs, runs::<W>);
}

/// Which threads or runs, and which page of them. What is given must all be so.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Only those of this agent, by slug or id. Where the path names an agent, only that one's are there.
    agent: Option<String>,
    /// Only those of this status.
    status: Option<String>,
    /// Only those of this end user, in your word.
    user: Option<String>,
    /// Only those with this label: a whole one, or of labels such as `team:blue` the part before the colon. A run is found by
    /// the labels and the user that its thread had when the run changed last.
    label: Option<String>,
    /// Of threads `created` (the default) or `updated`, newest first either way; runs are listed by when they were made. It
    /// is also the time that `since` and `until` speak of.
    order: Option<String>,
    /// Only those from this moment on.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<String>,
    /// Only those up to this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<String>,
    /// How many, from 1 to 100; 50 when left out. A page may be shorter: so many entries are looked at and no more. Only
    /// a `next_cursor` of null is the end.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    #[param(inline)]
    format: Option<Format>,
}

query!(ListQuery);

/// List threads
///
/// Newest first, from an index that is at most a second behind as a rule; `x-index-lag-ms` says how far it may be now.
#[utoipa::path(
    get, operation_id = "list_threads", path = "/threads", tag = "threads", params(ListQuery),
    responses((
        status = 200, description = "A page of threads", body = List<ThreadLine<'static>>,
        headers(("x-index-lag-ms" = u64, description = "How far behind the list may be, in milliseconds"))
    ))
)]
async fn threads<W: World>(State(app): State<App<W>>, head: Head) -> Response {
    let query = head.query::<ListQuery>().await;
    serve(&app, head, ListQuery::query(), async |visitor, _, _| {
        list(&app, visitor, Kind::Thread, query?).await
    })
    .await
}

/// List runs
///
/// Newest first, from an index that is at most a second behind as a rule; `x-index-lag-ms` says how far it may be now.
#[utoipa::path(
    get, operation_id = "list_runs", path = "/runs", tag = "threads", params(ListQuery),
    responses((
        status = 200, description = "A page of runs", body = List<RunLine<'static>>,
        headers(("x-index-lag-ms" = u64, description = "How far behind the list may be, in milliseconds"))
    ))
)]
async fn runs<W: World>(State(app): State<App<W>>, head: Head) -> Response {
    let query = head.query::<ListQuery>().await;
    serve(&app, head, ListQuery::query(), async |visitor, _, _| list(&app, visitor, Kind::Run, query?).await)
        .await
}

async fn list<W: World>(
    app: &App<W>,
    visitor: Visitor,
    kind: Kind,
    query: ListQuery,
) -> Result<Response, Problem> {
    let ListQuery { agent, status, user, label, order, since, until, limit, cursor, format } = query;
    if visitor.agent().is_some() && agent.is_some() {
        return Err(Problem::in_field("agent", "is not known here: the path names the agent"));
    }
    let narrow = Narrow { agent, status, user, label, order, since, until };
    let listed = visitor.list(app, kind, &narrow, &Request { limit, cursor }).await;
    let listing = listed.map_err(Problem::report(app))?;
    let rows = listing.page.rows.into_iter().map(RawValue::from_string).collect::<Result<Vec<_>, _>>();
    let data = rows.map_err(|error| Problem::unavailable(format!("an entry of the index: {error}")))?;
    let list = List { data, next_cursor: listing.page.next_cursor };
    let mut response = Listed(list, format.unwrap_or_default()).into_response();
    response.headers_mut().insert(INDEX_LAG, HeaderValue::from(listing.lag_ms));
    Ok(response)
}
