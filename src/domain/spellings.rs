//! Fields that have more than one name. GET shows them under all of them, so that a document which was read, changed and
//! written back has the changed value under one name and the old one under the others.

use serde_json::{Map, Value};

/// Leaves out the names under which a document only sends back what is stored, where another name of the same field says
/// something else. `names` has other names, each with ours; `stored` the values by our names.
pub fn give_way(
    fields: &mut Map<String, Value>,
    names: &[(&str, &str)],
    stored: &Map<String, Value>,
    are_same: impl Fn(&str, &Value, &Value) -> bool,
) {
    for (_, own) in names {
        let others = names.iter().filter(|(_, of)| of == own).map(|(other, _)| *other);
        let given: Vec<&str> = others
            .chain([*own])
            .filter(|name| fields.get(*name).is_some_and(|value| !value.is_null()))
            .collect();
        let is_stored = |name: &&str| {
            fields
                .get(*name)
                .zip(stored.get(*own))
                .is_some_and(|(value, stored)| are_same(own, value, stored))
        };
        let (echoes, changed): (Vec<&str>, Vec<&str>) = given.into_iter().partition(is_stored);
        if !changed.is_empty() {
            echoes.into_iter().for_each(|name| drop(fields.shift_remove(name)));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_stored_gives_way_to_what_is_changed() {
        let names = [("prompt", "text"), ("words", "text")];
        let left = |fields: Value| {
            let Value::Object(mut fields) = fields else { panic!("{fields}") };
            let stored = json!({"text": "old"}).as_object().cloned().unwrap();
            give_way(&mut fields, &names, &stored, |_, one, other| one == other);
            Value::Object(fields)
        };
        assert_eq!(left(json!({"text": "old", "prompt": "new", "words": "old"})), json!({"prompt": "new"}));
        assert_eq!(left(json!({"text": "new", "prompt": "old"})), json!({"text": "new"}));
        let two = json!({"text": "one", "prompt": "two"});
        assert_eq!(left(two.clone()), two);
        let same = json!({"text": "old", "prompt": "old"});
        assert_eq!(left(same.clone()), same);
    }
}
