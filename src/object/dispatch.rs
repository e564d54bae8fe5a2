//! An account's dispatch object: the index of its threads and runs.
//!
//! Threads deliver what they are, under a version that grows ([`crate::domain::dispatch`]); the row of each thread has the
//! highest that came, and what comes below it is passed over. A deleted thread leaves its row behind for a week, longer than
//! anything is on its way, so that nothing late revives it. Not here: what is true of a thread. Its own object knows.

mod claims;

use std::collections::BTreeSet;

use super::machine::{self, Answered, Decision, Durability, Effects, Machine, Moment, Never, Resumption};
use super::sql::{Error, Sql};
use super::store::dispatch::{self as store, Is, Row, THREAD_DIGITS};
use super::store::steps::Step;
use crate::domain::dispatch::claim::Kept;
use crate::domain::dispatch::command::{
    Answer, Command, Delivered, Delivery, List, Listed, Position, USUAL_LAG_MS, VERSION,
};
use crate::domain::thread::id::{RunId, ThreadKey};
use crate::domain::time::Millis;
use claims::Claims;

/// How long a deleted thread is known.
const KEEP_GONE_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
/// How long a thread may take over its time before its alarm is taken for lost.
const OVERDUE_MS: i64 = 2 * 60 * 1_000;
/// How many runs of a deleted thread are removed at once.
const REMOVED_AT_ONCE: u32 = 500;
/// How many entries are looked at for a page, and how many at once.
const MAX_SCANNED: u32 = 2_000;
const SCANNED_AT_ONCE: u32 = 200;
/// How long what came late says that more may: the longest pause of a thread that tries again, twice.
const LATE_MS: i64 = 120_000;
/// The most threads that are named at once.
const MAX_THREADS: u32 = 1_000;

/// The machine of one account's index.
#[derive(Debug)]
pub struct Dispatch {
    /// To be written, in order.
    batch: Vec<Write>,
    /// Deleted threads whose runs are still to be removed, as the index names them.
    leaving: BTreeSet<String>,
    /// When the first of the deleted threads was deleted that are still known.
    oldest_gone: Option<Millis>,
    /// When something came late, and how late in milliseconds.
    late: Option<(Millis, u64)>,
    claims: Claims,
}

#[derive(Debug)]
enum Write {
    /// A hidden run that is over.
    Drop(String),
    Put {
        before: Option<Box<Row>>,
        row: Box<Row>,
    },
    /// Runs of a thread, all or some.
    Empty {
        thread: String,
        is_whole: bool,
    },
    /// Threads that are asked to wake.
    Postpone {
        threads: Vec<String>,
    },
    /// Threads that were deleted before this moment are forgotten.
    Forget {
        before: Millis,
    },
}

impl Dispatch {
    fn deliver(&mut self, sql: &impl Sql, delivery: Delivery, now: Millis) -> Result<(), Error> {
        let Delivery { thread, version, delivered } = delivery;
        let id = name(thread);
        let before = store::row(sql, &id)?;
        if before.as_ref().is_some_and(|before| before.version > version) {
            return Ok(());
        }
        let count = self.batch.len();
        match delivered {
            None => self.remove(before, id, version, now),
            Some(delivered) if delivered.is_hidden => self.put_hidden(sql, thread, &delivered)?,
            Some(delivered) => self.put_all(sql, thread, version, before, &delivered)?,
        }
        if self.batch.len() > count {
            self.note_lag(version, now);
        }
        Ok(())
    }

    fn remove(&mut self, before: Option<Row>, thread: String, version: u64, now: Millis) {
        if let Some(Row { is: Is::Gone { is_leaving }, created_at, .. }) = before {
            // Perhaps of another thread of this name, of which nothing came.
            return self.put(before, Row::gone(thread, version, created_at, is_leaving));
        }
        self.leaving.insert(thread.clone());
        self.put(before, Row::gone(thread.clone(), version, now, true));
        self.batch.push(Write::Empty { thread, is_whole: false });
    }

    fn put_all(
        &mut self,
        sql: &impl Sql,
        thread: ThreadKey,
        version: u64,
        before: Option<Row>,
        delivered: &Delivered,
    ) -> Result<(), Error> {
        let Delivered { user, labels, due_at, bytes, thread: entry, runs, .. } = delivered;
        let id = name(thread);
        // Another thread of the same name: what the first has left goes.
        let is_another = before.as_ref().is_some_and(|before| before.created_at != entry.created_at);
        if is_another {
            self.leaving.remove(&id);
            self.batch.push(Write::Empty { thread: id.clone(), is_whole: true });
        }
        let row = Row::of(id, Is::Thread, version, entry, user.as_ref(), labels);
        let known = before.as_ref().filter(|_| !is_another).map_or(0, |before| before.bytes);
        self.put(before, Row { due_at: *due_at, bytes: bytes.unwrap_or(known), ..row });
        for entry in runs {
            let Some(number) = entry.run else { continue };
            let id = RunId { thread, number }.to_string();
            let before = if is_another { None } else { store::row(sql, &id)? };
            self.put(before, Row::of(id, Is::Run, 0, entry, user.as_ref(), labels));
        }
        Ok(())
    }

    /// Runs of a thread that is made for one call are known while they are not over.
    fn put_hidden(&mut self, sql: &impl Sql, thread: ThreadKey, delivered: &Delivered) -> Result<(), Error> {
        for entry in &delivered.runs {
            let Some(number) = entry.run else { continue };
            let id = RunId { thread, number }.to_string();
            let before = store::row(sql, &id)?;
            let is_over =
                matches!(entry.status.as_str(), "completed" | "incomplete" | "failed" | "cancelled");
            if is_over {
                self.claims.saw_end(before.as_ref(), &id);
                self.batch.push(Write::Drop(id));
            } else {
                self.put(
                    before,
                    Row { shown: String::new(), ..Row::of(id, Is::Hidden, 0, entry, None, &[]) },
                );
            }
        }
        Ok(())
    }

    fn put(&mut self, before: Option<Row>, row: Row) {
        if before.as_ref() != Some(&row) {
            self.claims.saw(before.as_ref(), &row);
            self.batch.push(Write::Put { before: before.map(Box::new), row: Box::new(row) });
        }
    }

    /// The version of a thread is about the moment of its change.
    fn note_lag(&mut self, version: u64, now: Millis) {
        let lag = now.0.max(0).cast_unsigned().saturating_sub(version);
        if lag > USUAL_LAG_MS && lag >= self.lag(now) {
            self.late = Some((now, lag));
        }
    }

    fn lag(&self, now: Millis) -> u64 {
        let late = self.late.filter(|(at, _)| now.0 <= at.0 + LATE_MS);
        late.map_or(USUAL_LAG_MS, |(_, lag)| lag)
    }

    fn list(&self, sql: &impl Sql, list: &List, now: Millis) -> Result<Listed, Error> {
        let mut listed = Listed { entries: Vec::new(), next: None, lag_ms: self.lag(now) };
        let (mut after, mut scanned) = (list.after.clone(), 0);
        while scanned < MAX_SCANNED {
            let found = store::page(sql, list, &after, SCANNED_AT_ONCE)?;
            let is_last = found.len() < SCANNED_AT_ONCE as usize;
            scanned += SCANNED_AT_ONCE;
            for one in found {
                let fits = one.fits && !self.is_leaving(&one.position);
                if fits && listed.entries.len() >= list.limit as usize {
                    listed.next = Some(after);
                    return Ok(listed);
                }
                after = one.position;
                if fits {
                    listed.entries.push(one.shown);
                }
            }
            if is_last {
                return Ok(listed);
            }
        }
        listed.next = Some(after);
        Ok(listed)
    }

    /// The threads whose alarms seem to be lost. Each of them has the same time once more from now on.
    fn overdue(&mut self, sql: &impl Sql, most: u32, now: Millis) -> Result<Vec<ThreadKey>, Error> {
        let threads = store::overdue(sql, now.plus(-OVERDUE_MS), most)?;
        let keys = threads.iter().filter_map(|id| ThreadKey::parse(id)).collect();
        if !threads.is_empty() {
            self.batch.push(Write::Postpone { threads });
        }
        Ok(keys)
    }

    fn is_leaving(&self, position: &Position) -> bool {
        let thread = position.id.get(..THREAD_DIGITS);
        !self.leaving.is_empty() && thread.is_some_and(|thread| self.leaving.contains(thread))
    }
}

/// As the index names a thread: before all its runs.
fn name(thread: ThreadKey) -> String {
    let mut name = RunId { thread, number: 0 }.to_string();
    name.truncate(THREAD_DIGITS);
    name
}

impl Machine for Dispatch {
    type Command = Command;
    type Answer = Answer;
    type Query = List;
    type Effect = Never;
    type Outcome = Never;
    type Progress = Never;
    type Event = Never;

    const VERSION: u32 = VERSION;
    const STEPS: &'static [Step] = store::STEPS;
    const GATHER_MS: u64 = 200;
    const QUIET_MS: u64 = 0;

    fn load(sql: &impl Sql, _: Millis) -> Result<Self, Error> {
        let leaving = store::leaving(sql)?.into_iter().collect();
        let (oldest_gone, claims) = (store::oldest_gone(sql)?, Claims::load(sql)?);
        Ok(Self { batch: Vec::new(), leaving, oldest_gone, late: None, claims })
    }

    fn inherit(&mut self, fallen: Self) {
        self.late = fallen.late;
    }

    fn absent(command: &Command) -> Option<Answer> {
        match command {
            Command::Deliver(_) | Command::Claim(_) => None,
            Command::Settle(..) => Some(Answer::Settled),
            Command::Kept => Some(Answer::Kept(Kept::default())),
            Command::Wake => Some(Answer::Woken),
            Command::Overdue(_) => Some(Answer::Overdue(Vec::new())),
            Command::Threads(..) => Some(Answer::Threads(Vec::new())),
            Command::List(_) => {
                Some(Answer::Listed(Listed { entries: Vec::new(), next: None, lag_ms: USUAL_LAG_MS }))
            }
        }
    }

    fn decide(
        &mut self,
        sql: &impl Sql,
        command: Command,
        moment: &mut Moment<'_>,
    ) -> Result<Decision<Self>, Error> {
        let (answer, durability) = match command {
            Command::Deliver(delivery) => {
                self.deliver(sql, delivery, moment.now)?;
                (Answer::Delivered, Durability::Now)
            }
            Command::List(list) => (Answer::Listed(self.list(sql, &list, moment.now)?), Durability::Soon),
            Command::Claim(claim) => {
                let full = self.claims.claim(sql, claim, moment.now)?;
                (full.map_or(Answer::Claimed, |(which, most)| Answer::Full(which, most)), Durability::Now)
            }
            Command::Settle(id, run) => {
                self.claims.settle(sql, &id, run)?;
                (Answer::Settled, Durability::Now)
            }
            Command::Kept => (Answer::Kept(self.claims.kept(sql)?), Durability::Soon),
            Command::Threads(after, most) => {
                let after = after.map(name).unwrap_or_default();
                let threads = store::threads_behind(sql, after, most.min(MAX_THREADS))?;
                let keys = threads.iter().filter_map(|id| ThreadKey::parse(id)).collect();
                (Answer::Threads(keys), Durability::Soon)
            }
            Command::Wake => {
                self.wake(moment);
                (Answer::Woken, Durability::Now)
            }
            Command::Overdue(most) => {
                self.wake(moment);
                (Answer::Overdue(self.overdue(sql, most, moment.now)?), Durability::Now)
            }
        };
        Ok(Decision { answer: Answered::Ready(answer), durability, effects: Vec::new() })
    }

    fn read(&self, _: &impl Sql, _: List, _: &mut Vec<String>) -> Result<Answer, Error> {
        Ok(Answer::Woken)
    }

    fn wake(&mut self, moment: &mut Moment<'_>) -> Effects<Self> {
        self.claims.wake(moment.now);
        if let Some(thread) = self.leaving.first() {
            self.batch.push(Write::Empty { thread: thread.clone(), is_whole: false });
        }
        let before = moment.now.plus(-KEEP_GONE_MS);
        if self.oldest_gone.is_some_and(|oldest| oldest < before) {
            self.batch.push(Write::Forget { before });
        }
        Vec::new()
    }

    fn wake_at(&self) -> Option<Millis> {
        let leaving = (!self.leaving.is_empty()).then_some(Millis(0));
        let forget = self.oldest_gone.map(|oldest| oldest.plus(KEEP_GONE_MS + 60_000));
        [leaving, forget, self.claims.wake_at()].into_iter().flatten().min()
    }

    fn ended(&mut self, effect: &machine::Effect<Never>, _: Never, _: &mut Moment<'_>) -> Effects<Self> {
        match effect.what {}
    }

    fn progress(&mut self, effect: &Never, _: Never, _: &mut Moment<'_>) -> Durability {
        match *effect {}
    }

    fn take_events(&mut self) -> Vec<Never> {
        Vec::new()
    }

    fn resumed(&mut self, effect: &machine::Effect<Never>, _: &mut Moment<'_>) -> Resumption<Never> {
        match effect.what {}
    }

    fn is_dirty(&self) -> bool {
        !self.batch.is_empty() || self.claims.is_dirty()
    }

    fn has_reserve(&self) -> bool {
        false
    }

    fn write(&mut self, sql: &impl Sql, now: Millis) -> Result<(), Error> {
        let is_removal =
            |write: &Write| !matches!(write, Write::Put { .. } | Write::Postpone { .. } | Write::Drop(_));
        let has_removed = self.batch.iter().any(is_removal);
        for write in std::mem::take(&mut self.batch) {
            match write {
                Write::Drop(id) => store::delete(sql, &id)?,
                Write::Put { before, row } => store::put(sql, before.as_deref(), &row)?,
                Write::Postpone { threads } => {
                    threads.iter().try_for_each(|thread| store::postpone(sql, thread, now))?;
                }
                Write::Forget { before } => store::forget(sql, before)?,
                Write::Empty { thread, is_whole: true } => {
                    while store::empty(sql, &thread, REMOVED_AT_ONCE)? {}
                }
                Write::Empty { thread, is_whole: false } => {
                    if !store::empty(sql, &thread, REMOVED_AT_ONCE)? {
                        let left = store::row(sql, &thread)?;
                        let version = left.as_ref().map_or(0, |row| row.version);
                        store::put(sql, left.as_ref(), &Row::gone(thread.clone(), version, now, false))?;
                        self.leaving.remove(&thread);
                    }
                }
            }
        }
        if has_removed {
            self.oldest_gone = store::oldest_gone(sql)?;
            self.claims.recount();
        }
        self.claims.write(sql)
    }
}
