//! The directory, D1 on the platform: who there is, and what is configured. One trait an aggregate; here they
//! are bundled.

use crate::domain::ids::AccountId;

use super::accounts::{AllAccounts, OwnAccount};
use super::agent_list::AgentList;
use super::agent_versions::AgentVersions;
use super::agents::{Agents, SaveAgents};
use super::aliases::Aliases;
use super::changes::Changes;
use super::declarations::Declarations;
use super::flags::{AllFlags, OwnFlags};
use super::keys::{AllKeys, Keys};
use super::members::Members;
use super::models::Models;
use super::plans::Plans;
use super::providers::Providers;
use super::resolve::Resolve;
use super::sweep::Sweep;
use super::templates::{PlatformTemplates, Templates};

/// What belongs to no account, or is asked before the account is known; and the way to the rest.
pub trait Directory: AllAccounts + AllFlags + AllKeys + PlatformTemplates + Sweep + Send + Sync {
    type Tenant: Tenant;

    /// The rows of one account: the only way to them.
    fn tenant(&self, account: AccountId) -> Self::Tenant;
}

/// One account's part of the directory. Every list is in a stable order.
///
/// Every write takes the line of the change log that describes it: both are persisted, or neither. Where a
/// write takes `read`, that is the `updated_at` of the row it replaces, `None` where there was none; the
/// answer is [`super::WriteError::Moved`] when that is no longer so.
pub trait Tenant:
    AgentList
    + AgentVersions
    + Agents
    + Aliases
    + Changes
    + Declarations
    + Keys
    + Members
    + Models
    + OwnAccount
    + OwnFlags
    + Plans
    + Providers
    + Resolve
    + SaveAgents
    + Templates
{
}

impl<T> Tenant for T where
    T: AgentList
        + AgentVersions
        + Agents
        + Aliases
        + Changes
        + Declarations
        + Keys
        + Members
        + Models
        + OwnAccount
        + OwnFlags
        + Plans
        + Providers
        + Resolve
        + SaveAgents
        + Templates
{
}
