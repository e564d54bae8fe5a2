//! What was said until now, made shorter: a summary that stands for it.

use serde::Serialize;

use super::id::item_id;
use super::reply::UsageBody;
use crate::domain::message::Usage;
use crate::domain::money::Nanos;
use crate::domain::warning::Warning;
use crate::wire::to_json;

/// What a summary begins with: the client sends it back as it is.
const MARK: &str = "retinue.summary.";

/// The summary in an item's content; `None` where it was made by somebody else.
pub fn summary(content: &str) -> Option<&str> {
    content.strip_prefix(MARK).filter(|summary| !summary.is_empty())
}

#[derive(Serialize)]
struct Body<'a> {
    id: String,
    object: &'static str,
    created_at: i64,
    output: [Item; 1],
    usage: UsageBody,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [Warning],
}

#[derive(Serialize)]
struct Item {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
    encrypted_content: String,
}

/// OpenAI's compaction, of one item.
pub fn compaction(
    (id, created_s): (&impl std::fmt::Display, i64),
    summary: &str,
    (usage, cost): (Usage, Nanos),
    warnings: &[Warning],
) -> Vec<u8> {
    to_json(&Body {
        id: item_id("resp", id),
        object: "response.compaction",
        created_at: created_s,
        output: [Item {
            kind: "compaction",
            id: item_id("cmp", id),
            encrypted_content: format!("{MARK}{summary}"),
        }],
        usage: UsageBody::of((usage, cost)),
        warnings,
    })
}

#[derive(Serialize)]
struct Count {
    object: &'static str,
    input_tokens: u64,
    /// By characters.
    estimated: bool,
}

/// OpenAI's count of what would be asked.
pub fn input_tokens(input_tokens: u64) -> Vec<u8> {
    to_json(&Count { object: "response.input_tokens", input_tokens, estimated: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_comes_back_as_it_was_and_no_other_is_taken() {
        let content = format!("{MARK}They talked.");
        assert_eq!(summary(&content), Some("They talked."));
        for other in ["", "gAAAA", MARK] {
            assert_eq!(summary(other), None, "{other}");
        }
    }
}
