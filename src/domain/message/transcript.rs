//! Messages: the turns of a transcript.

use serde::{Deserialize, Serialize};

use super::assistant::AssistantPart;
use super::part::{CachePoint, Part};

/// One turn, or what was said to the model around it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case", deny_unknown_fields)]
pub enum Message {
    System {
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cache: Option<CachePoint>,
    },
    User {
        parts: Vec<Part>,
    },
    /// In the order in which the model made them.
    Assistant {
        parts: Vec<AssistantPart>,
    },
    /// The result of one tool call.
    Tool {
        call_id: String,
        parts: Vec<Part>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
}

impl Message {
    pub fn system(text: impl Into<String>) -> Self {
        Self::System { text: text.into(), cache: None }
    }

    pub fn user(text: impl Into<String>) -> Self {
        Self::User { parts: vec![Part::Text(text.into())] }
    }

    pub fn assistant(text: impl Into<String>) -> Self {
        Self::Assistant { parts: vec![AssistantPart::text(text)] }
    }

    /// The result of a call that went well.
    pub fn tool(call_id: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Tool { call_id: call_id.into(), parts: vec![Part::Text(text.into())], is_error: false }
    }

    /// The parts that a person or a tool has given.
    pub fn given(&self) -> &[Part] {
        match self {
            Self::User { parts } | Self::Tool { parts, .. } => parts,
            Self::System { .. } | Self::Assistant { .. } => &[],
        }
    }
}
