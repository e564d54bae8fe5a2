//! Taking agents in from a file: all of it or nothing.
//!
//! Every agent of the file is checked before any is written, against the account as it will be: agents of the file are
//! given their ids first, so they may hand off to each other in cycles. When the account changes meanwhile, all is
//! planned anew.

use crate::domain::agent::Fields;
use crate::domain::change::Action;
use crate::domain::field_error::FieldError;
use crate::domain::slug::Slug;
use crate::ports::{World, WriteError};
use crate::service::App;
use crate::service::anew::pause;
use crate::service::authenticate::Session;
use crate::service::failure::{Failure, Thing};
use crate::wire::file::Entry;

use super::import_plan::{Plan, plan};
use super::save;

/// The most agents of one file.
pub const MAX_AGENTS: usize = 1_000;
/// How often all is planned anew: fewer than where one row is, because each time the whole file is.
const TRIES: u32 = 8;

/// What becomes of an agent whose slug another one has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It is left out.
    #[default]
    Skip,
    /// The one that is there becomes what the file says.
    Update,
    /// It is taken in under the next free slug, and hand-offs inside the file follow.
    Rename,
}

/// What is to be done with a file.
#[derive(Clone, Debug)]
pub struct Import {
    pub mode: Mode,
    /// Says what would be done and does nothing.
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
    /// Gives the only agent of a file this name, if it has neither a name nor a slug; any other without a name is called
    /// by its slug.
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

/// Writes what the file has, unless any of it is invalid; and says what became, or would become, of each.
///
/// # Errors
/// [`Failure`]; nothing is then written, unless the directory lost its answer.
pub async fn import<W: World>(
    app: &App<W>,
    session: &Session,
    import: &Import,
) -> Result<Vec<Item>, Failure> {
    if import.entries.len() > MAX_AGENTS {
        let many = format!("there are {}; at most {MAX_AGENTS} are taken in at once", import.entries.len());
        return Err(Failure::invalid("agents", &many));
    }
    for attempt in 0..TRIES {
        let Plan { items, saves } = plan(app, session, import).await?;
        if import.dry_run || saves.is_empty() {
            return Ok(items);
        }
        match save(app, session, Action::Update, &saves).await {
            Ok(()) => return Ok(items),
            Err(WriteError::Moved | WriteError::Taken) => pause(app, attempt).await,
            Err(error) => return Err(Failure::of_write(error, Thing::Agent)),
        }
    }
    Err(Failure::Contended(Thing::Agent))
}
