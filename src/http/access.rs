//! Who asks, as an argument of a handler: one that takes [`Writer`] cannot be reached by anybody less.
//!
//! Extractors run in the order of a handler's arguments, and the body is the last. So a request without the right key or
//! role is refused before a byte of its body is read.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Deserialize;

use crate::domain::account::{Account, Role};
use crate::domain::change::Actor;
use crate::domain::declared::Facts;
use crate::domain::scope::{Scope, Scopes};
use crate::ports::{AllAccounts, World};
use crate::service::App;
use crate::service::authenticate::{self, KeyAccess, Principal, Session, account_of_keys};
use crate::service::denied::Denied;
use crate::service::failure::{Failure, Thing};

use super::credentials;
use super::path::{self, Parameters};
use super::problem::Problem;
use super::scope;

/// The operator or a key of any role.
#[derive(Debug)]
struct Caller(Principal);

/// The operator alone.
#[derive(Debug)]
pub struct Operator(pub Principal);

/// A key of the account of any role, for what is its own.
#[derive(Debug)]
pub struct Holder(pub Session);

/// The same, of an active account, to write.
#[derive(Debug)]
pub struct ActiveHolder(pub Session);

/// A member or an admin.
#[derive(Debug)]
pub struct Reader(pub Session);

/// An admin: of an active account, but to look.
#[derive(Debug)]
pub struct Writer(pub Session);

/// A member or an admin, at the account's threads: of an active account, but to look.
#[derive(Debug)]
pub struct Member(pub Session);

/// Whoever asks which agents there are.
#[derive(Debug)]
pub enum Visitor {
    /// A member or an admin.
    Reader(Session),
    /// A key that may call.
    Caller(Session),
    /// Without a key, at the account that the path names, if there is one of that name.
    Anonymous(Option<Account>),
}

impl<W: World> FromRequestParts<App<W>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App<W>) -> Result<Self, Problem> {
        let presented = credentials::presented(&parts.headers);
        authenticate::authenticate(app, presented).await.map(Self).map_err(Problem::report(app))
    }
}

impl<W: World> FromRequestParts<App<W>> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App<W>) -> Result<Self, Problem> {
        let Caller(principal) = Caller::from_request_parts(parts, app).await?;
        principal.operator()?;
        Ok(Self(principal))
    }
}

impl<W: World> FromRequestParts<App<W>> for Holder {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App<W>) -> Result<Self, Problem> {
        session(parts, app, Principal::holder).await.map(Self)
    }
}

impl<W: World> FromRequestParts<App<W>> for ActiveHolder {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App<W>) -> Result<Self, Problem> {
        session(parts, app, Principal::active_holder).await.map(Self)
    }
}

impl<W: World> FromRequestParts<App<W>> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App<W>) -> Result<Self, Problem> {
        session(parts, app, Principal::reader).await.map(Self)
    }
}

impl<W: World> FromRequestParts<App<W>> for Writer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App<W>) -> Result<Self, Problem> {
        let right = if parts.method.is_safe() { Principal::admin } else { Principal::writer };
        session(parts, app, right).await.map(Self)
    }
}

impl<W: World> FromRequestParts<App<W>> for Member {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App<W>) -> Result<Self, Problem> {
        let right = if parts.method.is_safe() { Principal::reader } else { Principal::worker };
        session(parts, app, right).await.map(Self)
    }
}

impl<W: World> FromRequestParts<App<W>> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App<W>) -> Result<Self, Problem> {
        if credentials::presented(&parts.headers).is_none()
            && let Some(account) = path::account(parts, app).await
        {
            let found = match account {
                Some(account) => app.world.directory().account(&account).await,
                None => Ok(None),
            };
            return found
                .map(Self::Anonymous)
                .map_err(|error| Problem::from(Failure::from(error)).logged(app));
        }
        let Caller(principal) = Caller::from_request_parts(parts, app).await?;
        match principal {
            Principal::Key(session) if session.key.role == Role::Caller => {
                let session = of_path(parts, app, *session).await?;
                if session.key.may(Scope::Calls) {
                    Ok(Self::Caller(session))
                } else {
                    Err(Denied::Scope(Scope::Calls).into())
                }
            }
            principal => {
                let session = of_path(parts, app, principal.reader()?).await?;
                Ok(Self::Reader(scope::require(parts, session)?))
            }
        }
    }
}

/// Who may read or write things of a kind; `None` is the operator, for what the platform offers to all.
///
/// # Errors
/// The problem of one who may not.
pub async fn of_kind<W: World>(
    parts: &mut Parts,
    app: &App<W>,
    kind: &Facts,
    writes: bool,
) -> Result<Option<Session>, Problem> {
    let right = match (writes, kind.readers) {
        (true, _) => Principal::writer,
        (false, Role::Admin) => Principal::admin,
        (false, _) => Principal::reader,
    };
    if kind.is_offered { offer(parts, app, right).await } else { session(parts, app, right).await.map(Some) }
}

/// The operator or an admin of the account that the path names, to see its keys.
#[derive(Debug)]
pub struct KeyReader(pub Account);

/// The operator or an admin of the active account that the path names, to change its keys.
#[derive(Debug)]
pub struct KeyWriter {
    pub account: Account,
    pub by: Actor,
    /// The most that a key of theirs can have.
    pub scopes: Scopes,
}

/// The part of a path that names the account whose keys they are.
#[derive(Debug, Deserialize)]
struct AccountPath {
    account: String,
}

impl<W: World> FromRequestParts<App<W>> for KeyReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App<W>) -> Result<Self, Problem> {
        keys_of(parts, app, KeyAccess::Read).await.map(|keys| Self(keys.account))
    }
}

impl<W: World> FromRequestParts<App<W>> for KeyWriter {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App<W>) -> Result<Self, Problem> {
        keys_of(parts, app, KeyAccess::Write).await
    }
}

async fn keys_of<W: World>(parts: &mut Parts, app: &App<W>, access: KeyAccess) -> Result<KeyWriter, Problem> {
    let Caller(principal) = Caller::from_request_parts(parts, app).await?;
    let Parameters(AccountPath { account }) = Parameters::from_request_parts(parts, app).await?;
    let by = principal.actor();
    let session = match &principal {
        Principal::Operator => None,
        Principal::Key(session) => Some((**session).clone()),
    };
    let account = account_of_keys(app, principal, &account, access).await.map_err(Problem::report(app))?;
    let scopes = match session {
        None => Scopes::ALL,
        Some(session) => scope::require(parts, session)?.key.scopes(),
    };
    Ok(KeyWriter { account, by, scopes })
}

/// The account for which a key of this right acts.
///
/// Where the path names an account, it is the key's own; that there is another is not said.
async fn session<W: World>(
    parts: &mut Parts,
    app: &App<W>,
    right: impl FnOnce(Principal) -> Result<Session, Denied>,
) -> Result<Session, Problem> {
    let Caller(principal) = Caller::from_request_parts(parts, app).await?;
    let session = of_path(parts, app, right(principal)?).await?;
    Ok(scope::require(parts, session)?)
}

/// The session, if it is of the account that the path names, where it names one.
async fn of_path<W: World>(parts: &mut Parts, app: &App<W>, session: Session) -> Result<Session, Problem> {
    match path::account(parts, app).await {
        None => Ok(session),
        Some(Some(account)) if account.names(&session.account) => Ok(session),
        Some(_) => Err(Problem::from(Failure::Missing(Thing::Account))),
    }
}

/// The same, or the operator, for the platform; not at the path of an account, for which the operator does not act.
async fn offer<W: World>(
    parts: &mut Parts,
    app: &App<W>,
    right: impl FnOnce(Principal) -> Result<Session, Denied>,
) -> Result<Option<Session>, Problem> {
    if path::account(parts, app).await.is_none() {
        let Caller(principal) = Caller::from_request_parts(parts, app).await?;
        if principal.operator().is_ok() {
            return Ok(None);
        }
        return Ok(Some(scope::require(parts, right(principal)?)?));
    }
    session(parts, app, right).await.map(Some)
}
