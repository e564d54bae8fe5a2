//! How much of a long thread a model is sent.
//!
//! A thread's [`Horizon`] says where what is sent begins. It changes only when a thread is compacted, and then by so much that what
//! is sent begins with the same bytes for many calls: providers keep such beginnings in their caches. When that is, the tokens say
//! that the last call really used; how much each message has of them is estimated by its bytes, at the rate of that call.

use serde::{Deserialize, Serialize};

use super::window::BOUNDS;
use crate::domain::message::{AssistantPart, ChatRequest, File, FileSource, Message, Part};
use crate::domain::share::Share;

/// What of a thread's transcript is not sent as it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Horizon {
    /// Items up to this position are not sent.
    pub until: u64,
    /// Those up to this one are summed up; what is between the two is left out.
    #[serde(default)]
    pub summed: u64,
    /// Where the item stands that sums them up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<u64>,
    /// A word stands for each output of a tool up to this position.
    #[serde(default)]
    pub brief: u64,
}

impl Horizon {
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// What a request weighs: about four for a token of ordinary text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weighed {
    pub all: u64,
    /// Of that the instructions and the tools, which no compaction makes less.
    pub fixed: u64,
}

impl Weighed {
    pub fn of(request: &ChatRequest, instructions: &str) -> Self {
        let tools = request.tools.iter().map(|tool| {
            let schema = tool.parameters.as_ref().map_or(0, |schema| schema.get().len());
            (tool.name.len() + tool.description.as_ref().map_or(0, String::len) + schema) as u64
        });
        let fixed = instructions.len() as u64 + tools.sum::<u64>();
        Self { all: fixed + request.messages.iter().map(weight).sum::<u64>(), fixed }
    }
}

/// What every message weighs beside its text.
const PER_MESSAGE: u64 = 16;
/// An image has about a thousand tokens.
const PER_IMAGE: u64 = 4_000;
/// A file or a sound of which nothing is known.
const PER_FILE: u64 = 40_000;

/// What a message weighs. Reasoning counts although some models are not sent it again.
pub fn weight(message: &Message) -> u64 {
    let len = |text: &str| text.len() as u64;
    let of_parts = |parts: &[Part]| parts.iter().map(weight_of_part).sum::<u64>();
    PER_MESSAGE
        + match message {
            Message::System { text, .. } => len(text),
            Message::User { parts, .. } => of_parts(parts),
            Message::Tool { call_id, parts, .. } => len(call_id) + of_parts(parts),
            Message::Assistant { parts } => parts
                .iter()
                .map(|part| match part {
                    AssistantPart::Text(text) => len(&text.text),
                    AssistantPart::Reasoning(reasoning) => len(&reasoning.text),
                    AssistantPart::Refusal(text) => len(text),
                    AssistantPart::ToolCall(call) => {
                        PER_MESSAGE + len(&call.id) + len(&call.name) + len(&call.arguments)
                    }
                    AssistantPart::CachePoint(_) => 0,
                })
                .sum(),
        }
}

fn weight_of_part(part: &Part) -> u64 {
    match part {
        Part::Text(text) => text.len() as u64,
        Part::Json(json) => json.as_str().len() as u64,
        Part::Image(_) => PER_IMAGE,
        // A page of a PDF file has some 50 kB and 2,000 tokens.
        Part::File(File { source: FileSource::Data(base64), .. }) => base64.len() as u64 / 8,
        Part::File(_) => PER_FILE,
        Part::Audio(audio) => audio.data.len() as u64 / 40,
        Part::CachePoint(_) => 0,
    }
}

/// What the last call of a model has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// As the provider counted them: the whole prompt and the answer; 0: unknown.
    pub tokens: u64,
    pub weighed: Weighed,
    /// Of the model that answered, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<u64>,
    /// More was to be sent than one request takes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
}

/// Tokens are taken for this many bytes where nothing was counted.
const BYTES_PER_TOKEN: u64 = 3;

impl Used {
    /// The weight of so many tokens.
    fn weight_of(&self, tokens: u64) -> u64 {
        match (self.tokens, self.weighed.all) {
            (0, _) | (_, 0) => tokens.saturating_mul(BYTES_PER_TOKEN),
            (used, weight) => scaled(tokens, weight, used),
        }
    }

    /// The tokens of what no compaction makes less.
    fn fixed_tokens(&self) -> u64 {
        match (self.tokens, self.weighed.all) {
            (0, _) | (_, 0) => self.weighed.fixed / BYTES_PER_TOKEN,
            (used, weight) => scaled(self.weighed.fixed, used, weight),
        }
    }

    /// The tokens that there are for the conversation before it is compacted. Where instructions and tools leave none it is compacted
    /// all the same, but not with every call.
    fn room(&self, context: u64, at: Share) -> u64 {
        let threshold = at.of(context);
        threshold.saturating_sub(self.fixed_tokens()).max(threshold / 8)
    }

    /// Whether the thread is to be compacted before the next call.
    pub fn is_full(&self, at: Share) -> bool {
        let is_beyond =
            |context| self.tokens > 0 && self.tokens >= self.fixed_tokens() + self.room(context, at);
        self.is_cut || self.context.is_some_and(is_beyond)
    }
}

fn scaled(amount: u64, by: u64, of: u64) -> u64 {
    u64::try_from(u128::from(amount) * u128::from(by) / u128::from(of.max(1))).unwrap_or(u64::MAX)
}

/// How often a provider may refuse a step as too long: then nothing before the run is sent, and no output of its tools.
pub const LAST_RESORT: u32 = 2;

/// The shortest and the longest summary, in tokens.
const SUMMARY_TOKENS: (u64, u64) = (128, 4_096);
/// The most bytes that are summed up at once.
const MAX_CHUNK: u64 = 1_024 * 1_024;

/// How far a thread is compacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// What stays as it is, by weight and in bytes: about a third of what there is room for.
    pub keep: u64,
    pub bytes: u64,
    /// The most that is summed up at once, by weight: half of the context.
    pub chunk: u64,
    /// The longest summary.
    pub summary_tokens: u32,
}

impl Room {
    /// Of a thread whose last call has used this, and of whose running step the provider has refused so many attempts.
    pub fn of(used: &Used, at: Share, refused: u32) -> Self {
        let context = used.context.unwrap_or(u64::MAX / 1_000);
        let room = used.room(context, at);
        let conversation = used.weighed.all.saturating_sub(used.weighed.fixed);
        let third = if used.context.is_some() { used.weight_of(room / 3) } else { u64::MAX / 4 };
        let keep = match refused {
            0 => third,
            1 => third.min(conversation / 2),
            _ => 0,
        };
        let (shortest, longest) = SUMMARY_TOKENS;
        let summary = (room / 4).clamp(shortest, longest);
        Self {
            keep,
            bytes: BOUNDS.all / 2,
            chunk: used.weight_of(context / 2).min(MAX_CHUNK),
            summary_tokens: u32::try_from(summary).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Share = Share::of_thousandths(700);

    fn used(tokens: u64, all: u64, fixed: u64, context: Option<u64>) -> Used {
        Used { tokens, weighed: Weighed { all, fixed }, context, is_cut: false }
    }

    #[test]
    fn a_thread_is_full_where_the_last_call_has_used_its_share_of_the_context() {
        assert!(!used(699, 4_000, 0, Some(1_000)).is_full(AT));
        assert!(used(700, 4_000, 0, Some(1_000)).is_full(AT));
        assert!(used(700, 4_000, 0, Some(1_000)).is_full(Share::of_thousandths(500)));
        assert!(!used(10_000, 4_000, 0, None).is_full(AT), "of an unknown context nobody knows the share");
        assert!(!used(0, 0, 0, Some(1_000)).is_full(AT), "nothing was counted");
        assert!(Used { is_cut: true, ..used(1, 1, 0, None) }.is_full(AT));
    }

    #[test]
    fn instructions_that_fill_the_context_alone_do_not_have_each_call_compact() {
        // 900 of the tokens are fixed.
        assert!(!used(910, 9_100, 9_000, Some(1_000)).is_full(AT));
        assert!(used(990, 9_900, 9_000, Some(1_000)).is_full(AT));
    }

    #[test]
    fn a_third_stays_and_what_is_summed_up_at_once_fits() {
        let room = Room::of(&used(700, 2_800, 400, Some(1_000)), AT, 0);
        // 600 tokens of room at 4 a token.
        assert_eq!((room.keep, room.chunk, room.summary_tokens), (800, 2_000, 150));
        assert_eq!(Room::of(&used(700, 2_800, 400, Some(1_000)), AT, 1).keep, 800);
        assert_eq!(Room::of(&used(700, 1_800, 400, Some(1_000)), AT, 1).keep, 465);
        assert_eq!(Room::of(&used(700, 2_800, 400, Some(1_000)), AT, 2).keep, 0);
        let unknown = Room::of(&used(700, 2_800, 400, None), AT, 0);
        assert!(unknown.keep > 1 << 60 && unknown.bytes == BOUNDS.all / 2);
        assert_eq!(Room::of(&used(700, 2_800, 400, None), AT, 1).keep, 1_200);
    }
}
