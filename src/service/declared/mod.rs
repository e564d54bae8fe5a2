//! The kit for configured things: read → check → compare → write with the change log → epoch → answer, once for all
//! kinds ([`crate::domain::declared`]).
//!
//! A write replaces the row as it was read and is retried when another writer was faster. What changes nothing is not
//! written. `If-Match` and `If-None-Match` are compared with what GET shows, on every try. What a kind has of its own is
//! in its file here; [`plain`] serves those that have nothing.

mod aliases;
mod exchange;
mod kind;
mod lines;
mod list;
pub mod members;
mod models;
mod outbox;
mod patched;
mod plain;
mod providers;
mod serve;
mod templates;
pub(in crate::service) mod webhooks;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::domain::change::{Action, Actor, Change, Subject};
use crate::domain::declared::{Audience, Naming};
use crate::domain::field_error::{FieldError, FieldErrors, beside};
use crate::domain::json;
use crate::domain::patch::Patch;
use crate::domain::time::Millis;
use crate::ports::{World, WriteError};

use super::account;
use super::failure::{Failure, Thing};
use super::precondition::Precondition;
use super::retry::{retry, written_at};

pub use exchange::{Export, Import, Item, Thing as CarriedThing};
pub use kind::{Context, Kind, KindList, Query, Visitor, Write};
pub use list::Kinds;
pub use models::{Known, known, pair};
pub(super) use outbox::{deliver_all, deliver_now};
pub use plain::Plain;
pub(super) use serve::shown;
pub use serve::{Carried, Mode, Outcome, Served, Serves, Shown, of, serving};
pub(super) use templates::fill;

/// That a thing is as a request wants it.
fn check<K: Kind>(precondition: &Precondition, shown: Option<&K::Row>) -> Result<(), Failure> {
    precondition.check_tag(Thing::Declared(K::facts()), shown.map(|row| || tag::<K>(row)))
}

/// The entity tag: two rows that are shown alike have the same. 64 bits of SHA-256, in hexadecimal digits.
fn tag<K: Kind>(row: &K::Row) -> String {
    tag_of(&json_of::<K>(row))
}

fn tag_of(view: &RawValue) -> String {
    tag_of_text(view.get())
}

/// The entity tag of what is shown as this JSON.
pub(super) fn tag_of_text(json: &str) -> String {
    let digest = Sha256::digest(json);
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// What is shown, as JSON in the order of its type's fields.
fn json_of<K: Kind>(row: &K::Row) -> Box<RawValue> {
    to_raw_value(&K::view(row)).unwrap_or_default()
}

const fn missing<K: Kind>() -> impl Fn() -> Failure {
    || Failure::Missing(Thing::Declared(K::facts()))
}

/// The own thing of this name, else the platform's.
///
/// # Errors
/// [`Failure`].
async fn get<K: Kind, W: World>(cx: &Context<'_, W>, name: &str) -> Result<K::Row, Failure> {
    let name = K::name(name).ok_or_else(missing::<K>())?;
    K::find(cx, &name).await?.ok_or_else(missing::<K>())
}

/// What is to be done with a thing.
enum Order<'a, K: Kind> {
    /// Insert or replace; a thing that the platform names is only replaced.
    Put(K::Draft),
    Insert(K::Draft),
    /// Lay a change over it: over the platform's, where the account has none of its own, it makes one.
    Patch(&'a Patch),
    /// Take it in from a file.
    Take {
        draft: K::Draft,
        mode: Mode,
        is_dry: bool,
    },
}

/// What became of a thing, and how it is now.
type Done<K> = (Outcome, <K as Kind>::Row);

/// A body as a draft, with what is wrong with the body so far.
struct Read<K: Kind> {
    name: K::Name,
    draft: K::Draft,
    faults: Vec<FieldError>,
}

/// Reads what fits of a body and checks that, so that one answer names all faults.
///
/// # Errors
/// Every field that does not fit, where no draft can be made of the others.
fn read<K: Kind>(name: &str, body: &Value, noted: Vec<FieldError>) -> Result<Read<K>, Vec<FieldError>> {
    let mut errors = FieldErrors::default();
    errors.join(Err(noted));
    let (body, faults) = json::read_partly::<K::Body>(body);
    errors.absorb(faults);
    let checked = body.map(|body| K::check(name, body).map_err(|faults| errors.join_new(Err(faults))));
    let faults = errors.finish().err().unwrap_or_default();
    match checked {
        Some(Ok((name, draft))) => Ok(Read { name, draft, faults }),
        Some(Err(())) | None => Err(faults),
    }
}

/// # Errors
/// [`Failure`].
async fn put<K: Kind, W: World>(
    cx: &Context<'_, W>,
    name: &str,
    body: Map<String, Value>,
    noted: Vec<FieldError>,
    precondition: &Precondition,
) -> Result<Done<K>, Failure> {
    if K::facts().naming == Naming::ByPlatform && K::name(name).is_none() {
        return Err(missing::<K>()());
    }
    allowed::<K, W>(cx).await?;
    let Read { name, draft, faults } = read::<K>(name, &body.into(), noted)?;
    carry_out(cx, &name, Order::<K>::Put(draft), &faults, precondition).await
}

/// # Errors
/// [`Failure`]; without a thing having been made, unless the directory lost its answer.
async fn create<K: Kind, W: World>(
    cx: &Context<'_, W>,
    body: Map<String, Value>,
) -> Result<Done<K>, Failure> {
    allowed::<K, W>(cx).await?;
    let name = K::new_name(cx.app).ok_or_else(missing::<K>())?;
    let Read { name, draft, faults } = read::<K>(&name.to_string(), &body.into(), Vec::new())?;
    carry_out(cx, &name, Order::<K>::Insert(draft), &faults, &Precondition::None).await
}

/// # Errors
/// [`Failure`].
async fn patch<K: Kind, W: World>(
    cx: &Context<'_, W>,
    name: &str,
    patch: &Patch,
    noted: &[FieldError],
    precondition: &Precondition,
) -> Result<Done<K>, Failure> {
    let name = K::name(name).ok_or_else(missing::<K>())?;
    allowed::<K, W>(cx).await?;
    carry_out(cx, &name, Order::<K>::Patch(patch), noted, precondition).await
}

/// # Errors
/// [`Failure`].
async fn take<K: Kind, W: World>(
    cx: &Context<'_, W>,
    thing: &Carried,
    mode: Mode,
    is_dry: bool,
) -> Result<Done<K>, Failure> {
    let Read { name, draft, faults } = read::<K>(&thing.name, &thing.body, Vec::new())?;
    let order: Order<'_, K> = Order::Take { draft, mode, is_dry };
    carry_out(cx, &name, order, &faults, &Precondition::None).await
}

/// Deletes the own thing; the platform's of the same name, if there is one, shows again.
///
/// # Errors
/// [`Failure`].
async fn delete<K: Kind, W: World>(
    cx: &Context<'_, W>,
    name: &str,
    precondition: &Precondition,
) -> Result<(), Failure> {
    let name = K::name(name).ok_or_else(missing::<K>())?;
    retry(cx.app, || async {
        let shown = K::find(cx, &name).await?;
        check::<K>(precondition, shown.as_ref())?;
        remove::<K, W>(cx, shown.ok_or_else(missing::<K>())?).await
    })
    .await
}

/// Tries until no other writer is faster.
async fn carry_out<K: Kind, W: World>(
    cx: &Context<'_, W>,
    name: &K::Name,
    order: Order<'_, K>,
    noted: &[FieldError],
    precondition: &Precondition,
) -> Result<Done<K>, Failure> {
    retry(cx.app, || try_once(cx, name, &order, noted, precondition)).await
}

async fn try_once<K: Kind, W: World>(
    cx: &Context<'_, W>,
    name: &K::Name,
    order: &Order<'_, K>,
    noted: &[FieldError],
    precondition: &Precondition,
) -> Result<Done<K>, Failure> {
    let mut faults = noted.to_vec();
    let shown = match order {
        Order::Insert(_) => None,
        _ => K::find(cx, name).await?,
    };
    check::<K>(precondition, shown.as_ref())?;
    let patched_draft;
    let (draft, shown, is_dry) = match (order, shown) {
        (Order::Put(_), None) if K::facts().naming == Naming::ByPlatform => return Err(missing::<K>()()),
        (Order::Patch(_), None) => return Err(missing::<K>()()),
        (Order::Take { mode: Mode::Skip, .. }, Some(row)) if K::is_own(cx, &row) => {
            return Ok((Outcome::Skipped, row));
        }
        (Order::Patch(patch), Some(row)) => {
            let changed = patched::patched::<K>(&row, patch, &mut faults)?;
            let patched = read::<K>(&name.to_string(), &changed, faults)?;
            faults = patched.faults;
            patched_draft = patched.draft;
            (&patched_draft, Some(row), false)
        }
        (Order::Take { draft, is_dry, .. }, shown) => (draft, shown, *is_dry),
        (Order::Put(draft) | Order::Insert(draft), shown) => (draft, shown, false),
    };
    let (read, platforms) = match shown {
        Some(row) if K::is_own(cx, &row) => (Some(row), None),
        platforms => (None, platforms),
    };
    let at = written_at(cx.app.world.now(), read.as_ref().map(K::updated_at));
    let row = with_faults(faults, K::make(cx, name, draft, read.as_ref(), at).await)?;
    match platforms {
        // Whoever sends back what the platform offers does not want it apart from then on.
        Some(platforms) if !matches!(order, Order::Take { .. }) && K::is_same(&platforms, &row) => {
            Ok((Outcome::Unchanged, platforms))
        }
        _ => save::<K, W>(cx, row, read, is_dry).await,
    }
}

/// What was made, unless there were faults before: then these, and those that were found while it was made.
fn with_faults<T>(faults: Vec<FieldError>, made: Result<T, Failure>) -> Result<T, Failure> {
    match made {
        Ok(made) => Ok(beside(faults, Ok(made))?),
        Err(Failure::Invalid(more)) => Ok(beside(faults, Err(more))?),
        Err(failure) => Err(failure),
    }
}

async fn remove<K: Kind, W: World>(cx: &Context<'_, W>, read: K::Row) -> Result<(), Failure> {
    if !K::is_own(cx, &read) {
        return Err(Failure::PlatformsOwn(Thing::Declared(K::facts())));
    }
    if K::facts().is_named_in_lines && !cx.is_forced {
        let named_by = K::named_by(cx, &read).await?;
        if !named_by.is_empty() {
            return Err(Failure::NamedBy(Thing::Declared(K::facts()), named_by));
        }
    }
    let change = change::<K, W>(cx, Some(&read), None);
    write::<K, W>(cx, Write::Delete { read: &read }, &change).await
}

/// Replaces a thing by what `edit` makes of it, without the checks of what a client writes.
///
/// # Errors
/// [`Failure`].
pub(super) async fn edit<K: Kind, W: World>(
    cx: &Context<'_, W>,
    name: &K::Name,
    edit: impl Fn(&K::Row, Millis) -> Result<K::Row, Failure> + Send + Sync,
) -> Result<K::Row, Failure> {
    retry(cx.app, || async {
        let read = K::find(cx, name).await?.ok_or_else(missing::<K>())?;
        let row = edit(&read, written_at(cx.app.world.now(), Some(K::updated_at(&read))))?;
        save::<K, W>(cx, row, Some(read), false).await
    })
    .await
    .map(|(_, row)| row)
}

/// That the account's plan lets it write things of this kind.
async fn allowed<K: Kind, W: World>(cx: &Context<'_, W>) -> Result<(), Failure> {
    match (K::facts().feature, cx.session) {
        (Some(feature), Some(session)) => account::require(cx.app, session, feature).await,
        _ => Ok(()),
    }
}

/// Writes a row over the one that was read, unless it is the same or the run is dry.
async fn save<K: Kind, W: World>(
    cx: &Context<'_, W>,
    row: K::Row,
    read: Option<K::Row>,
    is_dry: bool,
) -> Result<Done<K>, Failure> {
    let outcome = match &read {
        None => Outcome::Created,
        Some(read) if K::is_same(read, &row) => return Ok((Outcome::Unchanged, read.clone())),
        Some(_) => Outcome::Updated,
    };
    if !is_dry {
        let change = change::<K, W>(cx, read.as_ref(), Some(&row));
        write::<K, W>(cx, Write::Put { row: &row, read: read.as_ref() }, &change).await?;
    }
    Ok((outcome, row))
}

/// The line of the change log.
fn change<K: Kind, W: World>(cx: &Context<'_, W>, read: Option<&K::Row>, row: Option<&K::Row>) -> Change {
    let action = match (read, row) {
        (None, _) => Action::Create,
        (Some(_), Some(_)) => Action::Update,
        (Some(_), None) => Action::Delete,
    };
    let by = cx.session.map_or(Actor::Operator, |session| session.actor());
    let name = read.or(row).map(K::name_of).unwrap_or_default();
    let subject = Subject::of(K::facts());
    let mut change = cx.app.change(by, action, subject, name, read.map(K::logged), row.map(K::logged));
    let note = read.zip(row).and_then(|(read, row)| K::annotate(read, row));
    if let (Some((field, value)), Some(Value::Object(after))) = (note, &mut change.after) {
        after.insert(field.to_owned(), value);
    }
    change
}

/// Writes; where calls read the kind, with the epoch's advance, and where an object keeps copies, it is told.
async fn write<K: Kind, W: World>(
    cx: &Context<'_, W>,
    write: Write<'_, K::Row>,
    change: &Change,
) -> Result<(), Failure> {
    let facts = K::facts();
    let written = match cx.session {
        // Of an import the epoch advances once.
        Some(session) if facts.reaches_calls && !cx.is_import => {
            cx.app.write_through(session.account.id, K::write(cx, write, change)).await
        }
        _ => K::write(cx, write, change).await,
    };
    written.map_err(|error: WriteError| Failure::of_write(error, Thing::Declared(facts)))?;
    if let (true, Some(session), false) = (facts.audience != Audience::None, cx.session, cx.is_import) {
        outbox::deliver_after_answer(cx.app, session.account.id);
    }
    Ok(())
}
