//! A call that is a run: what the client says begins one, or answers what one waits for; what the run says until it ends
//! or waits for the client is the answer, in the face's own shape. The run goes on whether or not its caller stays.
//!
//! On a thread the agent remembers what was said, and only what is new is added. Without one the client says all of it each
//! time: it is put on a thread that is made for this call and thrown away.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;

use super::call::{Call, Encoder, Ticket};
use super::head;
use super::heard::{Heard, Hearing, unvoided, waits};
use super::held::Held;
use super::outputs::given;
use crate::domain::memory::shelf::MAX_USER;
use crate::domain::message::{ChatRequest, Gather, Message, news};
use crate::domain::run::event::Numbered;
use crate::domain::run::manner::Manner;
use crate::domain::run::state::Status;
use crate::domain::run::terms::Priority;
use crate::domain::run::tool::ClientTool;
use crate::domain::thread::about::About;
use crate::domain::thread::command::Events;
use crate::domain::thread::id::RunId;
use crate::domain::warning::Warning;
use crate::http::problem::{Kind, Problem};
use crate::ports::{Threads, Watch, World};
use crate::service::App;
use crate::service::call::{self, Asked, Passed};
use crate::service::threads::{self, Begin, On, Place, Visitor};
use crate::wire::client::threads::Threaded;
use crate::wire::to_json;

/// The header that names a thread, in requests and replies.
pub const X_THREAD: HeaderName = HeaderName::from_static("x-thread");
const X_RUN: HeaderName = HeaderName::from_static("x-run");
/// How often in a row a watcher that was cut off comes back and finds nothing new.
const MAX_RETURNS: u32 = 5;
/// The most pages of what has happened that are read before anything of them is answered.
const MAX_PAGES: u32 = 8;
/// The pause where the object is away.
const AWAY_MS: u64 = 500;

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
        let (outputs, events, watch) = match given(app, &visitor, &on, &asked.request.messages).await? {
            Some((run, outputs)) => {
                let watched = visitor.watch(app, run.thread, Some(run.number), None).await;
                let (events, watch) = watched.map_err(Problem::report(app))?;
                (outputs, events, watch)
            }
            None => {
                let begin = begin(on, is_bare, threaded, asked, C::PROTOCOL);
                let watched = visitor.start_and_watch(app, begin).await;
                let (events, watch) = watched.map_err(|error| {
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
        let ticket = Ticket { warnings, ..ticket(id) };
        if is_background {
            return Ok(respond("application/json", StatusCode::ACCEPTED, Body::from(to_json(run)), headers));
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
        On::Thread(_) => true,
        On::ThrowAway { is_kept, .. } => *is_kept && !visitor.is_anonymous(),
    }
}

/// The run that a call begins. On a thread, of a conversation that the client repeats only what is new is said.
fn begin(on: On, is_bare: bool, threaded: Threaded, asked: Asked, protocol: &str) -> Begin {
    let mut manner = Manner::of(&asked.request, asked.model);
    manner.is_bare = is_bare;
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
        On::Thread(_) => {
            let said = |message: &&Message| !matches!(message, Message::Tool { .. });
            let (first, news) = news(&messages);
            (first, news.iter().filter(said).cloned().collect())
        }
        On::ThrowAway { .. } => (0, messages),
    };
    // A longer one than a thread's user may be belongs to nobody whom a thread could name.
    let is_user = |user: &String| {
        (1..=MAX_USER).contains(&user.chars().count()) && !matches!(user.as_str(), "." | "..")
    };
    let user = threaded.user.or(user).filter(is_user);
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
    }
}

/// What has happened until now, as far as it is no more than some pages: what was taken back in it was never heard.
async fn caught_up<W: World, T>(
    app: &App<W>,
    visitor: &Visitor,
    mut events: Events,
    mut watch: T,
) -> (Events, T)
where
    W::Threads: Threads<Watch = T>,
{
    let visitor = visitor.clone().under(None);
    for _ in 1..MAX_PAGES {
        let (Some(next), Some(run)) = (events.next, events.snapshot.as_ref().map(|run| run.id)) else {
            break;
        };
        let Ok((page, again)) = visitor.watch(app, run.thread, Some(run.number), Some(next)).await else {
            break;
        };
        events.events.extend(page.events);
        (events.is_over, events.next, watch) = (page.is_over, page.next, again);
    }
    (events, watch)
}

/// Listens to a run for the answer to one call.
struct Listening<W: World> {
    app: App<W>,
    visitor: Visitor,
    run: RunId,
    hearing: Hearing,
    read: VecDeque<Numbered>,
    watch: Option<<W::Threads as Threads>::Watch>,
    /// The cursor of the next page, where there is one.
    next: Option<u64>,
    /// The last event that was read.
    last: Option<u64>,
    /// What the run waited for when the call came and nothing followed.
    rests: Option<Heard>,
    /// The answer is held back until it is known to fit.
    is_held: bool,
}

impl<W: World> Listening<W> {
    fn new(
        app: App<W>,
        visitor: Visitor,
        run: RunId,
        hearing: Hearing,
        events: Events,
        watch: <W::Threads as Threads>::Watch,
    ) -> Self {
        let is_live = events.is_live();
        let Events { snapshot, events, next, .. } = events;
        // One of several outputs came: the answer is what is still to be answered.
        let is_held = snapshot.as_ref().is_some_and(|run| run.typed);
        let waiting = snapshot.filter(|run| run.status == Status::Waiting && hearing.has_outputs());
        let rests = waiting.map(|run| waits(&run.waiting_on));
        let watch = is_live.then_some(watch);
        Self {
            app,
            visitor,
            run,
            hearing,
            read: unvoided(events).into(),
            watch,
            next,
            last: None,
            rests,
            is_held,
        }
    }

    async fn hear(&mut self) -> Heard {
        match self.next().await {
            Some(event) => self.hearing.hear(event, self.app.world.now()),
            None => Heard::Failed(Box::new(self.lost())),
        }
    }

    /// The run goes on, and nobody can be heard. The same request leads back to it only under its key.
    fn lost(&self) -> Problem {
        let internal = "a run's events have stopped";
        if self.visitor.is_once() {
            return Problem::unavailable(internal);
        }
        let words = "The run goes on, but its events could not be followed: see GET …/runs/{run}.";
        Problem::new(Kind::RunUnanswered, words).with_internal(internal).logged(&self.app).should_retry(false)
    }

    async fn next(&mut self) -> Option<Numbered> {
        let mut returns = 0;
        loop {
            if let Some(event) = self.read.pop_front() {
                self.last = Some(event.seq);
                return Some(event);
            }
            if let Some(watch) = &mut self.watch
                && let Some(event) = watch.next().await
            {
                self.last = Some(event.seq);
                return Some(event);
            }
            // The object went away, and is asked for the rest.
            returns += 1;
            if returns > MAX_RETURNS {
                return None;
            }
            self.watch = None;
            self.last = self.next.take().or(self.last);
            let visitor = self.visitor.clone().under(None);
            match visitor.watch(&self.app, self.run.thread, Some(self.run.number), self.last).await {
                Ok((events, watch)) => {
                    self.watch = events.is_live().then_some(watch);
                    self.next = events.next;
                    self.read.extend(events.events);
                }
                Err(threads::Error::Unavailable(_)) => self.app.world.sleep(AWAY_MS).await,
                Err(_) => return None,
            }
        }
    }

    /// What is heard next, unless the run rests as it was found.
    async fn heard(&mut self) -> Heard {
        if self.read.is_empty()
            && self.next.is_none()
            && let Some(rests) = self.rests.take()
            && !self.hearing.has_begun()
            && !matches!(rests, Heard::Nothing)
        {
            return rests;
        }
        self.hear().await
    }

    /// The run's last word, and the number of its warnings.
    async fn whole<C: Call>(mut self, call: C, mut ticket: Ticket) -> Result<(Vec<u8>, usize), Box<Problem>> {
        let mut gather = Gather::default();
        let too_large =
            || Box::new(Problem::new(Kind::UpstreamError, "The answer is longer than what is kept of one."));
        loop {
            match self.heard().await {
                Heard::Nothing => {}
                Heard::Step | Heard::Void => gather = Gather::default(),
                Heard::Said(event) => gather.push(event).map_err(|_| too_large())?,
                Heard::Done(events) => {
                    events.into_iter().try_for_each(|event| gather.push(event)).map_err(|_| too_large())?;
                    ticket.warnings.extend(self.hearing.take_warnings());
                    let content = call.whole(&ticket, &gather.finish(), &self.hearing.receipt());
                    return Ok((content, ticket.warnings.len()));
                }
                Heard::Failed(problem) => return Err(problem),
            }
        }
    }

    /// What the run says, as it comes.
    fn stream<E: Encoder>(self, encoder: E) -> Body {
        let begin = Some((self, encoder, Held::default(), false));
        Body::from_stream(stream::unfold(begin, |state| async move {
            let (mut this, mut encoder, mut held, mut has_said) = state?;
            let mut out = Vec::with_capacity(512);
            loop {
                let is_over = match this.heard().await {
                    Heard::Nothing => continue,
                    Heard::Step => {
                        has_said = false;
                        held = Held::default();
                        continue;
                    }
                    Heard::Void if this.is_held => {
                        held = Held::default();
                        continue;
                    }
                    Heard::Said(event) if this.is_held && held.takes(&event) => continue,
                    Heard::Void if has_said => {
                        let words = "The provider broke off, and the run begins the step again: read the run's events.";
                        encoder.failed(&Problem::new(Kind::UpstreamError, words), &mut out);
                        true
                    }
                    Heard::Void => continue,
                    Heard::Said(event) => {
                        has_said = true;
                        encoder.event(&event, &mut out);
                        false
                    }
                    Heard::Done(events) => {
                        encoder.warn(this.hearing.take_warnings());
                        held.event().iter().for_each(|event| encoder.event(event, &mut out));
                        events.iter().for_each(|event| encoder.event(event, &mut out));
                        encoder.done(&this.hearing.receipt(), &mut out);
                        true
                    }
                    Heard::Failed(problem) => {
                        encoder.failed(&problem, &mut out);
                        true
                    }
                };
                let next = (!is_over).then_some((this, encoder, held, has_said));
                return Some((Ok::<_, Infallible>(Bytes::from(out)), next));
            }
        }))
    }
}
