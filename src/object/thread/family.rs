//! What runs and the runs that they have begun say to each other, from thread to thread.
//!
//! Each word is an effect: a row until the other thread's object has answered. So it arrives at least once, whatever dies,
//! and the machine takes it once.

use serde_json::json;

use super::commands::{Decided, after_nothing, ready};
use super::kept::{Kept, Meta};
use super::reading::Query;
use super::{Thread, Work, at_once};
use crate::domain::run::happening::{Happened, Names};
use crate::domain::run::state::{Awaited, Status};
use crate::domain::run::word::{Ended, Word};
use crate::domain::thread::command::{Answer, Start};
use crate::domain::thread::effect::Effect;
use crate::domain::thread::id::EntryId;
use crate::domain::thread::view::awaited_json;
use crate::domain::time::Millis;
use crate::object::machine::{self, Effects};
use crate::object::sql::{Error, Sql};
use crate::object::store::thread as store;

/// How long an object is looked after for what another has not answered, in milliseconds. The row stays, and is tried again
/// whenever the object is loaded.
pub(super) const ERRANDS_MS: i64 = 60 * 60 * 1_000;

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
        let id = what.id();
        if what.is_errand() {
            self.errands.insert(id.clone());
        }
        machine::Effect { id, what }
    }

    /// The child of a call is to end; `None` where that is under way.
    pub(super) fn cancel_child(&mut self, meta: &Meta, call: EntryId) -> Option<machine::Effect<Effect>> {
        let what = Effect::CancelChild { account: meta.account, call };
        (!self.errands.contains(&what.id())).then(|| self.effect(what))
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
        all.retain(|effect| !self.errands.contains(&effect.id()));
        all.into_iter().map(|effect| self.effect(effect)).collect()
    }
}
