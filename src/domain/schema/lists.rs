//! Keywords for lists.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::fits::{Checking, Faults, Spot, count};
use super::number::whole;
use super::place::Place;

impl<'a> Checking<'a> {
    pub(super) fn list(
        &mut self,
        schema: &'a Map<String, Value>,
        (keyword, value): (&str, &'a Value),
        list: &[Value],
        spot: Spot<'_>,
        faults: &mut Faults,
    ) {
        match (keyword, value) {
            ("prefixItems", Value::Array(schemas)) => {
                for (nth, (schema, item)) in schemas.iter().zip(list).enumerate() {
                    self.schema(schema, item, Spot { at: &Place::Index(spot.at, nth), ..spot }, faults);
                }
            }
            ("items", rest) => {
                let first = schema.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len);
                for (nth, item) in list.iter().enumerate().skip(first) {
                    if !self.step(1) || faults.is_full() {
                        return;
                    }
                    self.schema(rest, item, Spot { at: &Place::Index(spot.at, nth), ..spot }, faults);
                }
            }
            ("contains", wanted) => self.contains(schema, wanted, list, spot, faults),
            ("minItems" | "maxItems", Value::Number(bound)) => {
                count((keyword, bound), list.len(), "items", spot, faults);
            }
            ("uniqueItems", Value::Bool(true)) => self.unique(list, spot, faults),
            _ => {}
        }
    }

    fn contains(
        &mut self,
        schema: &Map<String, Value>,
        wanted: &'a Value,
        list: &[Value],
        spot: Spot<'_>,
        faults: &mut Faults,
    ) {
        let bound = |name: &str| schema.get(name).and_then(Value::as_number).and_then(whole);
        let (least, most) = (bound("minContains").unwrap_or(1), bound("maxContains"));
        let found = list.iter().enumerate().filter(|(nth, item)| {
            self.step(1) && self.fits(wanted, item, Spot { at: &Place::Index(spot.at, *nth), ..spot })
        });
        let found = i128::try_from(found.count()).unwrap_or(i128::MAX);
        if found < least {
            faults
                .add(spot.at, || format!("must have at least {least} items as `contains` says, has {found}"));
        }
        if most.is_some_and(|most| found > most) {
            let most = most.unwrap_or_default();
            faults.add(spot.at, || format!("must have at most {most} items as `contains` says, has {found}"));
        }
    }

    /// By what each item is written as, so that the work grows no faster than the list.
    fn unique(&mut self, list: &[Value], spot: Spot<'_>, faults: &mut Faults) {
        let mut seen = HashSet::with_capacity(list.len());
        for (nth, item) in list.iter().enumerate() {
            let mut written = String::new();
            self.write(item, &mut written);
            if !self.step(written.len() / 64) {
                return;
            }
            if !seen.insert(written) {
                return faults.add(&Place::Index(spot.at, nth), || "stands twice".to_owned());
            }
        }
    }

    /// Writes a value so that two that are equal are written alike.
    fn write(&mut self, value: &Value, written: &mut String) {
        if !self.step(1) {
            return;
        }
        match value {
            Value::Number(number) => match whole(number) {
                Some(whole) => written.push_str(&whole.to_string()),
                None => written.push_str(&number.to_string()),
            },
            Value::Array(list) => {
                written.push('[');
                for item in list {
                    self.write(item, written);
                    written.push(',');
                }
                written.push(']');
            }
            Value::Object(members) => {
                let mut members: Vec<(&String, &Value)> = members.iter().collect();
                members.sort_unstable_by_key(|(name, _)| *name);
                written.push('{');
                for (name, value) in members {
                    written.push_str(&Value::from(name.as_str()).to_string());
                    written.push(':');
                    self.write(value, written);
                    written.push(',');
                }
                written.push('}');
            }
            plain => written.push_str(&plain.to_string()),
        }
    }
}
