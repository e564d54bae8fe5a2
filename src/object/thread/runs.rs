//! How runs begin, go on and end in a thread: one is at work, the others wait for their turn.

use serde_json::{Value, json};

use super::batch::Resolution;
use super::kept::{Kept, Meta};
use super::{MAX_UNWRITTEN, Thread, Work};
use crate::domain::message::Message;
use crate::domain::run::awaited::Awaited;
use crate::domain::run::delta::{Delta, Kind};
use crate::domain::run::event::{Event, Numbered};
use crate::domain::run::happening::{Do, Happened, Names};
use crate::domain::run::input::Input;
use crate::domain::run::state::{Phase, Run};
use crate::domain::run::tool::Stage;
use crate::domain::thread::effect::{Effect, Outcome, Progress};
use crate::domain::thread::id::EntryId;
use crate::domain::thread::log;
use crate::domain::thread::view::awaited_json;
use crate::domain::time::Millis;
use crate::object::machine::{Durability, Effects, Resumption};

/// Whether the model is being asked for a step.
pub const fn is_asking(run: &Run) -> bool {
    matches!(run.phase, Phase::Model { .. })
}

/// Whether something of the run is under way outside.
pub fn is_at_work(run: &Run) -> bool {
    run.is_asking() || run.calls().iter().any(|call| call.stage == Stage::Running)
}

/// The effects without whose end it does not go on.
pub fn awaited(kept: &Kept) -> Vec<Effect> {
    let run = kept.run.number;
    let model = match kept.run.phase {
        Phase::Model { step, attempt } => Some(Effect::Model { run, step, attempt }),
        Phase::Compact { nth } => Some(Effect::Compact { run, nth }),
        _ => None,
    };
    let running = kept.run.calls().iter().filter(|call| call.stage == Stage::Running);
    let tools = running.map(|call| Effect::Tool { run, entry: call.entry, attempt: call.attempt });
    model.into_iter().chain(tools).collect()
}

/// Whether its turn has come.
pub const fn has_begun(run: &Run) -> bool {
    !matches!(run.phase, Phase::Queued)
}

impl Work {
    /// A new run, which waits.
    pub(super) fn enqueue(&mut self, meta: &mut Meta, run: Run, input: &[Message]) {
        let number = run.number;
        meta.updated_at = run.created_at;
        let mut kept = Kept::new(run, input);
        kept.seqs.first_position = self.next_position;
        meta.last_run = number;
        meta.open.push(number);
        self.batch.has_thread = true;
        self.open.insert(number, kept);
        self.say(meta, number, Event::Created);
    }

    /// Takes what happened to a run, and writes what it decides.
    pub(super) fn apply(
        &mut self,
        meta: &mut Meta,
        number: u32,
        happened: Happened,
        now: Millis,
    ) -> Effects<Thread> {
        let id = meta.run(number);
        let Some(kept) = self.open.get_mut(&number) else { return Vec::new() };
        let entry = |number| EntryId { run: id, number };
        let awaited = |awaited: &Awaited<'_>| awaited_json(id, awaited);
        let out = kept.run.apply(happened, &Names { entry: &entry, awaited: &awaited }, now);
        self.carry_out(meta, number, out, now)
    }

    pub(super) fn carry_out(
        &mut self,
        meta: &mut Meta,
        number: u32,
        out: Vec<Do>,
        now: Millis,
    ) -> Effects<Thread> {
        let mut effects = Vec::new();
        self.batch.runs.insert(number);
        for todo in out {
            let effect = match todo {
                Do::Say(event) => {
                    self.say(meta, number, event);
                    continue;
                }
                Do::Write { entry, step, message } => {
                    self.note_answer(number, &message);
                    self.write_item(meta, number, entry, step, message, now);
                    continue;
                }
                Do::Hear { entry, during, message } => {
                    self.hear(meta, number, (entry, during), message, now);
                    continue;
                }
                Do::GiveUp { entry } => {
                    let of = (number, entry);
                    self.batch.answers.push(Resolution { of, answer: Value::Null, voice: None });
                    continue;
                }
                Do::Compacted { entry, compacted } => {
                    self.take_summary(meta, (number, entry), compacted, now);
                    continue;
                }
                Do::Slide { horizon } => {
                    self.stand_at(meta, number, horizon, true);
                    continue;
                }
                Do::Compact { nth } => Effect::Compact { run: number, nth },
                Do::CallModel { step, attempt } => Effect::Model { run: number, step, attempt },
                Do::CallTool { entry, attempt } => Effect::Tool { run: number, entry, attempt },
                Do::CancelChild { entry } => {
                    let call = EntryId { run: meta.run(number), number: entry };
                    effects.extend(self.cancel_child(meta, call));
                    continue;
                }
                Do::LookAtChild { entry, nth } => {
                    let call = EntryId { run: meta.run(number), number: entry };
                    Effect::LookAtChild { account: meta.account, call, nth }
                }
            };
            effects.push(self.effect(effect));
        }
        self.write_said(meta, number, now);
        effects.extend(self.tell(meta, number));
        if self.open.get(&number).is_some_and(|kept| kept.run.is_over()) {
            effects.extend(self.close(meta, number, now));
            effects.extend(self.begin_next(meta, now));
        }
        effects
    }

    /// Cancels a run; none that waits begins in its place.
    pub(super) fn cancel_alone(
        &mut self,
        meta: &mut Meta,
        number: u32,
        reason: Option<String>,
        now: Millis,
    ) -> Effects<Thread> {
        // A run that does not exist keeps the others from beginning.
        let others = std::mem::take(&mut self.open);
        let (these, others) = others.into_iter().partition(|(other, _)| *other == number);
        self.open = these;
        let effects = self.apply(meta, number, Happened::Cancelled { reason }, now);
        self.open = others;
        effects
    }

    /// What a run is given; of each input the entry that it answers or becomes.
    pub(super) fn give(
        &mut self,
        meta: &mut Meta,
        number: u32,
        inputs: Vec<Input>,
        now: Millis,
    ) -> (Vec<EntryId>, Effects<Thread>) {
        let id = meta.run(number);
        let Some(kept) = self.open.get_mut(&number) else { return Default::default() };
        let name = |number| EntryId { run: id, number };
        if let Some(speech) = &mut self.speech {
            speech.calls = inputs.iter().filter_map(Input::call).map(|call| name(call).to_string()).collect();
        }
        let awaited = |awaited: &Awaited<'_>| awaited_json(id, awaited);
        let (entries, out) = kept.run.give(inputs, &Names { entry: &name, awaited: &awaited }, now);
        (entries.into_iter().map(name).collect(), self.carry_out(meta, number, out, now))
    }

    /// Watchers of runs that go with their thread learn it at once; nothing of that is kept.
    pub(super) fn dismiss(&mut self, meta: &Meta) {
        let runs: Vec<_> = self.open.values().map(|kept| (kept.run.number, kept.run.spent)).collect();
        for (number, cost_usd) in runs {
            let reason = Some("the thread was deleted".to_owned());
            self.say(meta, number, Event::Cancelled { reason, cost_usd });
        }
    }

    /// A run is over: it waits for nothing any more, and the one above it learns how it ended.
    fn close(&mut self, meta: &mut Meta, number: u32, now: Millis) -> Effects<Thread> {
        let Some(mut kept) = self.open.remove(&number) else { return Vec::new() };
        meta.open.retain(|open| *open != number);
        meta.updated_at = now;
        self.batch.has_thread = true;
        self.batch.runs.remove(&number);
        meta.unsettled.ended.append(&mut kept.unsettled);
        if kept.first_item > 0 {
            meta.used = kept.used;
        }
        let has_parent = kept.run.terms.parent.is_some();
        self.batch.over.push(kept);
        has_parent.then(|| self.effect(Effect::Report { run: number })).into_iter().collect()
    }

    /// Numbers an event, for the disk and for watchers.
    pub(super) fn say(&mut self, meta: &Meta, number: u32, event: Event) {
        let Some(kept) = self.open.get_mut(&number) else { return };
        if !event.is_delta() {
            self.batch.runs.insert(number);
        }
        let numbered = kept.seqs.number(meta.run(number), self.next_position, event);
        self.next_position += 1;
        self.unseen.push(numbered.clone());
        log::join(&mut self.batch.events, numbered);
    }

    pub(super) fn progressed(&mut self, meta: &Meta, effect: &Effect, progress: Progress) -> Durability {
        match (effect, progress) {
            (Effect::Model { run, step, .. }, Progress::Said(deltas)) => self.said(meta, *run, *step, deltas),
            (Effect::Tool { run, .. }, Progress::Report(message)) => {
                let has_parent = |kept: &&mut Kept| kept.run.terms.parent.is_some();
                if let Some(kept) = self.open.get_mut(run).filter(has_parent) {
                    kept.news = Some(message.clone());
                }
                self.say(meta, *run, Event::Progress { message });
                Durability::Now
            }
            _ => Durability::Soon,
        }
    }

    /// What a model says goes to watchers at once, under numbers that were reserved.
    fn said(&mut self, meta: &Meta, number: u32, step: u32, deltas: Vec<Delta>) -> Durability {
        if !self.open.get(&number).is_some_and(|kept| is_asking(&kept.run)) {
            return Durability::Soon;
        }
        for Delta { item, kind, offset, delta } in deltas {
            self.unwritten += delta.len();
            let item = EntryId { run: meta.run(number), number: Run::piece(step, item) };
            self.say(
                meta,
                number,
                match kind {
                    Kind::Text => Event::Text { step, item, offset, delta },
                    Kind::Reasoning => Event::Reasoning { step, item, offset, delta },
                },
            );
        }
        if self.open.get(&number).is_some_and(|kept| kept.seqs.is_low(self.next_position)) {
            self.batch.runs.insert(number);
            return Durability::Now;
        }
        if self.unwritten >= MAX_UNWRITTEN { Durability::Now } else { Durability::Gathered }
    }

    /// Takes over what models have said and no disk has, from the memory whose write failed: watchers have seen it, and whoever
    /// asks the models goes on where they are.
    pub(super) fn take_over(&mut self, fallen: Self) {
        for kept in self.open.values_mut() {
            let Phase::Model { step, .. } = kept.run.phase else { continue };
            let number = kept.run.number;
            let is_of = |event: &&Numbered| event.run.number == number && event.event.said_in() == Some(step);
            kept.seqs.next = kept.last_seq.map_or(kept.seqs.next, |last| last + 1);
            for event in fallen.batch.events.iter().filter(is_of) {
                kept.seqs.next = event.seq + 1;
                self.next_position = self.next_position.max(event.position + 1);
                self.batch.events.push(event.clone());
            }
            self.unseen.extend(fallen.unseen.iter().filter(is_of).cloned());
        }
        self.unwritten = fallen.unwritten;
    }

    pub(super) fn ended(
        &mut self,
        meta: &mut Meta,
        effect: &Effect,
        outcome: Outcome,
        now: Millis,
    ) -> Effects<Thread> {
        match (effect, outcome) {
            (
                Effect::Model { run, step, attempt },
                Outcome::Answered { answered, unsaid, journal, used, .. },
            ) => {
                self.said(meta, *run, *step, unsaid);
                self.note_recalled(*run, &journal);
                let what = json!({ "step": step, "model_call": journal, "ended_at": now });
                self.note_call(meta, (*run, *step, *attempt), what);
                // Its last word is the run's answer, also where that is nothing.
                if let Some(kept) = self.open.get_mut(run).filter(|_| answered.plan.is_empty()) {
                    kept.answer = None;
                }
                let mut effects = self.note_used(meta, *run, used, now);
                effects.extend(self.apply(meta, *run, Happened::Answered(answered), now));
                effects
            }
            (
                Effect::Model { run, step, attempt },
                Outcome::Unanswered { fault, cost, journal, used, .. },
            ) => {
                self.note_recalled(*run, &journal);
                let what = json!({ "step": step, "model_call": journal, "ended_at": now });
                self.note_call(meta, (*run, *step, *attempt), what);
                let mut effects = self.note_used(meta, *run, used, now);
                effects.extend(self.apply(meta, *run, Happened::Unanswered { fault, cost }, now));
                effects
            }
            (Effect::Compact { run, nth }, outcome) => {
                self.compaction_ended(meta, (*run, *nth), outcome, now)
            }
            (Effect::Tool { run, entry, .. }, Outcome::Tool { output, is_error, cost, journal }) => {
                let call_id = EntryId { run: meta.run(*run), number: *entry };
                self.note(*run, json!({ "call_id": call_id, "tool_call": journal, "ended_at": now }));
                self.apply(meta, *run, Happened::Ended { entry: *entry, output, is_error, cost }, now)
            }
            (Effect::Tool { run, entry, .. }, Outcome::NotMade { why, journal }) => {
                let call_id = EntryId { run: meta.run(*run), number: *entry };
                self.note(*run, json!({ "call_id": call_id, "tool_call": journal, "ended_at": now }));
                self.apply(meta, *run, Happened::NotMade { entry: *entry, why }, now)
            }
            (Effect::Tool { run, entry, .. }, Outcome::Unknown { journal }) => {
                let call_id = EntryId { run: meta.run(*run), number: *entry };
                self.note(*run, json!({ "call_id": call_id, "tool_call": journal, "ended_at": now }));
                self.apply(meta, *run, Happened::Interrupted { entry: *entry }, now)
            }
            (Effect::Tool { run, entry, .. }, Outcome::ChildBegun) => {
                let call = EntryId { run: meta.run(*run), number: *entry };
                self.note(
                    *run,
                    json!({ "call_id": call, "child": { "run": call.child() }, "started_at": now }),
                );
                self.apply(meta, *run, Happened::ChildBegun { entry: *entry }, now)
            }
            (Effect::LookAtChild { call, .. }, Outcome::ChildEnded(ended)) => {
                self.child_ended(meta, *call, ended, now)
            }
            (Effect::LookAtChild { call, .. }, Outcome::ChildLost) => {
                self.apply(meta, call.run.number, Happened::ChildLost { entry: call.number }, now)
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn resumed(&mut self, meta: &mut Meta, effect: &Effect, now: Millis) -> Resumption<Effect> {
        let (run, happened) = match effect {
            Effect::Model { run, step, attempt } => {
                let is_of =
                    |kept: &&mut Kept| kept.run.phase == Phase::Model { step: *step, attempt: *attempt };
                let kept = self.open.get_mut(run).filter(is_of);
                (run, kept.map(|kept| Happened::Cut { voids: Some(kept.seqs.skip(kept.last_seq)) }))
            }
            Effect::Compact { run, nth } => {
                let is_of = |kept: &Kept| kept.run.phase == Phase::Compact { nth: *nth };
                let is_open = self.open.get(run).is_some_and(is_of);
                (run, is_open.then_some(Happened::CompactionCut))
            }
            Effect::Tool { run, entry, attempt } => {
                let call = self.open.get(run).and_then(|kept| kept.run.call(*entry));
                let is_open = call.is_some_and(|call| call.attempt == *attempt);
                (run, is_open.then_some(Happened::Interrupted { entry: *entry }))
            }
            // They have no row.
            Effect::Deliver { .. } | Effect::Settle { .. } => return Resumption::Ended(Vec::new()),
            _ => return Resumption::Again,
        };
        let effects = happened.map(|happened| self.apply(meta, *run, happened, now));
        Resumption::Ended(effects.unwrap_or_default())
    }

    pub(super) fn pass_time(&mut self, meta: &mut Meta, now: Millis) -> Effects<Thread> {
        let due = |kept: &&Kept| kept.run.wake_at().is_some_and(|at| at <= now);
        let due: Vec<u32> = self.open.values().filter(due).map(|kept| kept.run.number).collect();
        let mut effects = Vec::new();
        for number in due {
            effects.extend(self.apply(meta, number, Happened::Time, now));
        }
        effects
    }
}
