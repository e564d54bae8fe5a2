//! The rules of a definition. Not here: what only the directory knows, such as which agents there are.

use std::collections::BTreeSet;

use serde_json::Value;

use super::definition::{Access, Definition};
use super::tool::Tool;
use super::typed;
use crate::domain::budget::{Action, Budget};
use crate::domain::field_error::{FieldError, FieldErrors};
use crate::domain::instructions;
use crate::domain::json::{self, MAX_FREE_DEPTH};
use crate::domain::model_line::ModelLine;
use crate::domain::outbound::Loopback;
use crate::domain::slug::Slug;
use crate::domain::webhook;

/// The most characters of an agent's name.
pub const MAX_NAME: usize = 255;
/// The most characters of instructions.
pub const MAX_INSTRUCTIONS: usize = 100_000;
/// The most calls of one agent at once that a definition may allow.
pub const MAX_CONCURRENCY: u32 = 10_000;
/// The most labels of an agent.
pub const MAX_LABELS: usize = 32;
const MAX_LABEL: usize = 64;
const MAX_DESCRIPTION: usize = 2_000;
const MAX_ORIGINS: usize = 64;
const MAX_TOOLS: usize = 128;
const MAX_TOOL: usize = 128;
/// The most agents that one may hand off to.
pub const MAX_HANDOFFS: usize = 100;
/// The longest that an answer is kept: a day.
pub const MAX_CACHE_S: u32 = 86_400;
const MAX_VOICE: usize = 200;
/// The most bytes of `config` as JSON.
const MAX_CONFIG: usize = 64 * 1024;
/// The most characters of a variable's value.
pub const MAX_VARIABLE: usize = 10_000;

/// What is wrong with a budget that does not bind a public agent.
pub const MUST_BLOCK: &str = "must be block for a public agent: anyone may spend its money";

/// What a definition may refer to, as the account has it.
pub struct Known<'a> {
    /// The line that an alias stands for.
    pub alias: &'a dyn Fn(&str) -> Option<String>,
    /// Whether the account gives this variable a value.
    pub variable: &'a dyn Fn(&str) -> bool,
    /// Whether the account has a webhook of this name.
    pub webhook: &'a dyn Fn(&str) -> bool,
    /// Whether tools may call this machine itself.
    pub loopback: Loopback,
}

/// Checks a name alone.
///
/// # Errors
/// What does not fit of field `name`.
pub fn check_name(name: &str) -> Result<(), Vec<FieldError>> {
    let mut errors = FieldErrors::default();
    errors.length("name", name, 1, MAX_NAME);
    errors.line("name", name);
    errors.finish()
}

impl Definition {
    /// Checks every field.
    ///
    /// # Errors
    /// Every field that does not fit, with how to mend it.
    pub fn check(&self, budget: Option<&Budget>, known: &Known<'_>) -> Result<(), Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        self.check_texts(&mut errors);
        errors.take("model", ModelLine::parse(&self.model).and_then(|line| line.expand(known.alias)));
        if let Some(line) = &self.embeddings {
            errors.take("embeddings", ModelLine::parse(line).and_then(|line| line.expand(known.alias)));
        }
        match budget {
            None if self.access == Access::Public => {
                errors.add("budget", "a public agent must have a budget: anyone may spend its money");
            }
            Some(budget) if !self.is_bound_by(budget) => errors.add("budget.action", MUST_BLOCK),
            None | Some(_) => {}
        }
        if self.max_concurrency.is_some_and(|n| n == 0 || n > MAX_CONCURRENCY) {
            errors.add("max_concurrency", format!("must be from 1 to {MAX_CONCURRENCY}"));
        }
        if self.cache.is_some_and(|cache| cache.ttl_s == 0 || cache.ttl_s > MAX_CACHE_S) {
            errors.add("cache.ttl_s", format!("must be from 1 to {MAX_CACHE_S}"));
        }
        self.check_conduct(&mut errors);
        typed::check(self.output.as_ref(), self.input.as_ref(), &mut errors);
        count(&mut errors, "webhooks", self.webhooks.len(), webhook::MAX_NAMED);
        each_once(&mut errors, "webhooks", self.webhooks.iter());
        for (i, name) in self.webhooks.iter().enumerate().filter(|(_, name)| !(known.webhook)(name)) {
            errors.add(&format!("webhooks[{i}]"), format!("`{name:.64}` is no webhook of this account"));
        }
        self.memory().check(&mut errors);
        each_once(&mut errors, "panels", self.panels.iter().map(|panel| format!("{panel:?}")));
        self.check_tools(known.loopback, &mut errors);
        self.check_origins(&mut errors);
        self.check_config(&mut errors);
        self.check_instructions(known, &mut errors);
        errors.finish()
    }

    /// Whether this budget can be the agent's: of one that anyone may call it must be a limit.
    pub fn is_bound_by(&self, budget: &Budget) -> bool {
        self.access == Access::Key || budget.action == Action::Block
    }

    fn check_texts(&self, errors: &mut FieldErrors) {
        errors.join(check_name(&self.name));
        if Slug::parse(&self.kind).is_err() {
            errors.add("type", "write a built-in type such as simple-chat, or a word of a-z, 0-9 and '-'");
        }
        if let Some(description) = &self.description {
            errors.length("description", description, 1, MAX_DESCRIPTION);
        }
        errors.length("instructions", &self.instructions, 1, MAX_INSTRUCTIONS);
        if self.voice.as_deref().is_some_and(|voice| !is_voice(voice)) {
            errors.add("voice", "write provider:voice, such as cartesia:sonic");
        }
    }

    fn check_tools(&self, loopback: Loopback, errors: &mut FieldErrors) {
        count(errors, "tools", self.tools.len(), MAX_TOOLS);
        for (i, tool) in self.tools.iter().enumerate() {
            let field = format!("tools[{i}]");
            match tool {
                Tool::Inline(tool) => tool.check(&field, loopback, errors),
                Tool::Named(name) if is_tool(name) => {}
                Tool::Named(name) => errors.add(
                    &field,
                    format!("`{name:.64}` is no identifier: 1 to {MAX_TOOL} of a-z, A-Z, 0-9 and _ - . : /"),
                ),
            }
        }
        each_once(errors, "tools", self.tools.iter().map(Tool::name));
    }

    fn check_origins(&self, errors: &mut FieldErrors) {
        let origins = self.allowed_origins.as_deref().unwrap_or_default();
        for (i, _) in origins.iter().enumerate().filter(|(_, origin)| !is_origin(origin)) {
            let what = "write an origin as browsers send it, such as https://example.com";
            errors.add(&format!("allowed_origins[{i}]"), what);
        }
        count(errors, "allowed_origins", origins.len(), MAX_ORIGINS);
    }

    fn check_config(&self, errors: &mut FieldErrors) {
        let bytes = serde_json::to_string(&self.config).map_or(usize::MAX, |json| json.len());
        if bytes > MAX_CONFIG {
            errors.add("config", format!("has at most {MAX_CONFIG} bytes as JSON, has {bytes}"));
        }
        if self.config.values().any(|value| json::depth(value) > MAX_FREE_DEPTH) {
            errors.add("config", format!("is nested at most {MAX_FREE_DEPTH} deep"));
        }
        let Some(variables) = self.config.get("variables") else { return };
        let Value::Object(variables) = variables else {
            return errors
                .add("config.variables", "must be an object: names, each with a default text or null");
        };
        for (name, default) in variables {
            let field = format!("config.variables.{name:.64}");
            if !instructions::is_name(name) {
                errors.add(&field, "a variable's name has 1 to 64 of a-z, 0-9 and '_', a letter first");
            }
            match default {
                Value::Null => {}
                Value::String(text) => errors.length(&field, text, 0, MAX_VARIABLE),
                _ => errors.add(&field, "must be a default text, or null where the call must bring it"),
            }
        }
    }

    fn check_instructions(&self, known: &Known<'_>, errors: &mut FieldErrors) {
        let names: BTreeSet<&str> = instructions::names(&self.instructions).collect();
        let declared = |name: &str| self.variables().any(|(declared, _)| declared == name);
        for name in names {
            if !declared(name) && !(known.variable)(name) && !instructions::BUILT_IN.contains(&name) {
                let what = format!(
                    "names the unknown variable {{{{{name}}}}}: declare it in config.variables, or give it a value in \
                     the account's variables"
                );
                errors.add("instructions", what);
            }
        }
    }
}

/// # Errors
/// What does not fit of an agent's labels.
pub fn check_labels(labels: &[String]) -> Result<(), Vec<FieldError>> {
    let mut errors = FieldErrors::default();
    count(&mut errors, "labels", labels.len(), MAX_LABELS);
    for (i, label) in labels.iter().enumerate() {
        let field = format!("labels[{i}]");
        errors.length(&field, label, 1, MAX_LABEL);
        errors.line(&field, label);
    }
    each_once(&mut errors, "labels", labels.iter());
    errors.finish()
}

fn count(errors: &mut FieldErrors, field: &str, there: usize, most: usize) {
    if there > most {
        errors.add(field, format!("has at most {most} entries, has {there}"));
    }
}

fn each_once<T: Ord + Clone>(errors: &mut FieldErrors, field: &str, entries: impl Iterator<Item = T>) {
    let mut seen = BTreeSet::new();
    for (i, _) in entries.enumerate().filter(|(_, entry)| !seen.insert(entry.clone())).collect::<Vec<_>>() {
        errors.add(&format!("{field}[{i}]"), "stands twice");
    }
}

/// `scheme://host[:port]` in the form browsers serialize it, so that comparing texts is comparing origins.
fn is_origin(text: &str) -> bool {
    let is_plain = text.is_ascii() && !text.contains('%');
    is_plain
        && url::Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text
        })
}

fn is_voice(text: &str) -> bool {
    let fits = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_graphic());
    text.len() <= MAX_VOICE
        && text.split_once(':').is_some_and(|(provider, voice)| Slug::parse(provider).is_ok() && fits(voice))
}

/// Whether a tool may be called so.
pub fn is_tool(text: &str) -> bool {
    (1..=MAX_TOOL).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':' | b'/'))
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
