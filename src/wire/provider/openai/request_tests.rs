use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;
use crate::domain::dialect;
use crate::domain::message::{
    AssistantPart, Image, ImageSource, Message, Part, Sampling, Tool, ToolCall, ToolChoice,
};
use crate::domain::provider::Wire;

fn outgoing(provider: &str, request: &ChatRequest, stream: bool) -> Outgoing {
    let code = "gpt-4.1-mini";
    let dialect = &dialect::resolve(Wire::OpenAi, provider, None, code, None);
    encode(Target { dialect, code }, request, stream).outgoing
}

fn body(provider: &str, request: &ChatRequest, stream: bool) -> Value {
    let outgoing = outgoing(provider, request, stream);
    assert_eq!((outgoing.path.as_str(), outgoing.headers.len()), ("/chat/completions", 0));
    serde_json::from_slice(&outgoing.body).unwrap()
}

fn user(text: &str) -> Message {
    Message::User { name: None, parts: vec![Part::Text(text.to_owned())] }
}

fn schema() -> Box<RawValue> {
    RawValue::from_string(r#"{"type":"object","properties":{"b":{},"a":{}}}"#.to_owned()).unwrap()
}

fn everything() -> ChatRequest {
    ChatRequest {
        messages: vec![user("Hi")],
        tools: vec![
            Tool {
                name: "f".into(),
                description: Some("does f".into()),
                parameters: Some(schema()),
                strict: Some(true),
                cache: None,
            },
            Tool { name: "g".into(), description: None, parameters: None, strict: None, cache: None },
        ],
        tool_choice: ToolChoice::Named("f".into()),
        parallel_tool_calls: Some(false),
        is_checked: false,
        response_format: ResponseFormat::JsonSchema {
            name: "answer".into(),
            description: Some("the answer".into()),
            schema: schema(),
            strict: Some(true),
        },
        sampling: Sampling {
            temperature: Some(0.2),
            top_p: Some(0.5),
            max_output_tokens: Some(64),
            stop: vec!["END".into()],
            seed: Some(-7),
            reasoning_effort: Some(ReasoningEffort::Low),
            n: Some(2),
        },
        user: Some("u-1".into()),
        metadata: [("k".to_owned(), "v".to_owned())].into(),
        extras: Default::default(),
    }
}

#[test]
fn a_plain_request_says_nothing_it_was_not_told() {
    let request = ChatRequest { messages: vec![user("Hi")], ..ChatRequest::default() };
    let expected = json!({
        "model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hi"}], "stream": false,
    });
    assert_eq!(body("openai", &request, false), expected);
}

#[test]
fn everything_that_can_be_said_is_said() {
    let expected = json!({
        "model": "gpt-4.1-mini",
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [
            {"type": "function", "function": {
                "name": "f", "description": "does f", "strict": true,
                "parameters": {"type": "object", "properties": {"a": {}, "b": {}}},
            }},
            {"type": "function", "function": {"name": "g"}},
        ],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "parallel_tool_calls": false,
        "response_format": {"type": "json_schema", "json_schema": {
            "name": "answer", "description": "the answer", "strict": true,
            "schema": {"type": "object", "properties": {"a": {}, "b": {}}},
        }},
        "temperature": 0.2, "top_p": 0.5, "max_completion_tokens": 64, "stop": ["END"], "seed": -7,
        "reasoning_effort": "low", "n": 2, "user": "u-1",
        "stream": true, "stream_options": {"include_usage": true},
    });
    assert_eq!(body("openai", &everything(), true), expected);
}

#[test]
fn schemas_are_passed_on_letter_by_letter() {
    let sent = String::from_utf8(outgoing("openai", &everything(), false).body.to_vec()).unwrap();
    assert_eq!(sent.matches(schema().get()).count(), 2, "{sent}");
}

#[test]
fn servers_are_spoken_to_as_they_like() {
    let request = everything();
    for (provider, limit) in
        [("xai", "max_completion_tokens"), ("groq", "max_completion_tokens"), ("local", "max_tokens")]
    {
        let body = body(provider, &request, true);
        assert_eq!((&body[limit], &body["seed"], &body["user"]), (&json!(64), &json!(-7), &json!("u-1")));
        assert_eq!(body["stream_options"], json!({"include_usage": true}));
        assert_eq!(body.as_object().unwrap().keys().filter(|key| key.starts_with("max")).count(), 1);
    }
    let mistral = body("mistral", &request, true);
    assert_eq!((&mistral["max_tokens"], &mistral["random_seed"]), (&json!(64), &json!(-7)));
    for name in ["seed", "user", "stream_options", "metadata", "max_completion_tokens"] {
        assert_eq!(mistral.get(name), None, "{name}");
    }
}

#[test]
fn a_conversation_keeps_its_order_and_its_calls() {
    let call = |id: &str| AssistantPart::ToolCall(ToolCall::new(id, "f", "{\"x\": 1"));
    let request = ChatRequest {
        messages: vec![
            Message::system("Be brief."),
            user("Hi"),
            Message::Assistant { parts: vec![call("a"), call("b")] },
            Message::tool("a", "1"),
            Message::tool("b", "2"),
            Message::assistant("3"),
        ],
        ..ChatRequest::default()
    };
    let call =
        |id| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1"}});
    let expected = json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": null, "tool_calls": [call("a"), call("b")]},
        {"role": "tool", "content": "1", "tool_call_id": "a"},
        {"role": "tool", "content": "2", "tool_call_id": "b"},
        {"role": "assistant", "content": "3"},
    ]);
    assert_eq!(body("openai", &request, false)["messages"], expected);
}

#[test]
fn images_stand_among_the_text() {
    let image =
        |source, detail: Option<&str>| Part::Image(Image { source, detail: detail.map(str::to_owned) });
    let parts = vec![
        Part::Text("What \"is\" this?".into()),
        image(ImageSource::Url("https://example.com/a.png".into()), Some("low")),
        image(ImageSource::Data { media_type: "image/png".into(), base64: "iVBORw0KGgo=".into() }, None),
    ];
    let request =
        ChatRequest { messages: vec![Message::User { name: None, parts }], ..ChatRequest::default() };
    let expected = json!([
        {"type": "text", "text": "What \"is\" this?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
    ]);
    assert_eq!(body("openai", &request, false)["messages"][0]["content"], expected);
}

#[test]
fn choices_about_tools_are_not_made_without_tools() {
    let request = ChatRequest {
        messages: vec![user("Hi")],
        tool_choice: ToolChoice::Required,
        parallel_tool_calls: Some(true),
        sampling: Sampling { n: Some(1), ..Sampling::default() },
        response_format: ResponseFormat::JsonObject,
        ..ChatRequest::default()
    };
    let expected = json!({
        "model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hi"}], "stream": false,
        "response_format": {"type": "json_object"},
    });
    assert_eq!(body("openai", &request, false), expected);
    let tools = everything().tools;
    for (tool_choice, expected) in [
        (ToolChoice::Auto, json!(null)),
        (ToolChoice::None, json!("none")),
        (ToolChoice::Required, json!("required")),
    ] {
        let request = ChatRequest { tool_choice, tools: tools.clone(), ..ChatRequest::default() };
        assert_eq!(body("openai", &request, false)["tool_choice"], expected);
    }
}
