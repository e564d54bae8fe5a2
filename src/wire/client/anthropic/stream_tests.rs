use serde_json::{Value, json};

use super::*;
use crate::domain::message::Citation;
use crate::wire::client::anthropic::ErrorKind;

fn encoder() -> StreamEncoder {
    StreamEncoder::new(&Envelope { id: "msg_1", model: "triage", warnings: &[], cached: false })
}

/// The events that are written of these, each with its own name.
fn written(events: &[Event]) -> Vec<Value> {
    let (mut encoder, mut out) = (encoder(), Vec::new());
    events.iter().for_each(|event| encoder.event(event, &mut out));
    let usage = Usage { input_tokens: 10, output_tokens: 5, ..Usage::default() };
    encoder.finish(&usage, Nanos::new(20_000), &mut out);
    frames(&out)
}

fn frames(out: &[u8]) -> Vec<Value> {
    let frames = std::str::from_utf8(out).unwrap().trim_end().split("\n\n");
    let read = |frame: &str| {
        let (event, data) = frame.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(event, format!("event: {}", data["type"].as_str().unwrap()));
        data
    };
    frames.map(read).collect()
}

fn text(delta: &str) -> Event {
    Event::Text { choice: 0, delta: delta.to_owned() }
}

fn thought(delta: &str) -> Event {
    Event::Reasoning { choice: 0, delta: delta.to_owned() }
}

fn proof(kind: ProofKind, value: &str) -> Event {
    Event::Proof { choice: 0, proof: Proof::new(kind, value) }
}

fn call(index: u32) -> Event {
    Event::ToolCall { choice: 0, index, id: format!("c{index}"), name: "f".to_owned(), proof: None }
}

fn arguments(index: u32, delta: &str) -> Event {
    Event::ToolArguments { choice: 0, index, delta: delta.to_owned() }
}

fn finish(reason: Finish) -> Event {
    Event::Finish { choice: 0, reason }
}

/// What happens to blocks, in short.
fn blocks(events: &[Event]) -> Vec<String> {
    let short = |frame: &Value| {
        let index = &frame["index"];
        Some(match frame["type"].as_str()? {
            "content_block_start" => format!("+{index} {}", frame["content_block"]["type"].as_str()?),
            "content_block_delta" => format!(" {index} {}", frame["delta"]["type"].as_str()?),
            "content_block_stop" => format!("-{index}"),
            _ => return None,
        })
    };
    written(events).iter().filter_map(short).collect()
}

#[test]
fn a_stream_has_the_documented_order() {
    let frames = written(&[
        thought("Hm"),
        thought("."),
        proof(ProofKind::AnthropicSignature, "sig"),
        text("Yes"),
        text("."),
        Event::Usage(Usage::default()),
        finish(Finish::Stop),
    ]);
    let types: Vec<&str> = frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        [
            "message_start",
            "ping",
            "content_block_start",
            "content_block_delta",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "content_block_start",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    let message = &frames[0]["message"];
    assert_eq!(
        (&message["id"], &message["content"], &message["stop_reason"]),
        (&json!("msg_1"), &json!([]), &Value::Null)
    );
    assert_eq!(message["usage"]["output_tokens"], 0);
    assert_eq!(frames[5]["delta"], json!({"type": "signature_delta", "signature": "sig"}));
    let end = &frames[11];
    assert_eq!(end["delta"], json!({"stop_reason": "end_turn", "stop_sequence": null}));
    assert_eq!((&end["usage"]["input_tokens"], &end["usage"]["cost_usd"]), (&json!(10), &json!("0.000020")));
}

#[test]
fn tools_are_blocks_one_after_the_other_or_beside_each_other() {
    let one_by_one =
        [text("See."), call(0), arguments(0, "{}"), call(1), arguments(1, "{\"a\""), arguments(1, ":1}")];
    let begin = ["+0 text", " 0 text_delta", "-0", "+1 tool_use", " 1 input_json_delta"];
    let end = ["-1", "+2 tool_use", " 2 input_json_delta", " 2 input_json_delta", "-2"];
    assert_eq!(blocks(&one_by_one), [&begin[..], &end[..]].concat());
    // Arguments that come in turns lose nothing.
    let in_turns = [
        call(0),
        arguments(0, "{\"a\""),
        call(1),
        arguments(1, "{}"),
        arguments(0, ":1}"),
        finish(Finish::ToolCalls),
    ];
    assert_eq!(
        blocks(&in_turns),
        [
            "+0 tool_use",
            " 0 input_json_delta",
            "+1 tool_use",
            " 1 input_json_delta",
            " 0 input_json_delta",
            "-0",
            "-1"
        ]
    );
}

#[test]
fn thinking_is_proven_where_it_stands() {
    let redacted = [proof(ProofKind::AnthropicRedacted, "x"), thought("a"), text("b")];
    assert_eq!(
        blocks(&redacted),
        [
            "+0 redacted_thinking",
            "-0",
            "+1 thinking",
            " 1 thinking_delta",
            "-1",
            "+2 text",
            " 2 text_delta",
            "-2"
        ]
    );
    // Not shown, and proven all the same; two of them are two blocks.
    let hidden = [proof(ProofKind::OpenaiEncrypted, "x"), proof(ProofKind::OpenaiEncrypted, "y")];
    assert_eq!(
        blocks(&hidden),
        ["+0 thinking", " 0 signature_delta", "-0", "+1 thinking", " 1 signature_delta", "-1"]
    );
    // What proves words has no place.
    assert_eq!(
        blocks(&[text("a"), proof(ProofKind::GeminiSignature, "x")]),
        ["+0 text", " 0 text_delta", "-0"]
    );
}

#[test]
fn other_choices_and_empty_pieces_write_nothing() {
    let events = [
        Event::Text { choice: 1, delta: "b".to_owned() },
        text(""),
        Event::Finish { choice: 1, reason: Finish::Length },
        text("a"),
        Event::Citation {
            choice: 0,
            citation: Box::new(Citation { url: Some("https://a.example".to_owned()), ..Citation::default() }),
        },
    ];
    assert_eq!(blocks(&events), ["+0 text", " 0 text_delta", " 0 citations_delta", "-0"]);
    assert_eq!(written(&events).last().unwrap()["type"], "message_stop");
    assert_eq!(written(&[]).len(), 4, "an answer of nothing begins and ends");
}

#[test]
fn what_was_not_done_as_asked_is_said_at_the_end() {
    let (mut encoder, mut out) = (encoder(), Vec::new());
    encoder.warn(vec![Warning::not_carried("images")]);
    encoder.event(&text("a"), &mut out);
    encoder.finish(&Usage::default(), Nanos::ZERO, &mut out);
    let frames = frames(&out);
    assert_eq!(frames[frames.len() - 2]["warnings"].as_array().unwrap().len(), 1);
}

#[test]
fn an_error_is_an_event() {
    let mut out = Vec::new();
    let error =
        ErrorBody { kind: ErrorKind::OverloadedError, message: "Later.", code: "unavailable", param: None };
    StreamEncoder::error(error, &mut out);
    assert_eq!(
        frames(&out),
        [
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "Later.", "code": "unavailable"}})
        ]
    );
}
