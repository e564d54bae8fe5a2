//! What an export reads of a thread, page by page.

use serde::Serialize;
use serde_json::{Value, json};

use super::Thread;
use super::events::MAX_PAGE;
use super::kept::Meta;
use crate::domain::thread::command::Answer;
use crate::domain::thread::export::{Exported, Part, Place};
use crate::domain::thread::view::ItemView;
use crate::object::sql::{Error, Sql};
use crate::object::store::thread as store;

/// The most entries of a page.
const MAX_ENTRIES: u32 = 1_000;

impl Thread {
    pub(super) fn export(&self, sql: &impl Sql, meta: &Meta, place: Place) -> Result<Answer, Error> {
        let (entries, next) = match place.part {
            Part::Items => items(sql, meta, place)?,
            Part::Runs => self.runs(sql, meta, place)?,
            Part::Steps => self.journals(sql, meta, place)?,
            Part::Events => self.all_events(sql, place)?,
        };
        let next = next.or_else(|| place.part.next().map(Place::of));
        Ok(Answer::Exported(Box::new(Exported { entries, next })))
    }

    fn runs(&self, sql: &impl Sql, meta: &Meta, place: Place) -> Result<Page, Error> {
        let mut page = Collected::default();
        for number in numbers(meta, place.after) {
            if page.is_full() {
                return Ok((page.entries, Some(Place { after: u64::from(number) - 1, ..place })));
            }
            page.looked += 1;
            if let Some(view) = self.run_view(sql, meta, number)? {
                page.add(&view)?;
            }
        }
        Ok((page.entries, None))
    }

    fn journals(&self, sql: &impl Sql, meta: &Meta, place: Place) -> Result<Page, Error> {
        let (mut page, mut within) = (Collected::default(), place.within);
        for number in numbers(meta, place.after) {
            loop {
                if page.is_full() {
                    return Ok((page.entries, Some(Place { after: u64::from(number) - 1, within, ..place })));
                }
                page.looked += 1;
                let (steps, next) = store::steps(sql, number, within)?;
                for mut step in steps {
                    step["run_id"] = json!(meta.run(number));
                    page.add(&step)?;
                }
                let Some(next) = next else { break };
                within = next;
            }
            within = 0;
        }
        Ok((page.entries, None))
    }

    fn all_events(&self, sql: &impl Sql, place: Place) -> Result<Page, Error> {
        let read = store::events(sql, place.after, MAX_PAGE)?;
        let mut page = Collected::default();
        read.events.iter().try_for_each(|event| page.add(event))?;
        if read.next.is_none() {
            // What was sent to watchers and is not written yet.
            self.work.batch.events.iter().try_for_each(|event| page.add(event))?;
        }
        Ok((page.entries, read.next.map(|after| Place { after, ..place })))
    }
}

type Page = (Vec<Value>, Option<Place>);

fn items(sql: &impl Sql, meta: &Meta, place: Place) -> Result<Page, Error> {
    let part = store::Part::After(place.after);
    let (items, has_more) = store::items(sql, part, MAX_ENTRIES, MAX_PAGE)?;
    let last = items.last().map(|item| item.position);
    let mut page = Collected::default();
    items.into_iter().try_for_each(|item| page.add(&ItemView::of(meta.key, item)))?;
    Ok((page.entries, last.filter(|_| has_more).map(|after| Place { after, ..place })))
}

/// The numbers of the thread's runs behind one.
fn numbers(meta: &Meta, after: u64) -> impl Iterator<Item = u32> {
    let after = u32::try_from(after).unwrap_or(u32::MAX);
    meta.first_run.max(1).max(after.saturating_add(1))..=meta.last_run
}

/// Entries of a page.
#[derive(Default)]
struct Collected {
    entries: Vec<Value>,
    bytes: u64,
    /// How many runs were looked at for it.
    looked: u32,
}

impl Collected {
    fn add(&mut self, entry: &impl Serialize) -> Result<(), Error> {
        let json = serde_json::to_value(entry).map_err(|error| Error::Decode(error.to_string()))?;
        self.bytes = self.bytes.saturating_add(json.to_string().len() as u64);
        self.entries.push(json);
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.bytes >= MAX_PAGE || self.entries.len() >= MAX_ENTRIES as usize || self.looked >= MAX_ENTRIES
    }
}
