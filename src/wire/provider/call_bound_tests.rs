//! How many tool calls an answer may have, on every wire.

use super::fixtures::{gathered, read};
use super::*;

/// An answer of so many calls: whole, and as the frames of a stream.
fn answer(wire: Wire, calls: usize) -> (String, String) {
    let list = |entry: &str| vec![entry; calls].join(",");
    match wire {
        Wire::OpenAi => {
            let list = list(r#"{"function":{"name":"f","arguments":"{}"}}"#);
            let of = |part: &str| {
                format!(
                    r#"{{"choices":[{{"{part}":{{"tool_calls":[{list}]}},"finish_reason":"tool_calls"}}]}}"#
                )
            };
            (of("message"), format!("data: {}\n\ndata: [DONE]\n\n", of("delta")))
        }
        Wire::WorkersAi => {
            let list = list(r#"{"name":"f","arguments":{}}"#);
            let whole = format!(r#"{{"response":"","tool_calls":[{list}],"finish_reason":"tool_calls"}}"#);
            let stream = format!("data: {whole}\n\ndata: [DONE]\n\n");
            (whole, stream)
        }
        Wire::Anthropic => {
            let block = r#"{"type":"tool_use","id":"a","name":"f","input":{}}"#;
            let whole = format!(r#"{{"content":[{}],"stop_reason":"tool_use"}}"#, list(block));
            let frame = |number| {
                format!(
                    "data: {{\"type\":\"content_block_start\",\"index\":{number},\"content_block\":{block}}}\n\n"
                )
            };
            let end = "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n";
            (whole, (0..calls).map(frame).chain([end.to_owned()]).collect())
        }
        Wire::Gemini => {
            let part = r#"{"functionCall":{"name":"f","args":{}}}"#;
            let of = |parts: &str| {
                format!(r#"{{"candidates":[{{"content":{{"parts":[{parts}]}},"finishReason":"STOP"}}]}}"#)
            };
            let frame = |_| format!("data: {{\"candidates\":[{{\"content\":{{\"parts\":[{part}]}}}}]}}\n\n");
            let end = format!("data: {}\n\n", of(""));
            (of(&list(part)), (0..calls).map(frame).chain([end]).collect())
        }
    }
}

#[test]
fn the_calls_of_all_choices_count_together() {
    let list = vec![r#"{"function":{"name":"f","arguments":"{}"}}"#; 600].join(",");
    let choice =
        |n| format!(r#"{{"index":{n},"message":{{"tool_calls":[{list}]}},"finish_reason":"tool_calls"}}"#);
    let whole = |choices: &[String]| format!(r#"{{"choices":[{}]}}"#, choices.join(","));
    let read = |body: String| decode(Wire::OpenAi, &Renamed::default(), body.as_bytes());
    assert!(read(whole(&[choice(0)])).is_ok());
    assert!(read(whole(&[choice(0), choice(1)])).is_err());
}

/// The ids of an answer's calls, whole and as a stream.
fn ids(wire: Wire, whole: &str, stream: &str) -> [Vec<String>; 2] {
    let ids = |reply: &ChatReply| reply.choices[0].calls().map(|call| call.id.clone()).collect();
    let (events, end) = read(wire, &[stream.as_bytes()]);
    assert_eq!(end, Ok(()), "{wire:?}");
    [ids(&decode(wire, &Renamed::default(), whole.as_bytes()).unwrap()), ids(&gathered(&events))]
}

#[test]
fn no_two_calls_of_an_answer_share_an_id_and_none_has_an_empty_one() {
    for (id, expected) in [("same", ["same", "same_2"]), ("", ["call_m_0", "call_m_1"])] {
        let block = format!(r#"{{"type":"tool_use","id":"{id}","name":"f","input":{{}}}}"#);
        let whole = format!(r#"{{"id":"m","content":[{block},{block}],"stop_reason":"tool_use"}}"#);
        let frame = |n: u32| {
            format!("data: {{\"type\":\"content_block_start\",\"index\":{n},\"content_block\":{block}}}\n\n")
        };
        let start = "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m\"}}\n\n";
        let end = "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n";
        let stream = [start, &frame(0), &frame(1), end].concat();
        assert_eq!(ids(Wire::Anthropic, &whole, &stream), [expected, expected], "{id}");

        let part = format!(r#"{{"functionCall":{{"id":"{id}","name":"f","args":{{}}}}}}"#);
        let whole = format!(
            r#"{{"responseId":"m","candidates":[{{"content":{{"parts":[{part},{part}]}},"finishReason":"STOP"}}]}}"#
        );
        assert_eq!(ids(Wire::Gemini, &whole, &format!("data: {whole}\n\n")), [expected, expected], "{id}");
    }
}

#[test]
fn an_answer_has_at_most_1_024_tool_calls_whole_and_as_a_stream() {
    let refused = Err(DecodeError::Malformed("a tool call is one too many".to_owned()));
    for wire in [Wire::OpenAi, Wire::Anthropic, Wire::Gemini, Wire::WorkersAi] {
        let (whole, stream) = answer(wire, 1_024);
        let reply = decode(wire, &Renamed::default(), whole.as_bytes()).unwrap();
        assert_eq!(reply.choices[0].calls().count(), 1_024, "{wire:?}");
        let (events, end) = read(wire, &[stream.as_bytes()]);
        assert_eq!(end, Ok(()), "{wire:?}");
        assert_eq!(gathered(&events).choices[0].calls().count(), 1_024, "{wire:?}");
        let (whole, stream) = answer(wire, 1_025);
        let reply = decode(wire, &Renamed::default(), whole.as_bytes());
        assert_eq!(reply.map(|_| ()), refused, "{wire:?}");
        assert_eq!(read(wire, &[stream.as_bytes()]).1, refused, "{wire:?}");
    }
}
