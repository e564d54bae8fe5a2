//! Who makes a call, before it is known whether it may: a client with what it has presented, or a run.

use std::sync::Arc;

use crate::domain::api_key::{self, ApiKey};
use crate::domain::flag::Flag;
use crate::domain::ids::{AccountId, AgentId};
pub use crate::domain::run::terms::Starter;
use crate::domain::scope::Scope;
use crate::domain::thread::id::RunId;
use crate::domain::thread::token::{Invalid, ThreadToken};
use crate::ports::{AccountRef, AgentRef, AgentVersion, KeyRef, Target};

use super::error::KeyFault;
use super::until::Until;
use super::via::Via;

/// Who calls what.
#[derive(Clone, Debug)]
pub struct Caller {
    account: AccountRef,
    target: Target,
    credential: Credential,
    /// The page's origin, when a browser sends it.
    origin: Option<String>,
    /// What a key must have.
    scope: Scope,
    /// What must be on for the account.
    needs: Option<Flag>,
    /// `None`: the call begins here.
    via: Option<Via>,
    /// The run that makes the call.
    in_run: Option<RunId>,
    /// How long the answer is listened to.
    until: Until,
}

/// What stands for the caller.
#[derive(Clone, Debug)]
enum Credential {
    None,
    /// As it was presented, in whatever state.
    Key(String),
    Run(RunCredential),
    /// A token of a thread of the account and agent that it names itself.
    Token(Result<Arc<ThreadToken>, Invalid>),
}

/// Stands for a run: it calls one version of an agent, on behalf of whoever started it, and presents no key.
///
/// It is built only where runs are kept, which `scripts/test design` checks. It opens no more than its starter would: a run
/// whose key is revoked, expired or switched off, or whose member is gone, ends with its next call; so does one of an
/// agent that is archived or inactive, or of an account that is suspended.
#[derive(Clone, Debug)]
pub struct RunCredential {
    account: AccountId,
    agent: AgentId,
    version: u32,
    started_by: Starter,
    /// Another run has begun it, or begins it.
    is_child: bool,
}

impl RunCredential {
    /// For whoever keeps the run: it vouches that this starter was allowed to call the agent when the run began.
    pub const fn of_kept_run(account: AccountId, agent: AgentId, version: u32, started_by: Starter) -> Self {
        Self { account, agent, version, started_by, is_child: false }
    }

    /// Of a run that another run has begun: its agent was chosen by whoever wrote the other one, so that the key which
    /// started the first needs no leave to call it. It still ends with that key.
    #[must_use]
    pub const fn of_child(self, is_child: bool) -> Self {
        Self { is_child, ..self }
    }
}

/// The key that a caller claims, and what is wrong when no live one is found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub key: Option<KeyRef>,
    pub fault: KeyFault,
}

impl Claim {
    /// Of what a client has presented, in whatever state.
    pub fn of_client(key: Option<&str>) -> Self {
        match key.map(ApiKey::parse) {
            None => Self { key: None, fault: KeyFault::Missing },
            Some(Ok(key)) => Self { key: Some(KeyRef::Digest(key.digest())), fault: KeyFault::Refused },
            Some(Err(api_key::Invalid::ThreadToken)) => Self { key: None, fault: KeyFault::ThreadToken },
            Some(Err(_)) => Self { key: None, fault: KeyFault::Malformed },
        }
    }
}

impl Caller {
    /// A client of the newest version of an agent.
    pub fn client(account: AccountRef, agent: AgentRef, key: Option<String>, origin: Option<String>) -> Self {
        let credential = match key {
            Some(key) => Credential::Key(key),
            None => Credential::None,
        };
        let target = Target { agent, version: AgentVersion::Newest };
        Self {
            account,
            target,
            credential,
            origin,
            scope: Scope::Calls,
            needs: None,
            via: None,
            in_run: None,
            until: Until::EVER,
        }
    }

    /// A run. No page speaks for it.
    pub const fn run(run: RunCredential) -> Self {
        Self {
            account: AccountRef::Id(run.account),
            target: Target { agent: AgentRef::Id(run.agent), version: AgentVersion::Number(run.version) },
            credential: Credential::Run(run),
            origin: None,
            scope: Scope::Calls,
            needs: None,
            via: None,
            in_run: None,
            until: Until::EVER,
        }
    }

    /// The same, who has presented a token instead of a key.
    #[must_use]
    pub fn by_token(self, token: Result<ThreadToken, Invalid>) -> Self {
        Self { credential: Credential::Token(token.map(Arc::new)), ..self }
    }

    /// The same, for what asks a key for this scope.
    #[must_use]
    pub fn asking(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    pub(super) const fn scope(&self) -> Scope {
        self.scope
    }

    /// The token that was presented.
    pub(super) const fn token(&self) -> Option<Result<&Arc<ThreadToken>, Invalid>> {
        match &self.credential {
            Credential::Token(Ok(token)) => Some(Ok(token)),
            Credential::Token(Err(invalid)) => Some(Err(*invalid)),
            Credential::None | Credential::Key(_) | Credential::Run(_) => None,
        }
    }

    /// Whether another's key is behind this, or nobody's: no key was presented that could be one of any account.
    pub(super) const fn is_on_behalf(&self) -> bool {
        matches!(self.credential, Credential::Run(_) | Credential::Token(_))
    }

    /// The same, which begins a run of the newest version of another agent.
    #[must_use]
    pub fn beginning(self, agent: AgentRef) -> Self {
        Self { target: Target { agent, version: AgentVersion::Newest }, ..self }
    }

    /// The same, for the ledger to say so.
    #[must_use]
    pub fn in_run(self, run: RunId) -> Self {
        Self { in_run: Some(run), ..self }
    }

    pub(super) const fn run_id(&self) -> Option<RunId> {
        self.in_run
    }

    /// The same, which listens to the answer so long.
    #[must_use]
    pub fn heard(self, until: Until) -> Self {
        Self { until, ..self }
    }

    pub(super) fn until(&self) -> Until {
        self.until.clone()
    }

    /// The same, after a way through other deployments.
    #[must_use]
    pub fn after(self, via: Via) -> Self {
        Self { via: Some(via), ..self }
    }

    pub const fn via(&self) -> Option<&Via> {
        self.via.as_ref()
    }

    /// The same client, of this version.
    #[must_use]
    pub fn at(self, version: AgentVersion) -> Self {
        Self { target: Target { version, ..self.target }, ..self }
    }

    /// The same, of an account for which this is on.
    #[must_use]
    pub fn needing(self, flag: Flag) -> Self {
        Self { needs: Some(flag), ..self }
    }

    pub(super) const fn needs(&self) -> Option<Flag> {
        self.needs
    }

    pub const fn account(&self) -> &AccountRef {
        &self.account
    }

    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// The page's origin, when a browser sends it.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    pub(super) const fn is_run(&self) -> bool {
        matches!(self.credential, Credential::Run(_))
    }

    /// Whether a run of another agent stands above.
    pub(super) const fn is_child(&self) -> bool {
        matches!(self.credential, Credential::Run(RunCredential { is_child: true, .. }))
    }

    /// As it was presented.
    pub(super) fn key(&self) -> Option<&str> {
        match &self.credential {
            Credential::Key(text) => Some(text),
            Credential::None | Credential::Run(_) | Credential::Token(_) => None,
        }
    }

    pub(super) fn claim(&self) -> Claim {
        match &self.credential {
            Credential::None => Claim::of_client(None),
            Credential::Key(text) => Claim::of_client(Some(text)),
            Credential::Run(run) => {
                let key = match run.started_by {
                    Starter::Key(id) | Starter::Token(Some(id)) => Some(KeyRef::Id(id)),
                    Starter::Anonymous | Starter::Token(None) => None,
                };
                Claim { key, fault: KeyFault::OfRun }
            }
            Credential::Token(Ok(token)) => {
                Claim { key: token.key.map(KeyRef::Id), fault: KeyFault::BehindToken }
            }
            Credential::Token(Err(invalid)) => Claim { key: None, fault: KeyFault::Token(*invalid) },
        }
    }
}
