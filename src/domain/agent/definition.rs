//! The configuration that a version is a snapshot of.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::memory::Memory;
use super::secrets::Secrets;
use super::tool::Tool;
use super::typed::{Input, Output};
use crate::domain::ids::AgentId;
use crate::domain::money::Nanos;
use crate::domain::run::terms::{OnBudget, OnUnknown, Upgrade};
use crate::domain::share::Share;
use crate::domain::thread::command::OnBusy;

/// The type of an agent that names none.
pub const DEFAULT_TYPE: &str = "simple-chat";

/// Stored whole. Read leniently: a snapshot from before a field was added has its default, and
/// one from after it was taken away is read without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    pub name: String,
    /// What it is for: a built-in word or the account's own.
    #[serde(rename = "type", default = "default_type")]
    pub kind: String,
    #[serde(default)]
    pub description: Option<String>,
    /// With `{{variables}}`.
    pub instructions: String,
    /// A model line, as it was written.
    pub model: String,
    /// A model line for vectors of texts; none when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embeddings: Option<String>,
    /// `provider:voice`.
    #[serde(default)]
    pub voice: Option<String>,
    #[serde(default)]
    pub modality: Modality,
    #[serde(default)]
    pub panels: Vec<Panel>,
    #[serde(default)]
    pub tools: Vec<Tool>,
    #[serde(default)]
    pub handoff_targets: Vec<AgentId>,
    #[serde(default)]
    pub access: Access,
    /// Origins such as `https://example.com` whose pages may call; `None`: any for a public agent, none otherwise.
    #[serde(default)]
    pub allowed_origins: Option<Vec<String>>,
    #[serde(default)]
    pub max_concurrency: Option<u32>,
    /// Whether answers are kept for requests that come again; `None`: they are not.
    #[serde(default)]
    pub cache: Option<Caching>,
    /// How much a run may use; what is left out here and below is not written, so that older versions stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunLimits>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_parallel_tools: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_busy: Option<OnBusy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_unknown: Option<OnUnknown>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_budget: Option<OnBudget>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<Upgrade>,
    /// What its answers are; text when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Output>,
    /// What it is asked; any messages when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Input>,
    /// Those that hear of its runs, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compact_at: Option<Share>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// How many days a thread is kept that nothing changes; for ever when left out, as far as the plan allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_days: Option<u32>,
    /// Whatever else the account keeps with it; `variables` declares what calls may bring.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// What the masks in headers of tools stand for. Only the directory writes it out ([`Definition::stored`]).
    #[serde(default, skip_serializing)]
    pub secrets: Secrets,
}

/// Where the secrets are in a stored definition.
pub const SECRETS: &str = "secrets";

fn default_type() -> String {
    DEFAULT_TYPE.to_owned()
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// A key of the account is needed.
    #[default]
    Key,
    /// Anyone may call; a budget must bound it.
    Public,
}

impl Access {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Public => "public",
        }
    }
}

/// What goes between a person and the agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Modality {
    AudioOnly,
    AudioCamera,
    AudioScreenshare,
    #[default]
    Text,
}

/// A surface that a client shows beside the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Panel {
    SlidePresenter,
    Notepad,
    CodingIde,
    Whiteboard,
    DocumentViewer,
}

/// How long an answer is given again to whoever asks the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Caching {
    /// In seconds.
    #[schema(minimum = 1, maximum = 86_400, example = 300)]
    pub ttl_s: u32,
}

/// How much a run may use. It ends, incomplete, where it reaches one of them, after a last word of the model where there is
/// money for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RunLimits {
    /// Of the model; 30 when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000, example = 30)]
    pub max_steps: Option<u32>,
    /// Of the run and its children together; the agent's budget alone when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "0.50")]
    pub max_usd: Option<Nanos>,
    /// From its start; 60 when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_440, example = 60)]
    pub max_minutes: Option<u32>,
    /// No limit of its own when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000, example = 100)]
    pub max_tool_calls: Option<u32>,
}

impl Definition {
    /// As the directory keeps it, and nobody else sees it.
    pub fn stored(&self) -> Value {
        let mut stored = json!(self);
        if !self.secrets.is_empty() {
            stored[SECRETS] = json!(self.secrets);
        }
        stored
    }

    /// With the newest values of its secrets ([`Secrets::renew`]).
    pub fn renew_secrets(&mut self, newest: &Secrets) {
        self.secrets.renew(&mut self.tools, newest);
    }

    /// The `Access-Control-Allow-Origin` for a page of `origin`; `None` when the page may not call.
    pub fn allow_origin(&self, origin: &str) -> Option<String> {
        match &self.allowed_origins {
            Some(origins) => origins.iter().find(|allowed| *allowed == origin).cloned(),
            None if self.access == Access::Public => Some("*".to_owned()),
            None => None,
        }
    }

    /// Every model line in it.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        [Some(&self.model), self.embeddings.as_ref()].into_iter().flatten().map(String::as_str)
    }

    /// What calls may bring: a default each, or nothing where the call must bring it.
    pub fn variables(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let declared = self.config.get("variables").and_then(Value::as_object);
        declared.into_iter().flatten().map(|(name, default)| (name.as_str(), default.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_from_before_a_field_was_added_is_read() {
        let first: Definition =
            serde_json::from_str(r#"{"name": "a", "instructions": "b", "model": "c:d", "of_old": 1}"#)
                .unwrap();
        assert_eq!(
            (first.kind.as_str(), first.modality, first.access),
            (DEFAULT_TYPE, Modality::Text, Access::Key)
        );
        let again: Definition = serde_json::from_value(serde_json::to_value(&first).unwrap()).unwrap();
        assert_eq!(again, first);
    }

    #[test]
    fn origins_open_an_agent_to_pages() {
        let plain: Definition =
            serde_json::from_str(r#"{"name": "a", "instructions": "b", "model": "c:d"}"#).unwrap();
        let listed =
            Definition { allowed_origins: Some(vec!["https://a.example.com".into()]), ..plain.clone() };
        assert_eq!(listed.allow_origin("https://a.example.com").as_deref(), Some("https://a.example.com"));
        assert_eq!(listed.allow_origin("https://b.example.com"), None);
        assert_eq!(plain.allow_origin("https://a.example.com"), None);
        let public = Definition { access: Access::Public, ..plain };
        assert_eq!(public.allow_origin("https://a.example.com").as_deref(), Some("*"));
    }
}
