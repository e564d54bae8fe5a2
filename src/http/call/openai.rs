//! The face that OpenAI's clients talk to: `base_url=…/agents/{agent}/v1`.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;

use super::schema::{ChatCompletion, ChatCompletionRequest, ModelList, StreamEvent};
use super::{AgentPath, allow_origin, caller, cors, deprecation, enter, unfit};
use crate::http::path::Parameters;
use crate::http::problem::{Kind, Problem};
use crate::ports::World;
use crate::service::App;
use crate::service::call::{self, Answer, Asked, Brought, Ending, Relay, Step};
use crate::wire::client::openai::{self, Envelope, ErrorBody, ErrorKind, StreamEncoder};

/// Chat, as OpenAI's clients do
#[utoipa::path(
    post, path = "/accounts/{account}/agents/{agent}/v1/chat/completions", tag = "calls",
    params(("account" = String, Path, description = "Slug or id"), ("agent" = String, Path, description = "Slug or id")),
    request_body = ChatCompletionRequest,
    responses((status = 200, description = "OpenAI's chat completion, or a stream of its chunks",
        content((ChatCompletion = "application/json"), (StreamEvent = "text/event-stream")))),
    security(("key" = []), ()),
)]
pub async fn completions<W: World>(
    State(app): State<App<W>>,
    path: Result<Parameters<AgentPath>, Problem>,
    request: Request,
) -> Response {
    let answer = match path {
        Ok(Parameters(path)) => complete(&app, &path, request).await,
        Err(problem) => Err(problem),
    };
    answer.unwrap_or_else(|problem| refusal(&problem))
}

/// Chat, as OpenAI's clients do, with an agent of the default account
#[utoipa::path(
    post, path = "/agents/{agent}/v1/chat/completions", tag = "calls",
    params(("agent" = String, Path, description = "Slug or id")),
    request_body = ChatCompletionRequest,
    responses((status = 200, description = "OpenAI's chat completion, or a stream of its chunks",
        content((ChatCompletion = "application/json"), (StreamEvent = "text/event-stream")))),
    security(("key" = []), ()),
)]
pub async fn default_completions<W: World>(
    app: State<App<W>>,
    path: Result<Parameters<AgentPath>, Problem>,
    request: Request,
) -> Response {
    completions(app, path, request).await
}

/// The models of an agent, as OpenAI's clients list them
#[utoipa::path(
    get, path = "/accounts/{account}/agents/{agent}/v1/models", tag = "calls",
    params(("account" = String, Path, description = "Slug or id"), ("agent" = String, Path, description = "Slug or id")),
    responses((status = 200, description = "OpenAI's list: the agent itself, then the models of its line", body = ModelList)),
    security(("key" = []), ()),
)]
pub async fn models<W: World>(
    State(app): State<App<W>>,
    path: Result<Parameters<AgentPath>, Problem>,
    request: Request,
) -> Response {
    let answer = match path {
        Ok(Parameters(path)) => list(&app, &path, request).await,
        Err(problem) => Err(problem),
    };
    answer.unwrap_or_else(|problem| refusal(&problem))
}

/// The models of an agent of the default account
#[utoipa::path(
    get, path = "/agents/{agent}/v1/models", tag = "calls",
    params(("agent" = String, Path, description = "Slug or id")),
    responses((status = 200, description = "OpenAI's list", body = ModelList)),
    security(("key" = []), ()),
)]
pub async fn default_models<W: World>(
    app: State<App<W>>,
    path: Result<Parameters<AgentPath>, Problem>,
    request: Request,
) -> Response {
    models(app, path, request).await
}

async fn complete<W: World>(app: &App<W>, path: &AgentPath, request: Request) -> Result<Response, Problem> {
    let (entered, bytes) = enter(app, path, request).await?;
    let parsed = openai::parse(&bytes)
        .map_err(|invalid| entered.readable()(unfit(invalid.param.as_deref(), &invalid.message)))?;
    let asked = Asked {
        request: parsed.request,
        variables: Brought::Metadata,
        model: Some(parsed.model.clone()),
        stream: parsed.stream,
    };
    let (served, head) = entered.run(app, asked).await?;
    let id = format!("chatcmpl-{}", head.call);
    let envelope = Envelope {
        id: &id,
        created_s: head.created.0 / 1_000,
        model: &parsed.model,
        warnings: &served.warnings,
    };
    Ok(match served.answer {
        Answer::Whole { reply, receipt } => {
            let body = openai::reply(&envelope, &reply, &receipt.usage);
            head.respond("application/json", Body::from(body))
        }
        Answer::Stream(relay) => {
            let encoder = StreamEncoder::new(&envelope, parsed.include_usage);
            head.stream(encode(relay, encoder))
        }
    })
}

/// The relay's steps as OpenAI's chunks.
fn encode<W: World>(relay: Box<Relay<W>>, encoder: StreamEncoder) -> Body {
    Body::from_stream(stream::unfold((relay, encoder), |(mut relay, mut encoder)| async move {
        let step = relay.next().await?;
        let mut out = Vec::with_capacity(512);
        match step {
            Step::Events(events) => events.iter().for_each(|event| encoder.event(event, &mut out)),
            Step::End(Ending::Done(receipt)) => encoder.finish(&receipt.usage, &mut out),
            Step::End(Ending::Failed { error, .. }) => {
                let problem = Problem::from(error);
                encoder.error(shape(&problem), &mut out);
            }
        }
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(out)), (relay, encoder)))
    }))
}

async fn list<W: World>(app: &App<W>, path: &AgentPath, request: Request) -> Result<Response, Problem> {
    let caller = caller(app, path, request.headers())?;
    let resolved = call::resolve_current(app, &caller).await.map_err(Problem::report(app))?;
    let bundle = &resolved.bundle;
    let created_s = bundle.agent.created_at.0 / 1_000;
    let slug = bundle.agent.slug.as_str();
    let own = openai::Model { id: slug, created_s, owned_by: bundle.account.slug.as_str() };
    let line = bundle.candidates.iter().flatten().map(|candidate| openai::Model {
        id: &candidate.code,
        created_s,
        owned_by: candidate.provider.as_str(),
    });
    let models: Vec<_> = std::iter::once(own).chain(line).collect();
    let mut response = Response::new(Body::from(openai::models_list(&models)));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response.headers_mut().extend(deprecation(&bundle.agent));
    cors::allow(response.headers_mut(), allow_origin(&caller, bundle).as_deref());
    Ok(response)
}

/// A problem of a path or a method that no handler has, in the shape of the face that the path belongs to.
pub fn on_path(path: &str, problem: Problem) -> Response {
    let below_agents = path.strip_prefix("/agents/").or_else(|| {
        let (_, agents) = path.strip_prefix("/accounts/")?.split_once('/')?;
        agents.strip_prefix("agents/")
    });
    let face = below_agents.and_then(|rest| rest.split_once('/')).map_or("", |(_, face)| face);
    if face == "v1" || face.starts_with("v1/") { refusal(&problem) } else { problem.into_response() }
}

/// A problem in OpenAI's shape, with the status and the headers it has anyway.
fn refusal(problem: &Problem) -> Response {
    let mut response = Response::new(Body::from(shape(problem).to_json()));
    *response.status_mut() = problem.kind.status();
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response.headers_mut().extend(problem.headers().iter().cloned());
    response
}

fn shape(problem: &Problem) -> ErrorBody<'_> {
    let kind = match problem.kind {
        Kind::Unauthenticated => ErrorKind::Authentication,
        Kind::Forbidden | Kind::OriginNotAllowed | Kind::PlanLimitExceeded => ErrorKind::Permission,
        Kind::BudgetExceeded => ErrorKind::InsufficientQuota,
        Kind::ConcurrencyExceeded | Kind::RateLimited => ErrorKind::RateLimit,
        Kind::Internal
        | Kind::Misconfigured
        | Kind::UpstreamError
        | Kind::Unavailable
        | Kind::UpstreamTimeout => ErrorKind::Server,
        Kind::InvalidRequest
        | Kind::ValidationFailed
        | Kind::NotFound
        | Kind::ModelNotFound
        | Kind::AgentNotActive
        | Kind::AgentArchived
        | Kind::MethodNotAllowed
        | Kind::Conflict
        | Kind::PreconditionFailed
        | Kind::PayloadTooLarge
        | Kind::UnsupportedMediaType
        | Kind::UnsupportedCapability
        | Kind::UnpricedModel
        | Kind::UpstreamRejected => ErrorKind::InvalidRequest,
    };
    let param = problem.errors.first().map(|error| error.field.as_str());
    ErrorBody { message: &problem.detail, kind, param, code: Some(problem.kind.slug()) }
}
