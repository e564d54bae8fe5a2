use serde_json::{Value, json};

use super::*;
use crate::domain::message::{Image, ImageSource};

fn read(bodies: &Value) -> Result<Vec<Message>, Invalid> {
    let mut read = messages(serde_json::from_str(&bodies.to_string()).unwrap())?;
    pair(&mut read).map(|()| read)
}

/// The field that is at fault.
fn fault(bodies: &Value) -> String {
    read(bodies).unwrap_err().param.unwrap()
}

fn call(id: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1"}})
}

fn system(text: &str) -> Message {
    Message::system(text)
}

#[test]
fn a_conversation_is_read_in_order() {
    let read = read(&json!([
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "user", "content": "Hi", "name": "bob"},
        {"role": "assistant", "content": null, "tool_calls": [call("1"), call("2")]},
        {"role": "tool", "tool_call_id": "2", "content": [{"type": "text", "text": "two"}]},
        {"role": "tool", "tool_call_id": "1", "content": ""},
        {"role": "assistant", "content": "Done.", "refusal": null, "annotations": [], "audio": null},
    ]))
    .unwrap();
    let call = |id: &str| AssistantPart::ToolCall(ToolCall::new(id, "f", "{\"x\": 1"));
    let expected = [
        system("Be brief."),
        system("a\nb"),
        Message::User { name: Some("bob".into()), parts: vec![Part::Text("Hi".into())] },
        Message::Assistant { parts: vec![call("1"), call("2")] },
        Message::tool("1", ""),
        Message::tool("2", "two"),
        Message::assistant("Done."),
    ];
    assert_eq!(read, expected);
}

#[test]
fn an_assistants_turn_of_nothing_is_one() {
    for message in [
        json!({"role": "assistant", "content": null}),
        json!({"role": "assistant", "content": null, "tool_calls": []}),
        json!({"role": "assistant", "content": []}),
        json!({"role": "assistant"}),
    ] {
        let expected = [Message::Assistant { parts: Vec::new() }];
        assert_eq!(read(&json!([message])).unwrap(), expected, "{message}");
    }
}

#[test]
fn an_assistants_refusal_stays_in_the_conversation() {
    let refused = [Message::Assistant { parts: vec![AssistantPart::Refusal("No.".into())] }];
    for message in [
        json!({"role": "assistant", "content": null, "refusal": "No."}),
        json!({"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}),
    ] {
        assert_eq!(read(&json!([message])).unwrap(), refused, "{message}");
    }
}

#[test]
fn images_are_urls_or_base64() {
    let image =
        |url: &str, detail: Value| json!({"type": "image_url", "image_url": {"url": url, "detail": detail}});
    let read = read(&json!([{"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        image("https://example.com/a.png?x=1", json!("low")),
        image("data:image/PNG;base64,iVBORw0KGgo=", json!(null)),
        image("data:image/jpg;charset=utf-8;base64,AAAA", json!("original")),
    ]}]))
    .unwrap();
    let data = |media_type: &str, base64: &str| ImageSource::Data {
        media_type: media_type.into(),
        base64: base64.into(),
    };
    let part =
        |source, detail: Option<&str>| Part::Image(Image { source, detail: detail.map(str::to_owned) });
    let parts = vec![
        Part::Text("What is this?".into()),
        part(ImageSource::Url("https://example.com/a.png?x=1".into()), Some("low")),
        part(data("image/png", "iVBORw0KGgo="), None),
        part(data("image/jpeg", "AAAA"), Some("original")),
    ];
    assert_eq!(read, [Message::User { name: None, parts }]);
}

#[test]
fn images_that_no_provider_takes_or_that_point_inside_are_refused() {
    for url in [
        "",
        "a.png",
        "ftp://example.com/a.png",
        "file:///etc/passwd",
        "https://127.0.0.1/a.png",
        "https://10.0.0.1/a",
        "https://metadata.google.internal/",
        "http://localhost/a.png",
        "data:",
        "data:image/png",
        "data:image/png;base64,",
        "data:image/png,AAAA",
        "data:text/html;base64,AAAA",
        "data:;base64,AAAA",
        "data:image/svg+xml;base64,AAAA",
    ] {
        let bodies = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]);
        assert_eq!(fault(&bodies), "messages[0].content[0].image_url.url", "{url}");
    }
}

#[test]
fn what_a_message_lacks_is_named() {
    for (message, field) in [
        (json!({}), ".role"),
        (json!({"role": "function", "name": "f", "content": "1"}), ".role"),
        (json!({"role": "user"}), ".content"),
        (json!({"role": "user", "content": []}), ".content"),
        (json!({"role": "user", "content": [{"text": "a"}]}), ".content[0].type"),
        (json!({"role": "user", "content": [{"type": "text"}]}), ".content[0].text"),
        (json!({"role": "user", "content": [{"type": "image_url"}]}), ".content[0].image_url"),
        (
            json!({"role": "user", "content": [{"type": "image_url", "image_url": {}}]}),
            ".content[0].image_url.url",
        ),
        (
            json!({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}),
            ".content[0].input_audio.data",
        ),
        (json!({"role": "user", "content": [{"type": "file", "file": {}}]}), ".content[0].file"),
        (json!({"role": "user", "content": "a", "tool_calls": []}), ".tool_calls"),
        (json!({"role": "system"}), ".content"),
        (json!({"role": "system", "content": []}), ".content"),
        (json!({"role": "system", "content": [{"type": "image_url"}]}), ".content[0].type"),
        (json!({"role": "assistant", "content": "a", "function_call": {}}), ".function_call"),
        (json!({"role": "assistant", "tool_calls": [{"type": "function"}]}), ".tool_calls[0].id"),
        (json!({"role": "assistant", "tool_calls": [{"id": "1", "type": "custom"}]}), ".tool_calls[0].type"),
        (json!({"role": "assistant", "tool_calls": [{"id": "1"}]}), ".tool_calls[0].function"),
        (
            json!({"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "a b"}}]}),
            ".tool_calls[0].function.name",
        ),
        (
            json!({"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "a"}}]}),
            ".tool_calls[0].function.arguments",
        ),
        (json!({"role": "tool", "content": "a"}), ".tool_call_id"),
        (json!({"role": "tool", "tool_call_id": "1"}), ".content"),
    ] {
        let bodies = json!([{"role": "user", "content": "Hi"}, message]);
        assert_eq!(fault(&bodies), format!("messages[1]{field}"), "{bodies}");
    }
}

#[test]
fn tool_calls_and_their_results_belong_together() {
    let user = json!({"role": "user", "content": "Hi"});
    let calls = json!({"role": "assistant", "tool_calls": [call("1"), call("2")]});
    let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "ok"});
    for (bodies, field) in [
        (json!([user, result("1")]), "messages[1].tool_call_id"),
        (json!([calls, result("3")]), "messages[1].tool_call_id"),
        (json!([calls, result("1"), result("1")]), "messages[2].tool_call_id"),
        (json!([calls, result("1"), user]), "messages[2]"),
        (json!([calls, result("1")]), "messages[1]"),
        (json!([calls, calls]), "messages[1]"),
        (json!([calls, user, user]), "messages[1]"),
    ] {
        assert_eq!(fault(&bodies), field, "{bodies}");
    }
    assert!(read(&json!([calls, result("2"), result("1"), user, calls, result("1"), result("2")])).is_ok());
}
