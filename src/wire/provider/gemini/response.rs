//! A `GenerateContentResponse`: the whole reply, and each frame of a stream.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::message::{Finish, Usage};
use crate::wire::provider::DecodeError;
use crate::wire::provider::json;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response {
    pub candidates: Option<Vec<Candidate>>,
    pub prompt_feedback: Option<Feedback>,
    pub usage_metadata: Option<Tokens>,
    pub response_id: Option<String>,
    pub error: Option<ErrorBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate {
    pub index: Option<u32>,
    pub content: Option<Content>,
    pub finish_reason: Option<String>,
    pub logprobs_result: Option<LogprobsResult>,
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
    pub thought: Option<bool>,
    pub thought_signature: Option<String>,
    pub function_call: Option<FunctionCall>,
}

#[derive(Deserialize)]
pub(super) struct FunctionCall {
    pub id: Option<String>,
    pub name: String,
    pub args: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Feedback {
    pub block_reason: Option<String>,
}

/// An error object, in place of a reply or within a stream.
#[derive(Deserialize)]
pub(super) struct ErrorBody {
    code: Option<u16>,
    message: Option<String>,
    status: Option<String>,
}

impl ErrorBody {
    pub fn reported(&self) -> DecodeError {
        let status = self.status.as_deref().unwrap_or_default();
        let passing =
            ["RESOURCE_EXHAUSTED", "UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED"].contains(&status);
        let retryable = matches!(self.code, Some(408 | 429 | 500..=599));
        DecodeError::Reported {
            message: json::clip(self.message.as_deref().unwrap_or(status)),
            transient: passing || retryable,
            usage: None,
        }
    }
}

/// Token counts as the API splits them. In a stream each is cumulative.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tokens {
    /// The cached part included.
    prompt_token_count: Option<u64>,
    cached_content_token_count: Option<u64>,
    /// What the provider's own tools put into the prompt.
    tool_use_prompt_token_count: Option<u64>,
    /// Thoughts not included.
    candidates_token_count: Option<u64>,
    thoughts_token_count: Option<u64>,
}

impl Tokens {
    /// `None` when not even the prompt was counted. A missing count of candidates is zero: the API leaves zeros out,
    /// as after a prompt that it blocked.
    pub fn usage(self) -> Option<Usage> {
        let thoughts = self.thoughts_token_count.unwrap_or(0);
        let prompt = self.prompt_token_count?;
        Some(Usage {
            input_tokens: prompt.saturating_add(self.tool_use_prompt_token_count.unwrap_or(0)),
            cached_input_tokens: self.cached_content_token_count.unwrap_or(0),
            cache_write_tokens: 0,
            output_tokens: self.candidates_token_count.unwrap_or(0).saturating_add(thoughts),
            reasoning_tokens: thoughts,
            hour_write_tokens: 0,
        })
    }
}

/// `None` while the candidate goes on. Every reason but the model's own end and the limit means that the provider
/// stopped or withheld the answer: safety, recitation, a malformed call, or one that is not documented yet.
pub(super) fn finish(reason: Option<&str>, calls: bool) -> Option<Finish> {
    match reason? {
        "" | "FINISH_REASON_UNSPECIFIED" => None,
        "STOP" if calls => Some(Finish::ToolCalls),
        "STOP" => Some(Finish::Stop),
        "MAX_TOKENS" => Some(Finish::Length),
        _ => Some(Finish::ContentFilter),
    }
}
