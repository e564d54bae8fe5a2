//! What goes to the account's index: what lists show of the thread and its runs, whenever that changes.
//!
//! Before each write this compares what lists show with what they were last to be shown, whoever changed it, and notes the
//! difference in the outbox, which is written with it. One delivery is under way at a time. A run never waits for one.

use std::collections::{BTreeMap, BTreeSet};

use super::Thread;
use super::kept::Kept;
use crate::domain::dispatch::command::{Delivered, Delivery, MAX_RUNS};
use crate::domain::dispatch::entry::Entry;
use crate::domain::ids::AccountId;
use crate::domain::run::state::{Run, Status};
use crate::domain::run::terms::Priority;
use crate::domain::thread::about::About;
use crate::domain::thread::effect::{Effect, Outcome};
use crate::domain::thread::id::ThreadKey;
use crate::domain::thread::outbox::Outbox;
use crate::domain::thread::view::{RunView, ThreadStatus};
use crate::domain::time::Millis;
use crate::object::machine::{self, Effects};
use crate::object::sql::{Error, Sql};

/// How long after a delivery the alarm rings: for the thread's row to say that it was confirmed, if nothing else has written
/// it before, until when a restart delivers once more, which changes nothing; and for one that was cut or hangs to be begun
/// again. The alarm of a run rings at about that time anyway.
const LOOK_MS: i64 = 25_000;

/// What memory knows of deliveries.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    /// What lists were last to be shown of the thread, and of its open runs.
    thread: Option<(About, ThreadStatus, Millis)>,
    runs: BTreeMap<u32, (Status, Priority)>,
    under_way: Option<UnderWay>,
    /// After one that failed.
    again_at: Option<Millis>,
    /// When the last was confirmed of which the disk does not know.
    confirmed_at: Option<Millis>,
    /// How many were begun, which names each of them.
    pub count: u32,
}

#[derive(Debug)]
struct UnderWay {
    nth: u32,
    since: Millis,
    version: u64,
    /// Those of them that have not changed since.
    runs: BTreeSet<u32>,
    /// All of them.
    asked: Vec<u32>,
}

fn listed(run: &Run) -> (Status, Priority) {
    (run.status(), run.terms.priority)
}

impl Deliveries {
    /// Of a thread as the disk has it.
    pub fn load<'a>(
        thread: Option<(About, ThreadStatus, Millis)>,
        open: impl Iterator<Item = &'a Kept>,
    ) -> Self {
        let runs = open.map(|kept| (kept.run.number, listed(&kept.run))).collect();
        Self { thread, runs, ..Self::default() }
    }

    /// The thread was deleted.
    pub fn forget(&mut self) {
        self.thread = None;
        self.runs.clear();
    }

    pub fn wake(&mut self, now: Millis) {
        self.again_at.take_if(|at| *at <= now);
        self.under_way.take_if(|under_way| under_way.since.plus(LOOK_MS) <= now);
    }

    pub fn wake_at(&self) -> Option<Millis> {
        let since = self.under_way.as_ref().map(|under_way| under_way.since);
        let look_at = [since, self.confirmed_at].into_iter().flatten().min();
        [self.again_at, look_at.map(|at| at.plus(LOOK_MS))].into_iter().flatten().min()
    }

    pub const fn must_save(&self) -> bool {
        self.confirmed_at.is_some()
    }

    /// The thread's row is written.
    pub const fn saved(&mut self) {
        self.confirmed_at = None;
    }
}

impl Thread {
    fn outbox(&mut self) -> Option<&mut Outbox> {
        match (&mut self.meta, &mut self.gone) {
            (Some(meta), _) => Some(&mut meta.outbox),
            (None, Some(gone)) => Some(&mut gone.outbox),
            (None, None) => None,
        }
    }

    /// Notes what is about to be written and lists do not show.
    pub(super) fn note_changes(&mut self, now: Millis) {
        let status = self.status();
        let Self { meta: Some(meta), work, deliveries, .. } = self else { return };
        let mut changed: BTreeSet<u32> = work.batch.over.iter().map(|kept| kept.run.number).collect();
        for number in &work.batch.runs {
            let Some(kept) = work.open.get(number) else { continue };
            if deliveries.runs.insert(*number, listed(&kept.run)) != Some(listed(&kept.run)) {
                changed.insert(*number);
            }
        }
        for kept in &work.batch.over {
            deliveries.runs.remove(&kept.run.number);
        }
        let is_shown = deliveries.thread.as_ref().is_some_and(|(about, shown, at)| {
            (shown, at) == (&status, &meta.updated_at) && *about == meta.about
        });
        if is_shown && changed.is_empty() {
            return;
        }
        // Of a thread from before there was an index, all runs.
        if meta.outbox.version() == 0 && meta.last_run > 0 {
            meta.outbox.add(1, meta.last_run);
        }
        meta.outbox.change(now);
        for number in changed {
            meta.outbox.add(number, number);
            if let Some(under_way) = &mut deliveries.under_way {
                under_way.runs.remove(&number);
            }
        }
        if !is_shown {
            deliveries.thread = Some((meta.about.clone(), status, meta.updated_at));
        }
        work.batch.has_thread = true;
    }

    /// The next delivery, if there is one to be begun.
    pub(super) fn next_delivery(&mut self, now: Millis) -> Effects<Self> {
        if self.deliveries.under_way.is_some() || self.deliveries.again_at.is_some() {
            return Vec::new();
        }
        let Some(outbox) = self.outbox().filter(|outbox| !outbox.is_delivered()) else { return Vec::new() };
        let (version, asked) = (outbox.version(), outbox.first(MAX_RUNS));
        let deliveries = &mut self.deliveries;
        deliveries.count = deliveries.count.wrapping_add(1);
        let (nth, runs) = (deliveries.count, asked.iter().copied().collect());
        deliveries.under_way = Some(UnderWay { nth, since: now, version, runs, asked });
        let what = Effect::Deliver { nth };
        vec![machine::Effect { id: what.id(), what }]
    }

    /// A delivery has ended.
    pub(super) fn delivery_ended(&mut self, nth: u32, outcome: &Outcome, now: Millis) {
        let is_it = |under_way: &mut UnderWay| under_way.nth == nth;
        let Some(under_way) = self.deliveries.under_way.take_if(is_it) else { return };
        let Some(outbox) = self.outbox() else { return };
        if matches!(outcome, Outcome::Undelivered) {
            let pause = outbox.pause(now);
            self.deliveries.again_at = Some(now.plus(pause));
            return;
        }
        outbox.confirm(under_way.version, &under_way.runs);
        self.deliveries.confirmed_at = Some(now);
    }

    /// What the delivery under way says, and to which account's index; `None` where there is none.
    ///
    /// # Errors
    /// [`Error`].
    pub fn delivery(&self, sql: &impl Sql) -> Result<Option<(AccountId, Delivery)>, Error> {
        let Some(UnderWay { asked, .. }) = &self.deliveries.under_way else { return Ok(None) };
        let of = |thread: ThreadKey, outbox: &Outbox, delivered| Delivery {
            thread,
            version: outbox.version(),
            delivered,
        };
        let Some(meta) = &self.meta else {
            return Ok(self.gone.as_ref().map(|gone| (gone.account, of(gone.key, &gone.outbox, None))));
        };
        let mut runs = Vec::with_capacity(asked.len());
        for number in asked {
            let Some(kept) = self.kept(sql, *number)? else { continue };
            let view = RunView::of(&kept.run, meta.run(*number), None);
            runs.push(Entry::of_run(&view, meta.about.user.as_deref()));
        }
        let delivered = Delivered {
            user: meta.about.user.clone(),
            labels: meta.about.labels.clone(),
            thread: Entry::of_thread(&self.thread_view(meta)),
            runs,
        };
        Ok(Some((meta.account, of(meta.key, &meta.outbox, Some(delivered)))))
    }
}
