//! Our own face: `/chat` answers whole, `/stream` as it comes.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;

use super::schema::{ChatReply, ChatRequest, StreamEvent};
use super::{AgentPath, enter};
use crate::domain::ids::CallId;
use crate::domain::warning::Warning;
use crate::http::path::Parameters;
use crate::http::problem::{Kind, Problem};
use crate::ports::World;
use crate::service::App;
use crate::service::call::bundle::Bundle;
use crate::service::call::{Answer, Asked, Brought, Ending, Receipt, Relay, Served, Step};
use crate::wire::client::native::{self, Done, Fault, StreamEncoder};

/// Ask an agent
#[utoipa::path(
    post, path = "/accounts/{account}/agents/{agent}/chat", tag = "calls",
    params(("account" = String, Path, description = "Slug or id"), ("agent" = String, Path, description = "Slug or id")),
    request_body = ChatRequest,
    responses((status = 200, description = "The answer, and what it cost", body = ChatReply)),
    security(("key" = []), ()),
)]
pub async fn chat<W: World>(
    State(app): State<App<W>>,
    Parameters(path): Parameters<AgentPath>,
    request: Request,
) -> Response {
    answer(&app, &path, request, false).await.unwrap_or_else(IntoResponse::into_response)
}

/// Ask an agent and read its answer as it comes
#[utoipa::path(
    post, path = "/accounts/{account}/agents/{agent}/stream", tag = "calls",
    params(("account" = String, Path, description = "Slug or id"), ("agent" = String, Path, description = "Slug or id")),
    request_body = ChatRequest,
    responses((status = 200, description = "Server-sent events: `delta` …, then `done` or `error`", body = StreamEvent,
        content_type = "text/event-stream")),
    security(("key" = []), ()),
)]
pub async fn stream<W: World>(
    State(app): State<App<W>>,
    Parameters(path): Parameters<AgentPath>,
    request: Request,
) -> Response {
    answer(&app, &path, request, true).await.unwrap_or_else(IntoResponse::into_response)
}

/// Ask an agent of the default account
#[utoipa::path(
    post, path = "/agents/{agent}/chat", tag = "calls",
    params(("agent" = String, Path, description = "Slug or id")),
    request_body = ChatRequest,
    responses((status = 200, description = "The answer, and what it cost", body = ChatReply)),
    security(("key" = []), ()),
)]
pub async fn default_chat<W: World>(
    app: State<App<W>>,
    path: Parameters<AgentPath>,
    request: Request,
) -> Response {
    chat(app, path, request).await
}

/// Ask an agent of the default account and read its answer as it comes
#[utoipa::path(
    post, path = "/agents/{agent}/stream", tag = "calls",
    params(("agent" = String, Path, description = "Slug or id")),
    request_body = ChatRequest,
    responses((status = 200, description = "Server-sent events: `delta` …, then `done` or `error`", body = StreamEvent,
        content_type = "text/event-stream")),
    security(("key" = []), ()),
)]
pub async fn default_stream<W: World>(
    app: State<App<W>>,
    path: Parameters<AgentPath>,
    request: Request,
) -> Response {
    stream(app, path, request).await
}

async fn answer<W: World>(
    app: &App<W>,
    path: &AgentPath,
    request: Request,
    is_stream: bool,
) -> Result<Response, Problem> {
    let (entered, bytes) = enter(app, path, request).await?;
    let parsed = native::parse(&bytes).map_err(|fault| entered.readable()(unfit(fault)))?;
    let variables = Brought::Variables(parsed.variables);
    let asked = Asked { request: parsed.request, variables, model: None, stream: is_stream };
    let (served, head) = entered.run(app, asked).await?;
    let Served { call, bundle, model, warnings, answer, .. } = served;
    let ticket = Ticket { call, bundle, model, warnings };
    Ok(match answer {
        Answer::Whole { reply, receipt } => {
            let body = ticket.done(&Done::text_of(&reply), &receipt).to_json();
            head.respond("application/json", Body::from(body))
        }
        Answer::Stream(relay) => head.stream(encode(relay, ticket)),
    })
}

fn unfit(fault: Fault) -> Problem {
    match fault {
        Fault::Fields(errors) => Problem::invalid(errors),
        Fault::Malformed(words) => Problem::new(Kind::InvalidRequest, words),
    }
}

/// What every answer says of its call.
struct Ticket {
    call: CallId,
    bundle: Arc<Bundle>,
    model: String,
    warnings: Vec<Warning>,
}

impl Ticket {
    fn done<'a>(&'a self, message: &'a str, receipt: &'a Receipt) -> Done<'a> {
        Done {
            message,
            usage: &receipt.usage,
            cost_usd: receipt.cost,
            model: &self.model,
            agent: self.bundle.agent.slug.as_str(),
            agent_version: self.bundle.agent.version,
            call_id: self.call,
            warnings: &self.warnings,
        }
    }
}

fn encode<W: World>(relay: Box<Relay<W>>, ticket: Ticket) -> Body {
    let start = (relay, StreamEncoder::default(), ticket);
    Body::from_stream(stream::unfold(start, |(mut relay, mut encoder, ticket)| async move {
        let mut out = Vec::with_capacity(256);
        match relay.next().await? {
            Step::Events(events) => events.iter().for_each(|event| encoder.event(event, &mut out)),
            Step::End(Ending::Done(receipt)) => {
                StreamEncoder::done(&ticket.done(encoder.text(), &receipt), &mut out);
            }
            Step::End(Ending::Failed { error, .. }) => {
                StreamEncoder::error(&Problem::from(error).to_json(), &mut out);
            }
        }
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(out)), (relay, encoder, ticket)))
    }))
}
