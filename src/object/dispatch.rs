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
//! | [`index`] | what threads deliver, and lists |
//! | [`claims`] | how much there is, and room for more |
//! | [`remembered`] | how many memories there are |
//! | [`clearing`] | which threads go, and what of them is under way |
//! | [`erasing`] | what goes: of a person, or because its time is up |
//! | [`writing`] | one write |

mod claims;
mod clearing;
mod erasing;
mod index;
mod remembered;
mod sender;
mod webhooks;
mod writing;

use std::collections::{BTreeMap, BTreeSet};

use super::machine::{
    self, Answered, Decision, Durability, EffectId, Effects, Machine, Moment, Never, Resumption,
};
use super::sql::{Error, Sql};
use super::store::dispatch as store;
use super::store::scrub::Footprint;
use super::store::steps::Step;
use crate::domain::dispatch::claim::Kept;
use crate::domain::dispatch::command::{Answer, Command, List, Listed, USUAL_LAG_MS, VERSION};
use crate::domain::dispatch::effect::{Effect, Outcome, Progress};
use crate::domain::ids::AccountId;
use crate::domain::thread::once::KEEP_MS;
use crate::domain::time::Millis;
use claims::Claims;
use clearing::Clearing;
use index::name;
use sender::Sender;
use store::learned;
use store::notices;
use writing::{Room, Write, expires_at};

/// How long a deleted thread is known.
const KEEP_GONE_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
/// How long a thread that was made for one call is known since its last change: two hours longer than it is kept, one of them
/// because it is told once an hour.
const KEPT_MS: i64 = KEEP_MS + 2 * 60 * 60 * 1_000;
/// What is said of an attempt of which nothing was heard.
const HANGS: &str = "nothing was heard of the attempt for a minute";
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
    /// The same of threads that were made for one call: when the first of them last changed.
    oldest_kept: Option<Millis>,
    /// When something came late, and how late in milliseconds.
    late: Option<(Millis, u64)>,
    claims: Claims,
    /// Whose it is, once it has learned something.
    account: Option<AccountId>,
    /// Of a copy: what ended before is the original's to tell.
    copied_at: Option<Millis>,
    /// What was erased is to be overwritten.
    is_to_scrub: bool,
    sender: Sender,
    room: Room,
    clearing: Clearing,
    /// When the first of the notices is to be forgotten.
    expires_at: Option<Millis>,
    /// Effects that were in vain, and when they are performed again.
    put_off: BTreeMap<EffectId, Millis>,
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
    const KEEPS_PEOPLE: bool = true;

    fn restored(sql: &impl Sql, is_copy: bool, now: Millis) -> Result<(), Error> {
        if is_copy {
            learned::note_copied(sql, now)?;
            notices::give_up(sql, OF_COPY, now)?;
        }
        Ok(())
    }

    fn load(sql: &impl Sql, now: Millis) -> Result<Self, Error> {
        Ok(Self {
            batch: Vec::new(),
            leaving: store::leaving(sql)?.into_iter().collect(),
            oldest_gone: store::oldest_gone(sql)?,
            oldest_kept: store::threads::oldest_kept(sql)?,
            late: None,
            account: learned::account(sql)?,
            copied_at: learned::copied_at(sql)?,
            is_to_scrub: false,
            sender: Sender::load(sql)?,
            room: Room::default(),
            clearing: Clearing::load(sql, now)?,
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
            Command::Emptied(..) => Some(Answer::Placed),
            Command::Places(..) => Some(Answer::Places(Vec::new())),
            Command::Notices(_) => Some(Answer::Notices(Vec::new(), false)),
            Command::Resend(..) => Some(Answer::NoSuchNotice),
            Command::Try(_) => Some(Answer::NotEnabled),
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
            Command::Deliver(delivery) => (self.deliver(sql, delivery, moment.now)?, Durability::Now),
            Command::List(list) => (Answer::Listed(self.list(sql, &list, moment.now)?), Durability::Soon),
            command @ (Command::ClaimMemory(..)
            | Command::Counted(..)
            | Command::Place(..)
            | Command::Emptied(..)
            | Command::Places(..)) => self.remembered(sql, command, moment.now)?,
            command @ (Command::Claim(_) | Command::Settle(..) | Command::Kept | Command::Threads(..)) => {
                self.count(sql, command, moment.now)?
            }
            command @ (Command::Erase(_)
            | Command::Erasure(_)
            | Command::Erasures(..)
            | Command::Hold(_)
            | Command::Release(_)
            | Command::ShowHold(_)
            | Command::Holds(..)
            | Command::MayGo(_)) => self.erasing(sql, command, moment.now)?,
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
        let before = moment.now.plus(-KEPT_MS);
        if self.oldest_kept.is_some_and(|oldest| oldest < before) {
            self.batch.push(Write::ForgetKept { before });
        }
        if self.expires_at.is_some_and(|at| at <= moment.now) {
            self.batch.push(Write::Expire);
        }
        // Each is an attempt in vain: it may have arrived.
        for nth in self.sender.hanging(moment.now) {
            self.sent(nth, &Outcome::Failed(HANGS.to_owned()), moment);
        }
        if self.clearing.wake(moment.now) {
            self.batch.push(Write::Look);
        }
        Vec::new()
    }

    fn wake_at(&self) -> Option<Millis> {
        let leaving = (!self.leaving.is_empty()).then_some(Millis(0));
        let forget = self.oldest_gone.map(|oldest| oldest.plus(KEEP_GONE_MS + 60_000));
        let kept = self.oldest_kept.map(|oldest| oldest.plus(KEPT_MS + 60 * 60_000));
        let expire = self.expires_at.map(|at| at.plus(60_000));
        let again = self.put_off.values().min().copied();
        let claims = self.claims.wake_at();
        [leaving, forget, kept, expire, again, claims, self.sender.wake_at(), self.clearing.wake_at()]
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

    fn write(&mut self, sql: &impl Sql, footprint: &mut Footprint, now: Millis) -> Result<(), Error> {
        self.write_all(sql, now)?;
        footprint.settle(sql, std::mem::take(&mut self.is_to_scrub))
    }
}
