//! Patterns in which `*` stands for anything.

/// Whether the text has this form, in which `*` stands for anything. Linear in the text for each `*`.
pub fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut pieces = rest.split('*').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return text.ends_with(piece);
        }
        match text.find(piece) {
            Some(at) => text = &text[at + piece.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, holds) in [
            ("*", "", true),
            ("gpt-5*", "gpt-5.4-mini", true),
            ("gpt-5*", "openai/gpt-5", false),
            ("*/o1*", "openai/o1-mini", true),
            ("*claude*haiku*", "claude-3-5-haiku-latest", true),
            ("*claude*haiku*", "claude-sonnet-4", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "axbxc", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
            ("exact", "exact", true),
            ("exact", "exactly", false),
        ] {
            assert_eq!(glob(pattern, text), holds, "{pattern} {text}");
        }
    }
}
