//! One write: all that memory has and the disk has not.

use super::Thread;
use super::batch::Batch;
use super::kept::Row;
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql};
use crate::object::store::scrub::Footprint;
use crate::object::store::thread as store;

impl Thread {
    pub(super) fn write_batch(
        &mut self,
        batch: &mut Batch,
        sql: &impl Sql,
        now: Millis,
    ) -> Result<(), Error> {
        let grown = batch.write(sql, now)?;
        if let Some(meta) = self.meta.as_mut().filter(|_| grown != 0) {
            let counted = meta.bytes.map(|bytes| bytes.saturating_add_signed(grown));
            meta.bytes = Some(counted.map_or_else(|| store::bytes(sql), Ok)?);
            batch.has_thread = true;
        }
        if let Some(before) = batch.forget_before {
            let until = store::forget_events(sql, before)?;
            if let Some(meta) = self.meta.as_mut().filter(|_| until > 0) {
                meta.forgotten_until = Some(until);
                batch.has_thread = true;
            }
        }
        if let Some(to) = batch.forget_journal {
            let is_all = self.forget_journal(sql, to)?;
            // Of a thread that was made anew meanwhile; else it is due when all is told.
            batch.scrub |= is_all && self.meta.is_some();
            batch.has_thread |= std::mem::take(&mut self.work.batch.has_thread);
        }
        let work = &mut self.work;
        for number in &batch.runs {
            if let Some(kept) = work.open.get_mut(number) {
                kept.seqs.reserve(work.next_position);
                store::write_run(sql, *number, kept)?;
            }
        }
        if batch.has_thread {
            let row = match &self.meta {
                Some(meta) => Row::There(Box::new(meta.clone())),
                None => Row::Deleted {
                    last_run: self.last_run,
                    floor: self.floor,
                    gone: self.gone.clone(),
                    copying: self.copying.clone(),
                },
            };
            store::write_thread(sql, &row)?;
            self.deliveries.sending.saved();
            self.settling.saved();
        }
        work.unwritten = 0;
        if batch.forget_keys.is_some() {
            work.oldest_key = store::oldest_key(sql)?;
        }
        if batch.forget_before.is_some() || !batch.events.is_empty() && work.oldest.is_none() {
            work.oldest = store::oldest_event(sql)?;
        }
        Ok(())
    }

    /// What was erased is overwritten, once nothing of it is needed.
    pub(super) fn scrub(
        &mut self,
        batch: &Batch,
        sql: &impl Sql,
        footprint: &mut Footprint,
    ) -> Result<(), Error> {
        if !self.is_to_be_scrubbed() {
            return footprint.settle(sql, batch.scrub);
        }
        if let Some(gone) = &mut self.gone {
            gone.scrub = false;
        }
        let row = Row::Deleted {
            last_run: self.last_run,
            floor: self.floor,
            gone: self.gone.clone(),
            copying: self.copying.clone(),
        };
        store::write_thread(sql, &row)?;
        footprint.settle(sql, true)
    }
}
