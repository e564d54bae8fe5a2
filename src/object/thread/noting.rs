//! What runs did, for their journals.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Work;
use super::kept::Meta;
use crate::domain::memory::recalled::Recalled;
use crate::domain::time::Millis;
use crate::object::store::thread::blank;

/// Where journals have what ended after its run.
const LATE: u32 = 1 << 31;
/// Where they have summaries among that.
const SUMMARIES: u32 = 1 << 30;

impl Work {
    /// What the run was given of memories: what follows is sent the same.
    pub(super) fn note_recalled(&mut self, number: u32, journal: &Value) {
        if let Some(kept) = self.open.get_mut(&number).filter(|kept| kept.recalled.is_none()) {
            kept.recalled = journal.get("memory").and_then(|given| Recalled::deserialize(given).ok());
        }
    }

    /// A model call in a run's journal. One that has ended after its run stands behind all others, and one of a thread that was
    /// deleted nowhere.
    pub(super) fn note_call(&mut self, meta: &Meta, (run, step, attempt): (u32, u32, u32), what: Value) {
        // Each attempt of a step is asked once.
        self.note_late(meta, run, LATE | (step << 12) | (attempt & 0xfff), what);
    }

    /// The same of a summary.
    pub(super) fn note_compaction(
        &mut self,
        meta: &Meta,
        (run, nth): (u32, u32),
        journal: Value,
        now: Millis,
    ) {
        let what = json!({ "compaction": journal, "ended_at": now });
        self.note_late(meta, run, LATE | SUMMARIES | nth, what);
    }

    fn note_late(&mut self, meta: &Meta, run: u32, behind: u32, mut what: Value) {
        if self.open.contains_key(&run) {
            return self.note(run, what);
        }
        if meta.blank.contains(&run) {
            blank(&mut what);
        }
        if run >= meta.first_run {
            self.batch.journal.push((run, behind, what));
        }
    }

    /// An entry of a run's journal, if the run is not over.
    pub(super) fn note(&mut self, number: u32, what: Value) {
        let Some(kept) = self.open.get_mut(&number) else { return };
        kept.journal = kept.journal.saturating_add(1);
        self.batch.journal.push((number, kept.journal, what));
    }
}
