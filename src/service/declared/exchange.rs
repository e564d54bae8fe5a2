//! Declared things in files: what an account has, page by page, and taking it in again, here or elsewhere.
//!
//! Files carry neither ids and times nor secrets. An import first checks every thing's own fields, and writes nothing when
//! one does not fit. Then it writes one thing after the other, each with its line of the change log, in the order of the
//! kinds: an import that broke off is completed by repeating it. A call meanwhile may see a part of it; from its end on
//! every call sees all.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::domain::alias::Alias;
use crate::domain::declared::Facts;
use crate::domain::field_error::FieldError;
use crate::domain::scope::Scope;
use crate::ports::{Unavailable, World, WriteError};
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::denied::Denied;
use crate::service::failure::{Failure, Thing as Of};
use crate::service::page::Request;

use super::aliases::kept_line;
use super::kind::Context;
use super::outbox;
use super::serve::{Carried, Mode, Outcome, Serves};

/// The most things of one import.
pub const MAX_THINGS: usize = 500;
/// D1 runs at most 1,000 queries in a request. What does not fit any more is pending; as what is done takes only reading the next
/// time, an import that is repeated comes to its end: 500 reads leave room for 60 writes.
const MAX_QUERIES: u32 = 900;
const QUERIES_TO_READ: u32 = 1;
/// The row, its line in the change log, its number and place in the outbox, the limit.
const QUERIES_TO_WRITE: u32 = 6;

/// The kind whose things lines name.
const ALIAS: &str = "alias";

/// How many things an export has in memory: one may have half a megabyte, and it is there as a row, as JSON and as text.
const PAGE: u32 = 20;

/// How long an import writes before the object is told that it goes on. A thing takes 25 s at most, when others write it
/// too, and the object waits for a minute.
const PROLONG_MS: u64 = 20_000;

/// A thing of a file.
#[derive(Clone, Debug)]
pub struct Thing {
    /// The kind's singular.
    pub kind: String,
    pub name: String,
    pub body: Value,
}

/// What became of a thing of a file.
#[derive(Debug)]
pub struct Item {
    pub kind: String,
    pub name: String,
    pub outcome: Outcome,
}

/// Reading an account's things, kind by kind.
pub struct Export<W: World> {
    kinds: std::vec::IntoIter<&'static dyn Serves<W>>,
    open: Option<(&'static dyn Serves<W>, Option<String>)>,
}

impl<W: World> Export<W> {
    /// Of these kinds, by their plurals; of all when none are named.
    ///
    /// # Errors
    /// [`Failure::Invalid`] on field `kinds`.
    pub fn begin(app: &App<W>, session: &Session, named: Option<&str>) -> Result<Self, Failure> {
        let mut kinds = app.kinds();
        kinds.retain(|kind| kind.facts().is_exported);
        if let Some(named) = named {
            let named: Vec<&str> = named.split(',').map(str::trim).collect();
            let known: Vec<&str> = kinds.iter().map(|kind| kind.facts().plural).collect();
            if let Some(unknown) = named.iter().find(|name| !known.contains(name)) {
                let message = format!("`{unknown:.64}` is none of {}", known.join(", "));
                return Err(Failure::invalid("kinds", &message));
            }
            kinds.retain(|kind| named.contains(&kind.facts().plural));
        }
        kinds.iter().try_for_each(|kind| may(session, kind.facts(), false))?;
        Ok(Self { kinds: kinds.into_iter(), open: None })
    }

    /// The next page, which may be empty; `None` at the end.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn next(&mut self, cx: &Context<'_, W>) -> Result<Option<Vec<Thing>>, Failure> {
        let open = self.open.take().or_else(|| self.kinds.next().map(|kind| (kind, None)));
        let Some((kind, cursor)) = open else { return Ok(None) };
        let page = kind.carried(cx, &Request { limit: Some(PAGE.to_string()), cursor }).await?;
        self.open = page.next_cursor.map(|cursor| (kind, Some(cursor)));
        let named = |thing: Carried| Thing {
            kind: kind.facts().singular.to_owned(),
            name: thing.name,
            body: thing.body,
        };
        Ok(Some(page.rows.into_iter().map(named).collect()))
    }
}

/// A file to take in.
#[derive(Debug)]
pub struct Import {
    pub things: Vec<Thing>,
    pub mode: Mode,
    /// Only says what would become of the things.
    pub is_dry: bool,
}

impl Import {
    /// What became of each thing, in the file's order.
    ///
    /// # Errors
    /// [`Failure`]: when the directory did not answer, a part may have been written.
    pub async fn run<W: World>(self, app: &App<W>, session: &Session) -> Result<Vec<Item>, Failure> {
        if self.things.len() > MAX_THINGS {
            let message = format!("at most {MAX_THINGS} at once are taken, here are {}", self.things.len());
            return Err(Failure::invalid("declarations", &message));
        }
        let kinds: Vec<_> = app.kinds().into_iter().filter(|kind| kind.facts().is_exported).collect();
        let (mut items, ready) = sort(&kinds, self.things);
        let cx = Context { is_import: true, ..Context::new(app, Some(session)) };
        if ready.len() < items.len() {
            return Ok(items);
        }
        for (n, kind) in kinds.iter().enumerate() {
            if ready.iter().any(|ready| ready.kind == n) {
                may(session, kind.facts(), true)?;
                kind.allowed(&cx).await?;
            }
        }
        if self.is_dry {
            try_all(&cx, &kinds, &ready, self.mode, &mut items).await?;
            return Ok(items);
        }
        let write = async {
            let mut begun_at = app.world.now();
            let mut queries = 0;
            for Ready { at, kind, thing } in &ready {
                let Some((kind, item)) = kinds.get(*kind).zip(items.get_mut(*at)) else { continue };
                if app.world.now().since(begun_at) >= PROLONG_MS {
                    app.prolong_write(session.account.id).await?;
                    begun_at = app.world.now();
                }
                if queries >= MAX_QUERIES {
                    item.outcome = Outcome::Pending;
                    continue;
                }
                queries += QUERIES_TO_READ;
                item.outcome = match kind.take(&cx, thing, self.mode, false).await {
                    Ok(outcome) => {
                        let writes = matches!(outcome, Outcome::Created | Outcome::Updated);
                        queries += if writes { QUERIES_TO_WRITE } else { 0 };
                        outcome
                    }
                    Err(Failure::Unavailable(error)) => return Err(error),
                    Err(failure) => Outcome::Refused(Box::new(failure)),
                };
            }
            Ok::<(), Unavailable>(())
        };
        let written = app.write_through(session.account.id, write).await;
        outbox::deliver_after_answer(app, session.account.id);
        written?;
        Ok(items)
    }
}

/// Says what would become of each thing, those before it in the order of the kinds written.
async fn try_all<W: World>(
    cx: &Context<'_, W>,
    kinds: &[&'static dyn Serves<W>],
    ready: &[Ready],
    mode: Mode,
    items: &mut [Item],
) -> Result<(), Failure> {
    let mut coming: Vec<Alias> = Vec::new();
    let mut rooms: BTreeMap<usize, Option<(u32, u32)>> = BTreeMap::new();
    let mut queries = 0;
    for Ready { at, kind: n, thing } in ready {
        let Some((kind, item)) = kinds.get(*n).zip(items.get_mut(*at)) else { continue };
        if queries >= MAX_QUERIES {
            item.outcome = Outcome::Pending;
            continue;
        }
        let cx = Context { coming: &coming, ..*cx };
        let mut outcome = match kind.take(&cx, thing, mode, true).await {
            Ok(outcome) => outcome,
            Err(Failure::Unavailable(error)) => return Err(error.into()),
            Err(failure) => Outcome::Refused(Box::new(failure)),
        };
        if matches!(outcome, Outcome::Created) {
            let room = match rooms.entry(*n) {
                Entry::Occupied(room) => room.into_mut(),
                Entry::Vacant(room) => room.insert(kind.room(&cx).await?),
            };
            if let Some((most, number)) = room {
                match *number < *most {
                    true => *number += 1,
                    false => {
                        let full = WriteError::Full(*most);
                        outcome =
                            Outcome::Refused(Box::new(Failure::of_write(full, Of::Declared(kind.facts()))));
                    }
                }
            }
        }
        let is_written = matches!(outcome, Outcome::Created | Outcome::Updated);
        // The same queries are counted as the write makes.
        queries += QUERIES_TO_READ + if is_written { QUERIES_TO_WRITE } else { 0 };
        if is_written
            && kind.facts().singular == ALIAS
            && let Some(line) = thing.body.get("model").and_then(Value::as_str)
        {
            let line = kept_line(&cx, line).await?;
            coming.push(Alias { name: thing.name.clone(), line, updated_at: cx.app.world.now() });
        }
        item.outcome = outcome;
    }
    Ok(())
}

/// That the session's key has the scope of the kind.
fn may(session: &Session, kind: &Facts, writes: bool) -> Result<(), Failure> {
    let scope = kind.first_words().into_iter().find_map(|word| Scope::of_collection(word, writes));
    match scope.filter(|scope| !session.key.may(*scope)) {
        Some(scope) => Err(Denied::Scope(scope).into()),
        None => Ok(()),
    }
}

/// A fault as a field of the file's row: of the name, or of the body.
fn of_row(kind: &Facts, mut fault: FieldError) -> FieldError {
    let is_name = kind.parameters.iter().any(|parameter| parameter.name == fault.field);
    fault.field = if is_name { "name".to_owned() } else { format!("body.{}", fault.field) };
    fault
}

/// A thing that can be written.
struct Ready {
    /// Its place in the file.
    at: usize,
    /// The kind's place in the list.
    kind: usize,
    thing: Carried,
}

/// The things that can be written, in the order of their kinds; and an item for every thing, those that do not fit said so.
fn sort<W: World>(kinds: &[&'static dyn Serves<W>], things: Vec<Thing>) -> (Vec<Item>, Vec<Ready>) {
    let mut items = Vec::with_capacity(things.len());
    let mut ready = Vec::with_capacity(things.len());
    let mut seen = BTreeSet::new();
    for (at, thing) in things.into_iter().enumerate() {
        let found = kinds.iter().position(|kind| kind.facts().singular == thing.kind);
        let carried = Carried { name: thing.name.clone(), body: thing.body };
        let checked = match found.and_then(|n| Some((n, kinds.get(n)?))) {
            Some((n, kind)) => {
                let named =
                    |faults: Vec<FieldError>| faults.into_iter().map(|fault| of_row(kind.facts(), fault));
                kind.check(&carried).map(|()| n).map_err(|faults| named(faults).collect())
            }
            None => {
                let known: Vec<&str> = kinds.iter().map(|kind| kind.facts().singular).collect();
                let message = format!("must be one of {}", known.join(", "));
                Err(vec![FieldError { field: "kind".to_owned(), message }])
            }
        };
        let outcome = match checked {
            Ok(kind) if !seen.insert((kind, carried.name.clone())) => {
                let message = "stands in the file already".to_owned();
                Outcome::Invalid(vec![FieldError { field: "name".to_owned(), message }])
            }
            Ok(kind) => {
                ready.push(Ready { at, kind, thing: carried });
                Outcome::Skipped
            }
            Err(errors) => Outcome::Invalid(errors),
        };
        items.push(Item { kind: thing.kind, name: thing.name, outcome });
    }
    ready.sort_by_key(|ready| ready.kind);
    (items, ready)
}
