//! What agents remember: as people look after it, and as runs use it.
//!
//! | file | what it is |
//! |---|---|
//! | [`change`] | a memory changed |
//! | [`recall`] | what fits a run |

mod change;
pub mod recall;

pub use change::change;

use crate::domain::dispatch::command::{Answer as OfDispatch, Command as OfIndex, Whose};
use crate::domain::field_error::FieldErrors;
use crate::domain::ids::{AccountId, MemoryId};
use crate::domain::knowledge::Place;
use crate::domain::knowledge::command::{self as knowledge, Tally};
use crate::domain::memory::command::{Answer, Command, List, Make};
use crate::domain::memory::draft::Draft;
use crate::domain::memory::shelf::Shelf;
use crate::domain::memory::{Memory, Source, Status};
use crate::ports::{Directory, Dispatch, Knowledge, Plans, Unavailable, World};
use crate::service::App;
use crate::service::failure::{Failure, Thing};
use crate::service::page::{Page, Request};
use crate::service::precondition::Precondition;
use crate::service::unexpected::name_of;
use crate::service::users;

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
    told(app, account, &shelf.place(account), command, None).await
}

/// Asks, and lets the index know how much is kept then.
async fn told<W: World>(
    app: &App<W>,
    account: AccountId,
    place: &Place,
    command: Command,
    claim: Option<String>,
) -> Result<Answer, Unavailable> {
    let (answer, tally) = loop {
        let command = knowledge::Command::Memory(command.clone());
        match app.world.knowledge().ask(place, command).await? {
            // It is deleted piece by piece, itself at last.
            knowledge::Answer::Written(Answer::Shortened(_), _) => {}
            knowledge::Answer::Memory(answer) if claim.is_none() => return Ok(answer),
            knowledge::Answer::Memory(answer) => break (answer, Tally::default()),
            knowledge::Answer::Written(answer, tally) => break (answer, tally),
            other => return Err(unexpected(&other)),
        }
    };
    // Where it does not arrive, the index asks if there is a claim, else it learns it with the next write there.
    if let Err(error) = noted(app, account, OfIndex::Counted(place.name().to_owned(), tally, claim)).await {
        app.world.log(&format!("memories are counted later: {error}"));
    }
    Ok(answer)
}

/// What came of something that was to be remembered.
#[derive(Debug)]
pub enum Remembered {
    Answered(Answer),
    /// The account's plan has no room: so many there may be.
    PlanFull(u32),
}

/// Has something remembered, if the account's plan has room for it.
///
/// # Errors
/// [`Unavailable`].
pub async fn remember<W: World>(
    app: &App<W>,
    account: AccountId,
    shelf: &Shelf,
    make: Make,
) -> Result<Remembered, Unavailable> {
    let place = shelf.place(account);
    let most = app.world.directory().tenant(account).limits().await?.keeps.memories;
    let Some(most) = most else {
        // Before it is there, so that whoever must find all of them finds it.
        noted(app, account, OfIndex::Place(place.name().to_owned(), true)).await?;
        return told(app, account, &place, Command::Make(make), None).await.map(Remembered::Answered);
    };
    // A run that makes its call once more claims no second room.
    let claim = make.id.unwrap_or_else(|| MemoryId::new(app.world.now(), app.world.random())).to_string();
    let asked = OfIndex::ClaimMemory(place.name().to_owned(), claim.clone(), most);
    let most = match app.world.dispatch().ask(account, asked).await? {
        OfDispatch::Claimed => {
            let made = told(app, account, &place, Command::Make(make), Some(claim)).await;
            return made.map(Remembered::Answered);
        }
        OfDispatch::Full(_, most) => most,
        other => return Err(unexpected(&other)),
    };
    let again = Command::Make(Make { is_again_only: true, ..make });
    Ok(match told(app, account, &place, again, None).await? {
        Answer::Full(_) => Remembered::PlanFull(most),
        answer => Remembered::Answered(answer),
    })
}

async fn noted<W: World>(app: &App<W>, account: AccountId, what: OfIndex) -> Result<(), Unavailable> {
    match app.world.dispatch().ask(account, what).await? {
        OfDispatch::Placed => Ok(()),
        other => Err(unexpected(&other)),
    }
}

fn unexpected(answer: &impl std::fmt::Debug) -> Unavailable {
    Unavailable(format!("a knowledge object answered {}", name_of(answer)))
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
    let make = Make { id: None, draft, source, supersedes, is_again_only: false };
    let answer = match remember(app, account, shelf, make).await? {
        Remembered::PlanFull(most) => return Err(Failure::PlanFull(Thing::Memory, most)),
        Remembered::Answered(answer) => answer,
    };
    match answer {
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
    may_change(app, account, shelf).await?;
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

/// Nothing of a person is changed or deleted on whom there is a legal hold.
///
/// # Errors
/// [`Failure::Held`].
async fn may_change<W: World>(app: &App<W>, account: AccountId, shelf: &Shelf) -> Result<(), Failure> {
    let Shelf::User(user) = shelf else { return Ok(()) };
    let may = users::may_go(app, account, Whose::User(user.clone())).await?;
    if may { Ok(()) } else { Err(Failure::Held) }
}
