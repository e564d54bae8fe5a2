//! Threads made: by the client's name, or new; also for a caller without a key.

use super::begin::check_ids;
use super::tokens::{Issued, signer};
use super::{Error, Visitor, refusal};
use crate::domain::admission::ask::Count;
use crate::domain::admission::command::{Admission, Rate, Refusal};
use crate::domain::field_error::FieldError;
use crate::domain::message::Message;
use crate::domain::run::terms::Starter;
use crate::domain::thread::about::About;
use crate::domain::thread::command::{Answer, Command, Create};
use crate::domain::thread::id::{ThreadName, ThreadRef};
use crate::domain::thread::view::ThreadView;
use crate::ports::{Accounts, World};
use crate::service::App;
use crate::service::call::{self, Quota};
use crate::service::claims;

/// A thread that was made or found.
#[derive(Debug)]
pub struct Created {
    pub thread: ThreadView,
    pub is_new: bool,
    /// Of an anonymous caller.
    pub token: Option<Issued>,
}

impl Visitor {
    /// Makes a thread, or finds it by the client's name. Who has no key makes a new one, of which the answer has a token.
    ///
    /// # Errors
    /// [`Error::NotFound`] where the name is another agent's thread.
    pub async fn create<W: World>(
        &self,
        app: &App<W>,
        name: Option<ThreadName>,
        about: About,
        items: Vec<Message>,
    ) -> Result<Created, Error> {
        let calls = self.calls()?;
        let is_anonymous = calls.started_by == Starter::Anonymous;
        if is_anonymous {
            self.admit_stranger(app, name.is_some()).await?;
        }
        let create = Create { items, ..self.create_of(app, &calls, name.map(ThreadRef::Name), about) };
        let key = create.key;
        check_ids(key, "items", &create.items)?;
        let room = self.claim(app, key, true).await?;
        match self.ask(app, key, Command::Create(create)).await? {
            Answer::Thread { thread, is_new } => {
                if !is_new {
                    claims::settle(app, self.account, &room, None).await;
                }
                let token = is_anonymous.then(|| self.issue_first(app, &calls, key)).transpose()?;
                Ok(Created { thread: *thread, is_new, token })
            }
            other => {
                claims::settle(app, self.account, &room, None).await;
                Err(refusal("thread", other, None))
            }
        }
    }

    /// Whether a caller without a key may make a thread now. Neither a name nor an Idempotency-Key may lead them to a thread that
    /// is there: it would be another's.
    ///
    /// # Errors
    /// [`Error`].
    async fn admit_stranger<W: World>(&self, app: &App<W>, is_named: bool) -> Result<(), Error> {
        let fault = |field: &str| FieldError {
            field: field.to_owned(),
            message: "needs a key of the account: without one every thread is a new one".to_owned(),
        };
        let named = is_named.then(|| fault("id"));
        let faults: Vec<_> = named.into_iter().chain(self.once.map(|_| fault("Idempotency-Key"))).collect();
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        // Signed before anything is made.
        signer(app)?;
        match app.world.accounts().ask(self.account, Count(self.limits)).await? {
            Admission::Refused(Refusal::Rate { limit, resets_at }) => {
                let rate = Rate { limit, remaining: 0, resets_at };
                let error = call::Error::Rate(Quota::of(rate, app.world.now()));
                Err(Error::Call(error.for_stranger()))
            }
            Admission::Granted { .. } | Admission::Stale { .. } | Admission::Refused(_) => Ok(()),
        }
    }
}
