//! The events themselves, and how they are numbered.

use serde::Serialize;
use serde_json::Value;

use super::item::OutputItem;
use super::reply::{Ending, Response};
use super::stream::StreamEncoder;
use crate::domain::message::Usage;
use crate::domain::money::Nanos;
use crate::wire::sse;

/// What is the same on each event.
#[derive(Serialize)]
struct Numbered<'a, T> {
    #[serde(rename = "type")]
    kind: &'static str,
    sequence_number: u64,
    #[serde(flatten)]
    data: &'a T,
}

#[derive(Serialize)]
struct Whole<'a> {
    response: Response<'a>,
}

#[derive(Serialize)]
struct Delta<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    sequence_number: u64,
    item_id: &'a str,
    output_index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary_index: Option<usize>,
    delta: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<[(); 0]>,
}

impl StreamEncoder {
    pub(super) fn whole(
        &mut self,
        kind: &'static str,
        ending: &Ending,
        usage: Option<(Usage, Nanos)>,
        out: &mut Vec<u8>,
    ) {
        if let Some(number) = self.number() {
            let data = Whole { response: self.response(ending, usage) };
            sse::write_json(out, Some(kind), &Numbered { kind, sequence_number: number, data: &data });
        }
    }

    /// The number of what is said now; `None` where it is known.
    pub(super) fn number(&mut self) -> Option<u64> {
        let number = self.next;
        self.next += 1;
        self.known.is_none_or(|known| number > known).then_some(number)
    }

    pub(super) fn say(&mut self, kind: &'static str, data: &Value, out: &mut Vec<u8>) {
        if let Some(sequence_number) = self.number() {
            sse::write_json(out, Some(kind), &Numbered { kind, sequence_number, data });
        }
    }

    /// A piece of a text, which has the number of its last character; of one that is known in part, the rest.
    pub(super) fn delta(
        &mut self,
        kind: &'static str,
        at: usize,
        part: Option<usize>,
        delta: &str,
        out: &mut Vec<u8>,
    ) {
        let chars = delta.chars().count() as u64;
        if chars == 0 {
            return;
        }
        let first = self.next;
        self.next += chars;
        let skipped = self.known.map_or(0, |known| (known + 1).saturating_sub(first));
        if skipped >= chars {
            return;
        }
        let from = delta.char_indices().nth(usize::try_from(skipped).unwrap_or(usize::MAX));
        let rest = from.and_then(|(from, _)| delta.get(from..)).unwrap_or(delta);
        let Some(item) = self.items.get(at) else { return };
        let is_summary = matches!(item, OutputItem::Reasoning { .. });
        let is_text = kind == "response.output_text.delta";
        let event = Delta {
            kind,
            sequence_number: self.next - 1,
            item_id: item.id(),
            output_index: at,
            content_index: part.filter(|_| !is_summary),
            summary_index: part.filter(|_| is_summary),
            delta: rest,
            logprobs: is_text.then_some([]),
        };
        sse::write_json(out, Some(kind), &event);
    }
}
