//! Names of properties in tools' schemas, in the alphabet that a server takes: `$top` and `filter[id]` are parameters of
//! real APIs, and Anthropic refuses a tool that has them.
//!
//! They are renamed on the way out, in the schema and in the calls that a conversation already has, and back in the
//! arguments that the model writes. A substitute holds a hash of the name, so that it is no other property's name.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::dialect::{Alphabet, Dialect, Naming};
use crate::domain::message::{AssistantPart, ChatRequest, Event, Message};

/// Renamed properties of each tool, by the tool's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(BTreeMap<String, Pairs>);

/// Names, each with what it is on the other side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Pairs {
    /// The server's, with ours.
    here: BTreeMap<String, String>,
    /// Ours, with the server's.
    there: BTreeMap<String, String>,
}

/// The most that is kept of one answer's arguments until they can be read, in bytes.
const MAX_HELD: usize = 4 * 1024 * 1024;
/// Keywords that begin with `$`, which no rule about properties means.
const KEYWORDS: [&str; 10] = [
    "$anchor",
    "$comment",
    "$defs",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$ref",
    "$schema",
    "$vocabulary",
    "$recursiveRef",
];

impl Keys {
    /// The request with the properties of its tools renamed; `None` where all of them fit.
    pub fn rename(dialect: &Dialect, request: &ChatRequest) -> Option<(Self, ChatRequest)> {
        let naming = dialect.property_keys;
        let has_odd =
            |schema: &RawValue| naming.alphabet != Alphabet::Any && has_odd_key(schema.get(), naming);
        if !request.tools.iter().any(|tool| tool.parameters.as_deref().is_some_and(has_odd)) {
            return None;
        }
        let mut keys = Self::default();
        let mut renamed = request.clone();
        for tool in &mut renamed.tools {
            let Some(parameters) = tool.parameters.as_deref().filter(|schema| has_odd(schema)) else {
                continue;
            };
            // Nested past the parser's bound: for the provider to refuse.
            let Ok(mut schema) = serde_json::from_str(parameters.get()) else { continue };
            let mut pairs = Pairs::default();
            rename_in_schema(&mut schema, naming, &mut pairs);
            tool.parameters = RawValue::from_string(schema.to_string()).ok();
            if !pairs.here.is_empty() {
                keys.0.insert(tool.name.clone(), pairs);
            }
        }
        for message in &mut renamed.messages {
            let Message::Assistant { parts } = message else { continue };
            for part in parts {
                if let AssistantPart::ToolCall(call) = part {
                    keys.write(&call.name, &mut call.arguments);
                }
            }
        }
        Some((keys, renamed))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Changes a call's arguments to the server's names.
    fn write(&self, tool: &str, arguments: &mut String) {
        if let Some(pairs) = self.0.get(tool) {
            change(arguments, &pairs.there);
        }
    }

    /// Changes a call's arguments to the client's names.
    pub fn restore(&self, tool: &str, arguments: &mut String) {
        if let Some(pairs) = self.0.get(tool) {
            change(arguments, &pairs.here);
        }
    }
}

/// What is not JSON stays as the model wrote it.
fn change(arguments: &mut String, names: &BTreeMap<String, String>) {
    if !arguments.contains('"') {
        return;
    }
    if let Ok(mut value) = serde_json::from_str::<Value>(arguments) {
        rename_in_value(&mut value, names);
        *arguments = value.to_string();
    }
}

/// The arguments of a stream's calls, held until they are whole where their names must be changed back.
#[derive(Debug, Default)]
pub struct Held {
    /// By choice and index: the tool, and its arguments so far.
    calls: BTreeMap<(u32, u32), (String, String)>,
    bytes: usize,
}

impl Held {
    /// Holds arguments back, and releases those of a choice that has ended.
    pub fn pass(&mut self, keys: &Keys, events: Vec<Event>) -> Vec<Event> {
        let mut passed = Vec::with_capacity(events.len());
        for event in events {
            match event {
                Event::ToolCall { choice, index, ref name, .. } => {
                    if keys.0.contains_key(name) {
                        self.calls.insert((choice, index), (name.clone(), String::new()));
                    }
                    passed.push(event);
                }
                Event::ToolArguments { choice, index, ref delta } => {
                    match self.calls.get_mut(&(choice, index)) {
                        Some((_, arguments)) if self.bytes + delta.len() <= MAX_HELD => {
                            self.bytes += delta.len();
                            arguments.push_str(delta);
                        }
                        Some(_) => {
                            self.give_up((choice, index), &mut passed);
                            passed.push(event);
                        }
                        None => passed.push(event),
                    }
                }
                Event::Finish { choice, .. } => {
                    self.release(keys, Some(choice), &mut passed);
                    passed.push(event);
                }
                other => passed.push(other),
            }
        }
        passed
    }

    /// Passes what is held of a call as the model wrote it, and holds no more of it.
    fn give_up(&mut self, (choice, index): (u32, u32), passed: &mut Vec<Event>) {
        if let Some((_, delta)) = self.calls.remove(&(choice, index)).filter(|(_, held)| !held.is_empty()) {
            self.bytes -= delta.len();
            passed.push(Event::ToolArguments { choice, index, delta });
        }
    }

    /// Releases the arguments of this choice, or of all.
    pub fn release(&mut self, keys: &Keys, choice: Option<u32>, passed: &mut Vec<Event>) {
        let ended = |of: u32| choice.is_none_or(|choice| choice == of);
        let (released, kept) =
            std::mem::take(&mut self.calls).into_iter().partition(|((of, _), _)| ended(*of));
        self.calls = kept;
        let released: BTreeMap<(u32, u32), (String, String)> = released;
        for ((choice, index), (tool, mut delta)) in released {
            self.bytes -= delta.len();
            keys.restore(&tool, &mut delta);
            passed.push(Event::ToolArguments { choice, index, delta });
        }
    }
}

/// Whether one of the names in this JSON does not fit. Looks at each name once, without reading the whole.
fn has_odd_key(json: &str, naming: Naming) -> bool {
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(begin) = memchr::memchr(b'"', bytes.get(at..).unwrap_or_default()).map(|n| at + n + 1) {
        let mut end = begin;
        while bytes.get(end).is_some_and(|byte| *byte != b'"') {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let after = bytes.get(end + 1..).unwrap_or_default().trim_ascii_start();
        let name = json.get(begin..end).unwrap_or_default();
        if after.first() == Some(&b':') && !naming.fits(name) && !KEYWORDS.contains(&name) {
            return true;
        }
        at = end + 1;
    }
    false
}

/// Recurses as deep as the schema, which the parser bounds at 128.
fn rename_in_schema(schema: &mut Value, naming: Naming, pairs: &mut Pairs) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get_mut("properties") {
                let renamed =
                    std::mem::take(properties).into_iter().map(|(here, schema)| match naming.fit(&here) {
                        Cow::Borrowed(_) => (here, schema),
                        Cow::Owned(there) => {
                            pairs.here.insert(there.clone(), here.clone());
                            pairs.there.insert(here, there.clone());
                            (there, schema)
                        }
                    });
                *properties = renamed.collect();
            }
            if let Some(required) = members.get_mut("required") {
                *required = renamed_list(required.take(), naming);
            }
            for keyword in ["dependentRequired", "dependentSchemas"] {
                if let Some(Value::Object(of_names)) = members.get_mut(keyword) {
                    let named = std::mem::take(of_names).into_iter();
                    *of_names = named
                        .map(|(name, of)| (naming.fit(&name).into_owned(), renamed_list(of, naming)))
                        .collect();
                }
            }
            for (keyword, value) in members.iter_mut() {
                match keyword.as_str() {
                    "const" | "default" | "enum" | "examples" | "required" | "dependentRequired" => {}
                    "properties" | "$defs" | "definitions" | "patternProperties" | "dependentSchemas" => {
                        let schemas = value.as_object_mut().into_iter().flat_map(|map| map.values_mut());
                        schemas.for_each(|schema| rename_in_schema(schema, naming, pairs));
                    }
                    _ => rename_in_schema(value, naming, pairs),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename_in_schema(item, naming, pairs)),
        _ => {}
    }
}

/// A list of names so; of anything else itself.
fn renamed_list(list: Value, naming: Naming) -> Value {
    match list {
        Value::Array(names) => names
            .into_iter()
            .map(|name| match name {
                Value::String(name) => Value::String(naming.fit(&name).into_owned()),
                other => other,
            })
            .collect(),
        other => other,
    }
}

fn rename_in_value(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            let renamed = std::mem::take(members).into_iter().map(|(name, mut value)| {
                rename_in_value(&mut value, names);
                (names.get(&name).cloned().unwrap_or(name), value)
            });
            *members = renamed.collect();
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename_in_value(item, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::message::{Tool, ToolCall};
    use crate::domain::provider::Wire;

    fn request(schema: &Value, arguments: &str) -> ChatRequest {
        let call = ToolCall::new("1", "list", arguments);
        ChatRequest {
            messages: vec![Message::Assistant { parts: vec![AssistantPart::ToolCall(call)] }],
            tools: vec![Tool {
                name: "list".into(),
                description: None,
                parameters: RawValue::from_string(schema.to_string()).ok(),
                strict: None,
                cache: None,
            }],
            ..ChatRequest::default()
        }
    }

    #[test]
    fn names_that_do_not_fit_go_out_as_others_and_come_back() {
        let schema = json!({"type": "object", "required": ["$top", "plain"], "properties": {
            "$top": {"type": "integer"}, "plain": {"enum": ["$top"]},
            "deep": {"items": {"properties": {"filter[id]": {"type": "string"}, "ünï": {}}}},
        }});
        let said = json!({"$top": 3, "deep": [{"filter[id]": "$top"}]}).to_string();
        let dialect = Dialect::plain(Wire::Anthropic);
        let (keys, renamed) = Keys::rename(&dialect, &request(&schema, &said)).unwrap();
        let sent: Value = serde_json::from_str(renamed.tools[0].parameters.as_ref().unwrap().get()).unwrap();
        let names: Vec<&String> = sent["properties"].as_object().unwrap().keys().collect();
        assert!(names.iter().all(|name| dialect.property_keys.fits(name)), "{names:?}");
        assert!(names[0].starts_with("top_") && sent["required"] == json!([names[0], "plain"]), "{sent}");
        assert_eq!(sent["properties"]["plain"], json!({"enum": ["$top"]}), "values are not names");
        let Message::Assistant { parts } = &renamed.messages[0] else { panic!("{renamed:?}") };
        let mut arguments = AssistantPart::calls_of(parts).next().unwrap().arguments.clone();
        assert!(!arguments.contains("\"$top\":") && arguments.contains("\"$top\"}"), "{arguments}");
        keys.restore("list", &mut arguments);
        assert_eq!(arguments, said);
        keys.restore("other", &mut arguments);
        assert_eq!(arguments, said);
    }

    #[test]
    fn what_fits_is_not_even_read() {
        let dialect = Dialect::plain(Wire::Anthropic);
        let schema = json!({"$schema": "x", "$defs": {"D": {}}, "properties": {"a.b": {"$ref": "#/$defs/D",
            "description": "a \\\" \"$top\" : b"}}});
        assert!(Keys::rename(&dialect, &request(&schema, "{}")).is_none());
        let odd = json!({"properties": {"a b": {}}});
        assert!(Keys::rename(&Dialect::plain(Wire::OpenAi), &request(&odd, "{}")).is_none());
    }

    #[test]
    fn a_streams_arguments_are_held_until_their_choice_ends() {
        let dialect = Dialect::plain(Wire::Anthropic);
        let odd = json!({"properties": {"$top": {}}});
        let (keys, _) = Keys::rename(&dialect, &request(&odd, "{}")).unwrap();
        let there = dialect.property_keys.fit("$top").into_owned();
        let piece = |delta: &str| Event::ToolArguments { choice: 0, index: 0, delta: delta.to_owned() };
        let begun = Event::ToolCall { choice: 0, index: 0, id: "1".into(), name: "list".into(), proof: None };
        let end = Event::Finish { choice: 0, reason: crate::domain::message::Finish::ToolCalls };
        let mut held = Held::default();
        let first = held.pass(&keys, vec![begun.clone(), piece("{\""), piece(&there)]);
        assert_eq!(first, [begun]);
        let last = held.pass(&keys, vec![piece("\":1}"), end.clone()]);
        assert_eq!(last, [piece("{\"$top\":1}"), end]);
    }

    #[test]
    fn what_is_too_long_to_be_held_comes_as_it_was_written_and_in_order() {
        let odd = json!({"properties": {"$top": {}}});
        let (keys, _) = Keys::rename(&Dialect::plain(Wire::Anthropic), &request(&odd, "{}")).unwrap();
        let piece = |delta: String| Event::ToolArguments { choice: 0, index: 0, delta };
        let begun = Event::ToolCall { choice: 0, index: 0, id: "1".into(), name: "list".into(), proof: None };
        let end = Event::Finish { choice: 0, reason: crate::domain::message::Finish::ToolCalls };
        let mut held = Held::default();
        let (first, second) = (piece("a".into()), piece("b".repeat(MAX_HELD)));
        let all = [begun, first, second, piece("c".into()), end];
        let passed: Vec<Event> = all.iter().flat_map(|event| held.pass(&keys, vec![event.clone()])).collect();
        assert_eq!(passed.len(), 5);
        assert!(passed.iter().eq(&all), "nothing changes its place");
        assert_eq!(held.bytes, 0);
    }

    #[test]
    fn many_calls_of_a_tool_with_many_properties_are_no_work() {
        let properties: Value = (0..20_000).map(|n| (format!("$a{n}"), json!({}))).collect();
        let mut asked = request(&json!({"properties": properties}), "{}");
        let Message::Assistant { parts } = &asked.messages[0] else { panic!() };
        asked.messages = vec![Message::Assistant { parts: parts.clone() }; 10_000];
        let started = std::time::Instant::now();
        assert!(Keys::rename(&Dialect::plain(Wire::Anthropic), &asked).is_some());
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    }
}
