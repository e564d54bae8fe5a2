//! Whether something is a schema that can be checked here: asked once, when it is written.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::fits::pattern_of;
use super::keyword::{Shape, TYPES, instead_of, is_in_place};
use super::place::{Place, cut};
use super::reference;
use crate::domain::field_error::FieldErrors;
use crate::domain::json::{self, MAX_FREE_DEPTH};

/// The most bytes of a schema as JSON.
pub const MAX_BYTES: usize = 32 * 1_024;

/// Notes what is wrong with the schema that stands at `field`.
pub fn check(field: &str, schema: &Map<String, Value>, errors: &mut FieldErrors) {
    let bytes = serde_json::to_string(schema).map_or(usize::MAX, |json| json.len());
    if bytes > MAX_BYTES {
        return errors.add(field, format!("has at most {MAX_BYTES} bytes as JSON, has {bytes}"));
    }
    // Below, each schema and each keyword is a level of the stack.
    if schema.values().any(|value| json::depth(value) > MAX_FREE_DEPTH) {
        return errors.add(field, format!("is nested at most {MAX_FREE_DEPTH} deep"));
    }
    let mut check = Check { field, errors, schemas: BTreeMap::new(), references: Vec::new() };
    check.object(schema, &Place::Root, String::new());
    check.references();
}

struct Check<'a> {
    field: &'a str,
    errors: &'a mut FieldErrors,
    /// Every schema by its pointer, with those that are checked against the same document.
    schemas: BTreeMap<String, Vec<String>>,
    /// The field of a reference, and the pointer that it is.
    references: Vec<(String, String)>,
}

impl Check<'_> {
    fn fault(&mut self, at: &Place<'_>, words: impl ToString) {
        self.errors.add(&at.field(self.field), words);
    }

    fn schema(&mut self, schema: &Value, at: &Place<'_>, pointer: String) {
        match schema {
            Value::Object(schema) => self.object(schema, at, pointer),
            Value::Bool(_) => drop(self.schemas.insert(pointer, Vec::new())),
            _ => self.fault(at, "must be a schema: an object, true or false"),
        }
    }

    fn object(&mut self, schema: &Map<String, Value>, at: &Place<'_>, pointer: String) {
        self.schemas.insert(pointer.clone(), Vec::new());
        for (keyword, value) in schema {
            let place = Place::Key(at, keyword);
            match Shape::of(keyword) {
                None => {
                    let words = format!("is a keyword that is not checked here: {}", instead_of(keyword));
                    self.fault(&place, words);
                }
                Some(shape) => self.keyword(shape, (keyword, value), &place, &pointer),
            }
        }
    }

    fn keyword(&mut self, shape: Shape, (keyword, value): (&str, &Value), at: &Place<'_>, pointer: &str) {
        let below = format!("{pointer}/{}", escaped(keyword));
        match (shape, value) {
            (Shape::Schema, Value::Array(_)) if keyword == "items" => {
                self.fault(at, "must be one schema: write `prefixItems` for a list of them");
            }
            (Shape::Schema, schema) => self.part(keyword, schema, at, pointer, below),
            (Shape::Schemas, Value::Array(list)) if !list.is_empty() => {
                for (nth, schema) in list.iter().enumerate() {
                    self.part(keyword, schema, &Place::Index(at, nth), pointer, format!("{below}/{nth}"));
                }
            }
            (Shape::Named | Shape::ByPattern, Value::Object(named)) => {
                for (name, schema) in named {
                    let place = Place::Key(at, name);
                    if shape == Shape::ByPattern {
                        self.pattern(name, &place);
                    }
                    self.part(keyword, schema, &place, pointer, format!("{below}/{}", escaped(name)));
                }
            }
            (Shape::Pattern, Value::String(pattern)) => self.pattern(pattern, at),
            (Shape::Reference, Value::String(to)) => self.reference(to, at, pointer),
            (Shape::TopText, Value::String(_)) if matches!(at, Place::Key(Place::Root, _)) => {}
            (shape, value) => {
                if let Some(words) = unfit(shape, value) {
                    self.fault(at, words);
                }
            }
        }
    }

    /// A schema behind a keyword.
    fn part(&mut self, keyword: &str, schema: &Value, at: &Place<'_>, pointer: &str, below: String) {
        if is_in_place(keyword) {
            self.schemas.entry(pointer.to_owned()).or_default().push(below.clone());
        }
        self.schema(schema, at, below);
    }

    fn pattern(&mut self, pattern: &str, at: &Place<'_>) {
        if let Err(why) = pattern_of(pattern) {
            self.fault(at, format!("is not a regular expression that is checked here: {why}"));
        }
    }

    fn reference(&mut self, to: &str, at: &Place<'_>, pointer: &str) {
        match reference::pointer(to) {
            None => self.fault(at, "must lead into this schema, such as #/$defs/address"),
            Some(to) => {
                self.schemas.entry(pointer.to_owned()).or_default().push(to.clone());
                self.references.push((at.field(self.field), to));
            }
        }
    }

    /// Each leads to a schema, and none back to itself before anything of the document is passed.
    fn references(self) {
        let Self { errors, schemas, references, .. } = self;
        let mut endless = Vec::new();
        for (field, to) in references {
            if !schemas.contains_key(&to) {
                errors.add(&field, format!("leads to no schema: there is none at `{}`", cut(to)));
            } else if is_endless(&schemas, &to) {
                endless.push(field);
            }
        }
        for field in endless {
            errors.add(&field, "leads back to itself, so that no check would end");
        }
    }
}

/// Whether a schema is checked again on the way of its own check.
fn is_endless(schemas: &BTreeMap<String, Vec<String>>, start: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&str> = schemas.get(start).into_iter().flatten().map(String::as_str).collect();
    while let Some(pointer) = next.pop() {
        if pointer == start {
            return true;
        }
        if seen.insert(pointer) {
            next.extend(schemas.get(pointer).into_iter().flatten().map(String::as_str));
        }
    }
    false
}

/// A name in a JSON Pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// What a keyword's value must be, where it is not.
fn unfit(shape: Shape, value: &Value) -> Option<String> {
    let fits = |is: bool, words: &str| (!is).then(|| words.to_owned());
    let is_names = |value: &Value| value.as_array().is_some_and(|names| names.iter().all(Value::is_string));
    match shape {
        Shape::Types => {
            let is_type = |kind: &Value| kind.as_str().is_some_and(|kind| TYPES.contains(&kind));
            let is = match value {
                Value::Array(kinds) => !kinds.is_empty() && kinds.iter().all(is_type),
                kind => is_type(kind),
            };
            (!is).then(|| format!("must be one or a list of {}", TYPES.join(", ")))
        }
        Shape::Values => {
            fits(value.as_array().is_some_and(|list| !list.is_empty()), "must be a list of values")
        }
        Shape::Anything => None,
        Shape::Count => fits(value.as_number().is_some_and(is_count), "must be a whole number, 0 or more"),
        Shape::Number => fits(value.is_number(), "must be a number"),
        Shape::Positive => {
            fits(value.as_f64().is_some_and(|number| number > 0.0), "must be a number above 0")
        }
        Shape::Flag => fits(value.is_boolean(), "must be true or false"),
        Shape::Text | Shape::Pattern | Shape::Reference => fits(value.is_string(), "must be a text"),
        Shape::TopText => Some("must be a text, at the top of the schema".to_owned()),
        Shape::Names => fits(is_names(value), "must be a list of names"),
        Shape::NamesByName => {
            let is = value.as_object().is_some_and(|lists| lists.values().all(is_names));
            fits(is, "must be an object of lists of names")
        }
        Shape::Schema => fits(value.is_object() || value.is_boolean(), "must be a schema"),
        Shape::Schemas => Some("must be a list of schemas, at least one".to_owned()),
        Shape::Named | Shape::ByPattern => Some("must be an object of schemas".to_owned()),
    }
}

fn is_count(number: &serde_json::Number) -> bool {
    super::number::whole(number).is_some_and(|number| number >= 0)
}
