//! What an error reply says to programs: its code, the field at fault, and when to come back.
//!
//! The words for people are [`super::error_message`]'s. Sources: the error objects of OpenAI, Azure, Anthropic, Gemini
//! (`google.rpc.Status` with `RetryInfo`), Mistral, vLLM, OpenRouter and Cohere, read 2026-11.

use serde_json::{Map, Value};

/// OpenAI's code for a prompt, or a prompt and its answer, that the model's context cannot hold.
pub const TOO_LONG: &str = "context_length_exceeded";
const MAX_CODE_LEN: usize = 64;
const MAX_PARAM_LEN: usize = 256;

/// How servers say that a context is too small. Codes are looked at alone, so that no word of a prompt is taken for one.
const TOO_LONG_CODES: [&str; 4] =
    [TOO_LONG, "model_max_prompt_tokens_exceeded", "context_window_exceeded", "context_length_error"];
const TOO_LONG_WORDS: [&str; 12] = [
    "maximum context length",
    "maximum model length",
    "max_model_len",
    "context length of",
    "context window",
    "exceed context limit",
    "exceeds the context",
    "exceed_context_size",
    "prompt is too long",
    "input is too long",
    "input token count",
    "maximum number of tokens allowed",
];
/// A provider's own rules on what may be asked, which another provider is not asked to judge again.
const POLICY: [&str; 3] = ["content_filter", "content_policy", "moderation"];
/// Errors of money, which no waiting mends.
const UNPAID: [&str; 3] = ["insufficient_quota", "billing", "credit"];

/// What an error reply says to programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The provider's own word for it; of a context that is too small always OpenAI's.
    pub code: Option<String>,
    /// The field at fault, as the provider calls it.
    pub param: Option<String>,
    /// Where the body says when to come back.
    pub retry_after_ms: Option<u64>,
    /// Prompt and answer do not fit into the model's context.
    pub is_too_long: bool,
    /// The provider does not want to answer this, whoever asks.
    pub is_policy: bool,
    /// Nothing will change until somebody pays.
    pub is_unpaid: bool,
}

impl Refusal {
    /// Reads an error reply's body; `message` is what it says to people.
    pub fn read(body: &[u8], message: &str) -> Self {
        let value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let Some(error) = object(&value) else {
            return Self { is_too_long: is_too_long(message), ..Self::default() };
        };
        let text = |name: &str| error.get(name).and_then(Value::as_str);
        let code = text("code").filter(|code| is_word(code));
        let kinds = || [code, text("type"), text("status")].into_iter().flatten();
        let says = |words: &[&str]| kinds().any(|kind| words.iter().any(|word| kind.contains(word)));
        let is_too_long = code.is_some_and(|code| TOO_LONG_CODES.contains(&code)) || is_too_long(message);
        let param = text("param").filter(|param| !param.is_empty() && param.len() <= MAX_PARAM_LEN);
        Self {
            code: if is_too_long { Some(TOO_LONG.to_owned()) } else { code.map(str::to_owned) },
            param: param.or_else(|| is_too_long.then_some("messages")).map(str::to_owned),
            retry_after_ms: retry_info(error),
            is_too_long,
            is_policy: says(&POLICY),
            is_unpaid: says(&UNPAID),
        }
    }

    /// Whether the answer's limit is more than the model writes.
    pub fn is_limit_too_large(&self, message: &str) -> bool {
        const LIMITS: [&str; 3] = ["max_tokens", "max_completion_tokens", "max_output_tokens"];
        const LARGE: [&str; 6] =
            ["too large", "at most", "less than or equal", "exceed", "maximum", "greater than"];
        let names = |limit: &&str| self.param.as_deref() == Some(limit) || message.contains(*limit);
        let message = message.to_ascii_lowercase();
        LIMITS.iter().any(names) && LARGE.iter().any(|words| message.contains(words))
    }

    /// Whether it says what in the request it does not take: another model may.
    pub fn names_a_field(&self, message: &str) -> bool {
        !self.is_policy && (self.param.is_some() || self.code.is_some() || mentions_a_field(message))
    }
}

/// How much of a context is left for the answer, from words such as Anthropic's "188240 + 21333 > 200000", where the limit
/// that was sent is the second number.
pub fn room_left(message: &str, limit: u32) -> Option<u32> {
    let digits = message.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    let numbers: Vec<u32> = digits.filter_map(|digits| digits.parse().ok()).take(16).collect();
    let said = numbers.windows(3).find(|said| said[1] == limit && said[2] > said[0])?;
    Some(said[2] - said[0]).filter(|left| *left < limit)
}

/// The error object, wherever it stands.
fn object(value: &Value) -> Option<&Map<String, Value>> {
    match value {
        Value::Array(items) => object(items.first()?),
        Value::Object(members) => match members.get("error") {
            Some(Value::Object(error)) => Some(error),
            _ => Some(members),
        },
        _ => None,
    }
}

/// A number is the status once more.
fn is_word(code: &str) -> bool {
    let is_status = code.parse().is_ok_and(|status: u16| (100..600).contains(&status));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    !is_status && (1..=MAX_CODE_LEN).contains(&code.len()) && code.bytes().all(plain)
}

fn is_too_long(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    TOO_LONG_WORDS.iter().any(|words| message.contains(words))
}

/// Google's `RetryInfo`: `{"retryDelay": "17.5s"}` among the details.
fn retry_info(error: &Map<String, Value>) -> Option<u64> {
    let mut details = error.get("details")?.as_array()?.iter();
    let delay = details.find_map(|detail| detail.get("retryDelay")?.as_str())?;
    let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
    (seconds.is_finite() && seconds >= 0.0).then(|| (seconds * 1_000.0).min(1e12) as u64)
}

/// The fields of requests, in whichever wire's spelling, without `_` and in lower case.
const FIELDS: [&str; 34] = [
    "audio",
    "betas",
    "cachecontrol",
    "candidatecount",
    "content",
    "contents",
    "effort",
    "file",
    "functiondeclarations",
    "generationconfig",
    "image",
    "imageurl",
    "inputschema",
    "logitbias",
    "logprobs",
    "maxcompletiontokens",
    "maxoutputtokens",
    "maxtokens",
    "messages",
    "parameters",
    "paralleltoolcalls",
    "property",
    "reasoning",
    "reasoningeffort",
    "responseformat",
    "schema",
    "stop",
    "system",
    "temperature",
    "thinking",
    "toolcall",
    "toolchoice",
    "tools",
    "topp",
];

/// Whether the words name a field of the request: `temperature`, `tools.0.custom.input_schema`, `toolConfig`.
fn mentions_a_field(message: &str) -> bool {
    let words = message.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.map(|word| word.replace('_', "").to_ascii_lowercase()).any(|word| FIELDS.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Refusal {
        let message = crate::wire::provider::error_message(body.as_bytes()).unwrap_or_default();
        Refusal::read(body.as_bytes(), &message)
    }

    #[test]
    fn the_providers_code_and_field_are_found_and_a_status_is_no_code() {
        let found = |body: &str| {
            let refusal = read(body);
            (refusal.code, refusal.param)
        };
        let some = |text: &str| Some(text.to_owned());
        for (body, expected) in [
            (
                r#"{"error":{"message":"m","param":"top_p","code":"unsupported_value"}}"#,
                (some("unsupported_value"), some("top_p")),
            ),
            (r#"{"object":"error","message":"m","param":null,"code":"3280"}"#, (some("3280"), None)),
            (r#"{"error":{"message":"m","param":null,"code":400}}"#, (None, None)),
            (r#"{"error":{"message":"m","code":"400"}}"#, (None, None)),
            (r#"[{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}]"#, (None, None)),
            (r#"{"error":{"message":"m","param":7,"code":"not a word"}}"#, (None, None)),
            ("<html>", (None, None)),
        ] {
            assert_eq!(found(body), expected, "{body}");
        }
    }

    #[test]
    fn a_context_that_is_too_small_has_one_code_whoever_says_it() {
        for body in [
            r#"{"error":{"message":"x","code":"context_length_exceeded","param":"messages"}}"#,
            r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","code":400}}"#,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 201000 tokens > 200000 maximum"}}"#,
            r#"{"error":{"code":400,"message":"The input token count (1100000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}"#,
            r#"{"error":{"message":"input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000"}}"#,
        ] {
            let refusal = read(body);
            assert!(refusal.is_too_long, "{body}");
            assert_eq!(
                (refusal.code.as_deref(), refusal.param.as_deref()),
                (Some(TOO_LONG), Some("messages"))
            );
        }
        assert!(!read(r#"{"error":{"message":"temperature is too long a word"}}"#).is_too_long);
    }

    #[test]
    fn what_is_left_of_a_context_is_read_from_anthropics_words() {
        let words = "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease";
        assert_eq!(room_left(words, 21_333), Some(11_760));
        assert_eq!(room_left(words, 21_334), None, "it is not our limit");
        assert_eq!(room_left("5 + 6 > 4", 6), None);
    }

    #[test]
    fn a_limit_beyond_the_models_is_told_from_a_limit_that_is_not_taken() {
        let is_large = |message: &str| Refusal::default().is_limit_too_large(message);
        assert!(is_large(
            "max_tokens is too large: 16384. This model supports at most 4096 completion tokens"
        ));
        assert!(!is_large("max_tokens is not taken: use max_completion_tokens"));
        assert!(!is_large("the temperature is at most 2"));
    }

    #[test]
    fn googles_delay_is_read() {
        let body = r#"{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED","details":[
            {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"17.5s"}]}}"#;
        assert_eq!(read(body).retry_after_ms, Some(17_500));
    }

    #[test]
    fn a_refusal_names_a_field_in_a_member_or_in_words_and_policy_names_none() {
        let names = |body: &str| {
            let message = crate::wire::provider::error_message(body.as_bytes()).unwrap_or_default();
            Refusal::read(body.as_bytes(), &message).names_a_field(&message)
        };
        for body in [
            r#"{"error":{"message":"m","param":"temperature"}}"#,
            r#"{"error":{"message":"m","code":"unsupported_parameter"}}"#,
            r#"{"error":{"message":"tools.0.custom.input_schema: JSON schema is invalid"}}"#,
            r#"{"error":{"message":"Unknown name \"toolConfig\": `maxOutputTokens` is 9"}}"#,
        ] {
            assert!(names(body), "{body}");
        }
        for body in [
            r#"{"error":{"message":"no"}}"#,
            r#"{"error":{"message":"filtered","code":"content_filter","param":"prompt"}}"#,
            "",
        ] {
            assert!(!names(body), "{body}");
        }
    }
}
