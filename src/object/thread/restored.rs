//! A thread that was restored from a backup. The account's index was dumped before it, so what the index has confirmed since,
//! the restored one may not know: all of it is delivered again.

use super::kept::Row;
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql};
use crate::object::store::thread as store;

pub(super) fn deliver_again(sql: &impl Sql, now: Millis) -> Result<(), Error> {
    let mut row: Option<Row> = store::thread(sql)?;
    let outbox = match &mut row {
        Some(Row::There(meta)) => {
            // Version 0: no list shows it, or none has yet.
            let last_voice = store::last_voice(sql)?;
            if meta.outbox.version() > 0 && last_voice > 0 {
                meta.outbox.add_voices(1, last_voice);
            }
            if meta.outbox.version() > 0 && meta.first_run.max(1) <= meta.last_run {
                meta.outbox.add(meta.first_run.max(1), meta.last_run);
            }
            &mut meta.outbox
        }
        Some(Row::Deleted { gone: Some(gone), .. }) => &mut gone.outbox,
        Some(Row::Deleted { gone: None, .. }) | None => return Ok(()),
    };
    if outbox.version() == 0 {
        return Ok(());
    }
    outbox.change(now);
    store::write_thread(sql, &row)
}
