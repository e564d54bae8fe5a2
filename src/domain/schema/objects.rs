//! Keywords for objects.

use serde_json::{Map, Value};

use super::fits::{Checking, Faults, Spot, count};
use super::place::Place;

impl<'a> Checking<'a> {
    pub(super) fn members(
        &mut self,
        schema: &'a Map<String, Value>,
        (keyword, value): (&str, &'a Value),
        members: &Map<String, Value>,
        spot: Spot<'_>,
        faults: &mut Faults,
    ) {
        match (keyword, value) {
            ("properties", Value::Object(schemas)) => {
                for (name, schema) in schemas {
                    if !self.step(1) || faults.is_full() {
                        return;
                    }
                    if let Some(member) = members.get(name) {
                        self.schema(schema, member, Spot { at: &Place::Key(spot.at, name), ..spot }, faults);
                    }
                }
            }
            ("patternProperties", Value::Object(schemas)) => self.by_pattern(schemas, members, spot, faults),
            ("additionalProperties", rest) => self.others(schema, rest, members, spot, faults),
            ("propertyNames", of_names) => {
                for name in members.keys() {
                    let document = Value::from(name.as_str());
                    let spot = Spot { at: &Place::Key(spot.at, name), ..spot };
                    if !self.step(1) || faults.is_full() {
                        return;
                    }
                    if !self.fits(of_names, &document, spot) {
                        faults.add(spot.at, || "has a name that is not allowed".to_owned());
                    }
                }
            }
            ("required", Value::Array(names)) => self.required(names, members, spot, faults),
            ("dependentRequired", Value::Object(lists)) => {
                for names in
                    lists.iter().filter(|(name, _)| members.contains_key(*name)).map(|(_, names)| names)
                {
                    self.required(
                        names.as_array().map(Vec::as_slice).unwrap_or_default(),
                        members,
                        spot,
                        faults,
                    );
                }
            }
            ("minProperties" | "maxProperties", Value::Number(bound)) => {
                count((keyword, bound), members.len(), "members", spot, faults);
            }
            _ => {}
        }
    }

    fn required(
        &mut self,
        names: &[Value],
        members: &Map<String, Value>,
        spot: Spot<'_>,
        faults: &mut Faults,
    ) {
        for name in names.iter().filter_map(Value::as_str) {
            if self.step(1) && !members.contains_key(name) {
                faults.add(&Place::Key(spot.at, name), || "is required".to_owned());
            }
        }
    }

    fn by_pattern(
        &mut self,
        schemas: &'a Map<String, Value>,
        members: &Map<String, Value>,
        spot: Spot<'_>,
        faults: &mut Faults,
    ) {
        for (pattern, schema) in schemas {
            for (name, member) in members {
                if !self.step(1) || faults.is_full() {
                    return;
                }
                if self.matches(pattern, name) {
                    self.schema(schema, member, Spot { at: &Place::Key(spot.at, name), ..spot }, faults);
                }
            }
        }
    }

    /// Members that neither `properties` nor `patternProperties` name.
    fn others(
        &mut self,
        schema: &'a Map<String, Value>,
        rest: &'a Value,
        members: &Map<String, Value>,
        spot: Spot<'_>,
        faults: &mut Faults,
    ) {
        let named = schema.get("properties").and_then(Value::as_object);
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        for (name, member) in members {
            if !self.step(1) || faults.is_full() {
                return;
            }
            let is_named = named.is_some_and(|named| named.contains_key(name))
                || patterns.into_iter().flatten().any(|(pattern, _)| self.matches(pattern, name));
            if !is_named {
                self.schema(rest, member, Spot { at: &Place::Key(spot.at, name), ..spot }, faults);
            }
        }
    }
}
