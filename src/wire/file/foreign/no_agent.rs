//! Files that stand beside agents in a repository and are none, though they have a name and a description.

use serde_json::{Map, Value};

use super::Part;
use super::open::refused;
use super::value::{BODY, at, has, is_object_at, str_at};

type Fields = Map<String, Value>;

/// What only an agent says of itself. A file with one of these is none of the others.
const AGENTS: [&str; 18] = [
    "instructions",
    "instruction",
    "system_prompt",
    "systemPrompt",
    "system_message",
    "system",
    "prompt",
    "template",
    "role",
    "goal",
    "backstory",
    "model",
    "llm",
    "llm_config",
    "agent",
    "agents",
    "team",
    "config",
];
/// What the front matter of an agent has, and no page's of a site.
const AGENTS_FRONT: [&str; 13] = [
    "name",
    "model",
    "tools",
    "mode",
    "agent",
    "agent_type",
    "handoffs",
    "temperature",
    "allowed-tools",
    "argument-hint",
    "target",
    "mcp-servers",
    "permission",
];
/// What the front matter of both may have; a page's has more.
const ANYONES_FRONT: [&str; 10] = [
    "description",
    "slug",
    "id",
    "type",
    "role",
    "color",
    "skills",
    "instructions",
    "prompt",
    "system_prompt",
];
/// What the front matter of a page of a site has.
const PAGES: [&str; 12] = [
    "title",
    "date",
    "pubDate",
    "layout",
    "permalink",
    "categories",
    "published",
    "draft",
    "sidebar_position",
    "datasets",
    "library_name",
    "pipeline_tag",
];

/// A kind of file: what it is, the fields that all of its files have, and some of which each has one.
type Kind = (&'static str, &'static [&'static str], &'static [&'static str]);

const KINDS: [Kind; 9] = [
    ("an object of Kubernetes (`kind`)", &["apiVersion", "kind"], &[]),
    ("a chart (`apiVersion`)", &["apiVersion", "name", "version"], &[]),
    (
        "a package",
        &["name", "version"],
        &[
            "scripts",
            "dependencies",
            "devDependencies",
            "peerDependencies",
            "engines",
            "exports",
            "main",
            "bin",
            "private",
            "workspaces",
            "contributes",
        ],
    ),
    ("the manifest of an extension", &["name"], &["manifest_version", "dxt_version", "short_name"]),
    ("a tool", &["name"], &["input_schema", "inputSchema"]),
    ("the description of an API", &[], &["openapi", "swagger"]),
    ("a workflow of GitHub", &["jobs"], &[]),
    ("an action of GitHub", &["name", "runs"], &[]),
    ("a list of containers (`services`)", &["services"], &[]),
];

pub fn is(f: &Fields) -> bool {
    what(f).is_some()
}

pub fn open(f: Fields) -> Vec<Part> {
    refused(str_at(&f, "name"), what(&f).unwrap_or_default())
}

/// What a document is that is no agent.
fn what(f: &Fields) -> Option<&'static str> {
    if f.contains_key(BODY) {
        return is_page(f).then_some("a page of a site");
    }
    if has(f, &AGENTS) {
        return None;
    }
    let is_kind = |(_, all, any): &&Kind| {
        all.iter().all(|name| f.contains_key(*name)) && (any.is_empty() || has(f, any))
    };
    let kind = KINDS.iter().find(is_kind).map(|(what, ..)| *what);
    kind.or_else(|| is_function(f).then_some("a tool"))
        .or_else(|| is_schema(f).then_some("a schema"))
        .or_else(|| is_form(f).then_some("a form for issues"))
}

fn is_page(f: &Fields) -> bool {
    !has(f, &AGENTS_FRONT) && (has(f, &PAGES) || !has(f, &ANYONES_FRONT))
}

fn is_function(f: &Fields) -> bool {
    at(f, "function.name").is_some()
        || (f.contains_key("name") && is_object_at(f, "parameters.properties"))
        || (f.contains_key("name") && str_at(f, "type") == Some("function"))
}

fn is_schema(f: &Fields) -> bool {
    is_object_at(f, "properties") && has(f, &["type", "$schema", "required"])
}

fn is_form(f: &Fields) -> bool {
    f.contains_key("name") && at(f, "body").is_some_and(Value::is_array)
}
