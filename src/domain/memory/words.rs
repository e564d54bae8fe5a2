//! The words by which memories are found.
//!
//! SQLite's FTS5 splits a text at what is no letter and no digit, and finds English words by their stems. Chinese, Japanese, Thai and the like are written without spaces,
//! so there each pair of neighbours is a word ([`indexed`]). A text that is looked for becomes its words in quotes ([`candidates`]), any of
//! which is enough ([`either`]): nothing in it is read as FTS5's own syntax.

use std::borrow::Cow;
use std::collections::{HashSet, VecDeque};

/// Of a longer text, so many characters of its beginning and of its end are looked for.
const MAX_END: usize = 4_000;
/// The most words of a text whose memories are counted: to count 200 takes about 2 ms among 10,000 memories.
const MAX_COUNTED: usize = 200;
/// The most of them that are the beginning of others: SQLite reads all of those, which takes 2 ms for a common one.
const MAX_PREFIXES: usize = 4;
/// The most words that are looked for: the rarest of those that were counted.
pub const MAX_WORDS: usize = 24;

/// Words that say nothing of what a text is about, of the languages that most texts are in. They are looked for only where there
/// are no others.
const COMMON: &[&str] = &[
    "a", "aber", "about", "am", "an", "and", "are", "as", "at", "auf", "be", "but", "by", "can", "das", "de",
    "dem", "den", "der", "des", "die", "do", "does", "du", "ein", "eine", "el", "en", "er", "es", "est",
    "et", "for", "from", "für", "had", "has", "have", "he", "her", "his", "how", "i", "ich", "if", "in",
    "is", "ist", "it", "its", "la", "las", "le", "les", "los", "me", "mein", "meine", "mit", "my", "nicht",
    "no", "not", "of", "on", "or", "our", "please", "por", "que", "she", "sie", "so", "that", "the", "their",
    "them", "there", "they", "this", "to", "un", "una", "und", "une", "user", "von", "was", "we", "were",
    "what", "when", "where", "which", "who", "why", "wie", "will", "wir", "with", "would", "y", "you",
    "your", "zu",
];

/// Whether words of this script stand without spaces between them.
const fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Myanmar
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' // Kana
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' // Han
        | '\u{ac00}'..='\u{d7a3}' // Hangul: with spaces, and with endings
        | '\u{20000}'..='\u{3ffff}')
}

/// A text as FTS5 is to index it: itself, unless it has parts without spaces.
pub fn indexed(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unspaced) {
        return Cow::Borrowed(text);
    }
    let mut words = String::with_capacity(text.len() * 2);
    for run in runs(text) {
        match run {
            Run::Unspaced(run) => {
                for word in pairs(run) {
                    words.push(' ');
                    words.push_str(word);
                }
                words.push(' ');
            }
            Run::Other(run) => words.push_str(run),
        }
    }
    Cow::Owned(words)
}

/// The words of a text, each in quotes for FTS5, those that probably say most first. Which of them are rare, only the memories
/// know: whoever looks counts them, and takes the rarest [`MAX_WORDS`].
pub fn candidates(text: &str) -> Vec<String> {
    let text = ends(text).to_lowercase();
    let (mut words, mut prefixes) = (Vec::new(), Vec::new());
    for run in runs(&text) {
        match run {
            Run::Unspaced(run) if run.chars().nth(1).is_none() => prefixes.push(run),
            // The last one is a single character, for who looks for that.
            Run::Unspaced(run) => words.extend(pairs(run).filter(|pair| pair.chars().nth(1).is_some())),
            Run::Other(run) => words.extend(spaced(run)),
        }
    }
    let is_common = |word: &&str| COMMON.binary_search(word).is_ok();
    if !prefixes.is_empty() || words.iter().any(|word| !is_common(word)) {
        words.retain(|word| !is_common(word));
    }
    let mut words = from_both_ends(words, MAX_COUNTED);
    words.sort_by_key(|word| std::cmp::Reverse(weight(word)));
    let prefixes = from_both_ends(prefixes, MAX_PREFIXES);
    let words = words.iter().map(|word| format!("\"{word}\""));
    words.chain(prefixes.iter().map(|word| format!("\"{word}\"*"))).collect()
}

/// The beginning and the end of a text, where people say what they want.
fn ends(text: &str) -> Cow<'_, str> {
    let mut places = text.char_indices().map(|(at, _)| at);
    let begin = places.nth(MAX_END).unwrap_or(text.len());
    let end = places.nth_back(MAX_END - 1).unwrap_or(begin);
    match (text.get(..begin), text.get(end..)) {
        (Some(first), Some(last)) if begin < end => Cow::Owned(format!("{first} {last}")),
        _ => Cow::Borrowed(text),
    }
}

/// At most so many different ones: the first, the last, the second, …
fn from_both_ends(words: Vec<&str>, most: usize) -> Vec<&str> {
    let (mut left, mut seen, mut taken) = (VecDeque::from(words), HashSet::new(), Vec::new());
    while taken.len() < most {
        let next = if taken.len().is_multiple_of(2) { left.pop_front() } else { left.pop_back() };
        let Some(word) = next else { break };
        if seen.insert(word) {
            taken.push(word);
        }
    }
    taken
}

/// An expression of FTS5 that finds what has one of these words; `None` where there are none.
pub fn either<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let joined = words.into_iter().collect::<Vec<_>>().join(" OR ");
    (!joined.is_empty()).then_some(joined)
}

/// How much a word may say: a character of a script without spaces as much as three letters.
fn weight(word: &str) -> usize {
    word.chars().map(|c| if is_unspaced(c) { 3 } else { 1 }).sum()
}

/// The words of a text with spaces. None has a quote in it, and each has a letter or a digit.
fn spaced(text: &str) -> impl Iterator<Item = &str> {
    let is_between = |c: char| c.is_whitespace() || c.is_control() || c.is_ascii_punctuation();
    text.split(is_between).filter(|word| word.contains(char::is_alphanumeric))
}

/// Each character with its next neighbour, and the last one alone.
fn pairs(run: &str) -> impl Iterator<Item = &str> {
    run.char_indices().filter_map(|(at, _)| {
        let rest = run.get(at..)?;
        let end = rest.char_indices().nth(2).map_or(rest.len(), |(end, _)| end);
        rest.get(..end)
    })
}

enum Run<'a> {
    Unspaced(&'a str),
    Other(&'a str),
}

/// The text in parts with and without spaces.
fn runs(text: &str) -> impl Iterator<Item = Run<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let is_other = |c: char| is_unspaced(c) != is_unspaced(first);
        let (run, next) = rest.split_at(rest.find(is_other).unwrap_or(rest.len()));
        rest = next;
        Some(if is_unspaced(first) { Run::Unspaced(run) } else { Run::Other(run) })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn common_words_are_in_order() {
        assert!(COMMON.is_sorted());
    }

    #[test]
    fn what_is_looked_for_is_words_in_quotes_and_nothing_of_the_syntax() {
        for (text, expected) in [
            ("Where does Ada live?", Some("\"live\" OR \"ada\"")),
            ("the", Some("\"the\"")),
            ("", None),
            ("?! -- \" ' ()", None),
            ("NEAR(a b) AND \"x\" OR text:y* ^z", Some("\"near\" OR \"text\" OR \"z\" OR \"b\" OR \"x\"")),
            ("我住在奥斯陆", Some("\"我住\" OR \"斯陆\" OR \"住在\" OR \"奥斯\" OR \"在奥\"")),
            ("猫", Some("\"猫\"*")),
            ("the 猫", Some("\"猫\"*")),
            ("Ünïcode cafe\u{301}", Some("\"ünïcode\" OR \"cafe\u{301}\"")),
        ] {
            let words = candidates(text);
            assert_eq!(either(words.iter().map(String::as_str)).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn of_a_long_text_the_words_of_both_ends_are_candidates() {
        let words = |of: std::ops::Range<u32>| of.map(|n| format!("word{n}")).collect::<Vec<_>>().join(" ");
        let long = format!("{} tux", words(0..5_000));
        let found = candidates(&long);
        assert_eq!(found.len(), MAX_COUNTED);
        for (word, is_one) in [("word0", true), ("word99", true), ("word100", false), ("word4999", true)] {
            assert_eq!(found.contains(&format!("\"{word}\"")), is_one, "{word}");
        }
        assert!(found.contains(&"\"tux\"".to_owned()), "a short word is one like any other");
        let again = candidates(&format!("{} tux", words(0..50).repeat(20)));
        assert!(again.contains(&"\"word25\"".to_owned()), "each word counts once: {again:?}");
        let singles = candidates("a猫 b犬 c鳥 d魚 e虫 f馬");
        let prefixes: Vec<&String> = singles.iter().filter(|word| word.ends_with('*')).collect();
        assert_eq!(prefixes, ["\"猫\"*", "\"馬\"*", "\"犬\"*", "\"虫\"*"]);
        assert_eq!(ends("日本"), "日本");
        for length in [MAX_END * 2 - 1, MAX_END * 2, MAX_END * 2 + 1, MAX_END * 3] {
            let cut = ends(&"日".repeat(length)).chars().count();
            assert_eq!(cut, length.min(MAX_END * 2 + 1), "{length}");
        }
    }

    #[test]
    fn texts_without_spaces_are_indexed_by_pairs() {
        assert_eq!(indexed("Lives in Oslo."), "Lives in Oslo.");
        assert_eq!(indexed("Ada住奥斯陆, 3"), "Ada 住奥 奥斯 斯陆 陆 , 3");
        assert_eq!(indexed("猫"), " 猫 ");
    }

    proptest! {
        #[test]
        fn every_text_is_a_query_that_quotes_its_words(text in "\\PC*") {
            for word in candidates(&text) {
                let quoted = word.strip_suffix('*').unwrap_or(&word);
                let bare = quoted.strip_prefix('"').and_then(|word| word.strip_suffix('"'));
                prop_assert!(bare.is_some_and(|bare| !bare.contains('"') && !bare.is_empty()), "{word}");
            }
            indexed(&text);
        }
    }
}
