//! What happens in runs, as a stream or a list.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::stream as streams;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Head, json, serve};
use crate::domain::run::event::Numbered;
use crate::domain::thread::command::Events;
use crate::domain::thread::id::ThreadKey;
use crate::domain::thread::view::RunView;
use crate::face::Operations;
use crate::http::problem::{Kind, Problem};
use crate::http::query::{Reads, query};
use crate::ports::{Watch, World};
use crate::service::App;
use crate::service::threads::Visitor;
use crate::wire::sse::Frame;

pub fn operations<W: World>(v: &mut impl Operations<W>) {
    v.members_operation(__path_of_run, of_run::<W>);
    v.members_operation(__path_of_thread, of_thread::<W>);
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    /// Only those behind this number. The header `Last-Event-ID` says the same.
    after: Option<u64>,
}

query!(EventsQuery);

/// Events, as a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RunEvents)]
pub struct List {
    /// The run as it is now, where the events are of one.
    run: Option<RunView>,
    #[schema(value_type = Vec<Object>)]
    events: Vec<Numbered>,
    /// Nothing more can come.
    is_over: bool,
}

/// Watch a run
///
/// Server-sent events: first `run.snapshot`, then each event with its number as `id`, until the run is over. With `Accept:
/// application/json` a list of what has happened.
#[utoipa::path(
    get, operation_id = "watch_run", path = "/runs/{run}/events", tag = "threads",
    params(("run" = String, Path, description = "Its id"), EventsQuery),
    responses((status = 200, description = "Its events", content((Frame<'static> = "text/event-stream"), (List = "application/json"))))
)]
async fn of_run<W: World>(State(app): State<App<W>>, head: Head) -> Response {
    let query = head.query().await;
    serve(&app, head, EventsQuery::query(), async |visitor, at, headers| {
        let run = at.run()?;
        answer(&app, visitor, run.thread, Some(run.number), query?, &headers).await
    })
    .await
}

/// Watch a thread
///
/// The events of all its runs in one stream, each with its `position` as `id`.
#[utoipa::path(
    get, operation_id = "watch_thread", path = "/threads/{thread}/events", tag = "threads",
    params(("thread" = String, Path, description = "Your name for it, or its id"), EventsQuery),
    responses((status = 200, description = "Its events", content((Frame<'static> = "text/event-stream"), (List = "application/json"))))
)]
async fn of_thread<W: World>(State(app): State<App<W>>, head: Head) -> Response {
    let query = head.query().await;
    serve(&app, head, EventsQuery::query(), async |visitor, at, headers| {
        let thread = at.thread()?.key(visitor.account);
        answer(&app, visitor, thread, None, query?, &headers).await
    })
    .await
}

async fn answer<W: World>(
    app: &App<W>,
    visitor: Visitor,
    thread: ThreadKey,
    run: Option<u32>,
    query: EventsQuery,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let after = cursor(&query, headers)?;
    if wants_json(headers) {
        let events = visitor.events(app, thread, run, after).await.map_err(Problem::report(app))?;
        let Events { snapshot, events, is_over } = events;
        return Ok(json(StatusCode::OK, &List { run: snapshot, events, is_over }));
    }
    let (events, watch) = visitor.watch(app, thread, run, after).await.map_err(Problem::report(app))?;
    Ok(stream::<W>(events, watch))
}

/// `Last-Event-ID` is what a client that comes back sends, so it wins.
fn cursor(query: &EventsQuery, headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    match headers.get("last-event-id").map(HeaderValue::to_str) {
        None => Ok(query.after),
        Some(Ok("")) => Ok(None),
        Some(text) => {
            text.ok().and_then(|text| text.parse().ok()).map(Some).ok_or_else(|| {
                Problem::new(Kind::InvalidCursor, "Last-Event-ID is not the number of an event.")
            })
        }
    }
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok());
    accepted.is_some_and(|accepted| {
        accepted.contains("application/json") && !accepted.contains("text/event-stream")
    })
}

/// Events as they come, each under its number: of its run, or of the thread where they are of all.
pub fn stream<W: World>(events: Events, watch: <W::Threads as crate::ports::Threads>::Watch) -> Response {
    let is_of_run = events.snapshot.is_some();
    let mut first = Vec::new();
    if let Some(run) = &events.snapshot {
        frame(&mut first, None, "run.snapshot", run);
    }
    events.events.iter().for_each(|event| numbered(&mut first, event, is_of_run));
    let more = (!events.is_over).then_some(watch);
    let body = streams::unfold((Some(first), more), move |(first, watch)| async move {
        if let Some(first) = first.filter(|first| !first.is_empty()) {
            return Some((Ok::<_, Infallible>(first), (None, watch)));
        }
        let mut watch = watch?;
        let event = watch.next().await?;
        let mut out = Vec::with_capacity(256);
        numbered(&mut out, &event, is_of_run);
        let watch = Some(watch).filter(|_| !(is_of_run && event.event.is_last()));
        Some((Ok(out), (None, watch)))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    response
}

fn numbered(out: &mut Vec<u8>, event: &Numbered, is_of_run: bool) {
    let id = if is_of_run { event.seq } else { event.position };
    frame(out, Some(id), event.event.name(), event);
}

fn frame(out: &mut Vec<u8>, id: Option<u64>, name: &str, data: &impl Serialize) {
    if let Some(id) = id {
        out.extend_from_slice(format!("id: {id}\n").as_bytes());
    }
    out.extend_from_slice(format!("event: {name}\ndata: ").as_bytes());
    out.extend_from_slice(&serde_json::to_vec(data).unwrap_or_default());
    out.extend_from_slice(b"\n\n");
}
