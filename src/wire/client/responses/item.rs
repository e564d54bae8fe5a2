//! Items of an answer.

use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::message::Citation;

/// How far an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    InProgress,
    Completed,
    Incomplete,
    /// Of a call that ran here.
    Failed,
}

/// An item of an answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OutputItem {
    Message {
        id: String,
        status: Status,
        role: &'static str,
        content: Vec<ContentPart>,
    },
    Reasoning {
        id: String,
        status: Status,
        summary: Vec<Summary>,
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<String>,
    },
    FunctionCall {
        id: String,
        status: Status,
        call_id: String,
        name: String,
        arguments: String,
    },
    /// A call of a tool that ran here.
    McpCall {
        id: String,
        status: Status,
        server_label: &'static str,
        name: String,
        arguments: String,
        output: Option<String>,
        error: Option<String>,
        approval_request_id: Option<String>,
    },
}

/// Whose tools run here.
pub const SERVER: &str = "retinue";

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentPart {
    OutputText { text: String, annotations: Vec<Value>, logprobs: Vec<Value> },
    Refusal { refusal: String },
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename = "summary_text")]
pub struct Summary {
    pub text: String,
}

impl ContentPart {
    pub fn text(text: impl Into<String>) -> Self {
        Self::OutputText { text: text.into(), annotations: Vec::new(), logprobs: Vec::new() }
    }
}

impl OutputItem {
    pub fn id(&self) -> &str {
        match self {
            Self::Message { id, .. }
            | Self::Reasoning { id, .. }
            | Self::FunctionCall { id, .. }
            | Self::McpCall { id, .. } => id,
        }
    }

    pub const fn set(&mut self, to: Status) {
        match self {
            Self::Message { status, .. }
            | Self::Reasoning { status, .. }
            | Self::FunctionCall { status, .. }
            | Self::McpCall { status, .. } => *status = to,
        }
    }
}

/// Where an answer comes from; `None` for a source without an address.
pub fn annotation(citation: &Citation) -> Option<Value> {
    let url = citation.url.as_deref()?;
    let place = citation.start.zip(citation.end).filter(|(start, end)| start <= end);
    let (start, end) = place.unwrap_or((0, 0));
    let title = citation.title.as_deref().unwrap_or(url);
    Some(json!({
        "type": "url_citation", "url": url, "title": title, "start_index": start, "end_index": end,
    }))
}
