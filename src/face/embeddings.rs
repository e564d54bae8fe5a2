//! Texts as vectors, as OpenAI's clients ask for them: by the agent's line `embeddings`.

use axum::extract::{Request, State};
use axum::response::Response;

use super::drive::unfit;
use super::head::{self, Head};
use super::judged::{Entered, judge};
use super::mount::Place;
use super::{Face, cors, refusal};
use crate::http::path::Parameters;
use crate::http::problem::Problem;
use crate::http::query;
use crate::ports::World;
use crate::service::App;
use crate::service::call::{self, Embedded};
use crate::service::threads;
use crate::wire::client::openai::embeddings::{self, Body as EmbeddingsRequest, Reply as Embeddings};

/// Make texts vectors
///
/// By the agent's line `embeddings`, held to its budget and billed like a call. An agent without that line refuses.
#[utoipa::path(
    post, path = "/v1/embeddings", tag = "calls", request_body = EmbeddingsRequest,
    responses((status = 200, description = "OpenAI's list of embeddings", body = Embeddings<'static>)),
)]
pub async fn embed<W: World, F: Face>(
    State(app): State<App<W>>,
    place: Result<Parameters<Place>, Problem>,
    request: Request,
) -> Response {
    let answered = match (query::check(request.uri(), F::QUERY), place) {
        (Ok(()), Ok(Parameters(place))) => answer(&app, &place, request).await,
        (Err(problem), _) | (_, Err(problem)) => Err(problem),
    };
    answered.unwrap_or_else(|problem| refusal::<F>(&problem))
}

async fn answer<W: World>(app: &App<W>, place: &Place, request: Request) -> Result<Response, Problem> {
    let (judged, bytes, of_run) = judge(app, place, request).await?;
    let read = embeddings::read(&bytes).map_err(|fault| unfit(fault.param, fault.message));
    let mut parsed = read.map_err(|problem| judged.readable(problem))?;
    let entered = judged.enter(app, &mut parsed.model).await?;
    let readable = entered.readable();
    if let Some(name) = of_run.keys().next() {
        let words = "is not taken here: vectors are no run, and asking again costs again";
        return Err(readable(Problem::in_field(name.as_str(), words)));
    }
    if entered.resolved.token.is_some() {
        return Err(readable(Problem::from(threads::Error::NotByToken)));
    }
    let is_of_stranger = entered.resolved.is_of_stranger();
    let Entered { caller, resolved, resolve_ms } = entered;
    let embedded = call::embed(app, &caller, resolved, &parsed.embed, parsed.model.as_deref()).await;
    let Embedded { call, bundle, rate, model, admit_ms, upstream_ms, vectors, receipt } = match embedded {
        Ok(embedded) => embedded,
        Err(unserved) => {
            let error = unserved.error;
            let error = if is_of_stranger { error.for_stranger() } else { error };
            return Err(readable(head::named(Problem::report(app)(error), unserved.call)));
        }
    };
    let warnings: Vec<_> = call::unknown_fields(&parsed.extras).collect();
    let head = Head {
        call,
        version: bundle.agent.version,
        model: model.clone(),
        timing: format!("resolve;dur={resolve_ms}, admit;dur={admit_ms}, upstream;dur={upstream_ms}"),
        allow_origin: cors::allow_origin(&caller, &bundle),
        // Of the account's plan, which is nothing of a stranger's.
        rate: rate.filter(|_| !is_of_stranger),
        deprecation: head::deprecation(&bundle.agent),
        warnings: warnings.len(),
        cache: None,
    };
    let billed = (&receipt.usage, receipt.cost);
    Ok(head.whole(embeddings::reply(&vectors, parsed.embed.is_base64, &model, billed, &warnings)))
}
