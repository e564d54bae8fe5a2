//! This thread as the copy of another, which is there when it is whole.

use std::collections::BTreeMap;

use super::commands::{Decided, after_nothing, ready};
use super::copying::{Copying, Turn, numbered};
use super::kept::Meta;
use super::reading::Query;
use super::{Thread, after, at_once};
use crate::domain::message::{AssistantPart, Message, Part, stored};
use crate::domain::thread::command::{Answer, Fork, Who};
use crate::domain::thread::compaction::Horizon;
use crate::domain::thread::fork::{PAGE_BYTES, PAGE_ITEMS, Progress, UNANSWERED};
use crate::domain::thread::item::Item;
use crate::domain::thread::voice::{By, Spoken};
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql};
use crate::object::store::thread::{self as store, Part as Of};

impl Thread {
    pub(super) fn fork(&mut self, sql: &impl Sql, fork: Fork, now: Millis) -> Result<Decided, Error> {
        if self.meta.is_some() {
            let is_it = |meta: &Meta| meta.forked_from.is_some_and(|origin| fork.is_of(origin));
            return Ok(self.seen_by(Who::Caller(fork.create.agent), |_, meta| match is_it(meta) {
                true => after_nothing(Query::Thread { is_new: false }),
                false => taken("There is a thread of this id, and it is no such fork: choose another id."),
            }));
        }
        let fresh = Progress { behind: 0, until: fork.until };
        let progress = self.copying.as_ref().map_or(fresh, |copying| copying.progress);
        if self.copying.as_ref().is_some_and(|copying| !fork.is_of(copying.origin)) {
            return Ok(taken("Another fork is being copied to this id: choose another one."));
        }
        if progress != (Progress { behind: fork.behind, until: fork.until }) {
            return Ok(at_once(Answer::Copying(progress)));
        }
        let messages = fork.items.iter().map(|copy| stored::read(&copy.message));
        let messages = messages.collect::<Result<Vec<_>, _>>();
        let messages = messages.map_err(|error| Error::Decode(format!("an item to be copied: {error}")))?;
        let Fork { create, origin, items, next, horizon, titled_by, keeps_open, .. } = fork;
        let base = self.work.next_item.saturating_sub(1);
        let (turn, since) = (None, Some(now));
        let started = || Box::new(Copying { create, origin, progress, base, turn, since, at: now });
        let mut copying = self.copying.take().unwrap_or_else(started);
        copying.at = now;
        let mut known = BTreeMap::new();
        let mut spoken = |thread: &mut Self, by: Option<&By>| {
            let spoken = by.map(|by| thread.copied_by(sql, by, &mut known)).transpose();
            spoken.map_err(lost)
        };
        for (copy, message) in items.iter().zip(messages) {
            let by = spoken(self, copy.by.as_ref())?;
            let item = copying.item(self.work.next_item, copy, message, by);
            self.work.next_item += 1;
            self.work.batch.items.push(item);
        }
        self.work.batch.has_thread = true;
        let Some(behind) = next else {
            let horizon = copying.horizon(horizon);
            let titled_in = spoken(self, titled_by.as_ref())?;
            return self.complete(sql, (*copying, horizon, titled_in), keeps_open, now);
        };
        copying.progress.behind = behind;
        let answer = Answer::Copying(copying.progress);
        self.copying = Some(copying);
        Ok(ready(answer, Vec::new()))
    }

    /// The copy is whole: each call of its last turn has a result, unless its caller has them, and from now on it is a thread.
    fn complete(
        &mut self,
        sql: &impl Sql,
        (copying, horizon, titled_in): (Copying, Horizon, Option<Spoken>),
        keeps_open: bool,
        now: Millis,
    ) -> Result<Decided, Error> {
        // After what was changed, an error must cost the memory.
        let unanswered = if keeps_open { Ok(Vec::new()) } else { self.unanswered(sql, copying.turn) };
        for (call_id, by) in unanswered.map_err(lost)? {
            let position = self.work.next_item;
            self.work.next_item += 1;
            let parts = vec![Part::Text(UNANSWERED.to_owned())];
            let message = Message::Tool { call_id, parts, is_error: true };
            let entry = numbered(position);
            let at = now;
            self.work.batch.items.push(Item {
                position,
                run: 0,
                entry,
                step: 0,
                at,
                message,
                stands_for: None,
                by,
            });
        }
        let last_voice = self.last_voice(sql).map_err(lost)?;
        self.make(copying.create, now);
        if let Some(meta) = &mut self.meta {
            meta.forked_from = Some(copying.origin);
            (meta.horizon, meta.titled_in) = (horizon, titled_in);
            meta.created_at = copying.since.unwrap_or(now);
            if last_voice > 0 {
                meta.outbox.add_voices(1, last_voice);
            }
        }
        Ok(after(Query::Thread { is_new: true }, Vec::new()))
    }

    /// The calls of the last turn that have no result, and whose they are.
    fn unanswered(&self, sql: &impl Sql, turn: Option<Turn>) -> Result<Vec<(String, Option<Spoken>)>, Error> {
        let mut open = Vec::new();
        let Some(turn) = turn else { return Ok(open) };
        let mut from = turn.first.saturating_sub(1);
        loop {
            let (items, has_more) = store::items(sql, Of::After(from), PAGE_ITEMS, PAGE_BYTES)?;
            from = items.last().map_or(from, |last| last.position);
            items.iter().for_each(|item| note(&mut open, item));
            if !has_more {
                break;
            }
        }
        let unwritten = self.work.batch.items.iter().filter(|item| item.position >= turn.first);
        unwritten.for_each(|item| note(&mut open, item));
        Ok(open)
    }

    /// Forgets a copy that nobody goes on with.
    pub(super) fn drop_copy(&mut self, now: Millis) {
        if self.copying.take_if(|copying| copying.expires_at() <= now).is_some() {
            let batch = &mut self.work.batch;
            batch.items.clear();
            batch.voices.clear();
            // What was copied may be erased meanwhile where it was copied from.
            (batch.is_deletion, batch.has_thread, batch.scrub) = (true, true, true);
            // The ledger may still have to forget a thread of this id.
            batch.keeps_journal = self.gone.as_ref().is_some_and(|gone| gone.unsettled.deleted_to > 0);
            self.work.next_item = 1;
        }
    }

    /// Why nothing else is made of a thread that is becoming a copy.
    pub(super) fn is_becoming_a_copy(&self) -> Option<Decided> {
        self.copying.as_ref().map(|_| taken("A fork is being copied to this id: ask for it again, or wait."))
    }
}

/// After what was changed, an error must cost the memory.
fn lost(error: Error) -> Error {
    Error::Storage(error.to_string())
}

fn taken(words: &str) -> Decided {
    at_once(Answer::Conflict(words.to_owned()))
}

/// Keeps the calls that are open.
fn note(open: &mut Vec<(String, Option<Spoken>)>, item: &Item) {
    match &item.message {
        Message::Assistant { parts } => {
            open.extend(AssistantPart::calls_of(parts).map(|call| (call.id.clone(), item.by)));
        }
        Message::Tool { call_id, .. } => open.retain(|(call, _)| call != call_id),
        Message::System { .. } | Message::User { .. } => {}
    }
}
