//! Instructions with `{{variables}}`.
//!
//! A variable is two braces, a name, two braces; blanks around the name do not matter. Whatever else stands in braces
//! is text, so that instructions can show JSON or another template language.

/// What every agent knows: its own name, its account's, and the day in UTC.
pub const BUILT_IN: [&str; 3] = ["account_name", "agent_name", "today"];

const MAX_NAME: usize = 64;

/// 1–64 characters of `a-z`, `0-9` and `_`, a letter first.
pub fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The variables in order of appearance, as often as they appear.
pub fn names(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).filter_map(|piece| match piece {
        Piece::Variable { name, .. } => Some(name),
        Piece::Text(_) => None,
    })
}

/// A run of instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    Text(&'a str),
    Variable { name: &'a str, written: &'a str },
}

/// Cuts instructions into text and variables; put together again, they are the whole.
pub fn pieces(mut rest: &str) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut from = 0;
        while let Some(open) = rest[from..].find("{{").map(|at| from + at) {
            if let Some((name, len)) = variable(&rest[open..]) {
                if open > 0 {
                    let text = &rest[..open];
                    rest = &rest[open..];
                    return Some(Piece::Text(text));
                }
                let written = &rest[..len];
                rest = &rest[len..];
                return Some(Piece::Variable { name, written });
            }
            from = open + 1;
        }
        Some(Piece::Text(std::mem::take(&mut rest)))
    })
}

/// The variable that a text begins with, and how many bytes it takes. It looks no further than a variable reaches: a text
/// may have as many braces as characters.
fn variable(text: &str) -> Option<(&str, usize)> {
    let inner = text.strip_prefix("{{")?.trim_start_matches(' ');
    let is_part = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let len = inner.bytes().take(MAX_NAME + 1).take_while(|b| is_part(*b)).count();
    let (name, rest) = inner.split_at(len);
    let rest = rest.trim_start_matches(' ').strip_prefix("}}")?;
    is_name(name).then_some((name, text.len() - rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_nothing_but_braces_is_cut_in_no_time() {
        // Looking for the end of each would take minutes.
        for text in ["{{".repeat(1_000_000), format!("{}{}", "{{a".repeat(500_000), "}}".repeat(500_000))] {
            assert_eq!(names(&text).count(), usize::from(text.ends_with('}')));
        }
    }

    #[test]
    fn variables_are_found_and_other_braces_are_text() {
        for (text, found) in [
            ("Hello {{ name }} of {{company}}.", vec!["name", "company"]),
            ("{{a}}{{b}}", vec!["a", "b"]),
            (r#"Answer {{"json": {"a": 1}}} or {{Name}} or {{ two words }} or {{"#, vec![]),
            ("{{{name}}}", vec!["name"]),
            ("{{ name}} {{name  }} {{na me}} {{}} {{ }} {{name} } {{9}}", vec!["name", "name"]),
            ("日本 {{name}} 日本", vec!["name"]),
            ("", vec![]),
        ] {
            assert_eq!(names(text).collect::<Vec<_>>(), found, "{text}");
            let whole: String = pieces(text)
                .map(|piece| match piece {
                    Piece::Text(text) => text,
                    Piece::Variable { written, .. } => written,
                })
                .collect();
            assert_eq!(whole, text);
        }
    }
}
