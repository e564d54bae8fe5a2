//! What a thread's memory has and its disk has not.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kept::Kept;
use crate::domain::run::event::Numbered;
use crate::domain::thread::command::Outcome;
use crate::domain::thread::item::Item;
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql};
use crate::object::store::thread as store;

/// A request of a client, on the disk.
pub type Key = store::Key<Done>;

/// What a request has done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    Thread {
        is_new: bool,
    },
    Items {
        from: u64,
        count: u32,
    },
    Run(u32),
    Given(Vec<Outcome>),
    /// The thread was deleted since.
    Gone,
}

/// What was answered to a call that waited.
#[derive(Debug)]
pub struct Resolution {
    /// The run and the entry of the call.
    pub of: (u32, u32),
    /// Null: nothing was, and nothing is taken any more.
    pub answer: Value,
    /// Who has answered, if that is somebody else than whose run it is.
    pub voice: Option<u32>,
}

/// What memory has and the disk has not.
#[derive(Debug, Default)]
pub struct Batch {
    pub has_thread: bool,
    /// Runs that changed and are still open.
    pub runs: BTreeSet<u32>,
    /// Runs that are over.
    pub over: Vec<Kept>,
    /// Runs whose items are taken back, from these positions on.
    pub back: Vec<(u32, u64)>,
    /// The positions of items that go.
    pub gone_items: Vec<u64>,
    pub items: Vec<Item>,
    pub events: Vec<Numbered>,
    /// Of a run, its number in the journal, and what happened.
    pub journal: Vec<(u32, u32, Value)>,
    /// To calls that waited.
    pub answers: Vec<Resolution>,
    /// Who has spoken in runs of others, by the numbers of their voices, and since when.
    pub voices: BTreeMap<u32, (String, Millis)>,
    /// Requests that count once.
    pub keys: Vec<Key>,
    /// Requests up to this moment are forgotten.
    pub forget_keys: Option<Millis>,
    /// Runs of which the journal, the events and what was answered go.
    pub blank: Vec<u32>,
    /// What persons have said goes.
    pub hush: Vec<store::Hush>,
    /// Summaries behind this position go.
    pub back_summaries: Option<u64>,
    /// Nothing of what goes is to be left on the disk.
    pub scrub: bool,
    /// Everything goes.
    pub is_deletion: bool,
    /// But the journals, which say what the ledger is to forget.
    pub keeps_journal: bool,
    /// The ledger has forgotten the first entries of the runs up to this one.
    pub forget_journal: Option<u32>,
    /// Events from before this moment are forgotten.
    pub forget_before: Option<Millis>,
}

impl Batch {
    pub fn is_empty(&self) -> bool {
        !self.has_thread
            && self.runs.is_empty()
            && self.over.is_empty()
            && self.back.is_empty()
            && self.gone_items.is_empty()
            && self.items.is_empty()
            && self.events.is_empty()
            && self.journal.is_empty()
            && self.answers.is_empty()
            && self.voices.is_empty()
            && self.hush.is_empty()
            && self.keys.is_empty()
            && self.forget_keys.is_none()
            && self.blank.is_empty()
            && !self.is_deletion
            && self.forget_journal.is_none()
            && self.forget_before.is_none()
    }

    /// Takes back what a run has written since its first item.
    pub fn take_back(&mut self, run: u32, from: u64) {
        self.items.retain(|item| item.run != run || item.position < from);
        self.back.push((run, from));
    }

    /// Writes what stands beside the thread's and the open runs' rows; by how many bytes items have grown.
    ///
    /// # Errors
    /// [`Error`].
    pub fn write(&self, sql: &impl Sql, now: Millis) -> Result<i64, Error> {
        if self.is_deletion {
            store::delete_all(sql)?;
            if !self.keeps_journal {
                store::delete_steps(sql)?;
            }
            store::empty_keys(sql, &Done::Gone)?;
        }
        let mut grown = 0_i64;
        for (run, from) in &self.back {
            grown = grown.saturating_sub_unsigned(store::take_back(sql, *run, *from)?);
        }
        for position in &self.gone_items {
            grown = grown.saturating_sub_unsigned(store::delete_item(sql, *position)?);
        }
        for (number, (user, since)) in &self.voices {
            store::write_voice(sql, *number, user, *since)?;
        }
        if let Some(behind) = self.back_summaries {
            grown = grown.saturating_sub_unsigned(store::delete_summaries(sql, behind)?);
        }
        if !self.blank.is_empty() {
            store::blank_runs(sql, &self.blank)?;
        }
        for item in &self.items {
            grown = grown.saturating_add_unsigned(store::write_item(sql, item)?);
        }
        self.over.iter().try_for_each(|kept| store::write_run(sql, kept.run.number, kept))?;
        for (run, nth, body) in &self.journal {
            store::write_step(sql, *run, *nth, body)?;
        }
        for Resolution { of, answer, voice } in &self.answers {
            store::write_answer(sql, *of, now, answer, *voice)?;
        }
        self.keys.iter().try_for_each(|key| store::write_key(sql, now, key))?;
        if let Some(until) = self.forget_keys {
            store::forget_keys(sql, until)?;
        }
        store::write_events(sql, now, &self.events)?;
        for hush in &self.hush {
            grown = grown.saturating_sub_unsigned(store::hush(sql, hush)?);
        }
        Ok(grown)
    }
}
