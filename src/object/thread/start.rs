//! How a run is started in a thread, and what becomes of it and of the others where one is at work.

use super::commands::{Decided, shown};
use super::kept::{Meta, size_in_row, text_in_row};
use super::voices::{Speaker, Speech};
use super::{Thread, Work, at_once, runs};
use crate::domain::field_error::FieldError;
use crate::domain::memory::shelf::is_user;
use crate::domain::message::{Message, stored};
use crate::domain::run::happening::Happened;
use crate::domain::run::state::Run;
use crate::domain::run::terms::Starter;
use crate::domain::thread::command::{Answer, OnBusy, Start, Who};
use crate::domain::time::Millis;
use crate::object::machine::Effects;

/// The most runs that wait for their turn in a thread.
const MAX_QUEUED: usize = 100;

/// The most bytes of what a waiting run is about.
const MAX_WAITING_INPUT: usize = 1_000_000;

impl Thread {
    /// Whoever holds a key says for whom a run is, where that is somebody else than whose thread it is.
    pub(super) fn name_user(&self, start: &mut Start) {
        let Start { thread, terms, .. } = start;
        let owner = self.meta.as_ref().map_or(&thread.about.user, |meta| &meta.about.user);
        let named = terms.manner.user().filter(|user| is_user(user));
        if terms.user.is_none() && matches!(terms.started_by, Starter::Key(_)) && owner.as_deref() != named {
            terms.user = named.map(str::to_owned);
        }
    }

    /// `by`: for whom the token was issued that asks.
    pub(super) fn start(&mut self, start: Start, by: Option<&Speaker>, now: Millis) -> Decided {
        if let Some(decided) = self.begun_before(&start) {
            return decided;
        }
        let who = Who::Caller(start.thread.agent);
        // Whoever asks says again what is wrong at that version.
        let there = self.meta.as_ref().filter(|meta| meta.is_seen_by(who));
        if let Some(version) = there.and_then(|meta| meta.version).filter(|it| *it != start.terms.version) {
            return at_once(Answer::AtVersion(version));
        }
        if start.behind.is_some_and(|run| there.is_some_and(|meta| meta.last_run != run)) {
            return at_once(Answer::NotLast);
        }
        if !start.faults.is_empty() {
            return at_once(Answer::Invalid(start.faults));
        }
        if self.meta.is_none() {
            if !start.may_make {
                return at_once(Answer::NotFound);
            }
            if start.input.is_empty() && start.thread.items.is_empty() {
                return at_once(Answer::NothingSaid);
            }
            if let Some(decided) = self.is_becoming_a_copy() {
                return decided;
            }
            self.make(start.thread.clone(), now);
        }
        self.seen_by(who, |thread, meta| thread.start_in(meta, start, by, now))
    }

    fn start_in(&mut self, meta: &mut Meta, start: Start, by: Option<&Speaker>, now: Millis) -> Decided {
        if start.input.is_empty() && self.work.next_item == 1 {
            return at_once(Answer::NothingSaid);
        }
        let busy: Vec<u32> = self.open(runs::has_begun);
        let queued: Vec<u32> = self.open(|run| !runs::has_begun(run));
        let on_busy = start.on_busy;
        let other = match on_busy {
            OnBusy::Reject => {
                if let Some(run) = busy.first().or(queued.first()) {
                    return at_once(Answer::Busy(*run));
                }
                None
            }
            OnBusy::Steer => busy.first(),
            OnBusy::Merge => queued.first().filter(|run| self.has_room(**run, &start.input)),
            _ => None,
        };
        if let Some(run) = other {
            return self.join(meta, *run, (start, by), now);
        }
        // What waits is kept in the run's row, which has an end.
        let is_next = !busy.is_empty() && matches!(on_busy, OnBusy::Interrupt | OnBusy::Rollback);
        if !busy.is_empty() && !is_next && size_in_row(&start.input) > MAX_WAITING_INPUT {
            return at_once(Answer::Invalid(vec![FieldError {
                field: "input".to_owned(),
                message: format!("has at most {MAX_WAITING_INPUT} bytes while another run is at work"),
            }]));
        }
        let (cancelled, waiting) = match on_busy {
            OnBusy::Interrupt | OnBusy::Rollback => (busy, queued.len()),
            OnBusy::Latest if !busy.is_empty() => (queued, 0),
            _ => (Vec::new(), queued.len()),
        };
        if waiting >= MAX_QUEUED {
            return at_once(Answer::TooMany(u32::try_from(MAX_QUEUED).unwrap_or(u32::MAX)));
        }
        let mut effects = self.make_way(meta, &cancelled, on_busy, now);
        let Start { terms, input, watch, .. } = start;
        let number = meta.last_run.saturating_add(1);
        self.work.enqueue(meta, Run::new(number, terms, now), &input);
        let is_free = !self.work.open.values().any(|kept| runs::has_begun(&kept.run));
        effects.extend(if is_next && is_free {
            self.work.begin(meta, number, now)
        } else {
            self.work.begin_next(meta, now)
        });
        shown(number, watch, effects)
    }

    /// The runs that are not over and are like this.
    fn open(&self, is: impl Fn(&Run) -> bool) -> Vec<u32> {
        self.work.open.values().filter(|kept| is(&kept.run)).map(|kept| kept.run.number).collect()
    }

    /// Whether what a waiting run is about can be more.
    fn has_room(&self, run: u32, input: &[Message]) -> bool {
        let there = self
            .work
            .open
            .get(&run)
            .map_or(0, |kept| kept.input.iter().map(|text| text_in_row(text)).sum::<usize>());
        there + size_in_row(input) <= MAX_WAITING_INPUT
    }

    /// Says to a run what was to be another, and lets it take over what the request asks.
    fn join(
        &mut self,
        meta: &mut Meta,
        number: u32,
        (start, by): (Start, Option<&Speaker>),
        now: Millis,
    ) -> Decided {
        let Start { terms, max_usd, input, watch, .. } = start;
        let Some(kept) = self.work.open.get_mut(&number) else { return at_once(Answer::NotFound) };
        let has_begun = runs::has_begun(&kept.run);
        match kept.run.terms.joined_by(terms, max_usd, has_begun) {
            Err(faults) => return at_once(Answer::Invalid(faults)),
            Ok(joined) => kept.run.terms = joined,
        }
        self.work.batch.runs.insert(number);
        self.work.speak(number, by, now);
        let speech = self.work.speech.take();
        if !has_begun {
            self.work.add_input(number, &input, speech.map(|speech| speech.spoken));
            return shown(number, watch, Vec::new());
        }
        self.work.speech = speech;
        for message in input {
            self.work.say_to(meta, number, message, now);
        }
        self.work.speech = None;
        let effects = self.work.apply(meta, number, Happened::Steered, now);
        shown(number, watch, effects)
    }

    /// Cancels these runs for one that comes; those that wait must not begin meanwhile.
    fn make_way(
        &mut self,
        meta: &mut Meta,
        cancelled: &[u32],
        on_busy: OnBusy,
        now: Millis,
    ) -> Effects<Self> {
        let mut effects = Vec::new();
        for number in cancelled {
            let kept = self.work.open.get(number);
            let first = kept.map_or(0, |kept| kept.first_item);
            let before = kept.and_then(|kept| kept.horizon_before);
            let reason = Some("another run came".to_owned());
            effects.extend(self.work.cancel_alone(meta, *number, reason, now));
            if on_busy == OnBusy::Rollback && first > 0 {
                self.work.batch.take_back(*number, first);
                // A summary of it is taken back, too, and what it has used says nothing any more.
                meta.horizon = before.unwrap_or(meta.horizon);
                meta.used = None;
            }
        }
        effects
    }
}

impl Work {
    /// Lets the next run begin where none is at work.
    pub(super) fn begin_next(&mut self, meta: &mut Meta, now: Millis) -> Effects<Thread> {
        let mut effects = Vec::new();
        while !self.open.values().any(|kept| runs::has_begun(&kept.run)) {
            let queued = self.open.values().filter(|kept| kept.run.paused.is_none());
            let next = queued.min_by_key(|kept| (kept.run.terms.priority, kept.run.number));
            let Some(number) = next.map(|kept| kept.run.number) else { break };
            effects.extend(self.begin(meta, number, now));
        }
        effects
    }

    pub(super) fn begin(&mut self, meta: &mut Meta, number: u32, now: Millis) -> Effects<Thread> {
        let Some(kept) = self.open.get_mut(&number) else { return Vec::new() };
        kept.first_item = self.next_item;
        let input = std::mem::take(&mut kept.input);
        kept.input_size = (input.len() as u64, input.iter().map(|text| text.len() as u64).sum());
        let by = std::mem::take(&mut kept.input_by);
        for (place, text) in (0..).zip(&input) {
            let Ok(message) = stored::read(text) else { continue };
            self.speech = by.get(&place).map(|by| Speech::of(number, *by));
            self.say_to(meta, number, message, now);
        }
        self.speech = None;
        let mut effects = self.note_used(meta, number, meta.used, now);
        effects.extend(self.apply(meta, number, Happened::Begun, now));
        effects
    }
}
