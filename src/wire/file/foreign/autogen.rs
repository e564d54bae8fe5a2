//! AutoGen: components, teams of them, and rows of its Studio.

pub mod gallery;

use serde_json::{Map, Value};

use super::open::{list, one, refused};
use super::value::{self, is_object_at, str_at, take};
use super::{Part, Source, TEAM};

type Fields = Map<String, Value>;

/// What every component of AutoGen says of itself.
const COMPONENT: [&str; 4] = ["provider", "component_type", "version", "component_version"];
const TEAMS: &str = "it says how the team works, and there are no teams here";

pub fn open(f: Fields) -> Vec<Part> {
    let mut held = Vec::new();
    for row in rows(f) {
        if gallery::is(&row) {
            held.extend(gallery::components(row));
        } else if row.get("agents").is_some_and(Value::is_array) {
            held.extend(list(row).into_iter().map(Err));
        } else {
            held.push(Ok(row));
        }
    }
    gallery::apart(held)
}

/// What a document has: itself, the rows of an answer of AutoGen Studio, what stands in one.
fn rows(mut f: Fields) -> Vec<Fields> {
    let is_component = ["provider", "component_type", "component"].iter().any(|name| f.contains_key(*name));
    if !is_component
        && !gallery::is(&f)
        && let Some(data) = f.get_mut("data").filter(|data| data.is_array() || data.is_object())
    {
        return value::objects(data.take()).into_iter().map(unwrap_row).collect();
    }
    vec![unwrap_row(f)]
}

/// The component of a row, with what the row says of it beside.
fn unwrap_row(mut f: Fields) -> Fields {
    match f.remove("component") {
        Some(Value::Object(mut component)) => {
            for (name, value) in f {
                component.entry(name).or_insert(value);
            }
            component
        }
        Some(other) => {
            f.insert("component".to_owned(), other);
            f
        }
        None => f,
    }
}

/// A team is its members: how they take turns is no agent.
pub fn component(mut f: Fields) -> Vec<Part> {
    let class = class_of(&f).to_owned();
    unwrap_workbenches(&mut f);
    let name = ["config.name", "label"].iter().find_map(|path| str_at(&f, path)).map(str::to_owned);
    match str_at(&f, "component_type") {
        Some("team") => {
            let agents = team(f);
            if agents.is_empty() { refused(name.as_deref(), "a team without an agent") } else { agents }
        }
        Some("agent") | None if class == "UserProxyAgent" => {
            refused(name.as_deref(), "a person (`UserProxyAgent`)")
        }
        Some("agent") | None if is_object_at(&f, "config.team") => society(f),
        Some("agent") | None => studio_row(f, name.as_deref()),
        Some(other) => refused(name.as_deref(), format!("a component of the type `{other:.32}`")),
    }
}

/// The agents of a team. What else it says, and who else takes part, is said in the first one's report.
fn team(mut f: Fields) -> Vec<Part> {
    let members = take(&mut f, "config.participants").map(value::objects).unwrap_or_default();
    let mut lost: Vec<(String, String)> = Vec::new();
    let mut agents = Vec::new();
    for part in members.into_iter().flat_map(component) {
        match part {
            Part::Agent(_) => agents.push(part),
            Part::Refused { name, what } => {
                lost.push((name.unwrap_or_default(), format!("it is {what}, not an agent")));
            }
        }
    }
    let label = f.remove("label").filter(Value::is_string);
    for part in &mut agents {
        if let (Part::Agent(source), Some(label)) = (part, &label)
            && !source.fields.contains_key(TEAM)
        {
            source.fields.insert(TEAM.to_owned(), label.clone());
            source.team = label.as_str().map(str::to_owned);
        }
    }
    if let Some(Part::Agent(first)) = agents.first_mut() {
        let config = f.remove("config").map(value::objects).unwrap_or_default();
        for (name, _) in config.into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            first.report.dropped(&format!("team.config.{name:.64}"), TEAMS);
        }
        for name in f.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name) {
            match COMPONENT.contains(&name.as_str()) {
                true => first.report.formal(&format!("team.{name}"), "it says what the file is"),
                false => first.report.dropped(&format!("team.{name:.64}"), TEAMS),
            }
        }
        lost.iter().for_each(|(name, why)| first.report.dropped(&format!("team.participants.{name}"), why));
    }
    agents
}

/// The last part of a component's class.
fn class_of(f: &Fields) -> &str {
    str_at(f, "provider").and_then(|path| path.rsplit('.').next()).unwrap_or_default()
}

/// Puts the tools of a workbench in its place. One that asks a server for its tools is itself called as one.
fn unwrap_workbenches(f: &mut Fields) {
    let Some(Value::Object(config)) = f.get_mut("config") else { return };
    let Some(workbenches) = config.remove("workbench") else { return };
    let mut tools = Vec::new();
    for mut workbench in value::objects(workbenches) {
        match take(&mut workbench, "config.tools") {
            Some(Value::Array(list)) => tools.extend(list),
            _ => tools.push(workbench.into()),
        }
    }
    for tool in tools.iter_mut().filter_map(Value::as_object_mut) {
        let is_named = ["name", "config.name", "label"].iter().any(|path| str_at(tool, path).is_some());
        if !is_named && !class_of(tool).is_empty() {
            let class = class_of(tool).into();
            tool.insert("name".to_owned(), class);
        }
    }
    config.insert("workbench".to_owned(), tools.into());
}

/// An agent that answers for a team of its own hands off to its members.
fn society(mut f: Fields) -> Vec<Part> {
    let team = take(&mut f, "config.team").map(value::objects).unwrap_or_default();
    let members: Vec<Part> = team.into_iter().flat_map(component).collect();
    let name = |part: &Part| match part {
        Part::Agent(source) => str_at(&source.fields, "config.name").map(Value::from),
        Part::Refused { .. } => None,
    };
    let names: Vec<Value> = members.iter().filter_map(name).collect();
    if let Some(Value::Object(config)) = f.get_mut("config") {
        config.entry("handoffs").or_insert_with(|| names.into());
    }
    let mut lead = Source { fields: f, ..Source::default() };
    for part in &members {
        if let Part::Refused { what, .. } = part {
            lead.report.dropped("config.team", &format!("it is {what}, not an agent"));
        }
    }
    let is_agent = |part: &Part| matches!(part, Part::Agent(_));
    std::iter::once(Part::Agent(Box::new(lead))).chain(members.into_iter().filter(is_agent)).collect()
}

/// A row of AutoGen Studio's first database is an agent only with a configuration.
fn studio_row(f: Fields, name: Option<&str>) -> Vec<Part> {
    let is_row = f.contains_key("user_id") && !f.contains_key("component_type");
    let name = name.or_else(|| str_at(&f, "name"));
    match str_at(&f, "type") {
        Some("userproxy") if is_row => refused(name, "a person (`userproxy`)"),
        _ if !is_row || is_object_at(&f, "config") => one(f),
        _ if f.contains_key("api_type") => refused(str_at(&f, "model"), "a model"),
        _ if f.contains_key("content") => refused(name, "a skill, which is code"),
        _ => refused(name, "a workflow"),
    }
}
