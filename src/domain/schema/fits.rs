//! Whether a document fits a schema, and where it does not.

use std::borrow::Cow;
use std::collections::HashMap;

use regex_lite::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};
use utoipa::ToSchema;

use super::number::{is_multiple, order, whole};
use super::place::{Place, cut};
use super::reference::{self, Target};

/// The most faults of a document that are named.
pub const MAX_FAULTS: usize = 20;
/// The most steps of a check: a keyword at a value is one, and so is each value that is compared with another.
const MAX_STEPS: u32 = 1_000_000;
/// How deep schemas and values may go together.
const MAX_DEPTH: u32 = 256;
/// The most bytes of a pattern once it is compiled.
const MAX_PATTERN: usize = 16 * 1_024;
/// How many characters of a pattern, times bytes of a text, are a step.
const PATTERN_STEP: usize = 64;

/// What does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = OutputError)]
pub struct Fault {
    /// A JSON Pointer into the document; empty: the whole of it.
    pub at: String,
    #[serde(rename = "message")]
    pub words: String,
}

/// What of a document does not fit a schema, at most [`MAX_FAULTS`]; of one that takes too long to check that it does.
pub fn faults(schema: &Map<String, Value>, document: &Value) -> Vec<Fault> {
    let mut checking = Checking { root: schema, left: MAX_STEPS, is_over: false, patterns: HashMap::new() };
    let mut faults = Faults::up_to(MAX_FAULTS);
    checking.object(schema, document, Spot { at: &Place::Root, depth: 0 }, &mut faults);
    if checking.is_over {
        let words = "takes too long to check: it is too large, or nested too deep".to_owned();
        return vec![Fault { at: String::new(), words }];
    }
    faults.named
}

/// A pattern as it is matched: without looking around and back, so that it takes linear time.
///
/// # Errors
/// What of it is not understood, or that it is too large.
pub fn pattern_of(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(MAX_PATTERN).build().map_err(|error| cut(error.to_string()))
}

/// Faults, as far as anybody wants to know them.
#[derive(Debug)]
pub struct Faults {
    named: Vec<Fault>,
    most: usize,
}

impl Faults {
    pub const fn up_to(most: usize) -> Self {
        Self { named: Vec::new(), most }
    }

    pub fn is_full(&self) -> bool {
        self.named.len() >= self.most
    }

    pub fn add(&mut self, at: &Place<'_>, words: impl FnOnce() -> String) {
        if !self.is_full() {
            self.named.push(Fault { at: at.pointer(), words: cut(words()) });
        }
    }

    /// How deep the deepest is.
    fn depth(&self) -> usize {
        self.named.iter().map(|fault| fault.at.matches('/').count()).max().unwrap_or_default()
    }
}

/// Where a check is.
#[derive(Clone, Copy)]
pub struct Spot<'a> {
    pub at: &'a Place<'a>,
    pub depth: u32,
}

/// A check on its way.
pub struct Checking<'a> {
    root: &'a Map<String, Value>,
    left: u32,
    is_over: bool,
    patterns: HashMap<&'a str, Option<Regex>>,
}

impl<'a> Checking<'a> {
    /// Takes steps; whether there are as many.
    pub fn step(&mut self, steps: usize) -> bool {
        let left = u32::try_from(steps).ok().and_then(|steps| self.left.checked_sub(steps));
        self.is_over |= left.is_none();
        self.left = left.unwrap_or(0);
        !self.is_over
    }

    /// Checks a value, or a part of it, against a schema.
    pub fn schema(&mut self, schema: &'a Value, document: &Value, spot: Spot<'_>, faults: &mut Faults) {
        match schema {
            Value::Object(schema) => self.object(schema, document, spot, faults),
            Value::Bool(false) => faults.add(spot.at, || "must not be there".to_owned()),
            // What is no schema was refused when it was written.
            _ => {}
        }
    }

    fn object(
        &mut self,
        schema: &'a Map<String, Value>,
        document: &Value,
        spot: Spot<'_>,
        faults: &mut Faults,
    ) {
        self.is_over |= spot.depth > MAX_DEPTH;
        let spot = Spot { depth: spot.depth + 1, ..spot };
        for (keyword, value) in schema {
            if !self.step(1) || faults.is_full() {
                return;
            }
            match document {
                Value::Number(number) => check_number((keyword, value), number, spot, faults),
                Value::String(text) => self.text((keyword, value), text, spot, faults),
                Value::Array(list) => self.list(schema, (keyword, value), list, spot, faults),
                Value::Object(members) => self.members(schema, (keyword, value), members, spot, faults),
                Value::Null | Value::Bool(_) => {}
            }
            self.any(schema, (keyword, value), document, spot, faults);
        }
    }

    /// Keywords for values of any type.
    fn any(
        &mut self,
        schema: &'a Map<String, Value>,
        (keyword, value): (&str, &'a Value),
        document: &Value,
        spot: Spot<'_>,
        faults: &mut Faults,
    ) {
        match (keyword, value) {
            ("type", wanted) if !is_of(wanted, document) => {
                faults.add(spot.at, || format!("must be {}, is {}", named(wanted), kind(document)));
            }
            ("enum", Value::Array(values)) if !values.iter().any(|value| self.are_equal(value, document)) => {
                faults.add(spot.at, || format!("must be one of {}", Value::from(values.clone())));
            }
            ("const", value) if !self.are_equal(value, document) => {
                faults.add(spot.at, || format!("must be {value}"));
            }
            ("$ref", Value::String(to)) => self.reference(to, document, spot, faults),
            ("allOf", Value::Array(all)) => {
                all.iter().for_each(|schema| self.schema(schema, document, spot, faults));
            }
            ("anyOf", Value::Array(some)) => self.any_of(some, document, spot, faults),
            ("oneOf", Value::Array(some)) => self.one_of(some, document, spot, faults),
            ("not", schema) if self.fits(schema, document, spot) => {
                faults.add(spot.at, || "is what `not` excludes".to_owned());
            }
            ("dependentSchemas", Value::Object(schemas)) => {
                for (name, schema) in schemas {
                    if self.step(1) && document.get(name).is_some() {
                        self.schema(schema, document, spot, faults);
                    }
                }
            }
            ("if", condition) => {
                let then = if self.fits(condition, document, spot) { "then" } else { "else" };
                if let Some(then) = schema.get(then) {
                    self.schema(then, document, spot, faults);
                }
            }
            _ => {}
        }
    }

    fn reference(&mut self, to: &str, document: &Value, spot: Spot<'_>, faults: &mut Faults) {
        let root = self.root;
        match reference::pointer(to).and_then(|pointer| reference::find(root, &pointer)) {
            Some(Target::Top) => self.object(root, document, spot, faults),
            Some(Target::Part(schema)) => self.schema(schema, document, spot, faults),
            None => {}
        }
    }

    /// Whether a value fits; of no use once the check is over.
    pub fn fits(&mut self, schema: &'a Value, document: &Value, spot: Spot<'_>) -> bool {
        let mut faults = Faults::up_to(1);
        self.schema(schema, document, spot, &mut faults);
        faults.named.is_empty()
    }

    /// Where none fits, the faults of the one that comes nearest are named, as those can be mended.
    fn any_of(&mut self, some: &'a [Value], document: &Value, spot: Spot<'_>, faults: &mut Faults) {
        let mut nearest: Option<Faults> = None;
        for schema in some {
            let mut of_this = Faults::up_to(faults.most - faults.named.len());
            self.schema(schema, document, spot, &mut of_this);
            if of_this.named.is_empty() {
                return;
            }
            let rank = |faults: &Faults| (faults.depth(), usize::MAX - faults.named.len());
            if nearest.as_ref().is_none_or(|nearest| rank(&of_this) > rank(nearest)) {
                nearest = Some(of_this);
            }
        }
        faults.add(spot.at, || format!("fits none of {} alternatives", some.len()));
        for fault in nearest.into_iter().flat_map(|nearest| nearest.named) {
            if !faults.is_full() {
                faults.named.push(fault);
            }
        }
    }

    fn one_of(&mut self, some: &'a [Value], document: &Value, spot: Spot<'_>, faults: &mut Faults) {
        match some.iter().filter(|schema| self.fits(schema, document, spot)).take(2).count() {
            0 => self.any_of(some, document, spot, faults),
            1 => {}
            _ => {
                faults.add(spot.at, || "fits more than one alternative, and must fit exactly one".to_owned())
            }
        }
    }

    /// Keywords for texts.
    fn text(&mut self, (keyword, value): (&str, &'a Value), text: &str, spot: Spot<'_>, faults: &mut Faults) {
        match (keyword, value) {
            ("minLength" | "maxLength", Value::Number(bound)) if self.step(text.len() / PATTERN_STEP) => {
                count((keyword, bound), text.chars().count(), "characters", spot, faults);
            }
            ("pattern", Value::String(pattern)) if !self.matches(pattern, text) => {
                faults.add(spot.at, || format!("must match the pattern {pattern}"));
            }
            _ => {}
        }
    }

    /// Whether a text matches a pattern. One that is not understood was refused when it was written.
    pub fn matches(&mut self, pattern: &'a str, text: &str) -> bool {
        // Repetitions are written out when it is compiled.
        let size = if pattern.contains('{') { MAX_PATTERN / 32 } else { pattern.len() };
        if !self.step(text.len().saturating_mul(size) / PATTERN_STEP) {
            return false;
        }
        let regex = self.patterns.entry(pattern).or_insert_with(|| pattern_of(pattern).ok());
        regex.as_ref().is_none_or(|regex| regex.is_match(text))
    }

    /// Whether two values are one for JSON Schema.
    pub fn are_equal(&mut self, one: &Value, other: &Value) -> bool {
        if !self.step(1) {
            return false;
        }
        match (one, other) {
            (Value::Number(one), Value::Number(other)) => {
                order(one, other).is_some_and(std::cmp::Ordering::is_eq)
            }
            (Value::Array(one), Value::Array(other)) => {
                one.len() == other.len()
                    && one.iter().zip(other).all(|(one, other)| self.are_equal(one, other))
            }
            (Value::Object(one), Value::Object(other)) => {
                one.len() == other.len()
                    && one
                        .iter()
                        .all(|(name, one)| other.get(name).is_some_and(|other| self.are_equal(one, other)))
            }
            (one, other) => one == other,
        }
    }
}

fn check_number((keyword, value): (&str, &Value), number: &Number, spot: Spot<'_>, faults: &mut Faults) {
    let Value::Number(bound) = value else { return };
    let order = order(number, bound);
    let (is_fit, words) = match keyword {
        "minimum" => (order.is_none_or(std::cmp::Ordering::is_ge), "at least"),
        "maximum" => (order.is_none_or(std::cmp::Ordering::is_le), "at most"),
        "exclusiveMinimum" => (order.is_none_or(std::cmp::Ordering::is_gt), "more than"),
        "exclusiveMaximum" => (order.is_none_or(std::cmp::Ordering::is_lt), "less than"),
        "multipleOf" => (is_multiple(number, bound), "a multiple of"),
        _ => return,
    };
    if !is_fit {
        faults.add(spot.at, || format!("must be {words} {bound}, is {number}"));
    }
}

/// A bound of how many there are: `min…` or `max…`.
pub fn count(
    (keyword, bound): (&str, &Number),
    there: usize,
    what: &str,
    spot: Spot<'_>,
    faults: &mut Faults,
) {
    let bound = whole(bound).unwrap_or_default();
    let there = i128::try_from(there).unwrap_or(i128::MAX);
    let (is_fit, words) =
        if keyword.starts_with("min") { (there >= bound, "at least") } else { (there <= bound, "at most") };
    if !is_fit {
        faults.add(spot.at, || format!("must have {words} {bound} {what}, has {there}"));
    }
}

/// Whether a value has this type, or one of these.
fn is_of(wanted: &Value, document: &Value) -> bool {
    match wanted {
        Value::Array(wanted) => wanted.iter().any(|wanted| is_of(wanted, document)),
        Value::String(wanted) => match (wanted.as_str(), document) {
            ("number", Value::Number(_)) => true,
            ("integer", Value::Number(number)) => {
                whole(number).is_some() || number.as_f64().is_some_and(|number| number.fract() == 0.0)
            }
            (wanted, document) => wanted == kind(document),
        },
        _ => true,
    }
}

const fn kind(document: &Value) -> &'static str {
    match document {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn named(wanted: &Value) -> Cow<'_, str> {
    match wanted {
        Value::String(wanted) => format!("of type {wanted}").into(),
        Value::Array(wanted) => {
            let wanted: Vec<&str> = wanted.iter().filter_map(Value::as_str).collect();
            format!("of type {}", wanted.join(" or ")).into()
        }
        _ => "of another type".into(),
    }
}
