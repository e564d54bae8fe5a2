//! One agent of another system, laid out in our fields by its system's rules.

mod identity;
mod model;
mod prompt;
mod relations;
mod typed;

use serde_json::{Map, Value};

use crate::domain::agent::{Fields, spelling};
use crate::domain::field_error::FieldErrors;
use crate::domain::json;
use crate::domain::slug::Slug;
use crate::wire::file::park::{self, Parked};
use crate::wire::file::report::Report;
use crate::wire::file::slip;

use super::rule::{OWN, Rule, To};
use super::rules::OURS;
use super::value;
use super::variables::Braces;
use super::{Need, Origin, Source};
use model::{Choice, Params};

/// The deepest path that a report names.
const REPORT_DEPTH: usize = 2;
/// The most fields that are looked at for slips.
const MAX_SLIPS: usize = 32;

/// An agent by the rules of its system and those of every system.
pub fn map(source: Source, rules: &[Rule], braces: Braces, is_agent: bool) -> Mapped {
    Mapper::map(source, rules, braces, is_agent)
}

/// An agent in our fields, and what became of the source's.
#[derive(Debug)]
pub struct Mapped {
    pub fields: Fields,
    pub errors: FieldErrors,
    pub report: Report,
    pub needs: Vec<Need>,
    /// What others of the file call it.
    pub keys: Vec<String>,
    /// What tells it apart from others of its name.
    pub origin: Option<Origin>,
    /// Sampling parameters, where it names no model.
    pub parameters: Params,
}

struct Mapper {
    rest: Map<String, Value>,
    fields: Fields,
    same: Map<String, Value>,
    texts: Vec<String>,
    /// Whether one of them is a prompt, rather than what stands under a heading.
    is_told: bool,
    provider: Option<String>,
    models: Vec<Choice>,
    params: Params,
    config: Map<String, Value>,
    variables: Map<String, Value>,
    parked: Parked,
    report: Report,
    errors: FieldErrors,
    needs: Vec<Need>,
    keys: Vec<String>,
    origin: Option<Origin>,
    /// What the file calls its team.
    team: Option<String>,
    /// Whether a field gave the name, rather than the place in the document.
    named: bool,
    /// The field that says only where the instructions are.
    elsewhere: Option<String>,
    /// Whether only an agent is written so, though it had no text.
    is_agent: bool,
}

impl Mapper {
    /// An agent by the rules of its system and those of every system.
    fn map(source: Source, rules: &[Rule], braces: Braces, is_agent: bool) -> Mapped {
        let braces = source.braces.unwrap_or(braces);
        let mut mapper = Self {
            rest: source.fields,
            fields: source.preset,
            same: Map::new(),
            texts: Vec::new(),
            is_told: false,
            provider: None,
            models: Vec::new(),
            params: Params::new(),
            config: Map::new(),
            variables: Map::new(),
            parked: Parked::default(),
            report: source.report,
            errors: FieldErrors::default(),
            needs: Vec::new(),
            keys: source.keys,
            origin: None,
            team: source.team,
            named: false,
            elsewhere: None,
            is_agent,
        };
        for (path, to) in rules.iter().chain(&OURS).chain(&OWN) {
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
            To::Id | To::Team => self.origin(path, to, value),
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
            To::Words => self.tools(path, value::words(value)),
            To::Handoffs => self.handoffs(path, value),
            To::Needs => self.needed(path, value),
            To::Status => self.status(path, &value),
            To::IsActive => self.is_active(path, value),
            To::Config => self.config(path, value),
            To::TextIfNone => {
                if self.texts.is_empty() {
                    self.text(path, "", value.clone());
                }
                self.park(path, value);
            }
            To::OtherText if self.texts.is_empty() => self.text(path, "", value),
            To::ModelIfNone if self.models.is_empty() => self.model(path, value),
            To::OtherText | To::ModelIfNone | To::Keep => self.park_each(path, value),
            To::Ours => self.ours(path, value),
            To::Memory => self.memory(path, value),
            To::Same => {
                self.report.mapped(path, path);
                self.same.insert(path.to_owned(), value);
            }
            To::Variables => self.variables(path, value),
            To::Output => self.output(path, value),
            To::Drop(why) => self.report.formal(path, why),
            To::Lose(why) => self.report.dropped(path, why),
        }
    }

    fn park(&mut self, path: &str, value: Value) {
        self.parked.keep(path, value, &mut self.report);
    }

    fn config(&mut self, path: &str, value: Value) {
        let Value::Object(fields) = value else { return self.park(path, value) };
        let mut params = std::mem::take(&mut self.params);
        let mut fields = self.take_params(path, fields, &mut params);
        self.params = params;
        self.parked.keep_waiting(&mut fields, &mut self.report);
        park::scrub(path, &mut fields, &mut self.report);
        for (name, value) in fields {
            self.report.mapped(&join(path, &name), &format!("config.{name}"));
            match (name.as_str(), value) {
                // What the file declares itself; placeholders beside it are added.
                ("variables", Value::Object(declared)) => self.variables.extend(declared),
                (_, value) => drop(self.config.insert(name, value)),
            }
        }
    }

    /// Takes what reads as our own field of this name.
    fn ours(&mut self, path: &str, value: Value) {
        let is_limit = |name: &String| name.ends_with("limit") || name.ends_with("limit_usd");
        let is_meant = match path {
            "budget" => value.as_object().is_some_and(|fields| fields.keys().any(is_limit)),
            "voice" => value.as_str().is_some_and(|voice| voice.contains(':')),
            _ => true,
        };
        let mut alone = Map::from_iter([(path.to_owned(), value)]);
        let is_ours = is_meant && spelling::ours(&mut alone).is_ok() && {
            let read = json::read::<Fields>(&alone.clone().into());
            path == "budget" || read.is_ok_and(|read| read.kind.is_none_or(|kind| Slug::parse(&kind).is_ok()))
        };
        let value = alone.remove(path).unwrap_or_default();
        if is_ours {
            return self.apply(path, To::Same, value);
        }
        self.park_each(path, value);
    }

    fn park_each(&mut self, path: &str, value: Value) {
        match value {
            Value::Object(fields) if !fields.is_empty() => self.park_all(path, fields, REPORT_DEPTH - 1),
            other => self.park(path, other),
        }
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
        self.prompt_of_any_name();
        let rest = std::mem::take(&mut self.rest);
        let slips = self.slips(&rest);
        self.params("", rest);
        for (name, meant) in slips {
            self.report.note(&name, &format!("is no field here; did you mean `{meant}`?"));
        }
        self.own_fields();
        self.fields.model = self.line();
        self.report_unsaid();
        let is_bare = self.fields.model.is_none();
        let parameters = std::mem::take(&mut self.params).into_iter().filter(|_| is_bare).collect();
        self.instructions(braces);
        if !self.variables.is_empty() {
            self.config.insert("variables".to_owned(), std::mem::take(&mut self.variables).into());
        }
        self.parked.join(&mut self.config, &mut self.report);
        for (name, text) in
            [("instructions", &self.fields.instructions), ("description", &self.fields.description)]
        {
            park::warn_of(name, text.as_deref(), &mut self.report);
        }
        self.fields.config = Some(self.config).filter(|config| !config.is_empty());
        Mapped {
            fields: self.fields,
            errors: self.errors,
            report: self.report,
            needs: self.needs,
            keys: self.keys,
            origin: self.origin,
            parameters,
        }
    }

    /// Fields that may be slips of ours, and what they may mean.
    fn slips(&self, rest: &Map<String, Value>) -> Vec<(String, &'static str)> {
        let written = serde_json::to_value(&self.fields).unwrap_or_default();
        let Value::Object(mut there) = written else { return Vec::new() };
        there.extend(self.same.iter().map(|(name, _)| (name.clone(), Value::Null)));
        if !self.texts.is_empty() {
            there.insert("instructions".to_owned(), Value::Null);
        }
        if !self.models.is_empty() {
            there.insert("model".to_owned(), Value::Null);
        }
        let slip = |name: &String| Some((name.clone(), slip::meant(name, &there)?));
        rest.keys().take(MAX_SLIPS).filter_map(slip).collect()
    }

    /// Our own fields, as they are.
    fn own_fields(&mut self) {
        let mut same = std::mem::take(&mut self.same);
        self.errors.join(spelling::ours(&mut same));
        park::scrub_labels(same.get_mut("labels"), &mut self.report);
        if let Some(Value::Object(budget)) = same.get_mut("budget") {
            for (name, value) in crate::wire::file::budget::settle(budget, &mut self.report, &mut self.errors)
            {
                self.park(&join("budget", &name), value);
            }
        }
        let Some(own) = self.errors.take_all(json::read::<Fields>(&same.into())) else { return };
        let fields = std::mem::take(&mut self.fields);
        if fields.status.is_some() && own.status.is_some() && fields.status != own.status {
            self.report.lose("status", "another field says that it is off");
        }
        self.fields = Fields {
            name: fields.name,
            slug: fields.slug,
            description: fields.description,
            tools: fields.tools,
            handoff_targets: fields.handoff_targets,
            kind: fields.kind.or(own.kind),
            status: fields.status.or(own.status),
            modality: fields.modality.or(own.modality),
            output: fields.output.or(own.output),
            ..own
        };
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
