//! What two definitions have different, field by field.

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{Definition, Kept, SECRETS};

/// A field that is not the same.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FieldChange {
    /// A path such as `model` or `config.variables.tone`; a list is one field. `secrets.{tool}.{header}` is a sealed value.
    #[schema(example = "config.variables.tone")]
    pub field: String,
    /// Left out where `config` had no such entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value, required = false)]
    pub before: Option<Value>,
    /// Left out where `config` has no such entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value, required = false)]
    pub after: Option<Value>,
}

/// The fields that differ, in the order of their names, and then the secrets.
pub fn difference(from: &Definition, to: &Definition) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    if let (Value::Object(from), Value::Object(to)) = (json!(from), json!(to)) {
        objects("", &from, &to, &mut changes);
    }
    changes.extend(secrets(from, to));
    changes
}

/// The secrets that are not the same, as they are shown: two may be shown alike.
fn secrets<'a>(from: &'a Definition, to: &'a Definition) -> impl Iterator<Item = FieldChange> {
    let mut places: Vec<_> =
        from.secrets.each().chain(to.secrets.each()).map(|(tool, header, _)| (tool, header)).collect();
    places.sort_unstable();
    places.dedup();
    places.into_iter().filter_map(move |(tool, header)| {
        let [before, after] = [from, to].map(|definition| definition.secrets.find(tool, header));
        let shown = |kept: Option<&Kept>| kept.map(|kept| Value::String(kept.mask()));
        let field = || path(&path(SECRETS, tool), header);
        (before != after).then(|| FieldChange { field: field(), before: shown(before), after: shown(after) })
    })
}

fn objects(prefix: &str, from: &Map<String, Value>, to: &Map<String, Value>, changes: &mut Vec<FieldChange>) {
    let mut names: Vec<&String> = from.keys().chain(to.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let field = path(prefix, name);
        match (from.get(name), to.get(name)) {
            (Some(Value::Object(from)), Some(Value::Object(to))) => objects(&field, from, to, changes),
            (before, after) if before != after => {
                changes.push(FieldChange { field, before: before.cloned(), after: after.cloned() });
            }
            _ => {}
        }
    }
}

/// A name that is no plain word stands in brackets, so that its dots are not taken for a path.
fn path(prefix: &str, name: &str) -> String {
    let is_plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    match (prefix, is_plain) {
        ("", _) => name.to_owned(),
        (_, true) => format!("{prefix}.{name}"),
        (_, false) => format!("{prefix}[{}]", Value::from(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(more: &Value) -> Definition {
        let mut all = json!({"name": "a", "instructions": "b", "model": "c:d"});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn fields_are_compared_and_config_by_path() {
        let from = definition(&json!({
            "tools": ["a", "b"],
            "config": {"variables": {"tone": "dry", "name": null}, "a.b": 1, "same": {"x": [1]}, "deep": {"x": 1}},
        }));
        let to = definition(&json!({
            "model": "c:e", "tools": ["b", "a"], "voice": "cartesia:sonic",
            "config": {"variables": {"tone": "warm", "age": null}, "a.b": 2, "same": {"x": [1]}, "deep": 7},
        }));
        let changes = json!(difference(&from, &to));
        let expected = json!([
            {"field": "config[\"a.b\"]", "before": 1, "after": 2},
            {"field": "config.deep", "before": {"x": 1}, "after": 7},
            {"field": "config.variables.age", "after": null},
            {"field": "config.variables.name", "before": null},
            {"field": "config.variables.tone", "before": "dry", "after": "warm"},
            {"field": "model", "before": "c:d", "after": "c:e"},
            {"field": "tools", "before": ["a", "b"], "after": ["b", "a"]},
            {"field": "voice", "before": null, "after": "cartesia:sonic"},
        ]);
        assert_eq!(changes, expected);
        assert_eq!(difference(&from, &from), []);
    }
}
