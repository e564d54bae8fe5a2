//! What becomes of a thread that is too long for its model: what is to be summed up of it, and what stands for that afterwards.

use super::kept::{Kept, Meta};
use super::window::{LAST, summary};
use super::{Thread, Work};
use crate::domain::message::Message;
use crate::domain::run::compaction::{Compacted, Slid};
use crate::domain::run::happening::Happened;
use crate::domain::run::state::Phase;
use crate::domain::thread::compaction::{Horizon, LAST_RESORT, Room, Used};
use crate::domain::thread::cut::Scan;
use crate::domain::thread::digest::{self, Gathering};
use crate::domain::thread::effect::{CompactionCall, Digest, Outcome};
use crate::domain::thread::id::EntryId;
use crate::domain::thread::item::{Item, Span};
use crate::domain::time::Millis;
use crate::object::machine::Effects;
use crate::object::sql::{Error, Sql};
use crate::object::store::thread::{self as store, Part};

/// Items that are read at once, and their bytes.
const PAGE: u32 = 200;
const PAGE_BYTES: u64 = 4 * 1_024 * 1_024;
/// The most bytes of the running run that are looked at.
const MAX_LOOKED: u64 = 16 * 1_024 * 1_024;

impl Thread {
    /// What is to be summed up before the next step of a run; `None` where it is not wanted any more.
    ///
    /// # Errors
    /// [`Error`].
    pub fn compaction(&self, sql: &impl Sql, number: u32, nth: u32) -> Result<Option<CompactionCall>, Error> {
        let (Some(meta), Some(kept)) = (&self.meta, self.work.open.get(&number)) else { return Ok(None) };
        let run = &kept.run;
        if run.phase != (Phase::Compact { nth }) {
            return Ok(None);
        }
        let used = kept.used.unwrap_or_default();
        let (room, horizon) = slid(sql, meta, kept, &used)?;
        let why = reason(kept, &used);
        let asks = why.is_none() && horizon.until > meta.horizon.summed;
        let digest = if asks { digest(sql, meta, horizon, &room)? } else { None };
        let is_of_run = horizon.until == meta.horizon.until;
        let of_run = is_of_run.then_some("the outputs of the run's own tools are too long");
        let why = of_run.or(why).unwrap_or("there was nothing to be summed up").to_owned();
        Ok(Some(CompactionCall {
            account: meta.account,
            run: meta.run(number),
            terms: run.terms.clone(),
            broke_off: run.trouble.broke_off.clone(),
            left: run.left(),
            slid: Slid { horizon: (horizon != meta.horizon).then_some(horizon), why },
            digest,
        }))
    }
}

/// Why no model is asked for a summary.
fn reason(kept: &Kept, used: &Used) -> Option<&'static str> {
    let compacting = &kept.run.compacting;
    if used.context.is_none() {
        Some("the context of the model is not known")
    } else if compacting.refused >= LAST_RESORT {
        Some("the provider refuses the prompt as too long")
    } else if compacting.has_given_up {
        Some("no further summary is made in this run")
    } else {
        None
    }
}

/// How far the thread is compacted, and where it stands then. Of a prompt that a provider refuses more and more goes, until something
/// does.
fn slid(sql: &impl Sql, meta: &Meta, kept: &Kept, used: &Used) -> Result<(Room, Horizon), Error> {
    let at = kept.run.terms.limits.compact_at;
    let refused = kept.run.compacting.refused;
    let mut found = (Room::of(used, at, refused), meta.horizon);
    for refused in refused..=if refused == 0 { 0 } else { LAST_RESORT } {
        let room = Room::of(used, at, refused);
        found = (room, scanned(sql, meta, kept, Scan::new(meta.horizon, room, refused, of(kept)))?);
        if refused >= LAST_RESORT {
            // A summary may be too long by itself, for the model of today.
            found.1 = Horizon { summary: None, summed: 0, ..found.1 };
        }
        if found.1 != meta.horizon {
            break;
        }
    }
    Ok(found)
}

const fn of(kept: &Kept) -> (u32, u64) {
    (kept.run.number, kept.first_item)
}

fn scanned(sql: &impl Sql, meta: &Meta, kept: &Kept, mut scan: Scan) -> Result<Horizon, Error> {
    let (mut before, mut looked) = (LAST, 0);
    'read: while before > meta.horizon.until + 1 && looked < MAX_LOOKED {
        let (items, has_more) = store::sized_items(sql, Part::Before(before), PAGE, PAGE_BYTES)?;
        for (item, bytes) in items {
            before = item.position;
            looked += bytes;
            if !scan.take(&item, bytes) {
                break 'read;
            }
        }
        if !has_more {
            break;
        }
    }
    let oldest = scan.oldest().unwrap_or(kept.first_item);
    Ok(scan.done(store::run_before(sql, oldest)?))
}

/// What a model is to sum up: what is summed up already, and as many of the further runs as it can read at once.
fn digest(sql: &impl Sql, meta: &Meta, horizon: Horizon, room: &Room) -> Result<Option<Digest>, Error> {
    let earlier = summary(sql, meta)?;
    let earlier_text = earlier.as_ref().and_then(|item| digest::summary_of(&item.message));
    let taken = earlier_text.as_ref().map_or(0, |text| text.len() as u64);
    let mut gathering = Gathering::new(room.chunk.saturating_sub(taken).max(room.chunk / 4));
    let mut behind = meta.horizon.summed;
    'read: while behind < horizon.until {
        let (items, has_more) = store::items(sql, Part::After(behind), PAGE, PAGE_BYTES)?;
        for item in items.iter().filter(|item| item.position <= horizon.until) {
            if !gathering.take(item) {
                break 'read;
            }
        }
        behind = items.last().map_or(horizon.until, |item| item.position);
        if !has_more {
            break;
        }
    }
    let Some(gathered) = gathering.done() else { return Ok(None) };
    let id = |(run, number)| EntryId { run: meta.run(run), number };
    let from = earlier.and_then(|item| item.stands_for).map_or(id(gathered.from), |span| span.from);
    let has_more = has_messages(sql, gathered.until, horizon.until)?;
    let words = room.summary_tokens * 3 / 5;
    let reached = Horizon { until: gathered.until.max(meta.horizon.until), ..meta.horizon };
    Ok(Some(Digest {
        question: digest::question(earlier_text.as_deref(), &gathered.text, words),
        max_tokens: room.summary_tokens,
        span: Span { from, to: id(gathered.to) },
        summed: gathered.until,
        horizon: if has_more { reached } else { horizon },
        has_more,
    }))
}

fn has_messages(sql: &impl Sql, behind: u64, until: u64) -> Result<bool, Error> {
    Ok(behind < until && store::messages_between(sql, behind + 1, until, 1)? > 0)
}

impl Work {
    /// What a call has used, for the next step and the next run; a run whose thread is full learns it.
    pub(super) fn note_used(
        &mut self,
        meta: &mut Meta,
        number: u32,
        used: Option<Used>,
        now: Millis,
    ) -> Effects<Thread> {
        let (Some(kept), Some(used)) = (self.open.get_mut(&number), used) else { return Vec::new() };
        kept.used = Some(used);
        match used.is_full(kept.run.terms.limits.compact_at) {
            true => self.apply(meta, number, Happened::Full, now),
            false => Vec::new(),
        }
    }

    /// A summary was asked for.
    pub(super) fn compaction_ended(
        &mut self,
        meta: &mut Meta,
        (run, nth): (u32, u32),
        outcome: Outcome,
        now: Millis,
    ) -> Effects<Thread> {
        let (journal, happened) = match outcome {
            Outcome::Compacted { compacted, cost, usage, journal, .. } => {
                (Some(journal), Happened::Compacted { compacted, cost, usage })
            }
            Outcome::NotCompacted { slid, fault, cost, journal, .. } => {
                (journal, Happened::NotCompacted { slid, fault, cost })
            }
            _ => return Vec::new(),
        };
        if let Some(journal) = journal {
            self.note_compaction(meta, (run, nth), journal, now);
        }
        self.apply(meta, run, happened, now)
    }

    /// A summary stands in the place of what it sums up.
    pub(super) fn take_summary(
        &mut self,
        meta: &mut Meta,
        (run, entry): (u32, u32),
        compacted: Compacted,
        now: Millis,
    ) {
        let Compacted { summary, span, summed, horizon, has_more, .. } = compacted;
        let position = self.next_item;
        self.next_item += 1;
        let message = Message::assistant(summary);
        self.batch.items.push(Item {
            position,
            run,
            entry,
            step: 0,
            at: now,
            message,
            stands_for: Some(span),
            by: None,
        });
        self.stand_at(meta, run, Horizon { summary: Some(position), summed, ..horizon }, !has_more);
    }

    /// What is sent of the thread begins elsewhere from now on; where that is all, what was used before says nothing any more.
    pub(super) fn stand_at(&mut self, meta: &mut Meta, run: u32, horizon: Horizon, is_all: bool) {
        if let Some(kept) = self.open.get_mut(&run) {
            kept.horizon_before.get_or_insert(meta.horizon);
            kept.used = kept.used.filter(|_| !is_all);
        }
        meta.horizon = horizon;
        self.batch.has_thread = true;
        self.batch.runs.insert(run);
    }
}
