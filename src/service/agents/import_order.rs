//! What is asked of an import, and what it answers for each agent of the file.

use std::collections::BTreeSet;

use crate::domain::agent::{Agent, Fields};
use crate::domain::field_error::FieldError;
use crate::domain::slug::Slug;
use crate::wire::file::Entry;
use crate::wire::file::foreign::{Need, System};
use crate::wire::file::report::Report;

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
    /// Refuses an agent with a field that has no place here, rather than to keep it for later.
    pub strict: bool,
    /// The line of agents whose file names no model, or one that is not known here.
    pub model: Option<String>,
    /// Slugs of agents that other files of the same move have: none of these is meant by a name.
    pub taken: BTreeSet<Slug>,
    /// How many agents other files of the same dry run would make.
    pub planned: usize,
    pub entries: Vec<Entry>,
}

/// What became of one agent of the file.
#[derive(Clone, Debug)]
pub struct Item {
    pub name: Option<String>,
    /// The agent as it is now, if it was created or updated.
    pub agent: Option<Agent>,
    /// What the file is of, unless it is written in our own fields.
    pub system: Option<&'static System>,
    /// What became of fields that are not ours.
    pub report: Report,
    /// What it wants to use, and neither the file nor the account has.
    pub needs: Vec<Need>,
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
    /// Gives the only agent of a file without a name or slug this one; any other without a name gets its slug, or the word
    /// that its file calls it by.
    #[must_use]
    pub fn named(mut self, name: Option<&str>) -> Self {
        let is_nameless = |fields: &Fields| fields.name.is_none() && fields.slug.is_none();
        let nameless =
            self.entries.iter().filter(|entry| entry.fields.as_ref().is_some_and(is_nameless)).count();
        for Entry { fields, keys, name: shown, .. } in &mut self.entries {
            let Some(fields) = fields else { continue };
            if fields.name.is_none() {
                let given = || name.filter(|_| nameless == 1).map(str::to_owned);
                fields.name = fields.slug.clone().or_else(given).or_else(|| keys.first().cloned());
                shown.clone_from(&fields.name);
            }
        }
        self
    }
}
