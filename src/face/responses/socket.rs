//! Responses over a WebSocket. Every message is a request like one that is sent by POST, with the head that opened the connection.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response as Reply;
use futures_util::future::{Either, select};
use http_body_util::{BodyExt, Limited};

use super::OpenAiResponses;
use crate::face::mount::{Asker, Place};
use crate::face::once::IDEMPOTENCY_KEY;
use crate::face::{Face, refusal};
use crate::http::body::MAX_BODY;
use crate::http::path::Parameters;
use crate::http::problem::{Kind, Problem};
use crate::http::query;
use crate::ports::World;
use crate::service::App;
use crate::service::{call, threads};
use crate::wire::client::openai::Enclosed;
use crate::wire::client::responses::{Fault, Turn, Turns, refused};
use crate::wire::sse::Decoder;

/// The longest that a connection is open.
pub const MAX_AGE_MS: u64 = 60 * 60 * 1_000;

/// Stands among the extensions of a reply that goes on as a WebSocket.
#[derive(Clone, Debug)]
pub struct Upgrade {
    uri: Uri,
    headers: HeaderMap,
}

/// Ask an agent again and again over a WebSocket
///
/// Every message is a `response.create` with what `POST` takes; the events of its answer follow as messages, without `[DONE]`. One response
/// is made after another. A connection is open for at most 60 minutes.
#[utoipa::path(
    get, path = "/v1/responses", tag = "calls",
    responses(
        (status = 101, description = "Messages as in Open Responses"),
        (status = 405, description = "It was not asked for as a WebSocket", body = Enclosed<'static>),
    ),
)]
pub async fn connect<W: World>(
    State(app): State<App<W>>,
    place: Result<Parameters<Place>, Problem>,
    request: Request,
) -> Reply {
    let judged = match (query::check(request.uri(), OpenAiResponses::QUERY), place) {
        (Ok(()), Ok(Parameters(place))) => may_connect(&app, &place, request.headers()).await,
        (Err(problem), _) | (_, Err(problem)) => Err(problem),
    };
    match judged {
        Ok(()) => {
            let mut response = Reply::new(Body::empty());
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            response.extensions_mut().insert(Upgrade::of(request));
            response
        }
        Err(problem) => refusal::<OpenAiResponses>(&problem),
    }
}

async fn may_connect<W: World>(app: &App<W>, place: &Place, headers: &HeaderMap) -> Result<(), Problem> {
    match place.asker_on_thread(app, headers)? {
        Asker::OfAgent(caller) => {
            let resolved = call::resolve(app, &caller).await.map_err(Problem::report(app))?;
            if resolved.token.is_some() {
                return Err(Problem::from(threads::Error::NotByToken));
            }
        }
        Asker::OfAccount(asker) => {
            let checked = call::check_key(app, asker.account.as_ref(), asker.key.as_deref()).await;
            checked.map_err(Problem::report(app))?;
        }
    }
    let upgrade = headers.get(header::UPGRADE).map(HeaderValue::as_bytes);
    if !upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case(b"websocket")) {
        let words = "GET opens a WebSocket here, which takes the header `upgrade: websocket`; POST asks for one response.";
        return Err(Problem::new(Kind::MethodNotAllowed, words));
    }
    if headers.contains_key(IDEMPOTENCY_KEY) {
        let words =
            "is for one request, and a connection takes many: POST the request, or leave the header out";
        return Err(Problem::in_field("idempotency-key", words));
    }
    Ok(())
}

impl Upgrade {
    fn of(request: Request) -> Self {
        let (parts, _) = request.into_parts();
        let mut headers = parts.headers;
        for name in [header::UPGRADE, header::CONNECTION, header::CONTENT_LENGTH] {
            headers.remove(name);
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self { uri: parts.uri, headers }
    }

    fn request(&self, body: Vec<u8>) -> Request {
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// Takes message after message until the client leaves or the connection is too old. An answer that has begun is drawn to its
    /// end all the same.
    pub async fn converse(
        self,
        mut next: impl AsyncFnMut() -> Option<String>,
        mut send: impl FnMut(String),
        mut answer: impl AsyncFnMut(Request) -> Reply,
        is_old: impl Future<Output = ()>,
    ) {
        let mut turns = Turns::new(MAX_BODY);
        let mut is_old = Box::pin(is_old);
        loop {
            let message = match select(Box::pin(next()), &mut is_old).await {
                Either::Left((Some(message), _)) => message,
                Either::Left((None, _)) => return,
                Either::Right(_) => return send(Fault::too_old().event()),
            };
            match turns.ask(&message) {
                Ok(mut turn) => {
                    let reply = answer(self.request(std::mem::take(&mut turn.body))).await;
                    say(reply, &mut turns, &mut turn, &mut send).await;
                }
                Err(fault) => send(fault.event()),
            }
        }
    }
}

/// Says what a request was answered.
async fn say(reply: Reply, turns: &mut Turns, turn: &mut Turn, send: &mut impl FnMut(String)) {
    let (parts, mut body) = reply.into_parts();
    let kind = parts.headers.get(header::CONTENT_TYPE);
    if kind.is_none_or(|kind| !kind.as_bytes().starts_with(b"text/event-stream")) {
        let content = Limited::new(body, MAX_BODY).collect().await;
        let content = content.map(|content| content.to_bytes()).unwrap_or_default();
        return send(refused(parts.status.as_u16(), &content));
    }
    let mut decoder = Decoder::default();
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(bytes) = frame.into_data() else { continue };
        let fed = decoder.feed(&bytes, &mut |event| {
            if event.data != "[DONE]" {
                send(turns.hear(turn, event.event, event.data));
            }
            Ok(())
        });
        if fed.is_err() {
            break;
        }
    }
    if !turn.has_ended() {
        send(Fault::broken_off().event());
    }
}
