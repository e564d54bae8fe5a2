//! What is asked of an import, and what it answers for each agent of the file.

use crate::domain::agent::Fields;
use crate::domain::field_error::FieldError;
use crate::domain::slug::Slug;
use crate::wire::file::Entry;

/// What becomes of an agent whose slug another one has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It is left out.
    #[default]
    Skip,
    /// The one that is there becomes what the file says.
    Update,
    /// It is imported under the next free slug, and hand-offs inside the file follow.
    Rename,
}

/// What is to be done with a file.
#[derive(Clone, Debug)]
pub struct Import {
    pub mode: Mode,
    /// Reports what would be done and does nothing.
    pub dry_run: bool,
    pub entries: Vec<Entry>,
}

/// What became of one agent of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// As the account has it; of an invalid one as the file has it, if it does.
    pub slug: Option<String>,
    /// As the file has it, where that is another.
    pub renamed_from: Option<Slug>,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Created,
    Updated,
    Skipped,
    /// Then no other agent is written either.
    Invalid(Vec<FieldError>),
}

impl Import {
    /// Gives the only agent of a file this name, if it has neither a name nor a slug; any other agent without
    /// a name gets its slug as its name.
    #[must_use]
    pub fn named(mut self, name: Option<&str>) -> Self {
        let is_single = self.entries.len() == 1;
        for fields in self.entries.iter_mut().filter_map(|entry| entry.fields.as_mut().ok()) {
            let Fields { name: own, slug, .. } = fields;
            if own.is_none() {
                *own = slug.clone().or_else(|| name.filter(|_| is_single).map(str::to_owned));
            }
        }
        self
    }
}
