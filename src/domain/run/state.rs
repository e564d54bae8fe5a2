//! Where a run stands.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::child::{Child, Guess};
use super::compaction::Compacting;
pub use super::failure::Failure;
use super::misfit::Repair;
use super::setbacks::Trouble;
use super::terms::Terms;
use super::tool::OpenCall;
use crate::domain::money::{self, Nanos};
use crate::domain::time::{self, Millis};
use crate::domain::warning::Warning;

/// A run. What is not here is in its thread: items, journal, events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// From 1, in its thread.
    pub number: u32,
    pub terms: Terms,
    #[serde(with = "time::as_integer")]
    pub created_at: Millis,
    #[serde(default)]
    pub started_at: Option<Millis>,
    /// When the model was asked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Millis>,
    /// With its children.
    #[serde(with = "money::as_integer")]
    pub spent: Nanos,
    /// Steps of the model that were begun.
    pub steps: u32,
    /// How often the step that comes next was begun in vain: no two attempts have one name.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub given_back: u32,
    pub tool_calls: u32,
    /// The number of the next entry that is no piece of an answer.
    pub next_entry: u32,
    pub phase: Phase,
    /// Nothing new begins; why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Paused>,
    /// Why the running step is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<Reason>,
    /// Something was said since the running step began.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_steered: bool,
    /// The step before had calls that did not fit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_invalid: bool,
    #[serde(default, skip_serializing_if = "Trouble::is_none")]
    pub trouble: Trouble,
    /// What models were not asked as was wanted: of each kind the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// How often others came first, since the last progress.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub waits: u32,
    /// Runs that its calls have begun and that have not said how they ended, by the entry of the call.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub children: BTreeMap<u32, Child>,
    /// What was taken for the cost of those whose end is known from elsewhere: their own word puts it right.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub guessed: BTreeMap<u32, Guess>,
    /// What may still come to its cost, of children that were cut off.
    #[serde(default, with = "money::as_integer", skip_serializing_if = "is_nothing")]
    pub set_aside: Nanos,
    /// It ended while the model was asked, whose bill it has not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_asking: bool,
    /// Of an answer that did not fit what the agent answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<Repair>,
    #[serde(default, skip_serializing_if = "Compacting::is_none")]
    pub compacting: Compacting,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Other runs of the thread come first.
    Queued,
    /// A step of the model comes next.
    Next,
    /// The oldest runs of the thread are summed up.
    Compact {
        nth: u32,
    },
    /// The model is asked.
    Model {
        step: u32,
        attempt: u32,
    },
    Tools {
        step: u32,
        calls: Vec<OpenCall>,
    },
    /// The step is tried again then.
    Later {
        #[serde(with = "time::as_integer")]
        until: Millis,
        why: Delay,
    },
    Ended {
        end: End,
        #[serde(with = "time::as_integer")]
        at: Millis,
    },
}

/// Why a step is tried later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delay {
    /// There is no money.
    Budget,
    /// Others come first.
    Place,
    /// Nobody could answer.
    Trouble,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    Completed,
    Incomplete(Reason),
    Failed(Failure),
    Cancelled(Option<String>),
}

/// Why a run is incomplete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RunReason)]
pub enum Reason {
    MaxSteps,
    MaxToolCalls,
    MaxMinutes,
    MaxUsd,
    BudgetExceeded,
    MaxOutputTokens,
    ContentFilter,
    OutputInvalid,
}

impl Reason {
    pub const fn name(self) -> &'static str {
        match self {
            Self::MaxSteps => "max_steps",
            Self::MaxToolCalls => "max_tool_calls",
            Self::MaxMinutes => "max_minutes",
            Self::MaxUsd => "max_usd",
            Self::BudgetExceeded => "budget_exceeded",
            Self::MaxOutputTokens => "max_output_tokens",
            Self::ContentFilter => "content_filter",
            Self::OutputInvalid => "output_invalid",
        }
    }
}

/// How long behind a run's time an answer is heard that is under way.
const HEARD_OUT_MS: i64 = 60_000;

/// A run's state in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RunStatus)]
pub enum Status {
    Queued,
    InProgress,
    Waiting,
    Paused,
    Completed,
    Incomplete,
    Failed,
    Cancelled,
}

impl Status {
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::InProgress,
        Self::Waiting,
        Self::Paused,
        Self::Completed,
        Self::Incomplete,
        Self::Failed,
        Self::Cancelled,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InProgress => "in_progress",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Incomplete | Self::Failed | Self::Cancelled)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_nothing(amount: &Nanos) -> bool {
    *amount == Nanos::ZERO
}

impl Run {
    pub const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ended { .. })
    }

    pub fn status(&self) -> Status {
        match self.unpaused() {
            status if status.is_final() || self.paused.is_none() => status,
            _ => Status::Paused,
        }
    }

    /// What its status would be, were it not paused.
    pub fn unpaused(&self) -> Status {
        match &self.phase {
            Phase::Queued => Status::Queued,
            Phase::Next | Phase::Compact { .. } | Phase::Model { .. } => Status::InProgress,
            Phase::Later { .. } => Status::Waiting,
            Phase::Tools { calls, .. } => {
                let is_at_work = calls.iter().any(|call| !call.waits() && !call.is_done());
                let is_waiting = calls.iter().any(OpenCall::waits);
                if is_at_work || !is_waiting { Status::InProgress } else { Status::Waiting }
            }
            Phase::Ended { end, .. } => match end {
                End::Completed => Status::Completed,
                End::Incomplete(_) => Status::Incomplete,
                End::Failed(_) => Status::Failed,
                End::Cancelled(_) => Status::Cancelled,
            },
        }
    }

    /// Whether a model is asked, for a step or for a summary.
    pub const fn is_asking(&self) -> bool {
        matches!(self.phase, Phase::Model { .. } | Phase::Compact { .. })
    }

    /// The step that the model is answering.
    pub const fn asked(&self) -> Option<u32> {
        match self.phase {
            Phase::Model { step, .. } => Some(step),
            _ => None,
        }
    }

    /// Of the model in the running step.
    pub const fn attempt(&self) -> u32 {
        match self.phase {
            Phase::Model { attempt, .. } => attempt,
            _ => 0,
        }
    }

    /// The calls of the running step.
    pub fn calls(&self) -> &[OpenCall] {
        match &self.phase {
            Phase::Tools { calls, .. } => calls,
            _ => &[],
        }
    }

    pub fn call(&self, entry: u32) -> Option<&OpenCall> {
        self.calls().iter().find(|call| call.entry == entry)
    }

    /// What it may still spend, beside what its children may; `None` where it has no limit.
    pub fn left(&self) -> Option<Nanos> {
        let given: Nanos = self.children.values().filter_map(|child| child.given).sum();
        self.terms.limits.max_usd.map(|most| most - self.spent - self.set_aside - given)
    }

    /// Of a run that is over: what may still come to its cost, as far as it is bounded.
    pub fn open_cost(&self) -> Nanos {
        let is_open = self.was_asking || !self.children.is_empty() || self.set_aside > Nanos::ZERO;
        let most = self.terms.limits.max_usd.filter(|_| is_open);
        most.map_or(Nanos::ZERO, |most| most - self.spent)
    }

    /// Whether it waits for money, or for others: for no longer than its time, even with its last word.
    pub const fn waits_in_line(&self) -> bool {
        matches!(self.phase, Phase::Later { why: Delay::Budget | Delay::Place, .. })
    }

    /// When its time is up.
    pub fn deadline(&self) -> Option<Millis> {
        self.started_at.map(|at| at.plus(i64::from(self.terms.limits.max_minutes) * 60_000))
    }

    /// Whether its time is up, and it was not asked for its last word because of a limit.
    pub fn is_late(&self, now: Millis) -> bool {
        self.closing.is_none() && self.deadline().is_some_and(|deadline| now >= deadline)
    }

    /// When an answer that is under way behind the run's time is heard no longer, the last word among them.
    pub fn cut_at(&self) -> Option<Millis> {
        let since = |deadline: Millis| self.asked_at.map_or(deadline, |asked_at| asked_at.max(deadline));
        self.deadline().map(|deadline| since(deadline).plus(HEARD_OUT_MS))
    }

    /// When time alone changes something.
    pub fn wake_at(&self) -> Option<Millis> {
        if self.is_over() || self.paused.is_some() {
            return None;
        }
        let deadline = self.deadline().filter(|_| self.closing.is_none() || self.waits_in_line());
        let due = match self.phase {
            Phase::Later { until, .. } => [Some(until), deadline, self.cut_at()].into_iter().flatten().min(),
            Phase::Tools { .. } => [deadline, self.next_call_at()].into_iter().flatten().min(),
            Phase::Model { .. } | Phase::Compact { .. } => self.cut_at(),
            Phase::Queued | Phase::Next | Phase::Ended { .. } => None,
        };
        let look = self.children.values().map(|child| child.look_at).min();
        [due, look].into_iter().flatten().min()
    }
}
