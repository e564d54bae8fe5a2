//! Agents that are written inside the agent that leads them.

use serde_json::{Map, Value};

use super::{Part, Source, value};

/// Where members stand.
const PLACES: [&str; 6] =
    ["members", "sub_agents", "subAgents", "team_members", "handoffs", "handoff_targets"];
/// What only an agent has, of which a name and one of these make one.
const TEXTS: [&str; 5] = ["instructions", "instruction", "system_prompt", "system_message", "backstory"];

/// The parts, with those inside them as parts of their own, which their leaders name.
///
/// `is_role` where a role alone says what an agent does.
pub fn apart(parts: Vec<Part>, is_role: bool) -> Vec<Part> {
    parts.into_iter().flat_map(|part| each(part, is_role)).collect()
}

fn each(part: Part, is_role: bool) -> Vec<Part> {
    let Part::Agent(mut source) = part else { return vec![part] };
    let members: Vec<Part> =
        PLACES.into_iter().flat_map(|place| taken(&mut source, place, is_role)).map(Part::from).collect();
    let mut parts = vec![Part::Agent(source)];
    parts.extend(apart(members, is_role));
    parts
}

/// The agents of a list, in whose places their names are left.
fn taken(source: &mut Source, place: &str, is_role: bool) -> Vec<Map<String, Value>> {
    let Some(Value::Array(list)) = source.fields.get_mut(place) else { return Vec::new() };
    let mut taken = Vec::new();
    for item in list.iter_mut().filter(|item| is_agent(item, is_role)) {
        let name = value::name(item).map(Value::from).unwrap_or_default();
        if let Value::Object(fields) = std::mem::replace(item, name) {
            taken.push(fields);
        }
    }
    taken
}

/// A reference has a name too, but no text and no model.
fn is_agent(item: &Value, is_role: bool) -> bool {
    let has = |name: &str| item.get(name).is_some_and(|value| value.is_string() || value.is_array());
    let is_modelled = || item.get("model").is_some_and(|model| model.is_string() || model.is_object());
    item.get("name").is_some_and(Value::is_string)
        && (TEXTS.into_iter().any(has) || is_role && has("role") || is_modelled())
}
