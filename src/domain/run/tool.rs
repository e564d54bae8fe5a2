//! A tool call, from the model's word to its result.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::message::{CachePoint, JsonText, Tool, ToolCall};
use crate::domain::time::Millis;

/// A tool that the client runs: the run waits for its output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientTool {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A JSON Schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<JsonText>,
    /// Whether the provider holds the model to the schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    /// The prompt up to this tool is worth keeping in the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CachePoint>,
}

impl From<Tool> for ClientTool {
    fn from(tool: Tool) -> Self {
        let Tool { name, description, parameters, strict, cache } = tool;
        let parameters = parameters.and_then(|parameters| JsonText::parse(parameters.get()));
        Self { name, description, parameters, strict, cache }
    }
}

/// What doing something twice means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ToolEffect)]
pub enum Effect {
    /// It changes nothing.
    Pure,
    /// Twice with the same key is once.
    Idempotent,
    /// It must not happen twice.
    Unsafe,
}

/// How a call is carried out, as the agent's version says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The client gives its output.
    Client,
    /// We run it.
    Ours(Effect),
    /// A run of this agent of the account.
    Child(String),
    /// There is no such tool, or its arguments do not fit: these words say so to the model.
    Invalid(String),
}

/// A call that the model made, and how it is carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    pub call: ToolCall,
    pub how: How,
}

/// A call of the running step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenCall {
    /// Its entry: the number in its id.
    pub entry: u32,
    pub name: String,
    /// JSON as the model wrote it.
    pub arguments: String,
    pub how: How,
    pub stage: Stage,
    /// How often it was begun.
    pub attempt: u32,
    /// How often of those in vain, since the run's last progress.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failed: u32,
    /// To be begun, and not before this: it could not be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Millis>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// To be begun.
    Ready,
    Running,
    /// Its output, from the client.
    Output,
    /// How it ended, from somebody who knows.
    Outcome,
    /// The end of the child.
    Child,
    Done,
}

impl OpenCall {
    /// The agent whose run answers it.
    pub fn child(&self) -> Option<&str> {
        match &self.how {
            How::Child(agent) => Some(agent),
            How::Client | How::Ours(_) | How::Invalid(_) => None,
        }
    }

    /// Whether it was begun, as far as we are to begin it.
    pub const fn was_made(&self) -> bool {
        self.attempt > 0
    }

    pub const fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    /// Whether something outside comes first: somebody's word, or its time.
    pub const fn waits(&self) -> bool {
        matches!(self.stage, Stage::Output | Stage::Outcome | Stage::Child) || self.not_before.is_some()
    }

    /// Whether it is to be begun by then.
    pub fn is_due(&self, now: Millis) -> bool {
        matches!(self.stage, Stage::Ready) && self.not_before.is_none_or(|at| at <= now)
    }

    /// What may happen more than once: a call that was under way when a crash came is made again.
    pub const fn may_repeat(&self) -> bool {
        match self.how {
            How::Ours(effect) => matches!(effect, Effect::Pure | Effect::Idempotent),
            // A child is named by its call, so that beginning it twice is once.
            How::Child(_) => true,
            How::Client | How::Invalid(_) => false,
        }
    }
}
