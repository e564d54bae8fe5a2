//! One agent of a file, in the fields of an agent.
//!
//! Read besides those are the names that configuration-file systems have for the same: `system_prompt` and `prompt` for
//! the instructions; `temperature`, `top_p`, `max_tokens`, `seed` and `reasoning_effort`, which go into the model line
//! wherever it does not set them itself; tools as objects with a `name`; and budgets as `monthly_limit` ([`budget`]). What
//! is written for another system is read by [`foreign`](super::foreign).

use serde_json::{Map, Value};

use crate::domain::agent::{Fields, MAX_NAME, is_tool, spelling};
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::json;

use super::foreign::{self, Mapped, Need, Origin, Part, System};
use super::parameters::{Parameters, is_said_otherwise, with_parameters};
use super::park::{self, Parked};
use super::report::Report;
use super::slip;

/// The most characters of a slug.
const MAX_SLUG: usize = 63;
/// Other names of the instructions.
const INSTRUCTIONS: [&str; 2] = ["system_prompt", "prompt"];
/// What an account says of each of its agents.
const ANSWERED: [&str; 8] = [
    "id",
    "organization_id",
    "is_active",
    "version",
    "current_version",
    "created_at",
    "updated_at",
    "archived_at",
];
/// What an answer says besides, and what may stand in other systems' files with a meaning of its own.
const CALCULATED: [&str; 6] = ["url", "urls", "capabilities", "healthy", "problems", "warnings"];
/// What the model line sets.
const PARAMETERS: [&str; 5] = ["temperature", "top_p", "max_tokens", "seed", "reasoning_effort"];

/// What the agents of every system have.
const ANYONES: [&str; 8] =
    ["name", "description", "instructions", "system_prompt", "prompt", "model", "tools", "temperature"];

/// An agent as a file has it, or what is wrong with it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// As the file names it, for telling of it.
    pub slug: Option<String>,
    pub name: Option<String>,
    /// What fits of it; `None` of what is no agent.
    pub fields: Option<Fields>,
    /// What is wrong with it so far.
    pub faults: Vec<FieldError>,
    /// `None`: it is written in our own fields.
    pub system: Option<&'static System>,
    /// What became of the fields that are not ours.
    pub report: Report,
    /// What it wants to use and does not bring.
    pub needs: Vec<Need>,
    /// What others of its file call it.
    pub keys: Vec<String>,
    /// What tells it apart from others of its name.
    pub origin: Option<Origin>,
    /// Sampling parameters of an agent that names no model, for the line that it is given.
    pub parameters: Parameters,
}

/// Whether all fields are ours, but for probable slips of fields that it lacks: then it is read strictly.
pub fn is_own(fields: &Map<String, Value>) -> bool {
    let own = json::fields_of::<Fields>();
    let known = || {
        own.iter()
            .copied()
            .chain(spelling::NAMES.map(|(other, _)| other))
            .chain(INSTRUCTIONS)
            .chain(PARAMETERS)
    };
    // A model as an object is read as others write it.
    if fields.get("model").is_some_and(|model| model.is_object() || model.is_array()) {
        return false;
    }
    // What others call so is no schema.
    let is_typed =
        |name: &&str| fields.get(*name).is_none_or(|it| it.is_null() || it.get("schema").is_some());
    if !["output", "input"].iter().all(is_typed) {
        return false;
    }
    // Where nothing but what every system has says whose it is, names of tools that ours cannot have do.
    let is_anyones = || fields.keys().all(|name| ANYONES.contains(&name.as_str()));
    let mut tools = fields.get("tools").and_then(Value::as_array).into_iter().flatten();
    if tools.any(is_anothers_tool) && is_anyones() {
        return false;
    }
    fields.keys().all(|name| known().any(|known| known == name) || slip::meant(name, fields).is_some())
}

/// Whether a tool is written as ours are not: with another name, or as those who sell models have them.
fn is_anothers_tool(tool: &Value) -> bool {
    const TYPES: [&str; 5] = ["function", "code_interpreter", "file_search", "web_search", "mcp"];
    match tool {
        Value::String(name) => !is_tool(name),
        Value::Object(fields) => {
            let kind = fields.get("type").and_then(Value::as_str);
            fields.contains_key("function") || kind.is_some_and(|kind| TYPES.contains(&kind))
        }
        _ => false,
    }
}

/// Whether it is an agent as this platform answers it.
pub fn is_answer(fields: &Map<String, Value>) -> bool {
    ["id", "slug", "url", "status"].iter().all(|name| fields.contains_key(*name))
        && ["organization_id", "healthy"].iter().any(|name| fields.contains_key(*name))
}

impl Entry {
    /// One that cannot be read.
    pub fn invalid(faults: Vec<FieldError>) -> Self {
        let (report, needs, keys, origin, parameters) = Default::default();
        let (slug, name, fields, system) = (None, None, None, None);
        Self { slug, name, fields, faults, system, report, needs, keys, origin, parameters }
    }

    /// What a document of a system holds.
    pub fn foreign(system: &'static System, document: Map<String, Value>) -> Vec<Self> {
        let entry = |part| match part {
            Part::Agent(source) => Self::mapped(system, system.map(*source)),
            Part::Refused { name, what } => {
                let of = if system.title.is_empty() { "" } else { " of " };
                let message = format!("is {what}{of}{}, not an agent", system.title);
                let errors = vec![FieldError { field: "(file)".to_owned(), message }];
                Self { name, system: Some(system), ..Self::invalid(errors) }
            }
        };
        system.open(document).into_iter().map(entry).collect()
    }

    fn mapped(system: &'static System, mapped: Mapped) -> Self {
        let Mapped { fields, errors, report, needs, keys, origin, parameters } = mapped;
        Self {
            slug: fields.slug.clone(),
            name: fields.name.clone(),
            fields: Some(fields),
            faults: without_secrets(errors),
            system: Some(system),
            report,
            needs,
            keys,
            origin,
            parameters,
        }
    }

    /// An agent in our own fields.
    pub fn read(mut fields: Map<String, Value>) -> Self {
        let mut errors = FieldErrors::default();
        let mut report = Report::default();
        errors.join(spelling::ours(&mut fields));
        park::scrub_labels(fields.get_mut("labels"), &mut report);
        for name in ["name", "slug"] {
            let is_secret = |text: &&str| park::is_secret_name(name, text, &mut report);
            if fields.get(name).and_then(Value::as_str).filter(is_secret).is_some() {
                fields.shift_remove(name);
            }
        }
        let keys = answered(&mut fields, &mut report);
        // A name is an identity, so nothing of one that fits is cut; what does not fit is refused, and only shown.
        let shown = |name: &str, longest: usize| {
            fields.get(name).and_then(Value::as_str).map(|text| text.chars().take(longest + 1).collect())
        };
        let (slug, name) = (shown("slug", MAX_SLUG), shown("name", MAX_NAME));
        budget(&mut fields, &mut report, &mut errors);
        instructions(&mut fields, &mut errors);
        let parameters = parameters(&mut fields, &mut report, &mut errors);
        tools(&mut fields, &mut report);
        let (fields, faults) = json::read_partly::<Fields>(&fields.into());
        errors.absorb(faults);
        let faults = without_secrets(errors);
        let told = fields.as_ref().and_then(|fields| fields.instructions.as_deref());
        park::warn_of("instructions", told, &mut report);
        let origin = keys.first().map(|id| Origin { path: "id".to_owned(), value: id.clone(), label: None });
        Self { slug, name, fields, report, keys, origin, parameters, ..Self::invalid(faults) }
    }

    /// The same, of a file that nothing of ours wrote: what waits for features of ours is parked.
    pub fn read_plain(mut fields: Map<String, Value>) -> Self {
        let (mut report, mut parked) = (Report::default(), Parked::default());
        if let Some(Value::Object(config)) = fields.get_mut("config") {
            parked.keep_waiting(config, &mut report);
            parked.join(config, &mut report);
        }
        let mut entry = Self::read(fields);
        entry.report.lines.extend(report.lines);
        entry
    }
}

/// Faults without the keys in their places that are secrets.
fn without_secrets(errors: FieldErrors) -> Vec<FieldError> {
    let mut faults = errors.finish().err().unwrap_or_default();
    faults.iter_mut().for_each(|fault| fault.field = park::shown(&fault.field));
    faults
}

/// Takes out what an answer says of an agent besides its own fields; returns its id, by which others hand off to it.
fn answered(fields: &mut Map<String, Value>, report: &mut Report) -> Vec<String> {
    let is_answer = is_answer(fields);
    if fields.get("is_active").and_then(foreign::truth) == Some(false) && !fields.contains_key("status") {
        fields.insert("status".to_owned(), "inactive".into());
    }
    let id = fields.get("id").and_then(Value::as_str).map(str::to_owned);
    for name in ANSWERED.iter().chain(CALCULATED.iter().filter(|_| is_answer)) {
        if fields.remove(*name).is_some() {
            report.formal(name, "this account gives its own");
        }
    }
    if is_answer {
        fields.retain(|_, value| !value.is_null());
    }
    id.into_iter().collect()
}

/// What has no place in a budget goes to `config.imported`.
fn budget(fields: &mut Map<String, Value>, report: &mut Report, errors: &mut FieldErrors) {
    let Some(Value::Object(budget)) = fields.get_mut("budget") else { return };
    let mut parked = Parked::default();
    for (name, value) in super::budget::settle(budget, report, errors) {
        parked.keep(&format!("budget.{name}"), value, report);
    }
    if !parked.is_empty()
        && let Value::Object(config) = fields.entry("config").or_insert_with(|| Value::Object(Map::new()))
    {
        parked.join(config, report);
    }
}

fn instructions(fields: &mut Map<String, Value>, errors: &mut FieldErrors) {
    for name in INSTRUCTIONS {
        match fields.remove(name) {
            Some(_) if fields.contains_key("instructions") => {
                errors.add(name, "is another name of the instructions, which stand here already");
            }
            Some(text) => {
                fields.insert("instructions".to_owned(), text);
            }
            None => {}
        }
    }
}

/// Puts sampling parameters into the model line; those of an agent without one are for the line that it is given.
fn parameters(fields: &mut Map<String, Value>, report: &mut Report, errors: &mut FieldErrors) -> Parameters {
    let mut set = Vec::new();
    for name in PARAMETERS {
        match fields.remove(name) {
            None | Some(Value::Null) => {}
            Some(Value::Number(number)) if name != "reasoning_effort" => set.push((name, number.to_string())),
            Some(Value::String(word)) if name == "reasoning_effort" => set.push((name, word)),
            Some(_) => errors
                .add(name, if name == "reasoning_effort" { "must be a word" } else { "must be a number" }),
        }
    }
    match fields.get_mut("model") {
        // A line stays as it is written, down to its blanks, where nothing is added.
        Some(Value::String(line)) if !set.is_empty() => {
            for (name, _) in set.iter().filter(|(name, value)| is_said_otherwise(line, name, value)) {
                report.dropped(name, "the model line says another value");
            }
            *line = with_parameters(line, &set);
            Parameters::new()
        }
        Some(Value::Null) | None => set,
        Some(_) => Parameters::new(),
    }
}

/// Tools as objects with a name alone are their names; what is a secret is none.
fn tools(fields: &mut Map<String, Value>, report: &mut Report) {
    let Some(Value::Array(tools)) = fields.get_mut("tools") else { return };
    for tool in tools.iter_mut() {
        let name = match tool {
            Value::Object(object) if object.len() == 1 => object.remove("name"),
            _ => None,
        };
        if let Some(name) = name {
            *tool = name;
        }
    }
    tools.retain(|tool| !tool.as_str().is_some_and(|name| park::is_secret_name("tools", name, report)));
}
