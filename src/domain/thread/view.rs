//! Threads, runs and items as clients see them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::fork::Origin;
use super::id::{EntryId, RunId, ThreadKey};
use super::item::{Item, Kind, Span};
use crate::domain::ids::AgentId;
use crate::domain::message::{AssistantPart, Message, Part};
use crate::domain::money::Nanos;
use crate::domain::run::awaited::Awaited;
use crate::domain::run::state::{End, Failure, Phase, Reason, Run, Status};
use crate::domain::run::terms::Priority;
use crate::domain::run::word::Ended;
use crate::domain::schema::Fault;
use crate::domain::time::Millis;
use crate::domain::warning::Warning;

/// A thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Thread)]
pub struct ThreadView {
    #[schema(value_type = String, format = "uuid")]
    pub id: ThreadKey,
    /// The client's own name for it.
    pub name: Option<String>,
    #[schema(value_type = String, format = "uuid")]
    pub agent_id: AgentId,
    /// The version at which it stays; null: each of its runs has the version in force when it is started.
    #[serde(default)]
    pub agent_version: Option<u32>,
    pub user: Option<String>,
    pub title: Option<String>,
    pub metadata: BTreeMap<String, String>,
    pub labels: Vec<String>,
    /// Of the run that is at work or waits.
    pub status: ThreadStatus,
    /// Its runs that are not over, in the order in which they come.
    #[schema(value_type = Vec<String>)]
    pub open_runs: Vec<RunId>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Millis,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Millis,
    /// Of a thread that was made for one call: when it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Millis>,
    /// Of a fork: what it is a copy of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<Origin>,
    /// It was made without a key, or is a copy of one that was: its user is a stranger's own word, and its runs have nothing of
    /// memories.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub anonymous: bool,
}

/// Whether something is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ThreadStatus {
    Idle,
    Busy,
    Waiting,
}

impl ThreadStatus {
    pub const ALL: [Self; 3] = [Self::Idle, Self::Busy, Self::Waiting];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Busy => "busy",
            Self::Waiting => "waiting",
        }
    }
}

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Run)]
pub struct RunView {
    #[schema(value_type = String)]
    pub id: RunId,
    #[schema(value_type = String, format = "uuid")]
    pub thread_id: ThreadKey,
    #[schema(value_type = String, format = "uuid")]
    pub agent_id: AgentId,
    pub agent_version: u32,
    /// Whoever the token was made for that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    pub status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_from: Option<Status>,
    /// What it waits for, as `inputs` answer it.
    #[schema(value_type = Vec<Object>)]
    pub waiting_on: Vec<Value>,
    /// Of an incomplete run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Of a failed run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// What its models were not asked as was wanted, of each kind the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub warnings: Vec<Warning>,
    /// The answer's text, once it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whether its answer is JSON that fits the `output` of its agent's version.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub typed: bool,
    /// Of a completed run that is `typed`: its answer.
    #[serde(default, deserialize_with = "there", skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Of one that is incomplete with `output_invalid`: what of its answer does not fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub output_errors: Vec<Fault>,
    /// Of a run that began by another protocol than ours: what that protocol's replies say again of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub request: Option<Value>,
    pub priority: Priority,
    /// With its children.
    #[schema(value_type = String, example = "0.000150")]
    pub cost_usd: Nanos,
    pub steps: u32,
    pub tool_calls: u32,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Millis,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Millis>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Millis>,
}

impl RunView {
    pub fn of(run: &Run, id: RunId, message: Option<String>) -> Self {
        let (reason, error, ended_at) = match &run.phase {
            Phase::Ended { end: End::Incomplete(reason), at } => (Some(*reason), None, Some(*at)),
            Phase::Ended { end: End::Failed(failure), at } => (None, Some(failure.clone()), Some(*at)),
            Phase::Ended { at, .. } => (None, None, Some(*at)),
            _ => (None, None, None),
        };
        let status = run.status();
        let is_answered = run.terms.typed && status == Status::Completed;
        let is_misfit = reason == Some(Reason::OutputInvalid);
        Self {
            id,
            thread_id: id.thread,
            agent_id: run.terms.agent,
            agent_version: run.terms.version,
            user: run.terms.user.clone(),
            status,
            paused_from: (status == Status::Paused).then(|| run.unpaused()),
            waiting_on: run.awaited().iter().map(|awaited| awaited_json(id, awaited)).collect(),
            reason,
            error,
            warnings: run.warnings.clone(),
            output: message
                .as_deref()
                .filter(|_| is_answered)
                .and_then(|text| serde_json::from_str(text).ok()),
            message,
            typed: run.terms.typed,
            output_errors: if is_misfit { run.faults().to_vec() } else { Vec::new() },
            request: run.terms.request.clone(),
            priority: run.terms.priority,
            cost_usd: run.spent,
            steps: run.steps,
            tool_calls: run.tool_calls,
            created_at: run.created_at,
            started_at: run.started_at,
            ended_at,
        }
    }
}

/// `null` is an answer, too.
fn there<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// The most bytes of a child's answer that the run above takes.
const MAX_RESULT: usize = 256 * 1_024;

impl RunView {
    /// How a run that is over is the result of the call that it answers. `open`: what may still come to its cost.
    pub fn ended(&self, open: Nanos) -> Ended {
        let reason = self.reason.map_or("", Reason::name);
        let (mut output, is_error) = match (&self.message, &self.error) {
            (_, Some(error)) => (format!("The agent failed ({}): {}", error.code, error.message), true),
            _ if self.status == Status::Cancelled => ("The agent's run was cancelled.".to_owned(), true),
            (Some(text), _) if self.reason == Some(Reason::OutputInvalid) => (
                format!("The agent's answer is not what it is to answer: it does not fit its schema. {text}"),
                true,
            ),
            (Some(text), _) if text.is_empty() => ("The agent answered nothing.".to_owned(), false),
            (Some(text), _) if self.reason.is_none() => (text.clone(), false),
            (Some(text), _) => (format!("(The agent stopped at a limit: {reason}.) {text}"), false),
            (None, _) => (format!("The agent stopped at a limit before it answered: {reason}."), true),
        };
        if output.len() > MAX_RESULT {
            output.truncate(output.floor_char_boundary(MAX_RESULT));
            output.push_str("\n(cut: the answer is longer than a tool's result may be)");
        }
        Ended { status: self.status, output, is_error, cost: self.cost_usd, open }
    }
}

/// What a run waits for, as clients see it.
pub fn awaited_json(run: RunId, awaited: &Awaited<'_>) -> Value {
    let id = |number| EntryId { run, number };
    match awaited {
        Awaited::ToolOutput(call) => json!({
            "kind": "tool_output", "call_id": id(call.entry), "name": call.name, "arguments": call.arguments,
        }),
        Awaited::Outcome(call) => json!({
            "kind": "outcome", "call_id": id(call.entry), "name": call.name, "arguments": call.arguments,
        }),
        Awaited::Child(call, waits) => {
            let child = id(call.entry).child();
            json!({
                "kind": "child", "call_id": id(call.entry), "name": call.name, "agent": call.child(), "run": child,
                "thread": child.thread, "status": if *waits { "waiting" } else { "in_progress" },
            })
        }
        Awaited::Budget(until) => json!({ "kind": "budget", "until": until }),
        Awaited::Time(until) => json!({ "kind": "time", "until": until }),
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemView {
    pub id: EntryId,
    /// The run that wrote it; absent where it was appended without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    #[serde(rename = "type")]
    pub kind: String,
    pub created_at: Millis,
    #[serde(flatten)]
    pub content: Content,
    /// Of a summary: the first item and the last of what it stands for.
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    pub stands_for: Option<Span>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    Call { call_id: String, name: String, arguments: String },
    Result { call_id: String, output: Vec<Part>, is_error: bool },
    Said { role: String, content: Value },
}

impl ItemView {
    pub fn of(thread: ThreadKey, item: Item) -> Self {
        let run = RunId { thread, number: item.run };
        let kind = Kind::of_item(&item);
        Self {
            id: EntryId { run, number: item.entry },
            run_id: (item.run > 0).then_some(run),
            kind: kind.name().to_owned(),
            created_at: item.at,
            content: Content::of(item.message),
            stands_for: item.stands_for,
        }
    }
}

impl Content {
    pub fn of(message: Message) -> Self {
        let said = |role: &str, content: Value| Content::Said { role: role.to_owned(), content };
        match message {
            Message::System { text, .. } => said("system", json!([{ "text": text }])),
            Message::User { parts, .. } => said("user", json!(parts)),
            Message::Tool { call_id, parts, is_error } => {
                Content::Result { call_id, output: parts, is_error }
            }
            Message::Assistant { mut parts } => match parts.first_mut() {
                Some(AssistantPart::ToolCall(call)) => Content::Call {
                    call_id: std::mem::take(&mut call.id),
                    name: std::mem::take(&mut call.name),
                    arguments: std::mem::take(&mut call.arguments),
                },
                _ => said("assistant", json!(parts.iter().filter_map(shown).collect::<Vec<_>>())),
            },
        }
    }
}

/// A part without what only its provider understands.
fn shown(part: &AssistantPart) -> Option<Value> {
    match part {
        AssistantPart::Text(text) if text.citations.is_empty() => Some(json!({ "text": text.text })),
        AssistantPart::Text(text) => {
            let sources = text.citations.iter().map(
                |citation| json!({ "url": citation.url, "title": citation.title, "quote": citation.quote }),
            );
            Some(json!({ "text": text.text, "citations": sources.collect::<Vec<_>>() }))
        }
        AssistantPart::Reasoning(reasoning) => Some(json!({ "text": reasoning.text })),
        AssistantPart::Refusal(text) => Some(json!({ "refusal": text })),
        AssistantPart::ToolCall(_) | AssistantPart::CachePoint(_) => None,
    }
}
