//! The words that agents are searched by.

use std::collections::BTreeSet;

/// The words of texts in lower case: runs of letters and digits.
pub fn words(texts: &[&str]) -> BTreeSet<String> {
    let split = |text: &&str| {
        let lower = text.to_lowercase();
        let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    texts.iter().flat_map(split).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_letters_and_digits_in_lower_case() {
        let found: Vec<String> = words(&["triage-agent-2", "Ärger & Triage!"]).into_iter().collect();
        assert_eq!(found, ["2", "agent", "triage", "ärger"]);
        assert!(words(&["--", ""]).is_empty());
    }
}
