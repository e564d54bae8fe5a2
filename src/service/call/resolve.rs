//! Who is calling what: the key, the agent and all it needs, from the isolate's memory or the directory.

use std::sync::Arc;

use super::bundle::Bundle;
use super::caller::{Caller, Claim};
use super::error::{Error, KeyFault};
use crate::domain::account::{Key, Status};
use crate::domain::admission::ask::Epoch;
use crate::domain::agent::{Access, Agent, Status as Life};
use crate::domain::ids::AccountId;
use crate::domain::thread::token::ThreadToken;
use crate::ports::{
    AccountRef, Accounts, AgentVersion, AllAccounts, AllKeys, Called, Directory, KeyRef, Resolution, Resolve,
    Target, Unavailable, World,
};
use crate::service::App;
use crate::service::cache::{Hit, Presented};

/// A caller that may call.
#[derive(Clone, Debug)]
pub struct Resolved {
    pub account: AccountId,
    /// Of the rows behind this; the account's object says whether they are stale.
    pub epoch: u64,
    /// `None`: anonymous, at a public agent.
    pub key: Option<Arc<Presented>>,
    /// The token that was presented: it opens its thread alone.
    pub token: Option<Arc<ThreadToken>>,
    pub bundle: Arc<Bundle>,
}

impl Resolved {
    /// Whether the caller is none of the account's: anonymous, or on a thread by its token.
    pub const fn is_of_stranger(&self) -> bool {
        self.key.is_none() || self.token.is_some()
    }
}

/// Finds the agent and decides whether this caller may call it.
///
/// What it grants from memory, the admission checks; what it would refuse from memory it asks about first, because
/// the account may have changed it since. Only who has no key is refused from memory for a second, so that strangers
/// cannot keep the account's object busy: they may learn a second late that an agent was made public.
///
/// # Errors
/// [`Error::Unauthenticated`], [`Error::NoSuchAgent`], [`Error::NoSuchVersion`], [`Error::KeyLacksScope`],
/// [`Error::KeyNotForAgent`], [`Error::OriginNotAllowed`], [`Error::AccountSuspended`], [`Error::NotActive`],
/// [`Error::Archived`], [`Error::SwitchedOff`], [`Error::Unavailable`].
pub async fn resolve<W: World>(app: &App<W>, caller: &Caller) -> Result<Resolved, Error> {
    let resolved = resolve_any(app, caller).await;
    resolved.map_err(|error| name_operators_key(app, caller.key(), error))
}

/// A key that is none of ours may be the operator's, which is worth saying.
pub(super) fn name_operators_key<W: World>(app: &App<W>, key: Option<&str>, error: Error) -> Error {
    let is_operators = || {
        let settings = app.world.settings();
        let operator = settings.operator_key.as_ref().filter(|_| settings.is_guarded());
        operator.zip(key).is_some_and(|(operator, key)| operator.matches(key))
    };
    match error {
        Error::Unauthenticated(KeyFault::Malformed) if is_operators() => {
            Error::Unauthenticated(KeyFault::OfOperator)
        }
        error => error,
    }
}

async fn resolve_any<W: World>(app: &App<W>, caller: &Caller) -> Result<Resolved, Error> {
    let claim = caller.claim();
    if let Some(Err(_)) = caller.token() {
        return Err(Error::Unauthenticated(claim.fault));
    }
    let account = account_id(app, caller).await.map_err(|e| unavailable(app, &e))?;
    let is_tokens = |account: &AccountId| token_of(caller).is_none_or(|token| token.account == *account);
    let Some(account) = account.filter(is_tokens) else {
        return Err(nothing(app, caller, claim).await);
    };
    if let Some(hit) = app.cache.find(account, claim.key.as_ref(), caller.target()) {
        let read_at = hit.epoch;
        let decided = decide(app, account, hit, caller, claim);
        let is_stranger = matches!(
            decided,
            Err(Error::Unauthenticated(KeyFault::Missing | KeyFault::Malformed | KeyFault::ThreadToken))
        );
        let may_stand = is_stranger && !app.cache.must_ask(account, app.world.now());
        if decided.is_ok() || may_stand || is_current(app, account, read_at).await? {
            return explain(app, decided, claim).await;
        }
    }
    match load(app, account, claim.key, caller.target()).await.map_err(|e| unavailable(app, &e))? {
        Loaded::Hit(hit) => explain(app, decide(app, account, hit, caller, claim), claim).await,
        Loaded::NoVersion(key)
            if caller.is_on_behalf() || key.as_ref().is_some_and(|key| key.is_live(app.world.now())) =>
        {
            Err(no_version(caller))
        }
        Loaded::NoVersion(_) | Loaded::Nothing => Err(nothing(app, caller, claim).await),
    }
}

/// The same caller, by rows that are in force now: for what no admission checks.
///
/// # Errors
/// As [`resolve`].
pub async fn resolve_current<W: World>(app: &App<W>, caller: &Caller) -> Result<Resolved, Error> {
    let resolved = resolve(app, caller).await?;
    if is_current(app, resolved.account, resolved.epoch).await? {
        Ok(resolved)
    } else {
        resolve(app, caller).await
    }
}

/// Whether rows of an account that were read at this epoch still hold; what does not is forgotten.
pub(super) async fn is_current<W: World>(
    app: &App<W>,
    account: AccountId,
    read_at: u64,
) -> Result<bool, Error> {
    let epoch = app.world.accounts().ask(account, Epoch).await.map_err(|e| unavailable(app, &e))?;
    if app.cache.epoch(account) != Some(epoch) {
        app.cache.begin(account, epoch);
    }
    Ok(read_at == epoch)
}

fn decide<W: World>(
    app: &App<W>,
    account: AccountId,
    hit: Hit,
    caller: &Caller,
    claim: Claim,
) -> Result<Resolved, Error> {
    if token_of(caller).is_some_and(|token| token.agent != hit.bundle.agent.id) {
        return Err(Error::NoSuchAgent);
    }
    let key = live_key(app, &hit);
    // What a key has started ends with it, also where others need none.
    let is_on_behalf = caller.is_on_behalf() && claim.key.is_some();
    let is_closed = hit.bundle.agent.definition.access == Access::Key && !caller.is_child();
    let must_have_key = is_closed || is_on_behalf;
    if key.is_none() && must_have_key {
        return Err(Error::Unauthenticated(claim.fault));
    }
    let is_of_stranger = !caller.is_run() && (key.is_none() || token_of(caller).is_some());
    permit(&hit, key.as_deref().map(|presented| &presented.key), caller)
        .map_err(|error| if is_of_stranger { error.for_stranger() } else { error })?;
    let token = token_of(caller).cloned();
    Ok(Resolved { account, epoch: hit.epoch, key, token, bundle: hit.bundle })
}

fn token_of(caller: &Caller) -> Option<&Arc<ThreadToken>> {
    caller.token().and_then(Result::ok)
}

/// To a caller with a valid key of another account the agent is unknown, not the key.
async fn explain<W: World>(
    app: &App<W>,
    decided: Result<Resolved, Error>,
    claim: Claim,
) -> Result<Resolved, Error> {
    match decided {
        Err(Error::Unauthenticated(_)) => Err(absent(app, claim).await),
        decided => decided,
    }
}

fn live_key<W: World>(app: &App<W>, hit: &Hit) -> Option<Arc<Presented>> {
    let now = app.world.now();
    hit.key.clone().filter(|presented| presented.key.is_live(now))
}

fn permit(hit: &Hit, key: Option<&Key>, caller: &Caller) -> Result<(), Error> {
    let agent = &hit.bundle.agent;
    if let Some(flag) = caller.needs().filter(|flag| !hit.bundle.flags.has(*flag)) {
        return Err(Error::SwitchedOff(flag));
    }
    match key {
        Some(key) if !key.may(caller.scope()) => return Err(Error::KeyLacksScope(caller.scope())),
        Some(key) if !key.may_call(agent.id) && !caller.is_child() => return Err(Error::KeyNotForAgent),
        _ => {}
    }
    if hit.bundle.account.status == Status::Suspended {
        return Err(Error::AccountSuspended);
    }
    // A token is for pages, and a page that may not read the answer has no business with it.
    let is_of_pages = agent.definition.allowed_origins.is_some() || caller.token().is_some();
    match caller.origin() {
        Some(origin) if is_of_pages && agent.definition.allow_origin(origin).is_none() => {
            Err(Error::OriginNotAllowed(origin.to_owned()))
        }
        _ => answers(agent),
    }
}

/// Whether the agent's calls are answered, where it is in its life.
pub fn answers(agent: &Agent) -> Result<(), Error> {
    let not_active = |is, to| Err(Error::NotActive { agent: agent.slug.clone(), is, to });
    match agent.status() {
        Life::Published | Life::Active | Life::Deprecated => Ok(()),
        is @ Life::Draft => not_active(is, Life::Published),
        is @ Life::Inactive => not_active(is, Life::Active),
        Life::Archived => Err(Error::Archived(agent.id)),
    }
}

/// The same; who acts for another's key has shown no key that could be of any account.
async fn nothing<W: World>(app: &App<W>, caller: &Caller, claim: Claim) -> Error {
    if caller.is_on_behalf() { Error::NoSuchAgent } else { absent(app, claim).await }
}

/// Nothing was found for this caller: one with a good key of whatever account learns that nothing is here, any other
/// learns only that it needs a key.
async fn absent<W: World>(app: &App<W>, claim: Claim) -> Error {
    let Some(KeyRef::Digest(digest)) = claim.key else { return Error::Unauthenticated(claim.fault) };
    match app.world.directory().key(&digest).await {
        Ok(Some((key, _))) if key.is_live(app.world.now()) => Error::NoSuchAgent,
        Ok(_) => Error::Unauthenticated(claim.fault),
        Err(error) => unavailable(app, &error),
    }
}

const fn no_version(caller: &Caller) -> Error {
    match caller.target().version {
        AgentVersion::Number(number) => Error::NoSuchVersion(number),
        AgentVersion::Newest => Error::NoSuchAgent,
    }
}

pub(super) fn unavailable<W: World>(app: &App<W>, error: &Unavailable) -> Error {
    app.world.log(&format!("not available: {error}"));
    Error::Unavailable
}

/// An id that a client names is looked up once, too: asking an object that no account has would make one.
async fn account_id<W: World>(app: &App<W>, caller: &Caller) -> Result<Option<AccountId>, Unavailable> {
    let of = caller.account();
    if let (AccountRef::Id(id), true) = (of, caller.is_run()) {
        return Ok(Some(*id));
    }
    if let Some(id) = app.cache.account_of(of) {
        return Ok(Some(id));
    }
    let account = app.world.directory().account(of).await?;
    Ok(account.map(|account| {
        app.cache.remember_account(of, account.id);
        account.id
    }))
}

/// What the directory has for a call.
enum Loaded {
    Hit(Hit),
    /// The agent lacks the version; and the key.
    NoVersion(Option<Key>),
    Nothing,
}

/// Reads the directory at an epoch that was asked before, so that what is kept under it cannot be older.
async fn load<W: World>(
    app: &App<W>,
    account: AccountId,
    key: Option<KeyRef>,
    target: &Target,
) -> Result<Loaded, Unavailable> {
    let tenant = app.world.directory().tenant(account);
    let epoch = match app.cache.epoch(account) {
        Some(epoch) => epoch,
        None => {
            let epoch = app.world.accounts().ask(account, Epoch).await?;
            app.cache.begin(account, epoch);
            epoch
        }
    };
    let Some(found) = tenant.resolve(key.as_ref(), target).await? else { return Ok(Loaded::Nothing) };
    let Resolution {
        account: row,
        limits,
        flags,
        key: key_row,
        prompts,
        agent,
        providers,
        aliases,
        webhooks,
    } = found;
    let agent = match agent {
        Called::Agent(agent) => *agent,
        Called::NoVersion => return Ok(Loaded::NoVersion(key_row)),
        Called::Nobody => return Ok(Loaded::Nothing),
    };
    let terms = (limits.of_calls(), limits.keeps, flags);
    let bundle =
        Bundle::build(&app.world, &tenant, row, terms, (agent, webhooks), &providers, &aliases).await?;
    let presented = key_row.map(|key| Arc::new(Presented { key, prompts }));
    let hit = Hit { epoch, key: presented, bundle: Arc::new(bundle) };
    if key.is_none() || hit.key.is_some() {
        let key = key.zip(hit.key.clone());
        app.cache.keep(account, epoch, key, (target.clone(), hit.bundle.clone()));
    }
    Ok(Loaded::Hit(hit))
}
