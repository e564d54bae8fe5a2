//! What the kit asks of a kind, and what a list of kinds is.

use std::fmt::Display;
use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::alias::Alias;
use crate::domain::change::Change;
use crate::domain::declared::Facts;
use crate::domain::field_error::FieldError;
use crate::domain::time::Millis;
use crate::ports::{Directory, Unavailable, World, WriteError};
use crate::service::App;
use crate::service::authenticate::Session;
use crate::service::denied::Denied;
use crate::service::failure::Failure;
use crate::service::page::{Page, Request};

/// A kind of declared things.
///
/// Implemented by hand where things are stored or checked in their own way; [`super::plain::Plain`] implements it for all
/// others.
pub trait Kind: Send + Sync + 'static {
    /// What a path names a thing by.
    type Name: Clone + Display + Send + Sync;
    /// A thing as it is stored.
    type Row: Clone + Send + Sync;
    /// A thing as a client writes it.
    type Body: DeserializeOwned + ToSchema + Send + Sync;
    /// A body that was checked as far as it can be without reading anything.
    type Draft: Send + Sync;
    /// A thing as it is shown.
    type View: Serialize + ToSchema;

    fn facts() -> &'static Facts;

    /// `None` when no thing can have this name.
    fn name(text: &str) -> Option<Self::Name>;

    /// A new name, for kinds whose things are named by the platform.
    fn new_name<W: World>(_: &App<W>) -> Option<Self::Name> {
        None
    }

    /// # Errors
    /// Every field that does not fit, the name among them.
    fn check(name: &str, body: Self::Body) -> Result<(Self::Name, Self::Draft), Vec<FieldError>>;

    /// What is shown, as JSON.
    fn view(row: &Self::Row) -> Self::View;

    /// A field that is shown in the answer to the write that made it, and never again.
    fn once(_: &Self::Row) -> Option<(&'static str, Value)> {
        None
    }

    /// As PUT takes it, without the name and without secrets: what a patch is laid over, and what files carry.
    fn body(row: &Self::Row) -> Value;

    /// For the change log.
    fn logged(row: &Self::Row) -> Value {
        Self::body(row)
    }

    /// What the change log adds to the state after an update that [`Kind::logged`] does not show.
    fn annotate(_read: &Self::Row, _row: &Self::Row) -> Option<(&'static str, Value)> {
        None
    }

    /// Whether a write of `row` over `read` would change nothing.
    fn is_same(read: &Self::Row, row: &Self::Row) -> bool {
        Self::logged(read) == Self::logged(row)
    }

    /// Whether whoever asks may write this row; otherwise it is the platform's, which shows until there is an own one.
    fn is_own<W: World>(_: &Context<'_, W>, _: &Self::Row) -> bool {
        true
    }

    /// The row's name, for the change log, cursors and files.
    fn name_of(row: &Self::Row) -> String;

    /// When the row was last written: writers distinguish its states by this.
    fn updated_at(row: &Self::Row) -> Millis;

    /// The own row, else the platform's.
    fn find<W: World>(
        cx: &Context<'_, W>,
        name: &Self::Name,
    ) -> impl Future<Output = Result<Option<Self::Row>, Failure>> + Send;

    fn list<W: World>(
        cx: &Context<'_, W>,
        query: &Query,
    ) -> impl Future<Output = Result<Page<Self::Row>, Failure>> + Send;

    /// The row to write over `read`, last written `at`; it checks what [`Kind::check`] could not.
    fn make<W: World>(
        cx: &Context<'_, W>,
        name: &Self::Name,
        draft: &Self::Draft,
        read: Option<&Self::Row>,
        at: Millis,
    ) -> impl Future<Output = Result<Self::Row, Failure>> + Send;

    /// The most things of the kind, and how many there are; `None` where as many as one likes may be.
    fn room<W: World>(
        _: &Context<'_, W>,
    ) -> impl Future<Output = Result<Option<(u32, u32)>, Failure>> + Send {
        async { Ok(None) }
    }

    /// What would be left without the row if it were deleted, in words: lines that name it.
    fn named_by<W: World>(
        _: &Context<'_, W>,
        _: &Self::Row,
    ) -> impl Future<Output = Result<Vec<String>, Failure>> + Send {
        async { Ok(Vec::new()) }
    }

    /// Writes with the line of the change log, or nothing; [`WriteError::Moved`] when `write.read` is no longer there.
    fn write<W: World>(
        cx: &Context<'_, W>,
        write: Write<'_, Self::Row>,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
}

/// A write of a row.
#[derive(Debug)]
pub enum Write<'a, R> {
    Put { row: &'a R, read: Option<&'a R> },
    Delete { read: &'a R },
}

/// Who asks, and of whom.
pub struct Context<'a, W: World> {
    pub app: &'a App<W>,
    /// `None`: the operator, for what the platform offers to all accounts.
    pub session: Option<&'a Session>,
    /// Whether the write is one of an import's, around which the epoch advances.
    pub(super) is_import: bool,
    /// Whether a thing is deleted although lines name it.
    pub(super) is_forced: bool,
    /// In a dry run the aliases that the write would have made before.
    pub(super) coming: &'a [Alias],
}

impl<'a, W: World> Context<'a, W> {
    pub const fn new(app: &'a App<W>, session: Option<&'a Session>) -> Self {
        Self { app, session, is_import: false, is_forced: false, coming: &[] }
    }

    /// The same, for deleting a thing although lines name it.
    #[must_use]
    pub const fn forced(self, is_forced: bool) -> Self {
        Self { is_forced, ..self }
    }
}

impl<W: World> Context<'_, W> {
    /// # Errors
    /// [`Denied::OperatorIsNoAccount`].
    pub(super) fn session(&self) -> Result<&Session, Failure> {
        self.session.ok_or(Failure::Denied(Denied::OperatorIsNoAccount))
    }

    /// The account's rows.
    ///
    /// # Errors
    /// As [`Context::session`].
    pub(super) fn tenant(&self) -> Result<<W::Directory as Directory>::Tenant, Failure> {
        Ok(self.app.world.directory().tenant(self.session()?.account.id))
    }

    /// The same for [`Kind::write`]. The operator does not come here for what the platform does not offer.
    pub(super) fn tenant_to_write(&self) -> Result<<W::Directory as Directory>::Tenant, Unavailable> {
        let session = self.session.ok_or_else(|| Unavailable("the operator has no account".to_owned()))?;
        Ok(self.app.world.directory().tenant(session.account.id))
    }
}

/// What a list is asked for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    pub page: Request,
    /// The words of the kind's filters, in their order.
    pub filters: Vec<Vec<String>>,
}

impl Query {
    /// The words of the n-th filter.
    pub(super) fn filter(&self, n: usize) -> Vec<String> {
        self.filters.get(n).cloned().unwrap_or_default()
    }
}

/// Takes each kind of a list.
pub trait Visitor {
    fn kind<K: Kind>(&mut self);
}

/// A list of kinds.
pub trait KindList {
    fn visit(visitor: &mut impl Visitor);
}
