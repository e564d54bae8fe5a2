//! One write of a dispatch object: all that was decided, in order.

use super::Dispatch;
use super::erasing::counts;
use crate::domain::admission::command::Learned;
use crate::domain::dispatch::effect::Cleared;
use crate::domain::dispatch::notice::State;
use crate::domain::erasure::{Hold, Receipt};
use crate::domain::ids::{AccountId, ErasureId};
use crate::domain::knowledge::command::Tally;
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql};
use crate::object::store::dispatch::erasures;
use crate::object::store::dispatch::notices::{self, Notice, Tried};
use crate::object::store::dispatch::{self as store, Is, Row, learned, places, threads};

/// How many runs of a deleted thread are removed at once.
pub const REMOVED_AT_ONCE: u32 = 500;
/// How long notices are kept that were taken, and that were given up.
pub const KEEP_SENT_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
pub const KEEP_DEAD_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// What is to be written.
#[derive(Debug)]
pub enum Write {
    /// A hidden run that is over, or who speaks no more.
    Drop(String),
    /// An object that keeps memories is there, or is not.
    Place(String, bool),
    /// So many memories are kept there.
    Counted {
        name: String,
        version: u64,
        memories: u64,
    },
    /// The same, of one on which claims were late.
    Recounted(String, Tally),
    Put {
        before: Option<Box<Row>>,
        row: Box<Row>,
    },
    /// Runs of a thread: the first of them, or all of one that has no more than [`REMOVED_AT_ONCE`].
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
    /// The same of threads that were made for one call.
    ForgetKept {
        before: Millis,
    },
    Account(AccountId),
    Learn(Learned),
    Notice(Notice),
    /// What a notice says, by its id.
    Body(String, String),
    Tried(Tried),
    /// A notice begins anew.
    Again(String),
    /// A webhook's notices that are to be sent are given up; why.
    Kill(String, String),
    ForgetNotice(String),
    ForgetWebhook(String),
    /// What is about a run is forgotten.
    ForgetRun(String),
    /// What is about runs of a thread is forgotten.
    ForgetThread(String),
    /// Notices whose time is up are forgotten.
    Expire,
    /// A person is to be erased: by what receipt, and their name.
    Erasure(Box<Receipt>, String),
    /// Something of it has gone.
    Erased(ErasureId, Cleared),
    /// Something of it came late.
    Reopen(ErasureId, String),
    /// A thread is gone, if it was there then.
    Gone {
        thread: String,
        until: Millis,
    },
    /// A person's runs in a thread are nobody's.
    Unname {
        thread: String,
        user: String,
        until: Millis,
    },
    Hold(Hold),
    Release(String),
    /// Nothing: what is to be done is looked for after each write.
    Look,
}

impl Write {
    const fn removes_threads(&self) -> bool {
        matches!(self, Self::Empty { .. } | Self::Forget { .. } | Self::Gone { .. })
    }

    /// Whether it may change what is known of threads that were made for one call.
    fn changes_kept(&self) -> bool {
        match self {
            Self::Put { row, .. } => row.is == Is::Kept,
            Self::ForgetKept { .. } | Self::Gone { .. } | Self::Empty { .. } => true,
            _ => false,
        }
    }

    /// Whether it changes when a notice is to be forgotten.
    const fn ends_notices(&self) -> bool {
        matches!(
            self,
            Self::Notice(_)
                | Self::Tried(_)
                | Self::Again(_)
                | Self::Kill(..)
                | Self::ForgetNotice(_)
                | Self::ForgetWebhook(_)
                | Self::ForgetRun(_)
                | Self::ForgetThread(_)
                | Self::Gone { .. }
                | Self::Unname { .. }
                | Self::Expire
        )
    }
}

impl Dispatch {
    pub(super) fn write_all(&mut self, sql: &impl Sql, now: Millis) -> Result<(), Error> {
        let batch = std::mem::take(&mut self.batch);
        let has_removed = batch.iter().any(Write::removes_threads);
        let changes_kept = batch.iter().any(Write::changes_kept);
        let ends_notices = batch.iter().any(Write::ends_notices);
        for write in batch {
            self.write_one(sql, write, now)?;
        }
        if has_removed {
            self.oldest_gone = store::oldest_gone(sql)?;
        }
        if changes_kept {
            self.oldest_kept = threads::oldest_kept(sql)?;
        }
        self.claims.write(sql)?;
        if ends_notices {
            self.expires_at = expires_at(sql)?;
        }
        // Those that end together leave one disk to be written anew.
        self.is_to_scrub |= self.clearing.refill(sql, now, !self.leaving.is_empty())?;
        self.sender.refill(sql)
    }

    fn write_one(&mut self, sql: &impl Sql, write: Write, now: Millis) -> Result<(), Error> {
        if write.ends_notices() && !matches!(write, Write::Notice(_)) {
            self.room.is_exact = false;
            self.room.pending += u64::from(matches!(write, Write::Again(_)));
        }
        match write {
            Write::Place(name, is_there) => places::write(sql, &name, is_there),
            Write::Counted { name, version, memories } => places::count(sql, &name, version, memories),
            Write::Recounted(name, counted) => {
                self.claims.counted_late(&name);
                let (version, before) = places::counted(sql, &name)?;
                // An object that was emptied begins anew.
                let is_empty = counted.memories == 0 && counted.version == 0;
                let is_known = places::is_known(sql, &name)?;
                if counted.version <= version && !is_empty || !is_known && is_empty {
                    return Ok(());
                }
                self.claims.count_memories(before, counted.memories);
                places::count(sql, &name, counted.version.max(version), counted.memories)
            }
            Write::Drop(id) => store::delete(sql, &id),
            Write::Put { before, row } => store::put(sql, before.as_deref(), &row),
            Write::Postpone { threads } => {
                threads.iter().try_for_each(|thread| store::postpone(sql, thread, now))
            }
            Write::Forget { before } => store::forget(sql, before),
            Write::ForgetKept { before } => threads::forget_kept(sql, before),
            Write::Empty { thread, is_whole: true } => {
                let (_, open) = store::empty(sql, &thread, REMOVED_AT_ONCE)?;
                self.claims.removed(open);
                Ok(())
            }
            Write::Empty { thread, is_whole: false } => self.empty(sql, &thread, now),
            Write::Account(account) => learned::write_account(sql, account),
            Write::Learn(thing) => learned::write(sql, &thing),
            Write::Notice(notice) => self.room.keep(sql, &notice),
            Write::Body(id, body) => notices::set_body(sql, &id, &body),
            Write::Tried(tried) => notices::tried(sql, &tried),
            Write::Again(id) => notices::again(sql, &id, now),
            Write::Kill(webhook, why) => notices::kill(sql, &webhook, &why, now),
            Write::ForgetNotice(id) => notices::forget(sql, &id),
            Write::ForgetWebhook(webhook) => notices::forget_webhook(sql, &webhook),
            Write::ForgetRun(run) => notices::forget_run(sql, &run),
            Write::ForgetThread(thread) => notices::forget_thread(sql, &thread),
            Write::Erasure(receipt, user) => erasures::insert(sql, &receipt, &user),
            Write::Erased(id, cleared) => erasures::count(sql, id, counts(&cleared)),
            Write::Reopen(id, user) => erasures::reopen(sql, id, &user),
            Write::Gone { thread, until } => self.write_gone(sql, &thread, until, now),
            Write::Unname { thread, user, until } => erasures::unname(sql, &thread, &user, until),
            Write::Hold(hold) => erasures::hold(sql, &hold),
            Write::Release(user) => erasures::release(sql, &user),
            Write::Look => Ok(()),
            Write::Expire => {
                notices::expire(sql, State::Sent, now.plus(-KEEP_SENT_MS))?;
                notices::expire(sql, State::Dead, now.plus(-KEEP_DEAD_MS))
            }
        }
    }

    /// Removes some runs of a deleted thread.
    fn empty(&mut self, sql: &impl Sql, thread: &str, now: Millis) -> Result<(), Error> {
        let (has_more, open) = store::empty(sql, thread, REMOVED_AT_ONCE)?;
        self.claims.removed(open);
        if !has_more {
            let left = store::row(sql, thread)?;
            let version = left.as_ref().map_or(0, |row| row.version);
            store::put(sql, left.as_ref(), &Row::gone(thread.to_owned(), version, now, false))?;
            self.leaving.remove(thread);
        }
        Ok(())
    }
}

/// When the first notice is to be forgotten.
pub fn expires_at(sql: &impl Sql) -> Result<Option<Millis>, Error> {
    let sent = notices::oldest(sql, State::Sent)?.map(|at| at.plus(KEEP_SENT_MS));
    let dead = notices::oldest(sql, State::Dead)?.map(|at| at.plus(KEEP_DEAD_MS));
    Ok([sent, dead].into_iter().flatten().min())
}

/// How many notices there are, and how many are pending, at most: counted once, and again where that many would be too many and some
/// may have gone since.
#[derive(Debug, Default)]
pub struct Room {
    all: u64,
    pending: u64,
    is_exact: bool,
    is_known: bool,
}

impl Room {
    /// Keeps a notice in the place of the oldest that has ended. One more than may be pending is given up, which its row says.
    fn keep(&mut self, sql: &impl Sql, notice: &Notice) -> Result<(), Error> {
        let may_be_full = self.all >= notices::MAX_KEPT || self.pending >= notices::MAX_PENDING;
        if !self.is_known || may_be_full && !self.is_exact {
            let (all, pending) = notices::counts(sql)?;
            *self = Self { all, pending, is_exact: true, is_known: true };
        }
        let has_evicted = self.all >= notices::MAX_KEPT && notices::evict(sql)?;
        let is_full = self.pending >= notices::MAX_PENDING;
        notices::insert(sql, notice, is_full.then_some(FULL))?;
        self.all += u64::from(!has_evicted);
        self.pending += u64::from(!is_full);
        Ok(())
    }
}

const FULL: &str = "it was not sent: too many messages of the account were waiting to be sent";
