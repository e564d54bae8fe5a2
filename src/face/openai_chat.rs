//! The face that OpenAI's clients talk to: `base_url=…/agents/{agent}/v1`, or `…/accounts/{account}/v1` where `model` names the
//! agent.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;

use super::call::{Call, Encoder, Of, Ticket};
use super::drive::{self, unfit};
use super::head::deprecation;
use super::mount::{AccountCaller, Asker, Place};
use super::named::NamedAgent;
use super::{Face, Mount, Operations, cors, embeddings, refusal, worded};
use crate::domain::flag::Flag;
use crate::domain::message::{ChatReply, Event, Message};
use crate::domain::right::Right;
use crate::domain::scope::Scope;
use crate::domain::warning::Warning;
use crate::http::path::Parameters;
use crate::http::problem::{Kind, Problem};
use crate::http::query;
use crate::ports::World;
use crate::service::App;
use crate::service::call::bundle::Bundle;
use crate::service::call::{self, Asked, Caller, Passed, Receipt, Resolved};
use crate::service::threads;
use crate::wire::client::openai::{
    self, ChatCompletion, ChatCompletionRequest, Enclosed, Envelope, ErrorBody, ErrorKind, ListedModel,
    Model, ModelList, StreamEncoder,
};
use crate::wire::sse::Frame;

#[derive(Clone, Copy, Debug)]
pub struct OpenAiChat;

impl Face for OpenAiChat {
    const NAME: &'static str = "openai";
    const BASE: &'static str = "v1";
    const MOUNTS: &'static [Mount] = &Mount::ALL;
    /// Azure's client and gateways' clients.
    const QUERY: &'static [&'static str] = &["api-version", "beta"];

    fn right(method: &str, path: &str) -> Right {
        match (method, path) {
            ("POST", "/v1/chat/completions") => Right::CALL,
            // A list is of no thread, and neither are vectors.
            _ => Right { token: false, ..Right::CALL },
        }
    }

    type Error = Enclosed<'static>;
    const ERROR_TYPE: &'static str = "application/json";

    fn error(problem: &Problem) -> Vec<u8> {
        shape(problem, &worded(problem)).to_json()
    }

    fn operations<W: World>(v: &mut impl Operations<W>) {
        v.operation(__path_completions, drive::call::<W, Completion>);
        v.operation(embeddings::__path_embed, embeddings::embed::<W, Self>);
        v.operation(__path_models, models::<W>);
        v.operation(__path_model, model::<W>);
    }
}

/// Chat, as OpenAI's clients do
#[utoipa::path(
    post, path = "/v1/chat/completions", tag = "calls", request_body = ChatCompletionRequest,
    responses((status = 200, description = "OpenAI's chat completion, or a stream of its chunks, which name no event",
        content((ChatCompletion<'static> = "application/json"), (Frame<'static> = "text/event-stream")))),
)]
#[expect(dead_code, reason = "it is only described here")]
const fn completions() {}

/// A chat completion.
struct Completion {
    /// As the client named it.
    model: String,
    include_usage: bool,
}

impl Completion {
    /// Writes what stands on every reply and every chunk.
    fn with_envelope<T>(&self, ticket: &Ticket, write: impl FnOnce(&Envelope<'_>) -> T) -> T {
        let id = match ticket.of {
            Of::Call(call) => format!("chatcmpl-{call}"),
            Of::Run(run) => format!("chatcmpl-{run}"),
        };
        write(&Envelope {
            id: &id,
            created_s: ticket.created.0 / 1_000,
            model: &self.model,
            warnings: &ticket.warnings,
            cached: ticket.is_cached,
        })
    }
}

impl Call for Completion {
    type Face = OpenAiChat;
    type Encoder = StreamEncoder;
    const PROTOCOL: &'static str = "openai";

    fn parse(body: &[u8]) -> Result<(Asked, Self), Problem> {
        let parsed = openai::read(body).map_err(|invalid| unfit(invalid.param, invalid.message))?;
        let asked = Asked {
            request: parsed.request,
            variables: Passed::Metadata,
            model: Some(parsed.model.clone()),
            stream: parsed.stream,
            sent: None,
            most: None,
            last: Vec::new(),
        };
        Ok((asked, Self { model: parsed.model, include_usage: parsed.include_usage }))
    }

    fn check_history(messages: &mut [Message]) -> Result<(), Problem> {
        openai::pair(messages).map_err(|invalid| unfit(invalid.param, invalid.message))
    }

    fn whole(self, ticket: &Ticket, reply: &ChatReply, receipt: &Receipt) -> Vec<u8> {
        self.with_envelope(ticket, |envelope| openai::reply(envelope, reply, &receipt.usage, receipt.cost))
    }

    fn encoder(self, ticket: Ticket) -> StreamEncoder {
        self.with_envelope(&ticket, |envelope| StreamEncoder::new(envelope, self.include_usage))
    }
}

impl Encoder for StreamEncoder {
    fn warn(&mut self, warnings: Vec<Warning>) {
        warnings.iter().for_each(|warning| self.warning(warning));
    }

    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        Self::event(self, event, out);
    }

    fn done(&mut self, receipt: &Receipt, out: &mut Vec<u8>) {
        self.finish(&receipt.usage, receipt.cost, out);
    }

    fn failed(&mut self, problem: &Problem, out: &mut Vec<u8>) {
        self.error(shape(problem, &worded(problem)), out);
    }
}

/// The models, as OpenAI's clients list them
///
/// Of an agent: itself, then the models of its line. Of an account: the agents that the key may call and whose calls are
/// answered, newest first, at most 1,000.
#[utoipa::path(
    get, path = "/v1/models", tag = "calls",
    responses((status = 200, description = "OpenAI's list", body = ModelList<'static>)),
)]
async fn models<W: World>(
    State(app): State<App<W>>,
    place: Result<Parameters<Place>, Problem>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let listed = match (query::check(&uri, OpenAiChat::QUERY), place) {
        (Ok(()), Ok(Parameters(place))) => list(&app, &place, &headers).await,
        (Err(problem), _) | (_, Err(problem)) => Err(problem),
    };
    listed.unwrap_or_else(|problem| refusal::<OpenAiChat>(&problem))
}

async fn list<W: World>(app: &App<W>, place: &Place, headers: &HeaderMap) -> Result<Response, Problem> {
    match place.asker_on_thread(app, headers)? {
        Asker::OfAgent(caller) => {
            let resolved = call::resolve_current(app, &caller).await.map_err(Problem::report(app))?;
            by_key(&resolved)?;
            Ok(of_agent(&caller, &resolved, openai::models_list(&line(&resolved.bundle), false)))
        }
        Asker::OfAccount(asker) => agents(app, &asker).await,
    }
}

/// One model, as OpenAI's clients ask for it
///
/// Of an agent: itself by its slug or id, or a model of its line. Of an account: an agent that the key may call.
#[utoipa::path(
    get, path = "/v1/models/{model}", tag = "calls",
    params(("model" = String, Path, description = "As the list names it")),
    responses((status = 200, description = "The model", body = ListedModel<'static>)),
)]
async fn model<W: World>(
    State(app): State<App<W>>,
    place: Result<Parameters<Place>, Problem>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let found = match (query::check(&uri, OpenAiChat::QUERY), place) {
        (Ok(()), Ok(Parameters(place))) => one(&app, &place, &headers).await,
        (Err(problem), _) | (_, Err(problem)) => Err(problem),
    };
    found.unwrap_or_else(|problem| refusal::<OpenAiChat>(&problem))
}

async fn one<W: World>(app: &App<W>, place: &Place, headers: &HeaderMap) -> Result<Response, Problem> {
    let name = place.model.as_deref().unwrap_or_default();
    let (caller, named) = match place.asker_on_thread(app, headers)? {
        Asker::OfAgent(caller) => (caller, None),
        Asker::OfAccount(asker) => {
            let checked = call::check_key(app, asker.account.as_ref(), asker.key.as_deref()).await;
            checked.map_err(Problem::report(app))?;
            let named = NamedAgent::of(&asker, Some(name));
            match asker.to(Some(name)) {
                Ok(caller) => (caller.needing(Flag::AccountWide), Some(named)),
                Err(error) => return Err(named.instead(app, error.into()).await),
            }
        }
    };
    let resolved = match (call::resolve_current(app, &caller).await.map_err(Problem::report(app)), named) {
        (Err(problem), Some(named)) => return Err(named.instead(app, problem).await),
        (resolved, _) => resolved?,
    };
    by_key(&resolved)?;
    let bundle = &resolved.bundle;
    let models = line(bundle);
    let is_agent = place.is_of_account() || name == bundle.agent.id.to_string();
    let found = models.iter().find(|model| is_agent || model.id == name || bundle.labels(model.id, name));
    let missing = || {
        if resolved.is_of_stranger() {
            bundle.no_such_model(name).for_stranger()
        } else {
            bundle.no_such_model(name)
        }
    };
    let found = found.ok_or_else(|| Problem::from(missing()))?;
    Ok(of_agent(&caller, &resolved, openai::model(found)))
}

/// A thread's token opens its thread alone.
fn by_key(resolved: &Resolved) -> Result<(), Problem> {
    if resolved.token.is_some() { Err(Problem::from(threads::Error::NotByToken)) } else { Ok(()) }
}

/// The agent, then the models of its line, each once.
fn line(bundle: &Bundle) -> Vec<Model<'_>> {
    let created_s = bundle.agent.created_at.0 / 1_000;
    let own = Model { id: bundle.agent.slug.as_str(), created_s, owned_by: bundle.account.slug.as_str() };
    let mut models = vec![own];
    for candidate in bundle.candidates.iter().flatten() {
        if !models.iter().any(|model| model.id == candidate.code) {
            models.push(Model { id: &candidate.code, created_s, owned_by: candidate.provider.as_str() });
        }
    }
    models
}

async fn agents<W: World>(app: &App<W>, asker: &AccountCaller) -> Result<Response, Problem> {
    let callable = call::callable(app, asker.account.as_ref(), asker.key.as_deref(), Scope::Calls).await;
    let callable = callable.map_err(Problem::report(app))?;
    let owned_by = callable.account.as_str();
    let models: Vec<_> = callable
        .agents
        .iter()
        .map(|(slug, created)| Model { id: slug.as_str(), created_s: created.0 / 1_000, owned_by })
        .collect();
    Ok(json(openai::models_list(&models, callable.has_more)))
}

fn of_agent(caller: &Caller, resolved: &Resolved, content: Vec<u8>) -> Response {
    let mut response = json(content);
    response.headers_mut().extend(deprecation(&resolved.bundle.agent));
    cors::allow(response.headers_mut(), cors::allow_origin(caller, &resolved.bundle).as_deref());
    response
}

fn json(content: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(content));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// An error in OpenAI's shape.
pub(super) fn shape<'a>(problem: &'a Problem, message: &'a str) -> ErrorBody<'a> {
    let kind = match problem.kind {
        Kind::Unauthenticated => ErrorKind::Authentication,
        Kind::Forbidden | Kind::OriginNotAllowed | Kind::PlanLimitExceeded => ErrorKind::Permission,
        Kind::BudgetExceeded => ErrorKind::InsufficientQuota,
        Kind::ConcurrencyExceeded | Kind::RateLimited | Kind::UpstreamRateLimited => ErrorKind::RateLimit,
        Kind::Internal
        | Kind::Misconfigured
        | Kind::UpstreamDenied
        | Kind::UpstreamError
        | Kind::RunUnanswered
        | Kind::OutputInvalid
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
        | Kind::UpstreamRejected
        | Kind::ThreadBusy
        | Kind::AlreadyResolved
        | Kind::LegalHold
        | Kind::RunEnded
        | Kind::InvalidCursor
        | Kind::EventsExpired
        | Kind::IdempotencyKeyReused => ErrorKind::InvalidRequest,
    };
    let param = problem.errors.first().map(|error| error.field.as_str());
    let given = problem.given.as_deref();
    let param = param.or(given.and_then(|given| given.param.as_deref()));
    let code = given.and_then(|given| given.code.as_deref()).unwrap_or(problem.kind.slug());
    ErrorBody { message, kind, param, code: Some(code) }
}
