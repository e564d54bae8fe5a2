//! What a thread forgets because somebody must be forgotten, or because nobody has needed it for long.

use std::collections::{BTreeMap, BTreeSet};

use super::commands::Decided;
use super::kept::Kept;
use super::{Thread, at_once};
use crate::domain::run::compaction::Compacting;
use crate::domain::run::happening::Happened;
use crate::domain::run::manner::Manner;
use crate::domain::run::state::{End, Phase};
use crate::domain::thread::command::{Answer, Clear, Who};
use crate::domain::thread::compaction::Horizon;
use crate::domain::time::Millis;
use crate::object::machine::Durability;
use crate::object::sql::{Error, Sql};
use crate::object::store::thread as store;

/// How many runs are made blank at once.
const MAX_AT_ONCE: u32 = 50;

impl Thread {
    /// # Errors
    /// [`Error`], of reading; nothing is forgotten then.
    pub(super) fn clear(&mut self, sql: &impl Sql, clear: Clear, now: Millis) -> Result<Decided, Error> {
        let Some(meta) = &self.meta else { return Ok(at_once(Answer::NotFound)) };
        match clear {
            Clear::Unchanged { since } => {
                let is_due = meta.open.is_empty() && meta.updated_at <= since;
                if is_due { self.delete(sql, Who::Account, now) } else { Ok(at_once(Answer::Cleared(0))) }
            }
            Clear::OfUser { user, until } => {
                if meta.about.user.as_ref() == Some(&user) && meta.created_at <= until {
                    let decided = self.delete(sql, Who::Account, now)?;
                    if let Some(gone) = &mut self.gone {
                        gone.scrub = true;
                    }
                    return Ok(decided);
                }
                self.clear_runs(sql, &user, until, now)
            }
        }
    }

    /// Nothing is left of what a person has said by runs of their own in a thread that is not theirs, nor of what was answered.
    fn clear_runs(
        &mut self,
        sql: &impl Sql,
        user: &str,
        until: Millis,
        now: Millis,
    ) -> Result<Decided, Error> {
        let Some(meta) = &self.meta else { return Ok(at_once(Answer::NotFound)) };
        let from = meta.first_run.max(1);
        let mut on_disk = store::runs_of_user(sql, user, from, until, MAX_AT_ONCE + 1)?;
        // The last step takes what all have left off the disk.
        let is_last = on_disk.len() <= MAX_AT_ONCE as usize;
        on_disk.truncate(MAX_AT_ONCE as usize);
        let is_theirs =
            |kept: &&Kept| kept.run.terms.user.as_deref() == Some(user) && kept.run.created_at <= until;
        let is_over_now = |number: &u32| {
            !self.work.batch.over.iter().any(|kept| kept.run.number == *number && !is_theirs(&kept))
        };
        let open = self.work.open.values().filter(is_theirs).map(|kept| kept.run.number);
        let theirs: BTreeSet<u32> = on_disk.into_iter().filter(is_over_now).chain(open).collect();
        if theirs.is_empty() {
            return self.hush(sql, user, until, now);
        }
        let is_last = is_last && self.speaker(sql, user)?.is_silent(until);
        // Read before anything changes.
        let mut known: BTreeMap<u32, Kept> = BTreeMap::new();
        for number in &theirs {
            let is_here = self.work.open.contains_key(number)
                || self.work.batch.over.iter().any(|kept| kept.run.number == *number);
            if !is_here && let Some(kept) = store::run(sql, *number)? {
                known.insert(*number, kept);
            }
        }
        if let Some(run) = self.summing().filter(|run| !theirs.contains(run)) {
            // What is being summed up may have what is to go: it is asked again.
            return Ok(at_once(Answer::Busy(run)));
        }
        let mut decided = self.seen_by(Who::Account, |thread, meta| {
            let mut effects = Vec::new();
            for number in &theirs {
                if thread.work.open.contains_key(number) {
                    meta.blank.push(*number);
                }
                effects.extend(thread.work.apply(meta, *number, Happened::Cancelled { reason: None }, now));
            }
            // A run of theirs that waited may have begun in the midst of it, and titled the thread.
            if meta.titled_by.is_some_and(|run| theirs.contains(&run)) {
                (meta.about.title, meta.titled_by, meta.titled_in) = (None, None, None);
                meta.updated_at = now;
            }
            effects.extend(thread.work.begin_next(meta, now));
            let mut decided = at_once(Answer::Cleared(u32::try_from(theirs.len()).unwrap_or(u32::MAX)));
            decided.effects = effects;
            decided
        });
        for number in theirs {
            self.blank(number, known.remove(&number));
        }
        self.work.batch.scrub |= is_last;
        decided.durability = Durability::Now;
        Ok(decided)
    }

    /// A run that is over is left as money and numbers; `on_disk`: its row, unless this is to be written anyway.
    fn blank(&mut self, number: u32, on_disk: Option<Kept>) {
        let batch = &mut self.work.batch;
        let place = batch.over.iter().position(|kept| kept.run.number == number);
        let kept = match place {
            Some(place) => Some(batch.over.remove(place)),
            None => on_disk,
        };
        let Some(mut kept) = kept else { return };
        let run = &mut kept.run;
        let terms = &mut run.terms;
        (terms.user, terms.manner, terms.request) = (None, Manner::default(), None);
        terms.variables.clear();
        terms.tools.clear();
        if let Phase::Ended { end, .. } = &mut run.phase {
            match end {
                End::Failed(failure) => failure.message.clear(),
                End::Cancelled(reason) => *reason = None,
                End::Completed | End::Incomplete(_) => {}
            }
        }
        (run.paused, run.repair, run.compacting) = (None, None, Compacting::default());
        run.warnings.clear();
        (kept.news, kept.recalled, kept.answer) = (None, None, None);
        kept.input.clear();
        kept.input_by.clear();
        kept.said.clear();
        if kept.first_item > 0 {
            batch.take_back(number, kept.first_item);
            self.forget_summaries(kept.first_item);
        }
        let batch = &mut self.work.batch;
        batch.journal.retain(|(run, ..)| *run != number);
        batch.answers.retain(|resolution| resolution.of.0 != number);
        batch.events.retain(|event| event.run.number != number);
        batch.blank.push(number);
        batch.over.push(kept);
        // With the thread's row goes what it was sent last; the index, which has a name, learns of the run as of any that ends.
        batch.has_thread = true;
    }

    /// The run before whose next step the oldest runs are being summed up.
    pub(super) fn summing(&self) -> Option<u32> {
        let summing = self.work.open.values().find(|kept| matches!(kept.run.phase, Phase::Compact { .. }));
        summing.map(|kept| kept.run.number)
    }

    /// Whatever may sum up what stands from here on goes, and what was summed up there itself: what stays is sent as it stands.
    pub(super) fn forget_summaries(&mut self, from: u64) {
        let batch = &mut self.work.batch;
        let from = from.min(batch.back_summaries.unwrap_or(u64::MAX));
        batch.back_summaries = Some(from);
        let is_gone = |horizon: &Horizon| horizon.summary.is_some_and(|summary| summary >= from);
        if let Some(meta) = self.meta.as_mut().filter(|meta| is_gone(&meta.horizon)) {
            meta.horizon = Horizon::default();
        }
        for open in self.work.open.values_mut() {
            if open.horizon_before.as_ref().is_some_and(is_gone) {
                open.horizon_before = None;
                batch.runs.insert(open.run.number);
            }
        }
    }
}
