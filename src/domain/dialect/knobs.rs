//! The kinds of values that a dialect's fields have.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::message::ReasoningEffort;

/// The field that bounds the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimitField {
    MaxTokens,
    /// Bounds reasoning as well.
    MaxCompletionTokens,
}

/// When a sampling field is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    Always,
    /// Only while the model does not think.
    WithoutReasoning,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeedField {
    Seed,
    RandomSeed,
    None,
}

/// How instructions are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum System {
    /// As many system messages as there are, anywhere.
    Many,
    /// One, at the beginning: a chat template demands it.
    One,
    /// As `many`, in the role `developer`.
    Developer,
}

/// In which order turns may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Turns {
    Any,
    /// The user and the assistant take turns: messages of one role in a row are joined.
    Alternating,
}

/// What becomes of a last message that is the assistant's, to be continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Prefill {
    Taken,
    /// With `prefix: true` on it.
    Prefix,
    Refused,
}

/// Where reasoning goes when a conversation is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Back {
    /// Nowhere: it is left out.
    Nowhere,
    /// The message's `reasoning_content`.
    ReasoningContent,
    /// As `reasoning_content`, and a turn with tool calls must have it, if only an empty one.
    ReasoningContentAlways,
    /// The message's `reasoning`.
    Reasoning,
    /// The message's `reasoning_details`, or `reasoning` where there are none.
    ReasoningDetails,
    /// A `thinking` part of the content.
    ThinkingPart,
    /// Where its proof belongs: blocks of Anthropic's, parts of Gemini's.
    Proof,
}

/// How much thinking is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Thinking {
    /// Not at all: there is no field for it.
    Absent,
    /// `reasoning_effort`, with the levels that there are; another becomes the nearest.
    Effort {
        lowest: Lowest,
        xhigh: bool,
        #[serde(default)]
        max: bool,
    },
    /// Anthropic's `thinking.budget_tokens`; off unless asked for.
    Budget,
    /// Anthropic's `thinking.type: adaptive` with `output_config.effort`.
    Adaptive { quiet: Quiet, xhigh: bool },
    /// Gemini's `thinkingBudget`, in tokens; where thinking cannot be switched off the least is above 0.
    BudgetTokens { least: u32 },
    /// Gemini's `thinkingLevel`; `LOW` is every model's, `MINIMAL` is not.
    Level { minimal: bool },
    /// `reasoning_effort` up to `high`, and null for none.
    Nullable,
}

/// The levels below `low` that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lowest {
    /// `none` and `minimal`.
    Both,
    None,
    Minimal,
    Low,
}

/// How an effort of `none` is said to a model of Anthropic's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quiet {
    /// Thinking is off unless asked for.
    Silence,
    /// `thinking.type: disabled`.
    Disabled,
    /// `thinking.type: between_tools`.
    BetweenTools,
    /// Thinking cannot be switched off: the lowest effort.
    LowEffort,
}

/// Which structured outputs there are; what there is not is asked for in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    JsonSchema,
    JsonObject,
    /// A schema, and no JSON mode without one.
    SchemaOnly,
    Words,
}

impl Format {
    /// The same of a model that takes no schema.
    pub const fn without_schema(self) -> Self {
        match self {
            Self::JsonSchema | Self::JsonObject => Self::JsonObject,
            Self::SchemaOnly | Self::Words => Self::Words,
        }
    }
}

/// Which JSON Schema a tool's parameters and an output may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Schema {
    /// All of it.
    Any,
    /// The top of a tool's is an object with `properties`, without a reference, a union or a choice of values.
    #[serde(alias = "no_top_union")]
    PlainTop,
    /// Nothing beside a `$ref`.
    LoneRefs,
}

/// What names of tools and identifiers of calls are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Alphabet {
    Any,
    /// Letters, digits, `_` and `-`.
    Words,
    /// As `words`, and the first is a letter or `_`.
    Identifier,
    /// Letters and digits.
    Alphanumeric,
    /// As `words`, and `.`.
    Dotted,
}

/// What a name or an identifier may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Naming {
    pub alphabet: Alphabet,
    /// In characters, both included.
    pub min: u16,
    pub max: u16,
}

/// Which identifiers of calls are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallIds {
    All,
    /// Those that the server made itself, which seldom does.
    Issued,
}

impl Taken {
    pub const fn holds(self, thinks: bool) -> bool {
        match self {
            Self::Always => true,
            Self::WithoutReasoning => !thinks,
            Self::Never => false,
        }
    }
}

impl Thinking {
    /// The level of `reasoning_effort` that is nearest to the one asked for; `None` where there is no such field.
    pub const fn nearest(self, effort: ReasoningEffort) -> Option<ReasoningEffort> {
        let Self::Effort { lowest, xhigh, max } = self else { return None };
        Some(match effort {
            ReasoningEffort::None => match lowest {
                Lowest::Both | Lowest::None => ReasoningEffort::None,
                Lowest::Minimal => ReasoningEffort::Minimal,
                Lowest::Low => ReasoningEffort::Low,
            },
            ReasoningEffort::Minimal if matches!(lowest, Lowest::None | Lowest::Low) => ReasoningEffort::Low,
            ReasoningEffort::Xhigh if !xhigh => ReasoningEffort::High,
            ReasoningEffort::Max if !max && !xhigh => ReasoningEffort::High,
            ReasoningEffort::Max if !max => ReasoningEffort::Xhigh,
            effort => effort,
        })
    }

    /// Whether this very level can be asked for, where a protocol has other words or numbers for it.
    pub const fn has(self, effort: ReasoningEffort) -> bool {
        use ReasoningEffort::{Max, Minimal, None, Xhigh};
        match (self, effort) {
            (Self::Absent, _) => false,
            (Self::Effort { .. }, effort) => {
                matches!(self.nearest(effort), Some(nearest) if nearest as u8 == effort as u8)
            }
            (Self::Adaptive { quiet, .. }, None) => matches!(quiet, Quiet::Silence | Quiet::Disabled),
            (Self::Adaptive { xhigh, .. }, Xhigh) => xhigh,
            (Self::Adaptive { .. }, effort) => !matches!(effort, Minimal),
            (Self::Budget, effort) => !matches!(effort, Minimal | Max),
            (Self::BudgetTokens { least }, None) => least == 0,
            (Self::Level { .. }, None) => false,
            (Self::Level { minimal }, Minimal) => minimal,
            (Self::BudgetTokens { .. } | Self::Level { .. } | Self::Nullable, effort) => {
                !matches!(effort, Minimal | Xhigh | Max)
            }
        }
    }
}
