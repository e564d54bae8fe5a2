//! What is listed, and what it is found by.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::ids::AgentId;
use crate::domain::money::Nanos;
use crate::domain::run::state::{Reason, Status};
use crate::domain::run::terms::Priority;
use crate::domain::thread::id::{RunId, ThreadKey};
use crate::domain::thread::view::{RunView, ThreadStatus, ThreadView};
use crate::domain::time::{self, Millis};

/// What a list is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Thread,
    Run,
}

/// A thread or a run as the index has it. What it is found by besides is its thread's, see
/// [`super::command::Delivered`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Of the run in its thread; `None`: the thread itself.
    pub run: Option<u32>,
    pub agent: AgentId,
    pub status: String,
    /// Of a run that is for another end user than its thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The webhooks that the run names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<String>,
    /// Of a run that waits for somebody or for money: which of its waits that is, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<u32>,
    #[serde(with = "time::as_integer")]
    pub created_at: Millis,
    #[serde(with = "time::as_integer")]
    pub updated_at: Millis,
    /// The JSON that lists show: [`ThreadLine`] or [`RunLine`]. The object that owns it writes it, the index only keeps it.
    pub shown: String,
}

/// A thread in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ThreadLine)]
pub struct ThreadLine<'a> {
    #[schema(value_type = String, format = "uuid")]
    id: ThreadKey,
    /// The client's own name for it.
    name: Option<&'a str>,
    #[schema(value_type = String, format = "uuid")]
    agent_id: AgentId,
    user: Option<&'a str>,
    title: Option<&'a str>,
    labels: &'a [String],
    status: ThreadStatus,
    #[schema(value_type = String, format = DateTime)]
    created_at: Millis,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Millis,
}

/// A run in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RunLine)]
pub struct RunLine<'a> {
    #[schema(value_type = String)]
    id: RunId,
    #[schema(value_type = String, format = "uuid")]
    thread_id: ThreadKey,
    #[schema(value_type = String, format = "uuid")]
    agent_id: AgentId,
    agent_version: u32,
    /// Of the token that started it, else of its thread, as are its labels.
    user: Option<&'a str>,
    status: Status,
    /// Of an incomplete run.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    /// The code of a failed run's error.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    priority: Priority,
    /// With its children, when its status changed last.
    #[schema(value_type = String, example = "0.000150")]
    cost_usd: Nanos,
    #[schema(value_type = String, format = DateTime)]
    created_at: Millis,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Millis>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Millis>,
}

impl Entry {
    pub fn of_thread(thread: &ThreadView) -> Self {
        let line = ThreadLine {
            id: thread.id,
            name: thread.name.as_deref(),
            agent_id: thread.agent_id,
            user: thread.user.as_deref(),
            title: thread.title.as_deref(),
            labels: &thread.labels,
            status: thread.status,
            created_at: thread.created_at,
            updated_at: thread.updated_at,
        };
        Self {
            run: None,
            agent: thread.agent_id,
            status: thread.status.name().to_owned(),
            user: None,
            webhooks: Vec::new(),
            wait: None,
            created_at: thread.created_at,
            updated_at: thread.updated_at,
            shown: json(&line),
        }
    }

    /// Of a run, whose thread belongs to this end user.
    pub fn of_run(run: &RunView, user: Option<&str>) -> Self {
        let line = RunLine {
            id: run.id,
            thread_id: run.thread_id,
            agent_id: run.agent_id,
            agent_version: run.agent_version,
            user: run.user.as_deref().or(user),
            status: run.status,
            reason: run.reason,
            error: run.error.as_ref().map(|failure| failure.code.as_str()),
            priority: run.priority,
            cost_usd: run.cost_usd,
            created_at: run.created_at,
            started_at: run.started_at,
            ended_at: run.ended_at,
        };
        Self {
            run: Some(run.id.number),
            agent: run.agent_id,
            user: run.user.clone(),
            status: run.status.name().to_owned(),
            webhooks: Vec::new(),
            wait: None,
            created_at: run.created_at,
            updated_at: run.ended_at.or(run.started_at).unwrap_or(run.created_at),
            shown: json(&line),
        }
    }
}

/// JSON can hold every line.
fn json(line: &impl Serialize) -> String {
    serde_json::to_string(line).unwrap_or_default()
}

/// What a thing with these labels is found by: each label, and of `team:blue` also `team`. At most two for each label.
pub fn terms(labels: &[String]) -> BTreeSet<&str> {
    labels
        .iter()
        .flat_map(|label| [Some(label.as_str()), label.split_once(':').map(|(key, _)| key)])
        .flatten()
        .filter(|term| !term.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_with_a_value_is_found_by_its_key_too() {
        let labels = ["vip", "team:blue", "team:red", ":odd", "a:b:c"].map(str::to_owned);
        let found: Vec<&str> = terms(&labels).into_iter().collect();
        assert_eq!(found, [":odd", "a", "a:b:c", "team", "team:blue", "team:red", "vip"]);
    }
}
