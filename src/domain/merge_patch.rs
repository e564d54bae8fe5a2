//! JSON Merge Patch (RFC 7396).

use serde_json::{Map, Value};

/// Lays `over` on `base`: objects deeply, lists and plain values as a whole; null takes a field away, so that its default
/// comes back; one that stands where null is already says what there is, and changes nothing. In objects of the names `with_nulls`, wherever they stand, null is a value like others.
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
            (Some(Value::Null), Value::Null) => {}
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_is_sent_back_as_it_is_changes_nothing_and_null_takes_away_what_is_more() {
        let fields = |value: Value| value.as_object().cloned().unwrap();
        let base = json!({"a": null, "b": {"c": null, "d": 1, "e": [null]}});
        for (over, after) in [
            (base.clone(), base.clone()),
            (json!({"b": {"d": null}}), json!({"a": null, "b": {"c": null, "e": [null]}})),
            (
                json!({"b": {"c": 2}, "x": {"y": null}}),
                json!({"a": null, "b": {"c": 2, "d": 1, "e": [null]}, "x": {}}),
            ),
        ] {
            let mut laid = fields(base.clone());
            lay(&mut laid, fields(over.clone()), &[]);
            assert_eq!(Value::Object(laid), after, "{over}");
        }
    }
}
