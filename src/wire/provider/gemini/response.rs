//! A `GenerateContentResponse`: the whole reply, and each frame of a stream.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::message::{Finish, Usage};
use crate::wire::provider::DecodeError;
use crate::wire::provider::json;
use crate::wire::provider::lenient::{Count, Index, Lenient};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response {
    pub candidates: Option<Vec<Candidate>>,
    #[serde(default)]
    pub prompt_feedback: Lenient<Feedback>,
    #[serde(default)]
    pub usage_metadata: Lenient<Tokens>,
    #[serde(default)]
    pub response_id: Lenient<String>,
    pub error: Option<Lenient<ErrorBody>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate {
    #[serde(default)]
    pub index: Index,
    pub content: Option<Content>,
    #[serde(default)]
    pub finish_reason: Lenient<String>,
    #[serde(default)]
    pub logprobs_result: Lenient<LogprobsResult>,
}

impl Response {
    /// Whether it says neither an answer nor an error, nor why there is none.
    pub const fn is_answerless(&self) -> bool {
        self.candidates.is_none() && self.prompt_feedback.0.is_none() && self.error.is_none()
    }
}

/// Log probabilities as the API has them: token by token, the likeliest of each place apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogprobsResult {
    pub chosen_candidates: Option<Vec<Likelihood>>,
    pub top_candidates: Option<Vec<Likeliest>>,
}

#[derive(Deserialize)]
pub(super) struct Likeliest {
    pub candidates: Option<Vec<Likelihood>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Likelihood {
    pub token: Option<String>,
    pub log_probability: Option<f64>,
}

#[derive(Deserialize)]
pub(super) struct Content {
    pub parts: Option<Vec<Part>>,
}

/// A part of whatever kind; kinds that we never ask for are empty here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    pub text: Option<String>,
    #[serde(default)]
    pub thought: Lenient<bool>,
    pub thought_signature: Option<String>,
    pub function_call: Option<FunctionCall>,
}

#[derive(Deserialize)]
pub(super) struct FunctionCall {
    #[serde(default)]
    pub id: Lenient<String>,
    pub name: String,
    pub args: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Feedback {
    pub block_reason: Option<String>,
}

/// An error object, in place of a reply or within a stream.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorBody {
    #[serde(default)]
    code: Count,
    #[serde(default)]
    message: Lenient<String>,
    #[serde(default)]
    status: Lenient<String>,
    #[serde(default)]
    usage_metadata: Lenient<Tokens>,
}

impl ErrorBody {
    pub fn reported(&self) -> DecodeError {
        let status = self.status.0.as_deref().unwrap_or_default();
        let passing =
            ["RESOURCE_EXHAUSTED", "UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED"].contains(&status);
        let retryable = matches!(self.code.0, Some(408 | 429 | 500..=599));
        DecodeError::Reported {
            message: json::clip(self.message.0.as_deref().unwrap_or(status)),
            transient: passing || retryable,
            usage: self.usage_metadata.0.and_then(Tokens::usage),
        }
    }
}

/// Token counts as the API splits them. In a stream each is cumulative.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Tokens {
    /// The cached part included.
    prompt_token_count: Count,
    cached_content_token_count: Count,
    /// What the provider's own tools put into the prompt.
    tool_use_prompt_token_count: Count,
    /// Thoughts not included.
    candidates_token_count: Count,
    thoughts_token_count: Count,
}

impl Tokens {
    /// `None` when not even the prompt was counted. A missing count of candidates is zero: the API leaves zeros out,
    /// as after a prompt that it blocked.
    pub fn usage(self) -> Option<Usage> {
        let thoughts = self.thoughts_token_count.0.unwrap_or(0);
        let prompt = self.prompt_token_count.0?;
        Some(Usage {
            input_tokens: prompt.saturating_add(self.tool_use_prompt_token_count.0.unwrap_or(0)),
            cached_input_tokens: self.cached_content_token_count.0.unwrap_or(0),
            cache_write_tokens: 0,
            output_tokens: self.candidates_token_count.0.unwrap_or(0).saturating_add(thoughts),
            reasoning_tokens: thoughts,
            hour_write_tokens: 0,
        })
    }
}

/// Reasons for which the provider withholds an answer.
const WITHHELD: [&str; 9] = [
    "BLOCKLIST",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "IMAGE_SAFETY",
    "PROHIBITED_CONTENT",
    "RECITATION",
    "SAFETY",
    "SPII",
    "MODEL_ARMOR",
];

/// `None` while the candidate goes on. A call that the model wrote badly (`MALFORMED_FUNCTION_CALL`) and whatever is not
/// documented yet are ends like others.
pub(super) fn finish(reason: Option<&str>) -> Option<Finish> {
    match reason? {
        "" | "FINISH_REASON_UNSPECIFIED" => None,
        "MAX_TOKENS" => Some(Finish::Length),
        reason if WITHHELD.contains(&reason) => Some(Finish::ContentFilter),
        _ => Some(Finish::Stop),
    }
}
