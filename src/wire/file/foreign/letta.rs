//! Letta's agent files.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Part, open, value};
use crate::domain::agent::MAX_INSTRUCTIONS;

type Fields = Map<String, Value>;

/// The most bytes of memory that all agents of a file are given: what many share would be copied for each.
const MAX_MEMORY: usize = 4 * 1024 * 1024;
/// The most blocks or tools of an agent.
const MAX_PARTS: usize = 128;

/// Memory blocks and tools stand beside the agents, which name them by id.
pub fn open(mut f: Fields) -> Vec<Part> {
    let Some(agents) = f.remove("agents").filter(Value::is_array) else { return open::one(f) };
    let (blocks, tools) = (by_id(&f, "blocks"), by_id(&f, "tools"));
    let mut room = MAX_MEMORY;
    let mut parts = Vec::new();
    for mut agent in value::objects(agents) {
        let memory: Vec<String> = named(&agent, "block_ids", &blocks).filter_map(memory_block).collect();
        let length = memory.iter().map(String::len).sum();
        if let Some(left) = room.checked_sub(length).filter(|_| !memory.is_empty()) {
            room = left;
            agent.remove("block_ids");
            agent.insert("memory".to_owned(), memory.into());
        }
        let names: Vec<Value> = named(&agent, "tool_ids", &tools)
            .filter_map(|tool| tool.get("name")?.as_str())
            .map(Value::from)
            .collect();
        if !names.is_empty() {
            agent.remove("tool_ids");
            agent.insert("tool_names".to_owned(), names.into());
        }
        parts.push(agent.into());
    }
    parts
}

fn by_id<'a>(f: &'a Fields, name: &str) -> BTreeMap<&'a str, &'a Value> {
    let rows = f.get(name).and_then(Value::as_array).into_iter().flatten();
    rows.filter_map(|row| Some((row.get("id")?.as_str()?, row))).collect()
}

/// The rows that an agent names.
fn named<'a>(
    agent: &Fields,
    field: &str,
    rows: &BTreeMap<&str, &'a Value>,
) -> impl Iterator<Item = &'a Value> {
    let ids = agent.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    ids.filter_map(|id| rows.get(id).copied()).take(MAX_PARTS).collect::<Vec<_>>().into_iter()
}

fn memory_block(block: &Value) -> Option<String> {
    let text = block.get("value").and_then(Value::as_str);
    let text = text.filter(|text| !text.trim().is_empty() && text.len() <= MAX_INSTRUCTIONS)?;
    let label = block.get("label").and_then(Value::as_str).unwrap_or("memory");
    Some(format!("<{label:.64}>\n{text}\n</{label:.64}>"))
}
