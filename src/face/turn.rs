//! A call that is a run: what the client says begins one, or answers what one waits for; what the run says until it ends
//! or waits for the client is the answer, in the face's own shape. The run goes on whether or not its caller stays.
//!
//! On a thread the agent remembers what was said, and only what is new is added. Without one the client says all of it each
//! time: it is put on a thread that is made for this call and thrown away.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::call::{Call, Encoder, Ticket};
use super::head;
use super::heard::Hearing;
use super::listening::{Listening, caught_up};
use super::outputs::given;
use crate::domain::memory::shelf::is_user;
use crate::domain::message::{ChatRequest, Message, news};
use crate::domain::run::manner::Manner;
use crate::domain::run::terms::Priority;
use crate::domain::run::tool::ClientTool;
use crate::domain::thread::about::About;
use crate::domain::thread::command::Events;
use crate::domain::thread::id::{RunId, ThreadRef};
use crate::domain::warning::Warning;
use crate::http::problem::Problem;
use crate::ports::{Threads, World};
use crate::service::App;
use crate::service::call::{self, Asked, Passed};
use crate::service::threads::{self, Begin, Course, On, Place, Visitor};
use crate::wire::client::threads::{Apart, Threaded};

/// The header that names a thread, in requests and replies.
pub const X_THREAD: HeaderName = HeaderName::from_static("x-thread");
const X_RUN: HeaderName = HeaderName::from_static("x-run");

/// Who asks on which thread, and what stands on the reply.
pub struct Turn {
    pub visitor: Visitor,
    pub on: On,
    /// The model may call the client's tools alone.
    pub is_bare: bool,
    pub threaded: Threaded,
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Turn {
    /// Answers a call.
    ///
    /// # Errors
    /// A problem: of the request, or of the run where it fails before anything was sent.
    pub async fn answer<W: World, C: Call>(
        self,
        app: &App<W>,
        asked: Asked,
        call: C,
        ticket: impl FnOnce(RunId) -> Ticket,
    ) -> Result<Response, Problem> {
        let Self { visitor, on, is_bare, threaded, headers } = self;
        let (is_stream, is_background) = (asked.stream, threaded.background);
        let warnings: Vec<Warning> = call::unknown_fields(&asked.request.extras).collect();
        let is_named = is_named(&visitor, &on);
        let is_keyed = visitor.is_once();
        let is_repeatable = matches!(on, On::ThrowAway { .. }) && !is_keyed;
        let given = match &threaded.apart {
            None => given(app, &visitor, &on, &asked.request.messages).await?,
            // Its run is another one.
            Some(_) => None,
        };
        let (outputs, events, watch) = match given {
            Some((run, outputs)) => {
                let watched = visitor.watch(app, run.thread, Some(run.number), None).await;
                let (events, watch) = watched.map_err(Problem::report(app))?;
                (outputs, events, watch)
            }
            None => {
                let follows = threaded.apart.as_ref().and_then(|apart| apart.follows);
                let begin = begin(on, is_bare, threaded, asked, C::PROTOCOL);
                let watched = start(app, &visitor, begin, follows).await;
                let (events, watch) = watched.map_err(|error| {
                    if matches!(error, threads::Error::NotFound(_))
                        && let Some(problem) = call.unfound()
                    {
                        return problem;
                    }
                    // The run may have begun all the same.
                    let may_be_there = !is_keyed && matches!(error, threads::Error::Unavailable(_));
                    let problem = Problem::report(app)(error);
                    if may_be_there { problem.should_retry(false) } else { problem }
                })?;
                (Vec::new(), events, watch)
            }
        };
        let (events, watch) = caught_up(app, &visitor, events, watch).await;
        let Some(run) = &events.snapshot else {
            return Err(Problem::unavailable("a run's events came without the run"));
        };
        let id = run.id;
        let of_run = [(X_THREAD, is_named.then(|| id.thread.to_string())), (X_RUN, Some(id.to_string()))];
        let of_run =
            of_run.into_iter().filter_map(|(name, text)| Some((name, HeaderValue::try_from(text?).ok()?)));
        let mut headers: Vec<_> = headers.into_iter().chain(of_run).collect();
        let ticket = Ticket { warnings, created: run.created_at, ..ticket(id) };
        if is_background {
            let (status, content) = call.begun(&ticket, run);
            return Ok(respond("application/json", status, Body::from(content), headers));
        }
        let hearing = Hearing::new(outputs, is_repeatable);
        let listening = Listening::new(app.clone(), visitor, id, hearing, events, watch);
        if is_stream {
            headers.extend(head::x_warnings(ticket.warnings.len()));
            let body = listening.stream(call.encoder(ticket));
            let mut response = respond("text/event-stream", StatusCode::OK, body, headers);
            let no_transform = HeaderValue::from_static("no-store, no-transform");
            response.headers_mut().insert(header::CACHE_CONTROL, no_transform);
            return Ok(response);
        }
        match listening.whole(call, ticket).await {
            Ok((content, warnings)) => {
                headers.extend(head::x_warnings(warnings));
                Ok(respond("application/json", StatusCode::OK, Body::from(content), headers))
            }
            Err(problem) => Err(headers
                .into_iter()
                .fold(*problem, |problem, (name, value)| problem.with_header(name, value))),
        }
    }
}

/// A run's events from the first on, and those to come, in a protocol's words.
pub fn again<W: World, E: Encoder>(
    app: App<W>,
    visitor: Visitor,
    run: RunId,
    encoder: E,
    events: Events,
    watch: <W::Threads as Threads>::Watch,
) -> Response {
    let hearing = Hearing::new(Vec::new(), false);
    let body = Listening::new(app, visitor, run, hearing, events, watch).stream(encoder);
    let mut response = respond("text/event-stream", StatusCode::OK, body, Vec::new());
    let no_transform = HeaderValue::from_static("no-store, no-transform");
    response.headers_mut().insert(header::CACHE_CONTROL, no_transform);
    response
}

fn respond(
    content_type: &'static str,
    status: StatusCode,
    content: Body,
    headers: Vec<(HeaderName, HeaderValue)>,
) -> Response {
    let mut response = Response::new(content);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in headers {
        response.headers_mut().append(name, value);
    }
    response
}

/// Whether the client can look at the thread later.
fn is_named(visitor: &Visitor, on: &On) -> bool {
    match on {
        On::Thread(_) | On::New => true,
        On::ThrowAway { is_kept, .. } => *is_kept && !visitor.is_anonymous(),
    }
}

/// The run that a call begins. On a thread, of a conversation that the client repeats only what is new is said.
fn begin(on: On, is_bare: bool, mut threaded: Threaded, asked: Asked, protocol: &str) -> Begin {
    let mut manner = Manner::of(&asked.request, asked.model);
    manner.is_bare = is_bare;
    let apart = threaded.apart.take();
    let ChatRequest { messages, tools, metadata, user, .. } = asked.request;
    let variables = match asked.variables {
        Passed::Variables(variables) => variables,
        Passed::Metadata => metadata,
        // Of calls that are ours.
        Passed::Instead(_) => BTreeMap::new(),
    };
    let mut offered = threaded.tools;
    offered.extend(tools.into_iter().map(ClientTool::from));
    let field = call::field_of(protocol, &messages);
    let (first, input) = match on {
        // Outputs of tools among them were given before.
        On::Thread(_) if apart.is_none() => {
            let said = |message: &&Message| !matches!(message, Message::Tool { .. });
            let (first, news) = news(&messages);
            (first, news.iter().filter(said).cloned().collect())
        }
        On::Thread(_) | On::ThrowAway { .. } | On::New => (0, messages),
    };
    // A longer one than a thread's user may be belongs to nobody whom a thread could name.
    let user = threaded.user.or(user).filter(|user| is_user(user));
    let answers = matches!(on, On::Thread(_));
    let course = apart.map_or_else(Course::default, |apart| {
        manner.instructions = apart.instructions;
        let Apart { max_tool_calls, request, .. } = apart;
        Course { hands_over: true, behind: None, answers, max_tool_calls, request: Some(request) }
    });
    Begin {
        on,
        about: About { user, ..About::default() },
        input,
        place: Place { field, first },
        variables,
        tools: offered,
        on_busy: threaded.on_busy,
        priority: Priority::default(),
        max_usd: asked.most,
        manner,
        webhooks: Vec::new(),
        course,
    }
}

/// Starts the run; one that goes on from the end of another which is not the thread's last by now, on a copy up to there.
async fn start<W: World>(
    app: &App<W>,
    visitor: &Visitor,
    mut begin: Begin,
    follows: Option<RunId>,
) -> Result<(Events, <W::Threads as Threads>::Watch), threads::Error> {
    let Some(run) = follows else { return visitor.start_and_watch(app, begin).await };
    begin.course.behind = Some(run.number);
    match visitor.start_and_watch(app, begin.clone()).await {
        Err(threads::Error::NotLast) => {}
        started => return started,
    }
    let last = visitor.last_of(app, run).await?;
    let branch = visitor.branch(app, run.thread, last).await?;
    // In the copy the calls are no run's.
    (begin.course.behind, begin.course.answers) = (None, false);
    begin.on = On::Thread(ThreadRef::Key(branch));
    visitor.start_and_watch(app, begin).await
}
