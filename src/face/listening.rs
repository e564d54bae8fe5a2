//! A run that is listened to for the answer to one call, whole or as a stream. Who is cut off comes back.

use std::collections::VecDeque;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;

use super::awake;
use super::call::{Call, Encoder, Ticket};
use super::heard::{Heard, Hearing, unvoided, waits};
use super::held::Held;
use crate::domain::message::{Event, Gather};
use crate::domain::run::event::Numbered;
use crate::domain::run::state::Status;
use crate::domain::thread::command::Events;
use crate::domain::thread::id::RunId;
use crate::http::problem::{Kind, Problem};
use crate::ports::{Threads, Watch, World};
use crate::service::App;
use crate::service::threads::{self, Visitor};

/// How often in a row a watcher that was cut off comes back and finds nothing new.
const MAX_RETURNS: u32 = 5;
/// The most pages of what has happened that are read before anything of them is answered.
const MAX_PAGES: u32 = 8;
/// The pause where the object is away.
const AWAY_MS: u64 = 500;
/// The most bytes of events of which a whole answer is made.
const MAX_WHOLE: usize = 64 * 1024 * 1024;

/// What has happened until now, as far as it is no more than some pages: what was taken back in it was never heard.
pub async fn caught_up<W: World, T>(
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
pub struct Listening<W: World> {
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
    pub fn new(
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

    /// The run's last word, or all of its steps; and the number of its warnings.
    pub async fn whole<C: Call>(self, call: C, ticket: Ticket) -> Result<(Vec<u8>, usize), Box<Problem>> {
        if C::Encoder::SHOWS_STEPS {
            self.all_steps(call, ticket).await
        } else {
            self.last_word(call, ticket).await
        }
    }

    async fn last_word<C: Call>(
        mut self,
        call: C,
        mut ticket: Ticket,
    ) -> Result<(Vec<u8>, usize), Box<Problem>> {
        let mut gather = Gather::default();
        loop {
            match self.heard().await {
                Heard::Nothing | Heard::Called(_) | Heard::Resulted(_) => {}
                Heard::Step | Heard::Void => gather = Gather::default(),
                Heard::Said(event, _) => gather.push(event).map_err(|_| too_large())?,
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

    async fn all_steps<C: Call>(mut self, call: C, ticket: Ticket) -> Result<(Vec<u8>, usize), Box<Problem>> {
        let said = ticket.warnings.len();
        let (mut encoder, mut unsent, mut bytes) = (call.encoder(ticket), Vec::new(), 0);
        loop {
            match self.heard().await {
                Heard::Nothing => {}
                Heard::Step => encoder.step(&mut unsent),
                Heard::Void => encoder.void(),
                Heard::Called(called) => encoder.called(&called, &mut unsent),
                Heard::Resulted(result) => encoder.resulted(&result, &mut unsent),
                Heard::Said(event, item) => {
                    item.into_iter().for_each(|item| encoder.piece(item, &mut unsent));
                    encoder.event(&event, &mut unsent);
                }
                Heard::Done(events) => {
                    let warnings = self.hearing.take_warnings();
                    let count = said + warnings.len();
                    encoder.warn(warnings);
                    self.end(&mut encoder, &events, &mut unsent);
                    return Ok((encoder.into_whole(&self.hearing.receipt()), count));
                }
                Heard::Failed(problem) => return Err(problem),
            }
            bytes += unsent.len();
            unsent.clear();
            if bytes > MAX_WHOLE {
                return Err(too_large());
            }
        }
    }

    /// The answer's last events.
    fn end<E: Encoder>(&self, encoder: &mut E, events: &[Event], out: &mut Vec<u8>) {
        encoder.ended(self.app.world.now(), self.hearing.why());
        // Whoever was shown the steps was shown the calls.
        let is_new = |event: &&Event| !E::SHOWS_STEPS || matches!(event, Event::Finish { .. });
        events.iter().filter(is_new).for_each(|event| encoder.event(event, out));
        encoder.done(&self.hearing.receipt(), out);
    }

    /// What the run says, as it comes.
    pub fn stream<E: Encoder>(self, mut encoder: E) -> Body {
        let (app, begun) = (self.app.clone(), encoder.opening());
        let begin = Some((self, encoder, Held::default(), false));
        let events = stream::unfold(begin, |state| async move {
            let (mut this, mut encoder, mut held, mut has_said) = state?;
            let mut out = Vec::with_capacity(512);
            loop {
                let is_over = match this.heard().await {
                    Heard::Nothing => continue,
                    Heard::Step => {
                        (has_said, held) = (false, Held::default());
                        encoder.step(&mut out);
                        false
                    }
                    Heard::Called(called) => {
                        if E::SHOWS_STEPS {
                            // What was said before a call is not the answer.
                            held.event().iter().for_each(|event| encoder.event(event, &mut out));
                        }
                        encoder.called(&called, &mut out);
                        false
                    }
                    Heard::Resulted(result) => {
                        encoder.resulted(&result, &mut out);
                        false
                    }
                    Heard::Void if this.is_held => {
                        held = Held::default();
                        continue;
                    }
                    Heard::Said(event, _) if this.is_held && held.takes(&event) => continue,
                    Heard::Void if has_said => {
                        let words = "The provider broke off, and the run begins the step again: read the run's events.";
                        encoder.failed(&Problem::new(Kind::UpstreamError, words), &mut out);
                        true
                    }
                    Heard::Void => continue,
                    Heard::Said(event, item) => {
                        has_said = true;
                        item.into_iter().for_each(|item| encoder.piece(item, &mut out));
                        encoder.event(&event, &mut out);
                        false
                    }
                    Heard::Done(events) => {
                        encoder.warn(this.hearing.take_warnings());
                        held.event().iter().for_each(|event| encoder.event(event, &mut out));
                        this.end(&mut encoder, &events, &mut out);
                        true
                    }
                    Heard::Failed(problem) => {
                        encoder.failed(&problem, &mut out);
                        true
                    }
                };
                if out.is_empty() && !is_over {
                    continue;
                }
                let next = (!is_over).then_some((this, encoder, held, has_said));
                return Some((Bytes::from(out), next));
            }
        });
        awake::body::<W, E>(&app, begun, events)
    }
}

fn too_large() -> Box<Problem> {
    Box::new(Problem::new(Kind::UpstreamError, "The answer is longer than what is kept of one."))
}
