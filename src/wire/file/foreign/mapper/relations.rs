//! The tools that an agent uses, and the agents that it works with.

use serde_json::Value;

use crate::domain::agent::Tool;
use crate::domain::json;
use crate::domain::plain_words::are_words;
use crate::domain::secret_looks::names::{Naming, naming};
use crate::wire::file::park;

use super::super::{Need, value};
use super::Mapper;

const MAX_TOOLS: usize = 128;
const MAX_HANDOFFS: usize = 100;

impl Mapper {
    pub(super) fn tools(&mut self, path: &str, mut value: Value) {
        let mut tools = self.fields.tools.take().unwrap_or_default();
        if let Value::Array(list) = &mut value {
            // Those that are written out as ours are stay as they are.
            list.retain(|item| match item.is_object().then(|| json::read::<Tool>(item)) {
                Some(Ok(tool)) if tools.len() < MAX_TOOLS => {
                    tools.push(tool);
                    false
                }
                _ => true,
            });
        }
        let is_single = |value: &Value| !value.is_object() && !value.is_array();
        let is_name = |item: &Value| match item {
            Value::Object(fields) => fields.len() == 1 && fields.values().all(is_single),
            item => item.is_string(),
        };
        let mut is_whole = value.is_string() || value.as_array().is_some_and(|list| list.iter().all(is_name));
        let entries = value::names(&value);
        if let Some(names) = park::without_made(path, &entries, without_arguments, &mut self.report) {
            value = names;
        }
        let mut names: Vec<&str> = entries.iter().map(|entry| without_arguments(entry)).collect();
        names.retain(|name| !park::is_secret_name(path, name, &mut self.report));
        is_whole &= entries.iter().all(|entry| without_arguments(entry) == entry);
        let is_unnamed = names.is_empty() && tools.is_empty() && !is_whole;
        for name in names {
            let tool = identifier(name);
            is_whole &= tool == name && tools.len() < MAX_TOOLS;
            if !tool.is_empty() && tools.len() < MAX_TOOLS && !tools.iter().any(|other| other.name() == tool)
            {
                self.needs.push(Need { kind: "tool", name: tool.clone(), version: None });
                tools.push(Tool::Named(tool));
            }
        }
        if !is_unnamed {
            self.report.mapped(path, "tools");
        }
        if !is_whole {
            self.park(path, value);
        }
        self.fields.tools = Some(tools).filter(|tools| !tools.is_empty());
    }

    /// Which of them are there is only known with the whole file and the account.
    pub(super) fn handoffs(&mut self, path: &str, value: Value) {
        let mut targets = self.fields.handoff_targets.take().unwrap_or_default();
        let list = match value {
            Value::Array(list) => list,
            other => vec![other],
        };
        let own = &self.keys;
        let is_own = |item: &&Value| {
            let from = item.get("from").and_then(Value::as_str);
            from.is_none_or(|from| own.is_empty() || own.iter().any(|key| key == from))
        };
        let found: Vec<String> = list.iter().filter(is_own).flat_map(targets_of).collect();
        for target in found.into_iter().filter(|name| !park::is_secret_name(path, name, &mut self.report)) {
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

    pub(super) fn needed(&mut self, path: &str, value: Value) {
        let list = value.as_array().map_or(std::slice::from_ref(&value), Vec::as_slice);
        for item in list {
            let version = item.get("version").and_then(Value::as_str).map(str::to_owned);
            let names = match item.get("id").and_then(Value::as_str) {
                Some(id) => vec![id.to_owned()],
                None => targets_of(item),
            };
            let names = names.into_iter().filter(|name| !park::is_secret_name(path, name, &mut self.report));
            let need = |name| Need { kind: "agent", name, version: version.clone() };
            self.needs.extend(names.map(need));
        }
        self.park(path, value);
    }
}

/// Where an entry says which agent it means: a hand-off's own name is that of a tool.
const WHICH: [&str; 8] =
    ["config_path", "target_agent_id", "target_agent", "target", "to", "agent_id", "agent_name", "agent"];

/// The agents that an entry names.
fn targets_of(item: &Value) -> Vec<String> {
    let which = WHICH.iter().filter_map(|name| item.get(name)).find(|which| !which.is_null());
    let named = match which {
        Some(Value::Array(several)) => several.iter().filter_map(value::name).collect(),
        which => which.and_then(value::name).or_else(|| value::name(item)).into_iter().collect::<Vec<_>>(),
    };
    named.into_iter().map(str::to_owned).collect()
}

/// A tool's name without its arguments, which may have a secret: `Bash` of `Bash(git status)`, `npx` of `npx -y @acme/mcp`. A name
/// may have several words.
fn without_arguments(entry: &str) -> &str {
    let name = entry.split(['(', '[']).next().unwrap_or_default().trim();
    let words: Vec<&str> = name.split_whitespace().collect();
    let asks = words.iter().rev().skip(1).any(|word| naming(word) != Naming::Nothing);
    if words.iter().all(|word| are_words(word)) && !asks {
        return name;
    }
    words.first().copied().unwrap_or_default()
}

/// A tool's name in our alphabet.
fn identifier(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/');
    let name: String = name.trim().chars().map(|c| if fits(c) { c } else { '_' }).take(128).collect();
    name.trim_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::without_arguments;

    #[test]
    fn a_tool_is_named_without_its_arguments() {
        for (entry, name) in [
            ("web_search", "web_search"),
            ("Google Search", "Google Search"),
            ("auth:login", "auth:login"),
            ("Bash(git status)", "Bash"),
            ("Bash(acme token swordfish)", "Bash"),
            ("npx -y @acme/mcp --api-key 8aAQD6Y2H6DDtK", "npx"),
            ("acme token swordfish", "acme"),
            ("mcp__files__read (all)", "mcp__files__read"),
            ("kubectl\t--token=8LSu0bh322LLyt", "kubectl"),
        ] {
            assert_eq!(without_arguments(entry), name, "{entry}");
        }
    }
}
