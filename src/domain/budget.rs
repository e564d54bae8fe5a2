//! A budget: how much an agent may spend in a period, and what happens at the limit.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::money::{DollarsSchema, Nanos};
use super::time::Millis;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    pub limit: Nanos,
    pub period: Period,
    pub action: Action,
}

/// Periods begin at midnight UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    Day,
    Month,
    Total,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Calls that could pass the limit are refused.
    Block,
    /// Calls go through; the crossing is recorded.
    Notify,
}

impl Period {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
            Self::Total => "total",
        }
    }

    /// When the running period ends; `None` for [`Period::Total`].
    pub fn resets_at(self, now: Millis) -> Option<Millis> {
        match self {
            Self::Day => Some(now.start_of_next_day()),
            Self::Month => Some(now.start_of_next_month()),
            Self::Total => None,
        }
    }
}

impl Action {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Notify => "notify",
        }
    }
}

/// A budget as it is written: how much an agent may spend in a period. Periods begin at midnight UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Budget)]
pub struct Terms {
    /// What the calls of one period may cost, in US dollars.
    #[schema(value_type = DollarsSchema)]
    pub limit_usd: Nanos,
    pub period: Period,
    /// `block` when left out.
    #[serde(default = "block", deserialize_with = "action")]
    #[schema(value_type = Option<Action>)]
    pub action: Action,
}

const fn block() -> Action {
    Action::Block
}

fn action<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Action, D::Error> {
    Option::deserialize(deserializer).map(|action| action.unwrap_or_else(block))
}

impl From<Terms> for Budget {
    fn from(terms: Terms) -> Self {
        Self { limit: terms.limit_usd, period: terms.period, action: terms.action }
    }
}

impl From<Budget> for Terms {
    fn from(budget: Budget) -> Self {
        Self { limit_usd: budget.limit, period: budget.period, action: budget.action }
    }
}
