//! One agent of another system, laid out in our fields by its system's rules.

use serde_json::{Map, Value};

use crate::domain::agent::{Fields, MAX_INSTRUCTIONS, MAX_NAME, Status};
use crate::domain::field_error::FieldErrors;
use crate::domain::json;
use crate::domain::model_name;
use crate::domain::slug::Slug;

use super::park::{self, Parked};
use super::report::Report;
use super::value;
use super::variables::{self, Braces};
use super::{Need, Source};

/// A dotted path in the source, and where its value goes.
pub type Rule = (&'static str, To);

/// Where a value goes. What no rule names is parked.
#[derive(Clone, Copy, Debug)]
pub enum To {
    Name,
    /// The agent's name in URLs, and one by which others of its file call it.
    Slug,
    /// Only a name by which others of its file call it.
    Key,
    Type,
    /// Type and slug, both in kebab case.
    TypeAndSlug,
    Description,
    /// A part of the instructions, under this heading; without one where it is empty.
    Text(&'static str),
    /// A code, a list of them, or an object with a provider, a code and parameters.
    Model,
    Provider,
    /// An object with sampling parameters; what else it has stays where it is.
    Params,
    Tools,
    Handoffs,
    /// Agents that this one needs and does not hand off to: parked.
    Needs,
    Status,
    /// `false` is inactive.
    IsActive,
    /// An object: what it has stays in `config`, except sampling parameters.
    Config,
    /// The instructions, if the agent has no other; kept as well.
    TextIfNone,
    /// It is our own field of this name.
    Same,
    /// Memory that its system puts into the prompt: a part of the instructions as far as they have room.
    Memory,
    /// Declares variables: see [`Mapper::variables`].
    Variables,
    /// It says nothing of the agent.
    Drop(&'static str),
    /// What it says of the agent has no place here.
    Lose(&'static str),
}

const GIVEN_HERE: &str = "this account gives its own";
/// What rows of other systems' databases say of themselves.
pub const OWN: [Rule; 10] = [
    ("_id", To::Drop(GIVEN_HERE)),
    ("__v", To::Drop(GIVEN_HERE)),
    ("created_at", To::Drop(GIVEN_HERE)),
    ("createdAt", To::Drop(GIVEN_HERE)),
    ("updated_at", To::Drop(GIVEN_HERE)),
    ("updatedAt", To::Drop(GIVEN_HERE)),
    ("organization_id", To::Drop(GIVEN_HERE)),
    ("project_id", To::Drop(GIVEN_HERE)),
    ("user_id", To::Drop(GIVEN_HERE)),
    ("$schema", To::Drop("it says how the source is checked")),
];

/// Names of sampling parameters in other systems, and ours.
const PARAMS: [(&str, &str); 14] = [
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("topP", "top_p"),
    ("max_tokens", "max_tokens"),
    ("maxTokens", "max_tokens"),
    ("max_output_tokens", "max_tokens"),
    ("maxOutputTokens", "max_tokens"),
    ("max_completion_tokens", "max_tokens"),
    ("max_tokens_to_sample", "max_tokens"),
    ("num_predict", "max_tokens"),
    ("seed", "seed"),
    ("reasoning_effort", "reasoning_effort"),
    ("reasoningEffort", "reasoning_effort"),
    ("thinking_budget", "reasoning_effort"),
];
const PROVIDERS: [&str; 7] = [
    "provider",
    "provider_name",
    "model_endpoint_type",
    "model_provider",
    "type",
    "api_type",
    "modelProvider",
];
const CODES: [&str; 8] =
    ["id", "model", "name", "model_name", "code", "model_id", "model_code", "deployment_name"];

const MAX_DESCRIPTION: usize = 2_000;
const MAX_TOOLS: usize = 128;
const MAX_HANDOFFS: usize = 100;
/// The deepest path that a report names.
const REPORT_DEPTH: usize = 2;

/// An agent in our fields, and what became of the source's.
#[derive(Debug)]
pub struct Mapped {
    pub fields: Fields,
    pub errors: FieldErrors,
    pub report: Report,
    pub needs: Vec<Need>,
    /// What others of the file call it.
    pub keys: Vec<String>,
}

pub struct Mapper {
    rest: Map<String, Value>,
    fields: Fields,
    same: Map<String, Value>,
    texts: Vec<String>,
    provider: Option<String>,
    codes: Vec<String>,
    params: Vec<(&'static str, String)>,
    config: Map<String, Value>,
    variables: Map<String, Value>,
    parked: Parked,
    report: Report,
    errors: FieldErrors,
    needs: Vec<Need>,
    keys: Vec<String>,
    /// Whether a field gave the name, rather than the place in the document.
    named: bool,
}

impl Mapper {
    /// An agent by the rules of its system and those of every system.
    pub fn map(source: Source, rules: &[Rule], braces: Braces) -> Mapped {
        let braces = source.braces.unwrap_or(braces);
        let mut mapper = Self {
            rest: source.fields,
            fields: source.preset,
            same: Map::new(),
            texts: Vec::new(),
            provider: None,
            codes: Vec::new(),
            params: Vec::new(),
            config: Map::new(),
            variables: Map::new(),
            parked: Parked::default(),
            report: source.report,
            errors: FieldErrors::default(),
            needs: Vec::new(),
            keys: source.keys,
            named: false,
        };
        for (path, to) in rules.iter().chain(&OWN) {
            if let Some(value) = value::take(&mut mapper.rest, path) {
                mapper.apply(path, *to, value);
            }
        }
        mapper.finish(braces)
    }

    fn apply(&mut self, path: &str, to: To, value: Value) {
        match to {
            To::Name => self.name(path, &value),
            To::Slug => self.slug(path, &value),
            To::Key => {
                self.keys.extend(value::text(&value));
                self.park(path, value);
            }
            To::Type => self.kind(path, value),
            To::TypeAndSlug => {
                self.slug(path, &value);
                self.kind(path, value);
            }
            To::Description => self.description(path, &value),
            To::Text(heading) => self.text(path, heading, value),
            To::Model => self.model(path, value),
            To::Provider => match value::text(&value) {
                Some(provider) => {
                    self.provider = Some(provider);
                    self.report.mapped(path, "model");
                }
                None => self.park(path, value),
            },
            To::Params => match value {
                Value::Object(fields) => self.params(path, fields),
                other => self.park(path, other),
            },
            To::Tools => self.tools(path, value),
            To::Handoffs => self.handoffs(path, value),
            To::Needs => self.needed(path, value),
            To::Status => match value.as_str().and_then(|word| Status::parse(&word.to_ascii_lowercase())) {
                Some(status) => {
                    self.fields.status = Some(status);
                    self.report.mapped(path, "status");
                }
                None => self.errors.add(path, format!("`{value:.64}` is no status: write one of draft, published, active, inactive, deprecated")),
            },
            To::IsActive => {
                if value == Value::Bool(false) {
                    self.fields.status = Some(Status::Inactive);
                }
                self.report.mapped(path, "status");
            }
            To::Config => self.config(path, value),
            To::TextIfNone => {
                if self.texts.is_empty() {
                    self.text(path, "", value.clone());
                }
                self.park(path, value);
            }
            To::Memory => self.memory(path, value),
            To::Same => {
                self.report.mapped(path, path);
                self.same.insert(path.to_owned(), value);
            }
            To::Variables => self.variables(path, value),
            To::Drop(why) => self.report.formal(path, why),
            To::Lose(why) => self.report.dropped(path, why),
        }
    }

    fn park(&mut self, path: &str, value: Value) {
        self.parked.keep(path, value, &mut self.report);
    }

    fn config(&mut self, path: &str, value: Value) {
        let Value::Object(fields) = value else { return self.park(path, value) };
        let mut fields = self.take_params(path, fields);
        park::scrub(path, &mut fields, &mut self.report);
        for (name, value) in fields {
            self.report.mapped(&join(path, &name), &format!("config.{name}"));
            self.config.insert(name, value);
        }
    }

    fn name(&mut self, path: &str, value: &Value) {
        let Some(name) = value::text(value) else { return self.errors.add(path, "must be a text") };
        self.keys.push(name.clone());
        if self.fields.name.is_some() && self.named {
            return self.park(path, value.clone());
        }
        let name: String = name.split(char::is_control).map(str::trim).collect::<Vec<_>>().join(" ");
        let name: String = name.trim().chars().take(MAX_NAME).collect();
        if name.is_empty() {
            return self.report.dropped(path, "it is empty");
        }
        self.fields.name = Some(name);
        self.named = true;
        self.report.mapped(path, "name");
    }

    fn slug(&mut self, path: &str, value: &Value) {
        let Some(text) = value::text(value) else { return self.errors.add(path, "must be a text") };
        match Slug::from_name(&text) {
            Some(_) if self.fields.slug.is_some() => self.park(path, value.clone()),
            Some(slug) => {
                self.fields.slug = Some(slug.to_string());
                self.report.mapped(path, "slug");
            }
            None => self.report.dropped(path, "no slug can be made of it"),
        }
        if self.fields.name.is_none() {
            self.fields.name =
                Some(text.trim().chars().take(MAX_NAME).collect()).filter(|name: &String| !name.is_empty());
        }
        self.keys.push(text);
    }

    fn kind(&mut self, path: &str, value: Value) {
        match value.as_str().and_then(Slug::from_name) {
            Some(kind) => {
                self.fields.kind = Some(kind.to_string());
                self.report.mapped(path, "type");
            }
            None => self.park(path, value),
        }
    }

    fn description(&mut self, path: &str, value: &Value) {
        let Some(text) =
            value::text(value).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        else {
            return;
        };
        if self.fields.description.is_some() {
            return self.park(path, text.into());
        }
        let cut: String = text.chars().take(MAX_DESCRIPTION).collect();
        if cut.len() < text.len() {
            self.report.mapped_with(path, "description", "its first 2,000 characters; all of it is kept too");
            self.park(path, text.into());
        } else {
            self.report.mapped(path, "description");
        }
        self.fields.description = Some(cut);
    }

    fn text(&mut self, path: &str, heading: &str, value: Value) {
        let text =
            value::text(&value).map(|text| text.trim_end().to_owned()).filter(|text| !text.trim().is_empty());
        match text {
            None => {
                if !value.as_str().is_some_and(|text| text.trim().is_empty()) {
                    self.park(path, value);
                }
            }
            Some(text) if value::is_reference(&text) && !text.contains('\n') => {
                self.report.dropped(path, "it only names where the text is: put the text itself here");
                self.park(path, text.into());
            }
            Some(text) if heading.is_empty() => {
                self.report.mapped(path, "instructions");
                self.texts.push(text);
            }
            Some(text) => {
                self.report.mapped(path, "instructions");
                self.texts.push(format!("{heading}: {}", text.trim()));
            }
        }
    }

    fn memory(&mut self, path: &str, value: Value) {
        let so_far: usize = self.texts.iter().map(String::len).sum();
        match value::text(&value).map(|text| so_far + text.len()) {
            Some(length) if length <= MAX_INSTRUCTIONS - MAX_DESCRIPTION => self.text(path, "", value),
            _ => self.park(path, value),
        }
    }

    fn model(&mut self, path: &str, value: Value) {
        match value {
            Value::Array(list) => list.into_iter().for_each(|value| self.model(path, value)),
            Value::Object(mut fields) => {
                let mut pick = |names: &[&str]| {
                    names.iter().find_map(|name| match fields.get(*name) {
                        Some(Value::String(_)) => fields.remove(*name),
                        _ => None,
                    })
                };
                let (provider, code) = (pick(&PROVIDERS), pick(&CODES));
                if let Some(provider) = provider.as_ref().and_then(Value::as_str) {
                    self.provider = Some(provider.to_owned());
                }
                if let Some(code) = code {
                    self.model(path, code);
                }
                self.params(path, fields);
            }
            Value::String(text) => {
                let code = text.trim();
                if value::is_reference(code) || matches!(code, "" | "inherit" | "default" | "auto") {
                    self.report.dropped(path, "it names no model");
                } else {
                    self.codes.push(code.to_owned());
                    self.report.mapped(path, "model");
                }
            }
            other => self.park(path, other),
        }
    }

    /// Takes out what a model line can say; the rest is parked at its place.
    fn params(&mut self, path: &str, fields: Map<String, Value>) {
        let rest = self.take_params(path, fields);
        self.park_all(path, rest, REPORT_DEPTH);
    }

    fn take_params(&mut self, path: &str, mut fields: Map<String, Value>) -> Map<String, Value> {
        for (name, own) in PARAMS {
            let Some(value) = fields.get(name) else { continue };
            let written = match value {
                Value::Number(number) => Some(number.to_string()),
                Value::String(word) => Some(word.trim().to_ascii_lowercase()),
                _ => None,
            };
            let is_set = self.params.iter().any(|(set, _)| *set == own);
            let fits = written.filter(|written| !is_set && is_param(own, written));
            if let Some(written) = fits {
                fields.remove(name);
                self.params.push((own, written));
                self.report.mapped(&join(path, name), &format!("model ({own})"));
            }
        }
        fields
    }

    fn tools(&mut self, path: &str, value: Value) {
        let mut tools = self.fields.tools.take().unwrap_or_default();
        let mut is_whole = value.as_str().is_some()
            || value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
        for name in value::names(&value) {
            let tool = identifier(&name);
            is_whole &= tool == name && tools.len() < MAX_TOOLS;
            if !tool.is_empty() && tools.len() < MAX_TOOLS && !tools.contains(&tool) {
                self.needs.push(Need { kind: "tool", name: tool.clone(), version: None });
                tools.push(tool);
            }
        }
        self.report.mapped(path, "tools");
        if !is_whole {
            self.park(path, value);
        }
        self.fields.tools = Some(tools).filter(|tools| !tools.is_empty());
    }

    /// Which of them are there is only known with the whole file and the account.
    fn handoffs(&mut self, path: &str, value: Value) {
        let mut targets = self.fields.handoff_targets.take().unwrap_or_default();
        let list = match value {
            Value::Array(list) => list,
            other => vec![other],
        };
        let found = list.iter().filter_map(|item| {
            let by_path = ["config_path", "target_agent_id", "to", "agent_id"]
                .iter()
                .find_map(|name| item.get(name)?.as_str());
            by_path.or_else(|| value::name(item)).map(str::to_owned)
        });
        for target in found {
            if targets.len() < MAX_HANDOFFS && !targets.contains(&target) {
                targets.push(target);
            }
        }
        if targets.is_empty() {
            return self.park(path, list.into());
        }
        self.report.mapped(path, "handoff_targets");
        self.park(path, list.into());
        self.fields.handoff_targets = Some(targets);
    }

    fn needed(&mut self, path: &str, value: Value) {
        let list = value.as_array().map_or(std::slice::from_ref(&value), Vec::as_slice);
        for item in list {
            if let Some(name) = item.get("id").and_then(Value::as_str).or_else(|| value::name(item)) {
                let version = item.get("version").and_then(Value::as_str).map(str::to_owned);
                self.needs.push(Need { kind: "agent", name: name.to_owned(), version });
            }
        }
        self.park(path, value);
    }

    /// Reads names with their defaults: an object of schemas, or a list of objects, each a variable or one form field.
    fn variables(&mut self, path: &str, value: Value) {
        let declared: Vec<(String, Option<Value>, bool)> = match &value {
            Value::Object(fields) => fields
                .iter()
                .map(|(name, schema)| (name.clone(), schema.get("default").cloned(), true))
                .collect(),
            Value::Array(list) => list.iter().filter_map(declaration).collect(),
            _ => Vec::new(),
        };
        for (name, default, is_required) in declared {
            let name = variables::variable_name(&name);
            let default = default.as_ref().and_then(value::text);
            if crate::domain::instructions::is_name(&name) {
                let or_empty = if is_required { Value::Null } else { "".into() };
                self.variables
                    .insert(name, default.filter(|text| !text.is_empty()).map_or(or_empty, Value::from));
            }
        }
        self.report.mapped(path, "config.variables");
        self.park(path, value);
    }

    /// Parks fields one by one, so that the report names each.
    fn park_all(&mut self, path: &str, fields: Map<String, Value>, depth: usize) {
        for (name, value) in fields {
            let path = join(path, &name);
            match value {
                Value::Object(inner) if depth > 1 && !inner.is_empty() => {
                    self.park_all(&path, inner, depth - 1)
                }
                other => self.park(&path, other),
            }
        }
    }

    fn finish(mut self, braces: Braces) -> Mapped {
        let rest = std::mem::take(&mut self.rest);
        self.params("", rest);
        self.own_fields();
        let line = line(self.provider.as_deref(), &self.codes);
        self.fields.model = line.map(|line| super::super::entry::with_parameters(&line, &self.params));
        self.instructions(braces);
        if !self.variables.is_empty() {
            self.config.insert("variables".to_owned(), std::mem::take(&mut self.variables).into());
        }
        if !self.parked.is_empty() {
            self.config.insert("imported".to_owned(), self.parked.into_value());
        }
        self.fields.config = Some(self.config).filter(|config| !config.is_empty());
        Mapped {
            fields: self.fields,
            errors: self.errors,
            report: self.report,
            needs: self.needs,
            keys: self.keys,
        }
    }

    /// Our own fields, as they are.
    fn own_fields(&mut self) {
        let mut same = std::mem::take(&mut self.same);
        if let Some(Value::Object(budget)) = same.get_mut("budget") {
            for (name, value) in super::super::budget::settle(budget, &mut self.report, &mut self.errors) {
                self.park(&join("budget", &name), value);
            }
        }
        let Some(own) = self.errors.take_all(json::read::<Fields>(&same.into())) else { return };
        let fields = std::mem::take(&mut self.fields);
        self.fields = Fields {
            name: fields.name,
            slug: fields.slug,
            description: fields.description,
            tools: fields.tools,
            handoff_targets: fields.handoff_targets,
            kind: fields.kind.or(own.kind),
            status: fields.status.or(own.status),
            modality: fields.modality.or(own.modality),
            ..own
        };
    }

    fn instructions(&mut self, braces: Braces) {
        let mut text = self.texts.join("\n\n");
        if text.is_empty()
            && let Some(description) = &self.fields.description
        {
            text.clone_from(description);
            self.report.mapped_with(
                "description",
                "instructions",
                "the source has no instructions of its own",
            );
        }
        if text.is_empty() {
            return;
        }
        let before = self.variables.len();
        let text = variables::convert(&text, braces, &mut self.variables);
        if self.variables.len() > before {
            let names: Vec<&str> = self.variables.keys().map(String::as_str).take(20).collect();
            let what =
                format!("placeholders that a call may set, and else stay as written: {}", names.join(", "));
            self.report.mapped_with("instructions", "config.variables", &what);
        }
        self.fields.instructions = Some(text);
    }
}

/// A variable of a list: `{name | variable, default, required}`, which may stand inside one object of its form's kind.
fn declaration(item: &Value) -> Option<(String, Option<Value>, bool)> {
    if let Value::String(name) = item {
        return Some((name.clone(), None, true));
    }
    let fields = item.as_object()?;
    let inner =
        fields.values().next().and_then(Value::as_object).filter(|_| fields.len() == 1).unwrap_or(fields);
    let name = ["variable", "name"].iter().find_map(|name| inner.get(*name)?.as_str())?;
    let is_required =
        ["required", "is_required"].iter().any(|name| inner.get(*name) == Some(&Value::Bool(true)));
    Some((name.to_owned(), inner.get("default").cloned(), is_required))
}

/// The models that people wrote, as a line whose names are still theirs.
fn line(provider: Option<&str>, codes: &[String]) -> Option<String> {
    let provider = provider.and_then(provider_word);
    let entry = |code: &str| match &provider {
        Some(provider)
            if !code.starts_with(&format!("{provider}/")) && !code.starts_with(&format!("{provider}:")) =>
        {
            format!("{provider}:{code}")
        }
        _ => code.to_owned(),
    };
    let entries: Vec<String> =
        codes.iter().flat_map(|code| code.split(',')).map(str::trim).map(entry).collect();
    (!entries.is_empty()).then(|| entries.join(", "))
}

/// Our word for a provider: `OpenAI`, `langgenius/openai/openai`, `autogen_ext.models.openai.OpenAIChatCompletionClient`.
fn provider_word(text: &str) -> Option<String> {
    let last = text.rsplit('/').next().unwrap_or(text);
    let segments: Vec<&str> = last.split('.').collect();
    if segments.last().is_some_and(|class| class.starts_with("Azure")) {
        return Some("azure".to_owned());
    }
    let known = segments.iter().rev().filter_map(|segment| model_name::provider_name(segment));
    known
        .clone()
        .find(|name| name.well_known().is_some())
        .or_else(|| known.clone().next())
        .map(|name| name.to_string())
}

/// Whether a model line takes this value.
fn is_param(name: &str, written: &str) -> bool {
    crate::domain::model_line::ModelLine::parse(&format!("a:b?{name}={written}")).is_ok()
}

/// A tool's name in our alphabet.
fn identifier(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/');
    let name: String = name.trim().chars().map(|c| if fits(c) { c } else { '_' }).take(128).collect();
    name.trim_matches('_').to_owned()
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
