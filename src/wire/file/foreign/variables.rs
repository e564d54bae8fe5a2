//! Placeholders of other systems, as `{{variables}}` of ours.
//!
//! A placeholder that a file uses and does not declare is declared with itself as its default: what no call sets reads as
//! it did in the source, and text that only looks like a placeholder stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::domain::instructions;

/// How a system writes a placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Braces {
    /// `{{name}}`
    Double,
    /// `{name}`, or `{name?}` where it may be missing; doubled braces are braces
    Single,
    /// `{{$name}}`, or `{{name}}` where a file is written for another engine
    Dollar,
}

/// The most placeholders with single braces that become variables: code has braces too.
const MAX_SINGLE: usize = 100;

/// So much of a name is left before a number: names have 64 characters.
const MAX_STEM: usize = 56;

/// The most bytes between braces: a name of 64, and blanks.
const MAX_INSIDE: usize = 72;

/// A text with our placeholders; what it uses is added to `declared`.
pub fn convert(text: &str, braces: Braces, declared: &mut Map<String, Value>) -> String {
    let mut out = String::with_capacity(text.len());
    let (open, close) = if braces == Braces::Single { ("{", "}") } else { ("{{", "}}") };
    let mut rest = text;
    let mut spelled = Spelled::among(declared);
    // Doubled braces that were opened: others close what is no placeholder, such as JSON in JSON.
    let mut doubled = 0_usize;
    while let Some(start) = next(rest, open, doubled > 0) {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        if braces == Braces::Single && (from.starts_with("{{") || from.starts_with("}}")) {
            doubled = if from.starts_with('{') { doubled + 1 } else { doubled.saturating_sub(1) };
            out.push_str(&from[..1]);
            rest = &from[2..];
            continue;
        }
        let inside = &from[open.len()..];
        // No further than a name reaches: a text may have as many braces as characters.
        let end = inside.bytes().take(MAX_INSIDE).position(|b| b == b'}');
        let end = end.filter(|end| inside[*end..].starts_with(close));
        let written = end.and_then(|end| source_name(&inside[..end], braces));
        match written {
            Some((plain, len))
                if braces != Braces::Single
                    || declared.len() < MAX_SINGLE
                    || declared.contains_key(&variable_name(plain)) =>
            {
                let name = spelled.name(plain, declared);
                let len = open.len() + len + close.len();
                let default = if from[..len].ends_with("?}") { "" } else { &from[..len] };
                if !declared.contains_key(&name) && !instructions::BUILT_IN.contains(&name.as_str()) {
                    declared.insert(name.clone(), default.into());
                }
                out.push_str("{{");
                out.push_str(&name);
                out.push_str("}}");
                rest = &from[len..];
            }
            _ => {
                // Runs of braces are text as a whole.
                let run = from.bytes().take_while(|b| *b == b'{').count();
                out.push_str(&from[..run]);
                rest = &from[run..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Where the next placeholder may begin, or doubled braces end.
fn next(text: &str, open: &str, is_doubled: bool) -> Option<usize> {
    match is_doubled {
        true => {
            text.char_indices().find(|(at, c)| *c == '{' || text[*at..].starts_with("}}")).map(|(at, _)| at)
        }
        false => text.find(open),
    }
}

/// Our names of placeholders. Ours have no capitals, so those that differ only by them are numbered: `{Topic}` is `topic`,
/// and `{topic}` beside it `topic_2`.
struct Spelled<'a> {
    names: BTreeMap<&'a str, String>,
    /// The last number after a stem, which many long names share.
    last: BTreeMap<String, usize>,
    /// What the file declares, in whatever letters it is used.
    own: BTreeSet<String>,
}

impl<'a> Spelled<'a> {
    fn among(declared: &Map<String, Value>) -> Self {
        Self { names: BTreeMap::new(), last: BTreeMap::new(), own: declared.keys().cloned().collect() }
    }

    fn name(&mut self, plain: &'a str, declared: &Map<String, Value>) -> String {
        let name = variable_name(plain);
        if self.own.contains(&name) || instructions::BUILT_IN.contains(&name.as_str()) {
            return name;
        }
        if let Some(known) = self.names.get(plain) {
            return known.clone();
        }
        let mut free = name;
        if declared.contains_key(&free) {
            let stem = free.get(..MAX_STEM).unwrap_or(&free).to_owned();
            let last = self.last.entry(stem.clone()).or_insert(1);
            while declared.contains_key(&free) {
                *last += 1;
                free = format!("{stem}_{last}");
            }
        }
        self.names.insert(plain, free.clone());
        free
    }
}

/// The name that stands between braces, and how long that is.
fn source_name(inside: &str, braces: Braces) -> Option<(&str, usize)> {
    let plain = inside.trim_matches(' ');
    let plain = match braces {
        Braces::Dollar => plain.strip_prefix('$').unwrap_or(plain),
        Braces::Single => plain.strip_suffix('?').unwrap_or(plain),
        Braces::Double => plain,
    };
    let is_identifier = plain.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && plain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (is_identifier && instructions::is_name(&variable_name(plain))).then_some((plain, inside.len()))
}

/// A variable's name in our letters.
pub fn variable_name(text: &str) -> String {
    let name: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    name.trim_start_matches(|c: char| !c.is_ascii_lowercase()).chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(text: &str, braces: Braces) -> (String, Value) {
        let mut declared = Map::new();
        let text = convert(text, braces, &mut declared);
        (text, declared.into())
    }

    #[test]
    fn placeholders_become_variables_that_read_as_before_until_a_call_sets_them() {
        use serde_json::json;
        for (text, braces, expected, declared) in [
            ("About {topic}.", Braces::Single, "About {{topic}}.", json!({"topic": "{topic}"})),
            ("{user?} {a b} {} {1}", Braces::Single, "{{user}} {a b} {} {1}", json!({"user": ""})),
            (
                "{{ Topic }} {{a.b}} {{today}}",
                Braces::Double,
                "{{topic}} {{a.b}} {{today}}",
                json!({"topic": "{{ Topic }}"}),
            ),
            ("{{$topic}} {{topic}}", Braces::Dollar, "{{topic}} {{topic}}", json!({"topic": "{{$topic}}"})),
            ("{\"a\": {b}}", Braces::Single, "{\"a\": {{b}}}", json!({"b": "{b}"})),
            ("{{{{", Braces::Double, "{{{{", json!({})),
            (
                "{{\"a\": {{\"b\": {c}}}}} {{d}}",
                Braces::Single,
                "{\"a\": {\"b\": {{c}}}} {d}",
                json!({"c": "{c}"}),
            ),
            ("{\"a\": {\"b\": 1}} }}", Braces::Single, "{\"a\": {\"b\": 1}} }}", json!({})),
            ("{{userName}}", Braces::Dollar, "{{username}}", json!({"username": "{{userName}}"})),
            (
                "{{H}} {{h}} {{ H }} {{h_2}}",
                Braces::Double,
                "{{h}} {{h_2}} {{h}} {{h_2_2}}",
                json!({"h": "{{H}}", "h_2": "{{h}}", "h_2_2": "{{h_2}}"}),
            ),
            (
                "{Topic} {topic} {TOPIC}",
                Braces::Single,
                "{{topic}} {{topic_2}} {{topic_3}}",
                json!({"topic": "{Topic}", "topic_2": "{topic}", "topic_3": "{TOPIC}"}),
            ),
            ("{{Today}} {{today}}", Braces::Double, "{{today}} {{today}}", json!({})),
        ] {
            assert_eq!(converted(text, braces), (expected.to_owned(), declared), "{text}");
        }
    }

    #[test]
    fn what_a_file_declares_is_meant_in_any_letters() {
        let mut declared = Map::from_iter([("topic".to_owned(), Value::from("tea"))]);
        assert_eq!(convert("{Topic} {topic}", Braces::Single, &mut declared), "{{topic}} {{topic}}");
        assert_eq!(declared.len(), 1);
    }

    #[test]
    fn many_long_names_that_begin_alike_are_numbered_each() {
        const PAIRS: usize = 20_000;
        let name = |n: usize| format!("{}{n:08}", "a".repeat(MAX_STEM));
        let text: String =
            (0..PAIRS).map(|n| format!("{{{{{0}}}}}{{{{A{1}}}}}", name(n), &name(n)[1..])).collect();
        let (text, declared) = converted(&text, Braces::Double);
        assert_eq!(declared.as_object().unwrap().len(), 2 * PAIRS);
        assert!(
            text.ends_with(&format!("{{{{{}_{}}}}}", "a".repeat(MAX_STEM), PAIRS + 1)),
            "the last of the pairs"
        );
    }

    #[test]
    fn many_braces_take_no_time() {
        for text in ["{".repeat(1_000_000), "{a".repeat(500_000), "{{a".repeat(300_000)] {
            for braces in [Braces::Single, Braces::Double, Braces::Dollar] {
                let halved = braces == Braces::Single;
                let expected = if halved { text.replace("{{", "{") } else { text.clone() };
                assert_eq!(converted(&text, braces).0, expected);
            }
        }
    }
}
