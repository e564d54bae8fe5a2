//! What a copy of an agent is called.

use super::MAX_NAME;
use crate::domain::slug::Slug;

/// The name of the `n`-th copy, 1 for the first: ` (Copy)`, ` (Copy 2)` … after the name, which is cut where both
/// together would be too long.
pub fn copied_name(name: &str, n: u32) -> String {
    let suffix = if n < 2 { " (Copy)".to_owned() } else { format!(" (Copy {n})") };
    let kept: String = name.chars().take(MAX_NAME - suffix.len()).collect();
    format!("{}{suffix}", kept.trim_end())
}

/// The slug itself for 1, then with `-2`, `-3` … behind it, cut where both together would be too long.
pub fn numbered_slug(slug: &Slug, n: u32) -> Option<Slug> {
    if n < 2 {
        return Some(slug.clone());
    }
    let suffix = format!("-{n}");
    let kept = &slug.as_str()[..slug.as_str().len().min(Slug::MAX_LEN - suffix.len())];
    Slug::parse(&format!("{}{suffix}", kept.trim_end_matches('-'))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copys_name_is_cut_to_fit() {
        assert_eq!(copied_name("Triage", 1), "Triage (Copy)");
        assert_eq!(copied_name("Triage", 2), "Triage (Copy 2)");
        let long = copied_name(&"ß".repeat(MAX_NAME), 10);
        assert_eq!(long.chars().count(), MAX_NAME);
        assert!(long.ends_with("ß (Copy 10)"));
        assert_eq!(copied_name(&format!("{} x", "a".repeat(247)), 1), format!("{} (Copy)", "a".repeat(247)));
    }

    #[test]
    fn a_numbered_slug_is_cut_to_fit() {
        let slug = |text: &str| Slug::parse(text).unwrap();
        assert_eq!(numbered_slug(&slug("triage-copy"), 1), Some(slug("triage-copy")));
        assert_eq!(numbered_slug(&slug("triage-copy"), 2), Some(slug("triage-copy-2")));
        let long = numbered_slug(&slug(&"a".repeat(63)), 12).unwrap();
        assert_eq!(long.as_str(), format!("{}-12", "a".repeat(60)));
        let hyphen = numbered_slug(&slug(&format!("{}-b", "a".repeat(61))), 2);
        assert_eq!(hyphen, Some(slug(&format!("{}-2", "a".repeat(61)))));
    }
}
