//! What an agent is told, and the variables in it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::agent::MAX_INSTRUCTIONS;
use crate::domain::instructions;
use crate::wire::file::park;

use super::super::value;
use super::super::variables::{self, Braces};
use super::Mapper;

/// The instructions of an agent that has none.
const STAND_IN: &str = "You are {{agent_name}}.";
const NO_AGENT: &str = "is required: a name and a description make no agent where nothing else shows one";
/// Names of a prompt, the surest first, as they are without signs and in small letters.
const PROMPTS: [&str; 24] = [
    "instructions",
    "instruction",
    "systemprompt",
    "systeminstructions",
    "systeminstruction",
    "systemmessage",
    "developerprompt",
    "developerinstructions",
    "developermessage",
    "prompt",
    "prompts",
    "prompttemplate",
    "systemprompttemplate",
    "systemtemplate",
    "baseprompt",
    "preprompt",
    "agentprompt",
    "agentinstructions",
    "custominstructions",
    "initialprompt",
    "roledefinition",
    "system",
    "preamble",
    "persona",
];
/// From where on a name means much else: only a text of several words is a prompt.
const UNSURE: usize = 21;
/// What of the instructions is kept free when memory is added.
const ROOM: usize = 2_000;

impl Mapper {
    pub(super) fn text(&mut self, path: &str, heading: &str, value: Value) {
        let text =
            value::text(&value).map(|text| text.trim_end().to_owned()).filter(|text| !text.trim().is_empty());
        match text {
            None => {
                if !value.as_str().is_some_and(|text| text.trim().is_empty()) {
                    self.park(path, value);
                }
            }
            Some(text) if is_elsewhere(&text) => {
                self.report.dropped(path, "it only names where the text is: put the text itself here");
                self.park(path, text.into());
                self.elsewhere = Some(path.to_owned());
            }
            Some(text) if heading.is_empty() => {
                self.report.mapped(path, "instructions");
                self.is_told = true;
                self.texts.push(text);
            }
            Some(text) => {
                self.report.mapped(path, "instructions");
                self.texts.push(format!("{heading}: {}", text.trim()));
            }
        }
    }

    /// Takes the prompt from a field with one of its many names, where no rule found one.
    pub(super) fn prompt_of_any_name(&mut self) {
        let is_missing = if self.is_agent { self.texts.is_empty() } else { !self.is_told };
        let place = |(name, value): (&String, &Value)| {
            let word = spelled_alike(name);
            let place = PROMPTS.iter().position(|prompt| *prompt == word)?;
            let text = value::text(value).filter(|_| !value.is_number() && !value.is_boolean())?;
            let is_prompt = !text.trim().is_empty() && (place < UNSURE || text.trim().contains(' '));
            is_prompt.then(|| (place, name.clone()))
        };
        let found = self.rest.iter().filter_map(place);
        let first = found.filter(|_| is_missing).min();
        if let Some((name, value)) = first.and_then(|(_, name)| self.rest.remove_entry(&name)) {
            self.text(&name, "", value);
        }
    }

    pub(super) fn memory(&mut self, path: &str, value: Value) {
        let so_far: usize = self.texts.iter().map(String::len).sum();
        match value::text(&value).map(|text| so_far + text.len()) {
            Some(length) if length <= MAX_INSTRUCTIONS - ROOM => self.text(path, "", value),
            _ => self.park(path, value),
        }
    }

    /// Reads names with their defaults: an object of schemas, or a list of objects, each a variable or one form field. A
    /// schema of an object (`….properties`) lists beside them which are required.
    pub(super) fn variables(&mut self, path: &str, value: Value) {
        let whole = path.strip_suffix(".properties");
        let beside = whole.and_then(|whole| Some((whole, value::take(&mut self.rest, whole)?)));
        let listed = whole.map(|_| match &beside {
            Some((_, beside)) => required_of(beside),
            None => BTreeSet::new(),
        });
        let declared: Vec<(String, Option<Value>, bool)> = match &value {
            Value::Object(fields) => fields.iter().map(|field| schema(field, listed.as_ref())).collect(),
            Value::Array(list) => list.iter().filter_map(declaration).collect(),
            _ => Vec::new(),
        };
        for (name, default, is_required) in declared {
            if park::is_secret_name(path, &name, &mut self.report) {
                continue;
            }
            let name = variables::variable_name(&name);
            let default = default.as_ref().and_then(value::text);
            let default = default.filter(|text| !park::is_secret(&name, text));
            if instructions::is_name(&name) {
                let or_empty = if is_required { Value::Null } else { "".into() };
                self.variables
                    .insert(name, default.filter(|text| !text.is_empty()).map_or(or_empty, Value::from));
            }
        }
        self.report.mapped(path, "config.variables");
        self.park(path, value);
        if let Some((whole, beside)) = beside {
            self.park_each(whole, beside);
        }
    }

    pub(super) fn instructions(&mut self, braces: Braces) {
        let mut text = self.texts.join("\n\n");
        // Much has a name and a description, and is no agent.
        let is_agent = self.is_agent || !self.models.is_empty();
        if text.is_empty()
            && let Some(description) = self.fields.description.as_ref().filter(|_| is_agent)
        {
            text.clone_from(description);
            self.report.mapped_with(
                "description",
                "instructions",
                "the source has no instructions of its own",
            );
        }
        if let Some(path) = self.elsewhere.take().filter(|_| text.is_empty()) {
            self.fields.instructions = Some(STAND_IN.to_owned());
            return self.errors.add(&path, "only names where the text is: put the text itself here");
        }
        if text.is_empty() && self.is_agent {
            self.fields.instructions = Some(STAND_IN.to_owned());
            let what = format!("the source has none: `{STAND_IN}` stands in");
            return self.report.mapped_with("instructions", "instructions", &what);
        }
        if text.is_empty() {
            if self.fields.description.is_some() {
                self.fields.instructions = Some(STAND_IN.to_owned());
                self.errors.add("instructions", NO_AGENT);
            }
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

/// A field's name however its words are parted: `SYSTEM_PROMPT`, `systemPrompt`, `system-prompt`.
fn spelled_alike(name: &str) -> String {
    const MAX_NAME: usize = 32;
    let letters = name.chars().take(MAX_NAME).filter(|c| !matches!(c, '_' | '-' | ' '));
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether it only names a text: a file, a variable, a stored prompt.
fn is_elsewhere(text: &str) -> bool {
    let is_prompt = text.starts_with('@') && !text.contains(char::is_whitespace);
    (is_prompt || value::is_reference(text)) && !text.contains('\n')
}

/// The names that a schema of an object lists as required.
fn required_of(schema: &Value) -> BTreeSet<&str> {
    let names = schema.get("required").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// A variable of an object: its schema, or its default. Whether it is required the schema says, else the list beside the
/// schemas where they are of one object; elsewhere it is.
fn schema(
    (name, schema): (&String, &Value),
    listed: Option<&BTreeSet<&str>>,
) -> (String, Option<Value>, bool) {
    let default = if schema.is_object() { schema.get("default") } else { Some(schema) };
    let said = ["required", "is_required"].iter().find_map(|name| schema.get(*name)?.as_bool());
    let is_required = said.unwrap_or_else(|| listed.is_none_or(|listed| listed.contains(name.as_str())));
    (name.clone(), default.cloned(), is_required)
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
