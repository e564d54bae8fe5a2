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
use crate::ports::{Threads, Watch, World};
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

/// Events, as a list: a page of about a megabyte.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RunEvents)]
pub struct List {
    /// The run as it is now, where the events are of one.
    run: Option<RunView>,
    #[schema(value_type = Vec<Object>)]
    events: Vec<Numbered>,
    /// Nothing more can come.
    is_over: bool,
    /// There are more now.
    has_more: bool,
    /// `after` of the next page.
    next: Option<u64>,
}

/// Watch a run
///
/// Server-sent events: first `run.snapshot`, then each event with its number as `id`, until the run is over. With `Accept:
/// application/json` a list of what has happened, a page of about a megabyte at a time.
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
        let Events { snapshot, events, is_over, next } = events;
        let has_more = next.is_some();
        return Ok(json(StatusCode::OK, &List { run: snapshot, events, is_over, has_more, next }));
    }
    let (events, watch) = visitor.watch(app, thread, run, after).await.map_err(Problem::report(app))?;
    Ok(stream(app.clone(), visitor, thread, events, watch))
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

/// Events as they come, each under its number: of its run, or of the thread where they are of all. What was there before is
/// read page by page.
pub fn stream<W: World>(
    app: App<W>,
    visitor: Visitor,
    thread: ThreadKey,
    mut events: Events,
    watch: <W::Threads as Threads>::Watch,
) -> Response {
    let run = events.snapshot.as_ref().map(|run| run.id.number);
    let mut first = Vec::new();
    if let Some(run) = events.snapshot.take() {
        frame(&mut first, None, "run.snapshot", &run);
    }
    let following =
        Following { app, visitor: visitor.under(None), thread, run, page: Some(events), watch: Some(watch) };
    let body = streams::unfold((first, following), async |(mut out, mut following)| {
        following.read(&mut out).await;
        (!out.is_empty()).then(|| (Ok::<_, Infallible>(out), (Vec::new(), following)))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    response
}

/// Who follows what happens.
struct Following<W: World> {
    app: App<W>,
    visitor: Visitor,
    thread: ThreadKey,
    run: Option<u32>,
    /// What was read and is not shown.
    page: Option<Events>,
    /// `None`: nothing more comes.
    watch: Option<<W::Threads as Threads>::Watch>,
}

impl<W: World> Following<W> {
    /// Writes what comes next; nothing where that is the end.
    async fn read(&mut self, out: &mut Vec<u8>) {
        let is_of_run = self.run.is_some();
        while let Some(page) = self.page.take() {
            page.events.iter().for_each(|event| numbered(out, event, is_of_run));
            match page.next {
                None if page.is_over => self.watch = None,
                None => {}
                Some(next) => self.turn(next).await,
            }
            if !out.is_empty() {
                return;
            }
        }
        let Some(watch) = &mut self.watch else { return };
        match watch.next().await {
            None => self.watch = None,
            Some(event) => {
                let event = self.visitor.shown_event(event);
                numbered(out, &event, is_of_run);
                if is_of_run && event.event.is_last() {
                    self.watch = None;
                }
            }
        }
    }

    /// Turns to the page behind a number. Where that fails the stream ends, and the client comes back.
    async fn turn(&mut self, after: u64) {
        let watched = self.visitor.watch(&self.app, self.thread, self.run, Some(after)).await;
        (self.page, self.watch) = watched.map_or((None, None), |(page, watch)| (Some(page), Some(watch)));
    }
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
