//! An agent as YAML that reads back as exactly what it was, in every reader of YAML 1.1 or 1.2: texts of several lines
//! as block literals where those keep every character, quoted as in JSON wherever a plain text might mean something else.

use std::fmt::Write;

use serde_json::{Map, Number, Value};

/// The order in which people read an agent's fields; others follow.
const ORDER: [&str; 32] = [
    "slug",
    "name",
    "type",
    "status",
    "labels",
    "description",
    "instructions",
    "model",
    "embeddings",
    "voice",
    "modality",
    "panels",
    "tools",
    "handoff_targets",
    "access",
    "allowed_origins",
    "max_concurrency",
    "cache",
    "run",
    "max_parallel_tools",
    "on_busy",
    "on_unknown",
    "on_budget",
    "upgrade",
    "output",
    "input",
    "webhooks",
    "compact_at",
    "memory",
    "keep_days",
    "budget",
    "config",
];

/// The most bytes of a key that its colon follows, quotes and all: readers look 1,024 characters far for it, which some count
/// in bytes (YAML 1.2.2, 7.4.2).
const MAX_KEY: usize = 1_024;

/// An entry of a list at the margin.
pub fn entry(agent: &Value, out: &mut String) {
    out.push_str("- ");
    match agent {
        Value::Object(fields) if !fields.is_empty() => object(&ordered(fields), 2, out),
        other => value(other, 2, out),
    }
}

fn ordered(fields: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let place = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
    let mut all: Vec<_> = fields.iter().collect();
    all.sort_by_key(|(name, _)| place(name));
    all
}

/// After a key and its colon, or an entry's hyphen and blank, with its line's end.
fn value(of: &Value, indent: usize, out: &mut String) {
    match of {
        Value::Object(fields) if !fields.is_empty() => {
            object(&fields.iter().collect::<Vec<_>>(), indent, out)
        }
        Value::Array(list) if !list.is_empty() => {
            for (i, entry) in list.iter().enumerate() {
                margin(i, indent, out);
                out.push_str("- ");
                value(entry, indent + 2, out);
            }
        }
        Value::String(text) => string(text, indent, out),
        Value::Object(_) => out.push_str("{}\n"),
        Value::Array(_) => out.push_str("[]\n"),
        Value::Number(number) => {
            out.push_str(&written(number));
            out.push('\n');
        }
        Value::Null | Value::Bool(_) => {
            let _ = writeln!(out, "{of}");
        }
    }
}

/// A number that every reader takes as one: those of YAML 1.1 want a point and a sign, as in `1.0e+21`.
fn written(number: &Number) -> String {
    let text = number.to_string();
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with(['+', '-']) { "" } else { "+" };
    format!("{mantissa}{point}e{sign}{exponent}")
}

/// The first entry stands where the cursor is.
fn margin(i: usize, indent: usize, out: &mut String) {
    if i > 0 {
        out.extend(std::iter::repeat_n(' ', indent));
    }
}

fn object(fields: &[(&String, &Value)], indent: usize, out: &mut String) {
    for (i, (name, of)) in fields.iter().enumerate() {
        margin(i, indent, out);
        let start = out.len();
        if is_plain(name) {
            out.push_str(name);
        } else {
            quoted(name, out);
        }
        if out.len() - start > MAX_KEY {
            out.insert_str(start, "? ");
            out.push('\n');
            margin(1, indent, out);
        }
        out.push(':');
        let is_block = match of {
            Value::Object(fields) => !fields.is_empty(),
            Value::Array(list) => !list.is_empty(),
            _ => false,
        };
        if is_block {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent + 2));
        } else {
            out.push(' ');
        }
        value(of, indent + 2, out);
    }
}

fn string(text: &str, indent: usize, out: &mut String) {
    if is_literal(text) {
        literal(text, indent, out);
        return;
    }
    if is_plain(text) {
        out.push_str(text);
    } else {
        quoted(text, out);
    }
    out.push('\n');
}

/// Whether a block literal keeps it: lines of printable text, none only blank, the first not indented.
fn is_literal(text: &str) -> bool {
    let is_blank = |line: &str| !line.is_empty() && line.trim_matches([' ', '\t']).is_empty();
    text.contains('\n')
        && !text.starts_with([' ', '\t', '\n'])
        && text.chars().all(|c| matches!(c, '\n' | '\t') || is_printable(c))
        && !text.split('\n').any(is_blank)
}

fn literal(text: &str, indent: usize, out: &mut String) {
    let lines = text.strip_suffix('\n').unwrap_or(text);
    out.push_str(match (text.ends_with('\n'), lines.ends_with('\n')) {
        (false, _) => "|-\n",
        (true, false) => "|\n",
        (true, true) => "|+\n",
    });
    for line in lines.split('\n') {
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(line);
        }
        out.push('\n');
    }
}

/// What every YAML reader takes as it is, on a line.
fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Words and phrases that are a text in any reader: a letter first, then letters, digits and blanks with few marks
/// between them; but none of the words that mean something.
fn is_plain(text: &str) -> bool {
    const MEANT: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan"];
    let fits =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '/' | ',' | '(' | ')');
    (1..=80).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && text.chars().all(fits)
        && !MEANT.contains(&text.to_ascii_lowercase().as_str())
}

/// As JSON writes it, with every character that some reader of YAML would not take written by its number.
fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_printable(c) => out.push(c),
            c => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
        }
    }
    out.push('"');
}
