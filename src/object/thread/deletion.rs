//! How a thread goes: deleted, or its time is up.

use super::batch::Batch;
use super::commands::Decided;
use super::kept::{Gone, Meta};
use super::reading::Query;
use super::{Thread, Work, after, runs};
use crate::domain::thread::command::Who;
use crate::domain::time::Millis;
use crate::object::machine::Effects;
use crate::object::sql::{Error, Sql};

impl Thread {
    /// # Errors
    /// [`Error`], of reading; nothing is deleted then.
    pub(super) fn delete(&mut self, sql: &impl Sql, who: Who, now: Millis) -> Result<Decided, Error> {
        let owed = self.owed_reports(sql)?;
        let mut deleted = None;
        let decided = self.seen_by(who, |thread, meta| {
            deleted = Some(meta.clone());
            let mut effects = thread.work.part(meta);
            effects.extend(owed.into_iter().map(|what| thread.work.effect(what)));
            after(Query::Deleted, effects)
        });
        if let Some(meta) = deleted {
            self.forget(meta, now);
        }
        Ok(decided)
    }

    /// Forgets the thread, with all that is in it.
    fn forget(&mut self, meta: Meta, now: Millis) {
        self.work.dismiss(&meta);
        let Meta { account, key, agent, last_run, floor, mut outbox, mut unsettled, throw_away, .. } = meta;
        unsettled
            .ended
            .extend(self.work.open.values_mut().flat_map(|kept| std::mem::take(&mut kept.unsettled)));
        self.meta = None;
        self.last_run = last_run;
        self.floor = floor.saturating_add(1);
        // No list has shown a thread of a single call, and its runs are nobody's name.
        let was_listed = throw_away.is_none();
        if was_listed {
            outbox.forget_runs();
            outbox.change(now);
            unsettled.delete(agent, last_run);
        } else if outbox.version() > 0 && !(outbox.is_delivered() && self.work.open.is_empty()) {
            // The index counts a run of it.
            outbox.forget_runs();
            outbox.change(now);
        }
        // The object of a call whose name was ours is emptied, unless its keys are remembered.
        let scrub = was_listed || !key.is_ours() || self.work.oldest_key.is_some();
        self.gone = Some(Gone { account, key, outbox, unsettled, is_hidden: !was_listed, scrub });
        self.deliveries.forget();
        let work = &mut self.work;
        work.open.clear();
        work.oldest = None;
        work.batch = Batch {
            has_thread: true,
            is_deletion: true,
            keeps_journal: was_listed,
            // And again when all is told: until then the journal stays.
            scrub: was_listed,
            ..Default::default()
        };
    }

    /// Forgets a thread whose time is up by then. What is under way ends first, and who is owed a word hears it.
    pub(super) fn expire(&mut self, then: Millis, now: Millis) -> Effects<Self> {
        let is_idle = |work: &Work| {
            work.errands.is_empty() && !work.open.values().any(|kept| runs::is_at_work(&kept.run))
        };
        let is_over = |meta: &&Meta| meta.expires_at().is_some_and(|at| at <= then);
        let Some(meta) = self.meta.as_ref().filter(is_over).filter(|_| is_idle(&self.work)) else {
            return Vec::new();
        };
        let meta = meta.clone();
        let effects = self.work.part(&meta);
        self.forget(meta, now);
        effects
    }

    /// Whether what is left of a deleted thread can be taken off the disk: nobody is to be told anything of it any more.
    pub(super) fn is_to_be_scrubbed(&self) -> bool {
        let is_told = |gone: &Gone| gone.scrub && gone.outbox.is_delivered() && gone.unsettled.is_empty();
        self.meta.is_none()
            && self.gone.as_ref().is_some_and(is_told)
            && self.settling.is_free()
            && self.deliveries.sending.is_free()
            && self.work.errands.is_empty()
    }

    /// Whether nobody asks for what is left of a thread of a single call: its name was ours and comes no second time, its money
    /// is in the ledger, and no list has shown it.
    pub(super) fn is_forgotten(&self) -> bool {
        let is_settled = self.settling.is_free() && self.deliveries.sending.is_free();
        let is_unknown =
            |gone: &Gone| gone.outbox.version() == 0 || gone.is_hidden && gone.outbox.is_delivered();
        let is_nobodys = |gone: &Gone| {
            gone.key.is_ours() && is_unknown(gone) && gone.unsettled.is_empty() && is_settled && !gone.scrub
        };
        let work = &self.work;
        self.meta.is_none()
            && self.copying.is_none()
            && self.gone.as_ref().is_some_and(is_nobodys)
            && work.errands.is_empty()
            && work.oldest_key.is_none()
    }
}
