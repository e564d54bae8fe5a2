//! A thread copied from another: its items pass from one object to the other in pages.

use super::Visitor;
use super::refusal::{Error, refusal};
use crate::domain::field_error::FieldError;
use crate::domain::thread::command::{Answer, Command, Create, Fork};
use crate::domain::thread::fork::{Copied, Cut, Origin, Progress};
use crate::domain::thread::id::{EntryId, ThreadKey, ThreadName, ThreadRef};
use crate::domain::thread::view::ThreadView;
use crate::ports::{Unavailable, World};
use crate::service::App;
use crate::service::claims;

/// The most pages that one request passes on. Two that follow each other have more than 1 MB or 1,000 items, so that the largest
/// copy has 230; others may copy the same meanwhile.
const MAX_PAGES: u32 = 450;

impl Visitor {
    /// Copies a thread up to and with an item, or all of it; says whether the copy is new.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`] where it would be too large, [`Error::Conflict`] where the name is another
    /// thread's.
    pub async fn fork<W: World>(
        &self,
        app: &App<W>,
        thread: &ThreadRef,
        after: Option<EntryId>,
        name: Option<ThreadName>,
    ) -> Result<(ThreadView, bool), Error> {
        self.copy(app, thread.key(self.account), after, (name, false)).await
    }

    /// A copy up to and with an item, for the run that is to go on from there: it may answer the calls that stand open. The
    /// same for the same request under a key, which is good for that run.
    ///
    /// # Errors
    /// As [`Self::fork`].
    pub async fn branch<W: World>(
        &self,
        app: &App<W>,
        source: ThreadKey,
        after: EntryId,
    ) -> Result<ThreadKey, Error> {
        self.copy(app, source, Some(after), (None, true)).await.map(|(thread, _)| thread.id)
    }

    async fn copy<W: World>(
        &self,
        app: &App<W>,
        source: ThreadKey,
        after: Option<EntryId>,
        (name, keeps_open): (Option<ThreadName>, bool),
    ) -> Result<(ThreadView, bool), Error> {
        // The key of a request is good for one thing in an object.
        let asker = if keeps_open { self.clone().under(None) } else { self.clone() };
        let mut page = self.copied(app, source, Cut::UpTo(after)).await?;
        let create = self.copy_of(app, source, &page, name)?;
        let key = create.key;
        let room = self.claim(app, key, true).await?;
        let origin = Origin { thread: source, after: page.after };
        let mut progress = Progress { behind: 0, until: page.until };
        for _ in 0..MAX_PAGES {
            let Progress { behind, until } = progress;
            let (create, is_whole) = (create.clone(), after.is_none());
            let Copied { items, next, horizon, titled_by, .. } = page;
            let fork =
                Fork { create, origin, is_whole, until, behind, items, next, horizon, titled_by, keeps_open };
            progress = match asker.ask(app, key, Command::Fork(Box::new(fork))).await? {
                Answer::Thread { thread, is_new } => {
                    if !is_new {
                        claims::settle(app, self.account, &room, None).await;
                    }
                    return Ok((*thread, is_new));
                }
                Answer::Copying(progress) => progress,
                other => {
                    claims::settle(app, self.account, &room, None).await;
                    return Err(refusal("thread", other, None));
                }
            };
            let Progress { behind, until } = progress;
            page = self.copied(app, source, Cut::Between { behind, until }).await?;
        }
        Err(Unavailable(format!("the copy of {source} had not ended after {MAX_PAGES} pages")).into())
    }

    async fn copied<W: World>(&self, app: &App<W>, source: ThreadKey, cut: Cut) -> Result<Copied, Error> {
        match self.ask(app, source, Command::Copy(self.who(), cut)).await? {
            Answer::Copied(copied) => Ok(*copied),
            other => Err(refusal("thread or item", other, None)),
        }
    }

    /// What the copy will be; the same for the same request.
    fn copy_of<W: World>(
        &self,
        app: &App<W>,
        source: ThreadKey,
        page: &Copied,
        name: Option<ThreadName>,
    ) -> Result<Create, Error> {
        let (account, agent) = (self.account, page.agent);
        let key = match &name {
            Some(name) => ThreadKey::of_name(account, name),
            None => self.unnamed(app, agent, &format!("fork {source}")),
        };
        if key == source {
            let message = "is the id of the thread itself: choose another one".to_owned();
            return Err(Error::Invalid(vec![FieldError { field: "id".to_owned(), message }]));
        }
        let (version, about) = (page.version, page.about.clone());
        Ok(Create { account, key, name, agent, version, about, throw_away: None, items: Vec::new() })
    }
}
