use super::*;
use crate::domain::message::{Finish, Usage};
use crate::domain::provider::Wire;
use crate::wire::provider::fixtures::{as_reported, steady, told};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/fixtures/workers_ai/", $name)).as_slice()
    };
}

fn events(stream: &[u8]) -> Vec<Event> {
    let (events, end) = steady(Wire::WorkersAi, stream);
    assert_eq!(end, Ok(()), "{events:?}");
    events
}

fn text(delta: &str) -> Event {
    Event::Text { choice: 0, delta: delta.to_owned() }
}

fn usage(input_tokens: u64, output_tokens: u64) -> Event {
    Event::Usage(Usage { input_tokens, output_tokens, ..Usage::default() })
}

#[test]
fn text_comes_piece_by_piece_even_as_a_number() {
    let expected = [
        text("Grü"),
        text("ße "),
        text("42"),
        usage(21, 5),
        Event::Finish { choice: 0, reason: Finish::Stop },
        usage(21, 5),
    ];
    assert_eq!(events(fixture!("stream.sse")), expected);
}

#[test]
fn tool_calls_come_in_both_forms() {
    let events = events(fixture!("stream_tool_calls.sse"));
    let calls = told(&events).calls;
    assert_eq!(calls[0], ("call123".into(), "get_weather".into(), "{\"location\": \"London\"}".into()));
    assert_eq!((calls[1].1.as_str(), calls[1].2.as_str()), ("get_time", "{\"zone\":\"UTC\"}"));
    assert_eq!(calls.len(), 2);
    assert_eq!(
        events[events.len() - 2..],
        [Event::Finish { choice: 0, reason: Finish::ToolCalls }, usage(80, 20)]
    );
}

#[test]
fn the_newer_form_is_read_too() {
    let events = events(fixture!("stream_openai.sse"));
    let told = told(&events);
    assert_eq!((told.reasoning.as_str(), told.text.as_str()), ("Okay", "A cow is cool"));
    let last = Usage { input_tokens: 13, cached_input_tokens: 8, output_tokens: 6, ..Usage::default() };
    assert_eq!(events.last(), Some(&Event::Usage(last)));
}

#[test]
fn a_stream_without_its_end_was_cut() {
    for stream in [
        "",
        "data: {\"response\":\"a\"}\n\n",
        "data: {\"response\":\"a\"}\n\ndata: {\"resp",
        "<html>",
        "data: [DONE]\n\n",
    ] {
        let (_, end) = steady(Wire::WorkersAi, stream.as_bytes());
        assert!(matches!(end, Err(DecodeError::Malformed(_))), "{stream:?}: {end:?}");
    }
}

#[test]
fn errors_are_seen_in_both_forms_and_none_is_no_error() {
    for stream in [
        "data: {\"error\":{\"message\":\"Busy\",\"code\":3040}}\n\n",
        "data: {\"response\":\"\",\"errors\":[{\"message\":\"Busy\",\"code\":3040}]}\n\n",
    ] {
        let (_, end) = steady(Wire::WorkersAi, stream.as_bytes());
        assert_eq!(as_reported(end), ("Busy".into(), 429, None));
    }
    assert_eq!(
        events(b"data: {\"response\":\"a\",\"errors\":[],\"error\":null}\n\ndata: [DONE]\n\n")[0],
        text("a")
    );
}
