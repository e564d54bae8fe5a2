//! A summary in the content of an item, which the client sends back as it is.

/// What it begins with.
const MARK: &str = "retinue.summary.";

pub fn written(summary: &str) -> String {
    format!("{MARK}{summary}")
}

/// `None` where it was made by somebody else.
pub fn read(content: &str) -> Option<&str> {
    content.strip_prefix(MARK).filter(|summary| !summary.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_comes_back_as_it_was_and_no_other_is_taken() {
        let content = written("They talked.");
        assert_eq!(read(&content), Some("They talked."));
        for other in ["", "gAAAA", MARK] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
