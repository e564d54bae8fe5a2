//! Agents that are written inside the agent that leads them.

use serde_json::{Map, Value};

use super::{Part, Source, value};

/// Where members stand.
const PLACES: [&str; 6] =
    ["members", "sub_agents", "subAgents", "team_members", "handoffs", "handoff_targets"];
/// What only an agent has, of which a name and one of these make one.
const TEXTS: [&str; 5] = ["instructions", "instruction", "system_prompt", "system_message", "backstory"];

/// The parts, with those inside them as parts of their own, which their leaders name.
pub fn apart(parts: Vec<Part>) -> Vec<Part> {
    parts.into_iter().flat_map(each).collect()
}

fn each(part: Part) -> Vec<Part> {
    let Part::Agent(mut source) = part else { return vec![part] };
    let members: Vec<Part> =
        PLACES.into_iter().flat_map(|place| taken(&mut source, place)).map(Part::from).collect();
    let mut parts = vec![Part::Agent(source)];
    parts.extend(apart(members));
    parts
}

/// The agents of a list, in whose places their names are left.
fn taken(source: &mut Source, place: &str) -> Vec<Map<String, Value>> {
    let Some(Value::Array(list)) = source.fields.get_mut(place) else { return Vec::new() };
    let mut taken = Vec::new();
    for item in list.iter_mut().filter(|item| is_agent(item)) {
        let name = value::name(item).map(Value::from).unwrap_or_default();
        if let Value::Object(fields) = std::mem::replace(item, name) {
            taken.push(fields);
        }
    }
    taken
}

fn is_agent(item: &Value) -> bool {
    let has = |name: &str| item.get(name).is_some_and(|value| value.is_string() || value.is_array());
    item.get("name").is_some_and(Value::is_string) && TEXTS.into_iter().any(has)
}
