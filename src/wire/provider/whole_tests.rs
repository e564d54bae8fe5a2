//! Servers that answer in the other form than they were asked in.

use super::fixtures::{gathered, steady};
use super::*;
use crate::domain::message::Finish;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/fixtures/", $name)).as_slice()
    };
}

#[test]
fn a_whole_answer_in_place_of_a_stream_says_what_it_says() {
    for (wire, json) in [
        (Wire::OpenAi, fixture!("openai/reply.json")),
        (Wire::OpenAi, fixture!("openai/reply_tool_calls.json")),
        (Wire::OpenAi, fixture!("openai/reply_choices.json")),
        (Wire::Anthropic, fixture!("anthropic/text.json")),
        (Wire::Anthropic, fixture!("anthropic/tools.json")),
        (Wire::Gemini, fixture!("gemini/text.json")),
        (Wire::Gemini, fixture!("gemini/tools.json")),
    ] {
        let whole = decode(wire, &Renamed::default(), json).unwrap();
        for before in ["", "\u{feff}", " \n\r\n "] {
            let body = [before.as_bytes(), json].concat();
            let (events, end) = steady(wire, &body);
            assert_eq!(end, Ok(()), "{wire:?}");
            assert!(matches!(events.last(), Some(Event::Usage(_))), "the bill comes at the end: {events:?}");
            let read = gathered(&events);
            assert_eq!((&read.choices, read.usage), (&whole.choices, whole.usage), "{wire:?} {before:?}");
        }
    }
}

#[test]
fn json_in_place_of_a_stream_is_faulty_where_it_is_cut_and_an_error_where_it_says_one() {
    let json = fixture!("openai/reply.json");
    let (events, end) = steady(Wire::OpenAi, &json[..json.len() / 2]);
    assert!(events.is_empty() && matches!(end, Err(DecodeError::Malformed(_))), "{end:?}");
    for wire in [Wire::OpenAi, Wire::Anthropic, Wire::Gemini, Wire::WorkersAi] {
        let (_, end) = steady(wire, br#"{"error":{"message":"slow down","code":429}}"#);
        assert!(matches!(end, Err(DecodeError::Reported(_))), "{wire:?} {end:?}");
    }
    let mut decoder = Decoder::new(Wire::OpenAi, Renamed::default());
    let piece = vec![b'{'; Gather::MAX_BYTES / 2];
    let fed: Vec<_> = (0..3).map(|_| decoder.feed(&piece, &mut Vec::new()).is_ok()).collect();
    assert_eq!(fed, [true, true, false]);
}

#[test]
fn an_array_in_place_of_a_stream_is_its_frames() {
    let frames = br#"[{"candidates":[{"content":{"parts":[{"text":"Hel"}]}}]}
        ,
        {"candidates":[{"content":{"parts":[{"text":"lo"}]},"finishReason":"STOP"}],
            "usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":2}}]"#;
    let (events, end) = steady(Wire::Gemini, frames);
    assert_eq!(end, Ok(()));
    let text = |delta: &str| Event::Text { choice: 0, delta: delta.into() };
    assert_eq!(events[..3], [text("Hel"), text("lo"), Event::Finish { choice: 0, reason: Finish::Stop }]);
    let (_, end) = steady(Wire::Gemini, br#"[{"candidates":[{"content":{"parts":[{"text":"Hel"}]}}]}]"#);
    assert!(matches!(end, Err(DecodeError::Malformed(_))), "it has no end: {end:?}");
}
