use serde_json::{Value, json};

use super::*;
use crate::wire::client::parsed;

fn read(input: &Value) -> Result<Vec<Message>, Invalid> {
    let body = json!({ "input": input }).to_string();
    let (body, _): (super::super::body::Body, _) = parsed::read(body.as_bytes(), |_| false)?;
    let mut messages = join(pieces(body.input)?);
    pair(&mut messages)?;
    Ok(messages)
}

fn call(id: &str) -> Value {
    json!({"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"})
}

fn output(id: &str) -> Value {
    json!({"type": "function_call_output", "call_id": id, "output": "x"})
}

#[test]
fn what_the_model_said_in_one_go_is_one_message() {
    let messages = read(&json!([
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "abc"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me see."}]},
        call("a"), call("b"), output("b"), output("a"),
        {"role": "user", "content": "And?"},
    ]))
    .unwrap();
    let kinds: Vec<usize> = messages
        .iter()
        .map(|message| match message {
            Message::Assistant { parts } => parts.len(),
            _ => 0,
        })
        .collect();
    assert_eq!(kinds, [0, 0, 4, 0, 0, 0]);
    let Message::Assistant { parts } = &messages[2] else { panic!("{messages:?}") };
    let Some(AssistantPart::Reasoning(thought)) = parts.first() else { panic!("{parts:?}") };
    assert_eq!(thought.text, "Hm.");
    assert_eq!(thought.proof.as_ref().unwrap().of_kind(ProofKind::OpenaiEncrypted), Some("abc"));
    // Outputs stand in the order of their calls.
    let Message::Tool { call_id, .. } = &messages[3] else { panic!("{messages:?}") };
    assert_eq!(call_id, "a");
}

#[test]
fn what_was_said_between_a_call_and_its_output_comes_after_it() {
    let messages = read(
        &json!([{"role": "user", "content": "Hi"}, call("a"), {"role": "user", "content": "Wait"}, output("a")]),
    );
    let messages = messages.unwrap();
    assert!(matches!(messages[2], Message::Tool { .. }) && matches!(messages[3], Message::User { .. }));
}

#[test]
fn calls_one_after_the_other_are_turns_of_their_own() {
    let messages =
        read(&json!([{"role": "user", "content": "Hi"}, call("a"), output("a"), call("b"), output("b")]));
    assert_eq!(messages.unwrap().len(), 5);
}

#[test]
fn a_call_that_ran_here_is_a_call_and_its_result() {
    let ran = json!({"type": "mcp_call", "id": "mcp_1", "server_label": "retinue", "name": "f", "arguments": "{}", "output": "x"});
    let messages = read(&json!([{"role": "user", "content": "Hi"}, ran])).unwrap();
    assert!(matches!(&messages[2], Message::Tool { is_error: false, .. }), "{messages:?}");
    let failed = json!({"type": "mcp_call", "id": "mcp_1", "name": "f", "arguments": "{}", "error": "no"});
    let messages = read(&json!([{"role": "user", "content": "Hi"}, failed])).unwrap();
    assert!(matches!(&messages[2], Message::Tool { is_error: true, .. }), "{messages:?}");
}

#[test]
fn what_does_not_fit_is_said_by_its_place() {
    for (input, param) in [
        (json!([{"type": "computer_call"}]), "input[0].type"),
        (json!([{"role": "tool", "content": "x"}]), "input[0].role"),
        (json!([{"role": "user"}]), "input[0].content"),
        (json!([{"role": "user", "content": []}]), "input[0].content"),
        (json!([{"role": "user", "content": [{"type": "input_text"}]}]), "input[0].content[0].text"),
        (json!([{"role": "user", "content": [{"type": "refusal"}]}]), "input[0].content[0].type"),
        (
            json!([{"role": "user", "content": [{"type": "input_image", "image_url": "http://10.0.0.1/x.png"}]}]),
            "input[0].content[0].image_url",
        ),
        (
            json!([{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]),
            "input[0].content[0].file_id",
        ),
        (json!([{"role": "user", "content": [{"type": "input_file"}]}]), "input[0].content[0]"),
        (json!([{"type": "function_call", "call_id": "a", "name": "f"}]), "input[0].arguments"),
        (json!([{"type": "function_call_output", "output": "x"}]), "input[0].call_id"),
        (json!([{"type": "function_call_output", "call_id": "a"}]), "input[0].output"),
        (json!([{"type": "item_reference", "id": "msg_1"}]), "input[0].id"),
        (json!([output("a")]), "input"),
        (json!([call("a")]), "input"),
        (json!(""), "input"),
    ] {
        assert_eq!(read(&input).unwrap_err().param.as_deref(), Some(param), "{input}");
    }
}

#[test]
fn images_files_and_sounds_are_taken_as_clients_write_them() {
    let content = json!([
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
        {"type": "input_image", "image_url": {"url": "https://example.com/x.png"}},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ]);
    let messages = read(&json!([{"role": "user", "content": content}])).unwrap();
    let kinds: Vec<&str> = messages[0]
        .given()
        .iter()
        .map(|part| match part {
            Part::Image(_) => "image",
            Part::File(_) => "file",
            Part::Audio(_) => "audio",
            _ => "other",
        })
        .collect();
    assert_eq!(kinds, ["image", "image", "file", "file", "audio"]);
}
