//! What people see of a text: as much of it as a model is given.

/// A text without the characters that people do not see, which models may read. What ends a line without being seen is a blank.
///
/// Joiners stay between two characters that are no ASCII, where they make emoji and letters what they are.
pub fn seen(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().filter(|c| !is_unseen(*c)).peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{85}' | '\u{2028}' | '\u{2029}' => shown.push(' '),
            '\u{200c}' | '\u{200d}' => {
                let joins = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && !is_joiner(c));
                if joins(shown.chars().next_back()) && joins(rest.peek().copied()) {
                    shown.push(c);
                }
            }
            c => shown.push(c),
        }
    }
    shown
}

const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Whether people do not see a character: what turns the direction of a text, is a tag, chooses a variant, fills a place or has no
/// width. Unicode's `Default_Ignorable_Code_Point`, and what looks like a blank or like nothing besides.
const fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}'
        | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_do_not_see_is_left_out() {
        for (text, shown) in [
            ("Likes tea.\n日本 ünï", "Likes tea.\n日本 ünï"),
            ("a\u{fe00}\u{fe0f}\u{e0101}b", "ab"),
            ("a\u{180e}\u{34f}\u{115f}\u{1160}\u{3164}\u{ffa0}\u{17b4}\u{61c}\u{2800}\u{1d173}b", "ab"),
            ("sk-\u{200b}\u{ad}\u{2060}proj", "sk-proj"),
            ("sep\u{85}nel\u{2028}a\u{2029}b", "sep nel a b"),
            ("\u{200d}a\u{200d}b\u{200c}", "ab"),
            ("👩\u{200d}👧", "👩\u{200d}👧"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("日\u{200d}\u{200c}\u{200d}本", "日\u{200d}本"),
            ("\u{200b}\u{fe0f}\u{3164}", ""),
        ] {
            assert_eq!(seen(text), shown, "{text:?}");
        }
    }
}
