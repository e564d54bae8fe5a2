//! What an error reply says to programs: its code, the field at fault, and when to come back.
//!
//! The words for people are [`super::error_message`]'s. Sources: the error objects of OpenAI, Azure, Anthropic, Gemini
//! (`google.rpc.Status` with `RetryInfo`), Mistral, vLLM, OpenRouter and Cohere, read 2026-11.

use serde_json::{Map, Value};

use crate::wire::retry_after;

/// OpenAI's code for a prompt, or a prompt and its answer, that the model's context cannot hold.
pub const TOO_LONG: &str = "context_length_exceeded";
const MAX_CODE_LEN: usize = 64;
const MAX_PARAM_LEN: usize = 256;

/// A key that is refused, or a place, by servers that say so with 400. Source: Gemini API, "Troubleshooting", read 2026-11.
const DENIED_WORDS: [&str; 4] =
    ["api key not valid", "api key expired", "api key not found", "user location is not supported"];

/// How servers say that a context is too small. Codes are looked at alone, so that no word of a prompt is taken for one.
const TOO_LONG_CODES: [&str; 4] =
    [TOO_LONG, "model_max_prompt_tokens_exceeded", "context_window_exceeded", "context_length_error"];
const TOO_LONG_WORDS: [&str; 14] = [
    "available context size",
    "maximum prompt length",
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
const UNPAID: [&str; 6] =
    ["insufficient_quota", "billing", "credit", "exceeded_current_quota", "insufficient_balance", "arrears"];
/// The same where only the message says it: Anthropic answers 400 `invalid_request_error` for both.
const POLICY_WORDS: [&str; 5] = [
    "content filtering policy",
    "content management policy",
    "content policy",
    "usage policy",
    "safety system",
];
const UNPAID_WORDS: [&str; 4] = [
    "credit balance is too low",
    "exceeded your current quota",
    "insufficient balance",
    "insufficient credits",
];
/// Words in an error's `code`, `status` or `type`, in letters alone, and the status that they stand for; the first that fits.
const STATUS_OF: [(&str, u16); 28] = [
    ("contextlength", 400),
    ("ratelimit", 429),
    ("quota", 429),
    ("toomany", 429),
    ("resourceexhausted", 429),
    ("throttl", 429),
    ("apikey", 401),
    ("authentication", 401),
    ("unauthenticated", 401),
    ("unauthorized", 401),
    ("permission", 403),
    ("forbidden", 403),
    ("billing", 402),
    ("credit", 402),
    ("insufficient", 402),
    ("notfound", 404),
    ("toolarge", 413),
    ("timeout", 504),
    ("deadlineexceeded", 504),
    ("overloaded", 503),
    ("unavailable", 503),
    ("invalid", 400),
    ("unsupported", 400),
    ("badrequest", 400),
    ("validation", 400),
    ("policy", 400),
    ("filter", 400),
    ("precondition", 400),
];
/// Cloudflare's numbers for what its models refuse. Source: Workers AI, "Errors", read 2026-11.
const WORKERS_AI_CODES: [(u64, u16); 8] =
    [(3006, 413), (3007, 504), (3008, 504), (3036, 429), (3040, 429), (5004, 400), (5007, 404), (5016, 403)];

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
    /// The key is refused, or where it is used, whatever the status.
    pub is_denied: bool,
    /// Nothing will change until somebody pays.
    pub is_unpaid: bool,
}

impl Refusal {
    /// Reads an error, whole; `message` is what it says to people.
    pub fn read(error: &Value, message: &str) -> Self {
        let wordless = Map::new();
        let error = object(error).unwrap_or(&wordless);
        let text = |name: &str| error.get(name).and_then(Value::as_str);
        let code = text("code").filter(|code| is_word(code));
        let kinds = || [code, text("type"), text("status")].into_iter().flatten();
        let says = |words: &[&str]| kinds().any(|kind| words.iter().any(|word| kind.contains(word)));
        let is_too_long = code.is_some_and(|code| TOO_LONG_CODES.contains(&code))
            || says(&["exceed_context_size"])
            || is_too_long(message);
        let given = text("param").filter(|param| !param.is_empty()).map(str::to_owned);
        let param = given.or_else(|| place(error)).filter(|param| param.len() <= MAX_PARAM_LEN);
        Self {
            code: if is_too_long { Some(TOO_LONG.to_owned()) } else { code.map(str::to_owned) },
            param: param.or_else(|| is_too_long.then(|| "messages".to_owned())),
            retry_after_ms: retry_info(error).or_else(|| wait_in_words(message)),
            is_denied: in_words(message, &DENIED_WORDS),
            is_too_long,
            is_policy: says(&POLICY) || in_words(message, &POLICY_WORDS),
            is_unpaid: says(&UNPAID) || in_words(message, &UNPAID_WORDS),
        }
    }

    /// Whether the answer's limit is more than the model writes.
    pub fn is_limit_too_large(&self, message: &str) -> bool {
        const LIMITS: [&str; 4] =
            ["max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens"];
        const LARGE: [&str; 7] = [
            "too large",
            "at most",
            "less than or equal",
            "exceed",
            "maximum",
            "greater than",
            "supported range",
        ];
        let names = |limit: &&str| self.param.as_deref() == Some(limit) || message.contains(*limit);
        let message = message.to_ascii_lowercase();
        LIMITS.iter().any(names) && LARGE.iter().any(|words| message.contains(words))
    }

    /// Whether another model may take the request: it says what in it is at fault, or the status says that it is more than
    /// this server takes (413), or in a form that this server does not read (415).
    pub fn is_of_this_server(&self, status: u16, message: &str) -> bool {
        let is_servers = matches!(status, 413 | 415);
        let names_a_field = || self.param.is_some() || self.code.is_some() || mentions_a_field(message);
        !self.is_policy && (is_servers || names_a_field())
    }
}

/// What limit may be sent instead: how much of a context is left, from words such as Anthropic's "188240 + 21333 > 200000",
/// where the limit that was sent is the second number; or what the model writes at most, from "max_tokens: 4000 > 1000".
pub fn room_left(message: &str, limit: u32) -> Option<u32> {
    let digits = message.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    let numbers: Vec<u32> = digits.filter_map(|digits| digits.parse().ok()).take(16).collect();
    let left = numbers.windows(3).find(|said| said[1] == limit && said[2] > said[0]);
    let said = left.map(|said| said[2] - said[0]).or_else(|| most_of(message, limit));
    said.filter(|left| *left < limit)
}

/// The number that the limit is more than.
fn most_of(message: &str, limit: u32) -> Option<u32> {
    let (before, after) = message.split_once(&format!("{limit} > "))?;
    let is_alone = !before.ends_with(|c: char| c.is_ascii_digit()) && !before.trim_end().ends_with('+');
    let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    after[..digits].parse().ok().filter(|most| is_alone && *most > 0)
}

/// The status that an error stands for which came without one: what it says of it in numbers or words, else 502, the
/// server's fault, because the request was good enough to begin with.
pub fn status_of(error: &Value, message: &str) -> u16 {
    const UNKNOWN: u16 = 502;
    let Some(error) = object(error) else { return UNKNOWN };
    let kinds = || ["code", "status", "type"].into_iter().filter_map(|name| error.get(name));
    let number = |kind: &Value| match kind {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    };
    let numbered = kinds().filter_map(number).find_map(|code| match code {
        400..600 => u16::try_from(code).ok(),
        code => WORKERS_AI_CODES.iter().find(|(known, _)| *known == code).map(|(_, status)| *status),
    });
    let letters = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect()
    };
    let worded = || {
        let kinds: Vec<String> = kinds().filter_map(Value::as_str).map(letters).collect();
        let of = |(word, _): &&(&str, u16)| kinds.iter().any(|kind| kind.contains(word));
        STATUS_OF.iter().find(of).map(|(_, status)| *status)
    };
    let said = || {
        let message = message.to_ascii_lowercase();
        ["rate limit", "too many requests"].iter().any(|words| message.contains(words)).then_some(429)
    };
    numbered.or_else(worded).or_else(said).unwrap_or(UNKNOWN)
}

/// The error object, wherever it stands.
fn object(value: &Value) -> Option<&Map<String, Value>> {
    match value {
        Value::Array(items) => object(items.first()?),
        Value::Object(members) => match (members.get("error"), members.get("errors")) {
            (Some(Value::Object(error)), _) => Some(error),
            (None, Some(errors @ Value::Array(_))) => object(errors).or(Some(members)),
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
    in_words(message, &TOO_LONG_WORDS)
}

fn in_words(message: &str, all: &[&str]) -> bool {
    let message = message.to_ascii_lowercase();
    all.iter().any(|words| message.contains(words))
}

/// Where the fault is, as FastAPI has it (vLLM, Mistral): `{"detail": [{"loc": ["body", "messages", 1, "content"]}]}`.
fn place(error: &Map<String, Value>) -> Option<String> {
    let steps = error.get("detail")?.as_array()?.first()?.get("loc")?.as_array()?;
    let mut place = String::new();
    for step in steps.iter().skip_while(|step| *step == "body").take(8) {
        match step {
            Value::String(name) if place.is_empty() => place.push_str(name),
            Value::String(name) => place.extend([".", name]),
            Value::Number(number) => place.push_str(&format!("[{number}]")),
            _ => return None,
        }
    }
    (!place.is_empty()).then_some(place)
}

/// OpenAI's "Please try again in 20s", "in 1m3.5s", "in 350ms".
fn wait_in_words(message: &str) -> Option<u64> {
    let (_, rest) = message.split_once("try again in ")?;
    let word: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '.').take(16).collect();
    let (mut rest, mut wait) = (word.trim_end_matches('.'), 0.0);
    while let Some(digits) = rest.find(|c: char| c.is_ascii_alphabetic()).filter(|digits| *digits > 0) {
        let (number, after) = rest.split_at(digits);
        let number: f64 = number.parse().ok()?;
        let unit = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        wait += number
            * match unit {
                "ms" => 1.0,
                "s" => 1_000.0,
                "m" => 60_000.0,
                "h" => 3_600_000.0,
                _ => return None,
            };
        rest = after;
    }
    (rest.is_empty() && wait > 0.0).then_some(wait).and_then(retry_after::bounded)
}

/// Google's `RetryInfo`: `{"retryDelay": "17.5s"}` among the details.
fn retry_info(error: &Map<String, Value>) -> Option<u64> {
    let mut details = error.get("details")?.as_array()?.iter();
    let delay = details.find_map(|detail| detail.get("retryDelay")?.as_str())?;
    let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
    retry_after::bounded(seconds * 1_000.0)
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
#[path = "refusal_tests.rs"]
mod tests;
