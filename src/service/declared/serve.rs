//! A kind as the HTTP layer serves it: whatever its types are, text comes in and JSON goes out, so that one set of handlers
//! serves all kinds.

use std::marker::PhantomData;

use futures_util::future::BoxFuture;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use crate::domain::declared::Facts;
use crate::domain::field_error::FieldError;
use crate::domain::json;
use crate::domain::patch::Patch;
use crate::domain::read_only;
use crate::ports::World;
use crate::service::failure::Failure;
use crate::service::page::{Page, Request};
use crate::service::precondition::Precondition;

use super::kind::{Context, Kind, KindList, Query, Visitor};
use super::{allowed, create, delete, get, json_of, patch, put, read, tag_of, take};

/// A thing, ready to be shown.
#[derive(Clone, Debug)]
pub struct Shown {
    pub name: String,
    pub view: Box<RawValue>,
    /// Its entity tag, without quotes.
    pub tag: String,
}

/// A thing as a file carries it.
#[derive(Clone, Debug, PartialEq)]
pub struct Carried {
    pub name: String,
    pub body: Value,
}

/// What is done with a thing that the account has already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Skip,
    Update,
}

/// What became of a thing.
#[derive(Debug)]
pub enum Outcome {
    Created,
    Updated,
    Unchanged,
    Skipped,
    /// Its own fields do not fit.
    Invalid(Vec<FieldError>),
    /// It was not looked at: repeat the import.
    Pending,
    /// It was not written, for a reason that lies in what the account has.
    Refused(Box<Failure>),
}

/// What a kind answers.
pub type Served<'a, T> = BoxFuture<'a, Result<T, Failure>>;

/// A kind whose types are not known. Errors are [`Failure`]s.
pub trait Serves<W: World>: Send + Sync {
    fn facts(&self) -> &'static Facts;
    fn list<'a>(&self, cx: &'a Context<'a, W>, query: &'a Query) -> Served<'a, Page<Box<RawValue>>>;
    fn get<'a>(&self, cx: &'a Context<'a, W>, name: &'a str) -> Served<'a, Shown>;
    fn create<'a>(&self, cx: &'a Context<'a, W>, body: Map<String, Value>) -> Served<'a, Shown>;
    /// What is only shown may be in the body as it is.
    fn put<'a>(
        &self,
        cx: &'a Context<'a, W>,
        name: &'a str,
        body: Map<String, Value>,
        precondition: &'a Precondition,
    ) -> Served<'a, Shown>;
    /// What is only shown may be in the patch as it is.
    fn patch<'a>(
        &self,
        cx: &'a Context<'a, W>,
        name: &'a str,
        patch: Patch,
        precondition: &'a Precondition,
    ) -> Served<'a, Shown>;
    fn delete<'a>(
        &self,
        cx: &'a Context<'a, W>,
        name: &'a str,
        precondition: &'a Precondition,
    ) -> Served<'a, ()>;
    /// A page of the account's own things.
    fn carried<'a>(&self, cx: &'a Context<'a, W>, page: &'a Request) -> Served<'a, Page<Carried>>;
    /// # Errors
    /// [`Failure::PlanLacks`], when the account's plan does not have the kind.
    fn allowed<'a>(&self, cx: &'a Context<'a, W>) -> Served<'a, ()>;
    /// The most things of the kind, and how many there are; `None` where as many as one likes may be.
    fn room<'a>(&self, cx: &'a Context<'a, W>) -> Served<'a, Option<(u32, u32)>>;
    /// # Errors
    /// What is wrong with a thing's own fields, whatever else there is.
    fn check(&self, thing: &Carried) -> Result<(), Vec<FieldError>>;
    /// Takes a thing of a file in; of a dry run only says what would become of it.
    fn take<'a>(
        &self,
        cx: &'a Context<'a, W>,
        thing: &'a Carried,
        how: Mode,
        is_dry: bool,
    ) -> Served<'a, Outcome>;
}

/// A kind, its types forgotten.
pub fn of<K: Kind, W: World>() -> &'static dyn Serves<W> {
    Of::<K>::ALL
}

/// The kinds of a list, in its order.
pub fn serving<W: World, L: KindList>() -> Vec<&'static dyn Serves<W>> {
    let mut collect = Collect(Vec::new());
    L::visit(&mut collect);
    collect.0
}

struct Collect<W: World>(Vec<&'static dyn Serves<W>>);

impl<W: World> Visitor for Collect<W> {
    fn kind<K: Kind>(&mut self) {
        self.0.push(of::<K, W>());
    }
}

struct Of<K>(PhantomData<fn() -> K>);

impl<K: Kind> Of<K> {
    const ALL: &'static Self = &Self(PhantomData);
}

/// As it is shown in answer to a read, or to the write that made it.
pub(in crate::service) fn shown<K: Kind>(row: &K::Row) -> Shown {
    let view = json_of::<K>(row);
    let tag = tag_of(&view);
    let view = match K::once(row) {
        None => view,
        Some((name, value)) => {
            let mut fields: Map<String, Value> = serde_json::from_str(view.get()).unwrap_or_default();
            fields.insert(name.to_owned(), value);
            to_raw_value(&fields).unwrap_or(view)
        }
    };
    Shown { name: K::name_of(row), tag, view }
}

/// Leaves out what whoever read the thing sends back with it; what was not so is returned.
async fn leave_out_shown<K: Kind, W: World>(
    cx: &Context<'_, W>,
    name: &str,
    body: &mut Map<String, Value>,
) -> Result<Vec<FieldError>, Failure> {
    let written = json::fields_of::<K::Body>();
    if !read_only::is_needed(body, written) {
        return Ok(Vec::new());
    }
    match get::<K, W>(cx, name).await {
        // Nothing is shown yet: then these are fields that there are not.
        Err(Failure::Missing(_)) => Ok(Vec::new()),
        Err(failure) => Err(failure),
        Ok(row) => {
            let shown = serde_json::from_str(json_of::<K>(&row).get()).unwrap_or_default();
            Ok(read_only::leave_out(body, &shown, written).err().unwrap_or_default())
        }
    }
}

/// Null is what a field is when it is left out.
fn without_nulls(mut body: Value) -> Value {
    if let Value::Object(fields) = &mut body {
        fields.retain(|_, value| !value.is_null());
    }
    body
}

impl<K: Kind, W: World> Serves<W> for Of<K> {
    fn facts(&self) -> &'static Facts {
        K::facts()
    }

    fn list<'a>(&self, cx: &'a Context<'a, W>, query: &'a Query) -> Served<'a, Page<Box<RawValue>>> {
        Box::pin(async move {
            let page = K::list(cx, query).await?;
            let rows = page.rows.iter().map(json_of::<K>).collect();
            Ok(Page { rows, next_cursor: page.next_cursor })
        })
    }

    fn get<'a>(&self, cx: &'a Context<'a, W>, name: &'a str) -> Served<'a, Shown> {
        Box::pin(async move { Ok(shown::<K>(&get::<K, W>(cx, name).await?)) })
    }

    fn create<'a>(&self, cx: &'a Context<'a, W>, body: Map<String, Value>) -> Served<'a, Shown> {
        Box::pin(async move { Ok(shown::<K>(&create::<K, W>(cx, body).await?.1)) })
    }

    fn put<'a>(
        &self,
        cx: &'a Context<'a, W>,
        name: &'a str,
        mut body: Map<String, Value>,
        precondition: &'a Precondition,
    ) -> Served<'a, Shown> {
        Box::pin(async move {
            let noted = leave_out_shown::<K, W>(cx, name, &mut body).await?;
            Ok(shown::<K>(&put::<K, W>(cx, name, body, noted, precondition).await?.1))
        })
    }

    fn patch<'a>(
        &self,
        cx: &'a Context<'a, W>,
        name: &'a str,
        mut change: Patch,
        precondition: &'a Precondition,
    ) -> Served<'a, Shown> {
        Box::pin(async move {
            let noted = match &mut change {
                Patch::Merge(fields) => leave_out_shown::<K, W>(cx, name, fields).await?,
                Patch::Operations(_) => Vec::new(),
            };
            Ok(shown::<K>(&patch::<K, W>(cx, name, &change, &noted, precondition).await?.1))
        })
    }

    fn delete<'a>(
        &self,
        cx: &'a Context<'a, W>,
        name: &'a str,
        precondition: &'a Precondition,
    ) -> Served<'a, ()> {
        Box::pin(async move { delete::<K, W>(cx, name, precondition).await })
    }

    fn carried<'a>(&self, cx: &'a Context<'a, W>, page: &'a Request) -> Served<'a, Page<Carried>> {
        Box::pin(async move {
            let query = Query { page: page.clone(), filters: Vec::new() };
            let page = K::list(cx, &query).await?;
            let own = page.rows.iter().filter(|row| K::is_own(cx, row));
            let rows =
                own.map(|row| Carried { name: K::name_of(row), body: without_nulls(K::body(row)) }).collect();
            Ok(Page { rows, next_cursor: page.next_cursor })
        })
    }

    fn allowed<'a>(&self, cx: &'a Context<'a, W>) -> Served<'a, ()> {
        Box::pin(allowed::<K, W>(cx))
    }

    fn room<'a>(&self, cx: &'a Context<'a, W>) -> Served<'a, Option<(u32, u32)>> {
        Box::pin(K::room(cx))
    }

    fn check(&self, thing: &Carried) -> Result<(), Vec<FieldError>> {
        let read = read::<K>(&thing.name, &thing.body, Vec::new())?;
        if read.faults.is_empty() { Ok(()) } else { Err(read.faults) }
    }

    fn take<'a>(
        &self,
        cx: &'a Context<'a, W>,
        thing: &'a Carried,
        how: Mode,
        is_dry: bool,
    ) -> Served<'a, Outcome> {
        Box::pin(async move { take::<K, W>(cx, thing, how, is_dry).await.map(|(outcome, _)| outcome) })
    }
}
