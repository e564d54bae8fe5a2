//! The face that Anthropic's clients talk to: `base_url=…/agents/{agent}`, or `…/accounts/{account}` where `model` names the agent.

use axum::extract::{Request, State};
use axum::response::Response;

use super::call::{Call, Encoder, Of, Ticket};
use super::drive::{self, unfit};
use super::mount::Place;
use super::{Face, Mount, Operations, look, worded};
use crate::domain::message::{ChatReply, Event, Message};
use crate::domain::right::Right;
use crate::domain::warning::Warning;
use crate::http::path::Parameters;
use crate::http::problem::{Kind, Problem};
use crate::ports::World;
use crate::service::App;
use crate::service::call::{self, Asked, Passed, Receipt};
use crate::wire::client::anthropic::{
    self, Count, Enclosed, Envelope, ErrorBody, ErrorKind, MessageReply, MessagesRequest, StreamEncoder,
};
use crate::wire::sse::Frame;

#[derive(Clone, Copy, Debug)]
pub struct AnthropicMessages;

impl Face for AnthropicMessages {
    const NAME: &'static str = "anthropic";
    /// Its clients write `/v1` themselves.
    const BASE: &'static str = "";
    const MOUNTS: &'static [Mount] = &Mount::ALL;
    /// Of Claude Code and of the client's `beta` methods.
    const QUERY: &'static [&'static str] = &["beta"];
    const REQUEST_ID: Option<(&'static str, &'static str)> = Some(("request-id", "req_"));

    fn right(_: &str, path: &str) -> Right {
        // A count is of no thread.
        if path.ends_with("count_tokens") { Right { token: false, ..Right::CALL } } else { Right::CALL }
    }

    type Error = Enclosed<'static>;
    const ERROR_TYPE: &'static str = "application/json";

    fn error(problem: &Problem) -> Vec<u8> {
        shape(problem, &worded(problem)).to_json()
    }

    fn operations<W: World>(v: &mut impl Operations<W>) {
        v.operation(__path_messages, drive::call::<W, Messages>);
        v.operation(__path_count_tokens, count_tokens::<W>);
    }
}

/// Ask an agent, as Anthropic's clients do
#[utoipa::path(
    post, path = "/v1/messages", tag = "calls", request_body = MessagesRequest,
    responses((status = 200, description = "Anthropic's message, or the events of one",
        content((MessageReply<'static> = "application/json"), (Frame<'static> = "text/event-stream")))),
)]
#[expect(dead_code, reason = "it is only described here")]
const fn messages() {}

/// A message of the agent's.
struct Messages {
    /// As the client named it.
    model: String,
}

impl Messages {
    /// Writes what stands on every reply and at the head of every stream.
    fn with_envelope<T>(&self, ticket: &Ticket, write: impl FnOnce(&Envelope<'_>) -> T) -> T {
        let id = match ticket.of {
            Of::Call(call) => format!("msg_{call}"),
            Of::Run(run) => format!("msg_{run}"),
        };
        write(&Envelope { id: &id, model: &self.model, warnings: &ticket.warnings, cached: ticket.is_cached })
    }
}

impl Call for Messages {
    type Face = AnthropicMessages;
    type Encoder = StreamEncoder;
    const PROTOCOL: &'static str = "anthropic";

    fn parse(body: &[u8]) -> Result<(Asked, Self), Problem> {
        let parsed = anthropic::read(body).map_err(|invalid| unfit(invalid.param, invalid.message))?;
        let asked = Asked {
            request: parsed.request,
            variables: Passed::Metadata,
            model: Some(parsed.model.clone()),
            stream: parsed.stream,
            sent: None,
            most: None,
            last: Vec::new(),
        };
        Ok((asked, Self { model: parsed.model }))
    }

    fn check_history(messages: &mut [Message]) -> Result<(), Problem> {
        anthropic::pair(messages).map_err(|invalid| unfit(invalid.param, invalid.message))
    }

    /// Claude Code asks for several models by their names, whatever serves them.
    fn is_anybodys(model: &str) -> bool {
        model.starts_with("claude-")
    }

    fn whole(self, ticket: &Ticket, reply: &ChatReply, receipt: &Receipt) -> Vec<u8> {
        self.with_envelope(ticket, |envelope| anthropic::reply(envelope, reply, &receipt.usage, receipt.cost))
    }

    fn encoder(self, ticket: Ticket) -> StreamEncoder {
        self.with_envelope(&ticket, StreamEncoder::new)
    }
}

impl Encoder for StreamEncoder {
    const PING: &'static [u8] = anthropic::PING;

    fn opening(&mut self) -> Vec<u8> {
        Self::opening(self)
    }

    fn warn(&mut self, warnings: Vec<Warning>) {
        Self::warn(self, warnings);
    }

    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        Self::event(self, event, out);
    }

    fn done(&mut self, receipt: &Receipt, out: &mut Vec<u8>) {
        self.finish(&receipt.usage, receipt.cost, out);
    }

    fn failed(&mut self, problem: &Problem, out: &mut Vec<u8>) {
        Self::error(shape(problem, &worded(problem)), out);
    }
}

/// How many tokens a message to an agent has
///
/// With the agent's instructions and tools; nothing is billed. Where the model's provider counts no tokens, or does not within five
/// seconds, it is estimated, which `estimated` says.
#[utoipa::path(
    post, path = "/v1/messages/count_tokens", tag = "calls", request_body = MessagesRequest,
    responses((status = 200, description = "The count", body = Count)),
)]
async fn count_tokens<W: World>(
    State(app): State<App<W>>,
    place: Result<Parameters<Place>, Problem>,
    request: Request,
) -> Response {
    look::look::<W, Messages>(&app, place, request, async |app, entered, asked| {
        let tokens = call::tokens(app, &entered.caller, &entered.resolved, asked).await;
        let tokens = tokens.map_err(Problem::report(app))?;
        Ok(anthropic::count(&Count { input_tokens: tokens.count, estimated: tokens.is_estimated }))
    })
    .await
}

fn shape<'a>(problem: &'a Problem, message: &'a str) -> ErrorBody<'a> {
    let kind = match problem.kind {
        Kind::Unauthenticated => ErrorKind::AuthenticationError,
        Kind::Forbidden | Kind::OriginNotAllowed | Kind::PlanLimitExceeded | Kind::AgentNotActive => {
            ErrorKind::PermissionError
        }
        Kind::BudgetExceeded => ErrorKind::BillingError,
        Kind::NotFound | Kind::ModelNotFound | Kind::AgentArchived => ErrorKind::NotFoundError,
        Kind::PayloadTooLarge => ErrorKind::RequestTooLarge,
        Kind::ConcurrencyExceeded | Kind::RateLimited | Kind::UpstreamRateLimited => {
            ErrorKind::RateLimitError
        }
        Kind::UpstreamTimeout => ErrorKind::TimeoutError,
        Kind::Unavailable => ErrorKind::OverloadedError,
        Kind::Internal
        | Kind::Misconfigured
        | Kind::UpstreamDenied
        | Kind::UpstreamError
        | Kind::RunUnanswered
        | Kind::OutputInvalid => ErrorKind::ApiError,
        Kind::InvalidRequest
        | Kind::ValidationFailed
        | Kind::MethodNotAllowed
        | Kind::Conflict
        | Kind::PreconditionFailed
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
        | Kind::IdempotencyKeyReused => ErrorKind::InvalidRequestError,
    };
    let param = problem.errors.first().map(|error| error.field.as_str());
    let given = problem.given.as_deref();
    let param = param.or(given.and_then(|given| given.param.as_deref()));
    let code = given.and_then(|given| given.code.as_deref()).unwrap_or(problem.kind.slug());
    ErrorBody { kind, message, code, param }
}
