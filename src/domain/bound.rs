//! How many tokens a prompt can have: the strict upper bound that makes a hold a ceiling.
//!
//! A byte-level tokenizer emits at most one token per byte of UTF-8, and a SentencePiece one with byte fallback at
//! most that as well; an average would let concurrent calls overshoot the cap. What providers add on their own
//! (chat templates, the prompt that teaches tool use) is covered by fixed allowances.

use super::message::{
    AssistantPart, Audio, AudioFormat, ChatRequest, File, FileSource, Image, ImageSource, Message, Part,
    Proof, ResponseFormat, Tool, image_type,
};
use super::{extra, outbound};

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
/// What is compressed, or not here, can fill the largest context that is sold: a page of a PDF file takes some 45 bytes and
/// up to 3,000 tokens, eight seconds of silence in FLAC 19 bytes and 256 tokens.
const PER_OPAQUE: u64 = 1_048_576;
/// Prompts of fewer bytes are not looked at to guess how many tokens they are.
const LOOKED_AT: u64 = 16 * 1024;

/// An upper bound of the prompt's tokens, the agent's instructions included.
pub fn input_tokens(request: &ChatRequest, instructions: &str) -> u64 {
    BOUND.of_request(request, instructions)
}

/// As much of [`input_tokens`] as no byte that is here bounds. A model's context does.
pub fn opaque_tokens(request: &ChatRequest) -> u64 {
    let is_opaque = |part: &&Part| match part {
        Part::File(file) => readable(file).is_none(),
        Part::Audio(audio) => !is_bounded(audio.format),
        Part::Text(_) | Part::Json(_) | Part::Image(_) | Part::CachePoint(_) => false,
    };
    let parts = request.messages.iter().flat_map(Message::given);
    parts.filter(is_opaque).count() as u64 * PER_OPAQUE
}

/// What is to be added to both bounds where an image's URL may lead to something else: all that are not confined by an
/// ending of images, and films that are known by their host.
pub fn fetched_tokens(request: &ChatRequest) -> u64 {
    let is_anything = |part: &&Part| match part {
        Part::Image(Image { source: ImageSource::Url(url), .. }) => image_type(url).is_none() || is_film(url),
        _ => false,
    };
    let parts = request.messages.iter().flat_map(Message::given);
    parts.filter(is_anything).count() as u64 * PER_OPAQUE
}

/// Whether Gemini reads a film there, whatever the path.
fn is_film(url: &str) -> bool {
    let host = outbound::host_of(url).to_ascii_lowercase();
    host == "youtu.be" || host == "youtube.com" || host.ends_with(".youtube.com")
}

/// The most that one schema grows where what a `$ref` names stands in its place, in bytes.
pub const MAX_COPIED: usize = 128 * 1024;

/// What is to be added to the bound where a `$ref` with siblings is expanded: each copies at most its whole schema.
pub fn copied_tokens(request: &ChatRequest) -> u64 {
    let of = |schema: &str| {
        let references = schema.matches("\"$ref\"").count();
        references.saturating_mul(schema.len()).min(if references == 0 { 0 } else { MAX_COPIED })
    };
    let tools =
        request.tools.iter().filter_map(|tool| tool.parameters.as_ref()).map(|schema| of(schema.get()));
    let format = match &request.response_format {
        ResponseFormat::JsonSchema { schema, .. } => of(schema.get()),
        ResponseFormat::Text | ResponseFormat::JsonObject => 0,
    };
    (tools.sum::<usize>() + format) as u64
}

/// The tokens of an answer that the client predicts: those that the model rejects are billed as output, and not every server
/// counts them under the limit.
pub fn predicted_tokens(request: &ChatRequest) -> u64 {
    let is_prediction =
        |place: usize| extra::TABLE.get(place).is_some_and(|extra| extra.name == "prediction");
    let predicted = request.extras.iter().filter(|(place, _)| is_prediction(*place));
    predicted.map(|(_, value)| bytes(value.as_str())).sum()
}

/// What the prompt's tokens are likely to be, for guessing whether it fits into a context; money is never judged by it. `bound` is that
/// of [`input_tokens`]; a short prompt is not looked at: ordinary text has about four bytes a token.
pub fn likely_input_tokens(request: &ChatRequest, instructions: &str, bound: u64) -> u64 {
    if bound < LOOKED_AT { bound / 4 } else { LIKELY.of_request(request, instructions) }
}

/// How the parts of a prompt are counted.
struct Measure {
    text: fn(&str) -> u64,
    image: u64,
    file: fn(&File) -> u64,
    audio: fn(&Audio) -> u64,
    tool_prompt: u64,
}

/// Base64 is longer than what it stands for.
const BOUND: Measure = Measure {
    text: bytes,
    image: PER_IMAGE,
    file: |file| readable(file).map_or(PER_OPAQUE, bytes),
    audio: |audio| if is_bounded(audio.format) { bytes(&audio.data) } else { PER_OPAQUE },
    tool_prompt: TOOL_PROMPT,
};

/// An ordinary image has about a thousand tokens. A page of a PDF file has some 50 kB and 2,000 tokens, a second of speech
/// 5 to 40 kB and at most 32.
const LIKELY: Measure = Measure {
    text: likely_tokens,
    image: 1_000,
    file: |file| match &file.source {
        FileSource::Data(base64) => bytes(base64) / 32,
        FileSource::Url(_) | FileSource::Id(_) => 10_000,
    },
    audio: |audio| bytes(&audio.data) / 160,
    tool_prompt: 256,
};

impl Measure {
    fn of_request(&self, request: &ChatRequest, instructions: &str) -> u64 {
        let messages: u64 =
            request.messages.iter().map(|message| PER_MESSAGE + self.of_message(message)).sum();
        let tools: u64 = request.tools.iter().map(|tool| self.of_tool(tool)).sum();
        let tool_prompt = if request.tools.is_empty() { 0 } else { self.tool_prompt };
        // Some servers put them into the prompt (`chat_template_kwargs`).
        let extras: u64 = request.extras.iter().map(|(_, value)| (self.text)(value.as_str())).sum();
        let instructions = PER_MESSAGE + (self.text)(instructions);
        PER_REQUEST
            + instructions
            + messages
            + tools
            + tool_prompt
            + self.of_format(&request.response_format)
            + extras
    }

    fn of_tool(&self, tool: &Tool) -> u64 {
        let parameters = tool.parameters.as_ref().map_or(0, |schema| (self.text)(schema.get()));
        PER_SCHEMA + (self.text)(&tool.name) + tool.description.as_deref().map_or(0, self.text) + parameters
    }

    fn of_message(&self, message: &Message) -> u64 {
        match message {
            Message::System { text, .. } => (self.text)(text),
            Message::User { name, parts } => {
                let said: u64 = parts.iter().map(|part| self.of_part(part)).sum();
                said + (self.text)(name.as_deref().unwrap_or_default())
            }
            Message::Assistant { parts } => parts.iter().map(|part| self.of_said(part)).sum(),
            Message::Tool { call_id, parts, .. } => {
                (self.text)(call_id) + parts.iter().map(|part| self.of_part(part)).sum::<u64>()
            }
        }
    }

    fn of_part(&self, part: &Part) -> u64 {
        match part {
            Part::Text(text) => (self.text)(text),
            Part::Json(json) => (self.text)(json.as_str()),
            Part::Image(_) => self.image,
            Part::File(file) => (self.file)(file),
            Part::Audio(audio) => (self.audio)(audio),
            Part::CachePoint(_) => 0,
        }
    }

    fn of_said(&self, part: &AssistantPart) -> u64 {
        let proven = |proof: &Option<Proof>| proof.as_ref().map_or(0, |proof| (self.text)(&proof.value));
        match part {
            AssistantPart::Text(text) => (self.text)(&text.text) + proven(&text.proof),
            AssistantPart::Reasoning(reasoning) => (self.text)(&reasoning.text) + proven(&reasoning.proof),
            AssistantPart::Refusal(text) => (self.text)(text),
            AssistantPart::ToolCall(call) => {
                let said = (self.text)(&call.id) + (self.text)(&call.name) + (self.text)(&call.arguments);
                PER_MESSAGE + said + proven(&call.proof)
            }
            AssistantPart::CachePoint(_) => 0,
        }
    }

    /// Some providers put the schema into the prompt, so every one is counted as if it did.
    fn of_format(&self, format: &ResponseFormat) -> u64 {
        match format {
            ResponseFormat::Text => 0,
            ResponseFormat::JsonObject => PER_SCHEMA,
            ResponseFormat::JsonSchema { name, description, schema, .. } => {
                let described = description.as_deref().map_or(0, self.text);
                self.tool_prompt + PER_SCHEMA + (self.text)(name) + described + (self.text)(schema.get())
            }
        }
    }
}

/// The base64 of a file that is plain text, so that it has no more tokens than bytes.
fn readable(file: &File) -> Option<&str> {
    let FileSource::Data(base64) = &file.source else { return None };
    let media_type = file.media_type.as_deref()?;
    let is_text = media_type.starts_with("text/")
        || matches!(media_type, "application/json" | "application/xml" | "application/yaml");
    is_text.then_some(base64)
}

/// Whether a second of it has more bytes than the 32 tokens that it is billed as at most. MP3 has a frame each 72 ms, and
/// samples are not compressed.
const fn is_bounded(format: AudioFormat) -> bool {
    matches!(format, AudioFormat::Mp3 | AudioFormat::Wav | AudioFormat::Aiff)
}

const fn bytes(text: &str) -> u64 {
    text.len() as u64
}

/// About how many tokens a byte-pair tokenizer makes of a text: one of a word with the blank before it, more of a very long
/// one; one of up to three digits, of two marks, of a run of blanks; one of a Chinese character, a half of a Cyrillic one.
fn likely_tokens(text: &str) -> u64 {
    let (mut halves, mut run, mut before) = (0, 0, Kind::Blank);
    for &byte in text.as_bytes() {
        let kind = Kind::of(byte);
        let is_new = kind != before && !(before == Kind::Upper && kind == Kind::Lower);
        if is_new {
            halves += before.halves(run);
            run = 0;
        }
        run += 1;
        before = kind;
    }
    (halves + before.halves(run)).div_ceil(2)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Blank,
    Lower,
    Upper,
    Digit,
    Mark,
    /// A byte that begins a character of two bytes, and one of more; all others belong to a character before.
    Two,
    More,
    Within,
}

impl Kind {
    const fn of(byte: u8) -> Self {
        match byte {
            b'a'..=b'z' => Self::Lower,
            b'A'..=b'Z' => Self::Upper,
            b'0'..=b'9' => Self::Digit,
            b' ' | b'\t'..=b'\r' => Self::Blank,
            0..=0x7f => Self::Mark,
            0x80..=0xbf => Self::Within,
            0xc0..=0xdf => Self::Two,
            0xe0..=0xff => Self::More,
        }
    }

    /// Half tokens of a run of bytes of this kind.
    const fn halves(self, run: u64) -> u64 {
        match self {
            Self::Within => 0,
            // A single blank belongs to what follows it.
            Self::Blank => {
                if run > 1 {
                    2
                } else {
                    0
                }
            }
            // The most common words are tokens; a run of 20 letters is a compound, or no word at all.
            Self::Lower | Self::Upper => {
                if run <= 14 {
                    2
                } else {
                    2 * run.div_ceil(5)
                }
            }
            Self::Digit => 2 * run.div_ceil(3),
            Self::Mark => run + run % 2,
            Self::Two => run,
            Self::More => 2 * run,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_text_counts_and_an_image_counts_whole() {
        let bare = ChatRequest {
            messages: vec![Message::User { name: None, parts: vec![Part::Text(String::new())] }],
            ..ChatRequest::default()
        };
        let empty = input_tokens(&bare, "");
        let mut wordy = bare.clone();
        wordy.messages[0] = Message::User { name: None, parts: vec![Part::Text("日本語".into())] };
        assert_eq!(input_tokens(&wordy, ""), empty + 9);
        let source = crate::domain::message::ImageSource::Data {
            media_type: "image/png".into(),
            base64: "A".repeat(1_000_000),
        };
        wordy.messages[0] = Message::User {
            name: None,
            parts: vec![Part::Image(crate::domain::message::Image { source, detail: None })],
        };
        assert_eq!(input_tokens(&wordy, ""), empty + PER_IMAGE);
        let mut extra = bare;
        let place = crate::domain::extra::Extra::find("chat_template_kwargs").unwrap();
        let value = serde_json::from_str(r#"{"documents":"some"}"#).unwrap();
        assert!(extra.extras.put(place, value).is_ok());
        assert_eq!(input_tokens(&extra, ""), empty + 20, "a server may put it into the prompt");
    }

    #[test]
    fn a_file_that_is_no_plain_text_may_fill_the_context() {
        let with = |part: Part| ChatRequest {
            messages: vec![Message::User { name: None, parts: vec![part] }],
            ..ChatRequest::default()
        };
        let file = |media_type: Option<&str>| {
            let source = FileSource::Data("A".repeat(4_000));
            Part::File(File { source, name: None, media_type: media_type.map(str::to_owned) })
        };
        let sound = |format| Part::Audio(Audio { format, data: "A".repeat(4_000) });
        let empty = input_tokens(&with(Part::Text(String::new())), "");
        for (part, tokens, opaque) in [
            (file(Some("text/csv")), 4_000, 0),
            (file(Some("application/json")), 4_000, 0),
            (file(Some("application/pdf")), PER_OPAQUE, PER_OPAQUE),
            (file(None), PER_OPAQUE, PER_OPAQUE),
            (sound(AudioFormat::Wav), 4_000, 0),
            (sound(AudioFormat::Flac), PER_OPAQUE, PER_OPAQUE),
            (sound(AudioFormat::Ogg), PER_OPAQUE, PER_OPAQUE),
            (sound(AudioFormat::Aac), PER_OPAQUE, PER_OPAQUE),
        ] {
            let request = with(part);
            let found = (input_tokens(&request, "") - empty, opaque_tokens(&request));
            assert_eq!(found, (tokens, opaque), "{request:?}");
            let likely = likely_input_tokens(&request, "", input_tokens(&request, ""));
            assert!(likely < 4_000, "a guess is no bound");
        }
    }

    #[test]
    fn the_guess_is_near_what_tokenizers_make_of_ordinary_text() {
        // Of the order that byte-pair tokenizers with large vocabularies make.
        for (text, tokens) in [
            ("the ".repeat(1_000), 1_000),
            (
                "Whenever several departments coordinate an international shipment, they wait. ".repeat(100),
                1_200,
            ),
            ("{\"name\": \"Ada\", \"age\": 36, \"tags\": [\"a\", \"b\"]}\n".repeat(100), 2_600),
            ("1234567890 ".repeat(100), 500),
            ("Быстрая коричневая лиса прыгает. ".repeat(100), 1_200),
            ("快速的棕色狐狸跳过了懒狗。".repeat(100), 1_200),
        ] {
            let guess = likely_tokens(&text);
            assert!(
                (tokens * 7 / 10..=tokens * 15 / 10).contains(&guess),
                "{guess} for {tokens}: {text:.40}"
            );
        }
    }
}
