//! How many tokens a prompt can have: the strict upper bound that makes a hold a ceiling.
//!
//! A byte-level tokenizer emits at most one token per byte of UTF-8, and a SentencePiece one with byte fallback at
//! most that as well; an average would let concurrent calls overshoot the cap. What providers add on their own
//! (chat templates, the prompt that teaches tool use) is covered by fixed allowances.

use super::message::{ChatRequest, ImageSource, Message, Part, ResponseFormat};

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
    PER_REQUEST + messages + tools + tool_prompt + of_format(&request.response_format)
}

/// What the prompt's tokens are likely to be, for judging whether it fits into a context; money is never judged by
/// it. Ordinary text has about four bytes a token, an ordinary image about a thousand tokens.
pub fn likely_input_tokens(request: &ChatRequest, instructions: &str) -> u64 {
    let images = request.messages.iter().map(images_of).sum::<u64>();
    let text = input_tokens(request) + system_message(instructions) - images * PER_IMAGE;
    text / 4 + images * 1_000
}

fn images_of(message: &Message) -> u64 {
    match message {
        Message::User { parts } => parts.iter().filter(|part| matches!(part, Part::Image(_))).count() as u64,
        _ => 0,
    }
}

/// An upper bound of what a system message of this text adds.
pub const fn system_message(text: &str) -> u64 {
    PER_MESSAGE + bytes(text)
}

fn of_message(message: &Message) -> u64 {
    match message {
        Message::System { text } => bytes(text),
        Message::User { parts } => parts.iter().map(of_part).sum(),
        Message::Assistant { text, tool_calls } => {
            let calls: u64 = tool_calls
                .iter()
                .map(|call| PER_MESSAGE + bytes(&call.id) + bytes(&call.name) + bytes(&call.arguments))
                .sum();
            text.as_deref().map_or(0, bytes) + calls
        }
        Message::Tool { call_id, text } => bytes(call_id) + bytes(text),
    }
}

fn of_part(part: &Part) -> u64 {
    match part {
        Part::Text(text) => bytes(text),
        Part::Image(image) => match &image.source {
            ImageSource::Url(_) | ImageSource::Data { .. } => PER_IMAGE,
        },
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
        let source = ImageSource::Data { media_type: "image/png".into(), base64: "A".repeat(1_000_000) };
        wordy.messages[0] = Message::User {
            parts: vec![Part::Image(crate::domain::message::Image { source, detail: None })],
        };
        assert_eq!(input_tokens(&wordy), empty + PER_IMAGE);
    }
}
