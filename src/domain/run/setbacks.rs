//! What a run has been through since it last made progress.

use serde::{Deserialize, Serialize};

use crate::domain::time::Millis;

/// What went wrong since the last progress.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    pub attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Millis>,
    /// Entries of the model line that broke off in the middle of an answer: the others are asked before them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broke_off: Vec<String>,
}

impl Trouble {
    pub(super) const fn is_none(&self) -> bool {
        self.attempts == 0
    }

    /// Once all have broken off, the one that did so first is as good as any.
    pub(super) fn note_broken(&mut self, entry: Option<String>) {
        let Some(entry) = entry else { return };
        self.broke_off.retain(|other| *other != entry);
        self.broke_off.push(entry);
    }
}
