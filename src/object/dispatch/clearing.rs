//! Which threads are to forget something, and what of that is under way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::domain::dispatch::effect::Effect;
use crate::domain::ids::{AccountId, ErasureId};
use crate::domain::thread::command::Clear;
use crate::domain::thread::id::ThreadKey;
use crate::domain::time::Millis;
use crate::object::machine;
use crate::object::sql::{Error, Sql};
use crate::object::store::dispatch::erasures::{self as store, Running};

/// How many threads forget something at once.
const MAX_AT_ONCE: usize = 6;
/// How many of an erasure's memory has.
const AHEAD: u32 = 50;
/// How long after the request its end is looked for at the soonest: what was under way then is known by then.
const SETTLE_MS: i64 = 5_000;
/// When what failed is tried again, at first; then later and later, up to 256 times as long.
pub const AGAIN_MS: i64 = 2_000;
/// How many erasures memory has.
const MAX_RUNNING: u32 = 1_000;
/// How far apart the ends of erasures are at least: with each the whole index is written anew. And how long one of which nothing is left
/// waits for others that are under way. Both together are well below the minute in which nothing is to be left.
const APART_MS: i64 = 15_000;
const PATIENCE_MS: i64 = 20_000;
/// After this long nobody does any more what was begun.
const HANGS_MS: i64 = 60_000;

/// What is to go, and what of it is under way.
#[derive(Debug, Default)]
pub struct Clearing {
    pub running: BTreeMap<ErasureId, Going>,
    pub jobs: VecDeque<Job>,
    pub under_way: BTreeMap<u32, (Job, Millis)>,
    /// How many were begun, which names each of them.
    count: u32,
    /// Whether anybody was ever erased.
    pub has_any: bool,
    /// When erasures ended last, as far as memory knows.
    ended_at: Option<Millis>,
}

/// An erasure that is not finished.
#[derive(Debug)]
pub struct Going {
    pub user: String,
    pub requested_at: Millis,
    /// When there is something to be looked for; `None` while jobs of it are there, or a hold stops it.
    pub look_at: Option<Millis>,
    /// The memories were asked to go before everything else: nobody is to be given them any more.
    has_begun: bool,
    /// Its threads were gone when the memories went.
    pub has_forgotten: bool,
    /// Threads that could not be reached. The others come before them.
    failed: BTreeSet<String>,
    /// How often something failed, one after the other.
    pub failures: u32,
    /// Since when nothing is left of them: they end together with others.
    ready_since: Option<Millis>,
}

/// Something to be done.
#[derive(Clone, Debug)]
pub enum Job {
    Thread {
        erasure: ErasureId,
        thread: String,
    },
    Memories {
        erasure: ErasureId,
        /// Nothing of the person is at work any more that could write one.
        is_last: bool,
    },
    /// It is not known how many memories this object keeps.
    Count {
        name: String,
    },
    /// A thread that nothing has changed since then.
    Old {
        thread: String,
        since: Millis,
    },
}

impl Job {
    const fn erasure(&self) -> Option<ErasureId> {
        match self {
            Self::Thread { erasure, .. } | Self::Memories { erasure, .. } => Some(*erasure),
            Self::Old { .. } | Self::Count { .. } => None,
        }
    }
}

impl Clearing {
    pub fn load(sql: &impl Sql, now: Millis) -> Result<Self, Error> {
        // What was begun before is named otherwise, though it may still end.
        let count = u32::try_from(now.0 & i64::from(u32::MAX)).unwrap_or_default();
        let mut clearing = Self { count, has_any: store::has_any(sql)?, ..Self::default() };
        clearing.load_more(sql)?;
        Ok(clearing)
    }

    /// The first of those that are not finished; whether there are more than before.
    fn load_more(&mut self, sql: &impl Sql) -> Result<bool, Error> {
        let before = self.running.len();
        for Running { id, user, requested_at } in store::running(sql, MAX_RUNNING)? {
            if !self.running.contains_key(&id) {
                self.begin(id, user, requested_at);
            }
        }
        Ok(self.running.len() > before)
    }

    /// What has begun before a write failed may still end.
    pub fn inherit(&mut self, fallen: &Self) {
        self.count = fallen.count;
    }

    pub fn begin(&mut self, id: ErasureId, user: String, requested_at: Millis) {
        self.has_any = true;
        let going = Going {
            user,
            requested_at,
            look_at: Some(Millis(0)),
            has_begun: false,
            has_forgotten: false,
            failed: BTreeSet::new(),
            failures: 0,
            ready_since: None,
        };
        self.running.insert(id, going);
    }

    pub fn is_erasing(&self, user: &str) -> bool {
        self.running.values().any(|going| going.user == user)
    }

    /// Whether something is being erased and can be.
    fn is_busy(&self) -> bool {
        let is_at_it = |(id, going): (&ErasureId, &Going)| {
            going.ready_since.is_none()
                && going.failures == 0
                && (going.look_at.is_some() || self.has_jobs(*id))
        };
        self.running.iter().any(is_at_it)
    }

    /// When those end of which nothing is left.
    fn ends_at(&self) -> Option<Millis> {
        let since = self.running.values().filter_map(|going| going.ready_since).min()?;
        let apart = self.ended_at.map_or(since, |at| at.plus(APART_MS).max(since));
        Some(if self.is_busy() { apart.max(since.plus(PATIENCE_MS)) } else { apart })
    }

    pub fn wake_at(&self) -> Option<Millis> {
        let looks = self.running.values().filter_map(|going| going.look_at);
        looks
            .chain(self.ends_at())
            .chain(self.under_way.values().map(|(_, since)| since.plus(HANGS_MS)))
            .min()
    }

    /// Whether there is something to be looked for in the index.
    pub fn wake(&mut self, now: Millis) -> bool {
        let lost: Vec<u32> = self
            .under_way
            .iter()
            .filter(|(_, (_, since))| since.plus(HANGS_MS) <= now)
            .map(|(nth, _)| *nth)
            .collect();
        for nth in lost {
            self.failed(nth, now);
        }
        let is_due = |at: Option<Millis>| at.is_some_and(|at| at <= now);
        is_due(self.ends_at()) || self.running.values().any(|going| is_due(going.look_at))
    }

    pub fn failed(&mut self, nth: u32, now: Millis) {
        let Some((job, _)) = self.under_way.remove(&nth) else { return };
        if let Some(going) = job.erasure().and_then(|id| self.running.get_mut(&id)) {
            going.look_at = Some(now.plus(AGAIN_MS << going.failures.min(8)));
            going.failures = going.failures.saturating_add(1);
            if let Job::Thread { thread, .. } = job {
                going.failed.insert(thread);
            }
        }
    }

    /// A hold stops what is not under way. Who has spoken in which thread nobody knows here: what may go is found again.
    pub fn stop(&mut self, now: Millis) {
        self.jobs.retain(|job| matches!(job, Job::Count { .. }));
        self.look_again(now);
    }

    /// What is held is otherwise now.
    pub fn look_again(&mut self, now: Millis) {
        for going in self.running.values_mut() {
            (going.look_at, going.ready_since) = (Some(now), None);
        }
    }

    /// Objects are to be asked how many memories they keep.
    pub fn count(&mut self, names: BTreeSet<String>) {
        self.jobs.extend(names.into_iter().map(|name| Job::Count { name }));
    }

    fn has_jobs(&self, erasure: ErasureId) -> bool {
        let is_of = |job: &Job| job.erasure() == Some(erasure);
        self.jobs.iter().any(is_of) || self.under_way.values().any(|(job, _)| is_of(job))
    }

    /// Looks for what is to go, once all is written; whether something is finished now. `is_leaving`: runs of deleted threads are still
    /// to be removed, and then nothing is.
    pub fn refill(&mut self, sql: &impl Sql, now: Millis, is_leaving: bool) -> Result<bool, Error> {
        let due = |going: &Going| going.look_at.is_some_and(|at| at <= now);
        let looks: Vec<ErasureId> =
            self.running.iter().filter(|(_, going)| due(going)).map(|(id, _)| *id).collect();
        for id in looks {
            let has_jobs = self.has_jobs(id);
            let Some(going) = self.running.get_mut(&id) else { continue };
            going.look_at = None;
            if has_jobs || store::held(sql, &going.user)?.is_some() {
                continue;
            }
            if !going.has_begun {
                going.has_begun = true;
                self.jobs.push_back(Job::Memories { erasure: id, is_last: false });
                continue;
            }
            let most = AHEAD.saturating_add(u32::try_from(going.failed.len()).unwrap_or(u32::MAX));
            let mut threads = store::threads_of(sql, &going.user, going.requested_at, most)?;
            let is_empty = threads.is_empty();
            threads.retain(|thread| !going.failed.contains(thread));
            let settled = going.requested_at.plus(SETTLE_MS);
            if threads.is_empty() && !is_empty && (going.has_forgotten || now < settled) {
                // Those that failed are tried once more.
                going.failed.clear();
                going.look_at = Some(settled.max(now.plus(AGAIN_MS << going.failures.min(8))));
            } else if !threads.is_empty() {
                going.has_forgotten = false;
                let job = |thread| Job::Thread { erasure: id, thread };
                self.jobs.extend(threads.into_iter().map(job));
            } else if now < settled || is_leaving {
                going.look_at = Some(settled.max(now.plus(100)));
            } else if !going.has_forgotten {
                self.jobs.push_back(Job::Memories { erasure: id, is_last: true });
            } else if store::is_kept(sql, &going.user, going.requested_at)? {
                // It goes on when that is released.
            } else {
                going.ready_since = Some(now);
            }
        }
        let has_finished = !is_leaving && self.end(sql, now)?;
        if has_finished && self.running.len() < MAX_RUNNING as usize / 2 && self.load_more(sql)? {
            self.refill(sql, now, is_leaving)?;
        }
        Ok(has_finished)
    }

    /// Ends those of which nothing is left, when it is time; whether there were any.
    fn end(&mut self, sql: &impl Sql, now: Millis) -> Result<bool, Error> {
        if self.ends_at().is_none_or(|at| now < at) {
            return Ok(false);
        }
        let ready = self.running.iter().filter(|(_, going)| going.ready_since.is_some());
        let ready: Vec<ErasureId> = ready.map(|(id, _)| *id).collect();
        let mut has_ended = false;
        for id in ready {
            let Some(going) = self.running.get_mut(&id) else { continue };
            // Something may have come meanwhile.
            if !store::threads_of(sql, &going.user, going.requested_at, 1)?.is_empty() {
                (going.ready_since, going.look_at) = (None, Some(now));
                continue;
            }
            store::finish(sql, id, now)?;
            self.running.remove(&id);
            (self.ended_at, has_ended) = (Some(now), true);
        }
        Ok(has_ended)
    }

    /// What may be begun now.
    pub fn owed(&mut self, account: AccountId, now: Millis) -> Vec<machine::Effect<Effect>> {
        let mut effects = Vec::new();
        while self.under_way.len() < MAX_AT_ONCE {
            let Some(job) = self.jobs.pop_front() else { break };
            let nth = self.count.wrapping_add(1);
            let Some(what) = self.effect(&job, nth, account) else { continue };
            self.count = nth;
            self.under_way.insert(nth, (job, now));
            effects.push(machine::Effect { id: what.id(), what });
        }
        effects
    }

    fn effect(&self, job: &Job, nth: u32, account: AccountId) -> Option<Effect> {
        let going = job.erasure().map(|id| self.running.get(&id));
        Some(match (job, going.flatten()) {
            (Job::Thread { thread, .. }, Some(going)) => Effect::Clear {
                nth,
                account,
                thread: ThreadKey::parse(thread)?,
                clear: Clear::OfUser { user: going.user.clone(), until: going.requested_at },
            },
            (Job::Memories { .. }, Some(going)) => {
                Effect::Forget { nth, account, user: going.user.clone(), until: going.requested_at }
            }
            (Job::Old { thread, since }, _) => Effect::Clear {
                nth,
                account,
                thread: ThreadKey::parse(thread)?,
                clear: Clear::Unchanged { since: *since },
            },
            (Job::Count { name }, _) => Effect::Count { nth, account, name: name.clone() },
            (_, None) => return None,
        })
    }
}
