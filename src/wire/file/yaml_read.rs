//! YAML 1.2 with its core schema, as the JSON it stands for.
//!
//! Reading takes memory and time in proportion to its bounds, whatever the text: events come one by one, and every node
//! and every byte is counted as it comes, those that an alias repeats as well. What JSON does not have (tags of one's
//! own, numbers that are none) is refused.

use std::borrow::Cow;
use std::collections::BTreeMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};
use serde_json::{Map, Number, Value};

use super::Unreadable;
use super::park;
use super::yaml_margin::{self, Stop};
use crate::domain::json::{self, MAX_DEPTH, TOO_LONG};

/// The most nodes: 200 for each of 1,000 agents. A node takes at most about 100 bytes beside its text.
const MAX_NODES: usize = 200_000;
/// The most bytes of text: twice the largest body.
const MAX_TEXT: usize = 8 * 1024 * 1024;
/// The most bytes that are parsed again, after a repair of the text each time.
const MAX_REREAD: usize = 8 * 1024 * 1024;
/// The key whose value is laid under the object's own fields, unless it is quoted (https://yaml.org/type/merge.html).
const MERGE: &str = "<<";

/// The documents of a stream (`---`); empty ones are null.
pub fn documents(text: &str) -> Result<Vec<Value>, Unreadable> {
    let mut text = Cow::Borrowed(text);
    let mut left = MAX_REREAD;
    loop {
        let stop = match parsed(&text)? {
            Ok(documents) => return Ok(documents),
            Err(stop) => stop,
        };
        let place = Stop { line: stop.marker().line(), column: stop.marker().col(), info: stop.info() };
        left = left.saturating_sub(text.len());
        text = match yaml_margin::indented(&text, &place) {
            Some(indented) if left > 0 => indented.into(),
            _ => return Err(at(stop.marker(), stop.info())),
        };
    }
}

/// The documents, or where the parser stopped.
fn parsed(text: &str) -> Result<Result<Vec<Value>, ScanError>, Unreadable> {
    let mut reader = Reader::default();
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => reader.take(event).map_err(|message| at(&span.start, &message))?,
            Err(stop) => return Ok(Err(stop)),
        }
    }
    Ok(Ok(reader.done))
}

fn at(marker: &Marker, message: &str) -> Unreadable {
    Unreadable(format!(
        "it is not YAML that can be read: line {} column {}: {message}",
        marker.line(),
        marker.col() + 1
    ))
}

#[derive(Default)]
struct Reader {
    done: Vec<Value>,
    open: Vec<(usize, Node)>,
    anchors: BTreeMap<usize, Value>,
    nodes: usize,
    text: usize,
}

/// A list or object whose end has not come.
enum Node {
    List(Vec<Value>),
    Object(Object),
}

#[derive(Default)]
struct Object {
    fields: Map<String, Value>,
    /// Whose value comes next.
    key: Option<Key>,
    /// What lies under the fields, wherever it stands among them.
    merged: Option<Map<String, Value>>,
}

enum Key {
    Name(String),
    Merge,
}

impl Object {
    fn finish(self) -> Value {
        let mut fields = self.merged.unwrap_or_default();
        fields.extend(self.fields);
        fields.into()
    }

    fn put(&mut self, value: Value) -> Result<(), String> {
        match self.key.take() {
            None => match value {
                Value::String(name) if self.fields.contains_key(&name) => {
                    return Err(format!("`{:.64}` stands twice", park::shown(&name)));
                }
                Value::String(name) => self.key = Some(Key::Name(name)),
                _ => return Err("a key must be a text".to_owned()),
            },
            Some(Key::Name(name)) => {
                self.fields.insert(name, value);
            }
            Some(Key::Merge) if self.merged.is_some() => return Err("`<<` stands twice".to_owned()),
            Some(Key::Merge) => self.merged = Some(merged(value)?),
        }
        Ok(())
    }
}

/// What a merge key lays under an object: an object, or several, of which the first that has a field wins.
fn merged(value: Value) -> Result<Map<String, Value>, String> {
    let list = match value {
        Value::Array(list) => list,
        one => vec![one],
    };
    let mut all = Map::new();
    for under in list.into_iter().rev() {
        let Value::Object(under) = under else {
            return Err("`<<` takes an object, or a list of objects".to_owned());
        };
        all.extend(under);
    }
    Ok(all)
}

impl Reader {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1, text.len())?;
                if style == ScalarStyle::Plain && text == MERGE && tag.is_none() && self.is_key() {
                    return self.merge();
                }
                let value = match self.is_key() {
                    true => Value::String(text.into_owned()),
                    false => scalar(&text, style, tag.as_deref())?,
                };
                self.put(anchor, value)
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(anchor, tag.as_deref(), "seq", Node::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.begin(anchor, tag.as_deref(), "map", Node::Object(Object::default()))
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some((anchor, Node::List(list))) => self.put(anchor, list.into()),
                Some((anchor, Node::Object(object))) => self.put(anchor, object.finish()),
                None => Err("an end without its beginning".to_owned()),
            },
            Event::Alias(anchor) => {
                let Some(value) = self.anchors.get(&anchor) else {
                    return Err("an alias of what is not known yet, or holds itself".to_owned());
                };
                let (nodes, text) = size(value);
                self.check_depth(json::depth(value))?;
                let value = value.clone();
                self.count(nodes, text)?;
                self.put(0, value)
            }
            Event::DocumentEnd => {
                self.anchors.clear();
                Ok(())
            }
            Event::DocumentStart(_) | Event::Nothing | Event::StreamStart | Event::StreamEnd => Ok(()),
        }
    }

    fn begin(&mut self, anchor: usize, tag: Option<&Tag>, kind: &str, node: Node) -> Result<(), String> {
        if tag.is_some_and(|tag| !(tag.is_yaml_core_schema() && tag.suffix == kind)) {
            return Err("tags are not known here".to_owned());
        }
        if self.is_key() {
            return Err("a key must be a text".to_owned());
        }
        self.check_depth(1)?;
        self.count(1, 0)?;
        self.open.push((anchor, node));
        Ok(())
    }

    /// That what comes next, so many levels deep, is not too deep.
    fn check_depth(&self, levels: usize) -> Result<(), String> {
        match self.open.len() + levels > MAX_DEPTH {
            true => Err(format!("it is nested deeper than {MAX_DEPTH}")),
            false => Ok(()),
        }
    }

    /// Whether what comes next is a key.
    fn is_key(&self) -> bool {
        matches!(self.open.last(), Some((_, Node::Object(Object { key: None, .. }))))
    }

    fn merge(&mut self) -> Result<(), String> {
        match self.open.last_mut() {
            Some((_, Node::Object(object))) => object.key = Some(Key::Merge),
            _ => return Err("a merge key outside of an object".to_owned()),
        }
        Ok(())
    }

    fn put(&mut self, anchor: usize, value: Value) -> Result<(), String> {
        if anchor > 0 {
            let (nodes, text) = size(&value);
            self.count(nodes, text)?;
            self.anchors.insert(anchor, value.clone());
        }
        match self.open.last_mut() {
            None => self.done.push(value),
            Some((_, Node::List(list))) => list.push(value),
            Some((_, Node::Object(object))) => object.put(value)?,
        }
        Ok(())
    }

    fn count(&mut self, nodes: usize, text: usize) -> Result<(), String> {
        self.nodes += nodes;
        self.text += text;
        if self.nodes > MAX_NODES {
            return Err(format!(
                "it has more than {MAX_NODES} values, aliases counted as what they stand for"
            ));
        }
        if self.text > MAX_TEXT {
            return Err(format!(
                "it has more than {MAX_TEXT} bytes of text, aliases counted as what they stand for"
            ));
        }
        Ok(())
    }
}

/// Nodes, and bytes of text. As deep as [`MAX_DEPTH`].
fn size(value: &Value) -> (usize, usize) {
    let sum = |(nodes, text): (usize, usize), (more, longer): (usize, usize)| (nodes + more, text + longer);
    match value {
        Value::String(text) => (1, text.len()),
        Value::Array(list) => list.iter().map(size).fold((1, 0), sum),
        Value::Object(object) => {
            let entry = |(name, value): (&String, &Value)| sum((1, name.len()), size(value));
            object.iter().map(entry).fold((1, 0), sum)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => (1, 0),
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    match tag {
        None if style == ScalarStyle::Plain => plain(text),
        None => Ok(text.into()),
        Some(tag) if tag.is_yaml_core_schema() => match tag.suffix.as_str() {
            "str" => Ok(text.into()),
            "null" | "bool" | "int" | "float" => plain(text),
            _ => Err("tags are not known here".to_owned()),
        },
        // `!` alone says that it is a text.
        Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => Ok(text.into()),
        Some(_) => Err("tags are not known here".to_owned()),
    }
}

/// The core schema (YAML 1.2.2, 10.3.2).
fn plain(text: &str) -> Result<Value, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => match number(text) {
            None => text.into(),
            Some(number) => number?.into(),
        },
    })
}

/// `None`: a text; an error: a number that JSON does not have, or that would lose digits.
fn number(text: &str) -> Option<Result<Number, String>> {
    const NONE: &str = "a number that JSON does not have";
    let whole_or = |number: Option<Number>| Some(number.ok_or_else(|| format!("{text:.64} is {TOO_LONG}")));
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) =
            text.strip_prefix(prefix).filter(|digits| digits.chars().all(|c| c.is_digit(radix)))
        {
            let number = u64::from_str_radix(digits, radix).ok().map(Number::from);
            return if digits.is_empty() { None } else { whole_or(number) };
        }
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Err(NONE.to_owned()));
    }
    if !is_decimal(unsigned) {
        return None;
    }
    let text = text.strip_prefix('+').unwrap_or(text);
    let whole = text.parse::<u64>().map(Number::from).or_else(|_| text.parse::<i64>().map(Number::from));
    let is_whole = !unsigned.contains(['.', 'e', 'E']);
    // `-0` is a float in JSON.
    match whole.ok().filter(|_| text != "-0") {
        None if is_whole && text != "-0" => whole_or(None),
        None => Some(text.parse().ok().and_then(Number::from_f64).ok_or_else(|| NONE.to_owned())),
        whole => whole_or(whole),
    }
}

/// `[0-9]+`, `[0-9]+ . [0-9]*` or `. [0-9]+`, and an exponent.
fn is_decimal(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}
