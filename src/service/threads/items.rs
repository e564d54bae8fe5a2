//! The items of a thread: read, one by one too, and appended.

use super::Visitor;
use super::begin::check_ids;
use super::refusal::{Error, refusal};
use crate::domain::message::Message;
use crate::domain::thread::command::{Answer, Command, Page};
use crate::domain::thread::fork::Cut;
use crate::domain::thread::id::{EntryId, RunId, ThreadRef};
use crate::domain::thread::view::{ItemView, ThreadView};
use crate::ports::World;
use crate::service::App;

/// How many items of a run are read at once.
pub const MAX_OF_RUN: u32 = 1_000;

impl Visitor {
    /// A page of the transcript; whether there is more.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn items<W: World>(
        &self,
        app: &App<W>,
        thread: &ThreadRef,
        page: Page,
    ) -> Result<(Vec<ItemView>, bool), Error> {
        match self.ask(app, thread.key(self.account), Command::Items(self.who(), page)).await? {
            Answer::Items { items, has_more } => Ok((self.shown_items(items), has_more)),
            other => Err(refusal("thread or item", other, None)),
        }
    }

    /// An item as it is kept, see [`crate::domain::message::stored`].
    ///
    /// # Errors
    /// [`Error`].
    pub async fn item<W: World>(&self, app: &App<W>, id: EntryId) -> Result<String, Error> {
        let copied = self.ask(app, id.run.thread, Command::Copy(self.who(), Cut::One(id))).await?;
        match copied {
            Answer::Copied(copied) => match copied.items.into_iter().next() {
                Some(copy) => Ok(copy.message),
                None => Err(Error::NotFound("item")),
            },
            other => Err(refusal("item", other, None)),
        }
    }

    /// An item as clients see it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn item_view<W: World>(&self, app: &App<W>, id: EntryId) -> Result<ItemView, Error> {
        let thread = ThreadRef::Key(id.run.thread);
        // Behind it, the other way around, stands the one before it.
        let page = |after, newest_first| Page { after, newest_first, limit: 1, run: None };
        let (before, _) = self.items(app, &thread, page(Some(id), true)).await?;
        let from = before.first().map(|item| item.id);
        let (items, _) = self.items(app, &thread, page(from, false)).await?;
        items.into_iter().find(|item| item.id == id).ok_or(Error::NotFound("item"))
    }

    /// The last item of a run.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn last_of<W: World>(&self, app: &App<W>, run: RunId) -> Result<EntryId, Error> {
        let visitor = self.clone().under(None);
        let mut last = None;
        loop {
            let page = Page { after: last, newest_first: false, limit: MAX_OF_RUN, run: Some(run.number) };
            let (items, has_more) = visitor.items(app, &ThreadRef::Key(run.thread), page).await?;
            last = items.last().map(|item| item.id).or(last);
            if !has_more || items.is_empty() {
                return last.ok_or(Error::NotFound("run"));
            }
        }
    }

    /// Takes an item out of the transcript.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_item<W: World>(&self, app: &App<W>, id: EntryId) -> Result<ThreadView, Error> {
        self.may_go(app, &ThreadRef::Key(id.run.thread)).await?;
        match self.ask(app, id.run.thread, Command::DeleteItem(self.who(), id)).await? {
            Answer::Thread { thread, .. } => Ok(*thread),
            other => Err(refusal("item", other, None)),
        }
    }

    /// Appends to the transcript.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn append<W: World>(
        &self,
        app: &App<W>,
        thread: &ThreadRef,
        messages: Vec<Message>,
    ) -> Result<Vec<ItemView>, Error> {
        let key = thread.key(self.account);
        check_ids(key, "items", &messages)?;
        self.claim(app, key, false).await?;
        match self.ask(app, key, Command::Append(self.who(), messages)).await? {
            Answer::Items { items, .. } => Ok(items),
            other => Err(refusal("thread", other, None)),
        }
    }
}
