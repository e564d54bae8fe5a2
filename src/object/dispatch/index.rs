//! What threads deliver of themselves, and the lists that are made of it.

use super::writing::REMOVED_AT_ONCE;
use super::{Dispatch, Write};
use crate::domain::dispatch::command::{Answer, Delivered, Delivery, List, Listed, Position, USUAL_LAG_MS};
use crate::domain::dispatch::entry::Entry;
use crate::domain::thread::id::{RunId, ThreadKey};
use crate::domain::thread::voice::Voice;
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql};
use crate::object::store::dispatch::{self as store, Is, Row, THREAD_DIGITS};

/// How long a thread may take over its time before its alarm is taken for lost.
const OVERDUE_MS: i64 = 2 * 60 * 1_000;
/// How many entries are looked at for a page, and how many at once.
const MAX_SCANNED: u32 = 2_000;
const SCANNED_AT_ONCE: u32 = 200;
/// How long what came late says that more may: the longest pause of a thread that tries again, twice.
const LATE_MS: i64 = 120_000;

impl Dispatch {
    pub(super) fn deliver(
        &mut self,
        sql: &impl Sql,
        delivery: Delivery,
        now: Millis,
    ) -> Result<Answer, Error> {
        let Delivery { thread, version, delivered } = delivery;
        let has_voices = delivered.as_ref().is_some_and(|delivered| !delivered.voices.is_empty());
        let taken = if has_voices { Answer::Heard } else { Answer::Delivered };
        let id = name(thread);
        let before = store::row(sql, &id)?;
        if before.as_ref().is_some_and(|before| before.version > version) {
            return Ok(taken);
        }
        let made_at = delivered.as_ref().map(|delivered| delivered.thread.created_at);
        if let Some(before) = &before
            && made_at.is_some_and(|made_at| made_at != before.created_at)
            && store::has_more_than(sql, &id, REMOVED_AT_ONCE)?
        {
            // The runs of the first thread of this name go in pieces, before anything of the other comes.
            self.remove(Some(before.clone()), id, before.version, now);
            return Ok(Answer::NotYet);
        }
        let count = self.batch.len();
        if let Some(delivered) = &delivered {
            self.note_late(sql, delivered, self.account)?;
        }
        match delivered {
            None => self.remove(before, id, version, now),
            Some(delivered) => match delivered.hidden {
                Some(hidden) => self.put_hidden(sql, thread, hidden, &delivered, now)?,
                None => self.put_all(sql, (thread, version), before, &delivered, now)?,
            },
        }
        if self.batch.len() > count {
            self.note_lag(version, now);
        }
        Ok(taken)
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
        let Delivered { user, labels, due_at, bytes, thread: entry, runs, voices, .. } = delivered;
        let id = name(thread);
        // Another thread of the same name: what the first has left goes.
        let is_another = before.as_ref().is_some_and(|before| before.created_at != entry.created_at);
        if is_another {
            self.leaving.remove(&id);
            self.batch.push(Write::ForgetThread(id.clone()));
            self.batch.push(Write::Empty { thread: id.clone(), is_whole: true });
        }
        for voice in voices {
            self.put_voice(sql, (&id, is_another), voice, entry)?;
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
            let had = before.as_ref().and_then(|before| before.user.as_ref());
            if row.user.as_ref() != had && had.is_some_and(|user| self.clearing.is_erasing(user)) {
                self.batch.push(Write::ForgetRun(row.id.clone()));
            }
            self.tell(run, entry, before.as_ref(), &mut row, now);
            self.put(before, row);
        }
        Ok(())
    }

    /// Somebody has spoken in a thread, or speaks there no more.
    fn put_voice(
        &mut self,
        sql: &impl Sql,
        (thread, is_another): (&str, bool),
        voice: &Voice,
        entry: &Entry,
    ) -> Result<(), Error> {
        let id = store::voice_id(thread, voice.number);
        let before = if is_another { None } else { store::row(sql, &id)? };
        if voice.user.is_none() {
            if before.is_some() {
                self.batch.push(Write::Drop(id));
            }
            return Ok(());
        }
        let mut row = Row::of(id, Is::Voice, 0, entry, voice.user.as_ref(), &[]);
        (row.created_at, row.updated_at) = (voice.since, voice.since);
        // No list shows it.
        (row.status, row.shown) = (String::new(), String::new());
        self.put(before, row);
        Ok(())
    }

    pub(super) fn put(&mut self, before: Option<Row>, row: Row) {
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

    pub(super) fn list(&self, sql: &impl Sql, list: &List, now: Millis) -> Result<Listed, Error> {
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
    pub(super) fn overdue(
        &mut self,
        sql: &impl Sql,
        most: u32,
        now: Millis,
    ) -> Result<Vec<ThreadKey>, Error> {
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
pub(super) fn name(thread: ThreadKey) -> String {
    let mut name = RunId { thread, number: 0 }.to_string();
    name.truncate(THREAD_DIGITS);
    name
}
