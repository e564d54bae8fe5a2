//! What watchers read of what has happened, page by page.

use super::Thread;
use super::kept::{Kept, Meta};
use crate::domain::run::event::Numbered;
use crate::domain::thread::command::{Answer, BadCursor, Events, Watch};
use crate::object::sql::{Error, Sql};
use crate::object::store::thread as store;

/// The most bytes of a page, but for its last row.
pub(super) const MAX_PAGE: u64 = 1_000_000;

impl Thread {
    pub(super) fn events(&self, sql: &impl Sql, meta: &Meta, watch: Watch) -> Result<Answer, Error> {
        let (kept, snapshot) = match watch.run {
            None => (None, None),
            Some(run) => match (self.kept(sql, run)?, self.run_view(sql, meta, run)?) {
                (Some(kept), Some(view)) => (Some(kept), Some(view)),
                _ => return Ok(Answer::NotFound),
            },
        };
        let is_over = kept.as_ref().is_some_and(|kept| kept.run.is_over());
        if watch.is_new_only {
            return Ok(Answer::Events(Box::new(Events {
                snapshot,
                events: Vec::new(),
                is_over,
                next: None,
            })));
        }
        if let Some(bad) = self.fault(meta, watch, kept.as_ref()) {
            return Ok(Answer::BadCursor(bad));
        }
        let (events, has_more) = self.page(sql, watch, kept.as_ref())?;
        let last = events.last().filter(|_| has_more);
        let next = last.map(|last| if watch.run.is_some() { last.seq } else { last.position });
        let is_over = is_over && next.is_none();
        Ok(Answer::Events(Box::new(Events { snapshot, events, is_over, next })))
    }

    /// What is wrong with a cursor.
    fn fault(&self, meta: &Meta, watch: Watch, kept: Option<&Kept>) -> Option<BadCursor> {
        let known = match kept {
            // Numbers that were only reserved nobody has seen: after a crash the run goes on behind them.
            Some(kept) => kept.seqs.next,
            None => self.work.next_position,
        };
        if watch.after.is_some_and(|after| after >= known) {
            return Some(BadCursor::Future);
        }
        let is_expired = match (kept, watch.after) {
            (None, after) => after < meta.forgotten_until && after.is_some(),
            // What follows may be forgotten, unless nothing does.
            (Some(kept), after) => {
                let next = after.map_or(0, |after| after + 1);
                next < kept.seqs.next && meta.forgotten_until >= Some(kept.seqs.least_position(next))
            }
        };
        is_expired.then_some(BadCursor::Expired)
    }

    /// The first events behind a cursor; whether there are more. Where there are more there is one at least.
    fn page(
        &self,
        sql: &impl Sql,
        watch: Watch,
        kept: Option<&Kept>,
    ) -> Result<(Vec<Numbered>, bool), Error> {
        let is_wanted = |event: &Numbered| match watch.run {
            Some(run) => event.run.number == run && watch.after.is_none_or(|after| event.seq > after),
            None => watch.after.is_none_or(|after| event.position > after),
        };
        let behind = |after: Option<u64>| match kept {
            None => after.unwrap_or(0),
            Some(kept) => kept.seqs.least_position(after.map_or(0, |after| after + 1)).saturating_sub(1),
        };
        let (mut found, mut left): (Vec<Numbered>, u64) = (Vec::new(), MAX_PAGE);
        let mut from = behind(watch.after);
        loop {
            let seen = found.last().map(|event| event.seq).or(watch.after);
            if let Some(kept) = kept {
                if seen.map_or(0, |seen| seen + 1) >= kept.seqs.next {
                    break;
                }
                from = from.max(behind(seen));
            }
            if left == 0 {
                return Ok((found, true));
            }
            let page = store::events(sql, from, left)?;
            let before = found.len();
            found.extend(page.events.into_iter().filter(is_wanted));
            if found.len() > before {
                left = left.saturating_sub(page.bytes);
            }
            let Some(next) = page.next else { break };
            from = next;
        }
        // What was sent to watchers and is not written yet.
        found.extend(self.work.batch.events.iter().filter(|event| is_wanted(event)).cloned());
        Ok((found, false))
    }
}
