//! What goes to the account's ledger: the settlements of the runs' model calls, and the ids that it is to forget; and the threads
//! of a deleted one's children, which go with it.
//!
//! A call's settlement is written together with what the model answered, and kept until the account's object has it: no crash
//! between the two charges a call's hold for an answer that the run has. One delivery is under way at a time, and a run never
//! waits for one.

use super::Thread;
use super::kept::{Gone, Meta};
use super::unsettled::Unsettled;
use crate::domain::admission::command::{CallRecord, Forget};
use crate::domain::ids::{AccountId, CallId};
use crate::domain::thread::effect::{Effect, ForLedger, Outcome};
use crate::domain::thread::id::RunId;
use crate::domain::time::Millis;
use crate::object::machine::{self, Effects};
use crate::object::sql::{Error, Sql};
use crate::object::store::thread as store;

/// The most entries of deleted runs' journals that are read for one delivery.
const MAX_FORGOTTEN: u32 = 200;

/// A delivery under way. What is deleted meanwhile is for the next one.
#[derive(Debug)]
pub(super) struct Settling {
    ended: Vec<CallRecord>,
    /// Calls of the runs up to this one are to be forgotten; 0: of none.
    deleted_to: u32,
}

/// Calls that the account's object has.
fn drop_settled(kept: &mut Vec<CallRecord>, settled: &[CallRecord]) {
    kept.retain(|record| !settled.iter().any(|settled| settled.call == record.call));
}

impl Thread {
    /// A model call of a run has ended.
    pub(super) fn keep_settlement(&mut self, run: u32, mut record: CallRecord) {
        let batch = &mut self.work.batch;
        match (self.work.open.get_mut(&run), &mut self.meta, &mut self.gone) {
            (Some(kept), Some(_), _) => {
                kept.unsettled.push(record);
                batch.runs.insert(run);
            }
            (_, Some(meta), _) => {
                record.run = record.run.filter(|_| run >= meta.first_run);
                meta.unsettled.ended.push(record);
                batch.has_thread = true;
            }
            (_, None, Some(gone)) => {
                record.run = None;
                gone.unsettled.ended.push(record);
                gone.scrub |= !gone.is_hidden || !gone.key.is_ours();
                batch.has_thread = true;
            }
            (_, None, None) => {}
        }
    }

    fn unsettled(&mut self) -> Option<&mut Unsettled> {
        match (&mut self.meta, &mut self.gone) {
            (Some(meta), _) => Some(&mut meta.unsettled),
            (None, Some(gone)) => Some(&mut gone.unsettled),
            (None, None) => None,
        }
    }

    /// The next delivery, if there is one to be begun.
    pub(super) fn next_settlement(&mut self, now: Millis) -> Effects<Self> {
        if !self.settling.is_free() {
            return Vec::new();
        }
        let open: Vec<CallRecord> =
            self.work.open.values().flat_map(|kept| &kept.unsettled).cloned().collect();
        let Some(unsettled) = self.unsettled() else { return Vec::new() };
        if unsettled.is_empty() && open.is_empty() {
            return Vec::new();
        }
        let ended = unsettled.ended.iter().cloned().chain(open).collect();
        let deleted_to = unsettled.deleted_to;
        let what = Effect::Settle { nth: self.settling.begin(Settling { ended, deleted_to }, now) };
        vec![machine::Effect { id: what.id(), what }]
    }

    /// A delivery has ended.
    pub(super) fn settlement_ended(&mut self, nth: u32, outcome: &Outcome, now: Millis) {
        let Some(Settling { ended: settled, deleted_to }) = self.settling.end(nth) else { return };
        let Some(unsettled) = self.unsettled() else { return };
        if matches!(outcome, Outcome::Undelivered) {
            let pause = unsettled.pause(now);
            return self.settling.failed(now.plus(pause));
        }
        drop_settled(&mut unsettled.ended, &settled);
        self.work.batch.forget_journal = (deleted_to > 0).then_some(deleted_to);
        for kept in self.work.open.values_mut() {
            drop_settled(&mut kept.unsettled, &settled);
        }
        self.settling.confirmed(now);
    }

    /// Removes what the ledger has forgotten from the journals of deleted runs; whether nothing of them is left.
    pub(super) fn forget_journal(&mut self, sql: &impl Sql, to: u32) -> Result<bool, Error> {
        let is_all = store::forget_steps(sql, to, MAX_FORGOTTEN)?;
        if let Some(unsettled) = self.unsettled().filter(|unsettled| is_all && unsettled.deleted_to == to) {
            unsettled.deleted_of.clear();
            unsettled.deleted_to = 0;
            self.work.batch.has_thread = true;
        }
        Ok(is_all)
    }

    /// What the delivery under way says; `None` where there is none.
    ///
    /// # Errors
    /// [`Error`].
    pub fn for_ledger(&self, sql: &impl Sql) -> Result<Option<ForLedger>, Error> {
        let Some(Settling { ended, deleted_to }) = self.settling.under_way() else { return Ok(None) };
        let (account, unsettled): (AccountId, &Unsettled) = match (&self.meta, &self.gone) {
            (Some(Meta { account, unsettled, .. }), _) | (None, Some(Gone { account, unsettled, .. })) => {
                (*account, unsettled)
            }
            (None, None) => return Ok(None),
        };
        let (mut deleted, mut children) = (None, Vec::new());
        if *deleted_to > 0 {
            let journal = store::steps_until(sql, *deleted_to, MAX_FORGOTTEN)?;
            let call_of = |step: &serde_json::Value| {
                let call = [&step["model_call"], &step["compaction"]].into_iter();
                CallId::parse(call.filter_map(|call| call["call_id"].as_str()).next()?)
            };
            let calls: Vec<CallId> = journal.iter().filter_map(call_of).collect();
            deleted = (!calls.is_empty()).then(|| Forget { agents: unsettled.deleted_of.clone(), calls });
            let child_of = |step: &serde_json::Value| RunId::parse(step["child"]["run"].as_str()?);
            children.extend(journal.iter().filter_map(child_of).map(|child| child.thread));
            children.dedup();
        }
        Ok(Some(ForLedger { account, ended: ended.clone(), deleted, children }))
    }
}
