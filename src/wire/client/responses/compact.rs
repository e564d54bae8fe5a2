//! What was said until now, made shorter: a summary that stands for it.

use serde::Serialize;

use super::id::item_id;
use super::reply::UsageBody;
use super::summary::written;
use crate::domain::message::Usage;
use crate::domain::money::Nanos;
use crate::domain::warning::Warning;
use crate::wire::to_json;

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
        output: [Item { kind: "compaction", id: item_id("cmp", id), encrypted_content: written(summary) }],
        usage: UsageBody::of((usage, cost)),
        warnings,
    })
}

#[derive(Serialize)]
struct Count {
    object: &'static str,
    input_tokens: u64,
    /// Nobody has counted.
    estimated: bool,
}

/// OpenAI's count of what would be asked.
pub fn input_tokens(input_tokens: u64, is_estimated: bool) -> Vec<u8> {
    to_json(&Count { object: "response.input_tokens", input_tokens, estimated: is_estimated })
}
