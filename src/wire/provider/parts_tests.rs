//! Files, audio, and tools' results with more than text, as each wire takes them.

use serde_json::{Value, json};

use super::{Target, encode};
use crate::domain::dialect;
use crate::domain::message::{
    AssistantPart, Audio, AudioFormat, ChatRequest, File, FileSource, Image, ImageSource, JsonText, Message,
    Part, ToolCall,
};
use crate::domain::provider::Wire;

fn sent(wire: Wire, provider: &str, code: &str, messages: Vec<Message>) -> Value {
    let dialect = &dialect::resolve(wire, provider, None, code, None);
    let request = ChatRequest { messages, ..ChatRequest::default() };
    serde_json::from_slice(&encode(Target { dialect, code }, &request, false).outgoing.body).unwrap()
}

fn file(source: FileSource, media_type: &str) -> Part {
    Part::File(File { source, name: Some("a".into()), media_type: Some(media_type.into()) })
}

fn given() -> Vec<Message> {
    let parts = vec![
        file(FileSource::Data("JVBERi0=".into()), "application/pdf"),
        file(FileSource::Data("SGk=".into()), "text/plain"),
        file(FileSource::Url("https://a.example.com/a.pdf".into()), "application/pdf"),
        file(FileSource::Id("file-1".into()), "application/pdf"),
        Part::Audio(Audio { format: AudioFormat::Mp3, data: "SUQz".into() }),
    ];
    vec![Message::User { name: None, parts }]
}

#[test]
fn files_and_audio_stand_where_each_wire_has_them() {
    let openai = sent(Wire::OpenAi, "openai", "gpt-4o-audio-preview", given());
    let expected = json!([
        {"type": "file", "file": {"filename": "a", "file_data": "data:application/pdf;base64,JVBERi0="}},
        {"type": "file", "file": {"filename": "a", "file_data": "data:text/plain;base64,SGk="}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}},
    ]);
    assert_eq!(openai["messages"][0]["content"], expected, "no URL: the entry was passed over for it");
    let router = sent(Wire::OpenAi, "openrouter", "google/gemini-3.8-flash", given());
    assert_eq!(router["messages"][0]["content"][2]["file"]["file_data"], "https://a.example.com/a.pdf");
    let anthropic = sent(Wire::Anthropic, "anthropic", "claude-sonnet-4-6", given());
    let document = |source: Value| json!({"type": "document", "title": "a", "source": source});
    let expected = json!([
        document(json!({"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="})),
        document(json!({"type": "text", "media_type": "text/plain", "data": "Hi"})),
        document(json!({"type": "url", "url": "https://a.example.com/a.pdf"})),
        document(json!({"type": "file", "file_id": "file-1"})),
    ]);
    assert_eq!(anthropic["messages"][0]["content"], expected);
    let gemini = sent(Wire::Gemini, "gemini", "gemini-2.5-flash", given());
    let expected = json!([
        {"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0="}},
        {"inlineData": {"mimeType": "text/plain", "data": "SGk="}},
        {"fileData": {"mimeType": "application/pdf", "fileUri": "https://a.example.com/a.pdf"}},
        {"fileData": {"mimeType": "application/pdf", "fileUri": "file-1"}},
        {"inlineData": {"mimeType": "audio/mp3", "data": "SUQz"}},
    ]);
    assert_eq!(gemini["contents"][0]["parts"], expected);
}

#[test]
fn an_uploaded_file_is_asked_for_with_anthropics_beta() {
    let code = "claude-sonnet-4-6";
    let dialect = &dialect::resolve(Wire::Anthropic, "anthropic", None, code, None);
    let headers = |messages| {
        let request = ChatRequest { messages, ..ChatRequest::default() };
        encode(Target { dialect, code }, &request, false).outgoing.headers
    };
    assert!(headers(given()).contains(&("anthropic-beta", "files-api-2025-04-14".to_owned())));
    assert_eq!(headers(vec![Message::user("Hi")]).len(), 1);
}

fn shown() -> Vec<Message> {
    let call = |id: &str| AssistantPart::ToolCall(ToolCall::new(id, "look", "{}"));
    let image = Image { source: ImageSource::Url("https://a.example.com/a.png".into()), detail: None };
    let seen = vec![
        Part::Text("Seen.".into()),
        Part::Json(JsonText::parse(r#"{"b":1, "a":2}"#).unwrap()),
        Part::Image(image),
    ];
    vec![
        Message::user("Look."),
        Message::Assistant { parts: vec![call("c1"), call("c2")] },
        Message::Tool { call_id: "c1".into(), parts: seen, is_error: false },
        Message::Tool {
            call_id: "c2".into(),
            parts: vec![Part::Text("No such page".into())],
            is_error: true,
        },
    ]
}

#[test]
fn what_a_tool_shows_reaches_the_model() {
    let text = "Seen.\n{\"b\":1, \"a\":2}";
    let openai = sent(Wire::OpenAi, "openai", "gpt-4.1", shown());
    let results = json!([
        {"role": "tool", "tool_call_id": "c1", "content": text},
        {"role": "tool", "tool_call_id": "c2", "content": "No such page"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a.example.com/a.png"}}]},
    ]);
    assert_eq!(openai["messages"].as_array().unwrap()[2..], results.as_array().unwrap()[..]);
    let anthropic = sent(Wire::Anthropic, "anthropic", "claude-sonnet-4-6", shown());
    let results = json!([
        {"type": "tool_result", "tool_use_id": "c1", "content": [
            {"type": "text", "text": "Seen."},
            {"type": "text", "text": "{\"b\":1, \"a\":2}"},
            {"type": "image", "source": {"type": "url", "url": "https://a.example.com/a.png"}},
        ]},
        {"type": "tool_result", "tool_use_id": "c2", "content": "No such page", "is_error": true},
    ]);
    assert_eq!(anthropic["messages"][2]["content"], results);
    let gemini = sent(Wire::Gemini, "gemini", "gemini-3.8-flash", shown());
    let parts = &gemini["contents"][2]["parts"];
    assert_eq!(parts[0]["functionResponse"]["response"], json!({"output": text}));
    assert_eq!(parts[1]["functionResponse"]["response"], json!({"error": "No such page"}));
    assert_eq!(parts[2]["fileData"]["fileUri"], "https://a.example.com/a.png");
}
