//! Where faces stand. A mount says what a path names, and so what is judged before a body is read.

use axum::http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;

use crate::http::{credentials, path};
use crate::ports::{AccountRef, AgentRef, World};
use crate::service::App;
use crate::service::call::via::{self, Via};
use crate::service::call::{Caller, Error};

/// A place where a face stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mount {
    /// Behind an agent of the account that the path names. Judged first: the agent, and whether the caller may call it.
    Agent,
    /// Behind an agent of the account that the operator named the default one; judged as [`Mount::Agent`].
    DefaultAgent,
    /// Behind the account; the agent is named in the body. Judged first: that the key is a good one of the account.
    Account,
    /// The same of the default account.
    DefaultAccount,
    /// The control plane, for the account of the key. Judged first: that it is a member's.
    Members,
    /// The same, for the account that the path names.
    MembersOfAccount,
}

impl Mount {
    /// Where the path names the agent.
    pub const OF_AN_AGENT: [Self; 2] = [Self::Agent, Self::DefaultAgent];
    /// For the members of an account, whatever the agent.
    pub const OF_MEMBERS: [Self; 2] = [Self::Members, Self::MembersOfAccount];
    pub const ALL: [Self; 4] = [Self::Agent, Self::DefaultAgent, Self::Account, Self::DefaultAccount];

    /// Whether a member acts, and no agent is called.
    pub const fn is_of_members(self) -> bool {
        matches!(self, Self::Members | Self::MembersOfAccount)
    }

    /// What stands before an operation's own path.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Agent => "/accounts/{account}/agents/{agent}",
            Self::DefaultAgent => "/agents/{agent}",
            Self::Account => "/accounts/{account}",
            Self::DefaultAccount => "",
            Self::Members => path::API,
            Self::MembersOfAccount => path::ACCOUNT,
        }
    }
}

/// What stands in a path.
#[derive(Debug, Deserialize)]
pub struct Place {
    /// Slug or id; absent under [`Mount::DefaultAgent`] and [`Mount::DefaultAccount`].
    account: Option<String>,
    /// Slug or id; absent under [`Mount::Account`] and [`Mount::DefaultAccount`].
    agent: Option<String>,
    /// What the path names behind its face, such as one model.
    pub model: Option<String>,
}

/// Who asks, as far as path and head say.
pub enum Asker {
    OfAgent(Caller),
    OfAccount(AccountCaller),
}

/// Who asks an account, before the agent is known.
pub struct AccountCaller {
    /// `None`: what the path says is the name of no account.
    pub account: Option<AccountRef>,
    pub key: Option<String>,
    origin: Option<String>,
    via: Via,
}

impl AccountCaller {
    /// The same, calling the agent that the body names.
    ///
    /// # Errors
    /// [`Error::NoSuchAgent`] where that can be no agent's name.
    pub fn to(self, agent: Option<&str>) -> Result<Caller, Error> {
        let (Some(account), Some(agent)) = (self.account, agent.and_then(AgentRef::parse)) else {
            return Err(Error::NoSuchAgent);
        };
        Ok(Caller::client(account, agent, self.key, self.origin).after(self.via))
    }
}

impl Place {
    /// What a path with more parts says of account and agent.
    pub const fn of(account: Option<String>, agent: Option<String>) -> Self {
        Self { account, agent, model: None }
    }

    /// Whether the path names no agent.
    pub const fn is_of_account(&self) -> bool {
        self.agent.is_none()
    }

    /// # Errors
    /// [`Error::NoSuchAgent`] where the path's names can be no agent's; [`Error::Loop`].
    pub fn asker<W: World>(&self, app: &App<W>, headers: &HeaderMap) -> Result<Asker, Error> {
        let account = self.account.as_deref().or(app.world.settings().default_account.as_deref());
        let account = account.and_then(AccountRef::parse);
        let key = credentials::presented(headers).map(str::to_owned);
        let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).map(str::to_owned);
        let via = Via::arrived(app, headers.get(via::HEADER).map(HeaderValue::as_bytes))?;
        let asker = AccountCaller { account, key, origin, via };
        match &self.agent {
            Some(agent) => asker.to(Some(agent)).map(Asker::OfAgent),
            None => Ok(Asker::OfAccount(asker)),
        }
    }
}
