//! JSON Merge Patch (RFC 7396).

use serde_json::{Map, Value};

/// Lays `over` on `base`: objects deeply, lists and plain values as a whole; null takes a field away, so that its default
/// comes back. In objects of the names `with_nulls`, wherever they stand, null is a value like others.
pub fn lay(base: &mut Map<String, Value>, over: Map<String, Value>, with_nulls: &[&str]) {
    for (name, value) in over {
        match (base.get_mut(&name), value) {
            (_, Value::Object(value)) if with_nulls.contains(&name.as_str()) => {
                let mut all = match base.get_mut(&name).map(Value::take) {
                    Some(Value::Object(old)) => old,
                    _ => Map::new(),
                };
                all.extend(value);
                base.insert(name, all.into());
            }
            (_, Value::Null) => {
                base.shift_remove(&name);
            }
            (Some(Value::Object(old)), Value::Object(new)) => lay(old, new, with_nulls),
            (_, Value::Object(new)) => {
                let mut fresh = Map::new();
                lay(&mut fresh, new, with_nulls);
                base.insert(name, fresh.into());
            }
            (_, value) => {
                base.insert(name, value);
            }
        }
    }
}

/// What to lay over `before` so that it becomes `after`; null in `after` takes a field away, too.
pub fn difference(before: &Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    let mut over = Map::new();
    for (name, value) in after {
        match (before.get(name), value) {
            (Some(old), new) if old == new => {}
            (Some(Value::Object(old)), Value::Object(new)) => {
                over.insert(name.clone(), difference(old, new).into());
            }
            (_, new) => {
                over.insert(name.clone(), new.clone());
            }
        }
    }
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    over.extend(gone.map(|name| (name.clone(), Value::Null)));
    over
}
