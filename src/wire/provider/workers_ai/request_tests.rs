use serde_json::{Value, json};

use super::*;
use crate::domain::message::{
    AssistantPart, Image, ImageSource, Message, Part, Sampling, ToolCall, ToolChoice,
};
use crate::domain::provider::Wire;

const CODE: &str = "@cf/meta/llama-3.3-70b-instruct-fp8-fast";

fn input(request: &ChatRequest, stream: bool) -> Value {
    let dialect = &Dialect::plain(Wire::WorkersAi);
    let outgoing = encode(Target { dialect, code: CODE }, request, stream).outgoing;
    assert_eq!((outgoing.path.as_str(), outgoing.headers.len()), (CODE, 0));
    serde_json::from_slice(&outgoing.body).unwrap()
}

fn with(sampling: Sampling) -> ChatRequest {
    ChatRequest { sampling, ..ChatRequest::default() }
}

#[test]
fn content_is_always_text_but_for_images() {
    let texts = |texts: &[&str]| texts.iter().map(|text| Part::Text((*text).into())).collect::<Vec<_>>();
    let image = Part::Image(Image {
        source: ImageSource::Data { media_type: "image/png".into(), base64: "AAAA".into() },
        detail: None,
    });
    let request = ChatRequest {
        messages: vec![
            Message::system("Be brief."),
            Message::User { name: None, parts: texts(&["a", "b"]) },
            Message::Assistant { parts: vec![AssistantPart::ToolCall(ToolCall::new("1", "f", "{}"))] },
            Message::tool("1", "ok"),
            Message::User { name: None, parts: [texts(&["c"]), vec![image]].concat() },
        ],
        ..ChatRequest::default()
    };
    let expected = json!({"stream": true, "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "a\nb"},
        {"role": "assistant", "content": "", "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        ]},
        {"role": "tool", "content": "ok", "tool_call_id": "1"},
        {"role": "user", "content": [
            {"type": "text", "text": "c"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        ]},
    ]});
    assert_eq!(input(&request, true), expected);
}

#[test]
fn tools_have_what_the_schema_requires() {
    let tools =
        vec![Tool { name: "f".into(), description: None, parameters: None, strict: Some(true), cache: None }];
    let request = ChatRequest { tools, tool_choice: ToolChoice::Required, ..ChatRequest::default() };
    let function =
        json!({"name": "f", "description": "", "parameters": {"type": "object", "properties": {}}});
    let expected = json!({
        "messages": [], "stream": false,
        "tools": [{"type": "function", "function": function}], "tool_choice": "required",
    });
    assert_eq!(input(&request, false), expected);
}

#[test]
fn a_json_schema_stands_bare() {
    let schema = RawValue::from_string(r#"{"type":"object"}"#.into()).unwrap();
    let response_format =
        ResponseFormat::JsonSchema { name: "x".into(), description: None, schema, strict: Some(true) };
    let request = ChatRequest { response_format, ..ChatRequest::default() };
    let expected = json!({"type": "json_schema", "json_schema": {"type": "object"}});
    assert_eq!(input(&request, false)["response_format"], expected);
    let request = ChatRequest { response_format: ResponseFormat::JsonObject, ..ChatRequest::default() };
    assert_eq!(input(&request, false)["response_format"], json!({"type": "json_object"}));
}

#[test]
fn sampling_stays_within_the_documented_ranges() {
    let sampling = Sampling {
        temperature: Some(0.5),
        top_p: Some(0.0),
        max_output_tokens: Some(300),
        stop: vec!["END".into()],
        seed: Some(9_999_999_999),
        reasoning_effort: Some(ReasoningEffort::Xhigh),
        n: Some(1),
    };
    let expected = json!({
        "messages": [], "stream": false, "temperature": 0.5, "top_p": 0.001, "max_tokens": 300, "stop": ["END"],
        "seed": 9_999_999_999_u64, "reasoning_effort": "high",
    });
    assert_eq!(input(&with(sampling), false), expected);
    for seed in [0, -1, 10_000_000_000] {
        assert_eq!(
            input(&with(Sampling { seed: Some(seed), ..Sampling::default() }), false).get("seed"),
            None
        );
    }
}

#[test]
fn no_reasoning_is_null_and_not_silence() {
    let effort = |effort| {
        input(&with(Sampling { reasoning_effort: effort, ..Sampling::default() }), false)
            .get("reasoning_effort")
            .cloned()
    };
    assert_eq!(effort(None), None);
    assert_eq!(effort(Some(ReasoningEffort::None)), Some(Value::Null));
    assert_eq!(effort(Some(ReasoningEffort::Minimal)), Some(json!("low")));
}
