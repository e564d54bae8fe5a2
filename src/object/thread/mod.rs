//! A thread's object: its transcript, its runs, and what their watchers see.
//!
//! | file | what it is |
//! |---|---|
//! | [`kept`], [`batch`] | the rows, and what is to be written of them |
//! | [`commands`] | what each command decides |
//! | [`deletion`], [`removal`] | how a thread goes, and one item of it |
//! | [`events`] | what watchers read of what has happened |
//! | [`export`] | what an export reads, page by page |
//! | [`deliveries`] | what goes to the account's index |
//! | [`fork`], [`copying`] | itself as a copy of another thread, and what it keeps until it is whole |
//! | [`inputs`] | what a waiting run is given |
//! | [`once`] | requests that count once |
//! | [`unsettled`], [`settling`] | what goes to the account's ledger |
//! | [`sending`] | one thing at a time on its way to another object |
//! | [`tokens`] | what holders of the thread's tokens may |
//! | [`start`], [`open_calls`] | how a run is started where others are at work, and behind calls that wait for outputs |
//! | [`saying`] | what is said, as items |
//! | [`runs`] | how runs begin, go on and end here |
//! | [`writing`] | one write |
//! | [`family`] | what runs and their children say to each other |
//! | [`voices`] | who speaks in the runs of others |
//! | [`window`] | what the model is sent of the transcript |
//! | [`compaction`] | what becomes of a transcript that is too long |
//! | [`noting`] | what runs did, for their journals |
//! | [`restored`] | what is put right after a restore from a backup |
//! | [`reading`] | what is read after a write: for clients, and for whoever performs an effect |
//!
//! [`crate::domain::run`] decides what a run does; this writes it down in order, numbers its events, and lets one run at a
//! time be at work.

mod batch;
mod clearing;
mod commands;
mod compaction;
mod copying;
mod deletion;
mod deliveries;
mod events;
mod export;
mod family;
mod fork;
mod inputs;
mod kept;
mod noting;
mod once;
mod open_calls;
mod reading;
mod removal;
mod restored;
mod runs;
mod saying;
mod sending;
mod settling;
mod start;
mod tokens;
mod unsettled;
mod voices;
mod window;
mod writing;

use std::collections::BTreeMap;

pub use reading::Query;

use super::machine::{self, Decision, Durability, Effects, Machine, Moment, Resumption};
use super::sql::{Error, Sql};
use super::store::scrub::Footprint;
use super::store::steps::Step;
use super::store::thread as store;
use crate::domain::run::event::Numbered;
use crate::domain::thread::command::{Answer, Command, VERSION};
use crate::domain::thread::effect::{Effect, Outcome, Progress};
use crate::domain::thread::once::KEEP_MS;
use crate::domain::time::Millis;
use batch::Batch;
use commands::{after, at_once};
use copying::Copying;
use deliveries::Deliveries;
use family::Errand;
use kept::{Gone, Kept, Meta, Row};
use sending::Sending;
use settling::Settling;
use voices::Speech;

/// How often an object whose runs are at work is looked after, in case it was put out of memory.
const BEAT_MS: i64 = 25_000;
/// How long events are kept.
const KEEP_EVENTS_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
/// How long the watchers of a run find its end in a thread that is not there any more.
const LINGER_MS: i64 = 10_000;
/// Pieces of a text that gather to this are written at once.
const MAX_UNWRITTEN: usize = 4 * 1_024;

/// The machine of one thread.
#[derive(Debug)]
pub struct Thread {
    /// `None`: there is none, or it was deleted.
    meta: Option<Meta>,
    /// Of a deleted thread of this name, the number of its last run.
    last_run: u32,
    /// Of a deleted thread of this name, the floor under which its tokens lie.
    floor: u32,
    /// Such a thread, as far as the account's index must learn of it.
    gone: Option<Gone>,
    /// The copy that this is becoming.
    copying: Option<Box<Copying>>,
    deliveries: Deliveries,
    settling: Sending<Settling>,
    /// Since when holders of tokens are counted, and how much they have added since.
    by_tokens: (Millis, u32),
    work: Work,
}

/// What a thread is at.
#[derive(Debug)]
struct Work {
    /// Runs that are not over.
    open: BTreeMap<u32, Kept>,
    next_item: u64,
    next_position: u64,
    /// When the oldest events were written that can be forgotten.
    oldest: Option<Millis>,
    /// When the oldest key came that is remembered.
    oldest_key: Option<Millis>,
    /// The last time that the object was looked after.
    beat: Millis,
    batch: Batch,
    /// Events that watchers have not seen.
    unseen: Vec<Numbered>,
    /// What somebody is saying in somebody else's run.
    speech: Option<Speech>,
    /// Bytes of what models said that are not written.
    unwritten: usize,
    /// Effects that other threads' objects have not answered.
    errands: BTreeMap<String, Errand>,
    /// At the start: effects that runs wait for, and of which no row has come.
    orphans: BTreeMap<String, Effect>,
}

impl Thread {
    /// Whether there is a thread, and not only the memory of one.
    pub const fn is_there(&self) -> bool {
        self.meta.is_some()
    }
}

impl Machine for Thread {
    type Command = Command;
    type Answer = Answer;
    type Query = Query;
    type Effect = Effect;
    type Outcome = Outcome;
    type Progress = Progress;
    type Event = Numbered;

    const VERSION: u32 = VERSION;
    const STEPS: &'static [Step] = store::STEPS;
    /// What a model says: watchers have it at once, and a crash takes it back with the step.
    const GATHER_MS: u64 = 500;
    const QUIET_MS: u64 = 0;
    const KEEPS_PEOPLE: bool = true;

    fn restored(sql: &impl Sql, _: bool, now: Millis) -> Result<(), Error> {
        restored::deliver_again(sql, now)
    }

    fn load(sql: &impl Sql, now: Millis) -> Result<Self, Error> {
        let (meta, last_run, floor, gone, copying) = match store::thread(sql)? {
            None => (None, 0, 0, None, None),
            Some(Row::Deleted { last_run, floor, gone, copying }) => (None, last_run, floor, gone, copying),
            Some(Row::There(meta)) => (Some(*meta), 0, 0, None, None),
        };
        let mut open = BTreeMap::new();
        let mut next_position = store::last_event(sql)? + 1;
        for number in meta.iter().flat_map(|meta| &meta.open) {
            let missing = || Error::Decode(format!("run {number} is not there"));
            let mut kept: Kept = store::run(sql, *number)?.ok_or_else(missing)?;
            if runs::is_asking(&kept.run) {
                kept.last_seq = store::last_seq(sql, *number)?.max(kept.seqs.next.checked_sub(1));
                next_position = next_position.max(kept.seqs.reserved_position + 1);
            }
            open.insert(*number, kept);
        }
        let orphans = open.values().flat_map(runs::awaited).map(|effect| (effect.id(), effect)).collect();
        let work = Work {
            open,
            next_item: store::last_item(sql)? + 1,
            next_position,
            oldest: store::oldest_event(sql)?,
            oldest_key: store::oldest_key(sql)?,
            beat: now,
            batch: Batch::default(),
            unseen: Vec::new(),
            speech: None,
            unwritten: 0,
            errands: BTreeMap::new(),
            orphans,
        };
        let (deliveries, settling) = (Deliveries::default(), Sending::default());
        let by_tokens = (now, 0);
        let mut thread = Self { meta, last_run, floor, gone, copying, deliveries, settling, by_tokens, work };
        let status = thread.status();
        let is_listed = |meta: &&Meta| meta.outbox.version() > 0;
        let shown = thread.meta.as_ref().filter(is_listed);
        let shown = shown.map(|meta| (meta.about.clone(), status, meta.updated_at));
        thread.deliveries = Deliveries::load(shown, &thread.work);
        Ok(thread)
    }

    fn inherit(&mut self, fallen: Self) {
        self.deliveries.sending.inherit(&fallen.deliveries.sending);
        self.settling.inherit(&fallen.settling);
        self.by_tokens = fallen.by_tokens;
        self.work.take_over(fallen.work);
    }

    fn absent(command: &Command) -> Option<Answer> {
        match command {
            Command::Create(_) | Command::Fork(_) | Command::Abandon(_) => None,
            Command::Start(start) if start.may_make => None,
            Command::Once(_, command) | Command::ByToken(_, command) => Self::absent(command),
            Command::Wake => Some(Answer::Woken),
            _ => Some(Answer::NotFound),
        }
    }

    fn decide(
        &mut self,
        sql: &impl Sql,
        command: Command,
        moment: &mut Moment<'_>,
    ) -> Result<Decision<Self>, Error> {
        self.command(sql, command, moment)
    }

    fn read(&self, sql: &impl Sql, query: Query, _: &mut Vec<String>) -> Result<Answer, Error> {
        self.query(sql, query)
    }

    fn wake(&mut self, moment: &mut Moment<'_>) -> Effects<Self> {
        let now = moment.now;
        self.forget_keys(now);
        self.drop_copy(now);
        let mut effects = self.expire(now.plus(-LINGER_MS), now);
        let work = &mut self.work;
        work.beat = now;
        self.deliveries.sending.wake(now);
        self.settling.wake(now);
        work.batch.has_thread |= self.deliveries.sending.must_save() || self.settling.must_save();
        let before = now.plus(-KEEP_EVENTS_MS);
        if work.open.is_empty() && work.oldest.is_some_and(|oldest| oldest < before) {
            work.batch.forget_before = Some(before);
        }
        if let Some(meta) = &mut self.meta {
            effects.extend(work.pass_time(meta, now));
            effects.extend(work.begin_next(meta, now));
        }
        effects
    }

    fn wake_at(&self) -> Option<Millis> {
        let Work { open, oldest, oldest_key, beat, errands, .. } = &self.work;
        let due = open.values().filter_map(|kept| kept.run.wake_at()).min();
        let is_on_errands = errands.values().any(|errand| errand.again_at().is_none());
        let ask_again = errands.values().filter_map(Errand::again_at).min();
        let is_at_work = is_on_errands || open.values().any(|kept| runs::is_at_work(&kept.run));
        let beat = is_at_work.then(|| beat.plus(BEAT_MS));
        let forget = oldest.filter(|_| open.is_empty()).map(|oldest| oldest.plus(KEEP_EVENTS_MS + 60_000));
        let forget_keys = oldest_key.map(|oldest| oldest.plus(KEEP_MS));
        let is_idle = beat.is_none() && errands.is_empty();
        let expires_at = self.meta.as_ref().filter(|_| is_idle).and_then(Meta::expires_at);
        let expires_at = expires_at.map(|at| at.plus(LINGER_MS));
        let copy = self.copying.as_ref().map(|copying| copying.expires_at());
        [
            due,
            beat,
            ask_again,
            forget,
            forget_keys,
            expires_at,
            copy,
            self.deliveries.sending.wake_at(),
            self.settling.wake_at(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn ended(
        &mut self,
        effect: &machine::Effect<Effect>,
        mut outcome: Outcome,
        moment: &mut Moment<'_>,
    ) -> Effects<Self> {
        match effect.what {
            Effect::Deliver { nth } => {
                self.delivery_ended(nth, &outcome, moment.now);
                return Vec::new();
            }
            Effect::Settle { nth } => {
                self.settlement_ended(nth, &outcome, moment.now);
                return Vec::new();
            }
            Effect::Model { run, .. } | Effect::Compact { run, .. } => {
                if let Some(record) = outcome.take_settlement() {
                    self.keep_settlement(run, *record);
                }
            }
            _ => {}
        }
        self.work.errands.remove(&effect.id);
        let ended = self.meta.as_mut().map(|meta| self.work.ended(meta, &effect.what, outcome, moment.now));
        ended.unwrap_or_default()
    }

    fn puts_off(&mut self, effect: &String, outcome: &Outcome, now: Millis) -> bool {
        let errand = self.work.errands.get_mut(effect).filter(|_| matches!(outcome, Outcome::Undelivered));
        errand.map(|errand| errand.put_off(now)).is_some()
    }

    fn again(&mut self, now: Millis) -> Vec<String> {
        let due = self.work.errands.iter_mut().filter_map(|(id, errand)| errand.is_due(now).then_some(id));
        due.cloned().collect()
    }

    fn wants(&self, effect: &Effect) -> bool {
        match effect {
            Effect::Model { run, .. } | Effect::Compact { run, .. } => self.work.open.contains_key(run),
            _ => true,
        }
    }

    fn progress(&mut self, effect: &Effect, progress: Progress, _: &mut Moment<'_>) -> Durability {
        self.meta.as_ref().map_or(Durability::Soon, |meta| self.work.progressed(meta, effect, progress))
    }

    fn owed(&mut self, now: Millis) -> Effects<Self> {
        let mut owed = self.next_delivery(now);
        owed.extend(self.next_settlement(now));
        owed
    }

    fn take_events(&mut self) -> Vec<Numbered> {
        std::mem::take(&mut self.work.unseen)
    }

    fn resumed(&mut self, effect: &machine::Effect<Effect>, moment: &mut Moment<'_>) -> Resumption<Effect> {
        if effect.what.is_errand() {
            self.work.note_errand(effect);
            return Resumption::Again;
        }
        self.work.orphans.remove(&effect.id);
        let resumed = self.meta.as_mut().map(|meta| self.work.resumed(meta, &effect.what, moment.now));
        resumed.unwrap_or(Resumption::Ended(Vec::new()))
    }

    fn goes_on(&mut self, effect: &machine::Effect<Effect>) {
        self.work.orphans.remove(&effect.id);
        self.work.note_errand(effect);
    }

    fn orphaned(&mut self, moment: &mut Moment<'_>) -> Effects<Self> {
        let Some(meta) = &mut self.meta else { return Vec::new() };
        let orphans = std::mem::take(&mut self.work.orphans);
        let resumed = orphans.values().map(|effect| self.work.resumed(meta, effect, moment.now));
        let ended = resumed.filter_map(|resumed| match resumed {
            Resumption::Ended(effects) => Some(effects),
            Resumption::Again => None,
        });
        ended.flatten().collect()
    }

    fn is_dirty(&self) -> bool {
        !self.work.batch.is_empty() || self.is_to_be_scrubbed()
    }

    fn is_void(&self) -> bool {
        self.is_forgotten()
    }

    fn has_reserve(&self) -> bool {
        false
    }

    fn write(&mut self, sql: &impl Sql, footprint: &mut Footprint, now: Millis) -> Result<(), Error> {
        self.note_changes(now);
        let mut batch = std::mem::take(&mut self.work.batch);
        let written =
            self.write_batch(&mut batch, sql, now).and_then(|()| self.scrub(&batch, sql, footprint));
        if written.is_err() {
            // For its heir.
            self.work.batch = batch;
        }
        written
    }
}
