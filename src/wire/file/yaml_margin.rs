//! YAML whose quoted text, or whose list in brackets, goes on further left than the block that it stands in. The grammar
//! forbids it, and libyaml, PyYAML and js-yaml read it, so files of public repositories have it.
//!
//! The parser knows no such mode. Blanks at the start of such a line mean nothing, so they are added where it complained,
//! and the text is parsed again. Everything else stays as it is, and is judged by the parser.

/// The most bytes that blanks may take, so that no text of many lines grows without a bound.
const MAX_ADDED: usize = 1024 * 1024;

/// Where the parser stopped, and what it said.
#[derive(Debug)]
pub struct Stop<'a> {
    /// 1 for the first.
    pub line: usize,
    /// In characters, 0 for the first.
    pub column: usize,
    pub info: &'a str,
}

/// The text with more blanks where the parser stopped; `None` if it stopped for another reason.
pub fn indented(text: &str, stop: &Stop<'_>) -> Option<String> {
    let start = line_start(text, stop.line)?;
    match stop.info {
        "invalid indentation in quoted scalar" => {
            let at = start + text[start..].char_indices().nth(stop.column)?.0;
            let end = at + quoted_len(&text[at..])?;
            with_blanks(text, at..end, prefix(&text[start..]) + 1)
        }
        "tab cannot be used as indentation"
        | "invalid indentation"
        | "invalid indentation in flow construct" => {
            let before = text[..start].lines().rev().find(|line| !line.trim().is_empty())?;
            let own = text[start..].bytes().take_while(|b| *b == b' ').count();
            let blanks = (prefix(before) + 1).saturating_sub(own).max(1);
            (blanks <= MAX_ADDED).then(|| [&text[..start], &" ".repeat(blanks), &text[start..]].concat())
        }
        _ => None,
    }
}

/// The place of the first character of a line.
fn line_start(text: &str, line: usize) -> Option<usize> {
    let breaks = || text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(breaks()).nth(line.checked_sub(1)?)
}

/// How far right the key or entry of a line begins.
fn prefix(line: &str) -> usize {
    line.bytes().take_while(|b| matches!(b, b' ' | b'-' | b'?')).count()
}

/// The length of a text with its quotes.
fn quoted_len(text: &str) -> Option<usize> {
    let quote = text.bytes().next().filter(|b| matches!(b, b'"' | b'\''))?;
    let mut at = 1;
    loop {
        match *text.as_bytes().get(at)? {
            b'\\' if quote == b'"' => at += 2,
            b if b == quote && quote == b'\'' && text.as_bytes().get(at + 1) == Some(&quote) => at += 2,
            b if b == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// The text with blanks before each line that begins inside the range, unless one is a document's mark.
fn with_blanks(text: &str, range: std::ops::Range<usize>, blanks: usize) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 64);
    let mut lines = text[range.clone()].split_inclusive('\n');
    out.push_str(&text[..range.start]);
    out.push_str(lines.next()?);
    for line in lines {
        if line.starts_with("---") || line.starts_with("...") {
            return None;
        }
        if !line.trim().is_empty() {
            if out.len() + blanks > text.len() + MAX_ADDED {
                return None;
            }
            out.extend(std::iter::repeat_n(' ', blanks));
        }
        out.push_str(line);
    }
    out.push_str(&text[range.end..]);
    Some(out)
}
