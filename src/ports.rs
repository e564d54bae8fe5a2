//! What the services need of the world, as traits: the platform implements them in `storage/` and `runtime/`,
//! tests with fakes that can fail before or after persisting.
//!
//! Futures are `Send` so that handlers are; the platform's single-threaded ones are wrapped where they are
//! made.

mod accounts;
mod agent_list;
mod agent_versions;
mod agents;
mod aliases;
mod backups;
mod changes;
mod declarations;
mod directory;
mod dispatch;
mod failure;
mod flags;
mod keys;
mod knowledge;
mod members;
mod models;
mod objects;
mod plans;
mod providers;
mod replies;
mod resolve;
mod sweep;
mod templates;
mod threads;
mod upstream;
mod world;

pub use accounts::{AccountRef, AllAccounts, Fit, Fitted, OwnAccount};
pub use agent_list::{AgentFilter, AgentList, AgentPosition, Callable, FoundAgents};
pub use agent_versions::{AgentVersions, Version, VersionLine};
pub use agents::{AgentRef, AgentVersion, Agents, SaveAgents, Target};
pub use aliases::Aliases;
pub use backups::Backups;
pub use changes::{Changes, ChangesOf, Sight};
pub use declarations::{Declaration, Declarations};
pub use directory::{Directory, Tenant};
pub use dispatch::{Dispatch, Dispatched};
pub use failure::{Unavailable, WriteError};
pub use flags::{AccountFlag, AllFlags, OwnFlags, Rollout};
pub use keys::{AllKeys, KeyRef, Keys};
pub use knowledge::Knowledge;
pub use members::Members;
pub use models::Models;
pub use objects::Accounts;
pub use plans::{Counts, Plans};
pub use providers::Providers;
pub use replies::Replies;
pub use resolve::{Called, Resolution, Resolve};
pub use sweep::{KeepDays, Sweep};
pub use templates::{PlatformTemplates, Templates};
pub use threads::{Performed, ThreadOf, Threads, Wanted, Watch};
pub use upstream::{
    Body, Destination, Method, PlatformProvider, ReadError, SendError, Upstream, UpstreamReply,
    UpstreamRequest,
};
pub use world::{Settings, Wake, World};
