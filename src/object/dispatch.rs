//! An account's dispatch object: the index of its threads and runs.
//!
//! Threads deliver what they are, under a version that grows ([`crate::domain::dispatch`]); the row of each thread has the
//! highest that came, and what comes below it is passed over. A deleted thread leaves its row behind for a week, longer than
//! anything is on its way, so that nothing late revives it. Not here: what is true of a thread. Its own object knows.
//!
//! | file | what it is |
//! |---|---|
//! | [`webhooks`] | who hears of what has become of runs |
//! | [`sender`] | which messages to them are sent when |
//! | [`claims`] | how much there is, and room for more |
//! | [`erasing`] | what goes: of a person, or because its time is up |
//! | [`writing`] | one write |

mod claims;
mod erasing;
mod sender;
mod webhooks;
mod writing;

use std::collections::{BTreeMap, BTreeSet};

use super::machine::{
    self, Answered, Decision, Durability, EffectId, Effects, Machine, Moment, Never, Resumption,
};
use super::sql::{Error, Sql};
use super::store::dispatch::{self as store, Is, Row, THREAD_DIGITS};
use super::store::steps::Step;
use crate::domain::dispatch::claim::Kept;
use crate::domain::dispatch::command::{
    Answer, Command, Delivered, Delivery, List, Listed, Position, USUAL_LAG_MS, VERSION,
};
use crate::domain::dispatch::effect::{Effect, Outcome, Progress};
use crate::domain::ids::AccountId;
use crate::domain::thread::id::{RunId, ThreadKey};
use crate::domain::time::Millis;
use claims::Claims;
use erasing::Clearing;
use sender::Sender;
use store::learned;
use store::notices;
use writing::{Write, expires_at};

/// How long a deleted thread is known.
const KEEP_GONE_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
/// How long a thread may take over its time before its alarm is taken for lost.
const OVERDUE_MS: i64 = 2 * 60 * 1_000;
/// How many entries are looked at for a page, and how many at once.
const MAX_SCANNED: u32 = 2_000;
const SCANNED_AT_ONCE: u32 = 200;
/// How long what came late says that more may: the longest pause of a thread that tries again, twice.
const LATE_MS: i64 = 120_000;
/// How long after an effect that was in vain it is performed again.
const AGAIN_MS: i64 = 60_000;

/// Why messages are not sent from a copy of an environment.
const OF_COPY: &str = "it was not sent from a copy of the environment that it is of";

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
    /// Whose it is, once it has learned something.
    account: Option<AccountId>,
    sender: Sender,
    clearing: Clearing,
    /// When the first of the notices is to be forgotten.
    expires_at: Option<Millis>,
    /// Effects that were in vain, and when they are performed again.
    put_off: BTreeMap<EffectId, Millis>,
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
        if let Some(delivered) = &delivered {
            self.note_late(sql, delivered, self.account)?;
        }
        match delivered {
            None => self.remove(before, id, version, now),
            Some(delivered) if delivered.is_hidden => self.put_hidden(sql, thread, &delivered)?,
            Some(delivered) => self.put_all(sql, (thread, version), before, &delivered, now)?,
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
        self.batch.push(Write::ForgetThread(thread.clone()));
        self.put(before, Row::gone(thread.clone(), version, now, true));
        self.batch.push(Write::Empty { thread, is_whole: false });
    }

    fn put_all(
        &mut self,
        sql: &impl Sql,
        (thread, version): (ThreadKey, u64),
        before: Option<Row>,
        delivered: &Delivered,
        now: Millis,
    ) -> Result<(), Error> {
        let Delivered { user, labels, due_at, bytes, thread: entry, runs, .. } = delivered;
        let id = name(thread);
        // Another thread of the same name: what the first has left goes.
        let is_another = before.as_ref().is_some_and(|before| before.created_at != entry.created_at);
        if is_another {
            self.leaving.remove(&id);
            self.batch.push(Write::ForgetThread(id.clone()));
            self.batch.push(Write::Empty { thread: id.clone(), is_whole: true });
        }
        let row = Row::of(id, Is::Thread, version, entry, user.as_ref(), labels);
        let known = before.as_ref().filter(|_| !is_another).map_or(0, |before| before.bytes);
        self.put(before, Row { due_at: *due_at, bytes: bytes.unwrap_or(known), ..row });
        for entry in runs {
            let Some(number) = entry.run else { continue };
            let run = RunId { thread, number };
            let id = run.to_string();
            let before = if is_another { None } else { store::row(sql, &id)? };
            let mut row = Row::of(id, Is::Run, 0, entry, user.as_ref(), labels);
            self.tell(run, entry, before.as_ref(), &mut row, now);
            self.put(before, row);
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
    type Effect = Effect;
    type Outcome = Outcome;
    type Progress = Progress;
    type Event = Never;

    const VERSION: u32 = VERSION;
    const STEPS: &'static [Step] = store::STEPS;
    const GATHER_MS: u64 = 200;
    const QUIET_MS: u64 = 0;

    fn restored(sql: &impl Sql, is_copy: bool, now: Millis) -> Result<(), Error> {
        if is_copy { notices::give_up(sql, OF_COPY, now) } else { Ok(()) }
    }

    fn load(sql: &impl Sql, _: Millis) -> Result<Self, Error> {
        Ok(Self {
            batch: Vec::new(),
            leaving: store::leaving(sql)?.into_iter().collect(),
            oldest_gone: store::oldest_gone(sql)?,
            late: None,
            account: learned::account(sql)?,
            sender: Sender::load(sql)?,
            clearing: Clearing::load(sql)?,
            expires_at: expires_at(sql)?,
            put_off: BTreeMap::new(),
            claims: Claims::load(sql)?,
        })
    }

    fn inherit(&mut self, fallen: Self) {
        self.late = fallen.late;
        self.sender.inherit(&fallen.sender);
        self.clearing.inherit(&fallen.clearing);
    }

    fn absent(command: &Command) -> Option<Answer> {
        match command {
            Command::Deliver(_)
            | Command::Learn(..)
            | Command::Claim(_)
            | Command::ClaimMemory(..)
            | Command::Counted(..)
            | Command::Erase(_)
            | Command::Hold(_) => None,
            Command::Erasure(_) => Some(Answer::NoSuchErasure),
            Command::Erasures(..) => Some(Answer::Erasures(Vec::new(), false)),
            Command::ShowHold(_) => Some(Answer::NotHeld),
            Command::Release(_) => Some(Answer::Released(false)),
            Command::Holds(..) => Some(Answer::Holds(Vec::new())),
            Command::MayGo(_) => Some(Answer::MayGo),
            Command::Settle(..) => Some(Answer::Settled),
            Command::Kept => Some(Answer::Kept(Kept::default())),
            Command::Place(_, is_there) => (!is_there).then_some(Answer::Placed),
            Command::Places(..) => Some(Answer::Places(Vec::new())),
            Command::Notices(_) => Some(Answer::Notices(Vec::new(), false)),
            Command::Resend(..) => Some(Answer::NoSuchNotice),
            Command::Try(_) => Some(Answer::NotEnabled),
            Command::Wake => Some(Answer::Woken),
            Command::Overdue(_) | Command::Retain(_) => Some(Answer::Overdue(Vec::new())),
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
            command @ (Command::ClaimMemory(..)
            | Command::Counted(..)
            | Command::Claim(_)
            | Command::Settle(..)
            | Command::Kept
            | Command::Threads(..)
            | Command::Place(..)
            | Command::Places(..)) => self.count(sql, command, moment.now)?,
            command @ (Command::Erase(_)
            | Command::Erasure(_)
            | Command::Erasures(..)
            | Command::Hold(_)
            | Command::Release(_)
            | Command::ShowHold(_)
            | Command::Holds(..)
            | Command::MayGo(_)) => self.erasing(sql, command, moment.now)?,
            Command::Wake => {
                self.wake(moment);
                (Answer::Woken, Durability::Now)
            }
            Command::Overdue(most) => {
                self.wake(moment);
                (Answer::Overdue(self.overdue(sql, most, moment.now)?), Durability::Now)
            }
            Command::Retain(retain) => {
                self.wake(moment);
                let overdue = self.overdue(sql, retain.overdue, moment.now)?;
                self.retain(sql, retain, moment.now)?;
                (Answer::Overdue(overdue), Durability::Now)
            }
            Command::Learn(account, things) => {
                self.learn(sql, account, things)?;
                (Answer::Learned, Durability::Now)
            }
            Command::Notices(list) => {
                let mut found = notices::page(sql, &list)?;
                let has_more = found.len() > list.limit as usize;
                found.truncate(list.limit as usize);
                (Answer::Notices(found, has_more), Durability::Soon)
            }
            Command::Resend(webhook, id) => (self.resend(sql, &webhook, id, moment.now)?, Durability::Now),
            Command::Try(trial) => (self.try_out(trial, moment.now), Durability::Now),
        };
        Ok(Decision { answer: Answered::Ready(answer), durability, effects: Vec::new() })
    }

    fn read(&self, _: &impl Sql, _: List, _: &mut Vec<String>) -> Result<Answer, Error> {
        Ok(Answer::Woken)
    }

    fn wake(&mut self, moment: &mut Moment<'_>) -> Effects<Self> {
        self.claims.wake(moment.now);
        let uncounted = self.claims.uncounted(moment.now);
        self.clearing.count(uncounted);
        if let Some(thread) = self.leaving.first() {
            self.batch.push(Write::Empty { thread: thread.clone(), is_whole: false });
        }
        let before = moment.now.plus(-KEEP_GONE_MS);
        if self.oldest_gone.is_some_and(|oldest| oldest < before) {
            self.batch.push(Write::Forget { before });
        }
        if self.expires_at.is_some_and(|at| at <= moment.now) {
            self.batch.push(Write::Expire);
        }
        self.sender.wake(moment.now);
        if self.clearing.wake(moment.now) {
            self.batch.push(Write::Look);
        }
        Vec::new()
    }

    fn wake_at(&self) -> Option<Millis> {
        let leaving = (!self.leaving.is_empty()).then_some(Millis(0));
        let forget = self.oldest_gone.map(|oldest| oldest.plus(KEEP_GONE_MS + 60_000));
        let expire = self.expires_at.map(|at| at.plus(60_000));
        let again = self.put_off.values().min().copied();
        let claims = self.claims.wake_at();
        [leaving, forget, expire, again, claims, self.sender.wake_at(), self.clearing.wake_at()]
            .into_iter()
            .flatten()
            .min()
    }

    fn ended(
        &mut self,
        effect: &machine::Effect<Effect>,
        outcome: Outcome,
        moment: &mut Moment<'_>,
    ) -> Effects<Self> {
        match &effect.what {
            Effect::Send { nth, .. } => self.sent(*nth, &outcome, moment),
            Effect::Clear { nth, .. } | Effect::Forget { nth, .. } => {
                self.cleared(*nth, &outcome, moment.now);
                Vec::new()
            }
            Effect::Count { nth, name, .. } => {
                self.recounted(*nth, name, &outcome);
                Vec::new()
            }
            Effect::Disable { .. } => Vec::new(),
        }
    }

    fn puts_off(&mut self, effect: &EffectId, outcome: &Outcome, now: Millis) -> bool {
        // What the index or an erasure says is owed again by them.
        let is_in_vain = *outcome == Outcome::Undone && !effect.starts_with("clear.");
        if is_in_vain {
            self.put_off.insert(effect.clone(), now.plus(AGAIN_MS));
        }
        is_in_vain
    }

    fn again(&mut self, now: Millis) -> Vec<EffectId> {
        let due: Vec<EffectId> =
            self.put_off.iter().filter(|(_, at)| **at <= now).map(|(id, _)| id.clone()).collect();
        self.put_off.retain(|_, at| *at > now);
        due
    }

    fn progress(&mut self, effect: &Effect, progress: Progress, _: &mut Moment<'_>) -> Durability {
        let Progress::Body(body) = progress;
        if let Effect::Send { notice, .. } = effect {
            self.batch.push(Write::Body(notice.clone(), body));
        }
        Durability::Now
    }

    fn owed(&mut self, now: Millis) -> Effects<Self> {
        let mut owed = self.sender.owed(now);
        if let Some(account) = self.account {
            owed.extend(self.clearing.owed(account, now));
        }
        owed
    }

    fn take_events(&mut self) -> Vec<Never> {
        Vec::new()
    }

    fn resumed(&mut self, _: &machine::Effect<Effect>, _: &mut Moment<'_>) -> Resumption<Effect> {
        Resumption::Again
    }

    fn is_dirty(&self) -> bool {
        !self.batch.is_empty() || self.sender.is_stale() || self.claims.is_dirty()
    }

    fn has_reserve(&self) -> bool {
        false
    }

    fn write(&mut self, sql: &impl Sql, now: Millis) -> Result<(), Error> {
        self.write_all(sql, now)
    }
}
