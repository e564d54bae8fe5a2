//! A call, whatever the protocol: who asks is judged, the body is parsed, the call runs, the answer is encoded.
//!
//! What can be judged by path and head is judged before a byte of the body is read, and a refusal takes the face's shape.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;

use super::awake;
use super::call::{Call, Encoder, Of, Ticket};
use super::head::{self, Head};
use super::judged::{Entered, judge, resolve};
use super::mount::Place;
use super::once;
use super::turn::{Turn, X_THREAD};
use super::{Face, cors, refusal};
use crate::domain::ids::CallId;
use crate::domain::right::Right;
use crate::domain::thread::id::{InvalidName, ThreadRef};
use crate::http::path::Parameters;
use crate::http::problem::{Kind, Problem};
use crate::http::query;
use crate::ports::World;
use crate::service::App;
use crate::service::call::{self, Answer, Asked, Cache, Caller, Ending, Error, Relay, Sent, Served, Step};
use crate::service::threads::{On, Visitor};
use crate::wire::client::threads::Threaded;

/// The handler of a call.
pub async fn call<W: World, C: Call>(
    State(app): State<App<W>>,
    place: Result<Parameters<Place>, Problem>,
    request: Request,
) -> Response {
    let answered = match (query::check(request.uri(), C::Face::QUERY), place) {
        (Ok(()), Ok(Parameters(place))) => answer::<W, C>(&app, &place, request).await,
        (Err(problem), _) | (_, Err(problem)) => Err(problem),
    };
    named::<W, C::Face>(&app, answered.unwrap_or_else(|problem| refusal::<C::Face>(&problem)))
}

/// The reply with the header that names its request, where the protocol has one.
pub fn named<W: World, F: Face>(app: &App<W>, mut response: Response) -> Response {
    if let Some((name, prefix)) = F::REQUEST_ID {
        let headers = response.headers_mut();
        let id = headers.get("x-call-id").or(headers.get("x-run")).and_then(|id| id.to_str().ok());
        let id =
            id.map_or_else(|| CallId::new(app.world.now(), app.world.random()).to_string(), str::to_owned);
        if let Ok(value) = HeaderValue::try_from(format!("{prefix}{id}")) {
            headers.insert(name, value);
        }
    }
    response
}

async fn answer<W: World, C: Call>(
    app: &App<W>,
    place: &Place,
    request: Request,
) -> Result<Response, Problem> {
    let (judged, bytes, headers) = judge(app, place, request).await?;
    let parsed = parse::<C>(&bytes, &headers).map_err(|problem| judged.readable(problem));
    let (mut asked, mut call) = parsed?;
    let mut threaded = call.threaded();
    let mut entered = judged.enter(app, &mut asked.model).await?;
    entered.take_anybodys::<C>(&mut asked);
    let found = call.look_up(app, &entered.resolved, &mut asked, &mut threaded).await;
    found.map_err(|problem| entered.readable()(problem))?;
    let has_headers = !headers.is_empty();
    if !asked.is_ours() && entered.is_run(threaded.as_deref(), has_headers) {
        // No admission follows that would turn away what was changed meanwhile: a run keeps the version it begins with.
        entered = entered.current(app).await?;
        if entered.is_run(threaded.as_deref(), has_headers) {
            return as_run(app, entered, threaded, (&headers, &bytes), asked, call).await;
        }
    }
    let is_of_stranger = entered.resolved.is_of_stranger();
    asked.sent = Some(Sent { protocol: C::PROTOCOL, body: bytes.clone() });
    let (served, head) = match entered.run(app, asked).await {
        Ok(served) => served,
        Err(Unmade::Refused(problem)) => return Err(*problem),
        Err(Unmade::IsRun(caller)) => {
            let (mut asked, mut call) = parse::<C>(&bytes, &headers)?;
            asked.model.take_if(|_| place.is_of_account());
            let (entered, mut threaded) = (resolve(app, *caller).await?, call.threaded());
            entered.take_anybodys::<C>(&mut asked);
            let found = call.look_up(app, &entered.resolved, &mut asked, &mut threaded).await;
            found.map_err(|problem| entered.readable()(problem))?;
            return as_run(app, entered, threaded, (&headers, &bytes), asked, call).await;
        }
    };
    let Served { call: id, bundle, model, warnings, cache, answer, .. } = served;
    let is_cached = cache == Some(Cache::Hit);
    let ticket = Ticket {
        of: Of::Call(id),
        bundle,
        model: Some(model),
        warnings,
        is_cached,
        created: app.world.now(),
    };
    Ok(match answer {
        Answer::Whole { reply, receipt } => head.whole(call.whole(&ticket, &reply, &receipt)),
        Answer::Stream(relay) => head.stream(encode(app, relay, call.encoder(ticket), is_of_stranger)),
        Answer::Replay { events, receipt } => {
            let (mut encoder, mut out) = (call.encoder(ticket), Vec::new());
            events.iter().for_each(|event| encoder.event(event, &mut out));
            encoder.done(&receipt, &mut out);
            head.stream(Body::from(out))
        }
    })
}

fn parse<C: Call>(body: &[u8], headers: &HeaderMap) -> Result<(Asked, C), Problem> {
    let (mut asked, call) = C::parse(body)?;
    if !headers.contains_key(X_THREAD) {
        C::check_history(&mut asked.request.messages)?;
    }
    Ok((asked, call))
}

/// Answers a call that is a run: on a thread, with tools that run on our side, in the background, or under a key.
async fn as_run<W: World, C: Call>(
    app: &App<W>,
    entered: Entered,
    threaded: Option<Box<Threaded>>,
    said: (&HeaderMap, &[u8]),
    asked: Asked,
    call: C,
) -> Result<Response, Problem> {
    let readable = entered.readable();
    run(app, entered, *threaded.unwrap_or_default(), said, asked, call).await.map_err(readable)
}

async fn run<W: World, C: Call>(
    app: &App<W>,
    entered: Entered,
    mut threaded: Threaded,
    (headers, body): (&HeaderMap, &[u8]),
    mut asked: Asked,
    call: C,
) -> Result<Response, Problem> {
    if asked.request.sampling.n.is_some_and(|n| n > 1) {
        let words = "must be 1: with tools that run here, an `output`, on a thread or under an Idempotency-Key there is one answer";
        return Err(Problem::in_field("n", words));
    }
    let resolved = &entered.resolved;
    let agent = &resolved.bundle.agent;
    // The agent's own name means all of its line, and may be another one by the next step.
    asked.model.take_if(|name| *name == agent.slug.as_str() || *name == agent.id.to_string());
    // A key alone changes nothing of what the model is asked.
    let is_bare = !entered.is_run(Some(&threaded), headers.contains_key(X_THREAD));
    let once = once::of(headers, body)?;
    let on = place::<C>(&mut threaded, headers, once.is_some(), &asked)?;
    let visitor = match (&on, threaded.background) {
        (On::ThrowAway { .. }, _) if resolved.token.is_some() => {
            return Err(Problem::from(Error::TokenNeedsThread));
        }
        (On::ThrowAway { .. }, false) => Visitor::of(resolved, Right::CALL),
        _ => Visitor::of(resolved, Right::CALL_ON_THREAD),
    };
    let visitor = visitor.map_err(Problem::report(app))?.after(&entered.caller);
    let bundle = resolved.bundle.clone();
    let turn = Turn { visitor: visitor.under(once), on, is_bare, threaded, headers: entered.headers() };
    let created = app.world.now();
    let ticket = |run| Ticket {
        of: Of::Run(run),
        bundle,
        model: None,
        warnings: Vec::new(),
        is_cached: false,
        created,
    };
    turn.answer(app, asked, call, ticket).await
}

/// Where the run of a call is started.
fn place<C: Call>(
    threaded: &mut Threaded,
    headers: &HeaderMap,
    is_once: bool,
    asked: &Asked,
) -> Result<On, Problem> {
    let named = headers.get(X_THREAD).map(|name| name.to_str().ok().and_then(ThreadRef::parse));
    let named = match (threaded.thread.take(), named) {
        (None, Some(None)) => return Err(Problem::in_field("x-thread", format!("{InvalidName}"))),
        (None, named) => named.flatten(),
        (Some(thread), Some(named)) if named.as_ref() != Some(&thread) => {
            let words = "is another thread than the header x-thread names: send one of them";
            return Err(Problem::in_field("thread", words));
        }
        (thread, _) => thread,
    };
    if named.is_none() && threaded.on_busy.is_some() {
        let words = "is only for a call on a thread: name one in `thread` or the header x-thread";
        return Err(Problem::in_field("on_busy", words));
    }
    let is_kept = match threaded.store {
        Some(store) => store,
        None => asked.request.extras.get("store").is_none_or(|store| store.as_str() != "false"),
    };
    let refused = |words: &str| Err(Problem::in_field("store", words));
    match named {
        Some(_) if threaded.store == Some(false) => {
            refused("a call on a thread is kept with it: leave `store` out")
        }
        Some(thread) => Ok(On::Thread(thread)),
        None if threaded.apart.as_ref().is_some_and(|apart| apart.makes_thread) => Ok(On::New),
        None if is_once && !is_kept => refused(
            "what is not kept cannot be answered again: leave `store` or the header Idempotency-Key out",
        ),
        None => Ok(On::ThrowAway { path: C::Face::NAME, is_kept }),
    }
}

/// The relay's steps in the protocol's words.
fn encode<W: World, E: Encoder>(
    app: &App<W>,
    relay: Box<Relay<W>>,
    mut encoder: E,
    is_of_stranger: bool,
) -> Body {
    let begun = encoder.opening();
    let events = stream::unfold((relay, encoder), move |(mut relay, mut encoder)| async move {
        let step = relay.next().await?;
        let mut out = Vec::with_capacity(512);
        match step {
            Step::Events(events) => events.iter().for_each(|event| encoder.event(event, &mut out)),
            Step::End(Ending::Done(receipt)) => encoder.done(&receipt, &mut out),
            Step::End(Ending::Failed { error, .. }) => {
                let error = if is_of_stranger { error.for_stranger() } else { error };
                encoder.failed(&Problem::from(error), &mut out);
            }
        }
        Some((Bytes::from(out), (relay, encoder)))
    });
    awake::body::<W, E>(app, begun, events)
}

/// Why a call was not made.
enum Unmade {
    Refused(Box<Problem>),
    /// It is a run by now.
    IsRun(Box<Caller>),
}

impl Entered {
    async fn run<W: World>(self, app: &App<W>, asked: Asked) -> Result<(Served<W>, Head), Unmade> {
        let readable = self.readable();
        if self.resolved.token.is_some() {
            let needs = Problem::from(Error::TokenNeedsThread);
            return Err(Unmade::Refused(Box::new(readable(needs))));
        }
        let is_of_stranger = self.resolved.is_of_stranger();
        let served = match call::run(app, &self.caller, self.resolved, asked).await {
            Ok(served) => served,
            Err(unserved) if unserved.error == Error::IsRun => {
                return Err(Unmade::IsRun(Box::new(self.caller)));
            }
            Err(unserved) => {
                let error = unserved.error;
                let error = if is_of_stranger { error.for_stranger() } else { error };
                let problem = head::named(Problem::report(app)(error), unserved.call);
                return Err(Unmade::Refused(Box::new(readable(problem))));
            }
        };
        let head = Head {
            call: served.call,
            version: served.bundle.agent.version,
            model: served.model.clone(),
            timing: format!(
                "resolve;dur={}, admit;dur={}, upstream;dur={}",
                self.resolve_ms, served.admit_ms, served.upstream_ms
            ),
            // By the rows that the call was admitted under.
            allow_origin: cors::allow_origin(&self.caller, &served.bundle),
            // Of the account's plan, which is nothing of a stranger's.
            rate: served.rate.filter(|_| !is_of_stranger),
            deprecation: head::deprecation(&served.bundle.agent),
            warnings: served.warnings.len(),
            cache: served.cache,
        };
        Ok((served, head))
    }
}

/// A fault of the request's body, as a problem.
pub fn unfit(param: Option<String>, message: String) -> Problem {
    match param {
        Some(field) => Problem::at(field, message),
        None => Problem::new(Kind::InvalidRequest, message),
    }
}
