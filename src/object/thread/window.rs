//! What the model is sent of the transcript, read from the newest item back to the thread's horizon.

use super::kept::{Kept, Meta};
use crate::domain::thread::digest;
use crate::domain::thread::effect::Items;
use crate::domain::thread::id::EntryId;
use crate::domain::thread::item::Item;
use crate::domain::thread::window::{BOUNDS, Chosen, MOST_COUNTED, Sent, Window};
use crate::object::sql::{Error, Sql};
use crate::object::store::thread::{self as store, Part};

/// Above every position: numbers stay below 2⁵³.
pub(super) const LAST: u64 = (1 << 53) - 1;
/// Items that are read at once.
const PAGE: u32 = 200;

/// The messages for the next step of a run, and what they lack.
pub(super) fn window(sql: &impl Sql, meta: &Meta, kept: &Kept) -> Result<(Sent, Option<Items>), Error> {
    let chosen = chosen(sql, meta, kept)?;
    let left_out = left_out(sql, meta, &chosen)?;
    let summary = summary(sql, meta)?;
    let id = |item: &Item| EntryId { run: meta.run(item.run), number: item.entry };
    let (first, last) = (chosen.items().next().map(id), chosen.items().last().map(id));
    let compaction = summary.as_ref().map(id);
    let count = chosen.items().count();
    let items = first.zip(last).map(|(from, to)| Items { from, to, count, compaction });
    let head = summary.and_then(|item| digest::summary_of(&item.message));
    Ok((chosen.sent(head.as_deref().map(digest::shown), left_out), items))
}

fn chosen(sql: &impl Sql, meta: &Meta, kept: &Kept) -> Result<Chosen, Error> {
    let mut window = Window::new(BOUNDS, kept.task(), meta.horizon.brief);
    let mut before = LAST;
    'read: while before > meta.horizon.until + 1 {
        let (items, has_more) = store::sized_items(sql, Part::Before(before), PAGE, window.room())?;
        for (item, bytes) in items {
            before = item.position;
            if before <= meta.horizon.until {
                break 'read;
            }
            if item.stands_for.is_none() && !window.take(item, bytes) {
                break 'read;
            }
        }
        if !has_more {
            break;
        }
    }
    if let Some((first, last)) = window.missing() {
        window.take_task(store::between(sql, first, last)?.into_iter().map(|(item, _)| item));
    }
    Ok(window.chosen())
}

/// How many items are left out: before what is sent from before the run and behind what is summed up, and inside the run.
fn left_out(sql: &impl Sql, meta: &Meta, chosen: &Chosen) -> Result<[u64; 2], Error> {
    let [before, inside] = chosen.gaps;
    let summed = meta.horizon.summed;
    let until = before.map_or(meta.horizon.until, |(_, until)| until);
    let count = |from: u64, until: u64| match from <= until {
        true => store::messages_between(sql, from, until, MOST_COUNTED),
        false => Ok(0),
    };
    Ok([count(summed + 1, until)?, inside.map_or(Ok(0), |(from, until)| count(from, until))?])
}

/// The item that sums up what is not sent.
pub(super) fn summary(sql: &impl Sql, meta: &Meta) -> Result<Option<Item>, Error> {
    let Some(position) = meta.horizon.summary else { return Ok(None) };
    Ok(store::between(sql, position, position)?.into_iter().next().map(|(item, _)| item))
}
