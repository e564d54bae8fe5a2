//! Responses that are kept: shown, streamed again, cancelled, deleted.

use axum::extract::{Request, State};
use axum::response::Response as Reply;
use serde::Deserialize;
use utoipa::IntoParams;

use super::json as reply;
use super::kept::{base_of, items_of, own_tools, seconds, whole};
use super::visit::{Visit, not_found, serve};
use crate::domain::thread::id::RunId;
use crate::face::{Operations, turn};
use crate::http::problem::{Kind, Problem};
use crate::http::query;
use crate::ports::World;
use crate::service::App;
use crate::service::threads::Error;
use crate::wire::client::responses::{Of, StreamEncoder, deleted, item_list, response_id, shown};
use crate::wire::sse::Frame;

const ONE: &str = "/v1/responses/{response}";
const CANCEL: &str = "/v1/responses/{response}/cancel";
const INPUT: &str = "/v1/responses/{response}/input_items";

/// A page of input items.
const MAX_PAGE: u32 = 100;
const DEFAULT_PAGE: u32 = 20;

pub fn operations<W: World>(v: &mut impl Operations<W>) {
    v.operation(__path_show_response, show_response::<W>);
    v.operation(__path_delete_response, delete_response::<W>);
    v.operation(__path_cancel_response, cancel_response::<W>);
    v.operation(__path_list_input_items, list_input_items::<W>);
}

/// How a response is shown.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ShowQuery {
    /// As a stream of its events from the first on, and of those to come.
    stream: Option<bool>,
    /// Only those behind this `sequence_number`.
    starting_after: Option<u64>,
}

const SHOW: [&str; 5] = ["stream", "starting_after", "include", "include[]", "include_obfuscation"];

/// Show a response
///
/// One that is at work, too. With `stream=true` its events, also again and for 7 days after its end.
#[utoipa::path(
    get, path = "/v1/responses/{response}", tag = "calls",
    params(("response" = String, Path, description = "Its id"), ShowQuery),
    responses((status = 200, description = "The response, or its events",
        content((serde_json::Value = "application/json"), (Frame<'static> = "text/event-stream")))),
)]
async fn show_response<W: World>(State(app): State<App<W>>, request: Request) -> Reply {
    serve(&app, (ONE, request), &SHOW, async |Visit { visitor, resolved, at, request }| {
        let run = at.run()?;
        let query: ShowQuery = query::read(request.uri())?;
        let slug = resolved.bundle.agent.slug.as_str();
        if query.stream != Some(true) {
            let view = visitor.run(&app, run).await.map_err(|error| unknown(&app, run, error))?;
            return Ok(reply(whole(&app, &visitor, view, slug).await?));
        }
        let watched = visitor.watch(&app, run.thread, Some(run.number), None).await;
        let (events, watch) = watched.map_err(|error| unknown(&app, run, error))?;
        let Some(view) = &events.snapshot else {
            return Err(Problem::unavailable("a run's events came without the run"));
        };
        let encoder = StreamEncoder::new(response_id(&run), seconds(view.created_at), base_of(view, slug))
            .with_tools(own_tools(view))
            .behind(query.starting_after);
        Ok(turn::again(app.clone(), visitor, run, encoder, events, watch))
    })
    .await
}

/// Delete a response
///
/// With its thread, where it is the only one on it. Others go with their conversation.
#[utoipa::path(
    delete, path = "/v1/responses/{response}", tag = "calls",
    params(("response" = String, Path, description = "Its id")),
    responses((status = 200, description = "It is gone", body = serde_json::Value)),
)]
async fn delete_response<W: World>(State(app): State<App<W>>, request: Request) -> Reply {
    serve(&app, (ONE, request), &[], async |Visit { visitor, at, .. }| {
        let run = at.run()?;
        visitor.run(&app, run).await.map_err(|error| unknown(&app, run, error))?;
        visitor.delete_with(&app, run).await.map_err(|error| match error {
            Error::NotLast => {
                let words = "Other responses are on the same thread: delete the conversation, with all that was said in it.";
                Problem::new(Kind::Conflict, words)
            }
            error => unknown(&app, run, error),
        })?;
        Ok(reply(deleted(response_id(&run), "response")))
    })
    .await
}

/// Cancel a response
///
/// One that is over stays as it is.
#[utoipa::path(
    post, path = "/v1/responses/{response}/cancel", tag = "calls",
    params(("response" = String, Path, description = "Its id")),
    responses((status = 200, description = "The response", body = serde_json::Value)),
)]
async fn cancel_response<W: World>(State(app): State<App<W>>, request: Request) -> Reply {
    serve(&app, (CANCEL, request), &[], async |Visit { visitor, resolved, at, .. }| {
        let run = at.run()?;
        let view = match visitor.cancel(&app, run, None).await {
            Err(Error::Conflict(_)) => visitor.run(&app, run).await,
            cancelled => cancelled,
        };
        let view = view.map_err(|error| unknown(&app, run, error))?;
        Ok(reply(whole(&app, &visitor, view, resolved.bundle.agent.slug.as_str()).await?))
    })
    .await
}

/// Which items.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ItemsQuery {
    /// Only those behind the item of this id, in the order that is asked for.
    pub after: Option<String>,
    /// `desc` (the default) or `asc`.
    pub order: Option<String>,
    /// 1 to 100; 20 when left out.
    pub limit: Option<u32>,
}

pub const ITEMS: [&str; 5] = ["after", "order", "limit", "include", "include[]"];

impl ItemsQuery {
    /// Whether the newest come first, and how many.
    pub fn page(&self) -> Result<(bool, u32), Problem> {
        let newest_first = match self.order.as_deref() {
            None | Some("desc") => true,
            Some("asc") => false,
            Some(_) => return Err(Problem::in_field("order", "must be asc or desc")),
        };
        match self.limit.unwrap_or(DEFAULT_PAGE) {
            limit @ 1..=MAX_PAGE => Ok((newest_first, limit)),
            _ => Err(Problem::in_field("limit", format!("must be from 1 to {MAX_PAGE}"))),
        }
    }
}

/// List what a response was asked with
///
/// The items that came with it; those before it are in its conversation.
#[utoipa::path(
    get, path = "/v1/responses/{response}/input_items", tag = "calls",
    params(("response" = String, Path, description = "Its id"), ItemsQuery),
    responses((status = 200, description = "A page of items", body = serde_json::Value)),
)]
async fn list_input_items<W: World>(State(app): State<App<W>>, request: Request) -> Reply {
    serve(&app, (INPUT, request), &ITEMS, async |Visit { visitor, at, request, .. }| {
        let run = at.run()?;
        let query: ItemsQuery = query::read(request.uri())?;
        let (newest_first, limit) = query.page()?;
        let items = items_of(&app, &visitor, run).await.map_err(|error| unknown(&app, run, error))?;
        let mut data = shown(&items, Of::Input, |_| true);
        if newest_first {
            data.reverse();
        }
        if let Some(after) = &query.after {
            let at = data.iter().position(|item| item["id"] == after.as_str());
            let at = at.ok_or_else(|| not_found("Item", after))?;
            data.drain(..=at);
        }
        let has_more = data.len() > limit as usize;
        data.truncate(limit as usize);
        Ok(reply(item_list(&data, has_more)))
    })
    .await
}

fn unknown<W: World>(app: &App<W>, run: RunId, error: Error) -> Problem {
    match error {
        Error::NotFound(_) => not_found("Response", &response_id(&run)),
        error => Problem::report(app)(error),
    }
}
