//! What agents remember: as people look after it, and as runs use it.
//!
//! | file | what it is |
//! |---|---|
//! | [`change`] | a memory changed |
//! | [`recall`] | what fits a run |

mod change;
pub mod recall;

pub use change::change;

use crate::domain::dispatch::command::{Answer as OfDispatch, Command as OfIndex};
use crate::domain::field_error::FieldErrors;
use crate::domain::ids::{AccountId, MemoryId};
use crate::domain::knowledge::command as knowledge;
use crate::domain::memory::command::{Answer, Command, List, Make};
use crate::domain::memory::draft::Draft;
use crate::domain::memory::shelf::Shelf;
use crate::domain::memory::{Memory, Source, Status};
use crate::ports::{Dispatch, Knowledge, Unavailable, World};
use crate::service::App;
use crate::service::failure::{Failure, Thing};
use crate::service::page::{Page, Request};
use crate::service::precondition::Precondition;

/// The most memories of a page: each has up to 4,000 characters.
const MAX_LIMIT: u32 = 100;
/// The most characters of what is looked for.
const MAX_QUERY: usize = 2_000;
/// How often a delete is tried over what others change meanwhile.
const TRIES: u32 = 4;

/// Which memories of a shelf, as it was written.
#[derive(Clone, Debug, Default)]
pub struct Narrow {
    pub status: Option<String>,
    /// Words to be found.
    pub q: Option<String>,
}

/// Asks the object that keeps a shelf.
///
/// # Errors
/// [`Unavailable`].
pub async fn ask<W: World>(
    app: &App<W>,
    account: AccountId,
    shelf: &Shelf,
    command: Command,
) -> Result<Answer, Unavailable> {
    let place = shelf.place(account);
    if matches!(command, Command::Make(_)) {
        // Before it is there, so that whoever must find all of them finds it.
        let noted = OfIndex::Place(place.name().to_owned(), true);
        match app.world.dispatch().ask(account, noted).await? {
            OfDispatch::Placed => {}
            other => return Err(Unavailable(format!("the index answered {other:?}"))),
        }
    }
    match app.world.knowledge().ask(&place, knowledge::Command::Memory(command)).await? {
        knowledge::Answer::Memory(answer) => Ok(answer),
        other => Err(unexpected(&other)),
    }
}

fn unexpected(answer: &impl std::fmt::Debug) -> Unavailable {
    Unavailable(format!("a knowledge object answered {answer:?}"))
}

/// A page of memories, newest first; of those that are looked for, best first.
///
/// # Errors
/// [`Failure`].
pub async fn list<W: World>(
    app: &App<W>,
    account: AccountId,
    shelf: &Shelf,
    narrow: Narrow,
    page: &Request,
) -> Result<Page<Memory>, Failure> {
    let mut errors = FieldErrors::default();
    let status = narrow.status.as_deref().map(Status::parse);
    if status == Some(None) {
        let names: Vec<&str> = Status::ALL.iter().map(|status| status.name()).collect();
        errors.add("status", format!("write one of {}", names.join(", ")));
    }
    if let Some(q) = &narrow.q {
        errors.length("q", q, 1, MAX_QUERY);
    }
    let mark = if narrow.q.is_some() { 'q' } else { 'n' };
    let cut = page.parse_up_to(MAX_LIMIT, |cursor| cursor.strip_prefix(mark)?.parse::<u32>().ok());
    let cut = match cut {
        Err(Failure::Invalid(faults)) => {
            errors.join(Err(faults));
            errors.finish()?;
            return Err(Failure::Invalid(Vec::new()));
        }
        cut => cut?,
    };
    errors.finish()?;
    let list = List {
        status: status.flatten(),
        query: narrow.q,
        after: cut.after.map(u64::from),
        limit: cut.limit(),
    };
    match ask(app, account, shelf, Command::List(list)).await? {
        Answer::Listed { memories, next } => {
            Ok(Page { rows: memories, next_cursor: next.map(|next| format!("{mark}{next}")) })
        }
        other => Err(unexpected(&other).into()),
    }
}

/// Remembers something; whether it was not known before.
///
/// # Errors
/// [`Failure`].
pub async fn make<W: World>(
    app: &App<W>,
    account: AccountId,
    shelf: &Shelf,
    (draft, source): (Draft, Source),
    supersedes: Option<MemoryId>,
) -> Result<(Memory, bool), Failure> {
    draft.check()?;
    let make = Make { id: None, draft, source, supersedes };
    match ask(app, account, shelf, Command::Make(make)).await? {
        Answer::Made { memory, is_new } => Ok((*memory, is_new)),
        Answer::Full(most) => Err(Failure::Full(Thing::Memory, usize::try_from(most).unwrap_or(usize::MAX))),
        Answer::NotFound => Err(Failure::invalid("supersedes", "is no memory that is there beside it")),
        Answer::Superseded(by) => Err(Failure::invalid(
            "supersedes",
            &format!("was taken the place of already, by {by}: name that"),
        )),
        other => Err(unexpected(&other).into()),
    }
}

/// # Errors
/// [`Failure`].
pub async fn show<W: World>(
    app: &App<W>,
    account: AccountId,
    shelf: &Shelf,
    memory: &str,
) -> Result<Memory, Failure> {
    match ask(app, account, shelf, Command::Show(id(memory)?)).await? {
        Answer::Memory(memory) => Ok(*memory),
        Answer::NotFound => Err(Failure::Missing(Thing::Memory)),
        other => Err(unexpected(&other).into()),
    }
}

fn id(memory: &str) -> Result<MemoryId, Failure> {
    MemoryId::parse(memory).ok_or(Failure::Missing(Thing::Memory))
}

/// It goes for good, with those that it took the place of.
///
/// # Errors
/// [`Failure`].
pub async fn delete<W: World>(
    app: &App<W>,
    account: AccountId,
    shelf: &Shelf,
    memory: &str,
    precondition: &Precondition,
) -> Result<(), Failure> {
    let id = id(memory)?;
    for _ in 0..TRIES {
        let over = match precondition {
            Precondition::None => None,
            _ => {
                let read = show(app, account, shelf, memory).await?;
                precondition.check_tag(Thing::Memory, Some(|| read.tag()))?;
                Some(read.revision)
            }
        };
        match ask(app, account, shelf, Command::Delete(id, over)).await? {
            Answer::Deleted(_) => return Ok(()),
            Answer::NotFound => return Err(Failure::Missing(Thing::Memory)),
            Answer::Moved => {}
            other => return Err(unexpected(&other).into()),
        }
    }
    Err(Failure::Contended(Thing::Memory))
}
