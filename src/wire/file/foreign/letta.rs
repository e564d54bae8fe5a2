//! Letta's agent files.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Part, open, value};
use crate::domain::agent::MAX_INSTRUCTIONS;

type Fields = Map<String, Value>;

/// The most bytes of memory that all agents of a file are given: what many share would be copied for each.
const MAX_MEMORY: usize = 4 * 1024 * 1024;
/// What is read of a file, or says what it is.
const READ: [&str; 5] = ["blocks", "tools", "groups", "metadata", "created_at"];
/// The most blocks or tools of an agent.
const MAX_PARTS: usize = 128;

/// Memory blocks and tools stand beside the agents, which name them by id.
pub fn open(mut f: Fields) -> Vec<Part> {
    let Some(agents) = f.remove("agents").filter(Value::is_array) else { return open::one(f) };
    let (blocks, tools) = (by_id(&f, "blocks"), by_id(&f, "tools"));
    let groups = groups(&f);
    let mut room = MAX_MEMORY;
    let mut parts = Vec::new();
    for mut agent in value::objects(agents) {
        let mut memory: Vec<String> = named(&agent, "block_ids", &blocks).filter_map(memory_block).collect();
        let own = agent.get("memory_blocks").and_then(Value::as_array).into_iter().flatten();
        memory.extend(own.take(MAX_PARTS).filter_map(memory_block));
        let length = memory.iter().map(String::len).sum();
        if let Some(left) = room.checked_sub(length).filter(|_| !memory.is_empty()) {
            room = left;
            agent.remove("block_ids");
            agent.remove("memory_blocks");
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
        let led = agent.get("id").and_then(Value::as_str).and_then(|id| groups.get(id));
        if let Some(members) = led {
            agent.insert("group_members".to_owned(), members.clone().into());
        }
        parts.push(agent.into());
    }
    if let Some(Part::Agent(first)) = parts.first_mut() {
        for name in f.keys().filter(|name| !READ.contains(&name.as_str())) {
            first.report.dropped(name, "it stands beside the agents, of which none has it");
        }
    }
    parts
}

/// The members of each group that an agent leads, by its id.
fn groups(f: &Fields) -> BTreeMap<String, Vec<Value>> {
    let mut led: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for group in f.get("groups").and_then(Value::as_array).into_iter().flatten() {
        let leader = group.get("manager_config").and_then(|config| config.get("manager_agent_id"));
        let leader = leader.or_else(|| group.get("manager_agent_id")).and_then(Value::as_str);
        let members = group.get("agent_ids").and_then(Value::as_array);
        if let (Some(leader), Some(members)) = (leader, members) {
            let others = members.iter().filter(|id| id.as_str() != Some(leader)).take(MAX_PARTS);
            led.entry(leader.to_owned()).or_default().extend(others.cloned());
        }
    }
    led
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
