//! An agent as it is written down: by a request, a template, a file. Everything may be left out, because a template or the
//! agent as it was fills it in; what is left out in the end has its default or is missed.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::definition::{Access, Caching, DEFAULT_TYPE, Definition, Modality, Panel, RunLimits};
use super::memory::Memory;
use super::secrets::Secrets;
use super::status::Status;
use super::tool::Tool;
use super::typed::{Input, Output, TYPED};
use super::{Agent, check_labels, parse_slug};
use crate::domain::budget::{Budget, Terms};
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::merge_patch;
use crate::domain::run::terms::{OnBudget, OnUnknown, Upgrade};
use crate::domain::share::Share;
use crate::domain::slug::Slug;
use crate::domain::thread::command::OnBusy;

/// The fields of an agent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AgentFields)]
pub struct Fields {
    /// Only when an agent is created: the template it begins as; every other field is laid over it, objects deeply, lists
    /// as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "simple-chat")]
    pub template: Option<String>,
    /// The name in URLs, unique in the account: 1 to 63 of a-z, 0-9 and `-`. Left out: made of the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "triage")]
    pub slug: Option<String>,
    /// Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Triage Agent", min_length = 1, max_length = 255)]
    pub name: Option<String>,
    /// What it is for: simple-chat (the default), sales, simple-research, deep-research, digital-expert, router,
    /// task-execution, result-reporting, or a word of the account's own.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(example = "router")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 2_000)]
    pub description: Option<String>,
    /// Required: what the model is told before everything else. `{{name}}` is a variable: one of the account's, one that
    /// `config.variables` declares, or `agent_name`, `account_name`, `today`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "You sort the mail of {{account_name}}.", min_length = 1, max_length = 100_000)]
    pub instructions: Option<String>,
    /// Required: a model line, models or aliases that are tried in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "openai:gpt-4.1-mini?temperature=0.2, anthropic:claude-haiku-4-5")]
    pub model: Option<String>,
    /// A model line for `POST …/v1/embeddings`, which is refused when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "openai:text-embedding-3-small")]
    pub embeddings: Option<String>,
    /// `provider:voice`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "cartesia:sonic")]
    pub voice: Option<String>,
    /// What goes between a person and the agent; `text` when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modality: Option<Modality>,
    /// What a client shows beside the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub panels: Option<Vec<Panel>>,
    /// Identifiers of tools, and tools that are written out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["web_search"]), max_items = 128)]
    pub tools: Option<Vec<Tool>>,
    /// Slugs or ids of the agents it may hand a conversation to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!([]), max_items = 100)]
    pub handoff_targets: Option<Vec<String>>,
    /// `key` when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// Origins whose pages may call; left out, any for a public agent and none for another.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["https://example.com"]), max_items = 64)]
    pub allowed_origins: Option<Vec<String>>,
    /// The most calls at once; no limit when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000)]
    pub max_concurrency: Option<u32>,
    /// Gives an answer again to whoever asks the same, at no cost, for so long; left out, every call asks the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<Caching>,
    /// How much a run on a thread may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunLimits>,
    /// The most tools of a run at once; 8 when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 32)]
    pub max_parallel_tools: Option<u32>,
    /// What becomes of a run that comes while another is at work on its thread; `queue` when left out. A request may say
    /// otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_busy: Option<OnBusy>,
    /// What becomes of a tool call that may have had its effect or not, after a crash; `ask` when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_unknown: Option<OnUnknown>,
    /// What a run does when the agent's budget is spent; `end` when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_budget: Option<OnBudget>,
    /// Which version the runs of a thread have: `next_run` (when left out) each the one that is in force when it is started,
    /// `new_threads` all of them the one that was in force when the thread was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<Upgrade>,
    /// A schema that every final answer of a run fits, which is JSON then; left out, answers are text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Output>,
    /// A schema that what the agent is asked must fit: one message of the user's, which is JSON then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Input>,
    /// Names of the account's webhooks that hear of its runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!([]), max_items = 10)]
    pub webhooks: Option<Vec<String>>,
    /// Where a call of a run has used more than this share of its model's context, the oldest runs of the thread are summed up
    /// before the next; 0.7 when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, minimum = 0.1, maximum = 0.95, example = 0.7)]
    pub compact_at: Option<Share>,
    /// A thread that nothing changes for so many days is deleted; left out, it is kept. The account's plan may say less.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 3650, example = 90)]
    pub keep_days: Option<u32>,
    /// What of memories its runs have: none when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// A public agent must have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<Terms>,
    /// Whatever else belongs to it. `variables` declares what calls may bring: names, each with a default text, or null where
    /// the call must bring it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({"variables": {"tone": "friendly"}}))]
    pub config: Option<Map<String, Value>>,
    /// Words to find it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["support"]), max_items = 32)]
    pub labels: Option<Vec<String>>,
    /// Only when an agent is created: `draft`, `published`, `active` (the default), `inactive` or `deprecated`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

/// Fields understood; the hand-off targets are still names.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// What did not fit so far: missing fields, slug, labels.
    pub faults: Vec<FieldError>,
    pub slug: Option<Slug>,
    /// Without hand-off targets.
    pub definition: Definition,
    /// Slugs or ids.
    pub handoff_targets: Vec<String>,
    pub labels: Vec<String>,
    pub budget: Option<Budget>,
    pub status: Status,
}

impl Fields {
    /// An agent written down, with these names for its hand-off targets. Fields without a value are left out.
    pub fn of(agent: &Agent, handoff_targets: Vec<String>) -> Self {
        let definition = agent.definition.clone();
        let some = |list: Vec<String>| Some(list).filter(|list| !list.is_empty());
        Self {
            template: None,
            slug: Some(agent.slug.to_string()),
            name: Some(definition.name),
            kind: Some(definition.kind),
            description: definition.description,
            instructions: Some(definition.instructions),
            model: Some(definition.model),
            embeddings: definition.embeddings,
            voice: definition.voice,
            modality: Some(definition.modality),
            panels: Some(definition.panels).filter(|panels| !panels.is_empty()),
            tools: Some(definition.tools).filter(|tools| !tools.is_empty()),
            handoff_targets: some(handoff_targets),
            access: Some(definition.access),
            allowed_origins: definition.allowed_origins,
            max_concurrency: definition.max_concurrency,
            cache: definition.cache,
            run: definition.run,
            max_parallel_tools: definition.max_parallel_tools,
            on_busy: definition.on_busy,
            on_unknown: definition.on_unknown,
            on_budget: definition.on_budget,
            upgrade: definition.upgrade,
            output: definition.output,
            input: definition.input,
            webhooks: some(definition.webhooks),
            compact_at: definition.compact_at,
            keep_days: definition.keep_days,
            memory: definition.memory,
            budget: agent.budget.map(Terms::from),
            config: Some(definition.config).filter(|config| !config.is_empty()),
            labels: some(agent.labels.clone()),
            status: Some(agent.status),
        }
    }

    /// Fills in the defaults, and notes what is missing. [`Definition::check`] does the rest.
    pub fn understand(self) -> Draft {
        let mut errors = FieldErrors::default();
        if self.template.is_some() {
            errors.add("template", "is only for an agent that is created");
        }
        if self.status == Some(Status::Archived) {
            errors.add("status", "an agent is archived by DELETE");
        }
        let slug = self.slug.and_then(|slug| errors.take("slug", parse_slug(&slug)));
        let mut required = |field: &str, value: Option<String>| {
            value.unwrap_or_else(|| {
                errors.add(field, "is required");
                String::new()
            })
        };
        let definition = Definition {
            name: required("name", self.name),
            kind: self.kind.unwrap_or_else(|| DEFAULT_TYPE.to_owned()),
            description: self.description,
            instructions: required("instructions", self.instructions),
            model: required("model", self.model),
            embeddings: self.embeddings,
            voice: self.voice,
            modality: self.modality.unwrap_or_default(),
            panels: self.panels.unwrap_or_default(),
            tools: self.tools.unwrap_or_default(),
            handoff_targets: Vec::new(),
            access: self.access.unwrap_or_default(),
            allowed_origins: self.allowed_origins,
            max_concurrency: self.max_concurrency,
            cache: self.cache,
            run: self.run.filter(|run| *run != RunLimits::default()),
            max_parallel_tools: self.max_parallel_tools,
            on_busy: self.on_busy,
            on_unknown: self.on_unknown,
            on_budget: self.on_budget,
            upgrade: self.upgrade,
            output: self.output,
            input: self.input,
            webhooks: self.webhooks.unwrap_or_default(),
            compact_at: self.compact_at,
            keep_days: self.keep_days,
            memory: self.memory.filter(|memory| *memory != Memory::default()),
            config: self.config.unwrap_or_default(),
            secrets: Secrets::default(),
        };
        let labels = self.labels.unwrap_or_default();
        errors.join(check_labels(&labels));
        Draft {
            faults: errors.finish().err().unwrap_or_default(),
            slug,
            definition,
            handoff_targets: self.handoff_targets.unwrap_or_default(),
            labels,
            budget: self.budget.map(Budget::from),
            status: self.status.unwrap_or_default(),
        }
    }
}

/// Lays `over` on `base` ([`merge_patch::lay`]). The null of a variable means something: one that the call must pass. A schema
/// is replaced as a whole: two that are laid over each other are neither, and nulls in it are values.
pub fn merge(base: &mut Map<String, Value>, mut over: Map<String, Value>) {
    for field in TYPED {
        if !over.get(field).is_some_and(Value::is_object) {
            continue;
        }
        let Some(Value::Object(typed)) = over.shift_remove(field) else { continue };
        match base.get_mut(field) {
            Some(Value::Object(there)) => there.extend(typed),
            _ => drop(base.insert(field.to_owned(), typed.into())),
        }
    }
    merge_patch::lay(base, over, &["variables"]);
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
