//! What the model is sent of the transcript, read from the newest item back.

use super::kept::{Kept, Meta};
use crate::domain::thread::effect::Items;
use crate::domain::thread::id::EntryId;
use crate::domain::thread::item::Item;
use crate::domain::thread::window::{BOUNDS, MOST_COUNTED, Sent, Window};
use crate::object::sql::{Error, Sql};
use crate::object::store::thread::{self as store, Part};

/// Above every position: numbers stay below 2⁵³.
pub(super) const LAST: u64 = (1 << 53) - 1;
/// Items that are read at once.
const PAGE: u32 = 200;

/// The messages for the next step of a run, and what they lack.
pub(super) fn window(sql: &impl Sql, meta: &Meta, kept: &Kept) -> Result<(Sent, Option<Items>), Error> {
    let mut window = Window::new(BOUNDS, kept.task());
    let mut before = LAST;
    'read: loop {
        let (items, has_more) = store::sized_items(sql, Part::Before(before), PAGE, window.room())?;
        for (item, bytes) in items {
            before = item.position;
            if !window.take(item, bytes) {
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
    let chosen = window.chosen();
    let mut left_out = [0, 0];
    for (gap, items) in chosen.gaps.iter().zip(&mut left_out) {
        if let Some((from, until)) = *gap {
            (*items, _) = store::size_between(sql, from, until, MOST_COUNTED)?;
        }
    }
    let id = |item: &Item| EntryId { run: meta.run(item.run), number: item.entry };
    let (first, last) = (chosen.items().next().map(id), chosen.items().last().map(id));
    let ends = first.zip(last);
    let items = ends.map(|(from, to)| Items { from, to, count: chosen.items().count() });
    Ok((chosen.sent(left_out), items))
}
