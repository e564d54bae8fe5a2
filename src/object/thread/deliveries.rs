//! What goes to the account's index: what lists show of the thread and its runs, whenever that changes.
//!
//! Before each write this compares what lists show with what they were last to be shown, whoever changed it, and notes the
//! difference in the outbox, which is written with it. One delivery is under way at a time. A run never waits for one.

use std::collections::{BTreeMap, BTreeSet};

use super::kept::{Kept, Meta};
use super::sending::Sending;
use super::{BEAT_MS, Thread, Work};
use crate::domain::dispatch::command::{Delivered, Delivery, Hidden, MAX_RUNS};
use crate::domain::dispatch::entry::Entry;
use crate::domain::ids::AccountId;
use crate::domain::run::state::Status;
use crate::domain::run::terms::Priority;
use crate::domain::thread::about::About;
use crate::domain::thread::effect::{Effect, Outcome};
use crate::domain::thread::id::ThreadKey;
use crate::domain::thread::outbox::Outbox;
use crate::domain::thread::view::{RunView, ThreadStatus};
use crate::domain::thread::voice::Voice;
use crate::domain::time::Millis;
use crate::object::machine::{self, Effects};
use crate::object::sql::{Error, Sql};
use crate::object::store::thread as store;

/// How long the index knows of a thread that it is there, once it was told: see `KEPT_MS` there.
const TOLD_MS: u64 = 60 * 60 * 1_000;

/// Whether a thread that is made for one call is found by its user, for as long as it is kept.
fn is_found(meta: &Meta) -> bool {
    meta.about.user.is_some() && meta.throw_away.is_some_and(|throw_away| throw_away.is_kept)
}

/// What memory knows of deliveries.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    /// What lists were last to be shown of the thread, and of its open runs.
    thread: Option<(About, ThreadStatus, Millis)>,
    runs: BTreeMap<u32, Listed>,
    /// When it was last to know that the object is awake next.
    due_at: Option<Millis>,
    pub sending: Sending<UnderWay>,
}

#[derive(Debug)]
pub(super) struct UnderWay {
    version: u64,
    /// Those of them that have not changed since.
    runs: BTreeSet<u32>,
    /// All of them.
    asked: Vec<u32>,
    /// The same of voices.
    voices: BTreeSet<u32>,
    asked_voices: Vec<u32>,
}

/// What of a run the index is told of: a change of it is one to be delivered.
type Listed = (Status, Priority, Option<u32>);

fn listed(kept: &Kept) -> Listed {
    (kept.run.status(), kept.run.terms.priority, kept.waits.current())
}

/// When the object of a thread is awake next: at work it is looked after all the time.
fn due_at(status: ThreadStatus, work: &Work, now: Millis) -> Option<Millis> {
    match status {
        ThreadStatus::Busy => Some(now.plus(BEAT_MS)),
        ThreadStatus::Idle | ThreadStatus::Waiting => {
            work.open.values().filter_map(|kept| kept.run.wake_at()).min()
        }
    }
}

impl Deliveries {
    /// Of a thread as the disk has it.
    pub fn load(thread: Option<(About, ThreadStatus, Millis)>, work: &Work) -> Self {
        let runs = work.open.values().map(|kept| (kept.run.number, listed(kept))).collect();
        let due_at = thread.as_ref().and_then(|(_, status, _)| due_at(*status, work, work.beat));
        Self { thread, runs, due_at, ..Self::default() }
    }

    /// The thread was deleted.
    pub fn forget(&mut self) {
        self.thread = None;
        self.runs.clear();
        self.due_at = None;
    }

    /// Whether the index looks after the thread in time: sooner than it must costs a request.
    fn covers(&self, due_at: Option<Millis>) -> bool {
        due_at.is_none_or(|due_at| self.due_at.is_some_and(|known| known <= due_at))
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
        // Lists show no thread of a single call, but its runs may count, or a person may have to be found.
        if meta.throw_away.is_some_and(|throw_away| !throw_away.is_counted) {
            let was_told = deliveries.thread.is_some()
                && now.0.max(0).cast_unsigned().saturating_sub(meta.outbox.version()) < TOLD_MS;
            if was_told || !is_found(meta) || meta.last_run == 0 {
                return;
            }
            changed.insert(meta.last_run);
        }
        for number in &work.batch.runs {
            let Some(kept) = work.open.get_mut(number) else { continue };
            kept.waits.note(&kept.run);
            if deliveries.runs.insert(*number, listed(kept)) != Some(listed(kept)) {
                changed.insert(*number);
            }
        }
        for kept in &work.batch.over {
            deliveries.runs.remove(&kept.run.number);
        }
        let due_at = due_at(status, work, now);
        let is_shown = deliveries.covers(due_at)
            && deliveries.thread.as_ref().is_some_and(|(about, shown, at)| {
                (shown, at) == (&status, &meta.updated_at) && *about == meta.about
            });
        // Nobody but keys of the account says anything in a thread of a single call.
        let is_listed = meta.throw_away.is_none();
        let hushed = work.batch.hush.iter().map(|hush| hush.voice);
        let voices: BTreeSet<u32> =
            work.batch.voices.keys().copied().chain(hushed).filter(|_| is_listed).collect();
        // What is said without a run has no end that would tell how much there is.
        let has_said = work.batch.items.iter().any(|item| item.run == 0);
        if is_shown && changed.is_empty() && voices.is_empty() && !has_said {
            return;
        }
        // Of a thread from before there was an index, all runs.
        if meta.outbox.version() == 0 && meta.last_run > 0 {
            meta.outbox.add(1, meta.last_run);
        }
        meta.outbox.change(now);
        for number in changed {
            meta.outbox.add(number, number);
            if let Some(under_way) = deliveries.sending.under_way_mut() {
                under_way.runs.remove(&number);
            }
        }
        for number in voices {
            meta.outbox.add_voices(number, number);
            if let Some(under_way) = deliveries.sending.under_way_mut() {
                under_way.voices.remove(&number);
            }
        }
        if !is_shown {
            deliveries.thread = Some((meta.about.clone(), status, meta.updated_at));
        }
        deliveries.due_at = due_at;
        work.batch.has_thread = true;
    }

    /// The next delivery, if there is one to be begun.
    pub(super) fn next_delivery(&mut self, now: Millis) -> Effects<Self> {
        if !self.deliveries.sending.is_free() {
            return Vec::new();
        }
        let Some(outbox) = self.outbox().filter(|outbox| !outbox.is_delivered()) else { return Vec::new() };
        let (version, asked, asked_voices) =
            (outbox.version(), outbox.first(MAX_RUNS), outbox.first_voices(MAX_RUNS));
        let [runs, voices] = [&asked, &asked_voices].map(|numbers| numbers.iter().copied().collect());
        let under_way = UnderWay { version, runs, asked, voices, asked_voices };
        let nth = self.deliveries.sending.begin(under_way, now);
        let what = Effect::Deliver { nth };
        vec![machine::Effect { id: what.id(), what }]
    }

    /// A delivery has ended.
    pub(super) fn delivery_ended(&mut self, nth: u32, outcome: &Outcome, now: Millis) {
        let Some(under_way) = self.deliveries.sending.end(nth) else { return };
        let Some(outbox) = self.outbox() else { return };
        if matches!(outcome, Outcome::Undelivered) {
            let pause = outbox.pause(now);
            return self.deliveries.sending.failed(now.plus(pause));
        }
        outbox.confirm(under_way.version, &under_way.runs, &under_way.voices);
        self.deliveries.sending.confirmed(now);
    }

    /// What the delivery under way says, and to which account's index; `None` where there is none.
    ///
    /// # Errors
    /// [`Error`].
    pub fn delivery(&self, sql: &impl Sql) -> Result<Option<(AccountId, Delivery)>, Error> {
        let Some(UnderWay { asked, asked_voices, .. }) = self.deliveries.sending.under_way() else {
            return Ok(None);
        };
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
            runs.push(Entry {
                webhooks: kept.run.terms.webhooks.clone(),
                wait: kept.waits.current(),
                ..Entry::of_run(&view, meta.about.user.as_deref())
            });
        }
        let mut voices = Vec::with_capacity(asked_voices.len());
        for number in asked_voices {
            let known = store::voice(sql, *number)?;
            let (user, since) = known.map_or((None, Millis(0)), |(user, since)| (Some(user), since));
            voices.push(Voice { number: *number, user, since });
        }
        let delivered = Delivered {
            user: meta.about.user.clone(),
            labels: meta.about.labels.clone(),
            due_at: self.deliveries.due_at,
            bytes: meta.bytes,
            hidden: meta
                .throw_away
                .map(|throw_away| Hidden { is_counted: throw_away.is_counted, is_kept: is_found(meta) }),
            thread: Entry::of_thread(&self.thread_view(meta)),
            runs,
            voices,
        };
        Ok(Some((meta.account, of(meta.key, &meta.outbox, Some(delivered)))))
    }
}
