//! How many tokens a prompt can have: the strict upper bound that makes a hold a ceiling.
//!
//! A byte-level tokenizer emits at most one token per byte of UTF-8, and a SentencePiece one with byte fallback at
//! most that as well; an average would let concurrent calls overshoot the cap. What providers add on their own
//! (chat templates, the prompt that teaches tool use) is covered by fixed allowances.

use super::message::{AssistantPart, ChatRequest, File, FileSource, Message, Part, Proof, ResponseFormat};

/// Role markers and separators of a chat template, with room: the widest in use take 8 tokens.
const PER_MESSAGE: u64 = 16;
/// A template's beginning and end, and a default system prompt (SmolLM2's takes 25).
const PER_REQUEST: u64 = 64;
/// The largest documented tool-use system prompt takes about 700 tokens (Anthropic, `tool_choice: any`).
const TOOL_PROMPT: u64 = 1_024;
/// Punctuation and keywords that a provider's rendering of one tool or schema adds to its JSON.
const PER_SCHEMA: u64 = 64;
/// The dearest documented image: gpt-4o-mini takes 2,833 + 5,667 a tile, at most 8 tiles: 48,169.
const PER_IMAGE: u64 = 48_169;
/// A file whose bytes are not here can fill the largest context that is sold.
const PER_UNSEEN_FILE: u64 = 1_048_576;

/// An upper bound of the prompt's tokens.
pub fn input_tokens(request: &ChatRequest) -> u64 {
    let messages: u64 = request.messages.iter().map(|message| PER_MESSAGE + of_message(message)).sum();
    let tools: u64 = request
        .tools
        .iter()
        .map(|tool| {
            let parameters = tool.parameters.as_ref().map_or(0, |schema| bytes(schema.get()));
            PER_SCHEMA + bytes(&tool.name) + tool.description.as_deref().map_or(0, bytes) + parameters
        })
        .sum();
    let tool_prompt = if request.tools.is_empty() { 0 } else { TOOL_PROMPT };
    // Some servers put them into the prompt (`chat_template_kwargs`), or bill them like it (`prediction`).
    let extras: u64 = request.extras.iter().map(|(_, value)| bytes(value.as_str())).sum();
    PER_REQUEST + messages + tools + tool_prompt + of_format(&request.response_format) + extras
}

/// What the prompt's tokens are likely to be, for judging whether it fits into a context; money is never judged by
/// it. Ordinary text has about four bytes a token, an ordinary image about a thousand tokens. A page of a PDF file has
/// some 50 kB and 2,000 tokens, a second of speech 5 to 40 kB and at most 32.
pub fn likely_input_tokens(request: &ChatRequest, instructions: &str) -> u64 {
    let (mut bound, mut likely) = (0, 0);
    for part in request.messages.iter().flat_map(Message::given) {
        let tokens = match part {
            Part::Text(_) | Part::Json(_) | Part::CachePoint(_) => continue,
            Part::Image(_) => 1_000,
            Part::File(File { source: FileSource::Data(base64), .. }) => bytes(base64) / 32,
            Part::File(_) => 10_000,
            Part::Audio(audio) => bytes(&audio.data) / 160,
        };
        bound += of_part(part);
        likely += tokens;
    }
    let text = input_tokens(request) + system_message(instructions) - bound;
    text / 4 + likely
}

/// An upper bound of what a system message of this text adds.
pub const fn system_message(text: &str) -> u64 {
    PER_MESSAGE + bytes(text)
}

fn of_message(message: &Message) -> u64 {
    match message {
        Message::System { text, .. } => bytes(text),
        Message::User { parts } => parts.iter().map(of_part).sum(),
        Message::Assistant { parts } => parts.iter().map(of_said).sum(),
        Message::Tool { call_id, parts, .. } => bytes(call_id) + parts.iter().map(of_part).sum::<u64>(),
    }
}

fn of_part(part: &Part) -> u64 {
    match part {
        Part::Text(text) => bytes(text),
        Part::Json(json) => bytes(json.as_str()),
        Part::Image(_) => PER_IMAGE,
        // Base64 is longer than what it stands for, and a page of text or a second of sound has far more bytes than
        // tokens.
        Part::File(File { source: FileSource::Data(base64), .. }) => bytes(base64),
        Part::File(_) => PER_UNSEEN_FILE,
        Part::Audio(audio) => bytes(&audio.data),
        Part::CachePoint(_) => 0,
    }
}

fn of_said(part: &AssistantPart) -> u64 {
    let proven = |proof: &Option<Proof>| proof.as_ref().map_or(0, |proof| bytes(&proof.value));
    match part {
        AssistantPart::Text(text) => bytes(&text.text) + proven(&text.proof),
        AssistantPart::Reasoning(reasoning) => bytes(&reasoning.text) + proven(&reasoning.proof),
        AssistantPart::Refusal(text) => bytes(text),
        AssistantPart::ToolCall(call) => {
            PER_MESSAGE + bytes(&call.id) + bytes(&call.name) + bytes(&call.arguments) + proven(&call.proof)
        }
        AssistantPart::CachePoint(_) => 0,
    }
}

/// Some providers put the schema into the prompt, so every one is counted as if it did.
fn of_format(format: &ResponseFormat) -> u64 {
    match format {
        ResponseFormat::Text => 0,
        ResponseFormat::JsonObject => PER_SCHEMA,
        ResponseFormat::JsonSchema { name, description, schema, .. } => {
            TOOL_PROMPT
                + PER_SCHEMA
                + bytes(name)
                + description.as_deref().map_or(0, bytes)
                + bytes(schema.get())
        }
    }
}

const fn bytes(text: &str) -> u64 {
    text.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_text_counts_and_an_image_counts_whole() {
        let bare = ChatRequest {
            messages: vec![Message::User { parts: vec![Part::Text(String::new())] }],
            ..ChatRequest::default()
        };
        let empty = input_tokens(&bare);
        let mut wordy = bare.clone();
        wordy.messages[0] = Message::User { parts: vec![Part::Text("日本語".into())] };
        assert_eq!(input_tokens(&wordy), empty + 9);
        let source = crate::domain::message::ImageSource::Data {
            media_type: "image/png".into(),
            base64: "A".repeat(1_000_000),
        };
        wordy.messages[0] = Message::User {
            parts: vec![Part::Image(crate::domain::message::Image { source, detail: None })],
        };
        assert_eq!(input_tokens(&wordy), empty + PER_IMAGE);
        let mut extra = bare;
        let place = crate::domain::extra::Extra::find("chat_template_kwargs").unwrap();
        let value = serde_json::from_str(r#"{"documents":"some"}"#).unwrap();
        assert!(extra.extras.put(place, value).is_ok());
        assert_eq!(input_tokens(&extra), empty + 20, "a server may put it into the prompt");
    }
}
