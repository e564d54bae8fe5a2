//! A `GenerateContentResponse`: the whole reply, and each frame of a stream.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::citations::{CitationMetadata, GroundingMetadata};
use crate::domain::message::{Finish, Usage};
use crate::wire::provider::DecodeError;
use crate::wire::provider::lenient::{Count, Index, Lenient};
use crate::wire::provider::openai::parts::{fault, interrupted};

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
    #[serde(default)]
    pub citation_metadata: Lenient<CitationMetadata>,
    #[serde(default)]
    pub grounding_metadata: Lenient<GroundingMetadata>,
}

impl Response {
    /// The error that stands in place of an answer: `json` is the whole.
    pub fn fault(&self, json: &[u8]) -> Option<DecodeError> {
        let within = self.error.as_ref()?.0.as_ref().and_then(|error| error.usage_metadata.0);
        let counts = [within, self.usage_metadata.0].into_iter().flatten().filter_map(Tokens::usage);
        Some(fault(json).counted(counts.reduce(|within, _| within)))
    }

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

/// A part of whatever kind.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    pub text: Option<String>,
    #[serde(default)]
    pub thought: Lenient<bool>,
    pub thought_signature: Option<String>,
    pub function_call: Option<FunctionCall>,
    inline_data: Option<IgnoredAny>,
    file_data: Option<IgnoredAny>,
    executable_code: Option<IgnoredAny>,
    code_execution_result: Option<IgnoredAny>,
}

impl Part {
    /// The API's name for what the part has and no answer here has a place for.
    pub fn left_out(&self) -> Option<&'static str> {
        let kinds = [
            ("inlineData", &self.inline_data),
            ("fileData", &self.file_data),
            ("executableCode", &self.executable_code),
            ("codeExecutionResult", &self.code_execution_result),
        ];
        kinds.into_iter().find(|(_, part)| part.is_some()).map(|(name, _)| name)
    }
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

/// What an error object says was used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorBody {
    #[serde(default)]
    usage_metadata: Lenient<Tokens>,
}

/// Of the prompt's tokens by their kind, those of sound.
#[derive(Clone, Copy, Default)]
struct Heard(u64);

impl<'de> Deserialize<'de> for Heard {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let of_kinds: Vec<OfKind> = serde_json::from_str(raw.get()).unwrap_or_default();
        let heard = of_kinds.iter().filter(|of| of.modality.0.as_deref() == Some("AUDIO"));
        Ok(Self(heard.fold(0, |sum, of| sum.saturating_add(of.token_count.0.unwrap_or(0)))))
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct OfKind {
    modality: Lenient<String>,
    token_count: Count,
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
    prompt_tokens_details: Heard,
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
            audio_input_tokens: self.prompt_tokens_details.0,
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
///
/// # Errors
/// [`DecodeError::Reported`] where the server broke the answer off, as imitators of the API say it.
pub(super) fn finish(reason: Option<&str>) -> Result<Option<Finish>, DecodeError> {
    Ok(match reason.unwrap_or_default() {
        "" | "FINISH_REASON_UNSPECIFIED" => None,
        "MAX_TOKENS" => Some(Finish::Length),
        "ERROR" | "error" => return Err(interrupted()),
        reason if WITHHELD.contains(&reason) => Some(Finish::ContentFilter),
        _ => Some(Finish::Stop),
    })
}
