//! AutoGen's galleries: lists of components, alone or as a row of its Studio has them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::component;
use crate::wire::file::foreign::open::refused;
use crate::wire::file::foreign::value::{self, at, has, is_object_at, str_at, take};
use crate::wire::file::foreign::{Part, TEAM};

type Fields = Map<String, Value>;

/// Where the lists of a gallery stand.
const PLACES: [&str; 2] = ["components", "config.components"];
/// Those of them that hold agents.
const AGENTS: [&str; 2] = ["agents", "teams"];
/// The others.
const OTHERS: [&str; 4] = ["models", "tools", "terminations", "workbenches"];

/// Whether a document is a gallery, and no agent that keeps components of its own.
pub fn is(f: &Fields) -> bool {
    let is_list = |place: &str, name: &str| at(f, &format!("{place}.{name}")).is_some_and(Value::is_array);
    let is_of_components = |place: &str, name: &str| {
        let list = at(f, &format!("{place}.{name}")).and_then(Value::as_array);
        let first = list.and_then(|list| list.first()).and_then(Value::as_object);
        first.is_some_and(|first| has(first, &["component_type", "provider"]))
    };
    !has(f, &["instructions", "system_prompt", "system_message", "prompt"])
        && PLACES.iter().any(|place| {
            AGENTS.iter().any(|name| is_list(place, name))
                || OTHERS.iter().any(|name| is_of_components(place, name))
        })
}

/// What a document holds: components, and what is one no more.
pub type Held = Result<Fields, Part>;

/// The agents and teams of a gallery.
pub fn components(mut f: Fields) -> Vec<Held> {
    let name = ["name", "config.name", "label"].iter().find_map(|path| str_at(&f, path)).map(str::to_owned);
    let place = PLACES.iter().find(|place| is_object_at(&f, place)).copied().unwrap_or_default();
    let components = match take(&mut f, place) {
        Some(Value::Object(components)) => components,
        _ => Fields::new(),
    };
    let held = AGENTS.into_iter().filter_map(|name| components.get(name).cloned());
    let held: Vec<Fields> = held.flat_map(value::objects).collect();
    if held.is_empty() {
        let is_empty = components.values().all(|list| list.as_array().is_none_or(Vec::is_empty));
        let what = if is_empty { "an empty gallery" } else { "a gallery without an agent" };
        return refused(name.as_deref(), what).into_iter().map(Err).collect();
    }
    held.into_iter().map(Ok).collect()
}

/// The agents of components and of teams, which are told apart by the names of their teams.
pub fn apart(held: Vec<Held>) -> Vec<Part> {
    let mut names = TeamNames::of(&held);
    let parts = held.into_iter().flat_map(|held| match held {
        Ok(component) => names.apart(component),
        Err(part) => vec![part],
    });
    parts.collect()
}

/// The label of a team.
fn label(f: &Fields) -> Option<&str> {
    str_at(f, "label").filter(|_| str_at(f, "component_type") == Some("team"))
}

/// Names for teams, of which several may have one label: a member is told apart from others of its name by its team.
struct TeamNames {
    /// What stands in the file, or was given.
    used: BTreeSet<String>,
    /// The last number after a label.
    last: BTreeMap<String, usize>,
}

impl TeamNames {
    fn of(held: &[Held]) -> Self {
        let components = held.iter().filter_map(|held| held.as_ref().ok());
        let used = components.filter_map(label).map(str::to_owned).collect();
        Self { used, last: BTreeMap::new() }
    }

    /// The agents of a component, with a name for their team that no other of the file has.
    fn apart(&mut self, mut f: Fields) -> Vec<Part> {
        let Some(label) = label(&f).map(str::to_owned) else { return component(f) };
        let name = self.name(&label);
        f.insert("label".to_owned(), name.as_str().into());
        let mut parts = component(f);
        for part in &mut parts {
            if let Part::Agent(source) = part
                && source.fields.get(TEAM).and_then(Value::as_str) == Some(&name)
            {
                source.team = Some(label.clone());
            }
        }
        parts
    }

    fn name(&mut self, label: &str) -> String {
        let last = self.last.entry(label.to_owned()).or_default();
        *last += 1;
        if *last == 1 {
            return label.to_owned();
        }
        while !self.used.insert(numbered(label, *last)) {
            *last += 1;
        }
        numbered(label, *last)
    }
}

/// The name of a team that is not the first of its label.
pub fn numbered(label: &str, number: usize) -> String {
    format!("{label} {number}")
}

/// Which of the teams of a label has this name, counted from one.
pub fn number_of(name: &str, label: &str) -> Option<usize> {
    match name.strip_prefix(label)? {
        "" => Some(1),
        rest => rest.strip_prefix(' ')?.parse().ok().filter(|number| *number > 1),
    }
}
