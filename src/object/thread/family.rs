//! What runs and the runs that they have begun say to each other, from thread to thread.
//!
//! Each word is an effect: a row until the other thread's object has answered. So it arrives at least once, whatever dies,
//! and the machine takes it once.

use serde_json::json;

use super::commands::{Decided, after_nothing, ready};
use super::kept::{Kept, Meta};
use super::reading::Query;
use super::{Thread, Work, at_once};
use crate::domain::run::awaited::Awaited;
use crate::domain::run::happening::{Happened, Names};
use crate::domain::run::state::Status;
use crate::domain::run::word::{Ended, Word};
use crate::domain::thread::command::{Answer, Start};
use crate::domain::thread::effect::{Effect, Report};
use crate::domain::thread::id::EntryId;
use crate::domain::thread::view::awaited_json;
use crate::domain::time::Millis;
use crate::object::machine::{self, Effects};
use crate::object::sql::{Error, Sql};
use crate::object::store::thread as store;

/// The pauses before another object is asked again that could not be reached: the first, and the longest. Each is twice as long
/// as the one before.
const FIRST_PAUSE_MS: i64 = 30_000;
const MAX_PAUSE_MS: i64 = 5 * 60_000;

/// What another thread's object has not answered: it is asked until it does.
#[derive(Debug, Default)]
pub(super) struct Errand {
    /// Of a run that is over and says how: which one.
    report_of: Option<u32>,
    failed: u32,
    /// When it is asked again; `None` while it is being asked.
    again_at: Option<Millis>,
}

impl Errand {
    pub const fn again_at(&self) -> Option<Millis> {
        self.again_at
    }

    /// It could not be reached.
    pub fn put_off(&mut self, now: Millis) {
        let pause = FIRST_PAUSE_MS << self.failed.min(16);
        self.failed = self.failed.saturating_add(1);
        self.again_at = Some(now.plus(pause.min(MAX_PAUSE_MS)));
    }

    /// Whether it is asked again now.
    pub fn is_due(&mut self, now: Millis) -> bool {
        self.again_at.take_if(|at| *at <= now).is_some()
    }
}

impl Thread {
    /// What a child is answered that is begun once more, or was abandoned before it was begun; `None` where it is to be begun.
    pub(super) fn begun_before(&self, start: &Start) -> Option<Decided> {
        start.terms.parent.as_ref()?;
        match &self.meta {
            Some(_) => Some(after_nothing(Query::Run { run: 1 })),
            None => (self.last_run > 0).then(|| at_once(Answer::NotFound)),
        }
    }

    /// A child speaks. The run that it speaks to may be over: then its cost still counts.
    pub(super) fn hear(
        &mut self,
        sql: &impl Sql,
        call: EntryId,
        word: Word,
        now: Millis,
    ) -> Result<Decided, Error> {
        let Some(meta) = self.meta.as_mut().filter(|meta| meta.key == call.run.thread) else {
            return Ok(at_once(Answer::NotFound));
        };
        let (run, entry) = (call.run.number, call.number);
        if self.work.open.contains_key(&run) {
            let effects = match word {
                Word::Ended(ended) => self.work.child_ended(meta, call, ended, now),
                Word::Work { seq, waits, message } => {
                    self.work.apply(meta, run, Happened::ChildSaid { entry, seq, waits, message }, now)
                }
            };
            return Ok(ready(Answer::Heard, effects));
        }
        if let (Word::Ended(ended), Some(mut kept)) = (word, store::run::<Kept>(sql, run)?) {
            let name = |number| EntryId { run: call.run, number };
            let awaited = |awaited: &Awaited<'_>| awaited_json(call.run, awaited);
            let names = Names { entry: &name, awaited: &awaited };
            kept.run.apply(Happened::ChildEnded { entry, ended }, &names, now);
            self.work.batch.over.push(kept);
        }
        Ok(ready(Answer::Heard, Vec::new()))
    }

    /// What the runs above have not been told of how runs ended here, taken from the rows: they go.
    pub(super) fn owed_reports(&self, sql: &impl Sql) -> Result<Vec<Effect>, Error> {
        let mut owed = Vec::new();
        for run in self.work.errands.values().filter_map(|errand| errand.report_of) {
            match (self.report(sql, run), store::run::<Kept>(sql, run)) {
                (Ok(Some(Report { account, call, ended })), Ok(Some(kept))) => {
                    let (nth, word) = (kept.told + 1, Word::Ended(ended));
                    owed.push(Effect::Tell { account, run, call, nth, word });
                }
                (Err(error @ Error::Storage(_)), _) | (_, Err(error @ Error::Storage(_))) => {
                    return Err(error);
                }
                // What cannot be read keeps nobody from deleting it.
                _ => {}
            }
        }
        Ok(owed)
    }

    /// The run above wants this one no more. Where it was not begun yet it never will be.
    pub(super) fn abandon(&mut self, reason: String, now: Millis) -> Decided {
        let Some(meta) = &mut self.meta else {
            self.last_run = self.last_run.max(1);
            self.work.batch.has_thread = true;
            return ready(Answer::Heard, Vec::new());
        };
        let effects = self.work.apply(meta, 1, Happened::Cancelled { reason: Some(reason) }, now);
        ready(Answer::Heard, effects)
    }
}

impl Work {
    /// Something to be done outside.
    pub(super) fn effect(&mut self, what: Effect) -> machine::Effect<Effect> {
        let effect = machine::Effect { id: what.id(), what };
        self.note_errand(&effect);
        effect
    }

    /// Looks after an effect that another thread's object is to answer.
    pub(super) fn note_errand(&mut self, effect: &machine::Effect<Effect>) {
        if effect.what.is_errand() {
            let report_of = match effect.what {
                Effect::Report { run } => Some(run),
                _ => None,
            };
            self.errands.insert(effect.id.clone(), Errand { report_of, ..Errand::default() });
        }
    }

    /// The child of a call is to end; `None` where that is under way.
    pub(super) fn cancel_child(&mut self, meta: &Meta, call: EntryId) -> Option<machine::Effect<Effect>> {
        let what = Effect::CancelChild { account: meta.account, call };
        (!self.errands.contains_key(&what.id())).then(|| self.effect(what))
    }

    pub(super) fn child_ended(
        &mut self,
        meta: &mut Meta,
        call: EntryId,
        ended: Ended,
        now: Millis,
    ) -> Effects<Thread> {
        let EntryId { run, number: entry } = call;
        let is_news = |kept: &Kept| kept.run.children.contains_key(&entry);
        if self.open.get(&run.number).is_some_and(is_news) {
            let child = json!({
                "run": call.child(), "status": ended.status, "cost_usd": ended.cost, "is_error": ended.is_error,
            });
            self.note(run.number, json!({ "call_id": call, "child": child, "ended_at": now }));
        }
        self.apply(meta, run.number, Happened::ChildEnded { entry, ended }, now)
    }

    /// Tells the run above what it does not know of a run that is not over.
    pub(super) fn tell(&mut self, meta: &Meta, number: u32) -> Option<machine::Effect<Effect>> {
        let kept = self.open.get_mut(&number).filter(|kept| !kept.run.is_over())?;
        let call = kept.run.terms.parent.as_ref()?.call;
        let waits = kept.run.needs_somebody();
        if kept.news.is_none() && waits == kept.has_told_wait {
            return None;
        }
        kept.has_told_wait = waits;
        kept.told += 1;
        let word = Word::Work { seq: kept.told, waits, message: kept.news.take() };
        let tell = Effect::Tell { account: meta.account, run: number, call, nth: kept.told, word };
        Some(self.effect(tell))
    }

    /// The thread goes, and with it what its runs have begun; the runs above those learn it.
    pub(super) fn part(&mut self, meta: &Meta) -> Effects<Thread> {
        let mut all = Vec::new();
        for (number, kept) in &self.open {
            let run = meta.run(*number);
            let calls = kept.run.children.keys().map(|entry| EntryId { run, number: *entry });
            all.extend(calls.map(|call| Effect::CancelChild { account: meta.account, call }));
            all.extend(kept.run.terms.parent.as_ref().map(|parent| {
                let word = Word::Ended(Ended {
                    status: Status::Cancelled,
                    output: "The thread of this agent's run was deleted.".to_owned(),
                    is_error: true,
                    cost: kept.run.spent,
                    open: kept.run.terms.limits.max_usd.unwrap_or_default() - kept.run.spent,
                });
                let (account, call, nth) = (meta.account, parent.call, kept.told + 1);
                Effect::Tell { account, run: *number, call, nth, word }
            }));
        }
        all.retain(|effect| !self.errands.contains_key(&effect.id()));
        all.into_iter().map(|effect| self.effect(effect)).collect()
    }
}
