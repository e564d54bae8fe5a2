//! Tokens of threads: issued to whoever may call the agent, and opened when they come back.

use super::{Calls, Error, Visitor, refusal};
use crate::domain::ids::KeyId;
use crate::domain::run::terms::Starter;
use crate::domain::secret::Secret;
use crate::domain::thread::command::{Answer, Command};
use crate::domain::thread::id::{ThreadKey, ThreadRef};
use crate::domain::thread::token::{Invalid, MAX_S, Signer, ThreadToken};
use crate::domain::vault;
use crate::ports::World;
use crate::service::App;

/// A token, to be shown once, and what it says.
#[derive(Debug)]
pub struct Issued {
    pub secret: Secret,
    pub token: ThreadToken,
}

/// What a text says that is meant as a token; `None` for any other text.
pub fn opened<W: World>(app: &App<W>, text: &str) -> Option<Result<ThreadToken, Invalid>> {
    ThreadToken::is_meant(text).then(|| {
        let signer = signer(app).map_err(|error| {
            app.world.log(&format!("tokens of threads: {error}"));
            Invalid::Forged
        })?;
        signer.open(text, app.world.now())
    })
}

pub(super) fn signer<W: World>(app: &App<W>) -> Result<Signer, vault::Error> {
    app.world.settings().master().map(|master| Signer::of(&master))
}

impl Visitor {
    /// Issues a token of a thread that is there.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn issue<W: World>(
        &self,
        app: &App<W>,
        thread: &ThreadRef,
        expires_in_s: u32,
        user: Option<String>,
    ) -> Result<Issued, Error> {
        let calls = self.calls()?;
        let thread = thread.key(self.account);
        let floor = self.floor(app, thread, Command::Floor(self.who())).await?;
        self.sign(app, &calls, thread, (floor, expires_in_s, user))
    }

    /// Ends all tokens of a thread that were issued until now.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn end_tokens<W: World>(&self, app: &App<W>, thread: &ThreadRef) -> Result<(), Error> {
        self.floor(app, thread.key(self.account), Command::RaiseFloor(self.who())).await.map(drop)
    }

    /// The one token of a thread that was just made without a key.
    ///
    /// # Errors
    /// [`Error`].
    pub(super) fn issue_first<W: World>(
        &self,
        app: &App<W>,
        calls: &Calls,
        thread: ThreadKey,
    ) -> Result<Issued, Error> {
        self.sign(app, calls, thread, (0, MAX_S, None))
    }

    async fn floor<W: World>(&self, app: &App<W>, thread: ThreadKey, command: Command) -> Result<u32, Error> {
        match self.ask(app, thread, command).await? {
            Answer::Floor(floor) => Ok(floor),
            other => Err(refusal("thread", other, None)),
        }
    }

    fn sign<W: World>(
        &self,
        app: &App<W>,
        calls: &Calls,
        thread: ThreadKey,
        (floor, expires_in_s, user): (u32, u32, Option<String>),
    ) -> Result<Issued, Error> {
        let expires_at = app.world.now().plus(i64::from(expires_in_s) * 1_000);
        let (account, agent, key) = (self.account, calls.agent, calls.key());
        let token = ThreadToken { account, agent, thread, key, expires_at, floor, user };
        Ok(Issued { secret: signer(app)?.sign(&token), token })
    }
}

impl Calls {
    /// The key that stands behind what is done.
    const fn key(&self) -> Option<KeyId> {
        match self.started_by {
            Starter::Key(key) => Some(key),
            Starter::Token(key) => key,
            Starter::Anonymous => None,
        }
    }
}
