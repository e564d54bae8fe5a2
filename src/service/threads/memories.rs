//! What is remembered of the person who holds a thread's token.

use super::Visitor;
use super::refusal::{Error, refusal};
use crate::domain::memory::Memory;
use crate::domain::memory::shelf::Shelf;
use crate::domain::thread::command::{Answer, Command};
use crate::ports::World;
use crate::service::App;
use crate::service::failure::Failure;
use crate::service::memories::{self, Narrow};
use crate::service::page::{Page, Request};
use crate::service::precondition::Precondition;

impl Visitor {
    /// Their memories: those of whoever the token was issued for, else of the thread's user. Who has made their thread without a
    /// key has none, because then a user is their own word.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn own_memories<W: World>(&self, app: &App<W>) -> Result<Shelf, Error> {
        let Some(token) = &self.token else { return Err(Error::OnlyByToken) };
        let nobody = Error::NotFound("user");
        if token.key.is_none() {
            return Err(nobody);
        }
        // The thread must be there, and its tokens not ended.
        let thread = match self.ask(app, token.thread, Command::Show(self.who())).await? {
            Answer::Thread { thread, .. } => thread,
            other => return Err(refusal("thread", other, None)),
        };
        let of_thread = thread.user.filter(|_| !thread.anonymous);
        token.user.clone().or(of_thread).map(Shelf::User).ok_or(nobody)
    }

    /// A page of them.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn list_memories<W: World>(
        &self,
        app: &App<W>,
        shelf: &Shelf,
        narrow: Narrow,
        page: &Request,
    ) -> Result<Page<Memory>, Failure> {
        memories::list(app, self.account, shelf, narrow, page).await
    }

    /// # Errors
    /// [`Failure`].
    pub async fn delete_memory<W: World>(
        &self,
        app: &App<W>,
        shelf: &Shelf,
        id: &str,
    ) -> Result<(), Failure> {
        memories::delete(app, self.account, shelf, id, &Precondition::None).await
    }
}
