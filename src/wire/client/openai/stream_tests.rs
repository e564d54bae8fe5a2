use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::ErrorKind;
use super::*;
use crate::domain::message::Finish;
use crate::domain::provider::Wire;
use crate::wire::provider::{Decoder, Renamed};

const ENVELOPE: Envelope<'_> =
    Envelope { id: "chatcmpl-1", created_s: 1_763_715_605, model: "he\"lper", warnings: &[], cached: false };

fn text(choice: u32, delta: &str) -> Event {
    Event::Text { choice, delta: delta.to_owned() }
}

fn finish(choice: u32, reason: Finish) -> Event {
    Event::Finish { choice, reason }
}

fn usage() -> Usage {
    Usage { input_tokens: 3, output_tokens: 2, ..Usage::default() }
}

fn written(events: &[Event], include_usage: bool) -> Vec<u8> {
    let mut encoder = StreamEncoder::new(&ENVELOPE, include_usage);
    let mut out = Vec::new();
    for event in events {
        encoder.event(event, &mut out);
    }
    encoder.finish(&usage(), Nanos::new(150_000), &mut out);
    out
}

/// The chunks' JSON; the stream must end with `[DONE]`.
fn chunks(stream: &[u8]) -> Vec<Value> {
    let mut chunks = Vec::new();
    let mut done = false;
    let mut decoder = sse::Decoder::default();
    let fed = decoder.feed(stream, &mut |frame| {
        assert!(!done && frame.event.is_empty());
        match frame.data {
            "[DONE]" => done = true,
            data => chunks.push(serde_json::from_str(data).unwrap()),
        }
        Ok(())
    });
    assert!(fed.is_ok() && done);
    chunks
}

fn told(stream: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut decoder = Decoder::new(Wire::OpenAi, Renamed::default());
    decoder.feed(stream, &mut events).unwrap();
    decoder.finish(&mut events).unwrap();
    events
}

#[test]
fn a_stream_has_openais_shape() {
    let events = [text(0, "Hi"), text(0, " \"there\"\n"), finish(0, Finish::Length), Event::Usage(usage())];
    let chunk = |delta: Value, finish_reason: Value| {
        json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_763_715_605, "model": "he\"lper",
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason}],
        })
    };
    let expected = [
        chunk(json!({"role": "assistant", "content": "Hi"}), json!(null)),
        chunk(json!({"content": " \"there\"\n"}), json!(null)),
        chunk(json!({}), json!("length")),
    ];
    assert_eq!(chunks(&written(&events, false)), expected);
}

#[test]
fn usage_comes_last_and_null_before_when_asked_for() {
    let chunks = chunks(&written(&[text(0, "Hi"), finish(0, Finish::Stop)], true));
    let [first, second, last] = chunks.as_slice() else { panic!("{chunks:?}") };
    assert!(first["usage"].is_null() && first.get("usage").is_some() && second.get("usage").is_some());
    assert_eq!((&last["choices"], &last["usage"]["total_tokens"]), (&json!([]), &json!(5)));
}

#[test]
fn choices_begin_in_order_and_each_with_its_role() {
    let events = [text(1, "b"), text(0, "a"), text(1, "c"), finish(2, Finish::ContentFilter)];
    let chunks = chunks(&written(&events, false));
    let told: Vec<_> = chunks
        .iter()
        .map(|chunk| {
            let choice = &chunk["choices"][0];
            (choice["index"].as_u64().unwrap(), choice["delta"].clone())
        })
        .collect();
    let expected = [
        (0, json!({"role": "assistant", "content": ""})),
        (1, json!({"role": "assistant", "content": "b"})),
        (0, json!({"content": "a"})),
        (1, json!({"content": "c"})),
        (2, json!({"role": "assistant", "content": ""})),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_choice_with_an_absurd_number_is_not_told() {
    assert_eq!(chunks(&written(&[text(u32::MAX, "a")], false)), [] as [Value; 0]);
}

#[test]
fn tool_calls_begin_whole_and_go_on_in_pieces() {
    let call = Event::ToolCall { choice: 0, index: 1, id: "x".into(), name: "f".into(), proof: None };
    let arguments = Event::ToolArguments { choice: 0, index: 1, delta: "{\"a\"".into() };
    let chunks = chunks(&written(&[call, arguments], false));
    let begun =
        json!([{"index": 1, "id": "x", "type": "function", "function": {"name": "f", "arguments": ""}}]);
    assert_eq!(chunks[0]["choices"][0]["delta"]["tool_calls"], begun);
    let more = json!({"tool_calls": [{"index": 1, "function": {"arguments": "{\"a\""}}]});
    assert_eq!(chunks[1]["choices"][0]["delta"], more);
}

#[test]
fn an_error_is_an_object_that_clients_raise() {
    let mut out = Vec::new();
    let error = ErrorBody {
        message: "the provider broke off",
        kind: ErrorKind::Server,
        param: None,
        code: Some("upstream_error"),
    };
    StreamEncoder::new(&ENVELOPE, true).error(error, &mut out);
    let text = String::from_utf8(out).unwrap();
    let json = text.strip_prefix("data: ").unwrap().strip_suffix("\n\n").unwrap();
    let expected = json!({"error": {
        "message": "the provider broke off", "type": "server_error", "param": null, "code": "upstream_error",
    }});
    assert_eq!(serde_json::from_str::<Value>(json).unwrap(), expected);
}

/// What a provider may say: deltas that are not empty, tool calls in order and with arguments, one end a choice.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let delta = "[^\u{0}]{1,12}";
    let one = |choice: u32| {
        let said = prop_oneof![
            delta.prop_map(move |delta| Event::Text { choice, delta }),
            delta.prop_map(move |delta| Event::Reasoning { choice, delta }),
            delta.prop_map(move |delta| Event::Refusal { choice, delta }),
        ];
        let calls = prop::collection::vec(("[a-z]{1,6}", prop::collection::vec(delta, 0..3)), 0..3);
        (prop::collection::vec(said, 0..6), calls).prop_map(move |(mut events, calls)| {
            let reason = if calls.is_empty() { Finish::Stop } else { Finish::ToolCalls };
            for (index, (name, pieces)) in (0_u32..).zip(calls) {
                let id = format!("call_{choice}_{index}");
                events.push(Event::ToolCall { choice, index, id, name, proof: None });
                let pieces = std::iter::once("{".to_owned()).chain(pieces);
                events.extend(pieces.map(|delta| Event::ToolArguments { choice, index, delta }));
            }
            events.push(finish(choice, reason));
            events
        })
    };
    (one(0), one(1)).prop_map(|(first, second)| [first, second].concat())
}

proptest! {
    #[test]
    fn what_a_provider_said_a_client_reads(events in events(), include_usage in any::<bool>()) {
        let mut expected = events.clone();
        if include_usage {
            expected.push(Event::Usage(usage()));
        }
        prop_assert_eq!(told(&written(&events, include_usage)), expected);
    }
}
