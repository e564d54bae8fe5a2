//! What a run is started with. Only a request that joins the run changes it ([`super::join`]), and who changes its priority.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::manner::Manner;
use super::tool::ClientTool;
use crate::domain::ids::{AgentId, KeyId};
use crate::domain::money::{self, Nanos};
use crate::domain::share::Share;
use crate::domain::thread::id::{EntryId, RunId};

/// The most bytes of a run's terms: they are written with every change of the run.
pub const MAX_BYTES: usize = 512 * 1_024;

/// What a run is started with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    pub agent: AgentId,
    pub version: u32,
    pub started_by: Starter,
    /// Whoever the token was made for that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    pub limits: Limits,
    pub on_unknown: OnUnknown,
    pub on_budget: OnBudget,
    #[serde(default)]
    pub priority: Priority,
    /// What fills the variables of the agent's instructions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// The client's own tools, of this run alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ClientTool>,
    /// How the client wants the model to answer.
    #[serde(default, skip_serializing_if = "Manner::is_default")]
    pub manner: Manner,
    /// The call of another agent's run that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// The deployments that the call which began it has passed, as the header says it that providers and tools are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// Its final answer is JSON that fits the agent's `output`, of this version.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub typed: bool,
    /// Webhooks that hear of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<String>,
    /// Calls of the client's tools end it: their outputs come with the next run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hands_over: bool,
    /// What the replies of its client's protocol say again of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Value>,
}

impl Terms {
    pub fn is_too_large(&self) -> bool {
        serde_json::to_string(self).map_or(true, |json| json.len() > MAX_BYTES)
    }

    /// The runs above a child of this run, the outermost first.
    pub fn path_below(&self, run: RunId) -> Vec<RunId> {
        let above = self.parent.iter().flat_map(|parent| parent.path.iter().copied());
        above.chain([run]).collect()
    }
}

/// Who started a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Starter {
    /// A key of the account, and the member it acts for.
    Key(KeyId),
    /// A caller without a key, at a public agent.
    Anonymous,
    /// Who held a token of the thread; it acts for the key that issued it, if one did.
    Token(Option<KeyId>),
}

impl Starter {
    /// Whether who reads of the run may be none of the account's.
    pub const fn is_stranger(self) -> bool {
        !matches!(self, Self::Key(_))
    }

    /// Whether no key of the account stands behind them.
    pub const fn is_keyless(self) -> bool {
        matches!(self, Self::Anonymous | Self::Token(None))
    }
}

/// Where a child's result goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The call.
    pub call: EntryId,
    /// The runs above, the outermost first.
    pub path: Vec<RunId>,
}

/// How much a run may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Of the model.
    pub max_steps: u32,
    /// Of this run and its children together.
    #[serde(default, with = "money::as_optional_integer", skip_serializing_if = "Option::is_none")]
    pub max_usd: Option<Nanos>,
    /// From its start.
    pub max_minutes: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tool_calls: Option<u32>,
    /// At once.
    pub max_parallel_tools: u32,
    /// Of the model's context: where a call has used more, the oldest runs of the thread are compacted before the next.
    #[serde(default = "default_compact_at", skip_serializing_if = "is_default_compact_at")]
    pub compact_at: Share,
}

/// Where a thread is compacted whose agent says nothing.
pub const DEFAULT_COMPACT_AT: Share = Share::of_thousandths(700);

const fn default_compact_at() -> Share {
    DEFAULT_COMPACT_AT
}

fn is_default_compact_at(share: &Share) -> bool {
    *share == DEFAULT_COMPACT_AT
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_steps: 30,
            max_usd: None,
            max_minutes: 60,
            max_tool_calls: None,
            max_parallel_tools: 8,
            compact_at: DEFAULT_COMPACT_AT,
        }
    }
}

/// What becomes of a tool call that may have had its effect or not, after a crash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// Somebody says how it ended.
    #[default]
    Ask,
    /// The model learns that nobody knows.
    Report,
    /// The run fails.
    Fail,
}

impl OnUnknown {
    /// The same where nobody finds the run, and so nobody can be asked.
    #[must_use]
    pub const fn unasked(self) -> Self {
        match self {
            Self::Ask => Self::Report,
            other => other,
        }
    }
}

/// What a run does when the agent's budget is spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnBudget {
    /// It ends, incomplete.
    #[default]
    End,
    /// It goes on when there is money again.
    Wait,
}

/// Which version of an agent the runs of a thread have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Upgrade {
    /// Each the one that is in force when it is started.
    #[default]
    NextRun,
    /// All of them the one that was in force when the thread was made, until somebody moves the thread.
    NewThreads,
}

impl Upgrade {
    /// The version at which a thread stays that is made while this one is in force; `None`: at none.
    pub fn pin(self, version: u32) -> Option<u32> {
        (self == Self::NewThreads).then_some(version)
    }
}

/// Which of the runs that wait for a thread begins first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RunPriority)]
pub enum Priority {
    Critical,
    High,
    #[default]
    Normal,
    Low,
}
