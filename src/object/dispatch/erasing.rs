//! What goes because a person is erased or a thread's time is up, thread by thread.
//!
//! What is still to go, the index itself says: the threads and runs of a person, until they are gone. So nothing of this has a row of
//! its own but the erasure, and one that dies goes on where it was. The memories go first, so that no run is given them any more, and
//! once more at the end, when nothing of the person is at work any more that could write one. A thread of which the index learns after the end, and which was there at the request, opens the
//! erasure again.

use super::clearing::{AGAIN_MS, Going, Job};
use super::{Dispatch, Write, name};
use crate::domain::dispatch::command::{Answer, Command, Delivered, Erase, Retain, Whose};
use crate::domain::dispatch::effect::{Cleared, Outcome};
use crate::domain::erasure::{Hold, Receipt, Status, digest};
use crate::domain::ids::{AccountId, AgentId};
use crate::domain::time::Millis;
use crate::object::machine::Durability;
use crate::object::sql::{Error, Sql};
use crate::object::store::dispatch as rows;
use crate::object::store::dispatch::erasures as store;

/// How many threads a look at those whose time is up finds.
const MAX_DUE: u32 = 500;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

impl Dispatch {
    /// What is asked of erasures, holds and old threads.
    pub(super) fn erasing(
        &mut self,
        sql: &impl Sql,
        command: Command,
        now: Millis,
    ) -> Result<(Answer, Durability), Error> {
        let soon = |answer| Ok((answer, Durability::Soon));
        match command {
            Command::Erase(erase) => self.erase(sql, erase, now),
            Command::Erasure(id) => soon(match store::receipt(sql, id)? {
                Some(receipt) => Answer::Erasure(Box::new(receipt)),
                None => Answer::NoSuchErasure,
            }),
            Command::Erasures(after, most) => {
                let mut receipts = store::receipts(sql, after, most.saturating_add(1))?;
                let has_more = receipts.len() > most as usize;
                receipts.truncate(most as usize);
                soon(Answer::Erasures(receipts, has_more))
            }
            Command::Hold(hold) => {
                let before = store::held(sql, &hold.user)?;
                let hold = match before {
                    Some(before) => Hold { reason: hold.reason, ..before },
                    None => Hold { placed_at: now, ..hold },
                };
                self.clearing.stop(now);
                self.batch.push(Write::Hold(hold.clone()));
                Ok((Answer::Hold(hold), Durability::Now))
            }
            Command::Release(user) => {
                let was_held = store::held(sql, &user)?.is_some();
                self.clearing.look_again(now);
                self.batch.push(Write::Release(user));
                Ok((Answer::Released(was_held), Durability::Now))
            }
            Command::ShowHold(user) => soon(store::held(sql, &user)?.map_or(Answer::NotHeld, Answer::Hold)),
            Command::Holds(after, most) => {
                soon(Answer::Holds(store::holds(sql, &after.unwrap_or_default(), most)?))
            }
            Command::MayGo(whose) => {
                let is_held = match whose {
                    Whose::User(user) => store::held(sql, &user)?.is_some(),
                    Whose::Thread(thread) => store::is_thread_held(sql, &name(thread))?,
                };
                soon(if is_held { Answer::Held } else { Answer::MayGo })
            }
            _ => soon(Answer::Woken),
        }
    }

    fn erase(&mut self, sql: &impl Sql, erase: Erase, now: Millis) -> Result<(Answer, Durability), Error> {
        let Erase { id, account, user, by } = erase;
        if store::held(sql, &user)?.is_some() {
            return Ok((Answer::Held, Durability::Soon));
        }
        if let Some(before) = store::receipt(sql, id)? {
            return Ok((Answer::Erasure(Box::new(before)), Durability::Soon));
        }
        self.know(account);
        let receipt = Receipt {
            id,
            user_digest: digest(account, &user),
            status: Status::Running,
            requested_by: by,
            requested_at: now,
            finished_at: None,
            threads: 0,
            runs: 0,
            memories: 0,
            items: 0,
        };
        self.batch.push(Write::Erasure(Box::new(receipt.clone()), user.clone()));
        self.clearing.begin(id, user, now);
        Ok((Answer::Erasure(Box::new(receipt)), Durability::Now))
    }

    /// Looks for threads whose time is up, where those that were found before are gone.
    pub(super) fn retain(&mut self, sql: &impl Sql, retain: Retain, now: Millis) -> Result<(), Error> {
        let Retain { account, all, agents, .. } = retain;
        if self.clearing.jobs.iter().any(|job| matches!(job, Job::Old { .. })) {
            return Ok(());
        }
        let rules = all.map(|days| (None, days)).into_iter();
        let rules = rules.chain(agents.into_iter().map(|(agent, days)| (Some(agent), days)));
        let mut found = 0;
        for (agent, days) in rules {
            found += self.look_for_old(sql, agent, now.plus(-i64::from(days) * DAY_MS), MAX_DUE - found)?;
        }
        if found > 0 {
            self.know(account);
            // They are begun with a write.
            self.batch.push(Write::Look);
        }
        Ok(())
    }

    fn look_for_old(
        &mut self,
        sql: &impl Sql,
        agent: Option<AgentId>,
        since: Millis,
        most: u32,
    ) -> Result<u32, Error> {
        let mut found = 0;
        for thread in store::due(sql, agent, since, most)? {
            let is_known = |job: &Job| matches!(job, Job::Old { thread: known, .. } if *known == thread);
            let is_under_way = self.clearing.under_way.values().any(|(job, _)| is_known(job));
            if !is_under_way && !self.clearing.jobs.iter().any(is_known) {
                self.clearing.jobs.push_back(Job::Old { thread, since });
                found += 1;
            }
        }
        Ok(found)
    }

    pub(super) fn know(&mut self, account: AccountId) {
        if self.account != Some(account) {
            self.account = Some(account);
            self.batch.push(Write::Account(account));
        }
    }

    /// An attempt has ended.
    pub(super) fn cleared(&mut self, nth: u32, outcome: &Outcome, now: Millis) {
        let Outcome::Cleared(cleared) = *outcome else { return self.clearing.failed(nth, now) };
        let Some((job, _)) = self.clearing.under_way.remove(&nth) else { return };
        match job {
            Job::Count { .. } => {}
            Job::Old { thread, since } => {
                if cleared.is_gone {
                    self.batch.push(Write::Gone { thread, until: since });
                }
            }
            Job::Thread { erasure, thread } => {
                let Some(going) = self.clearing.running.get_mut(&erasure) else { return };
                (going.look_at, going.failures) = (Some(now), 0);
                let until = going.requested_at;
                if cleared.is_gone {
                    self.batch.push(Write::Gone { thread, until });
                } else if cleared.runs == 0 && cleared.items == 0 {
                    // There is no more. Where the index thinks otherwise it has yet to learn something.
                    self.batch.push(Write::Unname { thread, user: going.user.clone(), until });
                    going.look_at = Some(now.plus(AGAIN_MS));
                }
                self.batch.push(Write::Erased(erasure, cleared));
            }
            Job::Memories { erasure, is_last } => {
                let Some(going) = self.clearing.running.get_mut(&erasure) else { return };
                (going.look_at, going.has_forgotten) = (Some(now), is_last);
                self.batch.push(Write::Erased(erasure, cleared));
            }
        }
    }

    /// An object was counted on which room was claimed, or could not be: then it is counted later.
    pub(super) fn recounted(&mut self, nth: u32, name: &str, outcome: &Outcome) {
        self.clearing.under_way.remove(&nth);
        if let Outcome::Counted(counted) = *outcome {
            self.batch.push(Write::Recounted(name.to_owned(), counted));
        }
    }

    /// The index learns of something that was to be gone.
    pub(super) fn note_late(
        &mut self,
        sql: &impl Sql,
        delivered: &Delivered,
        account: Option<AccountId>,
    ) -> Result<(), Error> {
        let Some(account) = account.filter(|_| self.clearing.has_any) else { return Ok(()) };
        let of_thread = delivered.user.as_deref().map(|user| (user, delivered.thread.created_at));
        let of_runs = delivered.runs.iter().filter_map(|run| Some((run.user.as_deref()?, run.created_at)));
        let of_voices =
            delivered.voices.iter().filter_map(|voice| Some((voice.user.as_deref()?, voice.since)));
        for (user, made_at) in of_thread.into_iter().chain(of_runs).chain(of_voices) {
            let takes_it = |going: &Going| going.user == user && going.requested_at >= made_at;
            if self.clearing.running.values().any(takes_it) {
                continue;
            }
            if let Some((id, requested_at)) = store::last_of(sql, &digest(account, user), made_at)? {
                self.batch.push(Write::Reopen(id, user.to_owned()));
                self.clearing.begin(id, user.to_owned(), requested_at);
            }
        }
        Ok(())
    }

    /// A thread is gone, whatever the index learns of it itself.
    pub(super) fn write_gone(
        &mut self,
        sql: &impl Sql,
        thread: &str,
        until: Millis,
        now: Millis,
    ) -> Result<(), Error> {
        let Some(before) = rows::row(sql, thread)? else {
            self.claims.recount();
            return rows::threads::forget_calls(sql, thread, until);
        };
        // Another thread of its name has come since.
        if before.is != rows::Is::Thread || before.created_at > until {
            return Ok(());
        }
        let gone = rows::Row::gone(thread.to_owned(), before.version, now, true);
        self.claims.saw(Some(&before), &gone);
        rows::put(sql, Some(&before), &gone)?;
        rows::notices::forget_thread(sql, thread)?;
        self.leaving.insert(thread.to_owned());
        Ok(())
    }
}

/// The counts of what has gone.
pub(super) const fn counts(cleared: &Cleared) -> [u32; 4] {
    [cleared.threads, cleared.runs, cleared.memories, cleared.items]
}
