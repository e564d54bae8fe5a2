//! How much there is of what a plan limits, and who has claimed room for more; see [`crate::domain::dispatch::claim`].

use std::collections::{BTreeMap, BTreeSet};

use super::writing::Write;
use super::{Dispatch, name};
use crate::domain::dispatch::claim::{Begins, Claim, Kept};
use crate::domain::dispatch::command::{Answer, Command, Delivered, Hidden};
use crate::domain::plan::{KeepLimit, MEGABYTE};
use crate::domain::run::state::Status;
use crate::domain::thread::id::{RunId, ThreadKey};
use crate::domain::time::Millis;
use crate::object::machine::Durability;
use crate::object::sql::{Error, Sql};
use crate::object::store::dispatch::claims::{self as store, Claimed, Counted};
use crate::object::store::dispatch::{self, Is, Row};

/// How long room is kept for what does not come: longer than a thread waits between two tries to tell the index.
pub(super) const CLAIM_MS: i64 = 120_000;
/// The longest that a thread lives which is made for one call.
const HIDDEN_MS: i64 = 25 * 60 * 60 * 1_000;
/// How often those are looked for that have lived longer.
const LOOK_MS: i64 = 60 * 60 * 1_000;

impl Dispatch {
    /// How much there is, what of it, and room for more.
    pub(super) fn count(
        &mut self,
        sql: &impl Sql,
        command: Command,
        now: Millis,
    ) -> Result<(Answer, Durability), Error> {
        Ok(match command {
            Command::Claim(claim) => {
                let full = self.claims.claim(sql, claim, now)?;
                (full.map_or(Answer::Claimed, |(which, most)| Answer::Full(which, most)), Durability::Now)
            }
            Command::Settle(id, run) => {
                self.claims.settle(sql, &id, run)?;
                (Answer::Settled, Durability::Now)
            }
            Command::Threads(after, most) => {
                let after = after.map(name).unwrap_or_default();
                let threads = dispatch::threads_behind(sql, after, most)?;
                let keys = threads.iter().filter_map(|id| ThreadKey::parse(id)).collect();
                (Answer::Threads(keys), Durability::Soon)
            }
            _ => (Answer::Kept(self.claims.kept(sql)?), Durability::Soon),
        })
    }

    /// Runs of a thread that is made for one call are known while they count, and while it is kept.
    pub(super) fn put_hidden(
        &mut self,
        sql: &impl Sql,
        thread: ThreadKey,
        Hidden { is_counted, is_kept }: Hidden,
        delivered: &Delivered,
        now: Millis,
    ) -> Result<(), Error> {
        for entry in &delivered.runs {
            let Some(number) = entry.run else { continue };
            let id = RunId { thread, number }.to_string();
            let before = dispatch::row(sql, &id)?;
            let is_over = Status::named(&entry.status).is_some_and(Status::is_final);
            if !is_over && is_counted && self.claims.over.contains_key(&id) {
                continue;
            }
            let is = match is_over || !is_counted {
                false => Is::Hidden,
                true if is_kept => Is::Kept,
                true => {
                    self.claims.saw_end(before.as_ref(), &id);
                    self.claims.over.insert(id.clone(), now);
                    self.batch.push(Write::Drop(id));
                    continue;
                }
            };
            let row = Row::of(id, is, 0, entry, delivered.user.as_ref(), &[]);
            let updated_at = delivered.thread.updated_at;
            self.put(before, Row { shown: String::new(), updated_at, ..row });
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
pub(super) struct Claims {
    pub(super) open: BTreeMap<String, Claimed>,
    /// To be written.
    pub(super) changed: BTreeSet<String>,
    /// `None`: it is counted when it is asked for.
    pub(super) counted: Option<Counted>,
    /// Hidden runs from before this moment are to be forgotten.
    forget_hidden: Option<Millis>,
    /// When that was looked for last.
    looked_at: Option<Millis>,
    /// Hidden runs that were over a short time ago: what comes of them late is older than their end.
    over: BTreeMap<String, Millis>,
}

impl Claims {
    pub fn load(sql: &impl Sql) -> Result<Self, Error> {
        Ok(Self { open: store::all(sql)?.into_iter().collect(), ..Self::default() })
    }

    pub fn is_dirty(&self) -> bool {
        !self.changed.is_empty() || self.forget_hidden.is_some()
    }

    pub fn write(&mut self, sql: &impl Sql) -> Result<(), Error> {
        for id in std::mem::take(&mut self.changed) {
            match self.open.get(&id) {
                Some(claimed) => store::write(sql, &id, claimed)?,
                None => store::delete(sql, &id)?,
            }
        }
        if let Some(before) = self.forget_hidden.take() {
            store::forget_hidden(sql, before)?;
            self.counted = None;
        }
        Ok(())
    }

    /// Rows were removed that nobody has counted.
    pub const fn recount(&mut self) {
        self.counted = None;
    }

    /// Runs that were not over were removed.
    pub const fn removed(&mut self, runs: u64) {
        if let Some(counted) = &mut self.counted {
            counted.runs = counted.runs.saturating_sub(runs);
        }
    }

    /// What is over for long goes.
    pub fn wake(&mut self, now: Millis) {
        self.expire(now);
        self.over.retain(|_, at| at.plus(CLAIM_MS) > now);
        let has_looked = self.looked_at.is_some_and(|at| at.plus(LOOK_MS) > now);
        if !has_looked && self.counted.is_some_and(|counted| counted.runs > 0) {
            self.looked_at = Some(now);
            self.forget_hidden = Some(now.plus(-HIDDEN_MS));
        }
    }

    /// Claims whose time is up go.
    fn expire(&mut self, now: Millis) {
        let is_over = |claimed: &Claimed| claimed.until <= now && !claimed.is_memory;
        let over: Vec<String> =
            self.open.iter().filter(|(_, c)| is_over(c)).map(|(id, _)| id.clone()).collect();
        for id in over {
            self.remove(&id);
        }
    }

    pub fn wake_at(&self) -> Option<Millis> {
        self.open.values().map(|claimed| claimed.until).min()
    }

    pub(super) fn remove(&mut self, id: &str) {
        if self.open.remove(id).is_some() {
            self.changed.insert(id.to_owned());
        }
    }

    fn counted(&mut self, sql: &impl Sql) -> Result<Counted, Error> {
        match self.counted {
            Some(counted) => Ok(counted),
            None => Ok(*self.counted.insert(store::count(sql)?)),
        }
    }

    pub fn kept(&mut self, sql: &impl Sql) -> Result<Kept, Error> {
        let Counted { threads, bytes, runs, memories } = self.counted(sql)?;
        let all = |counted: u64, claimed: usize| {
            u32::try_from(counted.saturating_add(claimed as u64)).unwrap_or(u32::MAX)
        };
        let claimed = self.open.values().filter(|claimed| claimed.is_memory).count();
        Ok(Kept {
            threads: all(threads, self.threads()),
            bytes,
            runs: all(runs, self.runs()),
            memories: all(memories, claimed),
        })
    }

    /// Threads that have claimed room and that the index does not know.
    fn threads(&self) -> usize {
        let claimed = self.open.values().filter(|claimed| claimed.is_thread);
        claimed.map(|claimed| &claimed.thread).collect::<BTreeSet<_>>().len()
    }

    /// The same of runs: two that were to begin may have become one.
    fn runs(&self) -> usize {
        let claimed = || self.open.values().filter(|claimed| claimed.is_run);
        let nameless = claimed().filter(|claimed| claimed.run.is_none()).count();
        let named = claimed().filter_map(|claimed| claimed.run.as_ref());
        nameless + named.collect::<BTreeSet<_>>().len()
    }

    /// Claims room; the limit that leaves none.
    pub fn claim(
        &mut self,
        sql: &impl Sql,
        claim: Claim,
        now: Millis,
    ) -> Result<Option<(KeepLimit, u32)>, Error> {
        self.expire(now);
        let Claim { id, thread, makes_thread, begins, limits } = claim;
        if self.open.contains_key(&id) {
            return Ok(None);
        }
        let thread = name(thread);
        let is_thread = makes_thread && dispatch::row(sql, &thread)?.is_none_or(|row| row.is != Is::Thread);
        let (is_run, run) = match begins {
            Begins::Nothing => (false, None),
            Begins::Run => (true, None),
            Begins::This(run) => (dispatch::row(sql, &run.to_string())?.is_none(), Some(run.to_string())),
        };
        let kept = self.kept(sql)?;
        let is_claimed = |is_of: &dyn Fn(&Claimed) -> bool| self.open.values().any(is_of);
        let more_threads = is_thread && !is_claimed(&|c| c.is_thread && c.thread == thread);
        let more_runs = is_run && !(run.is_some() && is_claimed(&|c| c.is_run && c.run == run));
        let full = |limit: Option<u32>, is_full: &dyn Fn(u32) -> bool| limit.filter(|most| is_full(*most));
        let bytes = |most: u32| kept.bytes >= u64::from(most).saturating_mul(MEGABYTE);
        for (which, most) in [
            (KeepLimit::Threads, full(limits.threads, &|most| more_threads && kept.threads >= most)),
            (KeepLimit::RunsAtOnce, full(limits.runs_at_once, &|most| more_runs && kept.runs >= most)),
            (KeepLimit::StorageMb, full(limits.storage_mb, &bytes)),
        ] {
            if let Some(most) = most {
                return Ok(Some((which, most)));
            }
        }
        if is_thread || is_run {
            self.changed.insert(id.clone());
            let until = now.plus(CLAIM_MS);
            self.open.insert(id, Claimed { thread, is_thread, is_run, run, is_memory: false, until });
        }
        Ok(None)
    }

    /// What became of a claim.
    pub fn settle(&mut self, sql: &impl Sql, id: &str, run: Option<RunId>) -> Result<(), Error> {
        let Some(run) = run else {
            self.remove(id);
            return Ok(());
        };
        let run = run.to_string();
        let is_known = dispatch::row(sql, &run)?.is_some();
        if let Some(claimed) = self.open.get_mut(id) {
            (claimed.is_run, claimed.run) = (claimed.is_run && !is_known, Some(run));
            self.changed.insert(id.to_owned());
            self.drop_empty(id);
        }
        Ok(())
    }

    fn drop_empty(&mut self, id: &str) {
        let is_empty = |claimed: &Claimed| !claimed.is_thread && !claimed.is_run && !claimed.is_memory;
        if self.open.get(id).is_some_and(is_empty) {
            self.remove(id);
        }
    }

    /// The index learns of this.
    pub fn saw(&mut self, before: Option<&Row>, row: &Row) {
        let was = before.map(|before| before.is);
        if let Some(counted) = &mut self.counted {
            let before_bytes = before.filter(|row| row.is == Is::Thread).map_or(0, |row| row.bytes);
            let bytes = if row.is == Is::Thread { row.bytes } else { 0 };
            counted.bytes = counted.bytes.saturating_sub(before_bytes).saturating_add(bytes);
            let is_of = |is: Option<Is>, kind: Is| u64::from(is == Some(kind));
            counted.threads = counted
                .threads
                .saturating_sub(is_of(was, Is::Thread))
                .saturating_add(is_of(Some(row.is), Is::Thread));
            counted.runs = counted
                .runs
                .saturating_sub(u64::from(before.is_some_and(is_open)))
                .saturating_add(u64::from(is_open(row)));
        }
        match row.is {
            Is::Thread => self.end(
                |claimed| claimed.is_thread && claimed.thread == row.id,
                |claimed| {
                    claimed.is_thread = false;
                },
            ),
            Is::Run | Is::Hidden | Is::Kept if before.is_none() => self.saw_run(&row.id),
            Is::Run | Is::Hidden | Is::Kept | Is::Gone { .. } | Is::Voice => {}
        }
    }

    /// A hidden run is over.
    pub fn saw_end(&mut self, before: Option<&Row>, id: &str) {
        if let Some(counted) = &mut self.counted {
            counted.runs = counted.runs.saturating_sub(u64::from(before.is_some_and(is_open)));
        }
        if before.is_none() {
            self.saw_run(id);
        }
    }

    /// The claim that a run began under: its own, or one of its thread that no run is known of.
    fn saw_run(&mut self, id: &str) {
        self.end(|claimed| claimed.run.as_deref() == Some(id), |claimed| claimed.is_run = false);
        let thread = id.get(..dispatch::THREAD_DIGITS).unwrap_or(id);
        let is_nameless = |c: &Claimed| c.is_run && c.run.is_none() && c.thread == thread;
        let oldest = self.open.iter().filter(|(_, c)| is_nameless(c)).min_by_key(|(_, c)| c.until);
        if let Some(id) = oldest.map(|(id, _)| id.clone()) {
            self.end_one(&id, |claimed| claimed.is_run = false);
        }
    }

    fn end(&mut self, which: impl Fn(&Claimed) -> bool, end: impl Fn(&mut Claimed)) {
        let ids: Vec<String> = self.open.iter().filter(|(_, c)| which(c)).map(|(id, _)| id.clone()).collect();
        ids.iter().for_each(|id| self.end_one(id, &end));
    }

    fn end_one(&mut self, id: &str, end: impl Fn(&mut Claimed)) {
        if let Some(claimed) = self.open.get_mut(id) {
            end(claimed);
            self.changed.insert(id.to_owned());
            self.drop_empty(id);
        }
    }
}

/// Whether it is a run that is not over.
fn is_open(row: &Row) -> bool {
    match row.is {
        Is::Hidden => true,
        Is::Run => Status::named(&row.status).is_some_and(|status| !status.is_final()),
        Is::Thread | Is::Kept | Is::Gone { .. } | Is::Voice => false,
    }
}
