//! How a thread goes: deleted, or its time is up.

use super::commands::Decided;
use super::kept::{Batch, Gone, Meta};
use super::reading::Query;
use super::{Thread, Work, after, runs};
use crate::domain::thread::command::Who;
use crate::domain::time::Millis;
use crate::object::machine::Effects;

impl Thread {
    pub(super) fn delete(&mut self, who: Who, now: Millis) -> Decided {
        let mut deleted = None;
        let decided = self.seen_by(who, |thread, meta| {
            deleted = Some(meta.clone());
            after(Query::Deleted, thread.work.part(meta))
        });
        if let Some(meta) = deleted {
            self.forget(meta, now);
        }
        decided
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
        }
        self.gone = Some(Gone { account, key, outbox, unsettled });
        self.deliveries.forget();
        let work = &mut self.work;
        work.open.clear();
        work.oldest = None;
        work.batch =
            Batch { has_thread: true, is_deletion: true, keeps_journal: was_listed, ..Default::default() };
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
}
