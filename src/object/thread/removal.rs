//! How one item is taken out of a transcript.

use super::commands::Decided;
use super::reading::{Query, position};
use super::{Thread, after, at_once};
use crate::domain::thread::command::{Answer, Who};
use crate::domain::thread::id::EntryId;
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql};
use crate::object::store::thread as store;

impl Thread {
    /// # Errors
    /// [`Error`], of reading; nothing is deleted then.
    pub(super) fn delete_item(
        &mut self,
        sql: &impl Sql,
        who: Who,
        id: EntryId,
        now: Millis,
    ) -> Result<Decided, Error> {
        let Some(meta) = self.meta.as_ref().filter(|meta| meta.is_seen_by(who)) else {
            return Ok(at_once(Answer::NotFound));
        };
        let there = match position(sql, meta, id)? {
            None => None,
            Some(place) => store::between(sql, place, place)?.into_iter().next(),
        };
        let Some((item, _)) = there.filter(|(item, _)| (item.run, item.entry) == (id.run.number, id.number))
        else {
            return Ok(at_once(Answer::NotFound));
        };
        if self.work.open.contains_key(&id.run.number) || self.summing().is_some() {
            let words = "its run is at work, or the thread is being summed up: delete it afterwards";
            return Ok(at_once(Answer::Conflict(words.to_owned())));
        }
        // What was summed up may say it again.
        self.forget_summaries(item.position);
        self.work.batch.gone_items.push(item.position);
        self.work.batch.has_thread = true;
        if let Some(meta) = self.meta.as_mut() {
            meta.updated_at = now;
        }
        Ok(after(Query::Thread { is_new: false }, Vec::new()))
    }
}
